"""Texts that are compressed one by one are one gzip file for every reader."""

import gzip
import zlib

from hypothesis import given
from hypothesis import strategies as st

from yuptime_exporter.core.packing import gzip_file, pack

texts = st.lists(st.binary(max_size=50) | st.binary(max_size=9).map(lambda text: 5000 * text))


@given(texts)
def test_texts_read_back_in_their_order_from_any_choice_of_packed_texts(texts: list[bytes]) -> None:
    assert gzip.decompress(b"".join(gzip_file(map(pack, texts)))) == b"".join(texts)


@given(texts)
def test_the_file_has_one_member_for_clients_that_read_no_second_one(texts: list[bytes]) -> None:
    reader = zlib.decompressobj(wbits=31)

    text = reader.decompress(b"".join(gzip_file(map(pack, texts))))

    assert (text, reader.eof, reader.unused_data) == (b"".join(texts), True, b"")


def test_a_text_that_stands_in_two_places_is_compressed_once() -> None:
    twice = pack(b"some text\n")

    assert gzip.decompress(b"".join(gzip_file([twice, pack(b"other\n"), twice]))) == (
        b"some text\nother\nsome text\n"
    )

"""Charsets: declared ones are honoured, and none costs the status of a push."""

import codecs

import pytest

from yuptime_exporter.web.pushes.text import content_type, decoded


def text_of(data: bytes, header: str = "") -> str:
    return decoded(data, content_type(header).codec)[0]


@pytest.mark.parametrize(
    "header",
    [
        "text/plain; charset=ISO-8859-1",
        "text/plain;charset=latin1",
        'text/plain; Charset = "Windows-1252"',
        "text/plain; format=flowed; charset='cp1252'",
    ],
)
def test_a_declared_charset_is_honoured_however_it_is_written(header: str) -> None:
    assert text_of("{déjà “vu”}".encode("cp1252"), header) == "{déjà “vu”}"


@pytest.mark.parametrize(
    "charset",
    [
        "utf-8",
        "UTF8",
        "iso-8859-15",
        "windows-1251",
        "koi8-r",
        "Shift_JIS",
        "EUC-JP",
        "gbk",
        "gb18030",
        "big5",
        "euc-kr",
        "cp850",
        "macintosh",
        "ISO-2022-JP",
    ],
)
def test_text_in_a_declared_charset_arrives_as_it_was_written(charset: str) -> None:
    text = {
        "windows-1251": "диск",
        "koi8-r": "диск",
        "big5": "磁碟已滿",
        "gbk": "磁盘已满",
        "gb18030": "磁盘已满",
        "euc-kr": "디스크",
        "Shift_JIS": "ディスク表示",
        "EUC-JP": "ディスク表示",
        "ISO-2022-JP": "ディスク表示",
    }.get(charset, "é")
    sent = f'{{"message":"{text}"}}'

    assert text_of(sent.encode(charset), f"application/json; charset={charset}") == sent


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be"])
@pytest.mark.parametrize("header", ["", "text/plain; charset=utf-16", "text/plain; charset=gbk"])
def test_utf_16_and_utf_32_are_known_by_their_zero_bytes(encoding: str, header: str) -> None:
    assert text_of('{"ü": 1}'.encode(encoding), header) == '{"ü": 1}'


def test_a_byte_order_mark_is_skipped_and_counts_more_than_the_declared_charset() -> None:
    data = codecs.BOM_UTF8 + '{"ü": 1}'.encode()

    assert text_of(data, "text/plain; charset=gbk") == '{"ü": 1}'


def test_text_that_was_never_converted_to_the_declared_utf_16_is_read_as_utf_8() -> None:
    assert text_of('{"ü": 1}'.encode(), "text/plain; charset=utf-16") == '{"ü": 1}'


@pytest.mark.parametrize(
    "charset",
    [
        "utf-99",
        "us-ascii",
        "utf-7",
        "rot13",
        "base64",
        "idna",
        "punycode",
        "unicode_escape",
        "undefined",
        "mbcs",
        "hz",
        "cp037",
        "../x",
        "x" * 200,
        "",
        "%00",
        "utf-8\x00",
    ],
)
def test_text_in_an_unknown_charset_is_read_as_utf_8(charset: str) -> None:
    assert text_of("{é+AD4-}".encode(), f"text/plain; charset={charset}") == "{é+AD4-}"


@pytest.mark.parametrize(
    ("data", "header"),
    [
        (b'{"\xe9"}', ""),
        (b'{"\xc3"}', ""),
        (b'{"\x9d"}', "text/plain; charset=windows-1252"),
        (b'{"\xff"}', "text/plain; charset=shift_jis"),
    ],
)
def test_bytes_that_do_not_fit_are_replaced_and_leave_their_neighbours(
    data: bytes, header: str
) -> None:
    assert text_of(data, header) == '{"\ufffd"}'


def test_half_a_character_of_utf_16_is_replaced() -> None:
    assert text_of("{}".encode("utf-16-le") + b"\x20") == "{}\ufffd"

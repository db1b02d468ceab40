"""Texts that are compressed once, each for itself, and joined to one gzip file.

A text is one or more blocks of deflate (RFC 1951) that refer to no other text and end at a whole
byte. So a file of texts of which few changed needs those compressed again, and no other. The file
has one member: many clients read the first member of a file only.
"""

from collections.abc import Iterable
from struct import Struct
from typing import NamedTuple

from isal import isal_zlib

_LEVEL = 1
_WITHOUT_HEADER = -15

# RFC 1952: deflate, no name, no time, the fastest level, an unknown system.
_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x04\xff"
_LAST_BLOCK = b"\x03\x00"  # an empty one
_TRAILER = Struct("<LL")


class Packed(NamedTuple):
    """One compressed text.

    Attributes:
        data: blocks of deflate, none of them the last one of a file.
        checksum: CRC-32 of the text.
        size_bytes: of the text.
    """

    data: bytes
    checksum: int
    size_bytes: int


def pack(text: bytes) -> Packed:
    """Compress a text."""
    compressor = isal_zlib.compressobj(_LEVEL, isal_zlib.DEFLATED, _WITHOUT_HEADER)
    data = compressor.compress(text) + compressor.flush(isal_zlib.Z_SYNC_FLUSH)
    return Packed(data, isal_zlib.crc32(text), len(text))


def gzip_file(texts: Iterable[Packed]) -> list[bytes]:
    """Return the gzip file of the joined texts, in pieces."""
    pieces = [_HEADER]
    checksum = size_bytes = 0
    for text in texts:
        pieces.append(text.data)
        checksum = isal_zlib.crc32_combine(checksum, text.checksum, text.size_bytes)
        size_bytes += text.size_bytes
    pieces += (_LAST_BLOCK, _TRAILER.pack(checksum, size_bytes & 0xFFFFFFFF))
    return pieces

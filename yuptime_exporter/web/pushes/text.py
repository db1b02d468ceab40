"""From the bytes of a push to text. A flaw in the encoding never costs the status of a push."""

import codecs
import json
import re
from dataclasses import dataclass
from encodings import normalize_encoding
from encodings.aliases import aliases
from functools import cache, lru_cache

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"

_UTF_8 = "utf-8"

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

# The codecs of Python that have an alias. Others, like idna, are no charsets, and may need more than
# linear time.
_CODECS = frozenset(aliases.values())

# Clients that declare Latin-1 send Windows-1252, and those that declare ASCII send anything
# (encoding.spec.whatwg.org, names and labels).
_AS_CLIENTS_MEAN_IT = {"latin_1": "cp1252", "ascii": _UTF_8}

_VISIBLE_ASCII = bytes(range(0x20, 0x7F))

_CHARSET = re.compile(r';\s*charset\s*=\s*["\']?([A-Za-z0-9_.:+-]{1,40})', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ContentType:
    """A Content-Type header.

    Attributes:
        media_type: in lower case, without parameters; empty when there is no header.
        codec: the codec of Python for the declared charset; UTF-8 without a known one.
        is_json: whether the media type is that of JSON.
        is_text: whether a body of this media type may be JSON or a form.
    """

    media_type: str
    codec: str
    is_json: bool
    is_text: bool


@lru_cache(maxsize=64)
def content_type(header: str) -> ContentType:
    """Read a Content-Type header; empty: there is none."""
    charset = _CHARSET.search(header)
    media_type = header.partition(";")[0].strip().lower()
    is_json = media_type in (JSON, "text/json") or media_type.endswith("+json")
    return ContentType(
        media_type,
        _codec(charset[1]) if charset else _UTF_8,
        is_json,
        is_json or media_type in (FORM, "") or media_type.startswith("text/"),
    )


def decoded(data: bytes, codec: str) -> tuple[str, str]:
    """Return text, with U+FFFD for bytes that do not fit, and the codec that was used.

    A byte order mark counts more than the declared charset, and is skipped. UTF-16 and UTF-32 are
    known by their zero bytes, with or without a mark or a charset: every push begins with a
    character of ASCII.
    """
    if data[:1] == b"{" and data[1:2] != b"\0":  # the common case, of which the rest is true, too
        return data.decode(codec, "replace"), codec
    found = json.detect_encoding(data)
    used = codec if found == _UTF_8 else found
    return data.decode(used, "replace"), used


def words(data: bytes, codec: str) -> str:
    """Return text that may begin with any character, with U+FFFD for bytes that do not fit.

    Only a byte order mark counts more than the codec: a zero byte may stand in any log.
    """
    for mark, marked_codec in _MARKS:
        if data.startswith(mark):
            return data.decode(marked_codec, "replace")
    return data.decode(codec, "replace")


def _codec(charset: str) -> str:
    name = normalize_encoding(charset).lower()
    codec = aliases.get(name, name)
    if codec not in _CODECS or not _extends_ascii(codec):
        return _UTF_8
    return _AS_CLIENTS_MEAN_IT.get(codec, codec)


@cache
def _extends_ascii(codec: str) -> bool:
    """Return whether ASCII means itself in this charset; then a form may be split as bytes."""
    try:
        return _VISIBLE_ASCII.decode(codec) == _VISIBLE_ASCII.decode("ascii")
    except (LookupError, UnicodeError):  # no charset, like base64, or not on this system, like mbcs
        return False

"""From a push as text to its fields: JSON, a form, or a query, each with the same names."""

import json
from collections.abc import Iterable
from urllib.parse import unquote_to_bytes

from yuptime_exporter.core.errors import MalformedPush, UnsupportedBody
from yuptime_exporter.web.pushes.text import FORM, JSON, ContentType, decoded

Fields = Iterable[tuple[str, object]]
"""Names and values in their order, perhaps with a name twice; values of a form are strings."""

# More than any dialect has; a body of 1 MiB that consists of & must not become a million fields.
_MAX_FIELDS = 20

_JSON_SPACE = " \t\r\n"
_JSON_EXAMPLE = 'a JSON object such as {"status": "up", "message": "…"}'
_FORM_EXAMPLE = "a form such as status=up&message=…"

_LIST, _STRING = "a list", "a string"
_JSON_KINDS = {"[": _LIST, '"': _STRING, "n": "null", "t": "a boolean", "f": "a boolean"}

# The messages of the parser in plainer words, with alternatives and remedies.
_EXPECTED = {
    "Expecting value": "a value",
    "Expecting property name enclosed in double quotes": "a field name in double quotes",
    "Expecting ':' delimiter": "a colon",
    "Expecting ',' delimiter": "a comma or a closing bracket (a double quote inside a string is "
    'written \\")',
    "Illegal trailing comma before end of object": "no comma before the closing bracket",
    "Illegal trailing comma before end of array": "no comma before the closing bracket",
    "Unterminated string starting at": "that the string which begins here ends with a double quote",
    "Invalid \\escape": "an escape such as \\n (a backslash itself is written \\\\)",
    "Invalid \\uXXXX escape": "four hexadecimal digits after \\u (a backslash itself is written "
    "\\\\)",
    "Extra data": "nothing after the object",
}


def _whole_number(digits: str) -> int | float:
    """Return a number in JSON, also with more than 4,300 digits, which `int` refuses."""
    return int(digits) if len(digits) < 1000 else float(digits)


# A JSON object becomes a tuple of pairs, in which a name may stand twice. With `strict` a string
# could hold no control character, such as the line ends of a log that a shell pasted.
_DECODER = json.JSONDecoder(object_pairs_hook=tuple, parse_int=_whole_number, strict=False)


def body_fields(body: bytes, content: ContentType) -> Fields:
    """Return the fields of a body that is not empty; JSON is known by its first character.

    Raises:
        UnsupportedBody: a media type that is neither JSON, nor text, nor a form.
        MalformedPush: the body is neither JSON nor a form.
    """
    if not content.is_text:
        raise UnsupportedBody(_expected_type(content.media_type))
    text, codec = decoded(body, content.codec)
    first = text.lstrip(_JSON_SPACE)[:1]
    if first == "{":
        return _json_fields(text)
    if content.is_json or first in ("[", '"', ""):
        raise MalformedPush(f"body: expected {_JSON_EXAMPLE}, got {_kind(first)}")
    # In the charsets of ISO 2022 the bytes of & and = are also halves of other characters.
    if codec != content.codec or codec.startswith("iso2022"):
        body, codec = text.encode(), "utf-8"
    return form_fields(body.rstrip(b"\r\n"), codec=codec, place="body")


def form_fields(data: bytes, *, codec: str = "utf-8", place: str) -> Fields:
    """Return the fields of a form or a query; an empty pair, as after a last `&`, says nothing.

    Args:
        data: pairs as in a URL, in a charset that extends ASCII.
        codec: the codec of that charset.
        place: names the data in an error.
    """
    fields = []
    pairs = data.split(b"&", _MAX_FIELDS)
    if len(pairs) > _MAX_FIELDS:
        raise MalformedPush(f"{place}: expected at most {_MAX_FIELDS} fields, got unknown ones")
    for pair in pairs:
        name, equals, value = pair.partition(b"=")
        if equals:
            fields.append((_unquoted(name, codec), _unquoted(value, codec)))
        elif pair and fields:
            raise MalformedPush(
                f"{place}: expected each & to be followed by NAME=VALUE, got no = "
                "(an & inside a value is written %26, as by curl --data-urlencode)"
            )
        elif pair:
            example = _FORM_EXAMPLE if place == "query" else f"{_JSON_EXAMPLE}, or {_FORM_EXAMPLE}"
            raise MalformedPush(f"{place}: expected {example}, got neither")
    return fields


def value_as_text(value: object) -> str:
    """Return a value of JSON as text: a string itself, null as empty, others as JSON.

    Raises:
        MalformedPush: the value is nested too deeply.
    """
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    try:
        return json.dumps(_with_objects(value), ensure_ascii=False)
    except RecursionError:
        raise _too_deep() from None


def kind_of(value: object) -> str:
    """Name the type of a value of JSON, for an error that must not repeat the value."""
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return _STRING
        case list():
            return _LIST
        case _:
            return "an object"


def _json_fields(text: str) -> Fields:
    try:
        fields: Fields
        if text[0] == "{" and text[-1] == "}":  # otherwise white space is around the object
            fields, end = _DECODER.raw_decode(text)
            if end == len(text):
                return fields
        fields = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise MalformedPush(_explain(error)) from None  # the cause would carry the client's text
    except RecursionError:
        raise _too_deep() from None
    return fields


def _explain(error: json.JSONDecodeError) -> str:
    expected = _EXPECTED.get(error.msg, "JSON")
    got = "the end of the body" if error.pos >= len(error.doc.rstrip()) else "another character"
    place = f"line {error.lineno}, column {error.colno}"
    return f"body, {place}: expected {expected}, got {got}"


def _too_deep() -> MalformedPush:
    return MalformedPush(
        "body: expected a status and a message, got JSON that is nested too deeply"
    )


def _with_objects(value: object) -> object:
    """Return a value of JSON with a dict for each tuple of pairs."""
    match value:
        case tuple():
            return {name: _with_objects(inner) for name, inner in value}
        case list():
            return [_with_objects(inner) for inner in value]
        case _:
            return value


def _kind(first: str) -> str:
    if not first:
        return "white space"
    return "a number" if first in "-0123456789" else _JSON_KINDS.get(first, "something else")


def _expected_type(media_type: str) -> str:
    expected = f"Content-Type: expected {JSON} or {FORM}"
    if media_type == "multipart/form-data":
        return f"{expected}, got multipart/form-data (use curl -d or --data-urlencode, not -F)"
    return f"{expected}, got another"


def _unquoted(quoted: bytes, codec: str) -> str:
    if b"%" in quoted or b"+" in quoted:
        quoted = unquote_to_bytes(quoted.replace(b"+", b" "))
    return quoted.decode(codec, "replace")

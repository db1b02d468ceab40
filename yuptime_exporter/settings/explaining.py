"""The problems with a configuration file in words: expected Y, got X, and which key was meant.

No text contains a string of the file, which may be a password in the wrong place.
"""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from yuptime_exporter.resource.text import quotable
from yuptime_exporter.resource.validation import described

# The expected value by pydantic's name of the error.
_EXPECTED: Mapping[str, str] = {
    "bool_type": "true or false",
    "dict_type": "a mapping",
    "greater_than_equal": "a number of at least {ge}",
    "int_from_float": "a whole number",
    "int_type": "a whole number",
    "list_type": "a list",
    "missing": "a value",
    "model_attributes_type": "a mapping",
    "model_type": "a mapping",
    "string_type": "a string",
}

_NUMBERS_NEED_QUOTES = "; put the value in quotes"


def explained(error: ValidationError, shape: type[BaseModel]) -> str:
    """Return all problems of a file in one line.

    Args:
        error: raised for the file.
        shape: of the whole file.
    """
    return "; ".join(_problem(details, shape) for details in error.errors(include_url=False))


def _problem(details: ErrorDetails, shape: type[BaseModel]) -> str:
    location, value = details["loc"], details["input"]
    path = ".".join(quotable(str(part)) for part in location) or "the file"
    match details["type"]:
        case "extra_forbidden":
            return f"{path}: unknown key{_suggestion(location, shape)}"
        case "missing":
            return f"{path}: expected {_EXPECTED['missing']}, got nothing"
        case "value_error":
            text = str(details["ctx"]["error"])
            return f"{path}: {text}" if isinstance(value, str | dict) else _got(path, text, value)
        case kind:
            expected = _EXPECTED.get(kind, "another value").format(**details.get("ctx", {}))
            hint = _NUMBERS_NEED_QUOTES if kind == "string_type" and _is_plain(value) else ""
            return _got(path, f"expected {expected}", value) + hint


def _got(path: str, expected: str, value: object) -> str:
    return f"{path}: {expected}, got {described(value, quote=_is_plain(value))}"


def _is_plain(value: object) -> bool:
    return isinstance(value, bool | int | float)


def _suggestion(location: Sequence[int | str], shape: type[BaseModel]) -> str:
    """Return the key that was probably meant, or the allowed ones."""
    *parents, name = location
    keys = list(_keys_at(parents, shape))
    meant = difflib.get_close_matches(str(name), keys, n=1)
    return f"; did you mean {meant[0]}?" if meant else f"; expected {', '.join(keys)}"


def _keys_at(parents: Sequence[int | str], shape: type[BaseModel]) -> Iterator[str]:
    for part in parents:
        if isinstance(part, str):
            shape = next(_shapes_in(shape.model_fields[part].annotation))
    yield from shape.model_fields


def _shapes_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """Return the shapes in an annotation such as `Section`, `Section | None` or `list[Section]`."""
    for part in (annotation, *get_args(annotation)):
        if isinstance(part, type) and issubclass(part, BaseModel):
            yield part

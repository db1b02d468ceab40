"""An object in its shape, or the problems with it: expected Y, got X."""

from collections.abc import Iterator
from typing import TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from yuptime_exporter.core.declared import Problem
from yuptime_exporter.core.urls import without_credentials
from yuptime_exporter.resource.place import Where
from yuptime_exporter.resource.shapes import MonitorResource, SecretResource
from yuptime_exporter.resource.text import quotable

MAX_SHOWN_DIGITS = 20

_Resource = TypeVar("_Resource", MonitorResource, SecretResource)


def read_resource(
    shape: type[_Resource], value: object, where: Where, *, quote_values: bool
) -> _Resource | tuple[Problem, ...]:
    """Return the object in its shape, or all problems with it.

    Args:
        shape: the shape that the object should have.
        value: the object as plain values.
        where: its place, for problems.
        quote_values: False for a Secret; then problems contain the types of values only.
    """
    try:
        return shape.model_validate(value)
    except ValidationError as error:
        return tuple(
            _problem(shape, details, str(where), quote_values=quote_values)
            for details in error.errors(include_url=False, include_context=False)
        )


def described(value: object, *, quote: bool = True) -> str:
    """Return a value in words, with its type."""
    match value:
        case None:
            return "nothing"
        case dict():
            return "a mapping"
        case list():
            return "a list"
        case bool():
            return f"{str(value).lower()} (a boolean)" if quote else "a boolean"
        case int():
            # Python raises an error when it formats a number with thousands of digits.
            shown = quote and abs(value) < 10**MAX_SHOWN_DIGITS
            return f"{value} (a whole number)" if shown else "a whole number"
        case float():
            return f"{value} (a number)" if quote else "a number"
        case str():
            return f'"{quotable(without_credentials(value))}" (a string)' if quote else "a string"
        case _:
            return f"a {type(value).__name__}"


def _problem(
    shape: type[BaseModel], details: ErrorDetails, where: str, *, quote_values: bool
) -> Problem:
    path = tuple(str(part) for part in details["loc"])
    # Below the last field of a shape there are only mappings of strings.
    expected = EXPECTED[shape].get(path, "a string")
    if details["type"] == "missing":
        got = "nothing"
    else:
        got = described(details["input"], quote=quote_values and expected != _MAPPING)
    text = f"expected {expected}, got {got}{_hint(details)}"
    return Problem(where, ".".join(quotable(part) for part in path), text)


def _hint(details: ErrorDetails) -> str:
    match details["type"], details["input"]:
        case "string_type", bool():
            return "; YAML reads yes, no, on and off as booleans: put the value in quotes"
        case "string_type", int() | float():
            return "; put the value in quotes"
        case _:
            return ""


_MAPPING = "a mapping"


def _expected(
    shape: type[BaseModel], parents: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], str]]:
    for info in shape.model_fields.values():
        path = (*parents, str(info.alias))
        yield path, _description(info) or _MAPPING
        for part in (info.annotation, *get_args(info.annotation)):
            if isinstance(part, type) and issubclass(part, BaseModel):
                yield from _expected(part, path)


def _description(info: FieldInfo) -> str | None:
    if info.description:
        return info.description
    for part in get_args(info.annotation):  # in `X | None` it is that of X
        for metadata in getattr(part, "__metadata__", ()):
            if isinstance(metadata, FieldInfo):
                return metadata.description
    return None


EXPECTED: dict[type[BaseModel], dict[tuple[str, ...], str]] = {
    MonitorResource: dict(_expected(MonitorResource)),
    SecretResource: dict(_expected(SecretResource)),
}
"""The expected value of each field, by its path, for each shape."""

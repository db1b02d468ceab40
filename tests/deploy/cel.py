"""The part of CEL that the validation rules use, evaluated by Python.

The fast ring evaluates the rules here; the peer ring compares with a real API server.
https://kubernetes.io/docs/reference/using-api/cel/
"""

import re
import sys
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from itertools import groupby
from typing import Any

_TOKEN = re.compile(r"r?'[^']*'|&&|\|\||!=|!|\.all\((\w+), |\w+|.", re.DOTALL)
_WORDS = {"&&": " and ", "||": " or ", "!": " not "}
_CHOICE = re.compile(r"(has\([\w.]+\)(?: +and +has\([\w.]+\))*) \? ([\w.«»]+) : ([\w.«»]+)")


class Text(str):
    """A string with CEL's methods."""

    __slots__ = ()

    def matches(self, pattern: str) -> bool:
        return re.search(as_python(pattern), self) is not None

    def startsWith(self, start: str) -> bool:  # noqa: N802  CEL's own name
        return self.startswith(start)


class Many(list[Any]):
    """A list, or the keys of a map, with CEL's macros."""

    def all(self, holds_for: Callable[[Any], bool]) -> bool:
        return all(holds_for(one) for one in self)


class Fields:
    """A map or an object: an attribute for each field, `None` for a missing field.

    CEL allows no fields of a missing field, and Python's None has none either.
    """

    def __init__(self, fields: Mapping[str, object]) -> None:
        self._fields = fields

    def __getattr__(self, name: str) -> object:
        return in_cel(self._fields.get(name))

    def __getitem__(self, name: str) -> object:
        return in_cel(self._fields[name])

    def all(self, holds_for: Callable[[Any], bool]) -> bool:
        return all(holds_for(Text(name)) for name in self._fields)


def in_cel(value: object) -> object:
    """The value in the form of rules."""
    match value:
        case dict():
            return Fields(value)
        case str():
            return Text(value)
        case _:
            return value


def holds(rule: str, value: object) -> bool:
    """Whether a rule holds for the value `self`."""
    names = {
        "self": in_cel(value),
        "has": lambda found: found is not None,
        "size": len,
        "bytes": lambda text: text.encode(),
        "Text": Text,
        "Many": Many,
    }
    result = eval(_python_of(rule), names)  # noqa: S307  our own rules
    assert isinstance(result, bool), rule
    return result


@cache
def _python_of(rule: str) -> str:
    strings: list[str] = []
    return re.sub(
        r"«(\d+)»",
        lambda found: f"Text({strings[int(found[1])]})",
        _with_choices("".join(_words(rule, strings))),
    )


def _words(rule: str, strings: list[str]) -> Iterator[str]:
    closing: list[str] = []
    before = ""
    for found in _TOKEN.finditer(rule):
        word = found[0]
        if word.endswith("'"):
            strings.append(word)
            word = f"«{len(strings) - 1}»"
        elif found[1]:
            word = f".all(lambda {found[1]}: "
        elif word == "[":
            is_index = re.fullmatch(r"\w+|[\])]", before) is not None and before != "in"
            closing.append("]" if is_index else "])")
            word = "[" if is_index else "Many(["
        elif word == "]":
            word = closing.pop()
        yield _WORDS.get(word, word)
        before = word.strip() or before


def _with_choices(text: str) -> str:
    """Python's form of `condition ? one : other`."""
    return _CHOICE.sub(r"(\2 if \1 else \3)", text)


@cache
def as_python(pattern: str) -> str:
    """A pattern of RE2 for Python: `$` is the very end, and Unicode's classes are spelt out."""
    if pattern.endswith("$"):
        pattern = pattern.removesuffix("$") + r"\Z"
    return pattern.replace(r"\pC\pZ", _invisible()) if r"\p" in pattern else pattern


@cache
def _invisible() -> str:
    r"""The characters of `\pC\pZ`, without unassigned characters (Cn)."""
    return "".join(f"{re.escape(first)}-{re.escape(last)}" for first, last in _runs(_is_invisible))


def _is_invisible(character: str) -> bool:
    category = unicodedata.category(character)
    return category[0] in "CZ" and category != "Cn"


def _runs(chosen: Callable[[str], bool]) -> Iterable[tuple[str, str]]:
    characters = map(chr, range(sys.maxunicode + 1))
    for is_chosen, run in groupby(characters, key=chosen):
        members = list(run)
        if is_chosen:
            yield members[0], members[-1]

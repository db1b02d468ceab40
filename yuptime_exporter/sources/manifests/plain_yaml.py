"""The YAML that nearly all manifests consist of, read ten times faster than by a full parser.

It is nested mappings, a line for each key, with plain or quoted values that fill the rest of their
line. A file with anything else is left to `yaml_values`, whole. For the files that are read here both
give the same result, down to the lines.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from yuptime_exporter.resource.place import Place
from yuptime_exporter.sources.manifests.yaml_values import Document

# Each line has at most three of the values that `yaml_values.MAX_NODES` bounds.
MAX_LINES = 300_000
MAX_DEPTH = 50

_SEPARATOR = re.compile(r"\n---(?=\n|\Z)")
_NOTHING = re.compile(r" *(?:#[ -~]*)?")

# Words that YAML reads as another type than text, in some of their spellings.
_WORDS = frozenset({"true", "false", "yes", "no", "on", "off", "null"})

_KEY_AND_VALUE = re.compile(
    r"""
    (?P<indent> [ ]*)
    (?P<key> [A-Za-z][A-Za-z0-9_./-]*) :
    (?: [ ]+ (?:
        (?P<boolean> true|false)
      | (?P<number> 0|[1-9][0-9]{0,14})
      | "(?P<double> [ !#-\[\]-~]*)"
      | '(?P<single> [ -&(-~]*)'
      # Inside, a colon and a space are followed by a character that cannot end the text.
      | (?P<text> [A-Za-z] (?: [A-Za-z0-9_./=+@,()-] | :(?=[A-Za-z0-9_/.]) | [ ](?=[A-Za-z0-9_./(]) )*)
    ))?
    (?: [ ]+ \# [ -~]* | [ ]* )
    """,
    re.VERBOSE,
)

# A line without indentation that begins with a letter begins a block: a key and its value.
_BLOCK_BEGIN = re.compile(r"\n(?=[A-Za-z])")


class Part(NamedTuple):
    """The text of one document in a file.

    Attributes:
        number: of the document, from 1 on; 0: there is nothing before the first separator.
        line: the number of lines before the text.
        text: begins with an end of a line.
    """

    number: int
    line: int
    text: str


def plain_parts(text: str) -> Iterator[Part] | None:
    """Return the documents of a file, not read yet; None if the file needs a full parser.

    Some may be empty, and each may still turn out to need a full parser.

    Args:
        text: the whole file, of characters that YAML allows.
    """
    return None if text.count("\n") >= MAX_LINES else _parts(text)


def _parts(text: str) -> Iterator[Part]:
    # Each separator, and the first block of each document, is after an end of a line.
    texts = _SEPARATOR.split(f"\n{text}")
    number, line = int(_BLOCK_BEGIN.search(texts[0]) is not None), 0
    for part in texts:
        yield Part(number, line, part)
        number += 1
        line += part.count("\n") + 1


def read_plain(text: str, name: str) -> list[Document] | None:
    """Return the documents of a file; None if the file has to be read by a full parser.

    Args:
        text: the whole file, of characters that YAML allows.
        name: the name of the file, for the places of the documents.
    """
    parts = plain_parts(text)
    return None if parts is None else read_parts(parts, name)


def read_parts(parts: Iterable[Part], name: str) -> list[Document] | None:
    """Return some documents of a file; see `read_plain`."""
    blocks = _Blocks()
    documents: list[Document] = []
    try:
        for part in parts:
            head, *texts = _BLOCK_BEGIN.split(part.text)
            _check_empty(head)
            value = _mapping(map(blocks.parsed, texts))
            if value:
                place = Place(name, part.number, part.line + first_line(part.text))
                documents.append(Document(place, value))
    except _NotPlain:
        return None
    return documents


def first_line(text: str) -> int:
    """Return the line at which the first block of a document begins, from 1 on."""
    found = _BLOCK_BEGIN.search(text)
    return text.count("\n", 0, found.start() if found else len(text)) + 1


class _NotPlain(Exception):
    """A line is of another kind, or is invalid: only a full parser can tell."""


@dataclass(frozen=True, slots=True)
class _Line:
    """A key with its value; without a value, a mapping or null follows."""

    indent: int
    key: str
    value: str | int | bool | None


class _Blocks:
    """Parses blocks; equal lines and equal blocks, of which manifests have many, are parsed once.

    The values of equal blocks are the identical object.
    """

    def __init__(self) -> None:
        self._lines: dict[str, _Line | None] = {}
        self._blocks: dict[str, tuple[str, object]] = {}

    def parsed(self, text: str) -> tuple[str, object]:
        """Return the key of a block and its value.

        Raises:
            _NotPlain: a line cannot be read here.
        """
        block = self._blocks.get(text)
        if block is None:
            block = self._blocks[text] = self._parsed(text)
        return block

    def _parsed(self, text: str) -> tuple[str, object]:
        block: dict[str, object] = {}
        mappings, indents = [block], [0]  # from the block to the current mapping
        open_key: str | None = None
        for line in map(self._line, text.split("\n")):
            if line is None:
                continue
            if line.indent > indents[-1]:
                if open_key is None or len(indents) > MAX_DEPTH:
                    raise _NotPlain
                inner: dict[str, object] = {}
                mappings[-1][open_key] = inner
                mappings.append(inner)
                indents.append(line.indent)
            while line.indent < indents[-1]:
                indents.pop()
                mappings.pop()
            _add(mappings[-1], line.key, line.value)
            if line.indent != indents[-1]:
                raise _NotPlain
            open_key = line.key if line.value is None else None
        return next(iter(block.items()))

    def _line(self, line: str) -> _Line | None:
        try:
            return self._lines[line]
        except KeyError:
            parsed = self._lines[line] = _parsed_line(line)
            return parsed


def _mapping(blocks: Iterable[tuple[str, object]]) -> dict[str, object]:
    mapping: dict[str, object] = {}
    for key, value in blocks:
        _add(mapping, key, value)
    return mapping


def _add(mapping: dict[str, object], key: str, value: object) -> None:
    if key in mapping:
        raise _NotPlain
    mapping[key] = value


def _check_empty(head: str) -> None:
    """Raise an error if there is content before the first block."""
    if head and not all(map(_NOTHING.fullmatch, head.split("\n"))):
        raise _NotPlain


def _parsed_line(line: str) -> _Line | None:
    """Return the parts of a line; None for a line without content."""
    if _NOTHING.fullmatch(line):
        return None
    match = _KEY_AND_VALUE.fullmatch(line)
    if match is None or (match["text"] or "").lower() in _WORDS:
        raise _NotPlain
    kind = match.lastgroup or ""
    value: str | int | bool | None = match[kind]
    if kind == "key":
        value = None
    elif kind == "boolean":
        value = value == "true"
    elif kind == "number":
        value = int(match[kind])
    return _Line(len(match["indent"]), match["key"], value)

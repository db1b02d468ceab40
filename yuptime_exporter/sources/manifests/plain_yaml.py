"""The YAML that nearly all manifests consist of, read ten times faster than by a full parser.

It is nested mappings, a line for each key, with plain or quoted values that fill the rest of their
line. A file with anything else is left to `yaml_values`, whole. For the files that are read here both
give the same result, down to the lines.
"""

import re
from collections.abc import Iterable, Mapping
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

# The name in the metadata of an object. It is too long for a word of YAML, and a valid name.
_NAME = re.compile(
    r"\nmetadata:\n(?:  [A-Za-z]+: [^\n]*\n)*?  name: ([a-z][a-z0-9-]{5,61}[a-z0-9])(?=\n)"
)

# A line without indentation that begins with a letter begins a block: a key and its value.
_BLOCK_BEGIN = re.compile(r"\n(?=[A-Za-z])")


def read_plain(text: str, name: str) -> list[Document] | None:
    """Return the documents of a file; None if the file has to be read by a full parser.

    Args:
        text: the whole file, of characters that YAML allows.
        name: the name of the file, for the places of the documents.
    """
    if text.count("\n") >= MAX_LINES:
        return None
    blocks, twins = _Blocks(), _Twins()
    documents: list[Document] = []
    index, line = 0, 0
    try:
        # Each separator, and the first block of each document, is after an end of a line.
        for number, part in enumerate(_SEPARATOR.split(f"\n{text}")):
            index += number > 0
            read = twins.like(part) or twins.add(_read(part, blocks))
            if read.value:  # the first document of a file needs no separator
                index = index or 1
                place = Place(name, index, line + read.line)
                documents.append(Document(place, read.value, read.name, read.twin))
            line += read.lines
    except _NotPlain:
        return None
    return documents


class _NotPlain(Exception):
    """A line is of another kind, or is invalid: only a full parser can tell."""


class _Read(NamedTuple):
    """A document that was read.

    Attributes:
        value: empty where there is no document.
        line: at which the document begins.
        lines: number of lines, that of the separator included.
        name: and `twin`: see `Document`.
    """

    value: Mapping[str, object]
    line: int
    lines: int
    name: str = ""
    twin: object = None


class _Twins:
    """Makes documents from those that were read before and differ in `metadata.name` only.

    They are the documents of nearly all large files, and are read in a third of the time.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], _Read] = {}
        self._around: tuple[str, str] | None = None

    def like(self, part: str) -> _Read | None:
        """Return the document in a text; None if no document like it was added."""
        found = _NAME.search(part)
        if found is None:
            self._around = None
            return None
        begin, end = found.span(1)
        around = self._around = (part[:begin], part[end:])
        twin = self._known.get(around)
        if twin is None:
            return None
        metadata = {**twin.value["metadata"], "name": found[1]}  # type: ignore[dict-item]
        value = {**twin.value, "metadata": metadata}
        return _Read(value, twin.line, twin.lines, found[1], twin.value)

    def add(self, read: _Read) -> _Read:
        """Add the document in the text that `like` did not know."""
        if self._around is not None:
            self._known[self._around] = read
        return read


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


def _read(part: str, blocks: _Blocks) -> _Read:
    head, *texts = _BLOCK_BEGIN.split(part)
    _check_empty(head)
    return _Read(_mapping(map(blocks.parsed, texts)), head.count("\n") + 1, part.count("\n") + 1)


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

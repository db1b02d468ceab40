"""The YAML that nearly all manifests consist of, read ten times faster than by a full parser.

It is nested mappings, a line for each key, with plain or quoted values that fill the rest of their
line. A file with anything else is left to `yaml_values`, whole. For the files that are read here both
give the same result, down to the lines.
"""

import re
from dataclasses import dataclass

from yuptime_exporter.sources.manifests.yaml_values import Document, Place

# Each line has at most three of the values that `yaml_values.MAX_NODES` bounds.
MAX_LINES = 300_000
MAX_DEPTH = 50

_SEPARATOR = "---"
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


def read_plain(text: str, name: str) -> list[Document] | None:
    """Return the documents of a file; None if the file has to be read by a full parser.

    Args:
        text: the whole file, of characters that YAML allows.
        name: the name of the file, for the places of the documents.
    """
    lines = text.split("\n")
    if len(lines) > MAX_LINES:
        return None
    reader = _Reader(name)
    try:
        for number, line in enumerate(lines, start=1):
            reader.read(line, number)
    except _NotPlain:
        return None
    return reader.documents


class _NotPlain(Exception):
    """A line is of another kind, or is invalid: only a full parser can tell."""


@dataclass(frozen=True, slots=True)
class _Line:
    """A key with its value; without a value, a mapping or null follows."""

    indent: int
    key: str
    value: str | int | bool | None


class _Reader:
    """Reads a file line by line; equal lines, of which manifests have many, are parsed once."""

    def __init__(self, name: str) -> None:
        self.documents: list[Document] = []
        self._name = name
        self._index = 0
        self._parsed: dict[str, _Line | None] = {}
        self._mappings: list[dict[str, object]] = []  # from the root to the current one
        self._indents: list[int] = []
        self._open_key: str | None = None

    def read(self, line: str, number: int) -> None:
        """Add one line.

        Raises:
            _NotPlain: the line cannot be read here.
        """
        if line == _SEPARATOR:
            self._index += 1
            self._mappings, self._indents, self._open_key = [], [], None
            return
        try:
            parsed = self._parsed[line]
        except KeyError:
            parsed = self._parsed[line] = _parsed(line)
        if parsed is not None:
            self._add(parsed, number)

    def _add(self, line: _Line, number: int) -> None:
        if not self._mappings:
            self._begin(line, number)
        elif line.indent > self._indents[-1]:
            self._descend(line.indent)
        while line.indent < self._indents[-1]:
            self._indents.pop()
            self._mappings.pop()
        mapping = self._mappings[-1]
        if line.indent != self._indents[-1] or line.key in mapping:
            raise _NotPlain
        mapping[line.key] = line.value
        self._open_key = line.key if line.value is None else None

    def _begin(self, line: _Line, number: int) -> None:
        """Begin a document; the first one of a file needs no separator."""
        if line.indent:
            raise _NotPlain
        self._index = self._index or 1
        self._mappings, self._indents = [{}], [0]
        place = Place(self._name, self._index, number)
        self.documents.append(Document(place, self._mappings[0]))

    def _descend(self, indent: int) -> None:
        if self._open_key is None or len(self._indents) > MAX_DEPTH:
            raise _NotPlain
        mapping: dict[str, object] = {}
        self._mappings[-1][self._open_key] = mapping
        self._mappings.append(mapping)
        self._indents.append(indent)


def _parsed(line: str) -> _Line | None:
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

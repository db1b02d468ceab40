"""Monitors that differ from one read before in `metadata.name` only: nearly all, where there are many.

A twin is recognised by the text around its name, in its file or in any other. It is the same monitor
with another name, so that nothing of its text is parsed or validated again.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from yuptime_exporter.core.model import Monitor
from yuptime_exporter.resource.objects import named
from yuptime_exporter.sources.manifests.objects import Found
from yuptime_exporter.sources.manifests.plain_yaml import Part, first_line

# More kinds of monitors than this are forgotten, so that their texts take at most some megabytes.
MAX_KINDS = 4_096

# A name that is too long for a word of YAML, and valid.
_NAME_TEXT = "[a-z][a-z0-9-]{5,61}[a-z0-9]"
_NAME = re.compile(_NAME_TEXT)

# The name in the metadata of an object.
_NAME_IN_METADATA = re.compile(
    rf"\nmetadata:\n(?:  [A-Za-z]+: [^\n]*\n)*?  name: ({_NAME_TEXT})(?=\n)"
)


class Around(NamedTuple):
    """The text of a document before and after the name in its metadata."""

    before: str
    after: str


class _Kind(NamedTuple):
    """Monitors that differ in their names only.

    Attributes:
        line: of the document's first line in its text, from 1 on.
        monitor: one of them.
    """

    around: Around
    line: int
    monitor: Monitor


@dataclass(slots=True)
class Sorted:
    """The documents of a file, by how they are read.

    Attributes:
        twins: of monitors that are known.
        firsts: the first document of each other kind, by the text around its name.
        like_firsts: further documents of these kinds.
        others: documents without a name in the usual place.
    """

    twins: list[Found] = field(default_factory=list)
    firsts: dict[Around, Part] = field(default_factory=dict)
    like_firsts: list[Part] = field(default_factory=list)
    others: list[Part] = field(default_factory=list)

    @property
    def to_read(self) -> list[Part]:
        """The documents that have to be read before more twins are known, in their order."""
        return sorted((*self.firsts.values(), *self.others))


class Twins:
    """The kinds of monitors that were read before, all with the same defaults."""

    def __init__(self) -> None:
        """Know none."""
        self._kinds: dict[Around, _Kind] = {}

    def sort(self, parts: Iterable[Part]) -> Sorted:
        """Find the twins among the documents of a file."""
        found, kind = Sorted(), None
        for part in parts:
            # Neighbours are mostly of one kind, and this test is faster than the search.
            own_name = kind and _name_between(part.text, kind.around)
            if kind is None or not own_name:
                around, own_name = _name_in(part.text)
                kind = self._kinds.get(around) if around else None
                if kind is None:
                    _add_unknown(found, around, part)
                    continue
            twin = named(kind.monitor, own_name)
            found.twins.append((part.number, part.line + kind.line, (), twin))
        return found

    def add(self, around: Around, monitor: Monitor) -> None:
        """Know a valid monitor without a warning, by the text around its name."""
        if len(self._kinds) >= MAX_KINDS:
            self._kinds.clear()
        self._kinds[around] = _Kind(around, first_line(around.before), monitor)


def _name_between(text: str, around: Around) -> str:
    """Return the name in a document of this kind; empty if the document is of another kind."""
    before, after = around
    if not (text.startswith(before) and text.endswith(after)):
        return ""
    found = _NAME.fullmatch(text, len(before), len(text) - len(after))
    return found[0] if found else ""


def _name_in(text: str) -> tuple[Around | None, str]:
    """Return the name in the metadata of a document and the text around it."""
    found = _NAME_IN_METADATA.search(text)
    if found is None:
        return None, ""
    begin, end = found.span(1)
    return Around(text[:begin], text[end:]), found[1]


def _add_unknown(found: Sorted, around: Around | None, part: Part) -> None:
    if around is None:
        found.others.append(part)
    elif found.firsts.setdefault(around, part) is not part:
        found.like_firsts.append(part)

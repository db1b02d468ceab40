"""The lines of one family for neighbouring monitors, in as little memory as their texts allow."""

from array import array
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate

from yuptime_exporter.core.exposition import own_name_text
from yuptime_exporter.core.model import MonitorKey


class DifferentLines:
    """Any lines, as one text; it never changes.

    Attributes:
        text: all lines, each with its end.
        lengths: of the lines, in bytes; 0: the monitor has no series.
    """

    __slots__ = ("lengths", "text")

    def __init__(self, text: bytes, lengths: "array[int]") -> None:
        self.text = text
        self.lengths = lengths

    def __bytes__(self) -> bytes:
        """Return the text of all lines."""
        return self.text

    def __len__(self) -> int:
        """Return the size of the text in bytes."""
        return len(self.text)


class SimilarLines:
    """Lines that differ in the names of their monitors only; it never changes.

    Most families are like this: expiry, labels of alerts, the counters of monitors without a
    problem. Their texts would be two thirds of the page, and are quickly written from the names.
    """

    __slots__ = ("_after", "_before", "_names", "_size_bytes")

    def __init__(self, before: bytes, after: bytes, names: Sequence[bytes]) -> None:
        """Name the monitors, at least one.

        Args:
            before: the text of each line before the name.
            after: the text of each line after the name.
            names: of the monitors, as lines have them.
        """
        self._before = before
        self._after = after
        self._names = names
        self._size_bytes = sum(map(len, names)) + len(names) * (len(before) + len(after))

    @property
    def text(self) -> bytes:
        """All lines, each with its end."""
        between = self._after + self._before
        return b"".join((self._before, between.join(self._names), self._after))

    def line(self, index: int) -> bytes:
        """Return one line."""
        return b"".join((self._before, self._names[index], self._after))

    @property
    def lengths(self) -> "array[int]":
        """The lengths of the lines, in bytes."""
        others = len(self._before) + len(self._after)
        return array("I", [others + len(name) for name in self._names])

    def __bytes__(self) -> bytes:
        """Return the text of all lines."""
        return self.text

    def __len__(self) -> int:
        """Return the size of the text in bytes."""
        return self._size_bytes


Lines = DifferentLines | SimilarLines


def names_of(keys: Iterable[MonitorKey]) -> list[bytes]:
    """Return the names of monitors, as lines have them."""
    return [own_name_text(key).encode() for key in keys]


def lines_of(lines: Sequence[bytes], names: Sequence[bytes]) -> Lines:
    """Return lines in the form that takes the least memory.

    Args:
        lines: of the monitors; empty: the monitor has no series.
        names: the result of `names_of` for the monitors.
    """
    return _compact(b"".join(lines), array("I", map(len, lines)), names)


def with_lines(known: Lines, lines: Mapping[int, bytes], names: Sequence[bytes]) -> Lines:
    """Return lines with some replaced, by their indices; `known` itself if none differs."""
    if isinstance(known, SimilarLines) and all(known.line(at) == lines[at] for at in lines):
        return known
    text, lengths = known.text, array("I", known.lengths)
    ends = list(accumulate(lengths))
    pieces: list[bytes] = []
    at = 0
    for index in sorted(lines):
        line, start = lines[index], ends[index] - lengths[index]
        if text[start : ends[index]] != line:
            pieces += (text[at:start], line)
            at, lengths[index] = ends[index], len(line)
    if not pieces:
        return known
    pieces.append(text[at:])
    return _compact(b"".join(pieces), lengths, names)


def single_lines(lines: Lines) -> list[bytes]:
    """Return the lines one by one."""
    text, lengths = lines.text, lines.lengths
    ends = accumulate(lengths)
    return [text[end - length : end] for end, length in zip(ends, lengths, strict=True)]


def _compact(text: bytes, lengths: "array[int]", names: Sequence[bytes]) -> Lines:
    before, name, after = text[: lengths[0]].partition(names[0])
    if name and text.endswith(after):  # otherwise the first and the last line differ already
        similar = SimilarLines(before, after, names)
        if len(similar) == len(text) and similar.text == text:
            return similar
    return DifferentLines(text, lengths)

"""Neighbouring monitors with their lines, of which each scrape replaces a few."""

from array import array
from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate, islice
from typing import TypeVar

from yuptime_exporter.core.exposition import Family, Shown, own_label_text
from yuptime_exporter.core.model import Monitor, MonitorKey

Value = TypeVar("Value")


class Lines:
    """The lines of one family for the monitors of one block; it never changes.

    Attributes:
        lengths: of the lines, in bytes; 0: the monitor has no series.
    """

    __slots__ = ("lengths", "text")

    def __init__(self, text: bytes, lengths: "array[int]") -> None:
        self.text = text
        self.lengths = lengths

    def with_lines(self, lines: Mapping[int, bytes]) -> "Lines":
        """Return these lines with some replaced, by their indices; these themselves if none differs."""
        lengths, ends = array("I", self.lengths), list(accumulate(self.lengths))
        pieces: list[bytes] = []
        at = 0
        for index in sorted(lines):
            line, start = lines[index], ends[index] - lengths[index]
            if self.text[start : ends[index]] != line:
                pieces += (self.text[at:start], line)
                at, lengths[index] = ends[index], len(line)
        if not pieces:
            return self
        pieces.append(self.text[at:])
        return Lines(b"".join(pieces), lengths)

    def by_monitor(self, keys: Iterable[MonitorKey]) -> dict[MonitorKey, bytes]:
        """Return the single lines."""
        ends = accumulate(self.lengths)
        return {
            key: self.text[end - length : end]
            for key, end, length in zip(keys, ends, self.lengths, strict=True)
        }


class Block:
    """Neighbouring monitors, with the lines of each family.

    Attributes:
        keys: of the monitors, in order.
        lines: of each family.
    """

    __slots__ = ("_rendered", "keys", "lines")

    def __init__(
        self, keys: list[MonitorKey], rendered: list[Monitor | None], lines: list[Lines]
    ) -> None:
        self.keys = keys
        self.lines = lines
        self._rendered = rendered  # whose lines of declared families are here

    @classmethod
    def empty(cls, keys: list[MonitorKey], families: int) -> "Block":
        """Return a block without a line."""
        return cls(keys, [None] * len(keys), [_joined([b""] * len(keys))] * families)

    def has(self, key: MonitorKey) -> bool:
        """Return whether the monitor is in this block."""
        at = bisect_left(self.keys, key)
        return at < len(self.keys) and self.keys[at] == key

    def forget_declared(self) -> None:
        """Render the lines that follow from the declaration again, too."""
        self._rendered = [None] * len(self.keys)

    def render(self, shown: Shown, families: Sequence[Family], rendered: "Rendered") -> int:
        """Add to `rendered` the lines of a monitor that may have changed; return their number."""
        monitor = shown.row.monitor
        index, own_labels = bisect_left(self.keys, monitor.key), own_label_text(monitor.key)
        declared_anew = self._rendered[index] is not monitor
        rendered.monitors[index] = monitor
        count = 0
        for family, lines in zip(families, rendered.lines, strict=True):
            if declared_anew or not family.declared:
                lines[index] = family.line(shown, own_labels).encode()
                count += 1
        return count

    def replace(self, rendered: "Rendered") -> None:
        """Show rendered lines, all at once."""
        for index, monitor in rendered.monitors.items():
            self._rendered[index] = monitor
        self.lines = [
            known.with_lines(new) if new else known
            for known, new in zip(self.lines, rendered.lines, strict=True)
        ]

    def arranged(self, keys: Collection[MonitorKey], size: int) -> "list[Block]":
        """Return blocks of these monitors instead, with the lines that are known.

        No block is returned for no keys.

        Args:
            keys: of the monitors, in order.
            size: number of monitors of a new block; a block of up to twice as many stays whole.
        """
        known = dict(zip(self.keys, self._rendered, strict=True))
        by_monitor = [lines.by_monitor(self.keys) for lines in self.lines]
        return [
            Block(
                some,
                [known.get(key) for key in some],
                [_joined([own.get(key, b"") for key in some]) for own in by_monitor],
            )
            for some in slices(keys, size if len(keys) > 2 * size else 2 * size)
        ]


class Rendered:
    """New lines of one block that are not shown yet.

    Attributes:
        monitors: the rendered monitors, by their indices.
        lines: of each family, by the indices of their monitors.
    """

    def __init__(self, families: int) -> None:
        self.monitors: dict[int, Monitor] = {}
        self.lines: tuple[dict[int, bytes], ...] = tuple({} for _ in range(families))


def _joined(lines: Sequence[bytes]) -> Lines:
    return Lines(b"".join(lines), array("I", map(len, lines)))


def slices(values: Iterable[Value], size: int) -> Iterator[list[Value]]:
    """Return the values in lists of this size; the last one may be shorter."""
    remaining = iter(values)
    while some := list(islice(remaining, size)):
        yield some

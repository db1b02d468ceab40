"""Neighbouring monitors with their lines, of which each scrape replaces a few."""

from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeVar

from yuptime_exporter.core.exposition import Family, Shown, own_label_text
from yuptime_exporter.core.model import Monitor, MonitorKey
from yuptime_exporter.core.page_lines import (
    Lines,
    lines_of,
    names_of,
    single_lines,
    with_lines,
)

Value = TypeVar("Value")


class Block:
    """Neighbouring monitors, with the lines of each family.

    Attributes:
        keys: of the monitors, in order; at least one.
        lines: of each family.
    """

    __slots__ = ("_names", "_rendered", "keys", "lines")

    def __init__(
        self,
        keys: list[MonitorKey],
        names: list[bytes],
        rendered: list[Monitor | None],
        lines: list[Lines],
    ) -> None:
        self.keys = keys
        self.lines = lines
        self._names = names
        self._rendered = rendered  # whose lines of declared families are here

    @classmethod
    def empty(cls, keys: list[MonitorKey], families: int) -> "Block":
        """Return a block without a line."""
        names = names_of(keys)
        return cls(keys, names, [None] * len(keys), [lines_of([b""] * len(keys), names)] * families)

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
            with_lines(known, new, self._names) if new else known
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
        by_monitor = [
            dict(zip(self.keys, single_lines(lines), strict=True)) for lines in self.lines
        ]
        blocks = []
        for some in slices(keys, size if len(keys) > 2 * size else 2 * size):
            names, rendered = names_of(some), [known.get(key) for key in some]
            lines = [lines_of([own.get(key, b"") for key in some], names) for own in by_monitor]
            blocks.append(Block(some, names, rendered, lines))
        return blocks


class Rendered:
    """New lines of one block that are not shown yet.

    Attributes:
        monitors: the rendered monitors, by their indices.
        lines: of each family, by the indices of their monitors.
    """

    def __init__(self, families: int) -> None:
        self.monitors: dict[int, Monitor] = {}
        self.lines: tuple[dict[int, bytes], ...] = tuple({} for _ in range(families))


def slices(values: Iterable[Value], size: int) -> Iterator[list[Value]]:
    """Return the values in lists of this size; the last one may be shorter."""
    remaining = iter(values)
    while some := list(islice(remaining, size)):
        yield some

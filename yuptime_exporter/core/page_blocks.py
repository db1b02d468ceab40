"""Neighbouring monitors with their lines, of which each scrape replaces a few."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence

from yuptime_exporter.core.exposition import Family, Shown, has_runs
from yuptime_exporter.core.exposition_text import own_label_text
from yuptime_exporter.core.model import Monitor, MonitorKey
from yuptime_exporter.core.page_lines import no_lines
from yuptime_exporter.core.page_rendering import rendered
from yuptime_exporter.core.slices import slices


class Block:
    """Neighbouring monitors, with the lines of each family.

    Attributes:
        keys: of the monitors, in order; at least one.
        lines: of each family.
    """

    __slots__ = ("_has_runs", "_own_labels", "_rendered", "keys", "lines")

    def __init__(self, keys: Sequence[MonitorKey], number_of_families: int) -> None:
        """Have no line yet."""
        self.keys = keys
        self._own_labels = [own_label_text(key) for key in keys]
        self.lines = [no_lines(self._own_labels)] * number_of_families
        # The monitors whose lines of declared families are here.
        self._rendered: list[Monitor | None] = [None] * len(keys)
        self._has_runs = False

    def position(self, key: MonitorKey) -> int | None:
        """Return the position of a monitor among the keys; None: it is not in this block."""
        at = bisect_left(self.keys, key)
        return at if at < len(self.keys) and self.keys[at] == key else None

    def forget_declared(self) -> None:
        """Render the lines that follow from the declaration again, too."""
        self._rendered = [None] * len(self.keys)

    def show(self, monitors: Mapping[int, Shown], families: Sequence[Family]) -> int:
        """Replace the lines that may have changed, all at once; return their number.

        Args:
            monitors: as they are shown from now on, by their positions among the keys.
            families: all, in the order of `lines`.
        """
        anew = {
            at: shown
            for at, shown in monitors.items()
            if self._rendered[at] is not shown.row.monitor
        }
        self._has_runs = self._has_runs or any(has_runs(one.row) for one in monitors.values())
        lines, count = list(self.lines), 0
        for some, declared in ((monitors, False), (anew, True)):
            positions, shown = list(some), list(some.values())
            own_labels = [self._own_labels[at] for at in positions]
            for at, family in enumerate(families if some else ()):
                if family.declared is declared and (self._has_runs or not family.of_runs):
                    new = rendered(family, shown, own_labels)
                    lines[at] = lines[at].replaced(positions, new)
                    count += len(positions)
        self.lines = lines
        for at, one in anew.items():
            self._rendered[at] = one.row.monitor
        return count

    def arranged(self, keys: Sequence[MonitorKey], size: int) -> "list[Block]":
        """Return blocks of these monitors instead, with the lines that are known.

        No block is returned for no keys.

        Args:
            keys: of the monitors, in order.
            size: number of monitors of a new block; a block of up to twice as many stays whole.
        """
        known = {key: at for at, key in enumerate(self.keys)}
        blocks = []
        for some in slices(keys, size if len(keys) > 2 * size else 2 * size):
            block, positions = Block(some, 0), [known.get(key) for key in some]
            block.lines = [lines.arranged(positions, block._own_labels) for lines in self.lines]
            block._rendered = [None if at is None else self._rendered[at] for at in positions]
            block._has_runs = self._has_runs
            blocks.append(block)
        return blocks

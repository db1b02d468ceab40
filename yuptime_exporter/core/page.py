"""The lines of all monitors, kept from scrape to scrape: a scrape renders what changed since then.

Monitors are in blocks of neighbours, in the order of their keys. A block has one text for each
family. To change a line means to copy the text around it, so that a text that a scrape is sending
stays as it is.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence

from yuptime_exporter.core.exposition import Family, Shown
from yuptime_exporter.core.identity import AlertDefaults
from yuptime_exporter.core.model import MonitorKey, Row
from yuptime_exporter.core.page_blocks import Block
from yuptime_exporter.core.page_lines import Lines
from yuptime_exporter.core.rejudging import Rejudging
from yuptime_exporter.core.slices import slices
from yuptime_exporter.core.table import MonitorTable

# Small blocks cost a scrape more calls, and large ones cost a push more copied bytes.
MONITORS_A_BLOCK = 512

# Changed monitors that one step of `refresh` finds in their blocks, and monitors that one step
# renders; a step takes about a millisecond.
KEYS_A_STEP = 128
MONITORS_A_STEP = 32

# Positions of changed monitors in their blocks, and the monitors that were added or removed.
_Found = tuple[dict[Block, list[int]], list[MonitorKey]]


class MonitorPage:
    """The lines of all monitors, family by family. For the event loop's thread only.

    Attributes:
        families: in the order of the page.
        lines_rendered_total: number of lines that were rendered, for tests.
    """

    def __init__(
        self,
        table: MonitorTable,
        rejudging: Rejudging,
        families: Sequence[Family],
        *,
        alert_defaults: Callable[[], AlertDefaults],
        monitors_a_block: int = MONITORS_A_BLOCK,
    ) -> None:
        """Have no line yet.

        Args:
            table: all monitors.
            rejudging: knows the monitors that changed.
            families: all families of monitors.
            alert_defaults: returns the labels of the alerts of all monitors.
            monitors_a_block: of a new block; a block has up to twice as many after additions.
        """
        self.families = tuple(families)
        self.lines_rendered_total = 0
        self._table = table
        self._rejudging = rejudging
        self._changed = rejudging.reader()
        self._alert_defaults = alert_defaults
        self._shown_defaults = alert_defaults()
        self._monitors_a_block = monitors_a_block
        self._blocks: list[Block] = []
        self._first_keys: list[MonitorKey] = []  # of the blocks

    @property
    def changed_share(self) -> float:
        """The share of monitors that have changed since the last refresh, apart from time."""
        changed = len(self._changed)
        return changed and changed / max(sum(len(block.keys) for block in self._blocks), 1)

    def refresh(self, now_timestamp: float) -> Generator[None, None, None]:
        """Render the monitors that changed, in short steps; the lines are complete at the end.

        All lines of a monitor change in one step. A monitor that changes between two steps may be
        rendered as it was before, and is rendered again by the next refresh.
        """
        yield from self._rejudging.advance(now_timestamp)
        yield from self._follow_alert_defaults()
        keys = self._changed.take()
        complete = False
        try:
            if not self._blocks:
                yield from self._lay_out(self._table.rows())
            found, moved = yield from self._find(keys)
            if moved:
                yield from self._arrange(moved)
                found, _ = yield from self._find(keys)
            for block, positions in found.items():
                yield from self._render(block, positions, now_timestamp)
            complete = True
        finally:
            if not complete:  # the client of this scrape has left
                self._changed.add(keys)

    def lines(self) -> list[tuple[Family, list[Lines]]]:
        """Return the lines of each family, in the order of the monitors' keys, in parts."""
        return [
            (family, [block.lines[at] for block in self._blocks])
            for at, family in enumerate(self.families)
        ]

    def _follow_alert_defaults(self) -> Iterator[None]:
        defaults = self._alert_defaults()
        if defaults != self._shown_defaults:
            for block in self._blocks:
                block.forget_declared()
                self._changed.add(block.keys)
                yield
            self._shown_defaults = defaults  # last, since the client of this scrape may leave

    def _lay_out(self, rows: Iterable[Row]) -> Iterator[None]:
        for some in slices(rows, self._monitors_a_block):
            keys = [row.monitor.key for row in some]
            self._blocks.append(Block(keys, len(self.families)))
            self._first_keys.append(keys[0])
            yield

    def _find(self, keys: Iterable[MonitorKey]) -> Generator[None, None, _Found]:
        """Find the positions of monitors in their blocks, and those that were added or removed."""
        found: dict[Block, list[int]] = defaultdict(list)
        moved: list[MonitorKey] = []
        for some in slices(keys if self._blocks else (), KEYS_A_STEP):
            for key in some:
                block = self._block_of(key)
                position = block.position(key)
                if (position is None) != (self._table.row(key) is None):
                    moved.append(key)
                elif position is not None:
                    found[block].append(position)
            yield
        return found, moved

    def _arrange(self, moved: Iterable[MonitorKey]) -> Iterator[None]:
        """Make room for added monitors, and drop removed ones."""
        for some in slices(moved, KEYS_A_STEP):
            by_block: dict[Block, list[MonitorKey]] = defaultdict(list)
            for key in some if self._blocks else ():
                block = self._block_of(key)
                by_block[block].append(key)
            for block, own in by_block.items():
                keys_after = sorted(set(block.keys).symmetric_difference(own))
                at = self._blocks.index(block)
                blocks = block.arranged(keys_after, self._monitors_a_block)
                self._blocks[at : at + 1] = blocks
                self._first_keys[at : at + 1] = [one.keys[0] for one in blocks]
                yield

    def _block_of(self, key: MonitorKey) -> Block:
        """Return the block that a monitor is in, or belongs in; there is at least one block."""
        return self._blocks[max(bisect_right(self._first_keys, key) - 1, 0)]

    def _render(
        self, block: Block, positions: Iterable[int], now_timestamp: float
    ) -> Iterator[None]:
        defaults = self._shown_defaults
        for found in slices(positions, MONITORS_A_STEP):
            judged = self._rejudging.judge(
                [block.keys[at] for at in found], now_timestamp=now_timestamp
            )
            # Others were removed since they were found.
            declared = (at for at in found if self._table.row(block.keys[at]) is not None)
            shown = {
                at: Shown(row, verdict, self._table.rejected_total(row.monitor.key), defaults)
                for at, (row, verdict) in zip(declared, judged, strict=True)
            }
            self.lines_rendered_total += block.show(shown, self.families)
            yield

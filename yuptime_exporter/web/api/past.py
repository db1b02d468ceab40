"""The past of one monitor: its last pushes, its states over time, and its availability."""

from dataclasses import dataclass, field

from yuptime_exporter.core.availability import (
    PERIODS_SECONDS,
    Availability,
    Stretch,
    availability,
    stretches,
)
from yuptime_exporter.core.clock import Clock
from yuptime_exporter.core.errors import StoreUnavailable
from yuptime_exporter.core.history import PastPushes
from yuptime_exporter.core.model import Row
from yuptime_exporter.core.ports import History
from yuptime_exporter.core.table import MonitorTable


@dataclass(frozen=True, slots=True)
class Past:
    """The past of a monitor until now.

    Attributes:
        begin_timestamp: the start of the exporter, if the history is in its memory; None: durable.
        failure: why the history cannot be read at present; empty if it can.
    """

    pushes: PastPushes = field(default_factory=PastPushes)
    states: tuple[Stretch, ...] = ()
    availability: tuple[Availability, ...] = ()
    begin_timestamp: float | None = None
    failure: str = ""


class PastReader:
    """Reads the past of a monitor from the history."""

    def __init__(
        self, history: History, table: MonitorTable, *, messages: bool, clock: Clock
    ) -> None:
        """Connect the history.

        Args:
            history: the last pushes of all monitors.
            table: has the outages.
            messages: False: messages are not read.
            clock: Unix seconds.
        """
        self._history = history
        self._table = table
        self._messages = messages
        self._clock = clock

    async def of(self, row: Row) -> Past:
        """Return the past of a monitor; a history that cannot be read is a failure in it."""
        key, begin = row.monitor.key, self._history.begin_timestamp
        try:
            recent = await self._history.recent(
                [key], limit=self._history.limit, messages=self._messages
            )
        except StoreUnavailable as error:
            return Past(begin_timestamp=begin, failure=str(error))
        now_timestamp = self._clock()
        outages = self._table.outages(now_timestamp=now_timestamp)
        states = stretches(row, recent[key], outages, now_timestamp=now_timestamp)
        return Past(
            pushes=recent[key],
            states=states,
            availability=tuple(
                availability(states, outages, period_seconds=period, now_timestamp=now_timestamp)
                for period in PERIODS_SECONDS
            ),
            begin_timestamp=begin,
        )

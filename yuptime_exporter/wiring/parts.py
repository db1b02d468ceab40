"""The parts of a run that depend on where monitors come from and where pushes are stored."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from yuptime_exporter.core.model import MonitorKey, State
from yuptime_exporter.core.ports import History, MonitorSource, Store
from yuptime_exporter.engine.admission import RenewTokens
from yuptime_exporter.engine.receiving_log import OnReceiving
from yuptime_exporter.engine.silence import SilenceCheck


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts that differ between runs.

    Attributes:
        source: where monitors come from.
        store: where pushes are stored.
        history: the last pushes to each monitor.
        running: a context that runs the background tasks of these parts, and at its end completes
            their last writes.
        after_push: called after each accepted push with the monitor and its states before and
            after the push.
        on_receiving: called after each attempt to note that pushes can be stored, see `OnReceiving`.
        silence_check: None where no other replica takes pushes.
        renew_tokens: reads the tokens of a monitor again; None where changes of tokens are seen.
    """

    source: MonitorSource
    store: Store
    history: History
    running: Callable[[], AbstractAsyncContextManager[None]]
    after_push: Callable[[MonitorKey, State, State], None]
    on_receiving: OnReceiving
    silence_check: SilenceCheck | None = None
    renew_tokens: RenewTokens | None = None

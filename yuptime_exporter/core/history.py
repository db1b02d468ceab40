"""The last pushes to a monitor, as a history returns them."""

from dataclasses import dataclass

from yuptime_exporter.core.model import Push


@dataclass(frozen=True, slots=True)
class PastPushes:
    """The last pushes to a monitor.

    Attributes:
        pushes: the newest first.
        complete_after_timestamp: every push after this moment is in `pushes`; None: every push is.
    """

    pushes: tuple[Push, ...] = ()
    complete_after_timestamp: float | None = None

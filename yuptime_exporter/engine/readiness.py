"""Whether the exporter may be believed and pushed to."""

from yuptime_exporter.core.self_metrics import SelfMetrics


class Readiness:
    """Not ready until state is restored and monitors are listed, and not while stopping.

    `yuptime_ready` says the same: rules hold what they know while it is not 1, so it must never
    be 1 before every monitor is there.
    """

    def __init__(self, metrics: SelfMetrics) -> None:
        self._metrics = metrics
        self.ready = False
        self.awaited = "saved state is being restored"

    def restored(self) -> None:
        """Saved state is there; the monitors are still to come."""
        self.awaited = "monitors are being listed"

    def listed(self) -> None:
        """Everything is there."""
        self.ready = True
        self._metrics.ready.set(1)

    def stopping(self) -> None:
        """No further push is taken."""
        self.ready = False
        self.awaited = "yuptime-exporter is stopping"
        self._metrics.ready.set(0)

"""Whether the exporter may be believed and pushed to."""

from yuptime_exporter.metrics.process import ReadinessMetrics


class Readiness:
    """Not ready until state is restored and monitors are listed, and not while stopping.

    `yuptime_ready` says the same: rules hold what they know while it is not 1, so it must never
    be 1 before every monitor is there.
    """

    def __init__(self, metrics: ReadinessMetrics) -> None:
        self._metrics = metrics
        self._awaited: dict[str, str] = {"state": "saved state is being restored"}

    @property
    def ready(self) -> bool:
        """Whether nothing is awaited."""
        return not self._awaited

    @property
    def awaited(self) -> str:
        """What is awaited, in words; empty when nothing is."""
        return "; ".join(self._awaited.values())

    def restored(self) -> None:
        """Saved state is there; the monitors are still to come."""
        self._await(state="monitors are being listed")

    def listed(self) -> None:
        """Everything is there."""
        self._await(state=None)

    def receiving(self, *, possible: bool) -> None:
        """Note whether pushes can come in at all: where they cannot, another replica is asked."""
        self._await(store=None if possible else "the store does not take pushes")

    def stopping(self) -> None:
        """No further push is taken."""
        self._await(state="yuptime-exporter is stopping")

    def _await(self, **awaited: str | None) -> None:
        self._awaited = {
            what: text for what, text in {**self._awaited, **awaited}.items() if text is not None
        }
        self._metrics.ready.set(self.ready)

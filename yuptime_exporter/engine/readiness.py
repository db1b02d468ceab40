"""May pushes and scrapes come in?"""

from yuptime_exporter.metrics.process import ReadinessMetrics


class Readiness:
    """Ready from the moment all state is known until the exporter stops.

    `yuptime_ready` says the same. The alert rules keep their last result while it is not 1, so it
    must not be 1 before every monitor is listed.

    Attributes:
        notice: what an operator should know although the exporter is ready; mostly empty.
    """

    def __init__(self, metrics: ReadinessMetrics) -> None:
        self._metrics = metrics
        self._awaited: dict[str, str] = {"state": "saved state is being restored"}
        self.notice = ""

    @property
    def ready(self) -> bool:
        """Whether the exporter waits for nothing more."""
        return not self._awaited

    @property
    def awaited(self) -> str:
        """The reasons for not being ready, in words; empty when ready."""
        return "; ".join(self._awaited.values())

    def restored(self) -> None:
        """Note that saved state is restored; the monitors are still to be listed."""
        self._await(state="monitors are being listed")

    def listed(self) -> None:
        """Note that state is restored and all monitors are listed."""
        self._await(state=None)

    def receiving(self, *, possible: bool) -> None:
        """Note whether pushes can be stored; while they cannot, another replica should get them."""
        self._await(store=None if possible else "the store does not take pushes")

    def note(self, notice: str) -> None:
        """Show a notice beside the readiness, which stays as it is; an empty one ends it."""
        self.notice = notice

    def stopping(self) -> None:
        """Note that no further push is accepted."""
        self._await(state="yuptime-exporter is stopping")

    def _await(self, **awaited: str | None) -> None:
        merged = {**self._awaited, **awaited}
        self._awaited = {part: text for part, text in merged.items() if text is not None}
        self._metrics.ready.set(self.ready)

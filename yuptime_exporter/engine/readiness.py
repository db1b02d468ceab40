"""May pushes and scrapes come in?"""

from collections.abc import Callable

from yuptime_exporter.core.errors import NotReady
from yuptime_exporter.metrics.process import ReadinessMetrics


class Readiness:
    """Ready from the moment all state is known until the exporter stops.

    `yuptime_ready` says the same. The alert rules keep their last result while it is not 1, so it
    must not be 1 before every monitor is listed.
    """

    def __init__(self, metrics: ReadinessMetrics) -> None:
        self._metrics = metrics
        self._awaited: dict[str, str] = {"state": "saved state is being restored"}
        self._notices: dict[str, str] = {}
        self._obstacle: Callable[[], str] = str

    @property
    def ready(self) -> bool:
        """Whether the exporter waits for nothing more."""
        return not self._awaited

    def check(self) -> None:
        """Raise `NotReady` unless the exporter is ready."""
        if self._awaited:
            raise NotReady(f"not ready: {self.awaited}; push again in a few seconds")

    @property
    def notice(self) -> str:
        """Things that an operator should know although the exporter is ready; mostly empty."""
        return "; ".join(filter(None, self._notices.values()))

    @property
    def awaited(self) -> str:
        """The reasons for not being ready, in words; empty when ready."""
        return "; ".join(self._awaited.values())

    @property
    def obstacle(self) -> str:
        """The missing rights because of which the exporter is not ready; mostly empty.

        They name namespaces, so only operators may see them: no answer to a push has them.
        """
        return "" if self.ready else self._obstacle()

    def explain(self, obstacle: Callable[[], str]) -> None:
        """Use this to say which rights are missing; it returns nothing if none is."""
        self._obstacle = obstacle

    def restoring(self, *, failure: str) -> None:
        """Note why saved state is not restored yet; the text is shown to strangers."""
        self._await(state=f"saved state cannot be restored: {failure}")

    def restored(self) -> None:
        """Note that saved state is restored; the monitors are still to be listed."""
        self._await(state="monitors are being listed")

    def listed(self) -> None:
        """Note that state is restored and all monitors are listed."""
        self._await(state=None)

    def receiving(self, *, failure: str) -> None:
        """Note why pushes cannot be stored, so that another replica gets them; empty: they can."""
        self._await(store=_refusing(failure) if failure else None)

    def storing(self, *, failure: str) -> None:
        """Note why pushes cannot be stored where no other replica could get them; empty: they can."""
        self.note(_refusing(failure) if failure else "", about="store")

    def note(self, notice: str, *, about: str = "monitors") -> None:
        """Show a notice beside the readiness, which stays as it is; an empty one ends it."""
        self._notices = {**self._notices, about: notice}

    def stopping(self) -> None:
        """Note that no further push is accepted."""
        self._await(state="yuptime-exporter is stopping")

    def _await(self, **awaited: str | None) -> None:
        merged = {**self._awaited, **awaited}
        self._awaited = {part: text for part, text in merged.items() if text is not None}
        self._metrics.ready.set(self.ready)


def _refusing(failure: str) -> str:
    return f"the store does not take pushes: {failure}"

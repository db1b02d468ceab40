"""What keeps a collection from being followed: in words, in metrics, and once in the log."""

import logging
from enum import IntEnum

from yuptime_exporter.kubernetes.errors import ApiError, ApiRefused
from yuptime_exporter.metrics.kubernetes import CollectionMetrics, Trouble

log = logging.getLogger(__name__)

_TROUBLE_OF = {
    401: Trouble.UNAUTHORIZED,
    403: Trouble.FORBIDDEN,
    404: Trouble.NOT_FOUND,
    410: Trouble.EXPIRED,
    429: Trouble.TOO_MANY_REQUESTS,
}


class Proof(IntEnum):
    """What shows that a difficulty is over; a later one shows all that an earlier one does."""

    LIST = 1
    """A list is complete."""
    WATCH = 2
    """A watch was let in."""
    EVENT = 3
    """A watch has told something."""


class Difficulty:
    """The one thing that is wrong at present, or nothing.

    Attributes:
        text: what it is; None: nothing.
    """

    def __init__(self, resource: str, path: str, metrics: CollectionMetrics) -> None:
        """Start with nothing wrong."""
        self._resource = resource
        self._path = path
        self._metrics = metrics
        self._trouble: Trouble | None = None
        self._proof = Proof.LIST
        self.text: str | None = None

    def met(self, error: ApiError, *, until: Proof) -> None:
        """Take note of an error of the API server."""
        trouble = _trouble(error)
        self._begin(trouble, f"{error}{self._remedy(trouble)}", until)

    def broken(self, text: str, *, until: Proof) -> None:
        """Take note that what came makes no sense."""
        self._begin(Trouble.BROKEN, text, until)

    def over(self, proof: Proof) -> None:
        """Take note that something went well."""
        if self.text is None or proof < self._proof:
            return
        self.text = self._trouble = None
        log.info("objects are followed again", extra=self._named())

    def _begin(self, trouble: Trouble, text: str, until: Proof) -> None:
        self._metrics.errors[trouble].inc()
        if trouble is Trouble.EXPIRED:
            return  # it happens to every watch that was away for some minutes
        self.text = f"{self._resource}: {text}"
        self._proof = until
        if trouble is not self._trouble:
            self._trouble = trouble
            extra = {**self._named(), "reason": str(trouble), "err": text}
            log.warning("objects cannot be followed; what is known stays", extra=extra)

    def _named(self) -> dict[str, str]:
        return {"resource": self._resource, "path": self._path}

    def _remedy(self, trouble: Trouble) -> str:
        if trouble is Trouble.FORBIDDEN:
            return (
                f"; grant the exporter's ServiceAccount the verbs get, list and watch on "
                f"{self._resource}: the Roles in deploy/ do"
            )
        if trouble is Trouble.NOT_FOUND and self._resource == "monitors":
            return (
                "; there is no CustomResourceDefinition of Monitors: "
                "kubectl apply --server-side -f deploy/crd/monitors.yaml"
            )
        return ""


def _trouble(error: ApiError) -> Trouble:
    if not isinstance(error, ApiRefused):
        return Trouble.UNREACHABLE
    if error.status >= 500:
        return Trouble.SERVER_ERROR
    return _TROUBLE_OF.get(error.status, Trouble.REFUSED)

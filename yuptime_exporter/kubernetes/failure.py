"""The failure that keeps a collection from being followed: in metrics, and once in the log."""

import logging
from enum import IntEnum

from yuptime_exporter.failure_log import FailureLog
from yuptime_exporter.kubernetes.collection import Collection
from yuptime_exporter.kubernetes.errors import ApiError, ApiStatusError
from yuptime_exporter.metrics.kubernetes import CollectionMetrics, FollowFailure

log = logging.getLogger(__name__)

_FAILURE_OF_STATUS = {
    401: FollowFailure.UNAUTHORIZED,
    403: FollowFailure.FORBIDDEN,
    404: FollowFailure.NOT_FOUND,
    410: FollowFailure.EXPIRED,
    429: FollowFailure.TOO_MANY_REQUESTS,
}


class Proof(IntEnum):
    """Proof that a failure is over; a greater value also proves all that a smaller one does."""

    LIST = 1
    """A list is complete."""
    WATCH = 2
    """A watch was admitted."""
    EVENT = 3
    """A watch has delivered an event."""


class CollectionFailure:
    """The present failure of one collection, or none.

    Attributes:
        text: describes the failure, with its remedy; None: the collection is followed.
    """

    def __init__(self, collection: Collection, metrics: CollectionMetrics) -> None:
        self._collection = collection
        self._metrics = metrics
        self._log = FailureLog(
            log,
            "objects cannot be followed; the last known ones stay",
            "objects are followed again",
        )
        self._ends_with = Proof.LIST
        self.text: str | None = None

    def met(self, error: ApiError, *, until: Proof) -> None:
        """Record an error of the API server, which lasts until this proof of its end."""
        failure = _failure_of(error)
        remedy = self._collection.remedies.get(failure)
        self._begin(failure, f"{error}; {remedy}" if remedy else str(error), until)

    def malformed(self, text: str, *, until: Proof) -> None:
        """Record an answer that cannot be read, which counts until this proof of its end."""
        self._begin(FollowFailure.BROKEN, text, until)

    def over(self, proof: Proof) -> None:
        """End the failure, if this proves its end."""
        if self.text is None or proof < self._ends_with:
            return
        self.text = None
        self._log.recovered(**self._fields())

    def _begin(self, failure: FollowFailure, text: str, until: Proof) -> None:
        self._metrics.errors[failure].inc()
        if failure is FollowFailure.EXPIRED:
            return  # every watch that was interrupted for some minutes meets this
        self.text = f"{self._collection.resource}: {text}"
        self._ends_with = until
        self._log.failed(text, kind=failure, **self._fields(), reason=str(failure))

    def _fields(self) -> dict[str, str]:
        return {"resource": self._collection.resource, "path": self._collection.path}


def _failure_of(error: ApiError) -> FollowFailure:
    if not isinstance(error, ApiStatusError):
        return FollowFailure.UNREACHABLE
    if error.status >= 500:
        return FollowFailure.SERVER_ERROR
    return _FAILURE_OF_STATUS.get(error.status, FollowFailure.REFUSED)

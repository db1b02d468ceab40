"""Writes the status of Monitor objects: one merge patch for each, and none that says nothing new."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from yuptime_exporter.core.clock import Clock
from yuptime_exporter.core.evaluation import push_in_the_present
from yuptime_exporter.core.model import MonitorKey
from yuptime_exporter.kubernetes.api import Api
from yuptime_exporter.kubernetes.errors import ApiError, ApiStatusError
from yuptime_exporter.metrics.status import Written
from yuptime_exporter.resource.monitor_object import MonitorObject, monitor_path, status_json_of
from yuptime_exporter.status.body import patch_of, shown_of, stored_in, wanted_body
from yuptime_exporter.status.events import MonitorEvents
from yuptime_exporter.status.model import (
    Draft,
    Found,
    MonitorStatus,
    Occurrence,
    Outcome,
    Spec,
)

# A push waits no longer for its store, and nobody waits for anything else.
WRITE_TIMEOUT_SECONDS = 5.0

# What a write was answered holds until the watch has shown it, which takes milliseconds, or for so
# long: a watch that was interrupted shows what came after it and may leave it out.
ANSWER_SECONDS = 10.0

MERGE_PATCH = "application/merge-patch+json"

_WRITTEN = {
    404: Written.GONE,
    409: Written.CONFLICT,
    422: Written.UNWRITABLE,
    400: Written.UNWRITABLE,
    403: Written.FORBIDDEN,
}
_REMEDY = (
    "; grant yuptime-exporter the verb patch on monitors/status in the API group "
    "monitoring.yuptime.io"
)

# Asked for, an API server refuses fields that the definition lacks instead of dropping them
# (KEP-2885, since 1.25). Without, this write would make the loss of spec.target.push complete: such
# a server has dropped it from what it reads, and stores with the status what it has read.
_STRICT = {"fieldValidation": "Strict"}
_UNKNOWN_FIELD = "strict decoding error: "
_DROPPED = (
    "the CustomResourceDefinition that is installed lacks fields of push monitors; "
    "kubectl apply --server-side -f deploy/crd/monitors.yaml"
)


class MonitorStatusSink:
    """Drafts and writes the status of one monitor at a time."""

    def __init__(
        self,
        api: Api,
        *,
        shown: Callable[[MonitorKey], MonitorObject | None],
        events: MonitorEvents,
        clock: Clock,
    ) -> None:
        """Take where statuses are written.

        Args:
            api: the API server.
            shown: returns a Monitor as the watch has shown it last.
            events: who tells of what happened.
            clock: gives the moment at which a condition changed.
        """
        self._api = api
        self._shown = shown
        self._events = events
        self._clock = clock
        self._answers: dict[MonitorKey, tuple[float, MonitorObject]] = {}

    def is_own(self, key: MonitorKey, found: MonitorObject) -> bool:
        """Tell whether the watch shows just what was written here last."""
        _, answer = self._answers.get(key, (0.0, None))
        if answer is None or answer.resource_version != found.resource_version:
            return False
        del self._answers[key]
        return True

    def spec(self, key: MonitorKey) -> Spec | None:
        """Return what is declared of a monitor; None: there is none that may be written to."""
        found = self._shown(key)
        return Spec(found.generation, found.spec_problem) if found and not found.hidden else None

    def draft(self, key: MonitorKey, status: MonitorStatus) -> Draft | None:
        """Return what is to be written so that the Monitor says this; None: it is not known."""
        newest = self._newest(key)
        if newest is None:
            return None
        found = newest.status
        wanted = wanted_body(status, found, now_timestamp=self._clock())
        return Draft(
            status=status,
            shown=shown_of(found),
            wanted=shown_of(wanted),
            patch=patch_of(wanted, found),
            version=newest.resource_version,
        )

    async def write(self, key: MonitorKey, draft: Draft) -> Outcome:
        """Write what was drafted, unless the Monitor has changed since; never raises for it."""
        body = {"metadata": {"resourceVersion": draft.version}, "status": draft.patch}
        query = {"fieldManager": "yuptime-exporter"}
        if draft.status.row is not None:  # else there is no spec of ours to be lost
            query |= _STRICT
        try:
            answer = await self._api.call(
                "PATCH",
                f"{monitor_path(key)}/status",
                query=query,
                body=body,
                content_type=MERGE_PATCH,
                timeout_seconds=WRITE_TIMEOUT_SECONDS,
            )
        except ApiStatusError as error:
            self._answers.pop(key, None)
            return _refusal(error)
        except ApiError as error:
            self._answers.pop(key, None)
            return Outcome(Written.UNAVAILABLE, str(error))
        self._note(key, answer)
        if draft.patch.get("push") and not answer.get("status", {}).get("push"):
            return Outcome(Written.PRUNED, _DROPPED)
        return Outcome(Written.DONE)

    async def reread(self, key: MonitorKey) -> Found | None:
        """Look at the Monitor as it is now; None: it could not be asked for."""
        self._answers.pop(key, None)
        try:
            answer = await self._api.call(
                "GET", monitor_path(key), timeout_seconds=WRITE_TIMEOUT_SECONDS
            )
        except ApiError as error:  # the next write tells what is wrong
            gone = isinstance(error, ApiStatusError) and error.status == 404
            return Found(None) if gone else None
        self._note(key, answer)
        last_push = stored_in(answer.get("status", {})).last_push
        now_timestamp = self._clock()
        return Found(last_push and push_in_the_present(last_push, now_timestamp=now_timestamp))

    def tell(self, key: MonitorKey, occurrence: Occurrence) -> None:
        """Take note of something that happened; never waits."""
        found = self._newest(key)
        if found is not None:
            self._events.offer(key, found, occurrence)

    def _newest(self, key: MonitorKey) -> MonitorObject | None:
        """Return a Monitor as a write was answered, or else as the watch has shown it."""
        found = self._shown(key)
        until_timestamp, answer = self._answers.get(key, (0.0, None))
        if found is None or answer is None or answer.uid != found.uid:
            return found
        if not 0 <= until_timestamp - self._clock() <= ANSWER_SECONDS:
            del self._answers[key]
            return found
        return answer

    def _note(self, key: MonitorKey, answer: dict[str, Any]) -> None:
        found = self._shown(key)
        metadata = answer.get("metadata", {})
        if found is None or metadata.get("uid") != found.uid:
            return
        newest = replace(
            found,
            resource_version=metadata.get("resourceVersion", ""),
            status_json=status_json_of(answer),
        )
        if found.resource_version != newest.resource_version:  # else the watch was faster
            self._answers[key] = (self._clock() + ANSWER_SECONDS, newest)


def _refusal(error: ApiStatusError) -> Outcome:
    _, unknown, fields = error.message.rpartition(_UNKNOWN_FIELD)
    if unknown:
        return Outcome(Written.PRUNED, f"{_DROPPED}: {fields}")
    written = _WRITTEN.get(error.status, Written.UNAVAILABLE)
    remedy = _REMEDY if written is Written.FORBIDDEN else ""
    return Outcome(written, f"{error}{remedy}", error.retry_after_seconds)

"""Write the status of Monitor objects: one merge patch for each change."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from yuptime_exporter.core.clock import Clock
from yuptime_exporter.core.model import MonitorKey
from yuptime_exporter.kubernetes.api import Api
from yuptime_exporter.kubernetes.errors import ApiError, ApiStatusError
from yuptime_exporter.metrics.status import Written
from yuptime_exporter.resource.monitor_object import MonitorObject, monitor_path, status_json_of
from yuptime_exporter.status.body import Stored, patch_of, shown_of, stored_in, wanted_body
from yuptime_exporter.status.events import MonitorEvents
from yuptime_exporter.status.limits import StatusLimits
from yuptime_exporter.status.model import Draft, MonitorStatus, Occurrence, Outcome

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

# With this parameter an API server rejects fields that the definition lacks, instead of dropping
# them (KEP-2885, since 1.25). Without it this write would lose spec.target.push for good: the server
# drops the field when it reads the object, and stores the object that it has read.
_STRICT = {"fieldValidation": "Strict"}
_UNKNOWN_FIELD = "strict decoding error: "
_DROPPED = (
    "the installed CustomResourceDefinition lacks fields of push monitors; "
    "kubectl apply --server-side -f deploy/crd/monitors.yaml"
)


class StatusPatches:
    """Drafts, writes and reads the status of single Monitors."""

    def __init__(
        self,
        api: Api,
        *,
        shown: Callable[[MonitorKey], MonitorObject | None],
        events: MonitorEvents,
        clock: Clock,
        limits: StatusLimits | None = None,
    ) -> None:
        """Write nothing yet.

        Args:
            api: the API server.
            shown: returns a Monitor as the watch last delivered it; None: there is none.
            events: writes Events.
            clock: the wall clock.
            limits: None: the defaults.
        """
        self._limits = limits or StatusLimits()
        self._api = api
        self._shown = shown
        self._events = events
        self._clock = clock
        self._answers: dict[MonitorKey, tuple[float, MonitorObject]] = {}

    def is_own(self, key: MonitorKey, found: MonitorObject) -> bool:
        """Return whether this is the object as it was last written here."""
        _, answer = self._answers.get(key, (0.0, None))
        if answer is None or answer.resource_version != found.resource_version:
            return False
        del self._answers[key]
        return True

    def writable(self, key: MonitorKey) -> MonitorObject | None:
        """Return a Monitor with a writable status; None: there is none."""
        found = self._shown(key)
        return None if found is None or found.hidden else found

    def draft(self, key: MonitorKey, status: MonitorStatus) -> Draft | None:
        """Return the patch that gives the Monitor this status; None: there is no Monitor."""
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
        """Write a draft, unless the Monitor has changed since. Failures are outcomes."""
        body = {"metadata": {"resourceVersion": draft.version}, "status": draft.patch}
        query = {"fieldManager": "yuptime-exporter"}
        if draft.status.row is not None:  # else there is no valid spec that could be lost
            query |= _STRICT
        try:
            answer = await self._api.call(
                "PATCH",
                f"{monitor_path(key)}/status",
                query=query,
                body=body,
                content_type=MERGE_PATCH,
                timeout_seconds=self._limits.request_timeout_seconds,
            )
        except ApiStatusError as error:
            self._answers.pop(key, None)
            return _outcome(error)
        except ApiError as error:
            self._answers.pop(key, None)
            return Outcome(Written.UNAVAILABLE, str(error))
        self._note(key, answer)
        if draft.patch.get("push") and not answer.get("status", {}).get("push"):
            return Outcome(Written.PRUNED, _DROPPED)
        return Outcome(Written.DONE)

    async def reread(self, key: MonitorKey) -> Stored | None:
        """Read the Monitor now; None: the API server does not answer."""
        self._answers.pop(key, None)
        try:
            answer = await self._api.call(
                "GET", monitor_path(key), timeout_seconds=self._limits.request_timeout_seconds
            )
        except ApiError as error:  # the outcome of the next write reports it
            gone = isinstance(error, ApiStatusError) and error.status == 404
            return Stored(None, None) if gone else None
        self._note(key, answer)
        return stored_in(answer.get("status", {}))

    def offer_event(self, key: MonitorKey, occurrence: Occurrence) -> None:
        """Write an Event later; returns at once."""
        found = self._newest(key)
        if found is not None:
            self._events.offer(key, found, occurrence)

    def _newest(self, key: MonitorKey) -> MonitorObject | None:
        """Return a Monitor as the last write was answered, or else as the watch delivered it."""
        found = self._shown(key)
        until_timestamp, answer = self._answers.get(key, (0.0, None))
        if found is None or answer is None or answer.uid != found.uid:
            return found
        if not 0 <= until_timestamp - self._clock() <= self._limits.answer_seconds:
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
            self._answers[key] = (self._clock() + self._limits.answer_seconds, newest)


def _outcome(error: ApiStatusError) -> Outcome:
    _, unknown, fields = error.message.rpartition(_UNKNOWN_FIELD)
    if unknown:
        return Outcome(Written.PRUNED, f"{_DROPPED}: {fields}")
    written = _WRITTEN.get(error.status, Written.UNAVAILABLE)
    remedy = _REMEDY if written is Written.FORBIDDEN else ""
    return Outcome(written, f"{error}{remedy}", error.retry_after_seconds)

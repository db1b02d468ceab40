"""The Lease in which replicas note, one for all, that pushes can be received.

`renewTime` is the last such note of any of them; an annotation holds the outages of the time
before. Only the newest note counts, so that no replica has to hold the Lease to write it.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from yuptime_exporter.core.model import Noted, Outage
from yuptime_exporter.core.outages import Outages, last_receiving
from yuptime_exporter.kubernetes.api import Api
from yuptime_exporter.kubernetes.errors import ApiStatusError
from yuptime_exporter.moments import exact_rfc3339, timestamp_of

OUTAGES = "monitoring.yuptime.io/outages"

# An annotation may have 256 KiB, all of them together; a thousand outages take 40 KiB, and are a
# restart in each half hour for three weeks.
MAX_OUTAGES = 1000

# Many times the interval of the notes: whoever looks at the Lease sees that nobody has renewed it.
LEASE_SECONDS = 30

# The first moment that RFC 3339 cannot write.
_END_OF_TIME = 253_402_300_800

# A note is seconds old when it is written, and the clocks of nodes are seconds apart at most.
MAX_SKEW_SECONDS = 60.0

_TIMEOUT_SECONDS = 5.0
_MAX_TRIES = 5


class ReceivingLease:
    """One Lease object, made when it is first written."""

    def __init__(self, api: Api, *, namespace: str, name: str, holder: str) -> None:
        self._api = api
        self._path = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"
        self._namespace = namespace
        self._name = name
        self._holder = holder

    async def read(self) -> Noted:
        """Return what is noted.

        Raises:
            ApiError: it cannot be known.
        """
        found = await self._found()
        return _noted(found) if found else Noted()

    async def note(self, timestamp: float, outages: Iterable[Outage] | None) -> Noted:
        """Note that pushes can be received at this moment, and return what is noted by then.

        Args:
            timestamp: the moment; a later one of another replica stays.
            outages: those that there were, beside which those of other replicas stay; None: as
                they are.

        Raises:
            ApiError: it could not be noted.
        """
        for tries_left in reversed(range(_MAX_TRIES)):
            found = await self._found()
            wanted = _merged(_noted(found) if found else Noted(), timestamp, outages)
            try:
                await self._write(found, wanted)
            except ApiStatusError as error:
                if error.status != 409 or not tries_left:  # 409: another replica was faster
                    raise
            else:
                return wanted
        raise AssertionError  # the last try returns or raises

    async def _found(self) -> Mapping[str, Any] | None:
        try:
            return await self._api.call(
                "GET", f"{self._path}/{self._name}", timeout_seconds=_TIMEOUT_SECONDS
            )
        except ApiStatusError as error:
            if error.status == 404:
                return None
            raise

    async def _write(self, found: Mapping[str, Any] | None, wanted: Noted) -> None:
        metadata: dict[str, Any] = {"name": self._name, "namespace": self._namespace}
        spec: dict[str, Any] = {}
        if found is not None:
            metadata = {**found["metadata"]}
            metadata.pop("managedFields", None)
            spec = {**found.get("spec", {})}
        outages = [[one.start_timestamp, one.end_timestamp] for one in wanted.outages]
        annotations = metadata.get("annotations") or {}
        metadata["annotations"] = {**annotations, OUTAGES: json.dumps(outages)}
        spec["leaseDurationSeconds"] = LEASE_SECONDS
        spec["holderIdentity"] = self._holder
        if wanted.receiving_timestamp is not None:
            spec["renewTime"] = exact_rfc3339(wanted.receiving_timestamp)
        body = {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": metadata,
            "spec": spec,
        }
        method, path = (
            ("POST", self._path) if found is None else ("PUT", f"{self._path}/{self._name}")
        )
        await self._api.call(method, path, body=body, timeout_seconds=_TIMEOUT_SECONDS)


def _noted(found: Mapping[str, Any]) -> Noted:
    renewed = timestamp_of((found.get("spec") or {}).get("renewTime"))
    annotations = found["metadata"].get("annotations") or {}
    return Noted(renewed, tuple(_read_outages(annotations.get(OUTAGES, "[]"))))


def _read_outages(text: str) -> Iterable[Outage]:
    """Return the outages that are written; nothing of what somebody else wrote there."""
    try:
        written = json.loads(text)
    except ValueError:
        return
    for one in written if isinstance(written, list) else ():
        if isinstance(one, list) and len(one) == 2 and all(isinstance(t, int | float) for t in one):
            start, end = one
            if 0 <= start < end < _END_OF_TIME:  # which also leaves out what is not a number
                yield Outage(float(start), float(end))


def _merged(noted: Noted, timestamp: float, outages: Iterable[Outage] | None) -> Noted:
    last = last_receiving(noted.receiving_timestamp, timestamp, max_skew_seconds=MAX_SKEW_SECONDS)
    # Like the last moment, an outage in the future was noted by a clock that was wrong.
    both = Outages((*noted.outages, *(outages or ()))).until(timestamp + MAX_SKEW_SECONDS)
    return Noted(last, both.known[-MAX_OUTAGES:])

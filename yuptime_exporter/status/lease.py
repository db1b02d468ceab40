"""The Lease in which all replicas note that pushes can be received.

`renewTime` is the newest note of any replica; an annotation contains the outages before it. No
replica has to hold the Lease to write a note.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from yuptime_exporter.core.model import Outage
from yuptime_exporter.core.outages import Outages, last_receiving
from yuptime_exporter.core.stored import Noted
from yuptime_exporter.kubernetes.api import Api
from yuptime_exporter.kubernetes.errors import ApiStatusError
from yuptime_exporter.moments import exact_rfc3339, timestamp_of

OUTAGES = "monitoring.yuptime.io/outages"

# All annotations together may have 256 KiB. 1,000 outages take 40 KiB, and are a restart each half
# hour for three weeks.
MAX_OUTAGES = 1000

# Six times the interval of the notes: an expired Lease shows that no replica renews it.
LEASE_SECONDS = 30

# The first Unix second that RFC 3339 cannot express.
_END_OF_TIME = 253_402_300_800

# A note is some seconds old when it is written, and the clocks of nodes differ by some seconds.
MAX_SKEW_SECONDS = 60.0

_TIMEOUT_SECONDS = 5.0
_MAX_TRIES = 5


class ReceivingLease:
    """One Lease object, created by the first note."""

    def __init__(self, api: Api, *, namespace: str | None, name: str, holder: str) -> None:
        """Read and write nothing yet.

        Args:
            api: the API server.
            namespace: None: that of the pod, or of the kubeconfig's current context.
            name: of the Lease.
            holder: names this replica.
        """
        self._api = api
        self._given_namespace = namespace
        self._name = name
        self._holder = holder

    async def read(self) -> Noted:
        """Return the notes.

        Raises:
            ApiError: the Lease cannot be read.
        """
        found = await self._found()
        return _noted(found) if found else Noted()

    async def note(self, timestamp: float, outages: Iterable[Outage] | None) -> Noted:
        """Note that pushes could be received at this moment; return all notes after it.

        Args:
            timestamp: the moment; a later note of another replica stays.
            outages: added to the outages that are noted; None: none.

        Raises:
            ApiError: the Lease cannot be written.
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

    @property
    def _namespace(self) -> str:
        return self._given_namespace or self._api.namespace

    @property
    def _path(self) -> str:
        return f"/apis/coordination.k8s.io/v1/namespaces/{self._namespace}/leases"

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
    """Yield the outages in an annotation, without entries that are malformed."""
    try:
        written = json.loads(text)
    except ValueError:
        return
    for one in written if isinstance(written, list) else ():
        if isinstance(one, list) and len(one) == 2 and all(isinstance(t, int | float) for t in one):
            start, end = one
            if 0 <= start < end < _END_OF_TIME:  # false also for NaN
                yield Outage(float(start), float(end))


def _merged(noted: Noted, timestamp: float, outages: Iterable[Outage] | None) -> Noted:
    last = last_receiving(noted.receiving_timestamp, timestamp, max_skew_seconds=MAX_SKEW_SECONDS)
    # Like the last moment, an outage in the future was noted by a clock that was wrong.
    both = Outages((*noted.outages, *(outages or ()))).until(timestamp + MAX_SKEW_SECONDS)
    return Noted(last, both.known[-MAX_OUTAGES:])

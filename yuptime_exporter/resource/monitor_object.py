"""Monitor objects as the API server shows them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from yuptime_exporter.core.model import API_VERSION, GROUP, Monitor, MonitorKey, Problem

API_PATH = f"/apis/{API_VERSION}"
CRD_NAME = f"monitors.{GROUP}"

# The reason of TokenResolved where the spec names a Secret of another namespace.
CROSS_NAMESPACE = "CrossNamespaceRefForbidden"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why the spec of a Monitor cannot be used.

    Attributes:
        reason: `SpecInvalid`, `FieldsPruned` or `CROSS_NAMESPACE`.
        message: what is wrong and what is allowed.
    """

    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class MonitorObject:
    """What is kept of a Monitor object.

    Attributes:
        other_type: the type of a monitor that is not of type push, of which nothing else is kept.
        declared: what its spec says, without tokens; of a spec that cannot be used what the last
            good one said, None if there was none.
        refusal: why the spec cannot be used; None where it can.
        problems: the same, one by one.
        hidden: whether the spec is stored as it was declared, but the definition that is installed
            lacks fields of it. Whatever is written now, be it a status, loses them for good.
        status_json: `status` as it is; kept as bytes, which take a quarter of the memory.
    """

    uid: str = ""
    resource_version: str = ""
    generation: int = 0
    other_type: str | None = None
    declared: Monitor | None = None
    refusal: Refusal | None = None
    problems: tuple[Problem, ...] = ()
    hidden: bool = False
    status_json: bytes = b"{}"

    @property
    def status(self) -> Mapping[str, Any]:
        """The status as plain values."""
        status: Mapping[str, Any] = json.loads(self.status_json)
        return status


def monitors_path(namespace: str | None) -> str:
    """Return the path of all Monitors of a namespace; of None: of all namespaces."""
    return API_PATH + ("/monitors" if namespace is None else f"/namespaces/{namespace}/monitors")


def monitor_path(key: MonitorKey) -> str:
    """Return the path of one Monitor."""
    return f"{monitors_path(key.namespace)}/{key.name}"


def status_json_of(raw: Mapping[str, Any]) -> bytes:
    """Return the status of an object as bytes."""
    status = raw.get("status")
    return json.dumps(status, separators=(",", ":")).encode() if status else b"{}"

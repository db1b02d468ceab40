"""Monitor objects of the API server."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from yuptime_exporter.core.declared import Problem
from yuptime_exporter.core.model import API_VERSION, GROUP, Monitor, MonitorKey

API_PATH = f"/apis/{API_VERSION}"
CRD_NAME = f"monitors.{GROUP}"

# The reason of the condition TokenResolved if the spec names a Secret of another namespace.
CROSS_NAMESPACE = "CrossNamespaceRefForbidden"


@dataclass(frozen=True, slots=True)
class SpecProblem:
    """Why the spec of a Monitor cannot be used.

    Attributes:
        reason: `SpecInvalid`, `FieldsPruned` or `CROSS_NAMESPACE`.
        message: the problem, and the values that are allowed.
    """

    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class MonitorObject:
    """The kept part of a Monitor object.

    Attributes:
        other_type: the type, if it is not push; then nothing else is kept.
        declared: the monitor that the spec declares, without tokens. Of a spec that cannot be
            used, the monitor of the last good spec; None if there was none.
        spec_problem: why the spec cannot be used; None if it can.
        problems: all problems of the spec, one by one.
        warnings: unknown fields, which the monitor ignores.
        hidden: whether the stored spec has fields that the installed definition lacks. Any write
            to the object, also of the status, would lose these fields.
        status_json: `status` as JSON; bytes take a quarter of the memory of objects.
    """

    uid: str = ""
    resource_version: str = ""
    generation: int = 0
    other_type: str | None = None
    declared: Monitor | None = None
    spec_problem: SpecProblem | None = None
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    hidden: bool = False
    status_json: bytes = b"{}"

    @property
    def status(self) -> Mapping[str, Any]:
        """The status as plain JSON values."""
        status: Mapping[str, Any] = json.loads(self.status_json)
        return status


def monitors_path(namespace: str | None) -> str:
    """Return the path of all Monitors of a namespace; None: of all namespaces."""
    return API_PATH + ("/monitors" if namespace is None else f"/namespaces/{namespace}/monitors")


def monitor_path(key: MonitorKey) -> str:
    """Return the path of one Monitor."""
    return f"{monitors_path(key.namespace)}/{key.name}"


def status_json_of(raw: Mapping[str, Any]) -> bytes:
    """Return the status of an object as JSON."""
    status = raw.get("status")
    return json.dumps(status, separators=(",", ":")).encode() if status else b"{}"

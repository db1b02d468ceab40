"""Monitor objects of an API server, read into what is kept of them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from yuptime_exporter.core.model import Monitor, MonitorKey, Problem
from yuptime_exporter.moments import timestamp_of
from yuptime_exporter.resource.monitor_object import (
    CROSS_NAMESPACE,
    MonitorObject,
    Refusal,
    status_json_of,
)
from yuptime_exporter.resource.objects import (
    Declared,
    OtherMonitor,
    Refused,
    read_object,
)

FIELDS_PRUNED = "FieldsPruned"
_PRUNED = (
    "the CustomResourceDefinition that is installed has no spec.target.push and drops it; "
    "install the one of yuptime-exporter: kubectl apply --server-side -f deploy/crd/monitors.yaml"
)


def monitor_key(raw: Mapping[str, Any]) -> MonitorKey:
    """Return what names the Monitor."""
    metadata = raw["metadata"]
    return MonitorKey(metadata.get("namespace", ""), metadata["name"])


def read_monitor_object(raw: Mapping[str, Any], before: MonitorObject | None) -> MonitorObject:
    """Return what is kept of a Monitor.

    Args:
        raw: the object.
        before: what is kept of it until now; None: nothing. Its spec is not read again unless it
            has changed, and of one that cannot be used the last good one stays in force.
    """
    metadata, spec = raw["metadata"], raw.get("spec")
    uid, generation = metadata.get("uid", ""), metadata.get("generation", 0)
    if isinstance(spec, dict) and spec.get("type") != "push":
        return MonitorObject(uid, generation=generation, other_type=_other_type(raw))
    version, status = metadata.get("resourceVersion", ""), status_json_of(raw)
    known = before is not None and (before.uid, before.generation) == (uid, generation)
    if before is not None and known and not lacks_fields(before):
        return replace(before, resource_version=version, status_json=status)
    read = MonitorObject(uid, version, generation, status_json=status)
    where = f"Monitor {monitor_key(raw)}"
    found = read_object(raw, where)
    if isinstance(found, Declared) and isinstance(found.value, Monitor):
        return replace(read, declared=_of_cluster(found.value, metadata))
    last_good = before.declared if before is not None and before.uid == uid else None
    problems = found.problems if isinstance(found, Refused) else ()
    hidden = False
    if _is_pruned(spec):
        hidden = _was_declared(metadata)
        refusal = Refusal(FIELDS_PRUNED, _PRUNED)
        problems = (Problem(where, "spec.target.push", _PRUNED),)
    else:
        refusal = _refusal(problems)
    return replace(read, declared=last_good, refusal=refusal, problems=problems, hidden=hidden)


def lacks_fields(found: MonitorObject) -> bool:
    """Tell whether the definition that is installed dropped, or hides, what a monitor needs."""
    return found.refusal is not None and found.refusal.reason == FIELDS_PRUNED


def _other_type(raw: Mapping[str, Any]) -> str:
    found = read_object({**raw, "kind": "Monitor"}, "Monitor")
    return found.type if isinstance(found, OtherMonitor) else "unknown"


def _of_cluster(monitor: Monitor, metadata: Mapping[str, Any]) -> Monitor:
    created = timestamp_of(metadata.get("creationTimestamp"))
    return replace(monitor, source="kubernetes", created_timestamp=created)


def _is_pruned(spec: object) -> bool:
    """Tell whether `spec.target.push` is missing, which our CRD refuses and others drop."""
    target = spec.get("target") if isinstance(spec, dict) else None
    return not isinstance(target, dict) or target.get("push") is None


def _was_declared(metadata: Mapping[str, Any]) -> bool:
    """Tell whether `spec.target.push` was ever stored, by what says who set which field."""
    for manager in metadata.get("managedFields") or ():
        fields = manager.get("fieldsV1") or {}
        if "f:push" in (fields.get("f:spec", {}).get("f:target") or {}):
            return True
    return False


def _refusal(problems: Sequence[Problem]) -> Refusal:
    where = {problem.field.rpartition(".")[2] for problem in problems}
    crosses = where == {"namespace"} and "secret" in problems[0].field.lower()
    text = "; ".join(": ".join(part for part in (one.field, one.text) if part) for one in problems)
    return Refusal(CROSS_NAMESPACE if crosses else "SpecInvalid", text[:1000])

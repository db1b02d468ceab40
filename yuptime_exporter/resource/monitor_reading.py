"""Read the kept part of Monitor objects."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from yuptime_exporter.core.declared import Problem
from yuptime_exporter.core.model import Monitor, MonitorKey
from yuptime_exporter.moments import timestamp_of
from yuptime_exporter.resource.monitor_object import (
    CROSS_NAMESPACE,
    MonitorObject,
    SpecProblem,
    status_json_of,
)
from yuptime_exporter.resource.near_misses import is_misspelt_push
from yuptime_exporter.resource.objects import (
    Declared,
    Invalid,
    OtherMonitor,
    read_object,
)
from yuptime_exporter.resource.unknown_fields import unknown_fields

FIELDS_PRUNED = "FieldsPruned"
_PRUNED = (
    "the installed CustomResourceDefinition has no spec.target.push and drops it; "
    "install the one of yuptime-exporter: kubectl apply --server-side -f deploy/crd/monitors.yaml"
)


def monitor_key(raw: Mapping[str, Any]) -> MonitorKey:
    """Return the key of a Monitor."""
    metadata = raw["metadata"]
    return MonitorKey(metadata.get("namespace", ""), metadata["name"])


def read_monitor_object(raw: Mapping[str, Any], before: MonitorObject | None) -> MonitorObject:
    """Return the kept part of a Monitor.

    Args:
        raw: the object.
        before: the kept part until now; None: none. A spec of the same generation is not read
            again. If a new spec cannot be used, the last good one stays active.
    """
    metadata, spec = raw["metadata"], raw.get("spec")
    uid, generation = metadata.get("uid", ""), metadata.get("generation", 0)
    if isinstance(spec, dict) and spec.get("type") != "push" and not is_misspelt_push(spec):
        return MonitorObject(uid, generation=generation, other_type=_other_type(raw))
    version, status = metadata.get("resourceVersion", ""), status_json_of(raw)
    known = before is not None and (before.uid, before.generation) == (uid, generation)
    if before is not None and known and not lacks_fields(before):
        return replace(before, resource_version=version, status_json=status)
    read = MonitorObject(uid, version, generation, status_json=status)
    where = f"Monitor {monitor_key(raw)}"
    found = read_object(raw, where)
    if isinstance(found, Declared) and isinstance(found.value, Monitor):
        warnings = tuple(unknown_fields(raw, where))
        return replace(read, declared=_of_cluster(found.value, metadata), warnings=warnings)
    last_good = before.declared if before is not None and before.uid == uid else None
    problems = found.problems if isinstance(found, Invalid) else ()
    hidden = False
    if _is_pruned(spec):
        hidden = _was_declared(metadata)
        problem = SpecProblem(FIELDS_PRUNED, _PRUNED)
        problems = (Problem(where, "spec.target.push", _PRUNED),)
    else:
        problem = _spec_problem(problems)
    return replace(read, declared=last_good, spec_problem=problem, problems=problems, hidden=hidden)


def lacks_fields(found: MonitorObject) -> bool:
    """Tell whether the installed definition dropped or hides fields that a monitor needs."""
    return found.spec_problem is not None and found.spec_problem.reason == FIELDS_PRUNED


def _other_type(raw: Mapping[str, Any]) -> str:
    found = read_object({**raw, "kind": "Monitor"}, "Monitor")
    return found.type if isinstance(found, OtherMonitor) else "unknown"


def _of_cluster(monitor: Monitor, metadata: Mapping[str, Any]) -> Monitor:
    created = timestamp_of(metadata.get("creationTimestamp"))
    return monitor._replace(source="kubernetes", created_timestamp=created)


def _is_pruned(spec: object) -> bool:
    """Tell whether `spec.target.push` is missing: our CRD requires it, others drop it."""
    target = spec.get("target") if isinstance(spec, dict) else None
    return not isinstance(target, dict) or target.get("push") is None


def _was_declared(metadata: Mapping[str, Any]) -> bool:
    """Tell by the managed fields whether `spec.target.push` was ever stored."""
    for manager in metadata.get("managedFields") or ():
        fields = manager.get("fieldsV1") or {}
        if "f:push" in (fields.get("f:spec", {}).get("f:target") or {}):
            return True
    return False


def _spec_problem(problems: Sequence[Problem]) -> SpecProblem:
    where = {problem.field.rpartition(".")[2] for problem in problems}
    crosses = where == {"namespace"} and "secret" in problems[0].field.lower()
    text = "; ".join(": ".join(part for part in (one.field, one.text) if part) for one in problems)
    return SpecProblem(CROSS_NAMESPACE if crosses else "SpecInvalid", text[:1000])

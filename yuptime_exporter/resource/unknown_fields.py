"""Unknown fields of a Monitor: ignored as Kubernetes does, and a warning for each.

A misspelt or misplaced field changes nothing: a job that is due once a day would be down minutes
after each success, because its `expireSeconds` is one level too high.
"""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeGuard

from yuptime_exporter.core.declared import Problem
from yuptime_exporter.resource.near_misses import OTHER_TYPES
from yuptime_exporter.resource.place import Where
from yuptime_exporter.resource.shapes import MonitorResource
from yuptime_exporter.resource.text import quotable
from yuptime_exporter.resource.validation import EXPECTED

# Fields that the Monitors of Yuptime have for other types; for type push they have no meaning. What
# is below them is not looked at.
_OF_OTHER_TYPES = frozenset(
    {
        ("spec", "schedule", "timeoutSeconds"),
        ("spec", "schedule", "retries"),
        ("spec", "schedule", "initialDelaySeconds"),
        ("spec", "schedule", "jitterPercent"),
        ("spec", "successCriteria"),
        ("spec", "alerting", "policyRef"),
        ("spec", "alerting", "resendIntervalMinutes"),
        ("spec", "alerting", "notifyOn"),
        ("spec", "tags"),
        ("spec", "jitterPercent"),
        *(("spec", "target", other) for other in OTHER_TYPES),
    }
)

# Kubernetes' ObjectMeta.
_METADATA = (
    "name", "namespace", "labels", "annotations", "generateName", "uid", "resourceVersion",
    "generation", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds",
    "finalizers", "ownerReferences", "managedFields", "selfLink",
)  # fmt: skip

_KNOWN = frozenset(path for path in EXPECTED[MonitorResource] if path[0] == "spec")
# Below this field every name is the user's own.
_FREE = ("spec", "alerting", "labels")


def unknown_fields(value: object, where: Where) -> Iterator[Problem]:
    """Return a warning for each unknown field in the metadata and the spec of a Monitor.

    Args:
        value: the object as plain values; any other object has no unknown fields.
        where: its place.
    """
    if is_monitor(value):
        yield from unknown_in_metadata(value.get("metadata"), where)
        yield from unknown_in_spec(value.get("spec"), where)


def is_monitor(value: object) -> TypeGuard[Mapping[str, object]]:
    """Return whether an object has the kind Monitor; its fields may be of any type."""
    return isinstance(value, dict) and value.get("kind") == "Monitor"


def unknown_in_metadata(metadata: object, where: Where) -> Iterator[Problem]:
    """Return a warning for each unknown field in the metadata of a Monitor."""
    for name in metadata if isinstance(metadata, dict) else ():
        if name not in _METADATA:
            alike = difflib.get_close_matches(name, _METADATA, n=1)
            meant = f"; did you mean {alike[0]}?" if alike else ""
            yield Problem(
                str(where), f"metadata.{quotable(name)}", f"unknown field, ignored{meant}"
            )


def unknown_in_spec(spec: object, where: Where) -> Iterator[Problem]:
    """Return a warning for each unknown field in the spec of a Monitor."""
    if isinstance(spec, dict):
        yield from _unknown(spec, ("spec",), where)


def _unknown(
    values: Mapping[str, object], path: tuple[str, ...], where: Where
) -> Iterator[Problem]:
    for name, held in values.items():
        own = (*path, name)
        if own in _OF_OTHER_TYPES or own == _FREE:
            continue
        if own not in _KNOWN:
            text = f"unknown field, ignored{_suggestion(own)}"
            yield Problem(str(where), ".".join(quotable(part) for part in own), text)
        elif isinstance(held, dict):
            yield from _unknown(held, own, where)


def _suggestion(unknown: Sequence[str]) -> str:
    """Return the field that was probably meant: of this name elsewhere, or of a name like it."""
    *parents, name = unknown
    elsewhere = sorted(path for path in _KNOWN if path[-1] == name)
    siblings = sorted(path[-1] for path in _KNOWN if path[:-1] == tuple(parents))
    alike = difflib.get_close_matches(name, siblings, n=1)
    if alike:
        return f"; did you mean {alike[0]}?"
    if not elsewhere:
        named = {path[-1]: path for path in sorted(_KNOWN)}
        match = difflib.get_close_matches(name, named, n=1, cutoff=0.8)
        elsewhere = [named[match[0]]] if match else []
    return f"; did you mean {'.'.join(elsewhere[0])}?" if elsewhere else ""

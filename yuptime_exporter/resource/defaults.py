"""Defaults for the specs of many monitors: a part of a spec that each of them begins with."""

from collections.abc import Mapping
from typing import Any

from yuptime_exporter.core.model import API_VERSION
from yuptime_exporter.resource.objects import Invalid, read_object
from yuptime_exporter.resource.unknown_fields import unknown_fields

Defaults = Mapping[str, Any]
"""Fields of `spec`; empty: none."""

NO_DEFAULTS: Defaults = {}

# With these fields a spec is complete, so that only the defaults can have a problem.
_COMPLETE: Defaults = {
    "type": "push",
    "target": {"push": {"tokenSecretRef": {"name": "token", "key": "token"}}},
}


def with_defaults(spec: object, defaults: Defaults) -> object:
    """Return a spec with the defaults for fields that it does not have, at any depth.

    A field with a value of another kind stays as it is, so that its problem is reported. Lists are
    values: those of the spec replace those of the defaults.
    """
    if not isinstance(spec, Mapping):
        return dict(defaults) if spec is None else spec
    merged = dict(spec)
    for name, default in defaults.items():
        own = spec.get(name)
        if isinstance(default, Mapping):
            merged[name] = with_defaults(own, default)
        elif own is None:
            merged[name] = default
    return merged


def defaults_problem(defaults: Defaults) -> str:
    """Return what is wrong with defaults; empty if nothing is."""
    spec = with_defaults(defaults, _COMPLETE)
    value = {
        "apiVersion": API_VERSION,
        "kind": "Monitor",
        "metadata": {"namespace": "default", "name": "default"},
        "spec": spec,
    }
    unknown = list(unknown_fields(value, ""))
    read = read_object(value, "")
    problems = [*unknown, *(read.problems if isinstance(read, Invalid) else ())]
    return "; ".join(f"{one.field.removeprefix('spec.')}: {one.text}" for one in problems)

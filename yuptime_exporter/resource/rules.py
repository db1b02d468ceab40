"""The rules about a Monitor that go beyond the shape of each field."""

from collections.abc import Iterator, Mapping
from contextlib import suppress

from pydantic import ValidationError

from yuptime_exporter.core.declared import Problem
from yuptime_exporter.core.identity import label_problems
from yuptime_exporter.resource.place import Where
from yuptime_exporter.resource.schedule_reading import schedule_problems
from yuptime_exporter.resource.shapes import MonitorResource, PushSpec, Schedule, SecretRef
from yuptime_exporter.resource.text import quotable

_LABELS = "spec.alerting.labels"
_TOKEN_REF = "spec.target.push.tokenSecretRef"  # noqa: S105  a field


def token_ref_of(push: PushSpec) -> SecretRef | None:
    """Return the reference to the token, in either of its spellings; None: there is none."""
    return push.token_secret_ref or (push.token.secret_ref if push.token else None)


def rule_problems(resource: MonitorResource, where: Where) -> Iterator[Problem]:
    """Return the problems of a Monitor whose fields have their shape."""
    yield from _schedule_problems(resource.spec.schedule, where)
    yield from _token_ref_problems(resource, where)
    yield from _label_problems(resource.spec.alerting.labels, where)


def rule_problems_of_parts(spec: object, where: Where) -> Iterator[Problem]:
    """Return the problems of those parts of a spec that have their shape, although others do not.

    So one run of `yuptime check` finds them all.

    Args:
        spec: as plain values.
        where: the place of the Monitor.
    """
    with suppress(ValidationError):  # then the schedule has problems with its shape
        yield from _schedule_problems(Schedule.model_validate(_part(spec, "schedule")), where)
    push = _part(_part(spec, "target"), "push")
    if push and not push.keys() & {"tokenSecretRef", "token"}:
        yield _no_token_ref(where)
    labels = _part(_part(spec, "alerting"), "labels")
    yield from _label_problems(
        {name: value for name, value in labels.items() if isinstance(value, str)}, where
    )


def _part(value: object, name: str) -> Mapping[str, object]:
    """Return a mapping in another; empty where one of the two is none."""
    found = value.get(name) if isinstance(value, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _schedule_problems(schedule: Schedule, where: Where) -> Iterator[Problem]:
    for field, text in schedule_problems(schedule):
        yield Problem(str(where), field, text)


def _token_ref_problems(resource: MonitorResource, where: Where) -> Iterator[Problem]:
    token_ref, own = token_ref_of(resource.spec.target.push), resource.metadata.namespace
    if token_ref is None:
        yield _no_token_ref(where)
    elif token_ref.namespace not in (None, own):
        text = (
            f'cross-namespace reference: expected the namespace of the monitor, "{own}", '
            f'got "{token_ref.namespace}"; move the Secret there and remove this field'
        )
        yield Problem(str(where), f"{_TOKEN_REF}.namespace", text)


def _no_token_ref(where: Where) -> Problem:
    text = "expected a mapping with the name of a Secret and a key in it, got nothing"
    return Problem(str(where), _TOKEN_REF, text)


def _label_problems(labels: Mapping[str, str], where: Where) -> Iterator[Problem]:
    for name, text in label_problems(labels):
        yield Problem(str(where), _LABELS + (f".{quotable(name)}" if name else ""), text)

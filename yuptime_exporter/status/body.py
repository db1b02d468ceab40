"""The status of a Monitor as JSON, written and read.

Fields of other programs, also their conditions, are kept.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import inf
from typing import Any

from yuptime_exporter.core.messages import shown_message
from yuptime_exporter.core.model import NO_PUSH, RESULTS, Arming, LastPush, PushKind, Row
from yuptime_exporter.core.runs import NO_RUNS
from yuptime_exporter.moments import exact_rfc3339, timestamp_of, whole_rfc3339
from yuptime_exporter.status.model import (
    Condition,
    ConditionType,
    Holds,
    MonitorStatus,
    Shown,
)
from yuptime_exporter.status.runs_body import runs_body, runs_in

Json = Mapping[str, Any]

# Tuples, since a value that is looked up in them may be unhashable JSON.
_HOLDS = tuple(Holds)
_OURS = tuple(ConditionType)


@dataclass(frozen=True, slots=True)
class Stored:
    """The arming and the push in a status; None: the status has none."""

    arming: Arming | None
    last_push: LastPush | None


def wanted_body(status: MonitorStatus, found: Json, *, now_timestamp: float) -> dict[str, Any]:
    """Return the fields of the exporter as they should be.

    Args:
        status: the status that the Monitor should have.
        found: the present status, from which the conditions of other programs are taken.
        now_timestamp: the transition time of conditions that change.
    """
    body: dict[str, Any] = {
        "observedGeneration": status.generation,
        "lastResult": {
            "state": str(status.state),
            "checkedAt": _moment(status.since_timestamp),
            "reason": status.reason,
            "message": status.message,
        },
        "conditions": _conditions(status, found, now_timestamp),
    }
    if status.row is not None:
        body["push"] = _push(status.row, status)
        last_push = status.row.last_push
        if last_push is not None:
            checked = max(last_push.received_timestamp, status.since_timestamp or 0.0)
            body["lastResult"]["checkedAt"] = exact_rfc3339(checked)
    return body


def patch_of(wanted: Json, found: Json) -> dict[str, Any]:
    """Return the JSON merge patch (RFC 7386) that turns `found` into `wanted`."""
    patch: dict[str, Any] = {}
    for name, value in wanted.items():
        held = found.get(name)
        if isinstance(value, Mapping):
            held = held if isinstance(held, Mapping) else {}
            inner = patch_of(value, held)
            if inner:
                patch[name] = inner
        elif value is None:
            if held is not None:
                patch[name] = None
        elif value != held:
            patch[name] = value
    return patch


def shown_of(body: Json) -> Shown:
    """Return the status of a Monitor as it is; malformed fields count as missing."""
    result, push = _mapping(body.get("lastResult")), _mapping(body.get("push"))
    generation = body.get("observedGeneration")
    return Shown(
        generation=generation if isinstance(generation, int) else 0,
        state=str(result.get("state", "")),
        reason=str(result.get("reason", "")),
        conditions=tuple(_read_conditions(body)),
        last_push_timestamp=_newest(push),
        expires_timestamp=timestamp_of(push.get("expiresAt")),
        armed_timestamp=timestamp_of(push.get("armedTime")),
        paused_timestamp=timestamp_of(push.get("pausedTime")),
        heartbeat=(
            {name: value for name, value in push.items() if value is not None},
            result.get("message"),
            result.get("checkedAt"),
        ),
    )


def stored_in(body: Json) -> Stored:
    """Return the arming and the push in a status; malformed ones count as missing."""
    push = _mapping(body.get("push"))
    armed = timestamp_of(push.get("armedTime"))
    arming = None if armed is None else Arming(armed, timestamp_of(push.get("pausedTime")))
    received = timestamp_of(push.get("lastPushTime"))
    status = push.get("lastStatus")
    runs = runs_in(push)
    if received is None or status not in RESULTS:
        return Stored(arming, None if runs == NO_RUNS else LastPush(runs=runs))
    success = received if status == PushKind.UP else 0.0
    since = timestamp_of(push.get("sinceTime"))
    last_success = timestamp_of(push.get("lastSuccessTime"))
    last_push = LastPush(
        status=PushKind(status),
        message=str(push.get("message") or ""),
        received_timestamp=received,
        since_timestamp=received if since is None else since,
        last_success_timestamp=success if last_success is None else last_success,
        pushes_total=_count(push.get("count"), at_least=1),
        pushes_down_total=_count(push.get("downCount"), at_least=0),
        runs=runs,
    )
    return Stored(arming, last_push)


def _push(row: Row, status: MonitorStatus) -> dict[str, Any]:
    last = row.last_push or NO_PUSH
    reported = last if last.status is not None else None
    return {
        "armedTime": exact_rfc3339(row.arming.armed_timestamp),
        "pausedTime": _moment(row.arming.paused_timestamp),
        "expiresAt": _moment(status.expires_timestamp),
        "downAt": _moment(status.deadline_timestamp),
        "lastPushTime": _moment(reported.received_timestamp if reported else None),
        "lastStatus": str(reported.status) if reported else None,
        "message": shown_message(reported.message) if reported else None,
        "sinceTime": _moment(reported.since_timestamp if reported else None),
        "lastSuccessTime": _moment(last.last_success_timestamp or None),
        "count": last.pushes_total,
        "downCount": last.pushes_down_total,
        **runs_body(last.runs),
    }


def _conditions(
    status: MonitorStatus, found: Json, now_timestamp: float
) -> list[Mapping[str, Any]]:
    """Return all conditions: first those of other programs, then those of the exporter."""
    written = [one for one in _list(found.get("conditions")) if isinstance(one, Mapping)]
    before = {str(one.get("type")): one for one in written}
    others = [one for one in written if one.get("type") not in _OURS]
    ours = []
    for condition in status.conditions:
        was = before.get(condition.type, {})
        since = now_timestamp
        if condition.type is ConditionType.UP and status.since_timestamp is not None:
            since = status.since_timestamp
        unchanged = was.get("status") == condition.holds and was.get("lastTransitionTime")
        ours.append(
            {
                "type": str(condition.type),
                "status": str(condition.holds),
                "observedGeneration": status.generation,
                "lastTransitionTime": unchanged or whole_rfc3339(since),
                "reason": condition.reason,
                "message": condition.message,
            }
        )
    return [*others, *ours]


def _read_conditions(body: Json) -> Iterator[Condition]:
    found = {
        one.get("type"): one
        for one in _list(body.get("conditions"))
        if isinstance(one, Mapping) and isinstance(one.get("type"), str)
    }
    for kind in ConditionType:
        one = found.get(kind)
        if one is not None and one.get("status") in _HOLDS:
            holds = Holds(one["status"])
            yield Condition(kind, holds, str(one.get("reason", "")), str(one.get("message", "")))


def _newest(push: Json) -> float | None:
    """Return when the newest push was received, be it a result or a start."""
    moments = (timestamp_of(push.get("lastPushTime")), timestamp_of(push.get("lastStartTime")))
    return max((moment for moment in moments if moment is not None), default=None)


def _moment(timestamp: float | None) -> str | None:
    return None if timestamp is None or timestamp == inf else exact_rfc3339(timestamp)


def _mapping(value: object) -> Json:
    return value if isinstance(value, Mapping) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _count(value: object, *, at_least: int) -> int:
    return max(value, at_least) if isinstance(value, int) else at_least

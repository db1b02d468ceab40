"""The status that a Monitor should have, and the changes that are reported as Events.

Both depend only on the table and the spec, so that all replicas write the same status, and no
replica writes a status that is up to date.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from yuptime_exporter.core.declared import Problem
from yuptime_exporter.core.messages import shown_message
from yuptime_exporter.core.model import (
    LastPush,
    Reason,
    Row,
    State,
    TokenProblem,
    Verdict,
)
from yuptime_exporter.resource.monitor_object import CROSS_NAMESPACE, SpecProblem
from yuptime_exporter.status.model import (
    Condition,
    ConditionType,
    Holds,
    MonitorStatus,
    Occurrence,
    Shown,
)

_ACTIVE = "The spec is active."
_READY = "Pushes are accepted."


@dataclass(frozen=True, slots=True)
class _Said:
    """The words for a verdict: the reason of the result, and the condition Up."""

    result_reason: str
    up: Holds
    up_reason: str
    up_message: str


_SAID: Mapping[tuple[State, Reason], _Said] = {
    (State.PENDING, Reason.AWAITING_FIRST_PUSH): _Said(
        "AWAITING_FIRST_PUSH",
        Holds.UNKNOWN,
        "AwaitingFirstPush",
        "No push yet; the first is awaited.",
    ),
    (State.UP, Reason.REPORTED_UP): _Said(
        "PUSH_OK", Holds.TRUE, "ReportedUp", "The last push said up and has not expired."
    ),
    (State.LATE, Reason.OVERDUE): _Said(
        "IN_GRACE", Holds.TRUE, "InGracePeriod", "The last push has expired; the grace period runs."
    ),
    (State.DOWN, Reason.REPORTED_DOWN): _Said(
        "PUSH_DOWN", Holds.FALSE, "ReportedDown", "The last push said down."
    ),
    (State.DOWN, Reason.OVERDUE): _Said(
        "PUSH_TIMEOUT", Holds.FALSE, "Overdue", "No push came before the deadline."
    ),
    (State.DOWN, Reason.NEVER_PUSHED): _Said(
        "NO_PUSH_RECEIVED",
        Holds.FALSE,
        "NeverPushed",
        "The first push did not come before the deadline.",
    ),
    (State.DOWN, Reason.OVERRAN): _Said(
        "PUSH_OVERRAN",
        Holds.FALSE,
        "Overran",
        "A run has started and did not end within its maximum runtime.",
    ),
    (State.PAUSED, Reason.DISABLED): _Said(
        "MONITOR_DISABLED", Holds.UNKNOWN, "Paused", "The monitor is paused: spec.enabled is false."
    ),
}

_TOKEN_PROBLEMS: Mapping[TokenProblem, str] = {
    TokenProblem.SECRET_NOT_FOUND: "There is no Secret {secret} in this namespace.",
    TokenProblem.KEY_NOT_FOUND: "The Secret {secret} has no key {key}.",
    TokenProblem.NO_TOKENS: "The key {key} of the Secret {secret} holds no token.",
    TokenProblem.SECRET_FORBIDDEN: "yuptime-exporter may not read the Secret {secret}.",
    TokenProblem.SECRET_TYPE: (
        "The Secret {secret} has the type {type}, which is not watched: use the type Opaque, or "
        "--kubernetes.secrets=get."
    ),
    TokenProblem.UNSENDABLE: (
        "No HTTP header can carry the tokens in the key {key} of the Secret {secret}: they begin "
        "with a byte order mark, or are UTF-16 or binary. Save them as UTF-8 without a mark."
    ),
}


def status_of(
    row: Row, verdict: Verdict, *, generation: int, warnings: Sequence[Problem] = ()
) -> MonitorStatus:
    """Return the status of a monitor with a valid spec.

    Args:
        row: the monitor with its push.
        verdict: its state.
        generation: the generation of the spec.
        warnings: unknown fields of the spec.
    """
    said = _SAID[verdict.state, verdict.reason]
    token = _token_resolved(row)
    return MonitorStatus(
        generation=generation,
        state=verdict.state,
        reason=said.result_reason,
        conditions=(
            _valid(warnings),
            token,
            _ready(token),
            Condition(ConditionType.UP, said.up, said.up_reason, said.up_message),
        ),
        message=_message(row, verdict, said),
        since_timestamp=verdict.since_timestamp,
        row=row,
        expires_timestamp=verdict.due_timestamp,
        deadline_timestamp=verdict.deadline_timestamp,
    )


def status_of_invalid(
    last_good: MonitorStatus | None, problem: SpecProblem, *, generation: int
) -> MonitorStatus:
    """Return the status of a Monitor with an invalid spec.

    Args:
        last_good: the status for the last valid spec, which stays active; None: there is none.
        problem: the problem of the spec.
        generation: the generation of the spec that cannot be used.
    """
    reason, message = problem.reason, problem.message
    forbidden = reason == CROSS_NAMESPACE
    concerned = ConditionType.TOKEN_RESOLVED if forbidden else ConditionType.VALID
    invalid = Condition(concerned, holds=Holds.FALSE, reason=reason, message=message)
    if last_good is not None:
        conditions = tuple(
            invalid if one.type is concerned else one for one in last_good.conditions
        )
        return replace(last_good, generation=generation, conditions=conditions)
    unknown = "Unknown, since the spec is invalid."
    ready = Condition(ConditionType.READY, holds=Holds.FALSE, reason=reason, message=message)
    return MonitorStatus(
        generation=generation,
        state=State.PENDING,
        reason="INVALID_CONFIG",
        conditions=(
            Condition(ConditionType.VALID, holds=Holds.TRUE, reason="SpecValid", message=_ACTIVE)
            if forbidden
            else invalid,
            invalid
            if forbidden
            else Condition(ConditionType.TOKEN_RESOLVED, Holds.UNKNOWN, "SpecInvalid", unknown),
            ready,
            Condition(ConditionType.UP, Holds.UNKNOWN, "SpecInvalid", unknown),
        ),
        message=message,
    )


def occurrences(shown: Shown, status: MonitorStatus) -> tuple[Occurrence, ...]:
    """Return the changes from the present status to the one that replaces it."""
    before = {condition.type: condition for condition in shown.conditions}
    found = []
    for condition in status.conditions:
        was = before.get(condition.type)
        if condition.type in {ConditionType.UP, ConditionType.READY}:
            continue  # a change of state covers Up, and the other conditions cover Ready
        failed_before = was is not None and was.holds is Holds.FALSE
        fails = condition.holds is Holds.FALSE
        if fails is not failed_before:
            found.append(Occurrence(condition.reason, condition.message, warning=fails))
    up = next((one for one in status.conditions if one.type is ConditionType.UP), None)
    if up is not None and status.state != shown.state:
        change = _change_of_state(shown.state, status, up)
        found += [change] if change else []
    return tuple(found)


def _change_of_state(before: str, status: MonitorStatus, up: Condition) -> Occurrence | None:
    said = status.message if status.message != up.message else ""
    note = f"{up.message} {said}".strip()
    match status.state, before:
        case State.DOWN, _:
            return Occurrence(up.reason, note, warning=True, since_timestamp=status.since_timestamp)
        case State.LATE, _:
            return Occurrence(
                "Late", up.message, warning=False, since_timestamp=status.since_timestamp
            )
        case State.UP, State.DOWN:
            return Occurrence(
                "Recovered", note, warning=False, since_timestamp=status.since_timestamp
            )
        case State.PAUSED, _:
            return Occurrence(
                "Paused", up.message, warning=False, since_timestamp=status.since_timestamp
            )
        case _:
            return None


def _valid(warnings: Sequence[Problem]) -> Condition:
    if not warnings:
        return Condition(ConditionType.VALID, Holds.TRUE, "SpecValid", _ACTIVE)
    fields = ", ".join(f"{warning.field}: {warning.text}" for warning in warnings)
    message = shown_message(f"{_ACTIVE} Warnings: {fields}")
    return Condition(ConditionType.VALID, Holds.TRUE, "UnknownFields", message)


def _token_resolved(row: Row) -> Condition:
    monitor = row.monitor
    count = len(monitor.token_digests)
    if count and monitor.token_problem is None:
        tokens = "one token is" if count == 1 else f"{count} tokens are"
        return Condition(
            ConditionType.TOKEN_RESOLVED,
            Holds.TRUE,
            "TokensFound",
            f"{tokens} accepted.".capitalize(),
        )
    problem = monitor.token_problem or TokenProblem.SECRET_NOT_FOUND
    ref = monitor.token_ref
    text = _TOKEN_PROBLEMS[problem].format(
        secret=ref.secret_name, key=ref.secret_key, type=monitor.secret_type
    )
    return Condition(ConditionType.TOKEN_RESOLVED, Holds.FALSE, problem, text)


def _ready(token: Condition) -> Condition:
    if token.holds is Holds.TRUE:
        return Condition(ConditionType.READY, Holds.TRUE, "AcceptingPushes", _READY)
    return Condition(ConditionType.READY, Holds.FALSE, "TokenUnavailable", token.message)


def _message(row: Row, verdict: Verdict, said: _Said) -> str:
    """Return the message of the job if its push decides the state, else that of the condition."""
    last_push: LastPush | None = row.last_push
    if last_push is not None and verdict.reason in {Reason.REPORTED_UP, Reason.REPORTED_DOWN}:
        return shown_message(last_push.message)
    return said.up_message

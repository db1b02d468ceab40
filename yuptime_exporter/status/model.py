"""The status of a Monitor object: its words, and when it must be written."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from yuptime_exporter.core.evaluation import gap_seconds
from yuptime_exporter.core.model import LastPush, Row, State, Verdict
from yuptime_exporter.metrics.status import Written
from yuptime_exporter.resource.monitor_object import SpecProblem

# A push that only confirms what the status says is shown this much later at most: one write of an
# object in each half minute is what a Kubernetes Lease costs three times over (KEP-589: each 10 s).
HEARTBEAT_SECONDS = 30.0

# Before a status expires in the eyes of other replicas, what keeps it good must be written: this
# part of the expiry earlier, so that a slow API server has time, but never less than two seconds.
HEADROOM = 0.1
MIN_HEADROOM_SECONDS = 2.0


class ConditionType(StrEnum):
    """What a condition is about."""

    VALID = "Valid"
    TOKEN_RESOLVED = "TokenResolved"  # noqa: S105  a name, not a token
    READY = "Ready"
    UP = "Up"


class Holds(StrEnum):
    """Whether a condition holds, in Kubernetes' words."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition of a Monitor.

    Attributes:
        reason: one word in PascalCase, for programs.
        message: a sentence for people; the same as long as the reason is.
    """

    type: ConditionType
    holds: Holds
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class MonitorStatus:
    """A status, as it should be or as it is shown.

    Attributes:
        generation: of the spec that it is about.
        state: a `State`; of a shown status whatever stands there.
        reason: one word in UPPER_CASE, the form that other monitor types have.
        conditions: in the order of `ConditionType`; of a shown status only ours.
        message: what the job said, or why the monitor is in its state.
        since_timestamp: when the state began; None where nothing is known of it.
        row: None where nothing is known: the Monitor never was valid, or nothing is shown yet.
        expires_timestamp: until when the last push is good; None as with `row`.
        deadline_timestamp: when silence makes it down; None as with `row`.
    """

    generation: int
    state: str
    reason: str
    conditions: tuple[Condition, ...]
    message: str = ""
    since_timestamp: float | None = None
    row: Row | None = None
    expires_timestamp: float | None = None
    deadline_timestamp: float | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """What matters of the status that a Monitor has now.

    Attributes:
        generation, state, reason, conditions: as in `MonitorStatus`.
        last_push_timestamp: None before the first push.
        armed_timestamp, paused_timestamp: None where nothing is shown.
        heartbeat: everything else that is ours, in a form that can only be compared.
    """

    generation: int
    state: str
    reason: str
    conditions: tuple[Condition, ...]
    last_push_timestamp: float | None
    expires_timestamp: float | None
    armed_timestamp: float | None
    paused_timestamp: float | None
    heartbeat: object


@dataclass(frozen=True, slots=True)
class Spec:
    """What matters of a Monitor object's spec; `problem` is None if it can be used."""

    generation: int
    problem: SpecProblem | None


@dataclass(frozen=True, slots=True)
class Draft:
    """A status that may be written.

    Attributes:
        status: what is to be said.
        shown: what the Monitor says now.
        wanted: what it will say.
        patch: the difference, in the form of the API; empty where there is none.
        version: of the object that this was drafted for; it fits no other.
    """

    status: MonitorStatus
    shown: Shown
    wanted: Shown
    patch: Mapping[str, object]
    version: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a write, and why.

    Attributes:
        detail: for people; empty where it was done.
        retry_after_seconds: what the API server asked for; None where it did not.
    """

    written: Written
    detail: str = ""
    retry_after_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """What was found when a Monitor was asked for; `last_push` None: it tells of none."""

    last_push: LastPush | None


@dataclass(frozen=True, slots=True, order=True)
class Due:
    """When a status is to be written: not before the one moment, and at the other for certain.

    Ordered, since two of one monitor may meet in a heap.
    """

    eligible_timestamp: float
    deadline_timestamp: float


@dataclass(frozen=True, slots=True)
class Occurrence:
    """Something that happened to a monitor and is worth an Event.

    Attributes:
        reason: one word in PascalCase.
        since_timestamp: when; None: when it was noticed.
    """

    reason: str
    note: str
    warning: bool
    since_timestamp: float | None = None


def write_due(draft: Draft, *, now_timestamp: float) -> Due | None:
    """Return when a status is to be written; None: never, the Monitor says so already."""
    shown, wanted, row = draft.shown, draft.wanted, draft.status.row
    if not draft.patch:
        return None
    if _facts(wanted) != _facts(shown) or shown.expires_timestamp is None or row is None:
        return Due(now_timestamp, now_timestamp)
    return heartbeat_due(shown, gap_seconds(row))


def heartbeat_due(
    shown: Shown, expiry_seconds: float, *, written_timestamp: float | None = None
) -> Due:
    """Return when a push that only confirms what a Monitor says is to be shown.

    Args:
        shown: what it says.
        expiry_seconds: for how long that is good.
        written_timestamp: when that was written; None: that is not known, so that it counts from
            the push that is shown.
    """
    headroom_seconds = max(MIN_HEADROOM_SECONDS, HEADROOM * expiry_seconds)
    must = (shown.expires_timestamp or 0.0) - headroom_seconds
    shown_timestamp = shown.last_push_timestamp if written_timestamp is None else written_timestamp
    eligible = (shown_timestamp or 0.0) + HEARTBEAT_SECONDS
    return Due(min(eligible, must), must)


def next_change_timestamp(verdict: Verdict) -> float | None:
    """Return when silence alone changes the state; None: it never does."""
    match verdict.state:
        case State.UP:
            return verdict.due_timestamp
        case State.LATE | State.PENDING:
            return verdict.deadline_timestamp
        case State.DOWN | State.PAUSED:
            return None


def needed_writes_per_second(pushed_to: Mapping[float, int]) -> float:
    """Return how many writes a second keep all statuses from expiring.

    Args:
        pushed_to: the number of monitors that receive pushes, by the seconds until a push expires.
    """
    return sum(count / ((1 - HEADROOM) * gap) for gap, count in pushed_to.items())


def _facts(shown: Shown) -> tuple[object, ...]:
    """Return what is written at once when it changes."""
    return (
        shown.generation,
        shown.state,
        shown.reason,
        shown.conditions,
        shown.armed_timestamp,
        shown.paused_timestamp,
    )

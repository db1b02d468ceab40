"""The status of a Monitor object: its words, and when it is due to be written."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from math import inf

from yuptime_exporter.core.evaluation import gap_seconds
from yuptime_exporter.core.model import Row, State, Verdict
from yuptime_exporter.metrics.status import Written

# A push that only confirms the status is written this much later at most. One write of an object
# each 30 s is a third of the load of a node's Lease (KEP-589: one each 10 s).
HEARTBEAT_SECONDS = 30.0

# A newer push must be written before the status expires for its readers: this part of the expiry
# earlier, so that a slow API server has time, but at least 2 s.
HEADROOM = 0.1
MIN_HEADROOM_SECONDS = 2.0


class ConditionType(StrEnum):
    """The type of a condition."""

    VALID = "Valid"
    TOKEN_RESOLVED = "TokenResolved"  # noqa: S105  a name, not a token
    READY = "Ready"
    UP = "Up"


class Holds(StrEnum):
    """Whether a condition holds: its `status`, in the words of Kubernetes."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition of a Monitor.

    Attributes:
        reason: one word in PascalCase, for programs.
        message: a sentence for people, which changes only with the reason.
    """

    type: ConditionType
    holds: Holds
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class MonitorStatus:
    """The status that a Monitor should have.

    Attributes:
        generation: the generation of the spec that the status describes.
        state: a `State`.
        reason: one word in UPPER_CASE, as for other types of monitors.
        conditions: in the order of `ConditionType`.
        message: the message of the job, or why the monitor is in its state.
        since_timestamp: when the state began; None without a row.
        row: None if the Monitor was never valid.
        expires_timestamp: when the next push is due; None without a row.
        deadline_timestamp: when silence makes the monitor down; None without a row.
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
    """The status that a Monitor has now, as far as it decides about a write.

    Attributes:
        generation, state, reason, conditions: as in `MonitorStatus`, as found.
        last_push_timestamp: of the newest push, starts included; None before the first.
        armed_timestamp, paused_timestamp: None if the status has none.
        heartbeat: all other fields of the exporter, to be compared only.
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
class Draft:
    """A write that may be due.

    Attributes:
        status: the status that the Monitor should have.
        shown: the status that it has.
        wanted: the status that it will have.
        patch: the difference as a JSON merge patch; empty if there is none.
        version: the version of the object to which the patch applies.
    """

    status: MonitorStatus
    shown: Shown
    wanted: Shown
    patch: Mapping[str, object]
    version: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a write.

    Attributes:
        detail: a text for people; empty for `Written.DONE`.
        retry_after_seconds: the wait that the API server asked for; None if it asked for none.
    """

    written: Written
    detail: str = ""
    retry_after_seconds: float | None = None


@dataclass(frozen=True, slots=True, order=True)
class Due:
    """When a status is to be written: after the first moment, and before the second.

    Ordered, since a heap may contain two for one monitor.
    """

    eligible_timestamp: float
    deadline_timestamp: float


@dataclass(frozen=True, slots=True)
class Occurrence:
    """A change of a monitor that is reported as an Event.

    Attributes:
        reason: one word in PascalCase.
        since_timestamp: the moment of the change; None: that of the Event.
    """

    reason: str
    note: str
    warning: bool
    since_timestamp: float | None = None


def write_due(draft: Draft, *, now_timestamp: float) -> Due | None:
    """Return when a draft is to be written; None: never, since nothing differs."""
    shown, wanted, row = draft.shown, draft.wanted, draft.status.row
    if not draft.patch:
        return None
    if facts_of(wanted) != facts_of(shown) or shown.expires_timestamp is None or row is None:
        return Due(now_timestamp, now_timestamp)
    return heartbeat_due(shown, gap_seconds(row))


def heartbeat_due(
    shown: Shown, expiry_seconds: float, *, written_timestamp: float | None = None
) -> Due:
    """Return when a push that only confirms the status of a Monitor is to be written.

    Args:
        shown: the status of the Monitor.
        expiry_seconds: the time from a push until the next is due.
        written_timestamp: when that status was written; None: unknown, so that the time of its
            push counts.
    """
    headroom_seconds = max(MIN_HEADROOM_SECONDS, HEADROOM * expiry_seconds)
    expires = shown.expires_timestamp or 0.0
    must = inf if expiry_seconds == inf else expires - headroom_seconds
    shown_timestamp = shown.last_push_timestamp if written_timestamp is None else written_timestamp
    eligible = (shown_timestamp or 0.0) + HEARTBEAT_SECONDS
    return Due(min(eligible, must), must)


def next_change_timestamp(verdict: Verdict) -> float | None:
    """Return when silence changes the state; None: never."""
    match verdict.state:
        case State.UP:
            return verdict.due_timestamp
        case State.LATE | State.PENDING:
            return verdict.deadline_timestamp
        case State.DOWN | State.PAUSED:
            return None


def needed_writes_per_second(pushed_to: Mapping[float, int]) -> float:
    """Return the rate that keeps all statuses from expiring, in writes a second.

    Args:
        pushed_to: the number of monitors that receive pushes, by the seconds until a push expires.
    """
    return sum(count / ((1 - HEADROOM) * gap) for gap, count in pushed_to.items())


def facts_of(shown: Shown) -> tuple[object, ...]:
    """Return the facts: the fields that are written as soon as they change."""
    return (
        shown.generation,
        shown.state,
        shown.reason,
        shown.conditions,
        shown.armed_timestamp,
        shown.paused_timestamp,
    )

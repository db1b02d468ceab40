"""The words of the program. Every type here is a value: frozen, without behaviour.

All moments are Unix seconds (`_timestamp`), read from the clock of this process; all lengths of
time are seconds (`_seconds`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from yuptime_exporter.core.schedules import DEFAULT_SCHEDULE, Schedule

GROUP = "monitoring.yuptime.io"
API_VERSION = f"{GROUP}/v1"


class MonitorKey(NamedTuple):
    """What names a monitor: a tuple, since it is the key of every lookup on the push path."""

    namespace: str
    name: str

    def __str__(self) -> str:
        """Return `namespace/name`, the form used in URLs, logs and answers."""
        return f"{self.namespace}/{self.name}"


class PushKind(StrEnum):
    """What a push says about its job."""

    UP = "up"
    DOWN = "down"


class State(StrEnum):
    """What is true of a monitor at one moment; derived by `evaluation.judge`, never stored."""

    PENDING = "pending"
    UP = "up"
    LATE = "late"
    DOWN = "down"
    PAUSED = "paused"


class Reason(StrEnum):
    """Why a monitor is in its state."""

    AWAITING_FIRST_PUSH = "awaiting_first_push"
    REPORTED_UP = "reported_up"
    REPORTED_DOWN = "reported_down"
    OVERDUE = "overdue"
    NEVER_PUSHED = "never_pushed"
    DISABLED = "disabled"


class TokenProblem(StrEnum):
    """Why a monitor has no tokens: the reason of a condition in its status."""

    SECRET_NOT_FOUND = "SecretNotFound"  # noqa: S105  a reason, not a secret
    KEY_NOT_FOUND = "KeyNotFound"
    NO_TOKENS = "NoTokens"
    SECRET_FORBIDDEN = "SecretForbidden"  # noqa: S105


@dataclass(frozen=True, slots=True)
class TokenRef:
    """The entry of a Secret, in the monitor's own namespace, that holds the push tokens."""

    secret_name: str
    secret_key: str


@dataclass(frozen=True, slots=True)
class Monitor:
    """A declared `Monitor` with `spec.type: push`.

    Attributes:
        enabled: False pauses the monitor; pushes are still accepted.
        schedule: when the next push is due.
        grace_seconds: how long after that silence does not yet mean down.
        token_digests: SHA-256 digests of the tokens that may push; empty when there are none,
            for which `token_problem` has the reason where the source knows it.
        alert_labels: `spec.alerting.labels`, sorted by name, validated.
        alert_description: `spec.alerting.description`, the team's own text; empty where not set.
        alert_runbook_url: `spec.alerting.runbookUrl`; empty where not set.
        alertmanager_url: `spec.alerting.alertmanagerUrl`; None where it is not set.
        interval_seconds: how often the job means to push; None where it is not said.
        source: the kind of source that declared it, such as `manifests`.
        created_timestamp: when the object was created, by the clock of who keeps it and in whole
            seconds; None where nobody keeps it, as with files.
    """

    key: MonitorKey
    token_ref: TokenRef
    enabled: bool = True
    schedule: Schedule = DEFAULT_SCHEDULE
    grace_seconds: int = 60
    token_digests: tuple[bytes, ...] = ()
    alert_labels: tuple[tuple[str, str], ...] = ()
    alert_description: str = ""
    alert_runbook_url: str = ""
    alertmanager_url: str | None = None
    interval_seconds: int | None = None
    source: str = "manifests"
    token_problem: TokenProblem | None = None
    created_timestamp: float | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a declared object.

    Attributes:
        where: file and document, such as `jobs/backup.yaml, document 2 (line 14)`.
        field: path inside the document, such as `spec.target.push.expireSeconds`; empty when
            the document as a whole is meant.
        text: what was found and what is allowed.
    """

    where: str
    field: str
    text: str

    def __str__(self) -> str:
        """Return the line that a person reads."""
        return ": ".join(part for part in (self.where, self.field, self.text) if part)


@dataclass(frozen=True, slots=True)
class MonitorSet:
    """Everything that a source declares at one moment: always complete, never a difference.

    Attributes:
        monitors: in the order of their keys, no key twice.
        ignored_types: how many monitors of each other `spec.type` were passed over.
        ignored_documents: how many documents of other kinds were passed over.
        problems: what could not be used, in the order in which it was read.
    """

    monitors: tuple[Monitor, ...]
    ignored_types: Mapping[str, int] = field(default_factory=dict)
    ignored_documents: int = 0
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Arming:
    """From when a monitor's first push is awaited, and whether it is awaited at all.

    Attributes:
        armed_timestamp: when it was created, resumed, or started without saved state.
        paused_timestamp: since when it is paused; None while it is enabled.
        vanished_timestamp: since when no source declares it; None while one does.
    """

    armed_timestamp: float
    paused_timestamp: float | None = None
    vanished_timestamp: float | None = None


@dataclass(frozen=True, slots=True)
class Push:
    """One report of a job. It travels unchanged from the parser of its dialect to the store.

    Attributes:
        kind: what the job reported.
        received_timestamp: when the exporter had read the whole report.
        message: the job's own words, cut to the length that the dialect keeps; empty when the
            job sent none.
        message_truncated: whether the job sent more than `message` holds.
    """

    kind: PushKind
    received_timestamp: float
    message: str = ""
    message_truncated: bool = False


@dataclass(frozen=True, slots=True)
class LastPush:
    """The newest accepted push of a monitor, with what is remembered of those before it.

    Attributes:
        message: at most `MAX_MESSAGE_CHARS` characters; empty when none was sent.
        since_timestamp: since when the monitor has been continuously in the state that this
            push confirms: an unbroken run of good pushes, or of being down.
        last_success_timestamp: the last push that said up; 0 before the first.
        pushes_total: accepted pushes, this one included.
        pushes_down_total: those of them that said down.
    """

    status: PushKind
    message: str
    received_timestamp: float
    since_timestamp: float
    last_success_timestamp: float
    pushes_total: int
    pushes_down_total: int


@dataclass(frozen=True, slots=True)
class Row:
    """All that is known of one monitor. `last_push` is None before the first."""

    monitor: Monitor
    arming: Arming
    last_push: LastPush | None


@dataclass(frozen=True, slots=True)
class Outage:
    """A stretch of time, end excluded, in which nobody could push."""

    start_timestamp: float
    end_timestamp: float


@dataclass(frozen=True, slots=True)
class Noted:
    """What replicas that share a store have noted there, one for all.

    Attributes:
        receiving_timestamp: when any of them last noted that it could receive; None: none did.
        outages: in which none of them could, in the order of their starts.
    """

    receiving_timestamp: float | None = None
    outages: tuple[Outage, ...] = ()


@dataclass(frozen=True, slots=True)
class Restored:
    """What a store remembers.

    Attributes:
        armings: of all monitors of the last weeks, vanished ones included.
        last_pushes: of those that ever pushed.
        outages: in the order of their starts, none overlapping another.
        receiving_timestamp: when the exporter last noted that it was receiving; None before
            it ever did.
    """

    armings: Mapping[MonitorKey, Arming]
    last_pushes: Mapping[MonitorKey, LastPush]
    outages: tuple[Outage, ...] = ()
    receiving_timestamp: float | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """A monitor judged at one moment.

    Attributes:
        since_timestamp: when the state began; the same however often one looks.
        due_timestamp: when the next push is due.
        deadline_timestamp: when silence makes the monitor down.
    """

    state: State
    reason: Reason
    since_timestamp: float
    due_timestamp: float
    deadline_timestamp: float


class Judged(NamedTuple):
    """A monitor and its verdict at one moment."""

    row: Row
    verdict: Verdict

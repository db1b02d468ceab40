"""The words of the program. Every type here is a value: frozen, without behaviour.

All moments are Unix seconds (`_timestamp`), read from the clock of this process; all lengths of
time are seconds (`_seconds`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from yuptime_exporter.core.runs import NO_RUNS, Runs
from yuptime_exporter.core.schedules import DEFAULT_SCHEDULE, Schedule

GROUP = "monitoring.yuptime.io"
API_VERSION = f"{GROUP}/v1"


class MonitorKey(NamedTuple):
    """Namespace and name of a monitor. A tuple, for speed: each push looks it up several times."""

    namespace: str
    name: str

    def __str__(self) -> str:
        """Return `namespace/name`, the form used in URLs, logs and answers."""
        return f"{self.namespace}/{self.name}"


class PushKind(StrEnum):
    """The kinds of push: a result (up, down), the start of a run, or a message that changes nothing."""

    UP = "up"
    DOWN = "down"
    START = "start"
    LOG = "log"


RESULTS = (PushKind.UP, PushKind.DOWN)


class State(StrEnum):
    """The state of a monitor at one moment; derived by `evaluation.judge`, never stored."""

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
    OVERRAN = "overran"
    DISABLED = "disabled"


class TokenProblem(StrEnum):
    """Why a monitor has no tokens: the reason of a condition in its status."""

    SECRET_NOT_FOUND = "SecretNotFound"  # noqa: S105  a reason, not a secret
    KEY_NOT_FOUND = "KeyNotFound"
    NO_TOKENS = "NoTokens"
    SECRET_FORBIDDEN = "SecretForbidden"  # noqa: S105
    SECRET_TYPE = "SecretTypeUnsupported"  # noqa: S105
    UNSENDABLE = "TokensUnsendable"


class TokenRef(NamedTuple):
    """The entry of a Secret, in the monitor's own namespace, that holds the push tokens."""

    secret_name: str
    secret_key: str


class Monitor(NamedTuple):
    """A declared `Monitor` with `spec.type: push`. A tuple, for speed: the start makes each twice.

    Attributes:
        enabled: False pauses the monitor; pushes are still accepted.
        schedule: when the next push is due.
        grace_seconds: time from due to the deadline.
        max_runtime_seconds: time from the start of a run to its deadline; None where not set.
        token_digests: SHA-256 digests of the tokens that may push; empty if there are none.
        alert_labels: `spec.alerting.labels`, sorted by name, validated.
        alert_description: `spec.alerting.description`, the team's own text; empty where not set.
        alert_runbook_url: `spec.alerting.runbookUrl`; empty where not set.
        alertmanager_url: `spec.alerting.alertmanagerUrl`; None where not set.
        interval_seconds: the planned time between two pushes; None where not set.
        source: the kind of source, `manifests` or `kubernetes`.
        token_problem: why no push can be accepted; None where the source does not know it.
        secret_type: the type of the Secret if that is the problem; else empty.
        created_timestamp: when the object was created, in whole seconds of the API server's
            clock; None for files.
    """

    key: MonitorKey
    token_ref: TokenRef
    enabled: bool = True
    schedule: Schedule = DEFAULT_SCHEDULE
    grace_seconds: int = 60
    max_runtime_seconds: int | None = None
    token_digests: tuple[bytes, ...] = ()
    alert_labels: tuple[tuple[str, str], ...] = ()
    alert_description: str = ""
    alert_runbook_url: str = ""
    alertmanager_url: str | None = None
    interval_seconds: int | None = None
    source: str = "manifests"
    token_problem: TokenProblem | None = None
    secret_type: str = ""
    created_timestamp: float | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a declared object.

    Attributes:
        where: file and document, such as `jobs/backup.yaml, document 2 (line 14)`.
        field: path inside the document, such as `spec.target.push.expireSeconds`; empty for the
            document as a whole.
        text: the expected and the found value.
    """

    where: str
    field: str
    text: str

    def __str__(self) -> str:
        """Return place, field and text in one line."""
        return ": ".join(part for part in (self.where, self.field, self.text) if part)


@dataclass(frozen=True, slots=True)
class MonitorSet:
    """Everything that a source declares at one moment: always complete, never a difference.

    Attributes:
        monitors: in the order of their keys, no key twice.
        ignored_types: number of ignored monitors, by their `spec.type`.
        ignored_documents: number of ignored documents of other kinds.
        problems: in the order of reading.
        warnings: valid declarations that will not work as intended, in the order of reading.
        notice: why the set differs from what the source declares now; empty where it does not.
        unlisted: namespaces of which the monitors are not known, since the exporter may not list
            them. They are not removed; those that were declared before stay in the set.
    """

    monitors: tuple[Monitor, ...]
    ignored_types: Mapping[str, int] = field(default_factory=dict)
    ignored_documents: int = 0
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    notice: str = ""
    unlisted: frozenset[str] = frozenset()


class Arming(NamedTuple):
    """Since when the next push of a monitor is awaited. A tuple, for speed: the start reads many.

    Attributes:
        armed_timestamp: when the monitor was created or resumed, or found without stored state.
        paused_timestamp: when the monitor was paused; None while it is enabled.
        vanished_timestamp: when its source stopped to declare it; None while it is declared.
    """

    armed_timestamp: float
    paused_timestamp: float | None = None
    vanished_timestamp: float | None = None


class Push(NamedTuple):
    """One report of a job. It travels unchanged from the parser of its dialect to the store.

    Attributes:
        received_timestamp: when the exporter had read the whole report.
        message: the job's own words, as `messages.stored_message` keeps them; empty when the job
            sent none.
        message_truncated: whether the job sent more than `message` holds.
        run_id: the job's own name for this run; empty where it named none.
        duration_seconds: how long the run took, as the job says; None where it did not say.
        exit_code: of the job's process; None where the job did not report one.
        client_address: the IP address of the connection, perhaps of a proxy; empty if unknown.
    """

    kind: PushKind
    received_timestamp: float
    message: str = ""
    message_truncated: bool = False
    run_id: str = ""
    duration_seconds: float | None = None
    exit_code: int | None = None
    dialect: str = "native"
    client_address: str = ""


class LastPush(NamedTuple):
    """The newest result of a job, with a summary of the pushes before it; the default: no push.

    Attributes:
        status: up or down; None before the first result.
        message: as in `Push`.
        received_timestamp: when the result was received; 0 before the first.
        since_timestamp: when the state began that this push confirms.
        last_success_timestamp: the last push that said up; 0 before the first.
        pushes_total: number of accepted results, this one included.
        pushes_down_total: number of accepted pushes that said down.
        runs: those that are open, and a summary of the others.
    """

    status: PushKind | None = None
    message: str = ""
    received_timestamp: float = 0.0
    since_timestamp: float = 0.0
    last_success_timestamp: float = 0.0
    pushes_total: int = 0
    pushes_down_total: int = 0
    runs: Runs = NO_RUNS


NO_PUSH = LastPush()


class Row(NamedTuple):
    """One monitor with its arming and its last push; `last_push` is None before any push."""

    monitor: Monitor
    arming: Arming
    last_push: LastPush | None


@dataclass(frozen=True, slots=True)
class Outage:
    """A period in which no push could be received, end excluded."""

    start_timestamp: float
    end_timestamp: float


@dataclass(frozen=True, slots=True)
class Noted:
    """The receiving log of all replicas that share a store.

    Attributes:
        receiving_timestamp: when pushes could last be received by any replica; None: never yet.
        outages: periods in which no replica could receive pushes, in the order of their starts.
    """

    receiving_timestamp: float | None = None
    outages: tuple[Outage, ...] = ()


@dataclass(frozen=True, slots=True)
class Restored:
    """Everything that a store holds.

    Attributes:
        armings: of all monitors, removed monitors included until their history is forgotten.
        last_pushes: of all monitors that were ever pushed to.
        outages: in the order of their starts, without overlaps.
        receiving_timestamp: when pushes could last be received; None: never yet.
    """

    armings: Mapping[MonitorKey, Arming]
    last_pushes: Mapping[MonitorKey, LastPush]
    outages: tuple[Outage, ...] = ()
    receiving_timestamp: float | None = None


class Verdict(NamedTuple):
    """A monitor judged at one moment.

    Attributes:
        since_timestamp: when the state began; every replica and every restart agrees on it.
        deadline_timestamp: when silence makes the monitor down.
        running_since_timestamp: when the oldest open run started; None while none is open.
    """

    state: State
    reason: Reason
    since_timestamp: float
    due_timestamp: float
    deadline_timestamp: float
    running_since_timestamp: float | None = None


class Judged(NamedTuple):
    """A monitor and its verdict at one moment."""

    row: Row
    verdict: Verdict

"""The words of the program. Every type here is a value: never changed, without behaviour.

A `Value` is made or read by every push, and has its constructor written out, for speed.

All moments are Unix seconds (`_timestamp`), read from the clock of this process; all lengths of
time are seconds (`_seconds`).
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple, final

from yuptime_exporter.core.runs import NO_RUNS, Runs
from yuptime_exporter.core.schedules import DEFAULT_SCHEDULE, Schedule
from yuptime_exporter.core.values import Value

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


@final
class Push(Value):
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

    __slots__ = (
        "client_address",
        "dialect",
        "duration_seconds",
        "exit_code",
        "kind",
        "message",
        "message_truncated",
        "received_timestamp",
        "run_id",
    )

    def __init__(  # noqa: PLR0913  as many as a push has parts
        self,
        kind: PushKind,
        received_timestamp: float,
        message: str = "",
        *,
        message_truncated: bool = False,
        run_id: str = "",
        duration_seconds: float | None = None,
        exit_code: int | None = None,
        dialect: str = "native",
        client_address: str = "",
    ) -> None:
        self.kind: Final = kind
        self.received_timestamp: Final = received_timestamp
        self.message: Final = message
        self.message_truncated: Final = message_truncated
        self.run_id: Final = run_id
        self.duration_seconds: Final = duration_seconds
        self.exit_code: Final = exit_code
        self.dialect: Final = dialect
        self.client_address: Final = client_address


@final
class LastPush(Value):
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

    __slots__ = (
        "last_success_timestamp",
        "message",
        "pushes_down_total",
        "pushes_total",
        "received_timestamp",
        "runs",
        "since_timestamp",
        "status",
    )

    def __init__(  # noqa: PLR0913, PLR0917  each store reads them in this order
        self,
        status: PushKind | None = None,
        message: str = "",
        received_timestamp: float = 0.0,
        since_timestamp: float = 0.0,
        last_success_timestamp: float = 0.0,
        pushes_total: int = 0,
        pushes_down_total: int = 0,
        runs: Runs = NO_RUNS,
    ) -> None:
        self.status: Final = status
        self.message: Final = message
        self.received_timestamp: Final = received_timestamp
        self.since_timestamp: Final = since_timestamp
        self.last_success_timestamp: Final = last_success_timestamp
        self.pushes_total: Final = pushes_total
        self.pushes_down_total: Final = pushes_down_total
        self.runs: Final = runs


NO_PUSH = LastPush()


@final
class Row(Value):
    """One monitor with its arming and its last push; `last_push` is None before any push."""

    __slots__ = ("arming", "last_push", "monitor")

    def __init__(self, monitor: Monitor, arming: Arming, last_push: LastPush | None) -> None:
        self.monitor: Final = monitor
        self.arming: Final = arming
        self.last_push: Final = last_push


@dataclass(frozen=True, slots=True)
class Outage:
    """A period in which no push could be received, end excluded."""

    start_timestamp: float
    end_timestamp: float


@final
class Verdict(Value):
    """A monitor judged at one moment.

    Attributes:
        since_timestamp: when the state began; every replica and every restart agrees on it.
        deadline_timestamp: when silence makes the monitor down.
        running_since_timestamp: when the oldest open run started; None while none is open.
    """

    __slots__ = (
        "deadline_timestamp",
        "due_timestamp",
        "reason",
        "running_since_timestamp",
        "since_timestamp",
        "state",
    )

    def __init__(
        self,
        state: State,
        reason: Reason,
        since_timestamp: float,
        due_timestamp: float,
        deadline_timestamp: float,
        running_since_timestamp: float | None = None,
    ) -> None:
        self.state: Final = state
        self.reason: Final = reason
        self.since_timestamp: Final = since_timestamp
        self.due_timestamp: Final = due_timestamp
        self.deadline_timestamp: Final = deadline_timestamp
        self.running_since_timestamp: Final = running_since_timestamp


class Judged(NamedTuple):
    """A monitor and its verdict at one moment."""

    row: Row
    verdict: Verdict

"""Rejected pushes: counted, logged within limits, and the last ones of each monitor kept.

A line of the log is written about a second after its rejection, by a timer. So the time of an
answer does not tell a stranger whether a line was written, and thus which monitors exist.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from yuptime_exporter.concurrency.repeated_line import RepeatedLine
from yuptime_exporter.core.clock import Clock
from yuptime_exporter.core.errors import (
    FaultyPush,
    Rejection,
    RejectionReason,
    RequestUnreadable,
)
from yuptime_exporter.core.model import MonitorKey
from yuptime_exporter.core.table import MonitorTable
from yuptime_exporter.metrics.pushes import PushMetrics

log = logging.getLogger(__name__)

# How many rejections of a monitor its page shows: more than a job causes before somebody looks.
KEPT_REJECTIONS = 20


@dataclass(frozen=True, slots=True)
class LogLimits:
    """Limits of the log of rejections.

    Attributes:
        quiet_seconds: least time between two lines about one monitor and reason.
        write_seconds: time between two times at which lines are written.
        lines_at_once: most lines written at one time; the others wait for the next.
    """

    quiet_seconds: float = 60.0
    write_seconds: float = 1.0
    lines_at_once: int = 10


# How many different names of unknown monitors a line lists, and how long a name of Kubernetes is.
_LISTED_NAMES = 5
_MAX_NAME_CHARS = 253

_NAME_CHARS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._")

# What the job's owner or the operator can do.
_REMEDIES = {
    RejectionReason.MALFORMED: "correct what the job sends; docs/push.md lists the fields",
    RejectionReason.AMBIGUOUS: "name the monitor in the job's URL, or give it a token of its own",
    RejectionReason.INCOMPLETE: "look at the network between job and exporter, and at proxies",
    RejectionReason.TIMEOUT: "look at the network between job and exporter, and at proxies",
    RejectionReason.LENGTH_REQUIRED: "send a Content-Length",
    RejectionReason.TOO_LARGE: "send a shorter message",
    RejectionReason.UNSUPPORTED: "send JSON or a form, not compressed",
    RejectionReason.RATE_LIMITED: "let the job push less often, or raise limits.push_rate in --config.file",
    RejectionReason.NOT_READY: "wait; curl --retry repeats the push",
    RejectionReason.TOKEN_MISSING: "create the Secret that the monitor names, with its key",
    RejectionReason.STORE_UNAVAILABLE: "repair the store; until then no push is accepted",
}


@dataclass(frozen=True, slots=True)
class RecordedRejection:
    """One rejection as its monitor's page shows it; `detail` repeats no token, header or body."""

    timestamp: float
    reason: RejectionReason
    detail: str


@dataclass(slots=True)
class _Unwritten:
    """Rejections for one monitor and reason since their last line.

    Attributes:
        monitor: None for monitors that are not declared, which share their lines.
        not_before_seconds: the earliest moment of the next line, on the clock of the event loop.
    """

    monitor: MonitorKey | None
    reason: RejectionReason
    not_before_seconds: float
    count: int = 0
    detail: str = ""
    names: set[str] = field(default_factory=set)


class Rejections:
    """Records every rejection. For the event loop's thread only."""

    def __init__(
        self,
        table: MonitorTable,
        *,
        metrics: PushMetrics,
        is_token: Callable[[str], bool] = lambda _text: False,
        clock: Clock,
        limits: LogLimits | None = None,
    ) -> None:
        """Have recorded nothing yet.

        Args:
            table: tells which monitors are declared, and counts their rejections.
            metrics: counts all rejections by reason.
            is_token: tells whether a client put a token where a name belongs; the log lists no
                such name.
            clock: gives the moment of a rejection.
            limits: of the log.
        """
        self._limits = limits or LogLimits()
        self._table = table
        self._metrics = metrics
        self._is_token = is_token
        self._clock = clock
        self._kept: dict[MonitorKey, deque[RecordedRejection]] = {}
        self._unwritten: dict[tuple[MonitorKey | None, RejectionReason], _Unwritten] = {}
        self._writing: asyncio.TimerHandle | None = None
        self._unreadable = RepeatedLine(log, "request is no HTTP", level=logging.INFO)

    def record(self, key: MonitorKey | None, rejection: Rejection, *, token_sent: bool) -> None:
        """Record a rejected push.

        Args:
            key: the monitor as the client named it; it need not exist. None: the client named it by
                a token alone, which is not that of one monitor.
            rejection: its text is safe to show.
            token_sent: whether the client sent a token, right or wrong.
        """
        reason = rejection.reason
        self._metrics.rejected.labels(reason).inc()
        row = None if key is None else self._table.row(key)
        detail = str(rejection)
        if reason is RejectionReason.UNAUTHORIZED:
            detail = "the token is none of the monitor's" if token_sent else "no token was sent"
        if key is not None and row is not None:
            if isinstance(rejection, FaultyPush):
                self._table.record_rejected(key)
            kept = self._kept.setdefault(key, deque(maxlen=KEPT_REJECTIONS))
            kept.append(RecordedRejection(self._clock(), reason, detail))
        unwritten = self._unwritten_of(key if row is not None else None, reason)
        unwritten.count += 1
        unwritten.detail = detail
        if row is None and len(unwritten.names) <= _LISTED_NAMES:
            unwritten.names.add(_harmless(key))

    def record_unreadable(self, rejection: RequestUnreadable) -> None:
        """Record a request that the HTTP parser or server refused, whoever it was for."""
        self._metrics.rejected.labels(rejection.reason).inc()
        self._unreadable.happened(err=str(rejection))

    def recent(self, key: MonitorKey) -> tuple[RecordedRejection, ...]:
        """Return the last rejections of a monitor, the oldest first."""
        return tuple(self._kept.get(key, ()))

    def forget_unless(self, is_known: Callable[[MonitorKey], bool]) -> None:
        """Keep the rejections of known monitors only."""
        for key in [key for key in self._kept if not is_known(key)]:
            del self._kept[key]

    def write_all(self) -> None:
        """Log everything that is not logged yet, as at the end of the program."""
        if self._writing is not None:
            self._writing.cancel()
            self._writing = None
        for unwritten in self._unwritten.values():
            if unwritten.count:
                self._write(unwritten)
        self._unwritten.clear()

    def _unwritten_of(self, key: MonitorKey | None, reason: RejectionReason) -> _Unwritten:
        unwritten = self._unwritten.get((key, reason))
        if unwritten is None:
            unwritten = self._unwritten[(key, reason)] = _Unwritten(key, reason, float("-inf"))
        if self._writing is None:
            loop = asyncio.get_running_loop()
            self._writing = loop.call_later(self._limits.write_seconds, self._write_due)
        return unwritten

    def _write_due(self) -> None:
        """Write the lines that are due, those about known monitors first; then wait again."""
        loop = asyncio.get_running_loop()
        now_seconds = loop.time()
        due = [one for one in self._unwritten.values() if one.not_before_seconds <= now_seconds]
        written = sorted((one for one in due if one.count), key=_urgency)[
            : self._limits.lines_at_once
        ]
        for unwritten in written:
            self._write(unwritten)
            unwritten.count, unwritten.names = 0, set()
            unwritten.not_before_seconds = now_seconds + self._limits.quiet_seconds
        for unwritten in due:
            if not unwritten.count and unwritten.not_before_seconds <= now_seconds:
                del self._unwritten[(unwritten.monitor, unwritten.reason)]
        self._writing = (
            loop.call_later(self._limits.write_seconds, self._write_due)
            if self._unwritten
            else None
        )

    def _write(self, unwritten: _Unwritten) -> None:
        unwritten.names = set(map(self._without_token, unwritten.names))
        _write(unwritten)

    def _without_token(self, name: str) -> str:
        """Return the name of an unknown monitor, unless it holds the token of a known one."""
        return "(a token)" if any(map(self._is_token, name.split("/"))) else name


def _urgency(unwritten: _Unwritten) -> tuple[bool, bool, float]:
    """Order lines: jobs with a valid token, then other known monitors, the longest wait first."""
    stranger = unwritten.reason is RejectionReason.UNAUTHORIZED
    unknown = unwritten.monitor is None and unwritten.reason is not RejectionReason.AMBIGUOUS
    return unknown, stranger, unwritten.not_before_seconds


def _write(unwritten: _Unwritten) -> None:
    """Log one line; after an earlier line of its kind, it counts the rejections since then."""
    again = unwritten.not_before_seconds > float("-inf")
    fields: dict[str, object] = {"reason": str(unwritten.reason), "err": unwritten.detail}
    message = "push rejected"
    stranger = unwritten.monitor is None and unwritten.reason is not RejectionReason.AMBIGUOUS
    if unwritten.monitor is not None:
        fields = {"monitor": str(unwritten.monitor), **fields}
    elif stranger:
        message = "push to an unknown monitor rejected"
        if unwritten.reason is RejectionReason.NOT_READY:
            message = "push rejected before its monitor is known"
        names = sorted(unwritten.names)
        more = ", …" if len(names) > _LISTED_NAMES else ""
        fields = {"monitors": ", ".join(names[:_LISTED_NAMES]) + more, **fields}
    fields["remedy"] = remedy(unwritten.reason, declared=unwritten.monitor is not None)
    if again:
        message = f"{message}: {unwritten.count} more like this in the last minute"
    fields["count"] = unwritten.count
    level = logging.INFO if stranger else logging.WARNING
    log.log(level, message, extra=fields)


def remedy(reason: RejectionReason, *, declared: bool = True) -> str:
    """Return what the job's owner or the operator can do.

    Args:
        reason: of the rejection.
        declared: whether there is a monitor of that name.
    """
    if reason is not RejectionReason.UNAUTHORIZED:
        return _REMEDIES.get(reason, "look at the log of yuptime-exporter")
    if not declared:
        return "correct namespace and name in the job's URL, or declare the monitor"
    return "give the job the token of the Secret that the monitor names: 'Bearer TOKEN'"


def _harmless(key: MonitorKey | None) -> str:
    """Return a name that a stranger chose, or a mark if it can be no monitor's name."""
    if key is None:
        return "(named by its token)"
    text = str(key)
    if all(0 < len(part) <= _MAX_NAME_CHARS and _NAME_CHARS.issuperset(part) for part in key):
        return text
    return "(no valid name)"

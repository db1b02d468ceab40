"""One push in any dialect: admit, read the body, parse, accept, answer. Record each rejection."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from yuptime_exporter.core.clock import Clock
from yuptime_exporter.core.errors import Rejection
from yuptime_exporter.core.model import MonitorKey, Push, PushKind
from yuptime_exporter.engine.addressing import Addressing
from yuptime_exporter.engine.admission import Admission
from yuptime_exporter.engine.receiver import Receipt, Receiver
from yuptime_exporter.engine.rejections import Rejections
from yuptime_exporter.web.failures import rejected
from yuptime_exporter.web.http import Answer, Request
from yuptime_exporter.web.pushes.body import BodyLimits, arrived_body, read_body
from yuptime_exporter.web.router import Answered, Route


def named_monitor(
    request: Request, _token: bytes | None, _addressing: Addressing | None
) -> MonitorKey:
    """Return the monitor that the path of a request names by `{namespace}` and `{name}`."""
    return MonitorKey(request.parameters["namespace"], request.parameters["name"])


class Report(NamedTuple):
    """What a job says in one push; the fields are those of `Push`."""

    kind: PushKind
    message: str = ""
    message_truncated: bool = False
    run_id: str = ""
    duration_seconds: float | None = None
    exit_code: int | None = None


@dataclass(frozen=True, slots=True)
class Dialect:
    """One way in which jobs push: its routes, credential, parser and answers.

    Attributes:
        name: as `--push.dialects` and the history have it.
        routes: methods and path templates.
        token: returns the token as the client sent it; None if it sent none.
        parse: returns the report in a request with this body; raises `MalformedPush` or
            `UnsupportedBody`.
        answer: returns the answer to an accepted push.
        rejected: returns the answer to a rejected push.
        monitor: returns the monitor that a request with this token is for; raises `Rejection`.
        body_has_status: whether the body says the status; see `read_body`.
    """

    name: str
    routes: tuple[tuple[str, str], ...]
    token: Callable[[Request], bytes | None]
    parse: Callable[[Request, bytes], Report]
    answer: Callable[[Receipt, Push], Answer]
    rejected: Callable[[Rejection], Answer] = rejected
    monitor: Callable[[Request, bytes | None, Addressing | None], MonitorKey] = named_monitor
    body_has_status: bool = True


class PushExchange:
    """Receives pushes in every dialect."""

    def __init__(
        self,
        admission: Admission,
        receiver: Receiver,
        rejections: Rejections,
        *,
        addressing: Addressing | None = None,
        clock: Clock,
        limits: BodyLimits | None = None,
    ) -> None:
        """Connect the stops of a push.

        Args:
            admission: decides before the body is read, and again about a push beyond the limit.
            receiver: makes the push durable and visible.
            rejections: records each rejection.
            addressing: finds the monitors of tokens; None: every dialect here names its monitors.
            clock: gives the moment of receipt.
            limits: of the body.
        """
        self._admission = admission
        self._receiver = receiver
        self._rejections = rejections
        self._addressing = addressing
        self._clock = clock
        self._limits = limits or BodyLimits()

    def routes(self, dialect: Dialect, *, prefix: str) -> Iterator[Route]:
        """Return the routes of a dialect, below a prefix."""
        handler, begin = partial(self._answer, dialect), partial(self._begin, dialect)
        for method, path in dialect.routes:
            yield Route(method, prefix + path, handler, begin)

    async def _answer(self, dialect: Dialect, request: Request) -> Answer:
        """Receive a push: a `router.Handler`."""
        key: MonitorKey | None = None
        token = dialect.token(request)
        try:
            key = dialect.monitor(request, token, self._addressing)
            wait_seconds = await self._admission.admit(key, token)
            body = await read_body(request, self._limits, has_status=dialect.body_has_status)
            push = self._admitted(dialect, key, request, body, wait_seconds)
            receipt = await self._receiver.accept(key, push)
        except Rejection as rejection:
            return self._rejected(dialect, key, rejection, token_sent=token is not None)
        return dialect.answer(receipt, push)

    def _begin(self, dialect: Dialect, request: Request, answered: Answered) -> bool:
        """Receive a push in the same way, without a task of its own: a `router.Begin`."""
        if not isinstance(request.body, bytes):
            return False
        key: MonitorKey | None = None
        token = dialect.token(request)
        try:
            key = dialect.monitor(request, token, self._addressing)
            wait_seconds = self._admission.admit_at_once(key, token)
            if wait_seconds is None:
                return False
            has_status = dialect.body_has_status
            body = arrived_body(request, request.body, self._limits, has_status=has_status)
            push = self._admitted(dialect, key, request, body, wait_seconds)
        except Rejection as rejection:
            answered(self._rejected(dialect, key, rejection, token_sent=token is not None))
        else:
            # A function in here would refer to itself once compiled, as garbage to be collected.
            self._receiver.begin(key, push, partial(self._settle, dialect, key, push, answered))
        return True

    def _settle(
        self,
        dialect: Dialect,
        key: MonitorKey,
        push: Push,
        answered: Answered,
        outcome: Receipt | Rejection,
    ) -> None:
        """Answer an admitted push: a `receiver.Settle`."""
        answer: Answer | Exception
        try:
            if isinstance(outcome, Rejection):
                answer = self._rejected(dialect, key, outcome, token_sent=True)
            else:
                answer = dialect.answer(outcome, push)
        except Exception as error:  # noqa: BLE001  a bug, which the server answers and logs
            answer = error
        answered(answer)

    def _rejected(
        self, dialect: Dialect, key: MonitorKey | None, rejection: Rejection, *, token_sent: bool
    ) -> Answer:
        """Record a rejection, and return the answer to its push."""
        self._rejections.record(key, rejection, token_sent=token_sent)
        return dialect.rejected(rejection)

    def _admitted(
        self,
        dialect: Dialect,
        key: MonitorKey,
        request: Request,
        body: bytes,
        wait_seconds: float,
    ) -> Push:
        """Return the push in a request; beyond the rate limit only if it changes the status."""
        report = dialect.parse(request, body)
        push = Push(
            report.kind,
            self._clock(),
            report.message,
            message_truncated=report.message_truncated,
            run_id=report.run_id,
            duration_seconds=report.duration_seconds,
            exit_code=report.exit_code,
            dialect=dialect.name,
            client_address=request.client_address,
        )
        if wait_seconds > 0:
            changes = self._receiver.changes_status(key, push.kind)
            self._admission.admit_change(key, changes=changes, wait_seconds=wait_seconds)
        return push

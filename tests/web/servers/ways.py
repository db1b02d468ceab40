"""All ways of a request side by side: the same bytes in, everything that comes out."""

import asyncio
import enum
import hashlib
import logging
import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry

from tests.core.examples import monitor
from tests.engine.parts import ready, table_of
from tests.exporters import StandingClock
from yuptime_exporter.core.errors import StoreUnavailable
from yuptime_exporter.core.model import LastPush, MonitorKey, Push
from yuptime_exporter.core.ports import PushSave, SettleSaves
from yuptime_exporter.core.rate_limit import PushLimiter, RateLimit
from yuptime_exporter.engine.addressing import Addressing
from yuptime_exporter.engine.admission import Admission
from yuptime_exporter.engine.receiver import Receiver
from yuptime_exporter.engine.rejections import LogLimits, Rejections
from yuptime_exporter.metrics.http import ConnectionMetrics, HttpMetrics
from yuptime_exporter.metrics.pushes import PushMetrics
from yuptime_exporter.web.pushes.exchange import PushExchange
from yuptime_exporter.web.pushes.healthchecks import HEALTHCHECKS
from yuptime_exporter.web.pushes.native import NATIVE
from yuptime_exporter.web.pushes.uptime_kuma import UPTIME_KUMA
from yuptime_exporter.web.servers.aiohttp import site_handler
from yuptime_exporter.web.servers.fast import FastConnection
from yuptime_exporter.web.servers.server import HttpServer
from yuptime_exporter.web.servers.traffic import Traffic
from yuptime_exporter.web.site import Site

TOKEN = "correct-horse"  # of all monitors; each has its name as a token, too
DIALECTS = (NATIVE, HEALTHCHECKS, UPTIME_KUMA)
NAMESPACE = "jobs"

# Lines are written at the end, and at no moment that depends on the speed of the test.
LOG_LIMITS = LogLimits(quiet_seconds=0.0, write_seconds=1e6, lines_at_once=100_000)

# aiohttp needs some turns of the event loop for each request; a segment has a few requests at most.
_TURNS = 40

_DATE = re.compile(rb"(\r\nDate: )[A-Za-z0-9, :]+ GMT\r\n")
_SECONDS = re.compile(r"_sum$|_created$|_bucket$")


_CLIENT_ADDRESS = "192.0.2.7"


class Kind(enum.Enum):
    """How a connection begins."""

    BARE = "without a transport"
    FAST = "with a transport, in the fast way"
    SLOW = "in aiohttp's way"


class Wire(asyncio.Transport):
    """A connection without a network."""

    def __init__(self) -> None:
        super().__init__()
        self.protocol: asyncio.Protocol | None = None
        self.sent = bytearray()
        self.is_closed = False
        self.has_ended = False
        self._paused: list[bytes] | None = None

    def deliver(self, data: bytes) -> None:
        """Let the server read a segment, now or once it reads again."""
        if self.is_closed or self.protocol is None:
            return
        if self._paused is None:
            self.protocol.data_received(data)
        else:
            self._paused.append(data)

    def end(self) -> None:
        """Let the server read that the client sends nothing more."""
        if self.protocol and not self.is_closed and not self.protocol.eof_received():
            self.close()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        assert not self.is_closed
        self.sent += data

    def writelines(self, parts: Sequence[bytes]) -> None:  # type: ignore[override]
        self.write(b"".join(parts))

    def write_eof(self) -> None:
        self.has_ended = True

    def can_write_eof(self) -> bool:
        return True

    def close(self) -> None:
        if not self.is_closed:
            self.is_closed = True
            asyncio.get_running_loop().call_soon(self._lost)

    abort = close

    def _lost(self) -> None:
        assert self.protocol is not None
        self.protocol.connection_lost(None)

    def is_closing(self) -> bool:
        return self.is_closed

    def get_extra_info(self, name: str, default: object = None) -> object:
        return (_CLIENT_ADDRESS, 1) if name == "peername" else default

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        assert isinstance(protocol, asyncio.Protocol)
        self.protocol = protocol

    def get_protocol(self) -> asyncio.BaseProtocol:
        assert self.protocol is not None
        return self.protocol

    def is_reading(self) -> bool:
        return self._paused is None

    def pause_reading(self) -> None:
        self._paused = self._paused or []

    def resume_reading(self) -> None:
        waiting, self._paused = self._paused or [], None
        for data in waiting:
            asyncio.get_running_loop().call_soon(self.deliver, data)


class BareWire(Wire):
    """A connection that is a socket until it needs a transport, and has no network then."""

    def __init__(self, server: HttpServer) -> None:
        super().__init__()
        self._server = server
        client, accepted = socket.socketpair()
        self._client: socket.socket | None = client
        for one in (client, accepted):
            one.setblocking(False)
        assert server.bare is not None
        server.bare.begin(accepted, _CLIENT_ADDRESS, self._give_transport)

    def _give_transport(self, accepted: socket.SocketType, arrived: bytes) -> None:
        self.receive()
        assert self._client is not None
        self._client.close()
        accepted.close()
        self._client = None
        self.protocol = self._server(arrived=arrived)
        self.protocol.connection_made(self)

    def receive(self) -> None:
        """Read what the server has sent to the socket."""
        while self._client is not None and not self.is_closed:
            try:
                data = self._client.recv(64 * 1024)
            except BlockingIOError:
                return
            self.sent += data
            self.is_closed = not data

    def deliver(self, data: bytes) -> None:
        if self._client is None:
            super().deliver(data)
            return
        self.receive()
        if not self.is_closed:
            self._client.sendall(data)

    def end(self) -> None:
        if self._client is None:
            super().end()
            return
        self.receive()
        if not self.is_closed:
            self._client.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        if self._client is None:
            super().close()
        else:
            self._client.close()


class PromptStore:
    """Stores everything within one turn of the event loop; the full one stores nothing."""

    def __init__(self) -> None:
        self.pushes: dict[MonitorKey, list[Push]] = {}

    def save_pushes(self, saves: Sequence[PushSave], settle: SettleSaves) -> None:
        call_soon = asyncio.get_running_loop().call_soon
        for save in saves:
            key = save.row.monitor.key
            if key.name.startswith("full"):
                call_soon(settle, [save], StoreUnavailable("the disk is full"))
            else:
                self.pushes.setdefault(key, []).extend(save.pushes)
                call_soon(settle, [save], [save.last_push])


@dataclass(frozen=True)
class Effects:
    """Everything that bytes on one connection cause."""

    sent: bytes
    is_closed: bool
    last_push: LastPush | None
    pushes: tuple[Push, ...]
    rejected: int


class Way:
    """The HTTP server and everything behind it, with a monitor for each name."""

    def __init__(self, names: Sequence[str], *, kind: Kind = Kind.FAST) -> None:
        self._kind = kind
        self.registry = CollectorRegistry()
        clock = StandingClock(1_700_000_000.0)
        declared = [
            monitor(name, namespace=NAMESPACE, token_digests=(_digest(TOKEN), _digest(name)))
            for name in names
        ]
        self.table = table_of(*sorted(declared, key=lambda one: one.key), at=clock())
        self.store = PromptStore()
        self.rejections = Rejections(
            self.table, metrics=PushMetrics(self.registry), clock=clock, limits=LOG_LIMITS
        )
        limiter = PushLimiter(RateLimit(1.0, 4))
        exchange = PushExchange(
            Admission(self.table, limiter, ready(), clock=clock),
            Receiver(self.table, self.store, on_push=lambda *_: None),
            self.rejections,
            addressing=Addressing(self.table, ready()),
            clock=clock,
        )
        routes = [route for one in DIALECTS for route in exchange.routes(one, prefix="")]
        site = Site(routes, HttpMetrics(self.registry))
        self.traffic = Traffic(
            self.rejections, ConnectionMetrics(self.registry), max_connections=1_000_000
        )
        handler = site_handler(site, self.traffic)
        self.server = HttpServer(handler, self.traffic, fast=None if kind is Kind.SLOW else site)

    def connect(self) -> Wire:
        self.traffic.opened()
        if self._kind is Kind.BARE:
            return BareWire(self.server)
        wire = Wire()
        wire.protocol = self.server()
        wire.protocol.connection_made(wire)
        return wire

    def effects(self, wire: Wire, name: str) -> Effects:
        key = MonitorKey(NAMESPACE, name)
        row = self.table.row(key)
        assert row is not None
        return Effects(
            _DATE.sub(rb"\1\r\n", bytes(wire.sent)),
            wire.is_closed,
            row.last_push,
            tuple(self.store.pushes.get(key, ())),
            self.table.rejected_total(key),
        )

    def counters(self) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
        """Return every sample that is no time."""
        return {
            (sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for family in self.registry.collect()
            for sample in family.samples
            if not _SECONDS.search(sample.name)
        }


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


@dataclass(frozen=True)
class Exchanged:
    """A case: a monitor, and the segments that a client sends, with the monitor's name in them."""

    name: str
    segments: tuple[bytes, ...]


@dataclass
class Outcome:
    """The effects of cases in one way, and of all of them together."""

    effects: list[Effects]
    counters: dict[tuple[str, tuple[tuple[str, str], ...]], float]
    logged: list[str]
    stayed_fast: int = field(default=0, compare=False)


async def outcome(cases: Sequence[Exchanged], kind: Kind) -> Outcome:
    """Send each case on a connection of its own, all of them at the same time."""
    way = Way([case.name for case in cases], kind=kind)
    lines = _Lines()
    logger = logging.getLogger("yuptime_exporter")
    logger.addHandler(lines)
    try:
        wires = [way.connect() for _ in cases]
        await _turns()
        for turn in range(max(len(case.segments) for case in cases)):
            for case, wire in zip(cases, wires, strict=True):
                if turn < len(case.segments):
                    wire.deliver(case.segments[turn])
            await _turns()
        stayed = sum(isinstance(wire.protocol, FastConnection) for wire in wires)
        for wire in wires:
            wire.end()
        await _turns()
        for wire in wires:
            if isinstance(wire, BareWire):
                wire.receive()
        effects = [way.effects(wire, case.name) for case, wire in zip(cases, wires, strict=True)]
        for wire in wires:
            wire.close()
        await _turns()
        way.rejections.write_all()
        await way.server.shutdown(1.0)
    finally:
        logger.removeHandler(lines)
    return Outcome(effects, way.counters(), sorted(lines.lines), stayed)


async def _turns() -> None:
    for _ in range(_TURNS):
        await asyncio.sleep(0)


class _Lines(logging.Handler):
    """The lines of the log, without their times."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        monitor_name = getattr(record, "monitor", "")
        self.lines.append(f"{record.levelname} {record.getMessage()} {monitor_name}")

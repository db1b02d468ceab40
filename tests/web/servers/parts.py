"""Traffic for the tests of servers."""

import asyncio
import socket
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry

from tests.engine.parts import table_of
from yuptime_exporter.engine.rejections import Rejections
from yuptime_exporter.metrics.http import ConnectionMetrics
from yuptime_exporter.metrics.pushes import PushMetrics
from yuptime_exporter.web.servers.connection import HttpConnection
from yuptime_exporter.web.servers.server import HttpServer
from yuptime_exporter.web.servers.traffic import Traffic


@dataclass
class Counted:
    """A registry, and the traffic that counts in it."""

    max_connections: int = 100
    head_timeout_seconds: float = 10.0
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)

    def __post_init__(self) -> None:
        table = table_of(at=0.0)
        rejections = Rejections(table, metrics=PushMetrics(self.registry), clock=lambda: 0.0)
        metrics = ConnectionMetrics(self.registry)
        self.traffic = Traffic(
            rejections,
            metrics,
            max_connections=self.max_connections,
            head_timeout_seconds=self.head_timeout_seconds,
        )

    async def connect(self, accepted: socket.socket, handler: object) -> HttpConnection:
        """Serve one connection without a listener, and return it."""
        connection = HttpServer(handler, self.traffic)()
        assert isinstance(connection, HttpConnection)
        self.traffic.opened()
        await asyncio.get_running_loop().connect_accepted_socket(lambda: connection, accepted)
        return connection

    def value(self, name: str, **labels: str) -> float | None:
        """Return a sample; None: there is no such series."""
        return self.registry.get_sample_value(name, labels)


def traffic_of(*, max_connections: int = 100) -> Traffic:
    return Counted(max_connections).traffic

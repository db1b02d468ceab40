"""The registry of metrics, and the metrics that every run has."""

import prometheus_client
from prometheus_client import CollectorRegistry

from yuptime_exporter import __revision__, __version__
from yuptime_exporter.metrics.changes import ChangeMetrics
from yuptime_exporter.metrics.declarations import DeclarationMetrics
from yuptime_exporter.metrics.http import ConnectionMetrics, HttpMetrics
from yuptime_exporter.metrics.notifications import NotificationMetrics
from yuptime_exporter.metrics.process import (
    ReadinessMetrics,
    ReloadMetrics,
    expose_build_info,
    expose_external_url,
    expose_tzdata_info,
)
from yuptime_exporter.metrics.pushes import PushMetrics
from yuptime_exporter.metrics.receiving import ReceivingMetrics
from yuptime_exporter.time_zones import TZDATA_VERSION
from yuptime_exporter.wiring.interpreter import is_compiled


class Metrics:
    """One small class of metrics for each part that counts, all in one registry."""

    def __init__(self, *, external_url: str | None = None) -> None:
        self.registry = process_registry()
        if external_url is not None:
            expose_external_url(self.registry, external_url)
        self.reload = ReloadMetrics(self.registry)
        self.readiness = ReadinessMetrics(self.registry)
        self.declarations = DeclarationMetrics(self.registry)
        self.receiving = ReceivingMetrics(self.registry)
        self.changes = ChangeMetrics(self.registry)
        self.http = HttpMetrics(self.registry)
        self.connections = ConnectionMetrics(self.registry)
        self.pushes = PushMetrics(self.registry)
        self.notifications = NotificationMetrics(self.registry)


def process_registry() -> CollectorRegistry:
    """Return a new registry that holds build, process, platform, and garbage collector."""
    # Otherwise every counter is accompanied by a second series, `…_created`.
    prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]
    registry = CollectorRegistry()
    expose_build_info(registry, version=__version__, revision=__revision__, compiled=is_compiled())
    expose_tzdata_info(registry, version=TZDATA_VERSION)
    prometheus_client.ProcessCollector(registry=registry)
    prometheus_client.PlatformCollector(registry=registry)
    prometheus_client.GCCollector(registry=registry)
    return registry

"""The page of `/metrics`: all monitors, and the exporter's own metrics."""

from yuptime_exporter.core.families import exposed_families
from yuptime_exporter.core.page import MonitorPage
from yuptime_exporter.engine.follower import Follower
from yuptime_exporter.settings.current import CurrentConfiguration
from yuptime_exporter.web.metrics import ExporterCollector, MetricsPage
from yuptime_exporter.wiring.shared import Shared


def metrics_page(
    shared: Shared, configuration: CurrentConfiguration, follower: Follower
) -> MetricsPage:
    """Return the page.

    Args:
        shared: the values of the run.
        configuration: the default labels of alerts.
        follower: the number of monitors by type.
    """
    registry = shared.metrics.registry
    registry.register(ExporterCollector(lambda: follower.monitors_by_type, shared.clock))
    monitors = MonitorPage(
        shared.table,
        shared.rejudging,
        exposed_families(messages=shared.settings.expose_messages),
        alert_defaults=lambda: configuration.value.alerting.defaults,
    )
    return MetricsPage(registry, monitors, shared.clock)

"""The choice between the parts with and without a cluster."""

from prometheus_client import CollectorRegistry

from yuptime_exporter.core.clock import Clock
from yuptime_exporter.core.table import MonitorTable
from yuptime_exporter.engine.readiness import Readiness
from yuptime_exporter.engine.replication import Adopt
from yuptime_exporter.settings.model import ClusterSource, ManifestSource
from yuptime_exporter.wiring.manifests import manifest_parts
from yuptime_exporter.wiring.parts import Parts


def connect(
    settings: ManifestSource | ClusterSource,
    table: MonitorTable,
    readiness: Readiness,
    registry: CollectorRegistry,
    *,
    adopt: Adopt,
    clock: Clock,
) -> Parts:
    """Return the parts for this source of monitors, as `cluster_parts` and `manifest_parts` do."""
    match settings:
        case ManifestSource():
            return manifest_parts(settings, readiness, registry, clock=clock)
        case ClusterSource():
            # Imported only here: it takes 40 MiB, which a run without a cluster does not need.
            from yuptime_exporter.wiring.cluster import cluster_parts  # noqa: PLC0415

            return cluster_parts(settings, table, readiness, registry, adopt=adopt, clock=clock)

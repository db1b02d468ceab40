"""The choice between the parts with and without a cluster."""

from collections.abc import Callable

from yuptime_exporter.engine.replication import Adopt
from yuptime_exporter.resource.defaults import Defaults
from yuptime_exporter.settings.model import ClusterSource, ManifestSource
from yuptime_exporter.wiring.manifests import manifest_parts
from yuptime_exporter.wiring.parts import Parts
from yuptime_exporter.wiring.shared import Shared


def connect(shared: Shared, *, adopt: Adopt, defaults: Callable[[], Defaults]) -> Parts:
    """Return the parts for the source of monitors, as `cluster_parts` and `manifest_parts` do.

    Defaults are for manifests: objects of an API server are complete.
    """
    readiness, registry, clock = shared.readiness, shared.metrics.registry, shared.clock
    match shared.settings.source:
        case ManifestSource() as source:
            return manifest_parts(source, readiness, registry, defaults=defaults, clock=clock)
        case ClusterSource() as source:
            # Imported only here: it takes 40 MiB, which a run without a cluster does not need.
            from yuptime_exporter.wiring.cluster import cluster_parts  # noqa: PLC0415

            return cluster_parts(
                source, shared.table, readiness, registry, adopt=adopt, clock=clock
            )

"""The parts of a run with `--source.manifests`.

files ─→ source ─→ follower ─→ table          Monitors and Secrets
receiver ─→ database                          a push
"""

from collections.abc import Callable
from contextlib import nullcontext

from prometheus_client import CollectorRegistry

from yuptime_exporter.core.clock import Clock
from yuptime_exporter.engine.readiness import Readiness
from yuptime_exporter.resource.defaults import Defaults
from yuptime_exporter.settings.model import ManifestSource
from yuptime_exporter.sources.manifests.source import DirectorySource
from yuptime_exporter.wiring.parts import Parts
from yuptime_exporter.wiring.storage import database


def manifest_parts(
    settings: ManifestSource,
    readiness: Readiness,
    registry: CollectorRegistry,
    *,
    defaults: Callable[[], Defaults],
    clock: Clock,
) -> Parts:
    """Return the parts; nothing is read or opened yet.

    Args:
        settings: of the source and the store.
        readiness: of the exporter.
        registry: for the metrics of the store.
        defaults: gives the fields of `spec` for each Monitor that does not have them.
        clock: Unix seconds.
    """
    store = database(settings.storage, registry, clock=clock)
    return Parts(
        source=DirectorySource(settings.paths, defaults=defaults),
        store=store,
        history=store,
        running=nullcontext,
        after_push=lambda _key, _before, _after: None,
        on_receiving=readiness.storing,
    )

"""Metrics of the process: its build, its readiness, and the last reload."""

import platform

from prometheus_client import CollectorRegistry, Gauge


def expose_tzdata_info(registry: CollectorRegistry, *, version: str) -> None:
    """Add `yuptime_tzdata_info`, which never changes.

    Args:
        registry: of the exporter.
        version: the release of the tz database.
    """
    info = Gauge(
        "yuptime_tzdata_info",
        "Release of the tz database by which cron expressions are read.",
        ["version"],
        registry=registry,
    )
    info.labels(version).set(1)


def expose_build_info(
    registry: CollectorRegistry, *, version: str, revision: str, compiled: bool
) -> None:
    """Add `yuptime_build_info`, which never changes."""
    build_info = Gauge(
        "yuptime_build_info",
        "A metric with a constant '1' value labeled by version, revision, Python, and whether the"
        " path of a push is compiled.",
        ("version", "revision", "pythonversion", "implementation", "compiled"),
        registry=registry,
    )
    python = (platform.python_version(), platform.python_implementation())
    build_info.labels(version, revision, *python, str(compiled).lower()).set(1)


def expose_external_url(registry: CollectorRegistry, url: str) -> None:
    """Add `yuptime_external_url_info`, from which the alert rules link to the pages of monitors."""
    info = Gauge(
        "yuptime_external_url_info",
        "A metric with a constant '1' value labeled by the URL of --web.external-url.",
        ("url",),
        registry=registry,
    )
    info.labels(url).set(1)


class ReadinessMetrics:
    """Metrics of `engine.readiness`."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.ready = Gauge(
            "yuptime_ready",
            "Whether state is restored and all monitors are listed.",
            registry=registry,
        )


class ReloadMetrics:
    """Metrics of reading the configuration files."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._failed: set[str] = set()
        self._successful = Gauge(
            "yuptime_config_last_reload_successful",
            "Whether the last configuration reload attempt was successful.",
            registry=registry,
        )
        self._success_timestamp_seconds = Gauge(
            "yuptime_config_last_reload_success_timestamp_seconds",
            "Unix time of the last successful configuration reload.",
            registry=registry,
        )

    def succeeded(self, file: str, timestamp: float) -> None:
        """Note that a configuration file was loaded; one number stands for all files."""
        self._failed.discard(file)
        self._successful.set(not self._failed)
        self._success_timestamp_seconds.set(timestamp)

    def failed(self, file: str) -> None:
        """Note that a configuration file was refused."""
        self._failed.add(file)
        self._successful.set(0)

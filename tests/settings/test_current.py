"""The active configuration: loaded at the start, and replaced by a reload without problems."""

from dataclasses import dataclass

import pytest
from prometheus_client import CollectorRegistry

from tests.exporters import StandingClock
from yuptime_exporter.core.errors import ConfigInvalid
from yuptime_exporter.core.rate_limit import RateLimit
from yuptime_exporter.metrics.process import ReloadMetrics
from yuptime_exporter.settings.configuration import Configuration
from yuptime_exporter.settings.current import CurrentConfiguration

FIRST = Configuration(push_rate=RateLimit(1, 10))
SECOND = Configuration(push_rate=RateLimit(2, 20))


@dataclass
class Disk:
    """The configuration file: its content, or None for a file with a problem."""

    content: Configuration | None = FIRST

    def load(self) -> Configuration:
        if self.content is None:
            raise ConfigInvalid("--config.file=x: limit: unknown key")
        return self.content


class Loading:
    """A configuration with its file, clock and metrics."""

    def __init__(self) -> None:
        self.disk, self.clock, self.registry = Disk(), StandingClock(1000.0), CollectorRegistry()
        self.current = CurrentConfiguration(
            self.disk.load, metrics=ReloadMetrics(self.registry), clock=self.clock
        )

    def result(self) -> dict[str, float | None]:
        return {
            name: self.registry.get_sample_value(f"yuptime_config_last_reload_{name}")
            for name in ("successful", "success_timestamp_seconds")
        }


def test_a_follower_receives_the_configuration_at_once_and_after_each_reload() -> None:
    loading, applied = Loading(), list[Configuration]()
    loading.current.follow(applied.append)
    loading.disk.content = SECOND

    loading.current.reload()

    assert applied == [FIRST, SECOND]
    assert loading.current.value == SECOND


def test_a_configuration_with_a_problem_leaves_the_active_one() -> None:
    loading, applied = Loading(), list[Configuration]()
    loading.current.follow(applied.append)
    loading.disk.content = None

    with pytest.raises(ConfigInvalid, match="limit: unknown key"):
        loading.current.reload()

    assert applied == [FIRST]
    assert loading.current.value == FIRST


def test_metrics_have_the_result_of_the_last_reload_and_the_time_of_the_last_success() -> None:
    loading = Loading()
    loading.clock.advance(60)
    loading.disk.content = None
    with pytest.raises(ConfigInvalid):
        loading.current.reload()
    failed = loading.result()
    loading.disk.content = SECOND
    loading.current.reload()

    assert failed == {"successful": 0, "success_timestamp_seconds": 1000}
    assert loading.result() == {"successful": 1, "success_timestamp_seconds": 1060}


def test_a_problem_at_the_start_is_raised() -> None:
    metrics = ReloadMetrics(CollectorRegistry())

    with pytest.raises(ConfigInvalid):
        CurrentConfiguration(Disk(None).load, metrics=metrics, clock=StandingClock())

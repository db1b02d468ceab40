"""Metric families of monitors: the values and labels of their series.

`Family.metric` is a family for prometheus-client, which writes the lines that name and describe the
family. `page_rendering` writes the lines of the series.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from yuptime_exporter.core.exposition_text import Labels
from yuptime_exporter.core.identity import AlertDefaults
from yuptime_exporter.core.model import Row, Verdict
from yuptime_exporter.core.runs import NO_RUNS


class Shown(NamedTuple):
    """One monitor as a scrape shows it.

    Attributes:
        rejected_total: number of rejected pushes with a valid token since the program started.
        defaults: labels of the alerts of all monitors.
    """

    row: Row
    verdict: Verdict
    rejected_total: int
    defaults: AlertDefaults


def has_runs(row: Row) -> bool:
    """Return whether the jobs of a monitor tell about runs, or have a maximum runtime."""
    last = row.last_push
    if last is not None and last.runs is not NO_RUNS and last.runs != NO_RUNS:
        return True
    return row.monitor.max_runtime_seconds is not None


_SUFFIXES = {"counter": "_total", "summary": "_count"}


@dataclass(frozen=True, slots=True)
class Family:
    """A metric family with at most one series for each monitor; a summary has two.

    Attributes:
        name: without `_total`.
        value: returns the value of a monitor's series; None: the monitor has no series. For a
            summary it returns the number of observations.
        labels: returns the labels of the series beside namespace and monitor; None: there are none.
        type: `gauge`, `counter` or `summary`.
        declared: whether the series follows from the declaration alone, the labels of all alerts
            included; such a series is rendered once.
        of_runs: whether only monitors with runs have a series.
        sum: of a summary only: returns the sum of the observations.
    """

    name: str
    documentation: str
    value: Callable[[Shown], float | None]
    labels: Callable[[Shown], Labels] | None = None
    type: str = "gauge"
    declared: bool = False
    of_runs: bool = False
    sum: Callable[[Shown], float | None] | None = None

    @property
    def sample_name(self) -> str:
        """The name of the series; of a summary, of the number of observations."""
        return self.name + _SUFFIXES.get(self.type, "")

    def metric(self, monitors: Iterable[Shown]) -> Metric:
        """Return the family with the series of some monitors."""
        metric = Metric(self.name, self.documentation, self.type)
        for shown in monitors:
            value = self.value(shown)
            if value is None:
                continue
            key = shown.row.monitor.key
            labels = {"namespace": key.namespace, "monitor": key.name}
            if self.labels is not None:
                labels |= dict(self.labels(shown))
            metric.add_sample(self.sample_name, labels, float(value or 0))
            if self.sum is not None:
                metric.add_sample(f"{self.name}_sum", labels, float(self.sum(shown) or 0))
        return metric


def process_families(
    *, monitors_by_type: Mapping[str, int], now_timestamp: float
) -> Iterator[Metric]:
    """Return the families of the exporter whose values are read at each scrape."""
    yield GaugeMetricFamily(
        "yuptime_time_seconds", "Unix time by the clock that judges.", value=now_timestamp
    )
    monitors = GaugeMetricFamily(
        "yuptime_monitors", "Declared monitors; only type push is judged.", labels=("type",)
    )
    for monitor_type, count in sorted(monitors_by_type.items()):
        monitors.add_metric((monitor_type,), count)
    yield monitors

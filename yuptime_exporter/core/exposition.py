"""From a judged monitor to the lines of a scrape.

`Family.line` is the text of a monitor's series, the same in both formats. `Family.metric` is the same
series for prometheus-client, which writes the lines that name and describe the family.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.utils import floatToGoString

from yuptime_exporter.core.identity import AlertDefaults
from yuptime_exporter.core.model import MonitorKey, Row, Verdict


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


_SUFFIXES = {"counter": "_total", "summary": "_count"}


@dataclass(frozen=True, slots=True)
class Family:
    """A metric family with at most one series for each monitor; a summary has two.

    Attributes:
        name: without `_total`.
        value: returns the value of a monitor's series; None: the monitor has no series. For a
            summary it returns the number of observations.
        labels: returns all labels of the series; None: namespace and monitor.
        type: `gauge`, `counter` or `summary`.
        declared: whether the series follows from the declaration alone, the labels of all alerts
            included; such a series is rendered once.
        sum: of a summary only: returns the sum of the observations.
    """

    name: str
    documentation: str
    value: Callable[[Shown], float | None]
    labels: Callable[[Shown], Mapping[str, str]] | None = None
    type: str = "gauge"
    declared: bool = False
    sum: Callable[[Shown], float | None] | None = None

    @property
    def sample_name(self) -> str:
        """The name of the series; of a summary, of the number of observations."""
        return self.name + _SUFFIXES.get(self.type, "")

    def line(self, shown: Shown, own_labels: str) -> str:
        """Return the line of a monitor's series; empty if the monitor has none.

        Args:
            shown: the monitor.
            own_labels: the result of `own_label_text` for the monitor.
        """
        value = self.value(shown)
        if value is None:
            return ""
        labels = own_labels if self.labels is None else label_text(self.labels(shown))
        line = f"{self.sample_name}{labels} {_number_text(value)}\n"
        if self.sum is not None:
            line += f"{self.name}_sum{labels} {_number_text(self.sum(shown) or 0)}\n"
        return line

    def metric(self, monitors: Iterable[Shown]) -> Metric:
        """Return the family with the series of some monitors."""
        metric = Metric(self.name, self.documentation, self.type)
        for shown in monitors:
            value = self.value(shown)
            if value is not None:
                labels = own_labels(shown) if self.labels is None else self.labels(shown)
                metric.add_sample(self.sample_name, dict(labels), float(value))
                if self.sum is not None:
                    metric.add_sample(f"{self.name}_sum", dict(labels), float(self.sum(shown) or 0))
        return metric


@lru_cache(maxsize=1024)  # a moment of a monitor is in several families, and 0 and 1 are in most
def _number_text(value: float) -> str:
    text: str = floatToGoString(value)  # type: ignore[no-untyped-call]
    return text


def own_labels(shown: Shown) -> dict[str, str]:
    """Return the labels that every series of the monitor has."""
    key = shown.row.monitor.key
    return {"namespace": key.namespace, "monitor": key.name}


def own_label_text(key: MonitorKey) -> str:
    """Return the labels that every series of a monitor has, as a line has them."""
    return f'{{{own_name_text(key)},namespace="{_escaped(key.namespace)}"}}'


def own_name_text(key: MonitorKey) -> str:
    """Return the label with the name of the monitor, as every line of the monitor has it."""
    return f'monitor="{_escaped(key.name)}"'


def label_text(labels: Mapping[str, str]) -> str:
    """Return labels as a line has them: in the order of their names, as prometheus-client does."""
    return "{" + ",".join(f'{name}="{_escaped(labels[name])}"' for name in sorted(labels)) + "}"


def _escaped(value: str) -> str:
    if value.isalnum() or not value:  # most values are empty; names are mostly
        return value
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


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

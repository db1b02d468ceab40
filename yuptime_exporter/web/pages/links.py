"""Links from the page of a monitor to the programs around the exporter."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from yuptime_exporter.core.identity import ALERT_NAME
from yuptime_exporter.core.model import MonitorKey


@dataclass(frozen=True, slots=True)
class Link:
    """A link with its words."""

    text: str
    url: str


@dataclass(frozen=True, slots=True)
class Links:
    """The addresses of the programs around, for people; None where there is none."""

    alertmanager_url: str | None = None
    prometheus_url: str | None = None
    dashboard_url: str | None = None

    def of(self, key: MonitorKey) -> Iterator[Link]:
        """Yield the links about one monitor."""
        if self.alertmanager_url:
            base = self.alertmanager_url.rstrip("/")
            matchers = quote(_matchers(key), safe="")
            yield Link("Silence its alert", f"{base}/#/silences/new?filter={matchers}")
            yield Link("Alert in Alertmanager", f"{base}/#/alerts?filter={matchers}")
        if self.prometheus_url:
            selector = _selector((("namespace", key.namespace), ("monitor", key.name)))
            query = {"g0.expr": f"yuptime_monitor_down{selector}", "g0.tab": "0"}
            base = self.prometheus_url.rstrip("/")
            yield Link("Metrics in Prometheus", f"{base}/graph?{urlencode(query)}")
        if self.dashboard_url:
            variables = urlencode({"var-namespace": key.namespace, "var-monitor": key.name})
            separator = "&" if "?" in self.dashboard_url else "?"
            yield Link("Dashboard", f"{self.dashboard_url}{separator}{variables}")


def _matchers(key: MonitorKey) -> str:
    """Return the matchers of a monitor's alert, as Alertmanager's pages read them."""
    return _selector(
        (("alertname", ALERT_NAME), ("namespace", key.namespace), ("monitor", key.name))
    )


def _selector(labels: Iterable[tuple[str, str]]) -> str:
    return "{" + ",".join(f"{name}={json.dumps(value)}" for name, value in labels) + "}"

"""The labels that real scrapes add to the exporter's metrics."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.exporters import Home, exporter_process
from tests.manifests import monitor_yaml, secret_yaml
from tests.peers.programs import Generation
from tests.peers.running import prometheus
from tests.waiting import eventually

pytestmark = [pytest.mark.peer, pytest.mark.parametrize("generation", list(Generation))]

CHECKOUT = Path(__file__).parents[2]
SERVICE_MONITOR = CHECKOUT / "examples" / "prometheus" / "servicemonitor.yaml"
ALERTING = CHECKOUT / "docs" / "alerting.md"

BY_THE_OPERATOR = {
    "namespace": "watchers",
    "service": "yuptime",
    "pod": "yuptime-6d4b75cb6d-x7k2p",
    "container": "exporter",
    "endpoint": "http",
}


def snake_case(relabelings: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return relabelings of a ServiceMonitor as Prometheus names their fields."""
    return [
        {
            re.sub("[A-Z]", lambda found: f"_{found[0].lower()}", key): value
            for key, value in each.items()
        }
        for each in relabelings
    ]


@pytest.mark.parametrize("honored", [True, False], ids=["honored", "overridden"])
async def test_with_a_servicemonitor_only_the_exporter_has_the_namespace_of_its_target(
    home: Home, tmp_path: Path, generation: Generation, honored: bool
) -> None:
    (endpoint,) = yaml.safe_load(SERVICE_MONITOR.read_text())["spec"]["endpoints"]
    home.declare(monitor_yaml(), secret_yaml())
    async with exporter_process(home) as exporter:
        target = exporter.url.removeprefix("http://")
        scrape = {
            "job_name": "yuptime",
            "honor_labels": honored,
            "static_configs": [{"targets": [target], "labels": BY_THE_OPERATOR}],
            "relabel_configs": snake_case(endpoint["relabelings"]),
            "metric_relabel_configs": snake_case(endpoint["metricRelabelings"]),
        }
        config: dict[str, object] = {"scrape_configs": [scrape]}
        async with prometheus(generation, tmp_path / "prometheus", config) as peer:
            [ready] = await eventually(lambda: peer.query("yuptime_ready"))
            [alert_labels] = await peer.query("yuptime_monitor_alert_labels")

    identity = {"instance": target, "job": "yuptime"}
    assert ready.labels == {"__name__": "yuptime_ready", "namespace": "watchers", **identity}
    assert alert_labels.labels == {
        "__name__": "yuptime_monitor_alert_labels",
        "namespace": "jobs",
        "monitor": "backup",
        **identity,
    }


async def test_the_documented_relabelling_drops_all_labels_that_a_labelmap_copies(
    home: Home, tmp_path: Path, generation: Generation
) -> None:
    (documented,) = re.findall(
        r"```yaml\n(scrape_configs:\n.*?)```", ALERTING.read_text(), re.DOTALL
    )
    (documented_scrape,) = yaml.safe_load(documented)["scrape_configs"]
    copied = {"app": "watchdog", "team": "platform", "pod_template_hash": "6d4b75cb6d"}
    discovered = {
        "__meta_kubernetes_namespace": "watchers",
        **{f"__meta_kubernetes_pod_label_{name}": value for name, value in copied.items()},
    }
    home.declare(monitor_yaml(), secret_yaml())
    async with exporter_process(home) as exporter:
        target = exporter.url.removeprefix("http://")
        scrape = {
            "job_name": "yuptime",
            "honor_labels": True,
            "static_configs": [{"targets": [target], "labels": discovered}],
            "relabel_configs": documented_scrape["relabel_configs"],
        }
        config: dict[str, object] = {"scrape_configs": [scrape]}
        async with prometheus(generation, tmp_path / "prometheus", config) as peer:
            [alert_labels] = await eventually(lambda: peer.query("yuptime_monitor_alert_labels"))
            [ready] = await peer.query("yuptime_ready")

    assert not copied.keys() & alert_labels.labels.keys()
    assert alert_labels.labels["namespace"] == "jobs"
    assert ready.labels["namespace"] == "watchers"

"""Every metric of the exporter on one page: with every flag that adds one, and a cluster."""

from pathlib import Path

from tests.cluster_metrics import ClusterMetrics
from tests.exporters import Home, StandingClock, exporter_here
from tests.manifests import monitor_yaml, secret_yaml

# No server listens there; the exporter only has the series of an Alertmanager.
_FLAGS = [
    "--alertmanager.url=http://127.0.0.1:9",
    "--metrics.messages",
    "--web.external-url=http://localhost:10091",
]
_TEXTS = "\n  alerting: {description: Call us., runbookUrl: https://wiki.example.com/backup}\n"


async def page_of_all_metrics(folder: Path) -> str:
    """Return the metrics of an exporter whose one monitor has all series, as text."""
    home = Home(folder, flags=[*_FLAGS])
    home.declare(monitor_yaml().rstrip() + _TEXTS, secret_yaml())
    async with exporter_here(home, StandingClock()) as client:
        await client.push(
            body=b'{"status": "down", "message": "disk full", "durationSeconds": 7, "exitCode": 1}'
        )
        text = (await client.request("GET", "/metrics")).body.decode()
    return text + ClusterMetrics().page()

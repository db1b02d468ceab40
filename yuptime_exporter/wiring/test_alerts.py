"""The test alert of a monitor: its labels and words, and the Alertmanagers that receive it."""

from collections.abc import Mapping

from yuptime_exporter.core.alerting import Labels, fingerprint, labels_of, urls_of
from yuptime_exporter.core.model import Row
from yuptime_exporter.settings.current import CurrentConfiguration
from yuptime_exporter.sinks.alertmanager.endpoint import Endpoint
from yuptime_exporter.sinks.alertmanager.rehearsal import (
    Rehearsal,
    end_rehearsal,
    outcomes_json,
    rehearse,
)
from yuptime_exporter.web.test_alert import TestAlerts
from yuptime_exporter.wiring.shared import Shared

TEST_LABEL = ("test_alert", "true")

# An alert whose client has left ends by itself after this time and the time it was to be held.
_LEFT_SECONDS = 120.0


def test_alerts(shared: Shared, configuration: CurrentConfiguration) -> TestAlerts:
    """Return what sends and ends test alerts."""

    def urls(row: Row) -> list[str]:
        return sorted(urls_of(row.monitor, configuration.value.alerting))

    def endpoints(row: Row) -> list[Endpoint]:
        known = {one.url: one for one in configuration.value.alertmanagers}
        return [known.get(url) or Endpoint(url) for url in urls(row)]

    def labels(row: Row) -> Labels:
        own = labels_of(row.monitor, configuration.value.alerting)
        return tuple(sorted((*own, TEST_LABEL)))

    def annotations(row: Row) -> Mapping[str, str]:
        key = row.monitor.key
        return {
            "summary": f"TEST: {key} is not down",
            "description": f"This is a test of the alert of {key}, sent by hand with `yuptime "
            "test-alert`. Nothing is wrong, and nothing has to be done.",
        }

    async def send(row: Row, hold_seconds: float) -> Mapping[str, object]:
        now = shared.clock()
        alert = Rehearsal(labels(row), annotations(row), now, now + hold_seconds + _LEFT_SECONDS)
        outcomes = await rehearse(endpoints(row), alert)
        return {
            "monitor": str(row.monitor.key),
            "labels": dict(alert.labels),
            "fingerprint": fingerprint(alert.labels),
            "alertmanagers": outcomes_json(outcomes),
        }

    async def end(row: Row) -> Mapping[str, object]:
        now = shared.clock()
        alert = Rehearsal(labels(row), annotations(row), now - 1, now)
        return {"alertmanagers": outcomes_json(await end_rehearsal(endpoints(row), alert))}

    return TestAlerts(send, end, urls)

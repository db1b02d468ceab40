"""Alerts in the format of Alertmanager's API (api/v2/openapi.yaml, postableAlert)."""

from dataclasses import dataclass

from yuptime_exporter.core.alerting import OutgoingAlert
from yuptime_exporter.moments import rfc3339
from yuptime_exporter.sinks.alertmanager.annotations import annotations, page_url


@dataclass(frozen=True, slots=True)
class ExporterUrl:
    """The URL of this exporter for links in alerts.

    Attributes:
        url: as seen from outside, without a slash at its end.
        configured: whether the operator named it. A guess by the host name serves as the source
            of an alert, and is no link for people.
    """

    url: str
    configured: bool = True


def alert_body(outgoing: OutgoingAlert, *, exporter: ExporterUrl) -> dict[str, object]:
    """Return one alert, ready for JSON; it never ends before it starts, which is invalid."""
    alert = outgoing.alert
    starts = alert.verdict.since_timestamp
    page_base_url = exporter.url if exporter.configured else None
    return {
        "labels": dict(alert.labels),
        "annotations": annotations(alert, page_base_url=page_base_url),
        "startsAt": rfc3339(starts),
        "endsAt": rfc3339(max(outgoing.ends_timestamp, starts)),
        "generatorURL": page_url(alert.row.monitor.key, exporter.url),
    }

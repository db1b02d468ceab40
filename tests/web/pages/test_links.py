"""Links from the page of a monitor."""

from urllib.parse import unquote

from yuptime_exporter.core.model import MonitorKey
from yuptime_exporter.web.pages.links import Links

KEY = MonitorKey("jobs", "backup")


def test_the_links_name_the_monitor_in_the_form_of_each_program() -> None:
    links = Links("http://am/x/", "http://prom", "http://grafana/d/monitor?orgId=1")
    shown = {link.text: unquote(link.url) for link in links.of(KEY)}
    matchers = '{alertname="YuptimeMonitorDown",namespace="jobs",monitor="backup"}'

    assert shown == {
        "Silence its alert": f"http://am/x/#/silences/new?filter={matchers}",
        "Alert in Alertmanager": f"http://am/x/#/alerts?filter={matchers}",
        "Metrics in Prometheus": (
            'http://prom/graph?g0.expr=yuptime_monitor_down{namespace="jobs",monitor="backup"}'
            "&g0.tab=0"
        ),
        "Dashboard": "http://grafana/d/monitor?orgId=1&var-namespace=jobs&var-monitor=backup",
    }


def test_without_programs_around_there_are_no_links() -> None:
    assert list(Links().of(KEY)) == []

"""The sites of a run: routes by address, and the URL of the exporter."""

import re
import socket
from pathlib import Path

import pytest

from tests.exporters import StandingClock
from yuptime_exporter.app import Exporter
from yuptime_exporter.core.errors import ConfigInvalid
from yuptime_exporter.settings.command_line import parse_arguments
from yuptime_exporter.sinks.alertmanager.body import ExporterUrl
from yuptime_exporter.wiring.sites import exporter_url

BOUND = {"--web.listen-address": ["[::]:10091", "127.0.0.1:1"]}


def test_the_external_url_of_the_command_line_is_used_as_it_is() -> None:
    flags = ["--source.manifests=x", "--web.external-url=https://example.com/jobs/"]

    assert exporter_url(parse_arguments(flags), BOUND, scheme="http") == ExporterUrl(
        "https://example.com/jobs"
    )


def test_without_an_external_url_the_host_name_and_the_first_port_are_used() -> None:
    flags = ["--source.manifests=x", "--web.route-prefix=/jobs"]

    url = exporter_url(parse_arguments(flags), BOUND, scheme="http")

    assert url == ExporterUrl(f"http://{socket.gethostname()}:10091/jobs", configured=False)


def test_the_url_of_an_exporter_with_tls_is_https() -> None:
    url = exporter_url(parse_arguments(["--source.manifests=x"]), BOUND, scheme="https")

    assert url.url.startswith("https://")


@pytest.mark.parametrize(
    "path",
    [
        "/-/ready",
        "/-/reload",
        "/api/push/jobs/backup",
        "/api/v1/admin/backup",
        "/api/v1/monitors",
        "/healthz",
        "/monitors/jobs/backup",
        "/static/style.css",
    ],
)
async def test_metrics_at_the_path_of_another_route_are_refused(path: str, tmp_path: Path) -> None:
    flags = [f"--source.manifests={tmp_path}", f"--storage.url=sqlite:{tmp_path / 'x.db'}"]
    flags += ["--web.listen-address=127.0.0.1:0", f"--web.telemetry-path={path}"]

    with pytest.raises(ExceptionGroup) as raised:
        await Exporter(parse_arguments(flags), clock=StandingClock()).run()

    expected = f"--web.telemetry-path: expected a path of no other route, got '{path}'"
    assert raised.group_contains(ConfigInvalid, match=re.escape(expected))

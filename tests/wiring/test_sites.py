"""The sites of a run: routes by address, and the URL of the exporter."""

import socket

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

"""Flags in, settings out; each wrong value and combination has a clear text."""

from pathlib import Path

import pytest

from yuptime_exporter.settings.command_line import parse_arguments
from yuptime_exporter.settings.model import (
    Address,
    ClusterSource,
    LeaseName,
    ManifestSource,
    PageSettings,
    Settings,
    SqliteStorage,
    StatusStorage,
)

KUBERNETES = "--source.kubernetes"
MANIFESTS = "--source.manifests=x"


def cluster(*flags: str) -> ClusterSource:
    source = parse_arguments([KUBERNETES, *flags]).source
    assert isinstance(source, ClusterSource)
    return source


def usage_error(capsys: pytest.CaptureFixture[str], *flags: str) -> str:
    """Return the text for flags that cannot be used."""
    with pytest.raises(SystemExit) as exit_:
        parse_arguments(flags)
    assert exit_.value.code == 2
    return capsys.readouterr().err


def test_all_namespaces_are_followed_and_secrets_are_watched_by_default() -> None:
    assert cluster() == ClusterSource(
        namespaces=(),
        kubeconfig=None,
        secrets_mode="watch",
        lease=None,
        status_max_qps=100.0,
        storage=SqliteStorage(Path("data/yuptime.db")),
    )


def test_manifests_are_a_source_without_a_cluster() -> None:
    source = parse_arguments(["--source.manifests=x", "--source.manifests=y"]).source

    storage = SqliteStorage(Path("data/yuptime.db"))
    assert source == ManifestSource((Path("x"), Path("y")), storage)


def test_every_flag_about_kubernetes_has_its_setting() -> None:
    found = cluster(
        "--kubernetes.namespace=jobs",
        "--kubernetes.namespace=shop",
        "--kubernetes.namespace=jobs",
        "--kubernetes.kubeconfig=/etc/kubeconfig",
        "--kubernetes.secrets=get",
        "--kubernetes.lease=yuptime/receiving.v1",
        "--status.max-qps=7.5",
        "--storage.url=kubernetes:",
    )

    assert found == ClusterSource(
        namespaces=("jobs", "shop"),
        kubeconfig=Path("/etc/kubeconfig"),
        secrets_mode="get",
        lease=LeaseName("yuptime", "receiving.v1"),
        status_max_qps=7.5,
        storage=StatusStorage(),
    )


def test_every_other_flag_has_its_setting() -> None:
    found = parse_arguments(
        [
            MANIFESTS,
            "--config.file=c.yaml",
            "--storage.url=sqlite:a.db",
            "--storage.retention=1w",
            "--web.listen-address=[::1]:1",
            "--push.listen-address=:2",
            "--web.telemetry-path=/m",
            "--web.external-url=https://example.com/jobs/",
            "--web.enable-lifecycle",
            "--web.enable-admin-api",
            "--push.dialects=healthchecks, gatus,healthchecks",
            "--web.max-connections=100",
            "--no-web.fast-pushes",
            "--alertmanager.url=http://AM:9093/",
            "--alertmanager.url=http://am:9093/api/v2/alerts",
            "--alerting.runbook-url=https://wiki.example.com/jobs?x=1#down",
            "--metrics.messages",
            "--web.hide-messages",
            "--web.show-client-addresses",
            "--web.alertmanager-url=http://am.example",
            "--web.prometheus-url=http://prom.example",
            "--web.dashboard-url=http://grafana.example/d/monitor?orgId=1",
            "--web.config.file=w.yaml",
            "--log.level=debug",
            "--log.format=json",
        ]
    )

    assert found == Settings(
        source=ManifestSource((Path("x"),), SqliteStorage(Path("a.db"))),
        config_file=Path("c.yaml"),
        storage_retention_seconds=604_800,
        web_config_file=Path("w.yaml"),
        listen_addresses=(Address("::1", 1),),
        push_listen_addresses=(Address(None, 2),),
        telemetry_path="/m",
        external_url="https://example.com/jobs",
        route_prefix="/jobs",
        enable_lifecycle=True,
        enable_admin_api=True,
        dialects=("healthchecks", "gatus"),
        max_connections=100,
        fast_pushes=False,
        alertmanager_urls=("http://am:9093",),
        runbook_url="https://wiki.example.com/jobs?x=1#down",
        expose_messages=True,
        pages=PageSettings(
            hide_messages=True,
            show_client_addresses=True,
            alertmanager_url="http://am.example",
            prometheus_url="http://prom.example",
            dashboard_url="http://grafana.example/d/monitor?orgId=1",
        ),
        log_level="debug",
        log_format="json",
    )


@pytest.mark.parametrize("text", [":10091", "127.0.0.1:0", "[::1]:9091"])
def test_an_address_is_written_as_the_flag_has_it(text: str) -> None:
    (address,) = parse_arguments([MANIFESTS, f"--web.listen-address={text}"]).listen_addresses

    assert str(address) == text


def test_a_prefix_of_its_own_replaces_the_path_of_the_external_url() -> None:
    flags = [MANIFESTS, "--web.external-url=https://example.com/jobs", "--web.route-prefix=/"]

    assert parse_arguments(flags).route_prefix == ""


@pytest.mark.parametrize("rate", ["1", "10000", "0.1e2"])
def test_a_rate_from_1_to_10000_is_accepted(rate: str) -> None:
    assert cluster(f"--status.max-qps={rate}").status_max_qps == float(rate)


WRONG = {
    (): "give --source.manifests=PATH, a file or a directory of YAML, or --source.kubernetes",
    (KUBERNETES, MANIFESTS): "give --source.manifests or --source.kubernetes, not",
    (MANIFESTS, "--storage.url=kubernetes:"): "give --source.kubernetes, too",
    (MANIFESTS, "--storage.url=postgres://"): "expected sqlite:PATH with the path of a file",
    (KUBERNETES, "--storage.url=kubernetes"): "expected sqlite:PATH with the path of a file",
    (
        KUBERNETES,
        "--storage.url=kubernetes:yuptime",
    ): "expected sqlite:PATH with the path of a file",
    (KUBERNETES, "--storage.url=sqlite:"): "or kubernetes:, got 'sqlite:'",
    (KUBERNETES, "--kubernetes.secrets=list"): "invalid choice",
    (KUBERNETES, "--kubernetes.namespace="): "expected the name of a namespace",
    (KUBERNETES, "--kubernetes.namespace=Jobs"): "expected the name of a namespace, got 'Jobs'",
    (KUBERNETES, "--kubernetes.namespace=jobs,shop"): "expected the name of a namespace",
    (KUBERNETES, f"--kubernetes.namespace={'x' * 64}"): "expected the name of a namespace",
    (KUBERNETES, "--kubernetes.namespace=../secrets"): "expected the name of a namespace",
    (KUBERNETES, "--kubernetes.lease=yuptime"): "expected NAMESPACE/NAME",
    (KUBERNETES, "--kubernetes.lease=a/b/c"): "expected NAMESPACE/NAME",
    (KUBERNETES, "--kubernetes.lease=/b"): "expected NAMESPACE/NAME",
    (KUBERNETES, "--status.max-qps=0"): "expected a number from 1 to 10000",
    (KUBERNETES, "--status.max-qps=10001"): "expected a number from 1 to 10000",
    (KUBERNETES, "--status.max-qps=nan"): "expected a number from 1 to 10000",
    (KUBERNETES, "--status.max-qps=many"): "expected a number from 1 to 10000, got 'many'",
    (MANIFESTS, "--kubernetes.namespace=jobs"): "--kubernetes.namespace: needs --source.kubernetes",
    (MANIFESTS, "--kubernetes.kubeconfig=x"): "--kubernetes.kubeconfig: needs --source.kubernetes",
    (MANIFESTS, "--kubernetes.secrets=get"): "--kubernetes.secrets: needs --source.kubernetes",
    (MANIFESTS, "--kubernetes.lease=a/b"): "--kubernetes.lease: needs --source.kubernetes",
    (MANIFESTS, "--status.max-qps=5"): "--status.max-qps: needs --source.kubernetes",
    ("--source.manifests=",): "--source.manifests: expected a path, got ''",
    (MANIFESTS, "--config.file="): "--config.file: expected a path, got ''",
    (MANIFESTS, "--web.config.file="): "--web.config.file: expected a path, got ''",
    (KUBERNETES, "--kubernetes.kubeconfig="): "--kubernetes.kubeconfig: expected a path, got ''",
    (MANIFESTS, "--web.route-prefix=jobs"): "expected a path such as /yuptime, got 'jobs'",
    (MANIFESTS, "--web.listen-address=9091"): "expected HOST:PORT",
    (MANIFESTS, "--web.listen-address=:99999"): "a port up to 65535",
    (MANIFESTS, "--storage.retention=30"): "expected a duration such as",
    (MANIFESTS, "--web.telemetry-path=metrics"): "expected a path such as /metrics",
    (MANIFESTS, "--web.external-url=yuptime"): "expected a URL such as",
    (MANIFESTS, "--alertmanager.url=am"): "expected an http or https URL with a host",
    (MANIFESTS, "--web.listen=:1"): "unknown flag --web.listen; did you mean --web.listen-address?",
    (MANIFESTS, "-log.level=debug"): "unknown flag -log.level; did you mean --log.level?",
    (MANIFESTS, "--xyzzy"): "error: unknown flag --xyzzy",
    (MANIFESTS, "jobs.yaml"): "expected only flags, got 'jobs.yaml'",
    (MANIFESTS, "--log.level=loud"): "invalid choice",
}


@pytest.mark.parametrize("flags", WRONG, ids=" ".join)
def test_flags_that_cannot_be_used_are_explained(
    flags: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert WRONG[flags] in " ".join(usage_error(capsys, *flags).split())


@pytest.mark.parametrize(
    "argument",
    [
        "--alertmanager.url=http://user:hunter2@am",
        "--alerting.runbook-url=http://user:hunter2@wiki",
        "--web.external-url=https://user:hunter2@yuptime",
        "--web.external-url=https://user:hunter2@[",
        "--storage.url=postgres://user:hunter2@db/yuptime",
        "--storage.url=postgres://db/yuptime?user=u&password=hunter2",
        "--storage.url=postgres://user:hunter2@db/yuptime?sslmode=require",
        "--storage.uri=postgres://user:hunter2@db/yuptime",
        "postgres://user:hunter2@db/yuptime",
    ],
)
def test_the_password_in_a_url_is_not_repeated(
    argument: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "hunter2" not in usage_error(capsys, MANIFESTS, argument)


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:data/yuptime.db", "data/yuptime.db"),
        ("sqlite:./yuptime.db", "yuptime.db"),
        ("sqlite:/var/lib/yuptime/yuptime.db", "/var/lib/yuptime/yuptime.db"),
        ("sqlite:///var/lib/yuptime/yuptime.db", "/var/lib/yuptime/yuptime.db"),
        ("sqlite:////var/lib/yuptime/yuptime.db", "/var/lib/yuptime/yuptime.db"),
        ("sqlite:our data/yuptime@home.db", "our data/yuptime@home.db"),
    ],
)
def test_the_path_of_the_database_is_relative_or_absolute(url: str, path: str) -> None:
    assert cluster(f"--storage.url={url}").storage == SqliteStorage(Path(path))


@pytest.mark.parametrize(
    "url",
    [
        "sqlite://data/yuptime.db",
        "sqlite://",
        "sqlite:///",
        "sqlite:data/",
        "sqlite::memory:",
        "sqlite://:memory:",
        "sqlite:///:memory:",
        "sqlite:yuptime.db?mode=rwc",
        "sqlite:file:yuptime.db",
        "sqlite:our%20data.db",
        'sqlite:"yuptime.db"',
        "sqlite:~/yuptime.db",
        "sqlite:${DATA}/yuptime.db",
        "sqlite:yuptime.db ",
        "sqlite:yuptime.db\n",
        "SQLite:yuptime.db",
        "sqlite3:yuptime.db",
        "yuptime.db",
        "mysql://db/yuptime",
        "redis://db",
    ],
)
def test_a_form_of_another_program_is_no_path_of_a_database(
    url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    error = usage_error(capsys, MANIFESTS, f"--storage.url={url}")

    assert "expected sqlite:PATH with the path of a file, such as sqlite:data/yuptime.db" in error

"""Storage URLs, flags, configuration files and environments as people give them."""

import asyncio
import os
import re
import resource
import socket
import sqlite3
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.exporters import Home, Process, exporter_process
from tests.field.running import restored_from
from tests.waiting import LIMIT_SECONDS, eventually
from yuptime_exporter.cli import main
from yuptime_exporter.engine.receiving_log import NOTE_INTERVAL_SECONDS

pytestmark = pytest.mark.peer  # processes of its own: whole seconds

# Root may write anywhere; without these capabilities the modes of files count for root, too.
_WITHOUT = "-dac_override,-dac_read_search"
OBEYS_MODES = (
    ("setpriv", "--bounding-set", _WITHOUT, "--inh-caps", _WITHOUT) if os.geteuid() == 0 else ()
)

FORM = "application/x-www-form-urlencoded"

# A word of pydantic, or the name of a class.
PYDANTIC = re.compile(r"pydantic|Input should|instance of|\b_?[A-Z]\w+Section|Field required")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path)
    home.furnish()
    return home


@dataclass(frozen=True)
class Refused:
    """A start that must fail.

    Attributes:
        flag: of the command line; `{home}` is the folder of the exporter.
        code: 2 for the command line, 1 for a file or directory that it names.
        says: parts of the last line.
        never: parts that no line has.
    """

    sentence: str
    source: str
    flag: str
    code: int
    says: tuple[str, ...]
    never: tuple[str, ...] = ()


STORAGE_FORMS = "expected sqlite:PATH with the path of a file, such as sqlite:data/yuptime.db"
ADDRESS_FORMS = "expected HOST:PORT, :PORT or [IPV6]:PORT"
DURATION_FORM = "expected a duration such as 90s, 5m or 1h30m"

REFUSED = [
    Refused(
        "two slashes are those of a host, not of a relative path",
        "tina4stack/tina4-python#66",
        "--storage.url=sqlite://rel/x.db",
        2,
        (STORAGE_FORMS, "got 'sqlite://rel/x.db'"),
    ),
    Refused(
        "an absolute path in a folder that does not exist makes no folder",
        "pgjones/quart-db#25",
        "--storage.url=sqlite://{home}/rel/x.db",
        1,
        ("/rel does not exist; create it, mount its volume, or correct --storage.url",),
    ),
    Refused(
        "a database in memory would lose pushes",
        "MontrealAI/AGIJobsv0#3755",
        "--storage.url=sqlite::memory:",
        2,
        (STORAGE_FORMS,),
    ),
    Refused(
        "the parameters of a SQLite URI are no part of a file name",
        "grafana/grafana#16638",
        "--storage.url=sqlite:q.db?mode=rwc",
        2,
        (STORAGE_FORMS, "without parameters"),
    ),
    Refused(
        "a mistyped path starts no empty database",
        "jupyterhub/jupyterhub#1740",
        "--storage.url=sqlite:{home}/dat/yuptime.db",
        1,
        ("/dat does not exist",),
    ),
    Refused(
        "quotes of docker-compose are part of the value",
        "synfinatic/udp-proxy-2020#110",
        '--storage.url="sqlite:/data/y.db"',
        2,
        (STORAGE_FORMS,),
    ),
    Refused(
        "the password of another database is not repeated",
        "grafana/grafana#16638",
        "--storage.url=postgres://u:p4ssw0rd@db/y",
        2,
        (STORAGE_FORMS,),
        ("p4ssw0rd",),
    ),
    Refused(
        "a path needs a scheme",
        "tina4stack/tina4-python#66",
        "--storage.url={home}/y.db",
        2,
        (STORAGE_FORMS,),
    ),
    Refused("a scheme has small letters", "", "--storage.url=SQLite:y.db", 2, (STORAGE_FORMS,)),
    Refused(
        "a directory is no database",
        "",
        "--storage.url=sqlite:{home}",
        1,
        ("Is a directory", "must name a file"),
    ),
    Refused(
        "a duration has no words",
        "prometheus/prometheus#2723",
        "--storage.retention=30 days",
        2,
        (DURATION_FORM, "'30 days'"),
    ),
    Refused(
        "two equals signs are one too many",
        "prometheus-junkyard/tsdb#368",
        "--storage.retention==2h",
        2,
        (DURATION_FORM, "'=2h'"),
    ),
    Refused(
        "a duration needs a unit", "", "--storage.retention=86400", 2, (DURATION_FORM, "'86400'")
    ),
    Refused(
        "a flag of Prometheus is answered with the flag of this program",
        "utilitywarehouse/thanos-manifests#105",
        "--storage.tsdb.retention.time=30d",
        2,
        ("unknown flag --storage.tsdb.retention.time; did you mean --storage.retention?",),
    ),
    Refused(
        "a flag with one dash is answered with two dashes",
        "prometheus/prometheus#2193",
        "-web.route-prefix=/x",
        2,
        ("unknown flag -web.route-prefix; did you mean --web.route-prefix?",),
    ),
    Refused(
        "a misspelt flag is answered with a suggestion",
        "",
        "--web.listen-adress=:1",
        2,
        ("did you mean --web.listen-address?",),
    ),
    Refused("a port needs a colon", "", "--web.listen-address=10091", 2, (ADDRESS_FORMS,)),
    Refused(
        "an address to listen on is no URL",
        "",
        "--web.listen-address=http://0.0.0.0:10091",
        2,
        (ADDRESS_FORMS,),
    ),
    Refused(
        "an IPv6 address needs brackets", "", "--web.listen-address=::1:10091", 2, (ADDRESS_FORMS,)
    ),
    Refused(
        "a host that does not resolve is named",
        "",
        "--web.listen-address=nosuch.invalid:0",
        1,
        ("--web.listen-address=nosuch.invalid:0",),
    ),
    Refused(
        "an external URL needs a scheme",
        "prometheus/prometheus#1583",
        "--web.external-url=yuptime.example.com",
        2,
        ("expected a URL such as https://yuptime.example.com/jobs", "'yuptime.example.com'"),
    ),
    Refused(
        "an external URL is more than a path",
        "prometheus/prometheus#1191",
        "--web.external-url=/jobs",
        2,
        ("expected a URL such as", "'/jobs'"),
    ),
    Refused(
        "the password of an Alertmanager is not repeated",
        "",
        "--alertmanager.url=http://u:s3cr3t@am:9093",
        2,
        ("without user, password",),
        ("s3cr3t",),
    ),
    Refused(
        "an Alertmanager needs a scheme",
        "",
        "--alertmanager.url=alertmanager:9093",
        2,
        ("expected an http or https URL",),
    ),
    Refused("two sources are named", "", "--source.kubernetes", 2, ("give --source.manifests or",)),
    Refused(
        "the level of the log is called warn", "", "--log.level=warning", 2, ("invalid choice",)
    ),
    Refused("the level of the log has small letters", "", "--log.level=INFO", 2, ("'info'",)),
    Refused(
        "an empty value is not a missing one",
        "maccyber/micro-dockerhub-hook#32",
        "--web.external-url=",
        2,
        ("expected a URL such as", "got ''"),
    ),
    Refused(
        "a prefix begins with a slash",
        "prometheus/prometheus#4004",
        "--web.route-prefix=jobs",
        2,
        ("expected a path such as /yuptime, got 'jobs'",),
    ),
    Refused(
        "an unset variable for the manifests is not the working directory",
        "docker/compose#3768",
        "--source.manifests=",
        2,
        ("--source.manifests: expected a path, got ''",),
    ),
    Refused(
        "an unset variable for the configuration is no configuration",
        "docker/compose#2359",
        "--config.file=",
        2,
        ("--config.file: expected a path, got ''",),
    ),
    Refused(
        "two quotes as an empty value of an environment file are part of the value",
        "docker/compose#4636",
        '--web.external-url=""',
        2,
        ("expected a URL such as https://yuptime.example.com/jobs",),
    ),
    Refused(
        "a flag for a cluster says nothing about manifests",
        "docker/compose#11740",
        "--kubernetes.namespace=jobs",
        2,
        ("--kubernetes.namespace: needs --source.kubernetes, got --source.manifests",),
    ),
    Refused(
        "metrics at the path of a probe would hide one of the two",
        "SteeltoeOSS/Steeltoe#878",
        "--web.telemetry-path=/healthz",
        1,
        ("--web.telemetry-path: expected a path of no other route, got '/healthz'",),
    ),
    Refused(
        "manifests that do not exist are named",
        "",
        "--source.manifests=/nosuch",
        1,
        ("/nosuch: cannot be read: No such file or directory",),
    ),
]


WRONG_USAGE = [case for case in REFUSED if case.code == 2]
WRONG_PLACES = [case for case in REFUSED if case.code == 1]


@pytest.mark.parametrize("case", WRONG_USAGE, ids=lambda case: case.sentence)
def test_a_command_line_is_refused_with_what_is_expected(
    case: Refused, home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    flag = case.flag.format(home=home.folder)
    with pytest.raises(SystemExit) as exit_:
        main([f"--source.manifests={home.manifests}", flag])

    said = capsys.readouterr().err
    assert exit_.value.code == case.code
    assert [part for part in case.says if part not in said.splitlines()[-1]] == []
    assert [part for part in case.never if part in said] == []


@pytest.mark.parametrize("case", WRONG_PLACES, ids=lambda case: case.sentence)
async def test_a_start_is_refused_with_what_is_expected(case: Refused, home: Home) -> None:
    before = files_of(home.folder)

    code, lines = await started_and_failed(home, case.flag.format(home=home.folder))

    assert code == case.code
    assert [part for part in case.says if part not in lines[-1]] == []
    made = files_of(home.folder) - before
    assert {path.name for path in made} <= {"data", "yuptime.db"}  # the default database


async def started_and_failed(home: Home, *flags: str) -> tuple[int | None, list[str]]:
    """Start in the folder of the exporter; return the exit code and everything that it wrote."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "yuptime_exporter", f"--source.manifests={home.manifests}"),
        *("--web.listen-address=127.0.0.1:0", *flags),
        cwd=home.folder,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(LIMIT_SECONDS):
            out, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode, out.decode().splitlines()


def files_of(folder: Path) -> set[Path]:
    return set(folder.rglob("*"))


async def test_a_port_in_use_is_named_with_its_flag(home: Home) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as busy:
        address = f"127.0.0.1:{busy.getsockname()[1]}"
        code, lines = await started_and_failed(home, f"--web.listen-address={address}")

    assert code == 1
    assert f"--web.listen-address={address}: Address already in use" in lines[-1]


@dataclass(frozen=True)
class Accepted:
    """A flag with which the exporter starts; `{home}` is its folder."""

    sentence: str
    source: str
    flag: str


ACCEPTED = [
    Accepted("6m are six minutes", "prometheus/prometheus#6365", "--storage.retention=6m"),
    Accepted("days are a unit", "promlabs/promlens-public#12", "--storage.retention=30d"),
    Accepted(
        "three slashes begin an absolute path",
        "jupyterhub/jupyterhub#1740",
        "--storage.url=sqlite:///{home}/other.db",
    ),
    Accepted(
        "the path of an old API belongs to no base URL",
        "",
        "--alertmanager.url=http://127.0.0.1:1/api/v1/alerts",
    ),
]


@pytest.mark.parametrize("case", ACCEPTED, ids=lambda case: case.sentence)
async def test_a_start_is_possible(case: Accepted, home: Home) -> None:
    home.flags.append(case.flag.format(home=home.folder))
    async with exporter_process(home) as exporter:
        answer = await exporter.push()

    assert answer.status == 200


# psylsph/home-energy-manager#293
async def test_a_new_database_where_one_was_expected_is_seen_in_the_log(home: Home) -> None:
    async with exporter_process(home) as creator:
        await creator.stop()
    async with exporter_process(home) as successor:
        await successor.stop()

    first, second = (
        [line for line in exporter.log if "new database created" in line]
        for exporter in (creator, successor)
    )
    assert len(first) == 1
    assert f"path={home.database}" in first[0]
    assert second == []


# requarks/wiki#1047
async def test_an_empty_file_that_was_made_for_a_mount_becomes_the_database(home: Home) -> None:
    home.database.touch()
    async with exporter_process(home) as exporter:
        assert (await exporter.push()).status == 200


def of_another_program(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript("CREATE TABLE a (b); PRAGMA user_version = 7")


def damaged(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript("CREATE TABLE a (b); CREATE TABLE c (d)")
    content = path.read_bytes()
    path.write_bytes(content[:4096] + b"\xff" * 4096)


HARMED = {
    # linuxserver/docker-sqlitebrowser#7
    "the database of another program": (of_another_program, "the database of another program"),
    # louislam/uptime-kuma#3305
    "no database at all": (lambda path: path.write_bytes(b"hello" * 100), "not a SQLite database"),
    # louislam/uptime-kuma#5224
    "a damaged page": (damaged, "the database is corrupt"),
}


@pytest.mark.parametrize("harm", HARMED)
async def test_a_file_that_is_no_database_of_ours_is_refused_and_left_as_it_is(
    harm: str, home: Home
) -> None:
    write, expected = HARMED[harm]
    write(home.database)
    before = home.database.read_bytes()

    code, lines = await started_and_failed(home, f"--storage.url=sqlite:{home.database}")

    assert code == 1
    assert expected in lines[-1]
    assert home.database.read_bytes() == before


# The part that belongs to another user, its mode, and a part of the refusal.
NOT_OURS = {
    # marcpope/cortendesk#24
    "a volume without a database": ("", 0o555, "/volume must be writable by this user"),
    # Kovah/LinkAce#332
    "the directory of a database": (".", 0o555, "/volume must be writable by this user"),
    # fsinfuhh/Bitpoll#199
    "the database in a directory of ours": ("yuptime.db", 0o444, "Permission denied"),
}


@pytest.mark.parametrize("what", NOT_OURS)
async def test_a_place_that_is_not_ours_is_refused_with_what_must_be_writable(
    what: str, home: Home
) -> None:
    name, mode, expected = NOT_OURS[what]
    volume = home.database_folder = home.folder / "volume"
    volume.mkdir()
    if name:
        async with exporter_process(home):
            pass
    (volume / name).chmod(mode)
    try:
        code, out = await failed_with(home, OBEYS_MODES)
    finally:
        volume.chmod(0o755)

    assert code == 1
    assert expected in out
    assert f"uid {os.geteuid()}" in out


async def failed_with(home: Home, wrapper: tuple[str, ...]) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        *(*wrapper, sys.executable, "-m", "yuptime_exporter", *home.arguments()),
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(LIMIT_SECONDS):
            _, err = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode, err.decode()


# louislam/uptime-kuma#5224
async def test_a_second_exporter_on_a_file_says_so_in_its_readiness_and_its_log(home: Home) -> None:
    async with exporter_process(home) as first, exporter_process(home, wait_ready=False) as second:

        async def readiness() -> str:
            return (await second.request("GET", "/-/ready")).body.decode()

        said = await eventually(readiness, lambda text: "another process" in text)
        refused = await second.push()
        accepted = await first.push()

    assert "stop the other yuptime-exporter, or give each of them a database of its own" in said
    assert str(home.database) not in said + refused.body.decode()
    assert (refused.status, accepted.status) == (503, 200)
    assert any(f"store={home.database}" in line for line in second.log)


# vavallee/bindery#900
async def test_a_running_exporter_gives_a_copy_with_its_pushes(home: Home) -> None:
    home.flags.append("--web.enable-admin-api")
    copy = home.folder / "copy.db"
    async with exporter_process(home) as exporter:
        for _ in range(3):
            await exporter.push(body=b"status=down", content_type=FORM)
        backup = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "yuptime_exporter.companion"),
            *("backup", str(copy), "--url", exporter.url),
            stdout=asyncio.subprocess.DEVNULL,
        )
        assert await backup.wait() == 0

    restored = await restored_from(copy)
    assert [
        (key.name, push.status, push.pushes_total) for key, push in restored.last_pushes.items()
    ] == [("backup", "down", 3)]


# kyuupichan/electrumx#481
async def test_a_full_disk_is_answered_without_a_path_and_logged_with_its_reason(
    home: Home,
) -> None:
    async with exporter_process(home) as exporter:
        await exporter.push()
        _, hard = resource.prlimit(exporter.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(exporter.process.pid, resource.RLIMIT_FSIZE, (0, hard))
        refused = await eventually(exporter.push, lambda answer: answer.status == 503)

        async def line() -> str:
            return "\n".join(text for text in exporter.log if "disk I/O error" in text)

        logged = await eventually(line)
        resource.prlimit(exporter.process.pid, resource.RLIMIT_FSIZE, (hard, hard))
        await eventually(exporter.push, lambda answer: answer.status == 200)

    assert refused.headers["Retry-After"] == "5"
    assert str(home.folder) not in refused.body.decode()
    assert "look at its free space" in logged


async def test_a_full_disk_is_credited_with_its_time_between_two_notes_of_receiving(
    home: Home,
) -> None:
    async with exporter_process(home) as exporter:
        await exporter.push()
        begun_seconds = time.monotonic()
        _, hard = resource.prlimit(exporter.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(exporter.process.pid, resource.RLIMIT_FSIZE, (0, hard))
        await eventually(exporter.push, lambda answer: answer.status == 503)
        resource.prlimit(exporter.process.pid, resource.RLIMIT_FSIZE, (hard, hard))
        await eventually(exporter.push, lambda answer: answer.status == 200)

        async def credit_seconds() -> float:
            return (await exporter.samples())["yuptime_outage_credit_seconds_total"]

        credited_seconds = await eventually(credit_seconds)
        passed_seconds = time.monotonic() - begun_seconds

    # The last note before it may be one interval old.
    assert credited_seconds <= passed_seconds + NOTE_INTERVAL_SECONDS


# The content of --config.file, and parts of the refusal.
CONFIGURATIONS: Mapping[str, tuple[str, str, tuple[str, ...]]] = {
    "a misspelt key": (
        "minio/operator#28",
        "alerting:\n  alertmanager:\n    - url: http://am:9093\n",
        ("alerting.alertmanager: unknown key; did you mean alertmanagers?",),
    ),
    "a list in the place of a mapping": (
        "",
        "alerting:\n  - url: http://am:9093\n",
        ("alerting: expected a mapping, got a list",),
    ),
    "a required key that is missing": (
        "",
        "alerting:\n  alertmanagers:\n    - url: http://am:9093\n      basic_auth: {username: x}\n",
        ("basic_auth.password_file: expected a value, got nothing",),
    ),
    "a number in quotes": (
        "mattrobinsonsre/terrapod#404",
        'limits:\n  push_rate:\n    burst: "10"\n',
        ("limits.push_rate.burst: expected a whole number, got a string",),
    ),
    "a duration without a unit": (
        "promlabs/promlens-public#12",
        "alerting:\n  resend_delay: 60\n",
        (DURATION_FORM, "got 60 (a whole number)"),
    ),
    "a key that is given twice": (
        "fleetdm/fleet#50478",
        'alerting:\n  alertmanagers: [{url: "http://a:9093"}]\nalerting:\n  resend_delay: 1m\n',
        ("alerting: expected one value, got two, on lines 1 and 3",),
    ),
    "a tab as indentation": (
        "moraes/config#1",
        "alerting:\n\tresend_delay: 1m\n",
        ("line 2", "got a tab"),
    ),
    "the configuration of Prometheus": (
        "",
        "global: {scrape_interval: 15s}\n",
        ("global: unknown key; expected alerting, limits",),
    ),
    "a tag that makes Python objects": (
        "",
        "alerting: !!python/object/apply:os.system ['touch made']\n",
        ("expected a value without a tag on line 1",),
    ),
    "a label that is a number": (
        "helm/helm#13254",
        "alerting:\n  external_labels: {cluster: 4711}\n",
        ("cluster: expected a string, got 4711 (a whole number); put the value in quotes",),
    ),
}


@pytest.mark.parametrize("what", CONFIGURATIONS)
async def test_a_configuration_file_is_refused_in_words(what: str, home: Home) -> None:
    _, content, says = CONFIGURATIONS[what]
    config = home.folder / "c.yaml"
    config.write_text(content)

    code, lines = await started_and_failed(home, f"--config.file={config}")

    assert code == 1
    assert [part for part in says if part not in lines[-1].replace('\\"', '"')] == []
    assert PYDANTIC.search(lines[-1]) is None
    assert not (home.folder / "made").exists()


# pomerium/pomerium#4708
async def test_a_directory_that_docker_made_is_no_configuration_file(home: Home) -> None:
    config = home.folder / "c.yaml"
    config.mkdir()

    code, lines = await started_and_failed(home, f"--config.file={config}")

    assert code == 1
    assert f"--config.file={config}: Is a directory" in lines[-1]


# kubernetes/kubectl#679
async def test_a_configuration_file_of_powershell_is_refused_by_its_encoding(home: Home) -> None:
    config = home.folder / "c.yaml"
    config.write_bytes("alerting: {}\n".encode("utf-16"))

    code, lines = await started_and_failed(home, f"--config.file={config}")

    assert code == 1
    assert "expected UTF-8, got UTF-16" in lines[-1]


@pytest.mark.parametrize(
    "content",
    [
        "",  # smartcat-labs/cassandra-diagnostics#192
        "limits:\n  push_rate:\n    burst: 1.0e+06\n",  # mattrobinsonsre/terrapod#1426
        "limits:\n  push_rate:\n    burst: 1e+06\n",
    ],
)
async def test_a_configuration_file_may_be_empty_or_rendered_by_helm(
    content: str, home: Home
) -> None:
    config = home.folder / "c.yaml"
    config.write_text(content)
    home.flags.append(f"--config.file={config}")
    async with exporter_process(home) as exporter:
        assert (await exporter.push()).status == 200


async def links_of(exporter: Process, path: str) -> list[str]:
    page = (await exporter.request("GET", path)).body.decode()
    return re.findall(r'(?:href|src)="([^"]+)"', page)


# prometheus/prometheus#4241
async def test_behind_a_proxy_that_strips_the_prefix_links_are_relative(home: Home) -> None:
    home.flags += ["--web.external-url=https://h/jobs", "--web.route-prefix=/"]
    async with exporter_process(home) as exporter:
        links = await links_of(exporter, "/")
        codes = [(await exporter.request("GET", f"/{link}")).status for link in links]

    assert links
    assert [link for link in links if link.startswith(("/", "http"))] == []
    assert set(codes) == {200}


# prometheus/prometheus#3083, prometheus/prometheus#1791
@pytest.mark.parametrize(
    "flags", [["--web.external-url=https://h/jobs"], ["--web.route-prefix=/jobs/"]]
)
async def test_a_prefix_that_is_served_is_the_only_place(flags: list[str], home: Home) -> None:
    home.flags += flags
    async with exporter_process(home, wait_ready=False) as exporter:
        exporter.ready_path = "/jobs/-/ready"
        await eventually(exporter.ready)
        codes = {
            path: (await exporter.request("GET", path)).status
            for path in ("/jobs/", "/jobs/metrics", "/metrics", "/-/ready")
        }
        links = await links_of(exporter, "/jobs/")

    assert codes == {"/jobs/": 200, "/jobs/metrics": 200, "/metrics": 404, "/-/ready": 404}
    assert [link for link in links if link.startswith("/") and not link.startswith("/jobs/")] == []


ENVIRONMENTS = {
    "as in cron and minimal images": {"LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0"},
    "with another time zone": {"TZ": "America/New_York"},
    "with warnings as errors": {"PYTHONWARNINGS": "error"},
}


# borgbackup/borg#382
@pytest.mark.parametrize("where", ENVIRONMENTS)
async def test_the_environment_changes_neither_texts_nor_moments(
    where: str, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in ENVIRONMENTS[where].items():
        monkeypatch.setenv(name, value)
    async with exporter_process(home) as exporter:
        pushed = await exporter.push(body="status=down&message=Größe".encode(), content_type=FORM)
        page = (await exporter.request("GET", "/monitors/jobs/backup")).body.decode()

    assert pushed.status == 200
    assert "Größe" in page
    assert "UTC" in page
    assert all(re.match(r"time=\S+Z ", line) for line in exporter.log)


@asynccontextmanager
async def noting_server(noted: list[str]) -> AsyncIterator[str]:
    """A server that notes the path of each request."""

    async def note(request: web.Request) -> web.Response:
        noted.append(request.path)
        return web.Response()

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", note)
    async with TestServer(application) as server:
        yield str(server.make_url("")).rstrip("/")


# giantswarm/prometheus-meta-operator#1010
async def test_alerts_do_not_take_the_way_over_the_proxy_of_the_environment(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    alertmanager: list[str] = []
    proxy: list[str] = []
    async with noting_server(alertmanager) as url, noting_server(proxy) as proxy_url:
        for name in ("HTTP_PROXY", "http_proxy"):
            monkeypatch.setenv(name, proxy_url)
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        home.flags.append(f"--alertmanager.url={url}")
        async with exporter_process(home) as exporter:
            await exporter.push(body=b"status=down", content_type=FORM)

            async def sent() -> list[str]:
                return alertmanager + proxy

            await eventually(sent)

    assert set(alertmanager) == {"/api/v2/alerts"}
    assert proxy == []

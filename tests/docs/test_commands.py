"""Every command in the documents is executed, with the output that the documents show."""

import asyncio
import configparser
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

import pytest
from _pytest.mark.structures import ParameterSet

from tests.docs.documents import CHECKOUT, Block, blocks, blocks_of, documents, without_blocks
from tests.exporters import Home, Process, exporter_process, series
from tests.manifests import TOKEN, monitor_yaml
from tests.peers.programs import Generation, require
from tests.peers.running import alertmanager, free_address, prometheus
from tests.waiting import eventually
from yuptime_exporter.core.rate_limit import RateLimit
from yuptime_exporter.settings.command_line import parse_arguments
from yuptime_exporter.settings.configuration import file_content, load_configuration
from yuptime_exporter.settings.model import ManifestSource
from yuptime_exporter.settings.shapes import read_file
from yuptime_exporter.settings.web_shapes import WebFile
from yuptime_exporter.sources.manifests.manifest import read_manifest

# A block of commands with a tag needs a cluster, in which test_cluster_commands.py runs the commands,
# a builder of images, an Alertmanager, or an exporter that sends test alerts to one.
TAGS = {"cluster", "image", "alertmanager", "test-alert"}

# The languages of blocks; each has a test below.
LANGUAGES = {"sh", "json", "text", "yaml", "promql", "ini", "crontab"}

# `make run` has its own test, since packages are fetched, and `make test` runs this test.
MAKE = ("make run", "make test")

EXAMPLE_FLAGS = (
    "--web.enable-lifecycle",
    "--web.enable-admin-api",
    "--push.dialects=healthchecks,uptime-kuma,gatus,alertmanager",
)

# Blocks of YAML for other programs, which are run with these in tests/scenarios/test_dialect_clients.py.
OTHER_PROGRAMS = {"borgmatic", "rules", "alertmanager"}

ADDRESS = "localhost:10091"
LIMIT_SECONDS = 60.0

_LOOKS_LIKE_A_COMMAND = re.compile(
    r"^(\$ |curl |make |yuptime (?:check|backup|--)|yuptime-exporter --|\.venv/|pip |kill )",
    re.MULTILINE,
)
_SERVER = re.compile(r"^yuptime-exporter (?!--version|--help)", re.MULTILINE)
_LISTENING = re.compile(r"(--(?:web|push)\.listen-address=)\S+")
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
_RECENT_UNIX_TIME = re.compile(r"\b1\.[6-9]\d+e\+09\b")
_SOURCE_LINE = re.compile(r"(source=\w+\.py):\d+")


@dataclass(frozen=True, slots=True)
class Desk:
    """The place in which a reader tries the documents: files of a checkout, and the commands."""

    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        path = f"{self.folder / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}"
        return {**os.environ, "PATH": path, "PYTHONPATH": str(CHECKOUT)}


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    folder = tmp_path / "desk"
    shutil.copytree(CHECKOUT / "deploy" / "examples", folder / "deploy" / "examples")
    programs = folder / ".venv" / "bin"
    programs.mkdir(parents=True)
    for name, module in (("yuptime", "companion.command_line"), ("yuptime-exporter", "cli")):
        code = f"import sys; from yuptime_exporter.{module} import main; sys.exit(main())"
        program = programs / name
        program.write_text(f'#!/bin/sh\nexec {sys.executable} -c "{code}" "$@"\n')
        program.chmod(0o755)
    return Desk(folder)


@dataclass
class ExampleHome(Home):
    """An exporter's home with the examples on the desk as manifests."""

    @property
    def manifests(self) -> Path:
        return self.folder / "deploy" / "examples"


@asynccontextmanager
async def example_exporter(desk: Desk) -> AsyncIterator[Process]:
    """Run an exporter on the desk's examples."""
    home = ExampleHome(desk.folder, flags=[*EXAMPLE_FLAGS])
    async with exporter_process(home) as exporter:
        yield exporter


def documents_with_commands() -> list[ParameterSet]:
    """The documents with commands; all but the README are left to the ring of peers."""
    return [
        pytest.param(
            document,
            marks=[] if document == "README.md" else [pytest.mark.peer],
        )
        for document in documents()
        if any(block.language == "sh" for block in blocks_of(document))
    ]


@pytest.mark.parametrize("document", documents_with_commands())
async def test_every_command_does_what_the_document_says(document: str, desk: Desk) -> None:
    async with example_exporter(desk) as exporter:
        for block, output in with_outputs(document):
            if block.language == "yaml" and block.file_name:
                await save(block, desk, exporter)
            elif block.language != "sh" or block.tags or block.text.strip() in MAKE:
                continue
            elif _SERVER.search(block.text):
                await start_and_stop(block, desk)
            else:
                said = await run(block, desk, exporter)

                if output is not None:
                    assert normal(said, output.language) == normal(output.text, output.language), (
                        f"{output} is not what {block} says"
                    )


def with_outputs(document: str) -> Iterator[tuple[Block, Block | None]]:
    """Each block with the block that shows its output."""
    found = blocks_of(document)
    for block, following in zip_longest(found, found[1:]):
        is_output = block.language == "sh" and following and is_shown_output(following)
        yield block, (following if is_output else None)


def is_shown_output(block: Block) -> bool:
    return block.language in ("text", "json") and not block.tags


async def run(block: Block, desk: Desk, exporter: Process) -> str:
    """Run the commands and return their output; a failure is an AssertionError."""
    address = exporter.url.removeprefix("http://")
    process = await asyncio.create_subprocess_exec(
        *("sh", "-euc", block.text.replace(ADDRESS, address)),
        cwd=desk.folder,
        env=desk.environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), LIMIT_SECONDS)
    assert process.returncode == 0, f"{block}: {err.decode()}"
    return out.decode().replace(address, ADDRESS)


@pytest.mark.peer  # starts a process
async def test_the_runbook_of_a_monitor_prints_what_matters_about_it(desk: Desk) -> None:
    block = next(
        block
        for block in blocks_of("docs/runbooks/YuptimeMonitorDown.md")
        if block.language == "sh" and not block.tags
    )
    async with example_exporter(desk) as exporter:
        await push(exporter, "backup-job", "my-secure-token", b"status=down")
        said = dict(
            line.split(maxsplit=1) for line in (await run(block, desk, exporter)).splitlines()
        )

    assert said["yuptime_monitor_down"] == "1.0"
    assert said["yuptime_monitor_up"] == "0.0"
    assert re.fullmatch(r"\d+ seconds ago", said["yuptime_monitor_last_push_timestamp_seconds"])
    assert said["yuptime_monitor_last_success_timestamp_seconds"] == "never"
    assert "yuptime_monitor_deadline_timestamp_seconds" in said
    assert len(said) < 12


@pytest.mark.peer
@pytest.mark.parametrize("generation", list(Generation))
async def test_every_command_for_alertmanager_silences_one_monitor(
    generation: Generation, tmp_path: Path
) -> None:
    tagged = [block for block in blocks("sh") if "alertmanager" in block.tags]
    path = f"{require('amtool', generation).parent}{os.pathsep}{os.environ['PATH']}"
    async with alertmanager(generation, tmp_path / "alertmanager") as peer:
        for block in tagged:
            process = await asyncio.create_subprocess_exec(
                *("sh", "-euc", block.text.replace("http://localhost:9093", peer.url)),
                env={"PATH": path, "HOME": str(tmp_path)},  # no configuration of a user's amtool
                stdout=asyncio.subprocess.DEVNULL,
            )
            assert await process.wait() == 0, str(block)
        silences = await peer.get("/api/v2/silences")

    names = [{each["name"]: each["value"] for each in one["matchers"]} for one in silences]
    assert len(silences) == sum("silence add" in block.text for block in tagged) > 0
    for matched in names:
        assert matched == {
            "alertname": "YuptimeMonitorDown",
            "namespace": "yuptime",
            "monitor": "backup-job",
        }


@pytest.mark.peer
@pytest.mark.parametrize("generation", list(Generation))
async def test_a_test_alert_prints_what_the_document_shows(
    generation: Generation, desk: Desk, tmp_path: Path
) -> None:
    (command,) = [block for block in blocks("sh") if "test-alert" in block.tags]
    (shown,) = [block for block in blocks("text") if block.text.startswith("Test alert of")]
    route = {"route": {"receiver": "team-pager"}, "receivers": [{"name": "team-pager"}]}
    async with alertmanager(generation, tmp_path / "alertmanager", route) as peer:
        flags = ["--web.enable-admin-api", f"--alertmanager.url={peer.url}"]
        home = Home(tmp_path, flags=flags)
        home.declare(monitor_yaml("backup-job", namespace="yuptime"))
        async with exporter_process(home, wait_ready=False) as client:
            process = await asyncio.create_subprocess_exec(
                *("sh", "-euc", command.text.replace(f"http://{ADDRESS}", client.url)),
                env=desk.environment,
                stdout=asyncio.subprocess.PIPE,
            )
            printed, _ = await process.communicate()

    assert process.returncode == 0
    assert printed.decode().replace(peer.url, "http://localhost:9093") == shown.text


def test_no_command_for_alertmanager_stands_in_a_line_of_text() -> None:
    inline = [
        f"{document}: {code}"
        for document in documents()
        for code in re.findall(r"`(amtool [^`]+)`", without_blocks(document))
    ]

    assert inline == []


async def start_and_stop(block: Block, desk: Desk) -> None:
    """Run a command that serves until SIGTERM."""
    text = _LISTENING.sub(r"\g<1>127.0.0.1:0", block.text.strip())
    if "--web.listen-address" not in text:
        text += " --web.listen-address=127.0.0.1:0"
    process = await asyncio.create_subprocess_exec(
        *("sh", "-euc", _SERVER.sub("exec yuptime-exporter ", text)),
        cwd=desk.folder,
        env=desk.environment,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(LIMIT_SECONDS):
            assert process.stderr is not None
            log = []
            while "ready to receive pushes" not in (
                line := (await process.stderr.readline()).decode()
            ):
                log.append(line)
                assert line, f"{block}: {''.join(log)}"
            process.send_signal(signal.SIGTERM)
            await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, str(block)


async def save(block: Block, desk: Desk, exporter: Process) -> None:
    """Save a block in the file that the document names, and wait until its monitors are active."""
    path = desk.folder / block.file_name
    path.write_text(block.text)
    if path.parent == desk.folder / "deploy" / "examples":
        names = re.findall(r"^kind: Monitor\nmetadata:\n  name: (\S+)", block.text, re.MULTILINE)

        async def active() -> bool:
            metrics = (await exporter.request("GET", "/metrics")).body.decode()
            return all(f'monitor="{name}"' in metrics for name in names)

        await eventually(active)


def normal(text: str, language: str) -> object:
    """The part of an output that is equal in every run: without moments and the wrapping of JSON."""
    text = _RFC3339.sub("(moment)", text)
    text = _RECENT_UNIX_TIME.sub("(moment)", text)
    text = _SOURCE_LINE.sub(r"\1", text)
    return json.loads(text) if language == "json" else text.strip()


def test_every_block_of_a_document_has_a_language_that_a_test_reads() -> None:
    unknown = [
        f"{block}: {block.language!r}"
        for document in documents()
        for block in blocks_of(document)
        if block.language not in LANGUAGES
    ]

    assert unknown == []


@pytest.mark.parametrize("language", sorted(LANGUAGES - {"sh"}))
def test_no_block_that_is_not_executed_contains_a_command(language: str) -> None:
    hiding = [str(block) for block in blocks(language) if _LOOKS_LIKE_A_COMMAND.search(block.text)]

    assert hiding == []


def test_no_command_with_a_tag_escapes_execution() -> None:
    tagged = [block for block in blocks("sh") if block.tags]

    assert {tag for block in tagged for tag in block.tags} <= TAGS
    images = [block.text for block in tagged if "image" in block.tags]
    assert all(text.startswith("docker build --file deploy/Dockerfile ") for text in images)


def test_every_json_block_is_the_output_of_a_command() -> None:
    shown = {str(output) for document in documents() for _, output in with_outputs(document)}

    assert [str(block) for block in blocks("json") if str(block) not in shown] == []


@pytest.mark.peer  # starts a process
async def test_the_exporter_writes_every_log_line_that_documents_show(desk: Desk) -> None:
    shown = [
        line for block in blocks("text") if "log" in block.tags for line in block.text.splitlines()
    ]
    async with example_exporter(desk) as exporter:

        async def missing() -> list[str]:
            log = {normal(line, "text") for line in exporter.log}
            return [line for line in shown if normal(line, "text") not in log]

        assert shown
        assert await eventually(missing, lambda lines: not lines) == []


def test_every_make_command_in_documents_is_a_target_of_the_makefile() -> None:
    makefile = (CHECKOUT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE))
    said = {
        word
        for document in documents()
        for word in re.findall(r"\bmake ([a-z-]+)`", (CHECKOUT / document).read_text())
    }

    assert [block.text.strip() for block in blocks_of("README.md")[:2]] == list(MAKE)
    assert said | {command.split()[1] for command in MAKE} <= targets


@pytest.mark.peer
@pytest.mark.timeout(600)  # it installs the exporter into a fresh checkout
async def test_make_run_starts_the_exporter_and_prints_a_curl_that_works(tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    fresh_clone(clone)
    process = await asyncio.create_subprocess_exec(
        *("make", "run", f"LISTEN={free_address()}"),
        cwd=clone,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        printed = await read_until("ready to receive pushes", process)
        push = await asyncio.create_subprocess_exec(
            *shlex.split(curl_in(printed)), "--silent", "--fail", stdout=asyncio.subprocess.PIPE
        )
        answer, _ = await asyncio.wait_for(push.communicate(), LIMIT_SECONDS)
        os.killpg(process.pid, signal.SIGINT)
        last_words, _ = await asyncio.wait_for(process.communicate(), LIMIT_SECONDS)
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()

    assert json.loads(answer)["state"] == "up"
    assert b"msg=stopped" in last_words


def fresh_clone(folder: Path) -> None:
    """Copy the files that git tracks or would track."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=CHECKOUT,
        capture_output=True,
        check=True,
    )
    for name in listed.stdout.decode().split("\0"):
        if (CHECKOUT / name).is_file():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(CHECKOUT / name, target)


async def read_until(wanted: str, process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    printed = ""
    while wanted not in printed:
        line = (await process.stdout.readline()).decode()
        assert line, printed
        printed += line
    return printed


def curl_in(printed: str) -> str:
    """The first command with curl, its continued lines joined."""
    joined = printed.replace("\\\n", "")
    return next(line for line in joined.splitlines() if line.lstrip().startswith("curl "))


@pytest.mark.parametrize(
    "block", [one for one in blocks("yaml") if not OTHER_PROGRAMS & set(one.tags)], ids=str
)
def test_every_yaml_block_is_a_valid_manifest_or_configuration(
    block: Block, tmp_path: Path
) -> None:
    if "kind: " in block.text:
        manifest = read_manifest(block.text.encode(), str(block))
        problems = int(dict(tag.split("=") for tag in block.tags).get("problems", "0"))

        assert len(manifest.problems) == problems, manifest.problems
        assert manifest.ignored_documents == 0
        assert manifest.warnings == ()
    elif block.file_name == "web.yml":
        path = tmp_path / block.file_name
        path.write_text(block.text)

        assert read_file(file_content(path), WebFile, folder=tmp_path).basic_auth_users
    elif "scrape_configs:" not in block.text:  # promtool checks the others
        path = tmp_path / "config.yaml"
        path.write_text(block.text)

        assert (
            load_configuration(path).push_rate == RateLimit()
        )  # the default that the document names


@pytest.mark.peer
@pytest.mark.parametrize("generation", list(Generation))
@pytest.mark.parametrize(
    "block", [block for block in blocks("yaml") if "scrape_configs:" in block.text], ids=str
)
def test_promtool_accepts_every_prometheus_configuration_in_documents(
    block: Block, generation: Generation, tmp_path: Path
) -> None:
    path = tmp_path / "prometheus.yml"
    path.write_text(block.text)

    checked = subprocess.run(
        [require("promtool", generation), "check", "config", path],
        capture_output=True,
        text=True,
        check=False,
    )

    assert checked.returncode == 0, checked.stdout + checked.stderr


# Which monitors a query finds: one pushed up and is late, one said down, one was never pushed.
FOUND = {
    "down by silence": {"payment-processor"},
    "down by report": {"nightly-backup"},
    "late": {"backup-job"},
    "never pushed": {"payment-processor"},
    "hours since the last success": {"backup-job"},
    "jobs that failed today": set[str](),  # a counter that began at 1 has not increased
}
WINDOWS = {"backup-job": (1, 3600), "payment-processor": (1, 0)}


@pytest.mark.peer
@pytest.mark.parametrize("generation", list(Generation))
async def test_prometheus_answers_every_query_in_documents(
    generation: Generation, desk: Desk, tmp_path: Path
) -> None:
    for name, (expire, grace) in WINDOWS.items():
        path = desk.folder / "deploy" / "examples" / f"{name}.yaml"
        text = re.sub(r"expireSeconds: \d+", f"expireSeconds: {expire}", path.read_text())
        path.write_text(re.sub(r"PeriodSeconds: \d+", f"PeriodSeconds: {grace}", text))
    async with example_exporter(desk) as exporter:
        await push(exporter, "backup-job", "my-secure-token", b"status=up")
        await push(exporter, "nightly-backup", "another-secure-random-token", b"status=down")
        await push(exporter, "nobody", TOKEN, b"")
        target = {"targets": [exporter.url.removeprefix("http://")]}
        scrape = {"job_name": "yuptime", "honor_labels": True, "static_configs": [target]}
        config = {"scrape_configs": [scrape]}
        async with prometheus(generation, tmp_path / "prometheus", config) as peer:

            async def found() -> dict[str, set[str]]:
                answers = {
                    title_of(block): await peer.query(block.text) for block in blocks("promql")
                }
                return {
                    title: {sample.labels.get("monitor", "") for sample in answer}
                    for title, answer in answers.items()
                }

            answers = await eventually(found, lambda answers: answers | FOUND == answers)
            overdue = await peer.query(blocks("promql")[0].text)

    assert set(FOUND) < set(answers)
    assert {sample.labels["monitor"]: sample.value >= 0 for sample in overdue} == {
        "backup-job": False,
        "nightly-backup": False,
        "payment-processor": True,
    }


async def push(exporter: Process, name: str, token: str, form: bytes) -> None:
    await exporter.push(
        name,
        namespace="yuptime",
        token=token,
        body=form,
        content_type="application/x-www-form-urlencoded",
    )


def title_of(block: Block) -> str:
    """The last words in bold before a block."""
    lines = (CHECKOUT / block.document).read_text().splitlines()[: block.line - 1]
    bold = re.findall(r"\*\*([^*]+)\*\*", "\n".join(lines))
    return str(bold[-1]).partition(",")[0].rstrip(".").lower() if bold else str(block)


@pytest.mark.parametrize("block", blocks("ini"), ids=str)
def test_every_unit_of_systemd_names_flags_and_options_that_exist(block: Block) -> None:
    unit = configparser.RawConfigParser(strict=False)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read_string(block.text)
    program, *arguments = shlex.split(unit["Service"]["ExecStart"])

    assert unit["Unit"]["Description"]
    for value in (value for key, value in unit["Service"].items() if key.startswith("Exec")):
        shell_must_read(value.replace("$MAINPID", "1"))
    if program.endswith("yuptime-exporter"):
        assert isinstance(parse_arguments(arguments).source, ManifestSource)


SYSTEMD_COMMAND = re.compile(r"`(systemctl|journalctl) ([^`]+)`")

# The verbs that take a unit, and `-u` of journalctl; UNIT stands for one of the reader's.
TAKE_A_UNIT = {"status", "restart", "enable", "-u"}


def test_every_command_of_systemd_in_prose_names_a_unit_that_a_document_gives() -> None:
    units = {Path(block.file_name).name for block in blocks("ini") if block.file_name}
    commands = [
        (program, shlex.split(arguments))
        for document in documents()
        for program, arguments in SYSTEMD_COMMAND.findall(without_blocks(document))
    ]

    assert commands
    for program, (verb, *rest) in commands:
        named = [one for one in rest if not one.startswith("-")]
        if program == "systemctl" and verb == "list-timers":
            assert not named
            continue
        assert verb in TAKE_A_UNIT
        assert [one for one in named if one != "UNIT" and f"{one}.service" not in units] == []
        assert named


@pytest.mark.peer
@pytest.mark.parametrize("block", blocks("ini"), ids=str)
def test_systemd_accepts_every_unit(block: Block, tmp_path: Path) -> None:
    verifier = shutil.which("systemd-analyze")
    if verifier is None:
        pytest.skip("this system has no systemd-analyze")
    unit = tmp_path / "yuptime-test.service"
    # The program of the reader is not installed here.
    unit.write_text(re.sub(r"(?m)^ExecStart=\S+", "ExecStart=/bin/true", block.text))
    verified = subprocess.run(
        [verifier, "verify", "--man=no", unit], capture_output=True, text=True, check=False
    )

    assert verified.returncode == 0, verified.stderr
    assert unit.name not in verified.stderr


@pytest.mark.parametrize("block", blocks("crontab"), ids=str)
def test_every_crontab_line_has_a_schedule_and_a_command(block: Block) -> None:
    for line in block.text.splitlines():
        *when, command = line.split(maxsplit=5)

        assert all(re.fullmatch(r"[\d*/,-]+", field) for field in when)
        assert not re.search(r"(?<!\\)%", command)
        shell_must_read(command)


@pytest.mark.peer  # starts a process
async def test_the_lines_for_cron_are_quiet_on_success_and_say_why_a_push_is_refused(
    tmp_path: Path,
) -> None:
    header, home = tmp_path / "header", Home(tmp_path / "home")
    home.folder.mkdir()
    commands = [
        line.split(maxsplit=5)[5]
        for block in blocks("crontab")
        for line in block.text.splitlines()
        if "/api/push/" in line  # the others have tests of their own
    ]
    printed: dict[str, list[str]] = {"right": [], "wrong": []}
    async with exporter_process(home) as exporter:
        for kind, token in (("right", TOKEN), ("wrong", "another")):
            header.write_text(f"Authorization: Bearer {token}")
            for command in commands:
                replaced = (
                    command.replace("http://localhost:10091", exporter.url)
                    .replace("/yuptime/nightly-backup", "/jobs/backup")
                    .replace("/usr/local/bin/backup", "true")
                    .replace("/etc/backup/push-header", str(header))
                )
                process = await asyncio.create_subprocess_exec(
                    "sh", "-c", replaced, stdout=asyncio.subprocess.PIPE
                )
                output, _ = await process.communicate()
                printed[kind].append(output.decode())
        pushes = (await exporter.samples())[series("pushes_total")]

    assert len(commands) > 1
    assert printed["right"] == [""] * len(commands)
    assert all("Authorization: Bearer TOKEN" in output for output in printed["wrong"])
    assert pushes == len(commands)


@pytest.mark.parametrize("path", ["docs", "README.md", "examples", "deploy"])
def test_no_recipe_throws_a_reason_away_or_repeats_a_wrong_token(path: str) -> None:
    root = CHECKOUT / path
    files = [root] if root.is_file() else [one for one in root.rglob("*") if one.is_file()]
    for file in files:
        for line in file.read_text(errors="ignore").splitlines():
            if "curl " in line and "/api/push/" in line:
                assert "/dev/null" not in line, file
                assert "--retry-all-errors" not in line, file
                assert "--fail " not in line, file


def shell_must_read(command: str) -> None:
    """Assert that a shell can parse the command and that curl knows its options."""
    read = subprocess.run(["sh", "-nc", command], capture_output=True, text=True, check=False)
    assert (read.returncode, read.stderr) == (0, "")
    known = subprocess.run(
        ["curl", "--help", "all"], capture_output=True, text=True, check=True
    ).stdout
    for option in re.findall(r" (--[a-z-]+)", command.partition("curl ")[2]):
        assert f"{option} " in known

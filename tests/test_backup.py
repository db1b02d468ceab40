"""`yuptime backup`: a copy of a running exporter's database, whole or not at all."""

import asyncio
import shutil
import signal
import stat
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.exporters import Home, Process, StandingClock, exporter_here, exporter_process, series
from tests.manifests import monitor_yaml, secret_yaml

pytestmark = pytest.mark.peer  # processes of its own: whole seconds

ADMIN = "--web.enable-admin-api"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    folder = tmp_path / "home"
    folder.mkdir()
    return Home(folder, flags=[ADMIN])


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock()


@asynccontextmanager
async def serving(
    answer: Callable[[web.Request], Awaitable[web.StreamResponse]],
) -> AsyncIterator[str]:
    """Answer every request with POST in this way."""
    application = web.Application()
    application.router.add_post("/{path:.*}", answer)
    async with TestServer(application) as server:
        yield str(server.make_url("")).rstrip("/")


async def yuptime_backup(*arguments: str) -> tuple[int, str]:
    """Run the command; return its exit code and its output."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "yuptime_exporter.companion", "backup", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode()


async def test_a_backup_under_load_has_every_push_that_was_acknowledged_before_it(
    home: Home, tmp_path: Path
) -> None:
    names = [f"job-{number}" for number in range(40)]
    home.declare(*(monitor_yaml(name) for name in names), secret_yaml())
    home.flags.append(f"--config.file={no_limit(tmp_path)}")
    backup = tmp_path / "backup.db"
    async with exporter_process(home) as exporter:
        long = b'{"status": "up", "message": "%s"}' % (b"x" * 9_000)
        for name in names:
            assert (await exporter.push(name, body=long)).status == 200
        before = await exporter.samples()
        codes: list[int] = []
        over = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            for name in names[:8]:
                tasks.create_task(keep_pushing(exporter, name, over, codes))
            done = await yuptime_backup(str(backup), f"--url={exporter.url}")
            over.set()
        await exporter.stop(signal.SIGKILL)
    home.database.unlink()
    home.database.with_name("yuptime.db-wal").unlink(missing_ok=True)
    shutil.copy(backup, home.database)
    async with exporter_process(home) as successor:
        restored = await successor.samples()

    assert done == (0, f"{backup}: 40 monitors, {backup.stat().st_size} bytes\n")
    assert set(codes) == {200}
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    assert any('msg="backup made"' in line for line in exporter.log)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["backup.db", "c.yaml", "home"]
    for name in names:
        assert restored[series("pushes_total", name)] >= before[series("pushes_total", name)]
        assert restored[series("up", name)] == 1


def no_limit(folder: Path) -> Path:
    config = folder / "c.yaml"
    config.write_text("limits: {push_rate: {interval: 0s}}")
    return config


async def keep_pushing(exporter: Process, name: str, over: asyncio.Event, codes: list[int]) -> None:
    while not over.is_set():
        codes.append((await exporter.push(name)).status)


async def test_a_file_that_exists_is_replaced_only_by_force(home: Home, tmp_path: Path) -> None:
    file = tmp_path / "precious"
    file.write_text("precious")
    async with exporter_process(home) as exporter:
        refused = await yuptime_backup(str(file), f"--url={exporter.url}")
        kept = file.read_text()
        forced = await yuptime_backup(str(file), "--force", f"--url={exporter.url}")

    assert refused == (1, f"yuptime backup: {file}: exists already; --force replaces it\n")
    assert kept == "precious"
    assert forced[0] == 0
    assert file.read_bytes().startswith(b"SQLite format 3")


async def test_without_the_flag_there_is_no_backup(tmp_path: Path, clock: StandingClock) -> None:
    home = Home(tmp_path)
    async with exporter_here(home, clock) as client:
        answer = await client.request("POST", "/api/v1/admin/backup")
        said = await yuptime_backup(str(tmp_path / "x.db"), f"--url={client.url}")

    assert answer.status == 403
    reason = "the admin API is not enabled; start with --web.enable-admin-api"
    assert said == (1, f"yuptime backup: {client.url}: 403: {reason}\n")
    assert not (tmp_path / "x.db").exists()


async def test_the_push_listener_serves_no_backup(home: Home, clock: StandingClock) -> None:
    home.flags.append("--push.listen-address=127.0.0.1:0")
    async with exporter_here(home, clock) as client:
        by_web = await client.request("PUT", "/api/v1/admin/backup")
        async with client.session.put(f"{client.push_url}/api/v1/admin/backup") as by_push:
            status = by_push.status

    assert (by_web.status, status) == (200, 404)


async def test_nobody_listens(tmp_path: Path) -> None:
    code, said = await yuptime_backup(str(tmp_path / "x.db"), "--url=http://127.0.0.1:1")

    assert code == 1
    assert said.startswith("yuptime backup: http://127.0.0.1:1: Cannot connect")
    assert list(tmp_path.iterdir()) == []


async def test_a_directory_that_does_not_exist_is_named(tmp_path: Path) -> None:
    code, said = await yuptime_backup(str(tmp_path / "no" / "x.db"))

    assert (code, said.count("\n")) == (1, 1)
    assert "No such file or directory" in said


# What another server than the exporter answers, and a part of the text about it.
WRONG_ANSWERS = {
    "another page": (web.Response(text="<html>"), "not a SQLite database"),
    "nothing": (web.Response(body=b""), "expected a database, got nothing"),
    "half a database": (web.Response(body=b"SQLite format 3\x00" + bytes(400)), "cannot be used"),
    "a refusal of another program": (
        web.Response(status=404, text="not found"),
        "404: the answer is not from yuptime-exporter",
    ),
    "a redirect": (
        web.Response(status=302, headers={"Location": "/login"}),
        "302: the answer is not from yuptime-exporter",
    ),
}


@pytest.mark.parametrize("kind", WRONG_ANSWERS)
async def test_a_copy_that_is_no_database_is_not_put_in_place(kind: str, tmp_path: Path) -> None:
    answer, expected = WRONG_ANSWERS[kind]

    async def answered(_: web.Request) -> web.Response:
        return web.Response(status=answer.status, body=answer.body, headers=answer.headers)

    async with serving(answered) as url:
        code, said = await yuptime_backup(str(tmp_path / "x.db"), f"--url={url}")

    assert code == 1
    assert expected in said
    assert list(tmp_path.iterdir()) == []


async def test_a_copy_that_is_cut_off_is_not_put_in_place(tmp_path: Path) -> None:
    async def cut_off(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "4096"})
        await response.prepare(request)
        await response.write(b"SQLite format 3\x00")
        assert request.transport is not None
        request.transport.abort()
        return response

    async with serving(cut_off) as url:
        code, said = await yuptime_backup(str(tmp_path / "x.db"), f"--url={url}")

    assert (code, said.count("\n")) == (1, 1)
    assert list(tmp_path.iterdir()) == []

"""Crashes, full disks and clocks lose no push and are not blamed on a job."""

import asyncio
import resource
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import aiohttp
import pytest

from tests.exporters import (
    Client,
    Home,
    StandingClock,
    alert_labels_series,
    exporter_here,
    exporter_process,
    series,
)
from tests.manifests import monitor_yaml, secret_yaml
from tests.waiting import eventually

pytestmark = pytest.mark.hot

MONITORS = 20


@pytest.mark.peer  # takes whole seconds
async def test_a_run_that_started_before_kill_9_hangs_or_ends_after_it(home: Home) -> None:
    limited = "gracePeriodSeconds: 60\n      maxRuntimeSeconds: 3600"
    declared = monitor_yaml("backup").replace("gracePeriodSeconds: 60", limited)
    home.declare(secret_yaml(), declared)
    async with exporter_process(home) as exporter:
        await exporter.push(body=b'{"status": "start", "runId": "7"}')
        before = await exporter.samples()
        await exporter.stop(signal.SIGKILL)

    async with exporter_process(home) as exporter:
        after = await exporter.samples()
        ended = await exporter.push(body=b'{"status": "down", "runId": "7", "exitCode": 137}')
        at_last = await exporter.samples()

    for name in ("last_start_timestamp_seconds", "runs_open", "starts_total"):
        assert after[series(name)] == before[series(name)] > 0
    started = before[series("run_start_timestamp_seconds")]
    assert after[series("deadline_timestamp_seconds")] >= started + 3600
    assert ended.status == 200
    assert at_last[series("runs_open")] == 0
    assert at_last[series("last_exit_code")] == 137
    assert at_last[series("run_duration_seconds_count")] == 1


@pytest.mark.peer  # takes whole seconds
@pytest.mark.parametrize("way", ["--web.fast-pushes", "--no-web.fast-pushes"])
async def test_no_acknowledged_push_is_lost_by_kill_9(home: Home, way: str) -> None:
    home.declare(secret_yaml(), *(monitor_yaml(f"job-{n}") for n in range(MONITORS)))
    config = home.folder / "config.yaml"
    config.write_text("limits: {push_rate: {interval: 0s}}\n")
    home.flags = [f"--config.file={config}", way]
    acknowledged = dict.fromkeys(range(MONITORS), 0)

    async def push_until_it_dies(client: Client, job: int) -> None:
        with suppress(aiohttp.ClientError):
            while (await client.push(f"job-{job}")).status == 200:
                acknowledged[job] += 1

    for _ in range(3):
        async with exporter_process(home) as exporter, asyncio.TaskGroup() as tasks:
            for job in range(MONITORS):
                tasks.create_task(push_until_it_dies(exporter, job))
            enough = sum(acknowledged.values()) + 300

            async def pushed_enough(enough: int = enough) -> bool:
                return sum(acknowledged.values()) > enough

            await eventually(pushed_enough, bool)
            await exporter.stop(signal.SIGKILL)
    async with exporter_process(home) as exporter:
        samples = await exporter.samples()

    for job, count in acknowledged.items():
        stored = samples[series("pushes_total", f"job-{job}")]
        assert count <= stored <= count + 3  # one a crash may be durable yet unanswered


async def test_a_restart_neither_delays_nor_loses_a_down(home: Home, clock: StandingClock) -> None:
    async with exporter_here(home, clock) as client:
        await client.push()
        before = await client.samples()
    async with exporter_here(home, clock) as client:
        after = await client.samples()

    restart_proof = [key for key in before if key.startswith("yuptime_monitor_")]
    assert len(restart_proof) > 10
    assert {key: after[key] for key in restart_proof} == {key: before[key] for key in restart_proof}


async def test_a_deadline_that_was_open_moves_by_the_time_nobody_could_push(
    home: Home, clock: StandingClock
) -> None:
    async with exporter_here(home, clock) as client:
        await client.push()
        before = await client.samples()
        clock.advance(10)  # a longer jump would be an outage in itself
    clock.advance(600)
    async with exporter_here(home, clock) as client:
        after = await client.samples()

    deadline = series("deadline_timestamp_seconds")
    assert after[deadline] == before[deadline] + 600
    assert after["yuptime_outage_credit_seconds_total"] == 600
    assert (
        after[series("last_push_timestamp_seconds")]
        == before[series("last_push_timestamp_seconds")]
    )


async def test_a_deadline_that_had_passed_before_the_outage_stays_where_it_was(
    home: Home, clock: StandingClock
) -> None:
    home.declare(monitor_yaml(expire=5, grace=5), secret_yaml())
    async with exporter_here(home, clock) as client:
        before = await client.samples()
        clock.advance(11)
    clock.advance(600)
    async with exporter_here(home, clock) as client:
        after = await client.samples()

    deadline = series("deadline_timestamp_seconds")
    assert after[deadline] == before[deadline]


@pytest.mark.peer  # starts a process
async def test_a_crash_is_credited_from_the_last_sign_of_receiving(home: Home) -> None:
    began = time.monotonic()
    async with exporter_process(home) as exporter:
        await exporter.push()
        before = await exporter.samples()
        await exporter.stop(signal.SIGKILL)
    async with exporter_process(home) as exporter:
        after = await exporter.samples()
    passed_seconds = time.monotonic() - began

    credit = after["yuptime_outage_credit_seconds_total"]
    deadline = series("deadline_timestamp_seconds")
    assert 0 < credit < passed_seconds
    assert after[deadline] == pytest.approx(before[deadline] + credit, abs=1e-3)


async def test_a_store_without_memory_arms_every_monitor_anew(
    home: Home, clock: StandingClock
) -> None:
    async with exporter_here(home, clock) as client:
        await client.push()
    home.database.unlink()
    clock.advance(10_000)
    async with exporter_here(home, clock) as client:
        samples = await client.samples()

    assert samples[series("armed_timestamp_seconds")] == clock()
    assert samples[series("deadline_timestamp_seconds")] == clock() + 360
    assert samples[series("last_push_timestamp_seconds")] == 0


async def test_history_of_a_removed_monitor_comes_back_with_it(
    home: Home, clock: StandingClock
) -> None:
    manifest = home.declare()
    home.declare(monitor_yaml("other"), file_name="other.yaml")
    async with exporter_here(home, clock) as client:
        await client.push()
        before = await client.samples()
        manifest.unlink()
        await eventually(client.samples, lambda samples: series("up") not in samples)
        gone = await client.push()
        home.declare()
        after = await eventually(client.samples, lambda samples: series("up") in samples)

    assert gone.status == 401
    for name in ("deadline_timestamp_seconds", "last_push_timestamp_seconds", "pushes_total"):
        assert after[series(name)] == before[series(name)]


@pytest.mark.peer  # takes whole seconds
async def test_history_is_forgotten_after_the_retention(home: Home, clock: StandingClock) -> None:
    manifest = home.declare()
    home.declare(monitor_yaml("other"), file_name="other.yaml")
    home.flags = ["--storage.retention=1h"]
    async with exporter_here(home, clock) as client:
        await client.push()
        manifest.unlink()
        await eventually(client.samples, lambda samples: series("up") not in samples)
    clock.advance(3601)
    async with exporter_here(home, clock) as client:
        # The books are kept every five seconds; only then is anything forgotten.
        await eventually(client.samples, lambda samples: samples["yuptime_store_writes_total"] > 2)
    home.declare()
    async with exporter_here(home, clock) as client:
        samples = await client.samples()

    assert samples[series("pushes_total")] == 0


async def test_a_pause_and_a_resume_are_noticed_across_a_restart(
    home: Home, clock: StandingClock
) -> None:
    async with exporter_here(home, clock) as client:
        await client.push()
    home.declare(monitor_yaml(enabled=False), secret_yaml())
    async with exporter_here(home, clock) as client:
        paused = await client.samples()
        pushed_while_paused = await client.push()
    home.declare()
    clock.advance(5000)
    async with exporter_here(home, clock) as client:
        resumed = await client.samples()

    assert alert_labels_series() not in paused
    assert pushed_while_paused.status == 200
    assert pushed_while_paused.json()["state"] == "paused"
    assert alert_labels_series() in resumed
    assert resumed[series("armed_timestamp_seconds")] == clock()
    assert resumed[series("pushes_total")] == 2


async def test_a_clock_that_was_set_back_does_not_hide_a_missing_job(
    home: Home, clock: StandingClock
) -> None:
    async with exporter_here(home, clock) as client:
        await client.push()
    clock.advance(-86_400)
    async with exporter_here(home, clock) as client:
        samples = await client.samples()
    async with exporter_here(home, clock) as client:
        again = await client.samples()

    assert samples[series("deadline_timestamp_seconds")] == clock() + 360
    assert samples["yuptime_store_future_timestamps_total"] == 2
    assert again[series("deadline_timestamp_seconds")] == clock() + 360
    assert again["yuptime_store_future_timestamps_total"] == 0


async def test_a_push_after_the_clock_was_set_back_is_the_newest(
    home: Home, clock: StandingClock
) -> None:
    async with exporter_here(home, clock) as client:
        await client.push()
        clock.advance(-3600)
        await client.push(body=b'{"status": "down"}')
        samples = await client.samples()

    assert samples[series("last_push_timestamp_seconds")] == clock()
    assert samples[series("up")] == 0


def limit_file_size(pid: int, size_bytes: int) -> None:
    """Limit the size of files of the process; a larger write fails with EFBIG, like on a full disk."""
    _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (size_bytes, hard))


async def refused_for_lack_of_room(client: Client) -> None:
    answer = await eventually(client.push, lambda answer: answer.status not in (200, 429))
    assert answer.status == 503
    assert answer.headers["Retry-After"] == "5"


@pytest.mark.peer  # starts a process
async def test_a_store_that_cannot_write_refuses_pushes_until_it_can(home: Home) -> None:
    async with exporter_process(home) as exporter:
        await exporter.push()
        limit_file_size(exporter.process.pid, 0)
        await refused_for_lack_of_room(exporter)
        meanwhile = await exporter.samples()
        limit_file_size(exporter.process.pid, resource.RLIM_INFINITY)
        await eventually(exporter.push, lambda answer: answer.status == 200)
        pushes = (await exporter.samples())[series("pushes_total")]
        await exporter.stop(signal.SIGKILL)
    async with exporter_process(home) as exporter:
        samples = await exporter.samples()

    assert meanwhile[series("pushes_total")] >= 1
    assert meanwhile["yuptime_store_errors_total"] >= 1
    assert samples[series("pushes_total")] == pushes


MOUNTING_IS_NOT_ALLOWED = (
    "mounting a small disk is not allowed here; run as root, or allow unprivileged user "
    "namespaces: sysctl kernel.unprivileged_userns_clone=1"
)


def may_mount() -> bool:
    probe = ["unshare", "-Urm", "mount", "-t", "tmpfs", "none", "/tmp"]  # noqa: S108
    return subprocess.run(probe, capture_output=True, check=False).returncode == 0


@pytest.mark.peer  # starts a process
@pytest.mark.skipif("not may_mount()", reason=MOUNTING_IS_NOT_ALLOWED)
async def test_a_full_disk_loses_nothing_and_is_recovered_from(home: Home, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    home.database_folder = disk
    script = f'mount -t tmpfs -o size=400k none {disk} && exec "$@"'
    in_small_disk = ("unshare", "-Urm", "sh", "-c", script, "sh")
    async with exporter_process(home, wrapper=in_small_disk) as exporter:
        # The process sees a disk of its own; /proc shows it to us.
        seen_disk = Path(f"/proc/{exporter.process.pid}/root") / disk.relative_to("/")
        await exporter.push()
        ballast = seen_disk / "ballast"
        with suppress(OSError), ballast.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(1024))
        await refused_for_lack_of_room(exporter)
        refused = await exporter.samples()
        ballast.unlink()
        await eventually(exporter.push, lambda answer: answer.status == 200)
        samples = await exporter.samples()

    assert refused[series("pushes_total")] >= 1
    assert refused["yuptime_ready"] == 1
    assert samples[series("pushes_total")] == refused[series("pushes_total")] + 1


@pytest.mark.peer  # starts a process
@pytest.mark.skipif("not may_mount()", reason=MOUNTING_IS_NOT_ALLOWED)
async def test_a_read_only_disk_is_waited_for(home: Home, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    home.database_folder = disk
    script = f'mount -t tmpfs -o ro none {disk} && exec "$@"'
    on_read_only_disk = ("unshare", "-Urm", "sh", "-c", script, "sh")
    async with exporter_process(home, wrapper=on_read_only_disk, wait_ready=False) as exporter:
        refused = await exporter.push()
        healthy = await exporter.request("GET", "/-/healthy")
        ready = await exporter.request("GET", "/-/ready")
        remount = await asyncio.create_subprocess_exec(
            *("nsenter", "--target", str(exporter.process.pid), "--user", "--mount"),
            *("--preserve-credentials", "mount", "-o", "remount,rw", str(disk)),
        )
        assert await remount.wait() == 0
        await eventually(exporter.ready)
        accepted = await exporter.push()

    assert (refused.status, healthy.status, ready.status) == (503, 200, 503)
    assert refused.headers["Retry-After"] == "5"
    assert b"read-only file system; mount it writable" in ready.body
    assert str(disk).encode() not in ready.body + refused.body
    assert accepted.status == 200
    assert any("store cannot be opened" in line and "read-only" in line for line in exporter.log)


@pytest.mark.peer  # takes whole seconds
async def test_the_time_of_a_full_disk_is_not_blamed_on_the_jobs(
    home: Home, clock: StandingClock
) -> None:
    async with exporter_here(home, clock) as client:
        await client.push()
        before = await client.samples()
        moved = home.database.with_suffix(".moved")
        home.database.rename(moved)  # from now on nothing can be written
        clock.advance(100)
        during = await client.samples()
        moved.rename(home.database)
        after = await eventually(
            client.samples, lambda samples: samples["yuptime_outage_credit_seconds_total"] > 0
        )

    deadline = series("deadline_timestamp_seconds")
    assert during[deadline] == before[deadline] + 100
    assert after[deadline] == before[deadline] + 100
    assert after["yuptime_outage_credit_seconds_total"] == 100


async def test_an_outage_that_ends_with_the_process_is_credited_all_the_same(
    home: Home, clock: StandingClock
) -> None:
    async with exporter_here(home, clock) as client:
        await client.push()
        before = await client.samples()
        moved = home.database.with_suffix(".moved")
        home.database.rename(moved)
        clock.advance(100)
        moved.rename(home.database)  # and the end comes before the next note of receiving
    async with exporter_here(home, clock) as client:
        after = await client.samples()

    deadline = series("deadline_timestamp_seconds")
    assert after[deadline] == before[deadline] + 100


@pytest.mark.peer  # starts a process
async def test_a_stored_push_that_nobody_waited_for_is_shown(home: Home) -> None:
    async with exporter_process(home) as exporter:
        host, port = exporter.url.removeprefix("http://").split(":")
        _, writer = await asyncio.open_connection(host, int(port))
        writer.write(
            b"POST /api/push/jobs/backup HTTP/1.1\r\nHost: x\r\n"
            b"Authorization: Bearer correct-horse-battery-staple\r\n\r\n"
        )
        writer.close()
        await writer.wait_closed()

        await eventually(exporter.samples, lambda samples: samples[series("pushes_total")] == 1)

"""A real Prometheus, of both ages, scrapes a real exporter."""

import asyncio
import signal
from pathlib import Path

import pytest

from tests.exporters import Home, exporter_process
from tests.manifests import monitor_yaml, secret_yaml
from tests.peers.programs import Generation
from tests.peers.running import Prometheus, prometheus
from tests.waiting import eventually

pytestmark = [pytest.mark.peer, pytest.mark.parametrize("generation", list(Generation))]

JOB = "yuptime"


def scraping(url: str) -> dict[str, object]:
    target = {"targets": [url.removeprefix("http://")]}
    return {
        "scrape_configs": [
            {"job_name": JOB, "honor_labels": True, "static_configs": [target]},
        ]
    }


async def value(peer: Prometheus, promql: str) -> float | None:
    samples = await peer.query(promql)
    return samples[0].value if samples else None


async def test_prometheus_scrapes_what_a_curl_reported(
    home: Home, tmp_path: Path, generation: Generation
) -> None:
    home.declare(monitor_yaml(labels={"team": "db"}), secret_yaml())
    async with (
        exporter_process(home) as exporter,
        prometheus(generation, tmp_path / "prometheus", scraping(exporter.url)) as peer,
    ):
        curl = await asyncio.create_subprocess_exec(
            "curl",
            "--silent",
            "--show-error",
            "--fail",
            *("-X", "POST", f"{exporter.url}/api/push/jobs/backup"),
            *("-H", "Authorization: Bearer correct-horse-battery-staple"),
            *("-H", "Content-Type: application/json"),
            *("-d", '{"status": "up", "message": "Backup completed"}'),
            stdout=asyncio.subprocess.PIPE,
        )
        answer, _ = await curl.communicate()

        async def pushes() -> float | None:
            return await value(peer, "yuptime_monitor_pushes_total")

        await eventually(pushes, lambda total: total == 1)
        up = await value(peer, f'up{{job="{JOB}"}}')
        [labels] = await peer.query("yuptime_monitor_alert_labels")
        overdue = await value(
            peer,
            "max by (namespace, monitor) (timestamp(yuptime_monitor_deadline_timestamp_seconds))"
            " - max by (namespace, monitor) (yuptime_monitor_deadline_timestamp_seconds)",
        )

    assert b'"state": "up"' in answer
    assert up == 1
    assert labels.labels["namespace"] == "jobs"
    assert labels.labels["monitor"] == "backup"
    assert labels.labels["team"] == "db"
    assert "pod" not in labels.labels
    assert overdue is not None
    assert -360 <= overdue < -300


async def test_prometheus_sees_the_same_before_and_after_a_crash(
    home: Home, tmp_path: Path, generation: Generation
) -> None:
    last_push = "yuptime_monitor_last_push_timestamp_seconds"
    async with exporter_process(home) as exporter:
        await exporter.push()
        async with prometheus(generation, tmp_path / "before", scraping(exporter.url)) as peer:

            async def seen_before() -> float | None:
                return await value(peer, last_push)

            before = await eventually(seen_before)
        await exporter.stop(signal.SIGKILL)
    async with (
        exporter_process(home) as exporter,
        prometheus(generation, tmp_path / "after", scraping(exporter.url)) as peer,
    ):

        async def seen_after() -> float | None:
            return await value(peer, last_push)

        after = await eventually(seen_after)

    assert after == before


async def test_a_removed_monitor_is_stale_at_the_next_scrape(
    home: Home, tmp_path: Path, generation: Generation
) -> None:
    home.declare(monitor_yaml(), monitor_yaml("other"), secret_yaml())
    async with (
        exporter_process(home) as exporter,
        prometheus(generation, tmp_path / "prometheus", scraping(exporter.url)) as peer,
    ):

        async def monitors() -> set[str]:
            return {sample.labels["monitor"] for sample in await peer.query("yuptime_monitor_up")}

        await eventually(monitors, lambda names: names == {"backup", "other"})
        home.declare(monitor_yaml("other"), secret_yaml())

        await eventually(monitors, lambda names: names == {"other"})


async def test_prometheus_and_curl_read_a_large_page_compressed(
    home: Home, tmp_path: Path, generation: Generation
) -> None:
    monitors = 1_000  # more than two pieces of the page
    home.declare(*(monitor_yaml(f"job-{n:03}") for n in range(monitors)), secret_yaml())
    async with (
        exporter_process(home) as exporter,
        prometheus(generation, tmp_path / "prometheus", scraping(exporter.url)) as peer,
    ):
        plain = await _curl(f"{exporter.url}/metrics")
        packed = await _curl("--compressed", f"{exporter.url}/metrics")

        async def monitors_seen() -> float | None:
            return await value(peer, "count(yuptime_monitor_deadline_timestamp_seconds)")

        seen = await eventually(monitors_seen)

    assert seen == monitors
    assert _of_monitors(packed) == _of_monitors(plain)
    assert len(_of_monitors(packed)) > 10 * monitors


async def _curl(*arguments: str) -> bytes:
    curl = await asyncio.create_subprocess_exec(
        "curl", "--silent", "--show-error", "--fail", *arguments, stdout=asyncio.subprocess.PIPE
    )
    answer, _ = await curl.communicate()
    return answer


def _of_monitors(page: bytes) -> list[bytes]:
    return [line for line in page.splitlines() if b'monitor="job-' in line]

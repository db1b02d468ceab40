"""A backfilled past equals the samples that Prometheus stores itself."""

from pathlib import Path

import pytest

from tests.dashboards.backfill import scraped
from tests.dashboards.day import Day, Scrape
from tests.exporters import Home, exporter_process
from tests.peers.programs import Generation
from tests.peers.running import prometheus
from tests.waiting import eventually

pytestmark = [pytest.mark.peer, pytest.mark.timeout(240)]


@pytest.mark.parametrize("generation", list(Generation))
async def test_a_backfilled_day_equals_the_samples_of_scrapes(
    generation: Generation, tmp_path: Path
) -> None:
    home = Home(tmp_path / "exporter", flags=["--alertmanager.url=http://127.0.0.1:9"])
    home.folder.mkdir()
    async with exporter_process(home) as exporter:
        await exporter.push()
        page = (await exporter.request("GET", "/metrics")).body.decode()
        address = exporter.url.removeprefix("http://")
        job = {
            "job_name": "yuptime",
            "honor_labels": True,
            "static_configs": [{"targets": [address]}],
        }
        async with prometheus(generation, tmp_path / "peer", {"scrape_configs": [job]}) as peer:
            written = scraped(Day([Scrape(1.0, address, page)]))
            ours = {series for series in written.samples if dict(series)["__name__"] != "up"}

            async def stored() -> set[tuple[tuple[str, str], ...]]:
                answer = await peer.get("/api/v1/series", **{"match[]": '{job="yuptime"}'})
                return {tuple(sorted(one.items())) for one in answer["data"]}

            found = await eventually(stored, lambda found: ours <= found)

    # Later requests have added further series.
    of_prometheus = ("up", "scrape_", "yuptime_http_request_duration_seconds_")
    further = {dict(labels)["__name__"] for labels in found - ours}
    assert {name for name in further if not name.startswith(of_prometheus)} == set()

"""A scrape sends kept lines: plain or compressed, with few bytes of memory of its own."""

import asyncio
import gzip
import time
import tracemalloc

import pytest
from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.exposition import choose_encoder

from tests.core.examples import UP, Life, monitor
from tests.waiting import eventually
from tests.web.requests import request
from yuptime_exporter.core.families import exposed_families
from yuptime_exporter.core.identity import AlertDefaults
from yuptime_exporter.core.model import MonitorKey
from yuptime_exporter.core.page import MonitorPage
from yuptime_exporter.core.rejudging import Rejudging
from yuptime_exporter.web.http import Answer
from yuptime_exporter.web.metrics import TURN_SECONDS, MetricsPage

MONITORS = 2_000

ACCEPTED = ("", "application/openmetrics-text;version=1.0.0")

# The largest memory of a scrape at a time, measured on Python 3.11 with 2,000 monitors, 2.9 MB of
# text. The page has texts only while they are sent, and compressed texts as long as they are valid.
PLAIN_BYTES = 520_057
GZIP_BYTES = 391_130


@pytest.fixture
def life() -> Life:
    return Life(*(monitor(f"job-{number:05}") for number in range(MONITORS)))


@pytest.fixture
def page(life: Life) -> MetricsPage:
    rejudging = Rejudging(life.table)
    lines = MonitorPage(
        life.table, rejudging, exposed_families(messages=False), alert_defaults=AlertDefaults
    )
    return MetricsPage(CollectorRegistry(), lines, lambda: 1000.0)


async def content(answer: Answer) -> bytes:
    if answer.parts is None:
        return answer.body
    return b"".join([piece async for part in answer.parts for piece in part])


async def test_a_compressed_scrape_has_the_bytes_of_a_plain_one(page: MetricsPage) -> None:
    plain = await page.answer(request())
    packed = await page.answer(request(headers=[("Accept-Encoding", "gzip")]))

    text = await content(plain)
    assert gzip.decompress(await content(packed)) == text
    assert plain.headers["Content-Length"] == str(len(text))
    assert text.count(b"yuptime_monitor_deadline_timestamp_seconds{") == MONITORS


@pytest.mark.parametrize("accept", ACCEPTED)
async def test_the_metrics_of_the_exporter_are_those_that_prometheus_client_writes(
    page: MetricsPage, accept: str
) -> None:
    Counter("jobs_total", "Jobs.", ["kind"], registry=page.registry).labels('a "kind"').inc()
    Histogram("job_seconds", "Times.", registry=page.registry).observe(0.5)
    own: bytes = choose_encoder(accept)[0](page.registry)

    text = await content(await page.answer(request(headers=[("Accept", accept)])))

    assert text.endswith(own)
    assert text.count(b"# EOF\n") == own.count(b"# EOF\n")


async def test_a_metric_of_the_exporter_is_written_again_when_it_or_the_format_changes(
    page: MetricsPage,
) -> None:
    jobs = Counter("jobs_total", "Jobs.", ["kind"], registry=page.registry)
    for accept in (*ACCEPTED, *ACCEPTED, *reversed(ACCEPTED)):
        for _ in range(2):
            own: bytes = choose_encoder(accept)[0](page.registry)
            text = await content(await page.answer(request(headers=[("Accept", accept)])))
            assert text.endswith(own)
        jobs.labels("a").inc()


async def test_other_work_has_its_turn_while_a_client_reads_without_a_pause(
    page: MetricsPage,
) -> None:
    answer = await page.answer(request())
    others: list[str] = []
    sent = 0

    assert answer.parts is not None
    async for _ in answer.parts:
        sent += 1
        asyncio.get_running_loop().call_soon(others.append, "ran")
        time.sleep(TURN_SECONDS)  # noqa: ASYNC251  as long as the kernel may need to copy a part

    assert sent > 10
    assert len(others) >= sent - 1


async def test_changes_are_rendered_before_a_scrape_asks(life: Life, page: MetricsPage) -> None:
    async def rendered() -> int:
        return page.monitors.lines_rendered_total

    await page.render()

    async with asyncio.TaskGroup() as tasks:
        rendering = tasks.create_task(page.render_ahead())
        for moment in (1000, 1001):
            before = await rendered()
            life.push(UP, at=moment, key=MonitorKey("prod", "job-00007"))
            await eventually(rendered, until=before.__ne__)
        rendering.cancel()


async def test_a_scrape_does_not_wait_for_the_pauses_of_rendering_ahead(
    page: MetricsPage,
) -> None:
    async with asyncio.TaskGroup() as tasks:
        rendering = tasks.create_task(page.render(pause_seconds=3600))
        await asyncio.sleep(0)  # the rendering begins, and pauses

        answer = await page.answer(request())

        assert rendering.done()
    assert answer.status == 200


async def test_a_scrape_after_rendering_renders_no_line(page: MetricsPage) -> None:
    await page.render()
    rendered = page.monitors.lines_rendered_total

    await page.answer(request())

    assert rendered > MONITORS
    assert page.monitors.lines_rendered_total == rendered


async def test_a_plain_scrape_needs_little_memory_of_its_own(page: MetricsPage) -> None:
    await page.render()
    await content(await page.answer(request()))  # fills the caches

    tracemalloc.start()
    answer = await page.answer(request())
    assert answer.parts is not None
    async for _ in answer.parts:
        pass
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak_bytes <= 1.1 * PLAIN_BYTES


async def test_a_compressed_scrape_needs_little_memory_of_its_own(page: MetricsPage) -> None:
    packed = request(headers=[("Accept-Encoding", "gzip")])
    await page.render()
    await page.answer(packed)  # fills the caches

    tracemalloc.start()
    await page.answer(packed)
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak_bytes <= 1.1 * GZIP_BYTES

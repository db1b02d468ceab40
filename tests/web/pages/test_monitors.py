"""The page with all monitors is rendered once for many browsers, and is never too old for one."""

import re

import pytest

from tests.core.examples import KEY, monitor, replace_monitors
from tests.exporters import StandingClock
from tests.web.requests import request
from yuptime_exporter.core.model import LastPush, PushKind
from yuptime_exporter.core.rejudging import Rejudging
from yuptime_exporter.core.table import MonitorTable
from yuptime_exporter.web.api.board import Board, ExporterState
from yuptime_exporter.web.api.representation import Visibility
from yuptime_exporter.web.http import Answer
from yuptime_exporter.web.pages.monitors import list_page_handler
from yuptime_exporter.web.pages.rendering import ExporterFacts, Pages
from yuptime_exporter.web.pages.static_files import StaticFiles


class Site:
    """The list of one monitor, as browsers ask for it."""

    def __init__(self, clock: StandingClock) -> None:
        self._table = MonitorTable(silence_is_outage_after_seconds=1e9)
        replace_monitors(self._table, [monitor()], now_timestamp=clock())
        self._clock = clock
        board = Board(self._table, Rejudging(self._table), ExporterState, clock=clock)
        pages = Pages(ExporterFacts("", "/metrics", None, Visibility()), StaticFiles())
        self._handler = list_page_handler(board, pages, monitors_by_type=dict)

    def push(self, message: str) -> None:
        push = LastPush(PushKind.UP, received_timestamp=self._clock(), message=message)
        self._table.record_pushes([(KEY, push)])

    async def page(self, *, seen: str = "") -> Answer:
        """Return the page for a browser, whose script has seen an event or nothing."""
        return await self._handler(request(headers=[("Last-Event-ID", seen)] if seen else []))


@pytest.fixture
def site(clock: StandingClock) -> Site:
    return Site(clock)


def version(page: Answer) -> str:
    found = re.search(rb'data-version="([^"]+)"', page.body)
    assert found
    return found.group(1).decode()


async def test_browsers_that_saw_the_same_event_get_one_rendering(site: Site) -> None:
    event = version(await site.page())
    site.push("first")
    first = await site.page()
    site.push("second")

    pages = [await site.page(seen=version(first)) for _ in range(100)]

    assert {id(page.body) for page in pages} == {id(first.body)}
    assert (await site.page(seen=event)).body is first.body


async def test_a_browser_never_gets_a_page_that_is_older_than_the_event_it_saw(site: Site) -> None:
    old = await site.page()
    site.push("newer")
    newer = version(await site.page())
    assert newer != version(old)

    site.push("newest")
    newest = await site.page()
    assert b"newest" in (await site.page(seen=version(newest))).body


async def test_a_page_for_a_person_shows_every_acknowledged_push(site: Site) -> None:
    await site.page()
    for message in ("first", "second", "third"):
        site.push(message)
        assert message.encode() in (await site.page()).body


async def test_a_page_is_rendered_again_after_a_second_since_it_says_how_long_ago(
    site: Site, clock: StandingClock
) -> None:
    site.push("done")
    first = await site.page()
    assert (await site.page()).body is first.body
    clock.advance(60)

    later = await site.page(seen=version(first))

    assert b"60 s ago" in later.body

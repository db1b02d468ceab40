"""Server-sent events: a client follows the monitors, and no client costs the others anything."""

import asyncio
import itertools
import json
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from tests.core.examples import replace_monitors
from tests.exporters import Client, Home, StandingClock, exporter_here
from tests.manifests import monitor_yaml, secret_yaml
from tests.peers.running import free_address
from tests.web.requests import request
from yuptime_exporter.core.model import LastPush, Monitor, MonitorKey, PushKind, TokenRef
from yuptime_exporter.core.rejudging import Rejudging
from yuptime_exporter.core.table import MonitorTable
from yuptime_exporter.web.api.board import Board, ExporterState
from yuptime_exporter.web.api.events import EventStreams, StreamLimits
from yuptime_exporter.web.api.representation import Visibility

KEY = MonitorKey("jobs", "backup")


class Events:
    """The events of one stream, read one by one."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self._lines = answer.content
        self.last_id = ""

    async def next(self) -> tuple[str, dict[str, object]]:
        """Return the name and the data of the next event."""
        name, data = "", ""
        while True:
            line = (await self._lines.readline()).decode().rstrip("\n")
            field, _, value = line.partition(": ")
            if field == "event":
                name = value
            elif field == "data":
                data = value
            elif field == "id":
                self.last_id = value
            elif not line and data:
                return name, json.loads(data)


@asynccontextmanager
async def following(client: Client, query: str = "", last_id: str = "") -> AsyncIterator[Events]:
    headers = {"Last-Event-ID": last_id} if last_id else {}
    async with client.session.get(f"{client.url}/api/v1/events{query}", headers=headers) as answer:
        assert answer.headers["Content-Type"] == "text/event-stream; charset=utf-8"
        yield Events(answer)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path)
    made.declare(monitor_yaml(), monitor_yaml("other"), secret_yaml())
    return made


async def test_a_new_client_gets_the_exporter_the_counts_and_then_each_change(
    home: Home, clock: StandingClock
) -> None:
    async with exporter_here(home, clock) as client, following(client) as events:
        exporter, reset = await events.next(), await events.next()
        await client.push(body=b"status=down&message=full", content_type=None)
        name, changes = await events.next()

    assert exporter[0] == "exporter"
    assert exporter[1]["ready"] is True
    assert reset[0] == "reset"
    assert reset[1]["counts"] == {"down": 0, "late": 0, "pending": 2, "up": 0, "paused": 0}
    assert name == "changes"
    assert changes["moved"] is True
    assert changes["removed"] == []
    monitors = changes["monitors"]
    assert isinstance(monitors, list)
    assert [(one["name"], one["state"]) for one in monitors] == [("backup", "down")]
    assert monitors[0]["lastPush"]["message"] == "full"


async def test_a_client_continues_after_its_last_event(home: Home, clock: StandingClock) -> None:
    async with exporter_here(home, clock) as client:
        async with following(client) as events:
            await events.next()
            await events.next()
        await client.push()
        async with following(client, last_id=events.last_id) as again:
            await again.next()
            name, changes = await again.next()
        async with following(client, last_id="another-7") as stranger:
            await stranger.next()
            assert (await stranger.next())[0] == "reset"

    assert name == "changes"
    assert [one["name"] for one in changes["monitors"]] == ["backup"]  # type: ignore[attr-defined]


async def test_a_filter_leaves_out_other_monitors_and_a_removal_is_told(
    home: Home, clock: StandingClock
) -> None:
    async with exporter_here(home, clock) as client, following(client, "?name=other") as events:
        await events.next()
        await events.next()
        await client.push("backup")
        await client.push("other")
        _, pushed = await events.next()
        home.declare(monitor_yaml(), secret_yaml())
        _, removed = await events.next()

    assert [one["name"] for one in pushed["monitors"]] == ["other"]  # type: ignore[attr-defined]
    assert removed["removed"] == [{"namespace": "jobs", "name": "other"}]


async def test_the_end_of_the_exporter_ends_the_streams_without_an_error(
    home: Home, clock: StandingClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    async with exporter_here(home, clock) as client:
        answer = await client.session.get(f"{client.url}/api/v1/events")
        await answer.content.readline()
    await answer.content.read()

    assert caplog.records == []


def streams(table: MonitorTable, **limits: float) -> EventStreams:
    board = Board(table, Rejudging(table), ExporterState, clock=lambda: 10.0)
    chosen = StreamLimits(**{"round_seconds": 0.1, **limits})  # type: ignore[arg-type]
    return EventStreams(board, Visibility(), stopping=asyncio.Event(), limits=chosen)


def a_table() -> MonitorTable:
    table = MonitorTable(silence_is_outage_after_seconds=1e9)
    replace_monitors(table, [Monitor(KEY, TokenRef("s", "k"))], now_timestamp=0)
    return table


async def test_more_clients_than_the_limit_are_told_to_come_back() -> None:
    made = streams(a_table(), max_streams=1)
    first = await made.answer(request())
    assert first.parts is not None
    await anext(first.parts)

    refused = await made.answer(request())

    assert refused.status == 503
    assert refused.headers["Retry-After"] == "5"
    await first.parts.aclose()  # type: ignore[attr-defined]
    assert made.open == 0
    assert (await made.answer(request())).status == 200


async def opened(
    made: EventStreams, clients: int, query: str = ""
) -> list[AsyncIterator[Sequence[bytes]]]:
    """Open streams, and read them until they have everything."""
    answers = [await made.answer(request(query=query)) for _ in range(clients)]
    streams_opened = [answer.parts for answer in answers if answer.parts is not None]
    for stream in streams_opened:
        await anext(stream)
        assert b"event: reset" in b"".join(await anext(stream))
    return streams_opened


async def events_of(
    opened_streams: list[AsyncIterator[Sequence[bytes]]], count: int
) -> list[bytes]:
    """Return this number of events of each stream; all streams are read at the same time."""

    async def some(stream: AsyncIterator[Sequence[bytes]]) -> list[bytes]:
        return [piece for _ in range(count) for piece in await anext(stream)]

    async with asyncio.TaskGroup() as tasks:
        reading = [tasks.create_task(some(stream)) for stream in opened_streams]
    return [event for one in reading for event in one.result()]


async def closed(opened_streams: list[AsyncIterator[Sequence[bytes]]]) -> None:
    for stream in opened_streams:
        await stream.aclose()  # type: ignore[attr-defined]


async def test_a_change_is_encoded_once_for_a_hundred_clients() -> None:
    table = a_table()
    everyone = await opened(streams(table), 100)
    table.record_pushes([(KEY, LastPush(PushKind.UP, received_timestamp=5.0, pushes_total=1))])

    events = await events_of(everyone, 1)

    # One for each round that passes while the streams wake, which are few even on a busy machine.
    assert len({id(event) for event in events}) <= 10
    assert all(b'"state": "up"' in event for event in events)
    await closed(everyone)


async def test_while_pushes_go_on_the_encodings_do_not_grow_with_the_clients() -> None:
    table = a_table()
    made = streams(table)
    everyone = await opened(made, 50) + await opened(made, 50, "namespace=jobs")
    stop = asyncio.Event()

    async def push() -> None:
        for count in itertools.count(1):
            table.record_pushes(
                [(KEY, LastPush(PushKind.UP, received_timestamp=5, pushes_total=count))]
            )
            await asyncio.sleep(0)
            if stop.is_set():
                return

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(push())
        events = await events_of(everyone, 4)
        stop.set()

    encoded = {id(event) for event in events}
    assert len(encoded) <= len(events) / 5
    await closed(everyone)


async def test_an_alertmanager_that_is_not_reached_is_an_event_and_a_notice_on_the_page(
    home: Home, clock: StandingClock
) -> None:
    url = f"http://{free_address()}"
    home.flags = [f"--alertmanager.url={url}"]
    async with exporter_here(home, clock) as client, following(client) as events:
        await events.next()
        await events.next()
        await client.push(body=b"status=down", content_type=None)
        notices: list[object] = []
        while not notices or not notices[-1]:
            name, value = await events.next()
            notices += [value["notice"]] if name == "exporter" else []
        page = (await client.request("GET", "/")).body.decode()
        listed = (await client.request("GET", "/api/v1/monitors")).json()

    notice = str(notices[-1])
    assert notice.startswith(f"alerts do not reach Alertmanager {url}: ")
    assert f"needs attention:</strong> alerts do not reach Alertmanager {url}" in page
    assert listed["exporter"]["notice"] == notice  # type: ignore[index]

"""The stops of a push, with a dialect that only the test speaks."""

import asyncio
import hashlib
from collections.abc import AsyncIterator

import pytest
from prometheus_client import CollectorRegistry

from tests.core.examples import DOWN, KEY, UP, monitor
from tests.engine.parts import ready, row_of, settled, table_of
from tests.exporters import StandingClock
from tests.fakes.store import FakeStore
from tests.web.requests import request
from yuptime_exporter.core.errors import (
    BodyTooLarge,
    MalformedPush,
    NotAuthenticated,
    RateLimited,
    Rejection,
    StoreUnavailable,
)
from yuptime_exporter.core.model import Push
from yuptime_exporter.core.rate_limit import CHANGES, PushLimiter, RateLimit
from yuptime_exporter.engine.admission import Admission
from yuptime_exporter.engine.receiver import Receipt, Receiver
from yuptime_exporter.engine.rejections import Rejections
from yuptime_exporter.metrics.pushes import PushMetrics
from yuptime_exporter.web.http import Answer, Request
from yuptime_exporter.web.pushes.body import BodyLimits
from yuptime_exporter.web.pushes.exchange import Dialect, PushExchange, Report
from yuptime_exporter.web.router import Router

START = 1000.0


def key_in_query(asked: Request) -> bytes | None:
    return next((value.encode() for value in asked.query_values("key")), None)


def parse_word(_: Request, body: bytes) -> Report:
    word, _space, message = body.decode().partition(" ")
    if word not in ("FAIL", "PASS"):
        raise MalformedPush("expected FAIL or PASS, got another word")
    return Report(DOWN if word == "FAIL" else UP, message)


def say(receipt: Receipt, push: Push) -> Answer:
    return Answer(202, f"{receipt.row.monitor.key} {push.kind}".encode())


def raise_again(rejection: Rejection) -> Answer:
    raise rejection


FAILING = Dialect(
    name="failing",
    routes=(("PUT", "/fail/{namespace}/{name}"), ("POST", "/f/{namespace}/{name}")),
    token=key_in_query,
    parse=parse_word,
    answer=say,
    rejected=raise_again,
)


class Unread(AsyncIterator[bytes]):
    """A body that nobody may read."""

    async def __anext__(self) -> bytes:
        raise AssertionError("the body was read")


class Desk:
    """An exchange with everything behind it."""

    def __init__(self, *, burst: int = 100) -> None:
        self.registry = CollectorRegistry()
        self.clock = StandingClock(START)
        self.store = FakeStore()
        digest = hashlib.sha256(b"right").digest()
        self.table = table_of(monitor(token_digests=(digest,)), at=START)
        limiter = PushLimiter(RateLimit(1.0, burst))
        admission = Admission(self.table, limiter, ready(), clock=self.clock)
        receiver = Receiver(self.table, self.store, on_push=lambda *_: None)
        exchange = PushExchange(
            admission,
            receiver,
            Rejections(self.table, metrics=PushMetrics(self.registry), clock=self.clock),
            clock=self.clock,
            limits=BodyLimits(max_bytes=100),
        )
        self.router = Router(exchange.routes(FAILING, prefix="/pre"))

    async def push(
        self,
        body: bytes | AsyncIterator[bytes] = b"FAIL disk full",
        *,
        token: str = "right",
        length: int = 14,
        path: str = "/pre/fail/prod/backup",
    ) -> Answer:
        match = self.router.match("POST" if "/f/" in path else "PUT", path)
        headers = [("Content-Length", str(length))]
        query = f"key={token}"
        return await match.handler(
            request("PUT", headers=headers, body=body, query=query, parameters=match.parameters)
        )

    def rejections(self) -> tuple[dict[str, float], int]:
        """Return the counts by reason, those of 0 left out, and the count of the monitor."""
        by_reason = {
            sample.labels["reason"]: sample.value
            for family in self.registry.collect()
            for sample in family.samples
            if sample.value and sample.name.endswith("_total")
        }
        return by_reason, self.table.rejected_total(KEY)


@pytest.mark.parametrize("path", ["/pre/fail/prod/backup", "/pre/f/prod/backup"])
async def test_a_push_is_answered_in_its_dialect_once_it_is_durable(path: str) -> None:
    desk = Desk()
    async with asyncio.TaskGroup() as tasks:
        pushing = tasks.create_task(desk.push(path=path))
        await settled()
        waits = not pushing.done()
        desk.clock.advance(3)
        desk.store.saves[0].succeed()
    last = row_of(desk.table, KEY).last_push

    assert waits
    assert pushing.result() == Answer(202, b"prod/backup down")
    assert last is not None
    assert (last.status, last.message, last.received_timestamp) == (DOWN, "disk full", START)
    assert desk.rejections() == ({}, 0)


async def test_a_stored_push_names_its_dialect_and_the_address_of_its_client() -> None:
    desk = Desk()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(desk.push())
        await settled()
        desk.store.saves[0].succeed()

    assert desk.store.saves[0].pushes == (
        Push(DOWN, START, "disk full", dialect="failing", client_address="192.0.2.7"),
    )


async def test_nothing_of_a_body_is_read_before_the_token_is_right() -> None:
    desk = Desk()
    with pytest.raises(NotAuthenticated):
        await desk.push(Unread(), token="wrong")

    assert desk.rejections() == ({"unauthorized": 1}, 0)


@pytest.mark.parametrize(
    ("body", "length", "rejection", "reason"),
    [
        (b"GOOD", 4, MalformedPush, "malformed"),
        (Unread(), 101, BodyTooLarge, "too_large"),
    ],
)
async def test_a_faulty_push_is_counted_for_its_monitor_and_by_its_reason(
    body: bytes | AsyncIterator[bytes], length: int, rejection: type[Rejection], reason: str
) -> None:
    desk = Desk()
    with pytest.raises(rejection):
        await desk.push(body, length=length)

    assert desk.rejections() == ({reason: 1}, 1)
    assert desk.store.saves == []


async def stored(desk: Desk, *bodies: bytes) -> list[type[Rejection] | None]:
    """Push these one after the other; return the rejection of each, None for accepted ones."""

    async def outcome(body: bytes) -> type[Rejection] | None:
        try:
            await desk.push(body)
        except Rejection as rejection:
            return type(rejection)
        return None

    outcomes: list[type[Rejection] | None] = []
    for body in bodies:
        async with asyncio.TaskGroup() as tasks:
            pushing = tasks.create_task(outcome(body))
            await settled()
            if not pushing.done():
                desk.store.saves[-1].succeed()
        outcomes.append(pushing.result())
    return outcomes


async def test_a_push_beyond_the_limit_is_accepted_if_it_changes_the_status() -> None:
    desk = Desk(burst=2)

    assert await stored(desk, b"PASS", b"PASS", b"PASS", b"FAIL", b"FAIL", b"PASS") == [
        None,
        None,
        RateLimited,
        None,
        RateLimited,
        None,
    ]
    assert desk.rejections() == ({"rate_limited": 2}, 2)


async def test_a_loop_of_repetitions_takes_no_room_from_a_change_of_status() -> None:
    desk = Desk(burst=1)
    repeated = await stored(desk, *[b"PASS"] * 50)

    assert repeated == [None] + [RateLimited] * 49
    assert await stored(desk, b"FAIL") == [None]


async def test_a_status_that_changes_all_the_time_is_held_back_before_its_body_is_read() -> None:
    desk = Desk(burst=1)
    changing = await stored(desk, *[b"PASS", b"FAIL"] * CHANGES.burst)
    with pytest.raises(RateLimited, match="beyond that one change of status each 6 s") as raised:
        await desk.push(Unread())
    desk.clock.advance(CHANGES.interval_seconds)

    assert changing == [None] * (CHANGES.burst + 1) + [RateLimited] * (CHANGES.burst - 1)
    assert raised.value.retry_after_seconds == 1
    assert await stored(desk, b"PASS", b"FAIL") == [None, None]


async def test_a_faulty_push_beyond_the_limit_is_told_its_fault() -> None:
    desk = Desk(burst=1)

    assert await stored(desk, b"GOOD", b"GOOD") == [MalformedPush] * 2
    assert desk.rejections() == ({"malformed": 2}, 2)


async def test_a_push_that_the_store_cannot_take_is_no_fault_of_its_monitor() -> None:
    desk = Desk()
    async with asyncio.TaskGroup() as tasks:

        async def push() -> None:
            with pytest.raises(StoreUnavailable):
                await desk.push()

        tasks.create_task(push())
        await settled()
        desk.store.saves[0].fail()

    assert desk.rejections() == ({"store_unavailable": 1}, 0)

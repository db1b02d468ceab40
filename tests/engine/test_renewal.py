"""A second look at a token: it lets in who has a newer one, and tells nothing to who has none."""

import asyncio
from collections.abc import Awaitable

import pytest

from tests.core.examples import KEY
from yuptime_exporter.core.errors import NotAuthenticated, RateLimited, TokenMissing
from yuptime_exporter.core.model import MonitorKey
from yuptime_exporter.engine import renewal as renewal_module
from yuptime_exporter.engine.renewal import TokenRenewal

UNKNOWN = MonitorKey("prod", "unknown")
RENEWAL_SECONDS = 0.1


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(renewal_module, "RENEWAL_SECONDS", RENEWAL_SECONDS)
    monkeypatch.setattr(renewal_module, "_POLL_SECONDS", 0.005)


class Gate:
    """Who decides over tokens, and who reads them anew; what the Secret holds comes later."""

    def __init__(self) -> None:
        self.tokens = {b"old"}
        self.in_secret: set[bytes] = {b"old"}
        self.renewals: list[MonitorKey] = []
        self.hanging = False
        self.done_just_now = False
        self.missing = False

    def admit(self, key: MonitorKey, token: bytes | None) -> None:
        if key == KEY and self.missing:
            raise TokenMissing
        if key != KEY or token not in self.tokens:
            raise NotAuthenticated

    def renew(self, key: MonitorKey) -> Awaitable[None] | None:
        if key != KEY or self.done_just_now:
            return None
        self.renewals.append(key)
        return self._read()

    async def _read(self) -> None:
        if self.hanging:
            await asyncio.get_running_loop().create_future()
        self.tokens = set(self.in_secret)
        self.missing = False


async def seconds_until_refused(gate: Gate, key: MonitorKey, token: bytes | None) -> float:
    loop = asyncio.get_running_loop()
    began = loop.time()
    with pytest.raises(NotAuthenticated):
        await TokenRenewal(gate.admit, gate.renew).authenticate(key, token)
    return loop.time() - began


async def test_a_token_that_matches_is_let_in_without_a_second_look() -> None:
    gate = Gate()
    await TokenRenewal(gate.admit, gate.renew).authenticate(KEY, b"old")

    assert gate.renewals == []


async def test_a_token_that_is_newer_than_what_was_read_is_let_in() -> None:
    gate = Gate()
    gate.in_secret = {b"new"}
    await TokenRenewal(gate.admit, gate.renew).authenticate(KEY, b"new")

    assert gate.renewals == [KEY]


async def test_a_secret_that_was_missing_is_looked_for_again() -> None:
    gate = Gate()
    gate.missing = True
    await TokenRenewal(gate.admit, gate.renew).authenticate(KEY, b"old")

    assert gate.renewals == [KEY]


async def test_what_is_put_into_force_a_moment_after_it_was_read_is_waited_for() -> None:
    gate = Gate()
    gate.done_just_now = True
    asyncio.get_running_loop().call_later(0.02, gate.tokens.add, b"new")

    await TokenRenewal(gate.admit, gate.renew).authenticate(KEY, b"new")


@pytest.mark.parametrize(
    ("key", "hanging", "done_just_now"),
    [
        (UNKNOWN, False, False),
        (KEY, False, False),
        (KEY, False, True),
        (KEY, True, False),
    ],
    ids=["unknown monitor", "known monitor", "read just now", "reading hangs"],
)
async def test_every_refusal_takes_all_of_the_time_whatever_there_was_to_read(
    key: MonitorKey, hanging: bool, done_just_now: bool
) -> None:
    gate = Gate()
    gate.hanging, gate.done_just_now = hanging, done_just_now

    # None comes earlier; that none comes much later is the event loop's business.
    assert await seconds_until_refused(gate, key, b"wrong") >= RENEWAL_SECONDS


async def test_a_wrong_token_costs_one_second_look() -> None:
    gate = Gate()
    await seconds_until_refused(gate, KEY, b"wrong")

    assert gate.renewals == [KEY]


async def test_who_sends_no_token_is_refused_at_once() -> None:
    gate = Gate()
    renewal = TokenRenewal(gate.admit, gate.renew)

    coroutine = renewal.authenticate(KEY, None)
    with pytest.raises(NotAuthenticated):
        coroutine.send(None)

    assert gate.renewals == []


async def test_who_has_the_right_token_and_pushes_too_often_is_told_so_at_once() -> None:
    gate = Gate()

    def limited(key: MonitorKey, token: bytes | None) -> None:
        raise RateLimited(f"{key} {token!r}", retry_after_seconds=1)

    with pytest.raises(RateLimited):
        await TokenRenewal(limited, gate.renew).authenticate(KEY, b"old")

    assert gate.renewals == []

"""Admission: the right token at a limited rate, and a second decision for a newer token."""

import asyncio
import hashlib
from collections.abc import Awaitable, Coroutine, Iterable
from typing import Any

import pytest

from tests.core.examples import KEY, monitor, replace_monitors
from tests.engine.parts import ready, table_of
from tests.exporters import StandingClock
from yuptime_exporter.core.errors import NotAuthenticated, NotReady, RateLimited, TokenMissing
from yuptime_exporter.core.model import MonitorKey
from yuptime_exporter.core.rate_limit import CHANGES, PushLimiter, RateLimit
from yuptime_exporter.engine.admission import Admission, RenewalLimits

START = 1000.0
UNKNOWN = MonitorKey("prod", "unknown")
LIMITS = RenewalLimits(total_seconds=0.1, poll_seconds=0.005)


class Gate:
    """An admission to one monitor, whose Secret may hold newer tokens than are active.

    Attributes:
        in_secret: the tokens that the next read makes active.
        renewals: the monitors whose tokens were read again.
        hanging: whether a read never ends.
        read_just_now: whether the tokens were read a moment ago.
    """

    def __init__(self, *tokens: bytes, renews: bool = True, burst: int = 100) -> None:
        self.in_secret: Iterable[bytes] = tokens
        self.renewals: list[MonitorKey] = []
        self.hanging = False
        self.read_just_now = False
        self.clock = StandingClock(START)
        self.readiness = ready()
        self._table = table_of(at=START)
        self.activate(*tokens)
        self._admission = Admission(
            self._table,
            PushLimiter(RateLimit(1.0, burst)),
            self.readiness,
            renew_tokens=self._renew if renews else None,
            limits=LIMITS,
            clock=self.clock,
        )

    def activate(self, *tokens: bytes, unlisted: frozenset[str] = frozenset()) -> None:
        digests = tuple(hashlib.sha256(token).digest() for token in tokens)
        replace_monitors(
            self._table, [monitor(token_digests=digests)], unlisted=unlisted, now_timestamp=START
        )

    def unlist(self, namespace: str) -> None:
        self.activate(*self.in_secret, unlisted=frozenset({namespace}))

    def admit(self, token: bytes | None, key: MonitorKey = KEY) -> Coroutine[Any, Any, float]:
        return self._admission.admit(key, token)

    def admit_change(self, *, changes: bool = True, wait_seconds: float = 0.5) -> None:
        self._admission.admit_change(KEY, changes=changes, wait_seconds=wait_seconds)

    async def seconds_until_rejected(self, token: bytes, key: MonitorKey = KEY) -> float:
        loop = asyncio.get_running_loop()
        began = loop.time()
        with pytest.raises(NotAuthenticated):
            await self.admit(token, key)
        return loop.time() - began

    def _renew(self, key: MonitorKey) -> Awaitable[None] | None:
        if key != KEY or self.read_just_now:
            return None
        self.renewals.append(key)
        return self._read()

    async def _read(self) -> None:
        if self.hanging:
            await asyncio.get_running_loop().create_future()
        self.activate(*self.in_secret)


def decided_at_once(admitting: Coroutine[Any, Any, float]) -> float:
    """Run an admission that must end before it waits for anything; return its result."""
    with pytest.raises(StopIteration) as end:
        admitting.send(None)
    return float(end.value.value)


class TestWithWatchedTokens:
    """The source tells every change of a token, so that each decision is final."""

    @pytest.mark.parametrize("token", [b"new", b"old"])
    def test_each_token_of_the_secret_is_admitted_without_waiting(self, token: bytes) -> None:
        decided_at_once(Gate(b"new", b"old", renews=False).admit(token))

    @pytest.mark.parametrize(
        ("key", "token"), [(KEY, b"wrong"), (KEY, None), (UNKNOWN, b"old"), (UNKNOWN, None)]
    )
    def test_a_wrong_token_and_an_unknown_monitor_are_rejected_at_once_and_alike(
        self, key: MonitorKey, token: bytes | None
    ) -> None:
        with pytest.raises(NotAuthenticated) as rejection:
            decided_at_once(Gate(b"old", renews=False).admit(token, key))

        assert str(rejection.value) == str(NotAuthenticated())

    def test_a_missing_secret_is_named_only_to_a_client_with_a_token(self) -> None:
        gate = Gate(renews=False)

        with pytest.raises(TokenMissing):
            decided_at_once(gate.admit(b"any"))
        with pytest.raises(NotAuthenticated):
            decided_at_once(gate.admit(None))

    def test_no_push_is_admitted_before_the_exporter_is_ready(self) -> None:
        gate = Gate(b"old", renews=False)
        gate.readiness.stopping()

        with pytest.raises(NotReady, match="yuptime-exporter is stopping"):
            decided_at_once(gate.admit(b"old"))

    def test_pushes_beyond_the_burst_have_to_wait_until_the_interval_is_over(self) -> None:
        gate = Gate(b"old", renews=False, burst=2)
        waits = [decided_at_once(gate.admit(b"old")) for _ in range(3)]
        gate.clock.advance(1)

        assert waits == [0, 0, 1]
        assert decided_at_once(gate.admit(b"old")) == 0

    def test_a_repetition_beyond_the_limit_is_rejected_until_its_wait_is_over(self) -> None:
        with pytest.raises(RateLimited, match=r"one push each 1 s after a burst of 100, got") as it:
            Gate(b"old").admit_change(changes=False, wait_seconds=1.5)

        assert it.value.retry_after_seconds == 2

    def test_changes_of_status_beyond_the_limit_have_a_limit_of_their_own(self) -> None:
        gate = Gate(b"old", renews=False, burst=1)
        decided_at_once(gate.admit(b"old"))
        for _ in range(CHANGES.burst):
            assert decided_at_once(gate.admit(b"old")) > 0
            gate.admit_change()

        with pytest.raises(RateLimited, match="one change of status each 6 s") as rejection:
            gate.admit_change()
        with pytest.raises(RateLimited, match="one change of status each 6 s"):
            decided_at_once(gate.admit(b"old"))
        assert rejection.value.retry_after_seconds == CHANGES.interval_seconds

    def test_asking_for_room_for_a_change_takes_none(self) -> None:
        gate = Gate(b"old", renews=False, burst=1)
        decided_at_once(gate.admit(b"old"))

        for _ in range(100):
            assert decided_at_once(gate.admit(b"old")) == 1
        gate.admit_change()

    def test_a_wrong_token_uses_up_nothing_of_the_limit(self) -> None:
        gate = Gate(b"old", renews=False, burst=1)
        for _ in range(5):
            with pytest.raises(NotAuthenticated):
                decided_at_once(gate.admit(b"wrong"))

        decided_at_once(gate.admit(b"old"))


class TestWithTokensThatAreReadOnRequest:
    """`--kubernetes.secrets=get`: a token that does not match may be newer than the last read."""

    async def test_a_token_that_matches_is_admitted_without_a_second_read(self) -> None:
        gate = Gate(b"old")
        decided_at_once(gate.admit(b"old"))

        assert gate.renewals == []

    async def test_a_token_that_is_newer_than_the_last_read_is_admitted(self) -> None:
        gate = Gate(b"old")
        gate.in_secret = [b"new"]
        await gate.admit(b"new")

        assert gate.renewals == [KEY]

    async def test_a_secret_that_was_missing_is_read_again(self) -> None:
        gate = Gate()
        gate.in_secret = [b"old"]
        await gate.admit(b"old")

        assert gate.renewals == [KEY]

    async def test_a_token_that_becomes_active_a_moment_after_its_read_is_admitted(self) -> None:
        gate = Gate(b"old")
        gate.read_just_now = True
        asyncio.get_running_loop().call_later(0.02, gate.activate, b"new")

        await gate.admit(b"new")

    @pytest.mark.parametrize(
        ("key", "hanging", "read_just_now"),
        [
            (UNKNOWN, False, False),
            (KEY, False, False),
            (KEY, False, True),
            (KEY, True, False),
        ],
        ids=["unknown monitor", "known monitor", "read just now", "reading hangs"],
    )
    async def test_every_rejection_takes_all_of_the_time_whatever_there_was_to_read(
        self, key: MonitorKey, hanging: bool, read_just_now: bool
    ) -> None:
        gate = Gate(b"old")
        gate.hanging, gate.read_just_now = hanging, read_just_now

        # No rejection comes earlier; the event loop decides how much later one comes.
        assert await gate.seconds_until_rejected(b"wrong", key) >= LIMITS.total_seconds

    async def test_a_wrong_token_costs_one_read(self) -> None:
        gate = Gate(b"old")
        await gate.seconds_until_rejected(b"wrong")

        assert gate.renewals == [KEY]

    async def test_a_client_without_a_token_is_rejected_at_once(self) -> None:
        gate = Gate(b"old")

        with pytest.raises(NotAuthenticated):
            decided_at_once(gate.admit(None))

        assert gate.renewals == []

    async def test_a_client_with_the_right_token_that_pushes_too_often_is_decided_at_once(
        self,
    ) -> None:
        gate = Gate(b"old", burst=1)
        decided_at_once(gate.admit(b"old"))

        assert decided_at_once(gate.admit(b"old")) > 0
        assert gate.renewals == []

    async def test_a_token_that_is_newer_than_the_last_read_counts_towards_the_limit(self) -> None:
        gate = Gate(b"old", burst=1)
        gate.in_secret = [b"new"]

        assert await gate.admit(b"new") == 0
        assert await gate.admit(b"new") > 0


async def test_a_push_to_a_namespace_that_may_not_be_listed_is_refused_by_its_name_and_no_other() -> (
    None
):
    gate = Gate(b"token")
    gate.unlist("shop")

    with pytest.raises(NotReady, match="namespace shop"):
        await gate.admit(b"token", MonitorKey("shop", "backup"))
    with pytest.raises(NotAuthenticated):
        await gate.admit(b"token", UNKNOWN)
    assert await gate.admit(b"token") == 0

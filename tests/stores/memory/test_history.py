"""The history in memory: of limited size, and fair to every monitor."""

from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from tests.core.examples import DOWN, KEY, UP
from yuptime_exporter.core.history import PastPushes
from yuptime_exporter.core.model import MonitorKey, Push
from yuptime_exporter.stores.memory.history import MemoryHistory

BEGIN = 1000.0
OTHER = MonitorKey("prod", "other")


def history(*, limit: int = 100, max_bytes: int = 1_000_000) -> MemoryHistory:
    return MemoryHistory(limit=limit, clock=lambda: BEGIN, max_bytes=max_bytes)


async def past(of: MemoryHistory, key: MonitorKey = KEY) -> PastPushes:
    return (await of.recent([key], limit=1_000))[key]


async def messages(of: MemoryHistory, keys: Iterable[MonitorKey]) -> list[str]:
    found = await of.recent(keys, limit=1_000)
    return [push.message for one in found.values() for push in one.pushes]


async def test_a_monitor_without_a_push_is_known_since_the_begin() -> None:
    assert await past(history()) == PastPushes((), BEGIN)


async def test_a_push_that_the_api_server_reports_is_not_a_second_one() -> None:
    kept = history()
    accepted = Push(UP, 1001.0, "done", run_id="7")
    reported = Push(UP, 1001.0, "done", dialect="")
    for pushes in ((accepted, reported), (reported, accepted)):
        for push in pushes:
            kept.add(KEY, push)

    assert (await past(kept)).pushes == (accepted,)


async def test_with_a_limit_of_0_nothing_is_kept() -> None:
    kept = history(limit=0)
    kept.add(KEY, Push(UP, 1001.0))

    assert (await past(kept)).pushes == ()


async def test_a_busy_monitor_does_not_take_the_memory_of_a_quiet_one() -> None:
    kept = history(max_bytes=10_000)
    kept.add(OTHER, Push(DOWN, 1001.0, "quiet"))
    for number in range(500):
        kept.add(KEY, Push(UP, 1002.0 + number, f"{number}: " + "x" * 100))

    assert await messages(kept, [OTHER]) == ["quiet"]
    assert 10 < len((await past(kept)).pushes) < 40
    assert (await past(kept)).complete_after_timestamp == (await past(kept)).pushes[
        -1
    ].received_timestamp


async def test_pushes_before_a_moment_are_forgotten() -> None:
    kept = history()
    for number in range(4):
        kept.add(KEY, Push(UP, 1001.0 + number, str(number)))
    kept.forget(KEY, before_timestamp=1003.0)
    kept.forget(OTHER, before_timestamp=1003.0)
    some = await messages(kept, [KEY])
    kept.forget(KEY, before_timestamp=2000.0)

    assert some == ["3", "2"]
    assert await past(kept) == PastPushes((), BEGIN)


@given(
    added=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 2_000)), max_size=200),
    max_bytes=st.integers(3_000, 20_000),
)
async def test_the_memory_is_limited_and_each_monitor_keeps_its_newest_pushes(
    added: list[tuple[int, int]], max_bytes: int
) -> None:
    kept = history(max_bytes=max_bytes)
    all_messages: dict[MonitorKey, list[str]] = {}
    for moment, (number, length) in enumerate(added):
        key = MonitorKey("prod", f"job-{number}")
        message = f"{moment} " + "x" * min(length, 500)
        kept.add(key, Push(UP, 1001.0 + moment, message))
        all_messages.setdefault(key, []).insert(0, message)
    found = await kept.recent(all_messages, limit=1_000)

    for key, one in found.items():
        newest = [push.message for push in one.pushes]
        assert newest == all_messages[key][: len(newest)]
    held = [push for one in found.values() for push in one.pushes]
    assert sum(330 + len(push.message) for push in held) <= max_bytes

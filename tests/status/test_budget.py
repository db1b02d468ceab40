"""The rate of writes for which no push waits."""

import pytest

from tests.core.examples import UP, push
from tests.status.desk import (
    LIMITS,
    START,
    MakeDesk,
    named,
    saved_as,
)
from yuptime_exporter.core.model import MonitorKey


class TestTheRate:
    async def test_the_rate_is_limited_where_no_push_waits(self, desk_of: MakeDesk) -> None:
        desk = desk_of(*named(*(f"job-{n}" for n in range(100))))
        seen = []
        async with desk.reporting():
            for _ in range(4):
                seen.append(len(desk.objects.written()))
                await desk.advance(1)

        per_second = int(LIMITS.writes_per_second)
        assert seen == [LIMITS.burst, LIMITS.burst + per_second, LIMITS.burst + 2 * per_second, 100]

    async def test_the_rate_is_raised_for_a_backlog(self, desk_of: MakeDesk) -> None:
        desk = desk_of(*named(*(f"job-{n}" for n in range(1500))))
        async with desk.reporting():
            before = len(desk.objects.written())
            waiting = desk.metric("status_queue_length")
            await desk.advance(0.5)

        assert before == LIMITS.burst
        assert waiting in {1500 - LIMITS.burst, 1500 - LIMITS.burst - 1}  # one waits for the bucket
        assert len(desk.objects.written()) - before in range(22, 26)  # all within half a minute

    async def test_the_rate_is_raised_to_keep_statuses_from_expiring(
        self, desk_of: MakeDesk
    ) -> None:
        desk = desk_of(*named(*(f"job-{n}" for n in range(60)), expire_seconds=2))
        for row in desk.table.rows():
            desk.table.record_pushes([(row.monitor.key, push(UP, at=START))])
        async with desk.reporting():
            before = len(desk.objects.written())
            await desk.advance(0.5)

        assert desk.metric("status_needed_writes_per_second") == pytest.approx(60 / 1.8)
        assert len(desk.objects.written()) - before == 20  # 1.2 times the need, for half a second

    async def test_the_rate_never_exceeds_its_limit(self, desk_of: MakeDesk) -> None:
        desk = desk_of(*named(*(f"job-{n}" for n in range(9000))))
        async with desk.reporting():
            before = len(desk.objects.written())
            await desk.advance(1)

        assert desk.metric("status_max_writes_per_second") == 100
        assert len(desk.objects.written()) - before == 40  # the bucket holds no more

    async def test_the_rate_does_not_delay_pushes(self, desk_of: MakeDesk) -> None:
        names = [f"job-{n}" for n in range(100)]
        desk = desk_of(*named(*names))
        async with desk.reporting():
            saving = [desk.save(key=MonitorKey("prod", name)) for name in names]
            await desk.settled()
            saved = [saved_as(one) for one in saving]

        assert saved == ["saved"] * 100
        assert desk.writes()[0] == 100

"""Laws of every history: properties of the state machine, the receiving clock, the table.

Moments are whole seconds, so that sums are exact and a model may count them one by one.
"""

from dataclasses import dataclass, replace
from typing import Literal

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.core.examples import (
    DOWN,
    KEY,
    UP,
    Life,
    judged,
    monitor,
    push,
    pushed,
    replace_monitors,
    row,
)
from tests.laws import examples
from yuptime_exporter.core.changes import Correction
from yuptime_exporter.core.evaluation import (
    MAX_FUTURE_SECONDS,
)
from yuptime_exporter.core.model import (
    Arming,
    LastPush,
    Monitor,
    Outage,
    PushKind,
    Row,
    State,
    Verdict,
)
from yuptime_exporter.core.outages import Outages
from yuptime_exporter.core.push_order import after_other_pushes
from yuptime_exporter.core.runs import Run, Runs
from yuptime_exporter.core.schedules import Every
from yuptime_exporter.core.stored import Restored
from yuptime_exporter.core.table import MonitorTable

START = 1000.0

# No moment of any history lies after it.
END = 1e12

SEVERITY = {State.PAUSED: 0, State.PENDING: 0, State.UP: 0, State.LATE: 1, State.DOWN: 2}

# Small windows, so that chance meets every boundary.
windows = st.tuples(st.integers(1, 20), st.sampled_from([0, 1, 10, 20, 30]))
statuses = st.sampled_from([UP, UP, DOWN])
waits = st.sampled_from(range(45)).map(float)


@dataclass(frozen=True)
class Step:
    """An event, some time after the previous event."""

    wait: float
    what: Literal["push", "pause", "resume", "remount", "outage"]
    status: PushKind = UP
    seconds: float = 0


happenings = st.one_of(
    st.builds(Step, waits, st.just("push"), statuses),
    st.builds(Step, waits, st.just("push"), statuses),
    st.builds(Step, waits, st.sampled_from(["pause", "resume"])),
    st.builds(Step, waits, st.just("remount"), seconds=st.integers(0, 700).map(float)),
    st.builds(Step, waits, st.just("outage"), seconds=st.integers(1, 60).map(float)),
)
histories = st.lists(happenings, max_size=12)


def take(life: Life, step: Step, now: float) -> float:
    """Let one step happen; return when it is over."""
    [declared] = life.monitors
    match step.what:
        case "push":
            life.push(step.status, at=now)
        case "pause":
            life.declare(declared._replace(enabled=False), at=now)
        case "resume":
            life.declare(declared._replace(enabled=True), at=now)
        case "remount":
            life.declare(at=now)
            life.declare(declared, at=now + step.seconds)
        case "outage":
            life.outage(now, now + step.seconds)
    return now + step.seconds


def born(window: tuple[int, int]) -> Life:
    expire, grace = window
    return Life(monitor(expire_seconds=expire, grace_seconds=grace), at=START)


def lived(window: tuple[int, int], history: list[Step]) -> tuple[Life, float]:
    """Return a life after a history, and the moment that it has reached."""
    life, now = born(window), START
    for step in history:
        now = take(life, step, now + step.wait)
    return life, now


class TestSilence:
    @given(windows, histories, waits, waits)
    def test_silence_never_heals(
        self, window: tuple[int, int], history: list[Step], wait: float, longer: float
    ) -> None:
        life, now = lived(window, history)

        earlier = life.state(at=now + wait)
        later = life.state(at=now + wait + longer)

        assert SEVERITY[later] >= SEVERITY[earlier]

    @given(windows, histories)
    def test_silence_makes_every_monitor_down_that_is_not_paused(
        self, window: tuple[int, int], history: list[Step]
    ) -> None:
        life, now = lived(window, history)

        verdict = life.verdict(at=now + 10_000)
        assert verdict.state in {State.DOWN, State.PAUSED}

    @given(windows, histories, waits, waits)
    def test_the_beginning_of_a_state_never_moves_by_looking(
        self, window: tuple[int, int], history: list[Step], wait: float, longer: float
    ) -> None:
        life, now = lived(window, history)

        earlier = life.verdict(at=now + wait)
        later = life.verdict(at=now + wait + longer)

        assert earlier.state is not later.state or earlier == later

    @given(windows, histories, waits)
    def test_no_state_begins_in_the_future(
        self, window: tuple[int, int], history: list[Step], wait: float
    ) -> None:
        life, now = lived(window, history)

        verdict = life.verdict(at=now + wait)
        assert verdict.since_timestamp <= now + wait

    @given(windows, histories, waits)
    def test_expires_is_never_after_the_deadline(
        self, window: tuple[int, int], history: list[Step], wait: float
    ) -> None:
        life, now = lived(window, history)

        verdict = life.verdict(at=now + wait)
        assert verdict.due_timestamp <= verdict.deadline_timestamp

    @given(
        windows,
        st.lists(
            happenings.filter(lambda step: step.what in {"push", "pause", "resume"}), max_size=12
        ),
        waits,
    )
    def test_a_state_began_when_a_permanent_observer_saw_it_begin(
        self, window: tuple[int, int], history: list[Step], wait: float
    ) -> None:
        life, now = born(window), START
        watcher = Watcher(life)
        for step in history:
            for second in range(int(now), int(now + step.wait) + 1):
                watcher.look(float(second))
            now += step.wait
            take(life, step, now)
            if step.what == "resume":
                watcher.look_afresh(now)
            watcher.look(now)
        for second in range(int(now), int(now + wait) + 1):
            watcher.look(float(second))

        assert life.verdict(at=now + wait).since_timestamp == watcher.since


class Watcher:
    """Looks at each second, and remembers only the last change of its observation."""

    def __init__(self, life: Life) -> None:
        self._life = life
        self._seen: State | None = None
        self._armed: float | None = None
        self.since = START

    def look(self, now: float) -> None:
        state = self._life.state(at=now)
        if state is not self._seen:
            self._seen, self.since = state, now

    def look_afresh(self, now: float) -> None:
        """A resume of a paused monitor restarts every state."""
        armed = self._life.armings[KEY].armed_timestamp
        if armed == now and self._armed != now:
            self._seen, self._armed = None, armed


class TestReloads:
    @given(windows, histories, st.lists(waits, max_size=5), waits)
    def test_a_reload_resets_no_clock(
        self, window: tuple[int, int], history: list[Step], reloads: list[float], wait: float
    ) -> None:
        life, now = lived(window, history)
        untouched, _ = lived(window, history)
        at = now
        for gap in reloads:
            at += gap
            life.declare(*life.monitors, at=at)

        assert life.verdict(at=at + wait) == untouched.verdict(at=at + wait)
        assert life.armings == untouched.armings

    @given(
        windows,
        histories,
        st.fixed_dictionaries(
            {},
            optional={
                "token_digests": st.just((b"x" * 32,)),
                "alert_labels": st.just((("team", "storage"),)),
                "alertmanager_url": st.just("http://alertmanager:9093"),
                "interval_seconds": st.just(60),
                "source": st.just("kubernetes"),
            },
        ),
        waits,
    )
    def test_changing_a_field_that_is_not_a_time_changes_no_time(
        self,
        window: tuple[int, int],
        history: list[Step],
        changes: dict[str, object],
        wait: float,
    ) -> None:
        life, now = lived(window, history)
        before = life.verdict(at=now)
        expected = lived(window, history)[0].verdict(at=now + wait)
        [declared] = life.monitors
        life.declare(declared._replace(**changes), at=now)  # type: ignore[arg-type]

        assert life.verdict(at=now) == before
        assert life.verdict(at=now + wait) == expected

    @given(windows, windows, histories)
    def test_changing_the_window_moves_the_deadline_of_the_push_already_held(
        self, window: tuple[int, int], other: tuple[int, int], history: list[Step]
    ) -> None:
        life, now = lived(window, history)
        [declared] = life.monitors
        expire, grace = other
        changed = declared._replace(schedule=Every(expire), grace_seconds=grace)
        life.declare(changed, at=now)

        held = life.table.row(KEY)
        assert held is not None
        base = max(
            held.arming.armed_timestamp, held.last_push.received_timestamp if held.last_push else 0
        )
        assert life.deadline(at=now) == naive_deadline(
            base, expire + grace, life.table.ended_outages
        )


class TestRestarts:
    @given(windows, st.lists(st.tuples(happenings, st.booleans()), max_size=12), waits)
    def test_a_restart_equals_no_restart(
        self, window: tuple[int, int], history: list[tuple[Step, bool]], wait: float
    ) -> None:
        restarted, now = born(window), START
        for step, restarts in history:
            now = take(restarted, step, now + step.wait)
            if restarts:
                restarted.restart(at=now)
        steady, _ = lived(window, [step for step, _ in history])

        assert restarted.table.rows() == steady.table.rows()
        assert restarted.verdict(at=now + wait) == steady.verdict(at=now + wait)

    @given(windows, histories, st.integers(1, 500).map(float))
    def test_restored_monitors_are_judged_alike_after_any_absence(
        self, window: tuple[int, int], history: list[Step], away: float
    ) -> None:
        life, now = lived(window, history)
        expected = lived(window, history)[0].verdict(at=now + away)
        life.restart(at=now + away)

        assert life.verdict(at=now + away) == expected


def naive_deadline(base: float, window: float, outages: tuple[Outage, ...]) -> float:
    """Count seconds one by one: a second in which pushes could be received uses up a second of the window."""
    now = base
    while window > 0:
        if not any(o.start_timestamp <= now < o.end_timestamp for o in outages):
            window -= 1
        now += 1
    return now


outages_at_random = st.lists(
    st.builds(
        lambda start, length: Outage(START + start, START + start + length),
        st.integers(-100, 200).map(float),
        st.integers(1, 60).map(float),
    ),
    max_size=8,
)
bases = st.integers(-50, 100).map(lambda offset: START + offset)


class TestOutageCredit:
    @given(outages_at_random, bases, st.integers(1, 80))
    @example([Outage(1010, 1020)], 1000.0, 10)
    @example([Outage(1010, 1020)], 1015.0, 1)
    @example([Outage(1010, 1020), Outage(1021, 1030)], 1000.0, 11)
    def test_a_deadline_moves_by_exactly_the_outage_before_it(
        self, known: list[Outage], base: float, window: int
    ) -> None:
        assert Outages(known).deadline(base, window) == naive_deadline(base, window, tuple(known))

    @given(outages_at_random, bases, st.integers(1, 80))
    def test_the_credit_is_the_outage_within_base_and_deadline_and_no_more(
        self, known: list[Outage], base: float, window: int
    ) -> None:
        outages = Outages(known)

        deadline = outages.deadline(base, window)

        within = sum(
            max(0.0, min(o.end_timestamp, deadline) - max(o.start_timestamp, base))
            for o in outages.known
        )
        assert deadline == base + window + within

    @given(outages_at_random, bases, st.integers(1, 80), st.integers(0, 50), st.integers(1, 99))
    def test_a_deadline_that_passed_before_the_outage_began_does_not_move(
        self, known: list[Outage], base: float, window: int, after: int, length: int
    ) -> None:
        deadline = Outages(known).deadline(base, window)
        start = deadline + after

        later = Outages(known).plus(Outage(start, start + length))

        assert later.deadline(base, window) == deadline

    @given(outages_at_random, bases, st.integers(1, 80), st.randoms(use_true_random=False))
    def test_the_order_in_which_outages_are_learned_does_not_matter(
        self, known: list[Outage], base: float, window: int, random
    ) -> None:
        shuffled = list(known)
        random.shuffle(shuffled)
        learned = Outages()
        for outage in shuffled:
            learned = learned.plus(outage)

        assert learned.known == Outages(known).known
        assert learned.deadline(base, window) == Outages(known).deadline(base, window)

    @given(outages_at_random, bases, st.integers(1, 80))
    def test_an_outage_that_is_learned_twice_counts_once(
        self, known: list[Outage], base: float, window: int
    ) -> None:
        twice = Outages([*known, *known])

        assert twice.deadline(base, window) == Outages(known).deadline(base, window)

    @given(outages_at_random, bases, st.integers(1, 80), st.integers(0, 60))
    def test_a_later_push_never_means_an_earlier_deadline(
        self, known: list[Outage], base: float, window: int, later: int
    ) -> None:
        outages = Outages(known)

        assert outages.deadline(base + later, window) >= outages.deadline(base, window)

    @given(outages_at_random, bases, st.integers(1, 80), outages_at_random)
    def test_one_more_outage_never_means_an_earlier_deadline(
        self, known: list[Outage], base: float, window: int, more: list[Outage]
    ) -> None:
        deadline = Outages(known).deadline(base, window)

        assert Outages([*known, *more]).deadline(base, window) >= deadline

    @given(
        st.lists(
            st.builds(
                lambda start, length: Outage(start, start + length),
                st.floats(1.7e9, 1.7e9 + 1e6),
                st.floats(0.001, 1e4),
            ),
            max_size=8,
        ),
        st.floats(1.7e9, 1.7e9 + 1e6),
        st.integers(1, 200_000),
    )
    def test_fractions_of_seconds_cost_less_than_a_millisecond(
        self, known: list[Outage], base: float, window: int
    ) -> None:
        outages = Outages(known)

        deadline = outages.deadline(base, window)

        within = sum(
            max(0.0, min(o.end_timestamp, deadline) - max(o.start_timestamp, base))
            for o in outages.known
        )
        assert deadline == pytest.approx(base + window + within, rel=0, abs=1e-3)

    @given(
        st.floats(0, 2e9),
        st.none() | st.floats(0, 2e9),
        st.integers(1, 315_360_000),
        st.integers(0, 315_360_000),
    )
    def test_without_outages_anyone_can_compute_the_deadline_from_the_other_gauges(
        self, armed: float, received: float | None, expire: int, grace: int
    ) -> None:
        last_push = None if received is None else push(at=received)
        held = row(last_push, armed=armed, expire_seconds=expire, grace_seconds=grace)

        gauge = received or 0
        deadline = judged(held, at=armed).deadline_timestamp
        assert deadline == max(gauge, armed) + (expire + grace)


class TestPushes:
    @given(st.lists(st.tuples(st.floats(-2.5, 60), statuses), max_size=20))
    def test_under_a_slewed_clock_no_push_is_received_before_the_one_before_it(
        self, pushes: list[tuple[float, PushKind]]
    ) -> None:
        held, now, received = row(armed=0), START, 0.0
        for step, status in pushes:
            now = max(now + step, received - MAX_FUTURE_SECONDS)
            held = held.replace(last_push=pushed(held, status, at=now))
            assert held.last_push is not None
            assert held.last_push.received_timestamp >= received
            received = held.last_push.received_timestamp

    @given(st.lists(st.tuples(st.floats(0, 1e6), statuses), max_size=20))
    def test_counters_only_grow_under_any_clock(self, pushes: list[tuple[float, PushKind]]) -> None:
        held = row(armed=0)
        for count, (now, status) in enumerate(pushes, start=1):
            before = held.last_push
            held = held.replace(last_push=pushed(held, status, at=now))
            assert held.last_push is not None
            assert held.last_push.pushes_total == count
            downs = before.pushes_down_total if before else 0
            assert held.last_push.pushes_down_total == downs + (status is DOWN)

    @given(st.lists(st.tuples(st.floats(0, 1e6), statuses), min_size=1, max_size=20))
    def test_a_push_confirms_a_state_that_began_no_later_under_any_clock(
        self, pushes: list[tuple[float, PushKind]]
    ) -> None:
        held = row(armed=0)
        for now, status in pushes:
            held = held.replace(last_push=pushed(held, status, at=now))
            assert held.last_push is not None
            assert held.last_push.since_timestamp <= held.last_push.received_timestamp

    @given(windows, histories, statuses, waits)
    def test_right_after_a_push_the_state_is_what_it_said(
        self, window: tuple[int, int], history: list[Step], status: PushKind, wait: float
    ) -> None:
        life, now = lived(window, history)
        life.push(status, at=now + wait)

        said = State.UP if status is UP else State.DOWN
        paused = not life.monitors[0].enabled
        assert life.state(at=now + wait) is (State.PAUSED if paused else said)

    @given(windows, histories, statuses, waits)
    def test_a_push_that_confirms_the_state_does_not_move_its_beginning(
        self, window: tuple[int, int], history: list[Step], status: PushKind, wait: float
    ) -> None:
        life, now = lived(window, history)
        at = now + wait
        before = life.verdict(at=at)
        life.push(status, at=at)

        after = life.verdict(at=at)
        expected = before.since_timestamp if after.state is before.state else at
        assert after.since_timestamp == expected


class Register:
    """The status of one Monitor at an API server: a write needs the newest version."""

    def __init__(self) -> None:
        self.version = 0
        self.arming: Arming | None = None
        self.last_push: LastPush | None = None

    def write(self, version: int, arming: Arming, last: LastPush | None) -> bool:
        if version != self.version:
            return False
        self.version, self.arming, self.last_push = version + 1, arming, last
        return True


class Replica:
    """One exporter of several, with a wrong clock, that learns of the others by looking."""

    def __init__(self, register: Register, off_seconds: float) -> None:
        self._register = register
        self._off_seconds = off_seconds
        self._seen = -1
        self.life = Life(at=START + off_seconds)

    def look(self, *, twice: bool = False) -> None:
        """Adopt the content of the register."""
        for _ in range(1 + twice):
            self.life.table.adopt(
                KEY, self._register.arming, self._register.last_push, now_timestamp=END
            )
        self._seen = self._register.version

    def push(self, status: PushKind, now: float) -> None:
        """Accept a push, and write it as the reporter does."""
        held = self.life.table.row(KEY)
        assert held is not None
        base = held.last_push
        accepted = pushed(held, status, at=now + self._off_seconds)
        while not self._register.write(self._seen, held.arming, accepted):
            found = self._register.last_push
            self.look()
            held = self.life.table.row(KEY)
            assert held is not None
            if found is not None:
                accepted = after_other_pushes(accepted, base, found)
                base = found
        self._seen = self._register.version
        self.life.table.record_pushes([(KEY, accepted)])

    def declare(self, now: float, *, enabled: bool) -> None:
        """See a change of the spec, and write the status that follows from it."""
        self.life.declare(monitor(enabled=enabled), at=now + self._off_seconds)
        while True:
            held = self.life.table.row(KEY)
            assert held is not None
            if self._register.write(self._seen, held.arming, held.last_push):
                break
            self.look()
        self._seen = self._register.version


@dataclass(frozen=True)
class ReplicaStep:
    """Something that happens to one of the replicas."""

    wait: float
    what: Literal["push", "look", "look twice"]
    replica: int
    status: PushKind = UP


# NTP keeps the clocks of nodes closer to each other than this.
clocks_off = st.lists(st.integers(-4, 4).map(lambda n: n / 2), min_size=2, max_size=3)
some_replica = st.integers(0, 2)
replica_steps = st.lists(
    st.builds(
        ReplicaStep,
        st.sampled_from([0.0, 0.25, 1.0, 20.0]),
        st.sampled_from(["push", "push", "look", "look twice"]),
        some_replica,
        statuses,
    ),
    max_size=20,
)


def replicas_after(
    off: list[float], steps: list[ReplicaStep]
) -> tuple[Register, list[Replica], float]:
    """Return the replicas and their register after some steps, and the moment at the end."""
    register = Register()
    replicas = [Replica(register, seconds) for seconds in off]
    now = START + 10
    for step in steps:
        now += step.wait
        replica = replicas[step.replica % len(replicas)]
        if step.what == "push":
            replica.push(step.status, now)
        else:
            replica.look(twice=step.what == "look twice")
    return register, replicas, now


class TestReplicas:
    """All replicas know the same, for every order in which they learn of pushes."""

    @given(clocks_off, replica_steps, st.randoms(use_true_random=False))
    @settings(max_examples=examples(60))
    def test_replicas_that_have_looked_know_the_same(
        self, off: list[float], steps: list[ReplicaStep], random
    ) -> None:
        register, replicas, _ = replicas_after(off, steps)
        random.shuffle(replicas)
        for replica in replicas:
            replica.look()

        rows = {replica.life.table.row(KEY) for replica in replicas}
        assert {held.last_push for held in rows if held} == {register.last_push}

    @given(clocks_off, replica_steps)
    @example(
        [0.0, -1.0],
        [
            ReplicaStep(1, "push", 0),
            ReplicaStep(0, "look", 1),
            ReplicaStep(0, "push", 1),
            ReplicaStep(1, "push", 0),
        ],
    )
    @settings(max_examples=examples(60))
    def test_replicas_lose_no_push_and_count_no_push_twice(
        self, off: list[float], steps: list[ReplicaStep]
    ) -> None:
        register, _, _ = replicas_after(off, steps)

        accepted = [step.status for step in steps if step.what == "push"]
        last = register.last_push
        assert (last.pushes_total if last else 0) == len(accepted)
        assert (last.pushes_down_total if last else 0) == accepted.count(DOWN)

    @given(replica_steps)
    @settings(max_examples=examples(60))
    def test_replicas_with_equal_clocks_remember_the_last_push_of_all(
        self, steps: list[ReplicaStep]
    ) -> None:
        # A quarter of a second apart, so that there is a last one.
        steps = [replace(step, wait=step.wait + 0.25) for step in steps]
        register, _, _ = replicas_after([0.0, 0.0, 0.0], steps)

        accepted = [step.status for step in steps if step.what == "push"]
        assert (register.last_push.status if register.last_push else None) == (
            accepted[-1] if accepted else None
        )

    @given(clocks_off, replica_steps)
    @settings(max_examples=examples(60))
    def test_replicas_never_see_a_push_replaced_by_an_older_one(
        self, off: list[float], steps: list[ReplicaStep]
    ) -> None:
        register = Register()
        replicas = [Replica(register, seconds) for seconds in off]
        now, newest = START + 10, [0.0] * len(off)
        for step in steps:
            now += step.wait
            which = step.replica % len(off)
            if step.what == "push":
                replicas[which].push(step.status, now)
            else:
                replicas[which].look()
            held = replicas[which].life.table.row(KEY)
            assert held is not None
            received = held.last_push.received_timestamp if held.last_push else 0.0
            assert received >= newest[which]
            newest[which] = received

    @given(
        clocks_off,
        st.lists(st.tuples(st.booleans(), st.permutations([0, 1, 2])), max_size=6),
        st.lists(some_replica, max_size=12),
    )
    @settings(max_examples=examples(60))
    def test_replicas_that_have_seen_the_same_declarations_arm_alike(
        self,
        off: list[float],
        declarations: list[tuple[bool, list[int]]],
        looks: list[int],
    ) -> None:
        register = Register()
        replicas = [Replica(register, seconds) for seconds in off]
        now = START
        looking = iter(looks)
        for enabled, order in declarations:
            now += 20
            for which in order:
                if which < len(replicas):
                    now += 0.25
                    replicas[which].declare(now, enabled=enabled)
                replicas[next(looking, 0) % len(replicas)].look()
        for replica in [*replicas, *replicas]:
            held = replica.life.table.row(KEY)
            assert held is not None
            replica.look()
            replica.declare(now, enabled=held.monitor.enabled)
        for replica in replicas:
            replica.look()

        rows = [replica.life.table.row(KEY) for replica in replicas]
        assert len({held.arming for held in rows if held}) == 1


moments = st.floats(0, 3e9)
armings = st.builds(Arming, moments, st.none() | moments, st.none() | moments)
open_runs = st.lists(st.builds(Run, st.text(max_size=3), moments, moments), max_size=3).map(tuple)
last_pushes = st.builds(
    LastPush,
    statuses,
    st.just(""),
    moments,
    moments,
    moments,
    st.just(3),
    st.just(1),
    st.builds(Runs, open_runs, moments),
)


def moments_in(held: Row) -> list[float]:
    arming, last = held.arming, held.last_push
    pushed_at = (
        [last.received_timestamp, last.since_timestamp, last.last_success_timestamp] if last else []
    )
    armed_at = (arming.armed_timestamp, arming.paused_timestamp, arming.vanished_timestamp)
    return [*pushed_at, *(moment for moment in armed_at if moment is not None)]


def restored_table(
    arming: Arming, last: LastPush | None, receiving: float | None, declared: Monitor
) -> MonitorTable:
    table = MonitorTable(silence_is_outage_after_seconds=15)
    last_pushes = {KEY: last} if last else {}
    table.restore(Restored({KEY: arming}, last_pushes, receiving_timestamp=receiving))
    replace_monitors(table, [declared], now_timestamp=START)
    return table


class TestThePresent:
    @given(armings, st.none() | last_pushes, st.none() | moments, st.booleans(), moments)
    def test_no_stored_moment_stays_further_ahead_than_five_seconds(
        self,
        arming: Arming,
        last: LastPush | None,
        receiving: float | None,
        enabled: bool,
        now: float,
    ) -> None:
        table = restored_table(arming, last, receiving, monitor(enabled=enabled))
        table.bring_into_the_present(now_timestamp=now)

        [held] = table.rows()
        assert all(moment <= now + MAX_FUTURE_SECONDS for moment in moments_in(held))
        assert table.receiving_timestamp is None or table.receiving_timestamp <= now

    @given(armings, st.none() | last_pushes, st.none() | moments, moments)
    def test_correcting_future_moments_twice_equals_correcting_them_once(
        self, arming: Arming, last: LastPush | None, receiving: float | None, now: float
    ) -> None:
        table = restored_table(arming, last, receiving, monitor())
        table.bring_into_the_present(now_timestamp=now)
        once = table.rows()

        assert not table.bring_into_the_present(now_timestamp=now)
        assert table.rows() == once

    @given(armings, last_pushes, moments)
    def test_the_corrections_for_the_store_equal_the_shown_rows(
        self, arming: Arming, last: LastPush, now: float
    ) -> None:
        table = restored_table(arming, last, None, monitor())
        [before] = table.rows()
        changes = table.bring_into_the_present(now_timestamp=now)

        [after] = table.rows()
        assert after.arming == changes.armings.get(KEY, before.arming)
        assert after.last_push == changes.corrections.get(KEY, Correction(last, last)).after

    @given(armings, last_pushes, moments)
    def test_moments_of_the_past_are_never_corrected(
        self, arming: Arming, last: LastPush, now: float
    ) -> None:
        table = restored_table(arming, last, None, monitor())
        [before] = table.rows()
        table.bring_into_the_present(now_timestamp=now)

        [after] = table.rows()
        assert after.last_push is not None
        received = after.last_push.received_timestamp
        for was, is_now in zip(moments_in(before), moments_in(after), strict=True):
            expected = was if was <= now + MAX_FUTURE_SECONDS else now
            # A push never remembers a moment after itself.
            assert is_now in {expected, min(was, received)}


@given(windows, st.none() | st.tuples(statuses, waits), waits)
def test_judging_a_table_changes_nothing(
    window: tuple[int, int], first: tuple[PushKind, float] | None, wait: float
) -> None:
    expire, grace = window
    last = push(first[0], at=START + first[1]) if first else None
    held = row(last, armed=START, expire_seconds=expire, grace_seconds=grace)

    seen: set[Verdict] = {judged(held, at=START + wait) for _ in range(3)}

    assert len(seen) == 1

"""Monitor objects in memory, with versions as an API server has them, and a sink that writes them.

    objects = StatusObjects(clock)
    objects.create(KEY)
    sink = objects.sink()          # one for each replica
    objects.answers = [Outcome(Written.FORBIDDEN, "no")]

Whoever writes names the version that the write was drafted for, and is refused if it has changed.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from tests.fakes.merge_patch import applied
from yuptime_exporter.core.clock import Clock
from yuptime_exporter.core.model import LastPush, MonitorKey
from yuptime_exporter.metrics.status import Written
from yuptime_exporter.resource.monitor_object import SpecProblem
from yuptime_exporter.status.body import patch_of, shown_of, stored_in, wanted_body
from yuptime_exporter.status.model import (
    Draft,
    Found,
    MonitorStatus,
    Occurrence,
    Outcome,
    Shown,
    Spec,
)


@dataclass(frozen=True)
class Stored:
    """One object as it is at a moment."""

    version: int
    status: Mapping[str, Any]
    generation: int = 1
    problem: SpecProblem | None = None


@dataclass(frozen=True)
class Attempt:
    """A write that was tried."""

    key: MonitorKey
    patch: Mapping[str, Any]
    written: Written


@dataclass
class StatusObjects:
    """All objects, and how writes of them are answered.

    Attributes:
        answers: what becomes of the next writes, in their order, whatever they say.
        answer: what becomes of all writes, whatever they say; None: they are looked at.
        unwritable: monitors whose status is refused as it is.
        attempts: writes in the order in which they were answered.
        most_in_flight: how many writes were under way at once.
        most_of_one: how many writes of one object were.
    """

    clock: Clock
    objects: dict[MonitorKey, Stored] = field(default_factory=dict)
    answers: list[Outcome] = field(default_factory=list)
    answer: Outcome | None = None
    unwritable: set[MonitorKey] = field(default_factory=set)
    attempts: list[Attempt] = field(default_factory=list)
    most_in_flight: int = 0
    most_of_one: int = 0
    _in_flight: Counter[MonitorKey] = field(default_factory=Counter)
    _gate: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self._gate.set()

    def create(self, *keys: MonitorKey, problem: SpecProblem | None = None) -> None:
        """Create objects without a status."""
        for key in keys:
            self.objects[key] = Stored(1, {}, problem=problem)

    def change(self, key: MonitorKey, *, problem: SpecProblem | None = None) -> None:
        """Change the spec of an object."""
        found = self.objects[key]
        self.objects[key] = replace(
            found, version=found.version + 1, generation=found.generation + 1, problem=problem
        )

    def overwrite(self, key: MonitorKey, status: Mapping[str, Any]) -> None:
        """Have somebody else put this in the place of the whole status."""
        found = self.objects[key]
        self.objects[key] = replace(found, version=found.version + 1, status=status)

    def delete(self, key: MonitorKey) -> None:
        del self.objects[key]

    def hold(self) -> None:
        """Leave all writes unanswered."""
        self._gate.clear()

    def release(self) -> None:
        """Answer all writes that wait, and those to come."""
        self._gate.set()

    @property
    def in_flight(self) -> int:
        """How many writes wait to be answered."""
        return self._in_flight.total()

    def written(self, key: MonitorKey | None = None) -> list[MonitorKey]:
        """Return what was written, in order: of one monitor, or of all."""
        return [
            one.key
            for one in self.attempts
            if one.written is Written.DONE and key in (None, one.key)
        ]

    def shown(self, key: MonitorKey) -> Shown:
        return shown_of(self.objects[key].status)

    def last_push(self, key: MonitorKey) -> LastPush | None:
        return stored_in(self.objects[key].status).last_push

    def sink(self) -> "FakeStatusSink":
        """Return the sink of one replica."""
        return FakeStatusSink(self)

    async def write(self, key: MonitorKey, draft: Draft) -> Outcome:
        """Take one write."""
        self._in_flight[key] += 1
        self.most_in_flight = max(self.most_in_flight, self._in_flight.total())
        self.most_of_one = max(self.most_of_one, self._in_flight[key])
        try:
            await self._gate.wait()
            await asyncio.sleep(0)
            outcome = self._outcome(key, draft)
        finally:
            self._in_flight[key] -= 1
        self.attempts.append(Attempt(key, draft.patch, outcome.written))
        return outcome

    def _outcome(self, key: MonitorKey, draft: Draft) -> Outcome:
        found = self.objects.get(key)
        if self.answers:
            return self.answers.pop(0)
        if self.answer is not None:
            return self.answer
        if found is None:
            return Outcome(Written.GONE, "not found")
        if key in self.unwritable:
            return Outcome(Written.UNWRITABLE, "422 Invalid")
        if draft.version != str(found.version):
            return Outcome(Written.CONFLICT, "409 Conflict")
        status = applied(draft.patch, found.status)
        self.objects[key] = replace(found, version=found.version + 1, status=status)
        return Outcome(Written.DONE)


class FakeStatusSink:
    """A `StatusSink` of one replica.

    Attributes:
        blind: what is written by others is not seen before it is read anew.
        rereads: how often that was done.
        unreadable: whether it cannot be done.
        told: what happened to monitors.
    """

    def __init__(self, objects: StatusObjects) -> None:
        self._objects = objects
        self._seen: dict[MonitorKey, Stored] = {}
        self.blind = False
        self.rereads = 0
        self.unreadable = False
        self.told: list[tuple[MonitorKey, Occurrence]] = []

    def spec(self, key: MonitorKey) -> Spec | None:
        found = self._look(key)
        return Spec(found.generation, found.problem) if found else None

    def draft(self, key: MonitorKey, status: MonitorStatus) -> Draft | None:
        found = self._look(key)
        if found is None:
            return None
        wanted = wanted_body(status, found.status, now_timestamp=self._objects.clock())
        return Draft(
            status=status,
            shown=shown_of(found.status),
            wanted=shown_of(wanted),
            patch=patch_of(wanted, found.status),
            version=str(found.version),
        )

    async def write(self, key: MonitorKey, draft: Draft) -> Outcome:
        outcome = await self._objects.write(key, draft)
        if outcome.written is Written.DONE:
            self._seen[key] = self._objects.objects[key]
        return outcome

    async def reread(self, key: MonitorKey) -> Found | None:
        self.rereads += 1
        if self.unreadable:
            return None
        if key in self._objects.objects:
            self._seen[key] = self._objects.objects[key]
        return Found(self._objects.last_push(key)) if key in self._objects.objects else Found(None)

    def tell(self, key: MonitorKey, occurrence: Occurrence) -> None:
        self.told.append((key, occurrence))

    def _look(self, key: MonitorKey) -> Stored | None:
        now = self._objects.objects.get(key)
        if now is None or not self.blind:
            return now
        return self._seen.setdefault(key, now)

"""The telemetry path: a scrape waits for no store and no network."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NoReturn

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import gzip_accepted
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from yuptime_exporter.concurrency.allowance import Allowance
from yuptime_exporter.concurrency.turns import Turn
from yuptime_exporter.core.clock import Clock
from yuptime_exporter.core.exposition import Family, process_families
from yuptime_exporter.core.packing import gzip_file, pack
from yuptime_exporter.core.page import MonitorPage
from yuptime_exporter.core.page_lines import Lines
from yuptime_exporter.web.http import Answer, Request
from yuptime_exporter.web.metrics_format import Format, WrittenMetrics

# How long rendering keeps other work on the event loop waiting, plus one step of it.
TURN_SECONDS = 0.0005

# Changes are rendered ahead of scrapes when this share of all monitors has changed, since several
# changes of neighbours cost little more than one, or after a second. Where something has changed,
# more changes are likely to follow soon.
AHEAD_CHANGED_SHARE = 1 / 128
AHEAD_MAX_SECONDS = 1.0
LOOK_SECONDS = 0.02
LOOK_AFTER_CHANGE_SECONDS = 0.005

# Rendering ahead takes no more than this share of all time, except that the pause between two
# renderings has a limit: while the store fails, every monitor changes all the time. Time that was
# not needed is saved for a burst, since many jobs end in the same minute: enough for 2,500 changes.
AHEAD_BUSY_SHARE = 0.02
AHEAD_SAVED_SECONDS = 0.025
AHEAD_MAX_PAUSE_SECONDS = 15.0

# The time after each step of rendering ahead, in which a push is stored and answered: otherwise it
# waits for a step each time that it comes back to the event loop. In a burst there is no pause,
# since pushes wait for one another anyway, and the next scrape may come at once.
AHEAD_PAUSE_SECONDS = 0.005

# Bytes that are written in one call: larger parts leave the cache of the processor before the
# kernel has copied them.
PART_BYTES = 192 * 1024

# A part of the page; lines are written as bytes piece by piece, while they are sent.
Text = bytes | Lines


@dataclass(frozen=True, slots=True)
class ExporterCollector(Collector):
    """Gives the registry what the exporter reads at the moment of a scrape."""

    monitors_by_type: Callable[[], Mapping[str, int]]
    clock: Clock

    def describe(self) -> Iterable[Metric]:
        """Return the families without samples; `name[]` finds a family only by this list."""
        return process_families(monitors_by_type={}, now_timestamp=0)

    def collect(self) -> Iterator[Metric]:
        """Return the families with their values now."""
        yield from process_families(
            monitors_by_type=self.monitors_by_type(), now_timestamp=self.clock()
        )


@dataclass(frozen=True, slots=True)
class MetricsPage:
    """Answers scrapes: the lines of monitors, and the exporter's own metrics.

    Scrapes at the same time take turns, so that the second one finds everything rendered.
    """

    registry: CollectorRegistry
    monitors: MonitorPage
    clock: Clock
    _rendering: asyncio.Lock = field(default_factory=asyncio.Lock)
    _awaited: asyncio.Event = field(default_factory=asyncio.Event)  # set while a scrape waits
    _written: WrittenMetrics = field(default_factory=WrittenMetrics)

    async def render_ahead(self) -> NoReturn:
        """Render changes soon after they were made, so that a scrape finds few of them."""
        await self.render()
        allowance = Allowance(
            share=AHEAD_BUSY_SHARE,
            max_saved_seconds=AHEAD_SAVED_SECONDS,
            max_pause_seconds=AHEAD_MAX_PAUSE_SECONDS,
        )
        while True:
            pause_seconds = 0.0 if await self._enough_changes() else AHEAD_PAUSE_SECONDS
            busy_seconds = await self.render(pause_seconds=pause_seconds)
            await asyncio.sleep(allowance.spend(busy_seconds))

    async def render(self, *, pause_seconds: float = 0.0) -> float:
        """Render the lines that changed, so that the next scrape finds them rendered.

        Other work has its turn after each step. Returns how long the steps took, in seconds.

        Args:
            pause_seconds: after each step, until a scrape waits.
        """
        async with self._rendering:
            turn = Turn(max_seconds=0, pause_seconds=pause_seconds, hurry=self._awaited)
            return await self._refresh(turn)

    async def answer(self, request: Request) -> Answer:
        """Return the metrics in the format that the client asks for."""
        asked = Format.asked(request.header_list("Accept"))
        texts = await self._texts(asked, frozenset(request.query_values("name[]")))
        headers = {"Vary": "Accept, Accept-Encoding"}
        if gzip_accepted(request.header_list("Accept-Encoding")):
            # In a thread: compressing needs Python's lock only between two texts.
            texts = await asyncio.to_thread(_compressed, texts)
            headers["Content-Encoding"] = "gzip"
        size_bytes = sum(map(len, texts))
        if size_bytes <= PART_BYTES:
            body = b"".join(map(bytes, texts))
            return Answer(body=body, content_type=asked.content_type, headers=headers)
        headers["Content-Length"] = str(size_bytes)
        return Answer(content_type=asked.content_type, headers=headers, parts=_sent(texts))

    async def _texts(self, asked: Format, names: frozenset[str]) -> list[Text]:
        """Return the page in parts.

        Args:
            asked: the format.
            names: of the only series that the client asks for; empty: all series.
        """
        self._awaited.set()
        async with self._rendering:
            self._awaited.clear()
            await self._refresh(Turn(max_seconds=TURN_SECONDS))
            lines = self.monitors.lines()
        texts: list[Text] = []
        for family, own in lines:
            if not names or (family.sample_name in names and any(own)):
                texts += (_head(family, asked), *filter(None, own))
        return [*texts, await self._own_text(asked, names), asked.end]

    async def _own_text(self, asked: Format, names: frozenset[str]) -> bytes:
        """Return the exporter's own metrics, written in turns."""
        registry = self.registry.restricted_registry(names) if names else self.registry
        turn = Turn(max_seconds=TURN_SECONDS)
        texts = []
        for metric in registry.collect():
            texts.append(self._written.text(metric, asked))
            if turn.is_over():
                await turn.pass_on()
        return b"".join(texts)

    async def _enough_changes(self) -> bool:
        """Return when enough monitors have changed, or a second later; tell whether in a burst."""
        waited_seconds, pause_seconds, changed_share = 0.0, LOOK_AFTER_CHANGE_SECONDS, 0.0
        while waited_seconds < AHEAD_MAX_SECONDS:
            await asyncio.sleep(pause_seconds)
            waited_seconds += pause_seconds
            before_share, changed_share = changed_share, self.monitors.changed_share
            if changed_share >= AHEAD_CHANGED_SHARE:
                return changed_share - before_share >= AHEAD_CHANGED_SHARE / 4
            pause_seconds = LOOK_AFTER_CHANGE_SECONDS if changed_share else LOOK_SECONDS
        return False

    async def _refresh(self, turn: Turn) -> float:
        await turn.take(self.monitors.refresh(self.clock()))
        return turn.worked_seconds


@lru_cache(maxsize=1024)  # of all families in the few formats that there are
def _head(family: Family, asked: Format) -> bytes:
    """Return the lines that name and describe a family."""
    return asked.written(family.metric(()))


async def _sent(texts: Iterable[Text]) -> AsyncIterator[list[bytes]]:
    """Return the texts in parts; each text is written when it is asked for.

    A client that reads fast never makes the server wait, so other work has its turn here.
    """
    turn = Turn(max_seconds=TURN_SECONDS)
    part: list[bytes] = []
    size_bytes = 0
    for text in texts:
        part.append(bytes(text))
        size_bytes += len(text)
        if size_bytes >= PART_BYTES:
            yield part
            part.clear()  # the server has it: written, or waiting for a slow client
            size_bytes = 0
            if turn.is_over():
                await turn.pass_on()
    yield part


def _compressed(texts: Iterable[Text]) -> list[Text]:
    return list(
        gzip_file(text.packed() if isinstance(text, Lines) else pack(text) for text in texts)
    )

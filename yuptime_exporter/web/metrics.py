"""The telemetry path: a scrape waits for no store and no network."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from functools import lru_cache

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder, gzip_accepted
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from yuptime_exporter.concurrency.turns import Turn
from yuptime_exporter.core.clock import Clock
from yuptime_exporter.core.exposition import Family, process_families
from yuptime_exporter.core.packing import gzip_file, pack
from yuptime_exporter.core.page import MonitorPage
from yuptime_exporter.core.page_lines import Lines
from yuptime_exporter.web.http import Answer, Request

# How long rendering keeps other work on the event loop waiting, plus one step of it.
TURN_SECONDS = 0.0005

# Bytes that are written in one call.
PIECE_BYTES = 256 * 1024

Encoder = Callable[[Collector], bytes]

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
class _Format:
    """The format that a client asks for.

    Attributes:
        encoder: writes a registry.
        content_type: names the format.
    """

    encoder: Encoder = field(compare=False)
    content_type: str


@dataclass(frozen=True, slots=True)
class MetricsPage:
    """Answers scrapes: the lines of monitors, and the exporter's own metrics.

    Scrapes at the same time take turns, so that the second one finds everything rendered.
    """

    registry: CollectorRegistry
    monitors: MonitorPage
    clock: Clock
    _rendering: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def render(self) -> None:
        """Render the lines that changed, so that the next scrape finds them rendered."""
        async with self._rendering:
            await self._refresh()

    async def answer(self, request: Request) -> Answer:
        """Return the metrics in the format that the client asks for."""
        asked = _Format(*choose_encoder(request.header_list("Accept")))
        texts = await self._texts(asked, frozenset(request.query_values("name[]")))
        headers = {"Vary": "Accept, Accept-Encoding"}
        if gzip_accepted(request.header_list("Accept-Encoding")):
            # In a thread: compressing needs Python's lock only between two texts.
            texts = await asyncio.to_thread(_compressed, texts)
            headers["Content-Encoding"] = "gzip"
        size_bytes = sum(map(len, texts))
        if size_bytes <= PIECE_BYTES:
            body = b"".join(map(bytes, texts))
            return Answer(body=body, content_type=asked.content_type, headers=headers)
        headers["Content-Length"] = str(size_bytes)
        return Answer(content_type=asked.content_type, headers=headers, parts=_sent(texts))

    async def _texts(self, asked: _Format, names: frozenset[str]) -> list[Text]:
        """Return the page in parts; the exporter's metrics are last, since an end mark follows."""
        async with self._rendering:
            await self._refresh()
            texts = [
                text for family in self.monitors.families for text in self._of(family, asked, names)
            ]
        registry = self.registry.restricted_registry(names) if names else self.registry
        return [*texts, asked.encoder(registry)]

    async def _refresh(self) -> None:
        turn = Turn(max_seconds=TURN_SECONDS)
        with closing(self.monitors.refresh(self.clock())) as steps:
            for _ in steps:
                if turn.is_over():
                    await turn.pass_on()

    def _of(self, family: Family, asked: _Format, names: frozenset[str]) -> Iterator[Text]:
        """Return name, type and lines of a family; nothing for a family that is not asked for."""
        lines = self.monitors.lines(family)
        if not names or (family.sample_name in names and any(lines)):
            yield _head(family, asked)
            yield from filter(None, lines)


@dataclass(frozen=True, slots=True)
class _One(Collector):
    metric: Metric

    def collect(self) -> Iterable[Metric]:
        return (self.metric,)


@lru_cache(maxsize=1024)  # of all families in the few formats that there are
def _head(family: Family, asked: _Format) -> bytes:
    """Return the lines that name and describe a family."""
    return asked.encoder(_One(family.metric(()))).removesuffix(b"# EOF\n")


async def _sent(texts: Iterable[Text]) -> AsyncIterator[bytes]:
    """Return the texts in larger pieces; each is written when it is asked for."""
    waiting: list[bytes] = []
    size_bytes = 0
    for text in texts:
        waiting.append(bytes(text))
        size_bytes += len(text)
        if size_bytes >= PIECE_BYTES:
            yield b"".join(waiting)
            waiting, size_bytes = [], 0
    yield b"".join(waiting)


def _compressed(texts: Iterable[Text]) -> list[Text]:
    return list(
        gzip_file(text.packed() if isinstance(text, Lines) else pack(text) for text in texts)
    )

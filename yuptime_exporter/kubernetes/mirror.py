"""The objects of one collection of the API server, kept as they are there."""

import asyncio
import logging
import random
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, Generic, NoReturn, TypeVar

import aiohttp

from yuptime_exporter.concurrency.turns import Turn
from yuptime_exporter.core.clock import Clock
from yuptime_exporter.kubernetes.api import Api
from yuptime_exporter.kubernetes.errors import ApiError, ApiRefused, ApiUnreachable
from yuptime_exporter.kubernetes.failure import Difficulty, Proof
from yuptime_exporter.kubernetes.frames import (
    FrameMeaningless,
    Frames,
    FrameTooLong,
    read_frame,
)
from yuptime_exporter.kubernetes.holdings import Holdings, ObjectMalformed, ObjectName
from yuptime_exporter.kubernetes.lists import ListBody, ListMalformed
from yuptime_exporter.kubernetes.reflector import (
    Kind,
    ListPage,
    Reflector,
    Wait,
    Watch,
    refusal_in,
)
from yuptime_exporter.metrics.kubernetes import KubernetesMetrics

__all__ = ["Collection", "Mirror", "ObjectName"]

log = logging.getLogger(__name__)

PAGE_LIMIT = 500  # client-go, tools/pager

_CHUNK_BYTES = 64 * 1024

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Collection:
    """Which objects are followed.

    Attributes:
        resource: what they are called, in metrics and messages.
        path: where they are listed.
        field_selector: which of them; empty: all.
        inactivity_seconds: how long a watch of them may be silent; None: as long as API servers
            are known to be.
    """

    resource: str
    path: str
    field_selector: str = ""
    inactivity_seconds: float | None = None


class Mirror(Generic[T]):
    """Follows a collection for as long as it runs. Used from the thread of the event loop only.

    Attributes:
        synced: set once everything was listed.
        fresh_timestamp: when the API server last said anything; 0 before.
    """

    def __init__(
        self,
        api: Api,
        collection: Collection,
        *,
        decode: Callable[[Mapping[str, Any]], T | None],
        on_change: Callable[[ObjectName, T | None, T | None], None],
        metrics: KubernetesMetrics,
        clock: Clock,
    ) -> None:
        """Take what is followed.

        Args:
            api: the API server.
            collection: which objects.
            decode: returns what is kept of an object; None: nothing.
            on_change: called after each change with what was kept before and is kept now; of an
                object that was deleted and created anew under its name, twice.
            metrics: what is counted.
            clock: gives the moment.
        """
        self._api = api
        self._collection = collection
        self._metrics = metrics.of(collection.resource)
        self._clock = clock
        self._holdings = Holdings(decode, on_change)
        self._reflector = Reflector(random.random, inactivity_seconds=collection.inactivity_seconds)
        self._difficulty = Difficulty(collection.resource, collection.path, self._metrics)
        self._telling = asyncio.Lock()
        self._unknown: set[str] = set()
        self._asked: list[asyncio.Future[None]] = []
        self._answering: list[asyncio.Future[None]] = []
        self._pause: asyncio.Timeout | None = None
        self.synced = asyncio.Event()
        self.fresh_timestamp = 0.0

    @property
    def objects(self) -> Mapping[ObjectName, T]:
        """What `decode` made of each object: the last complete list and all changes since."""
        return self._holdings.objects

    @property
    def trouble(self) -> str | None:
        """What keeps the collection from being followed at present; None: nothing."""
        return self._difficulty.text

    async def run(self) -> NoReturn:
        """Follow the collection, forever."""
        while True:
            match self._reflector.next():
                case ListPage() as page:
                    await self._list(page)
                case Watch() as watch:
                    await self._until_asked(self._watch(watch))
                case Wait(seconds):
                    await self._until_asked(asyncio.sleep(seconds))

    async def refresh(self) -> None:
        """List everything anew; return when what was found is held, or cannot be had."""
        loop = asyncio.get_running_loop()
        done = loop.create_future()
        self._asked.append(done)
        if self._pause is not None:
            self._pause.reschedule(loop.time())
        await done

    async def forget(self, name: ObjectName) -> None:
        """Keep nothing of one object any more, since `decode` would not."""
        async with self._telling:
            self._holdings.forget(name)
        self._metrics.objects = len(self.objects)

    async def reconsider(self, name: ObjectName) -> bool:
        """Look at one object now, since `decode` would keep something else of it than before.

        Returns:
            Whether that could be done; else the object is left as it is.
        """
        path = _object_path(self._collection.path, name)
        taken = False
        while not taken:
            look = self._holdings.begin_look(name)
            try:
                try:
                    raw = await self._api.call("GET", path)
                except ApiRefused as error:
                    if error.status != 404:
                        raise
                    raw = None
                async with self._telling:
                    taken = self._holdings.end_look(look, raw)
            except (ApiError, ObjectMalformed) as error:
                log.warning("an object cannot be read", extra={"path": path, "err": str(error)})
                break
            finally:
                self._holdings.cancel_look(look)
        self._metrics.objects = len(self.objects)
        return taken

    async def _until_asked(self, doing: Coroutine[Any, Any, None]) -> None:
        """Do what may take long, until everything is to be listed anew."""
        try:
            async with asyncio.timeout(0 if self._asked else None) as self._pause:
                await doing
        except TimeoutError:
            self._reflector.relist()
        finally:
            self._pause = None

    async def _list(self, page: ListPage) -> None:
        query = {"limit": str(PAGE_LIMIT)} if page.limited else {}
        if page.continue_token:
            query["continue"] = page.continue_token
        else:
            self._answering += self._asked
            self._asked.clear()
            self._metrics.lists.inc()
        try:
            found = await self._api.page(self._collection.path, self._selected(query))
            if not page.continue_token:
                self._holdings.begin_list()
            await self._take(found)
        except ApiError as error:
            self._difficulty.met(error, until=Proof.LIST)
            if not self._reflector.list_failed(error, now_timestamp=self._clock()):
                return
        except (ListMalformed, ObjectMalformed) as error:
            self._reflector.broken(now_timestamp=self._clock())
            self._difficulty.broken(str(error), until=Proof.LIST)
        else:
            self._alive()
            if self._reflector.listed(found.resource_version, found.continue_token):
                await self._swap()
            return
        self._resolve_refreshes()  # what was asked for cannot be had now

    async def _take(self, found: ListBody) -> None:
        turn = Turn()
        for raw in found.items():
            self._holdings.list_object(raw)
            if turn.is_over():
                await turn.pass_on()

    async def _swap(self) -> None:
        turn = Turn()
        async with self._telling:
            for _ in self._holdings.swap():
                if turn.is_over():
                    await turn.pass_on()
        self._metrics.objects = len(self.objects)
        if not self.synced.is_set():
            extra = {"resource": self._collection.resource, "objects": len(self.objects)}
            log.info("listed", extra=extra)
        self.synced.set()
        self._metrics.synced = True
        self._difficulty.over(Proof.LIST)
        self._resolve_refreshes()

    async def _watch(self, watch: Watch) -> None:
        self._metrics.watches.inc()
        query = {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": watch.resource_version,
            "timeoutSeconds": str(round(watch.timeout_seconds)),
        }
        loop = asyncio.get_running_loop()
        began_seconds = loop.time()
        try:
            async with self._api.watch(
                self._collection.path,
                self._selected(query),
                inactivity_seconds=watch.inactivity_seconds,
            ) as stream:
                self._difficulty.over(Proof.WATCH)
                await self._follow(stream, watch)
        except ApiError as error:
            self._watch_failed(error, until=Proof.WATCH)
            return
        except _WatchOver as over:
            self._watch_failed(over.error, until=Proof.EVENT)
            return
        except (FrameTooLong, FrameMeaningless, ObjectMalformed) as error:
            self._reflector.broken(now_timestamp=self._clock())
            self._difficulty.broken(
                f"what the watch sent makes no sense: {error}", until=Proof.EVENT
            )
            return
        if self._reflector.watch_ended(
            lasted_seconds=loop.time() - began_seconds, now_timestamp=self._clock()
        ):
            self._difficulty.over(Proof.EVENT)
        else:
            self._difficulty.broken("the watch ended as soon as it began", until=Proof.EVENT)

    def _watch_failed(self, error: ApiError, *, until: Proof) -> None:
        self._reflector.watch_failed(error, now_timestamp=self._clock())
        self._difficulty.met(error, until=until)

    async def _follow(self, stream: aiohttp.StreamReader, watch: Watch) -> None:
        """Read a watch to its end.

        The limit of silence is looked up for each read: the first bookmark shortens it.
        """
        frames = Frames()
        turn = Turn()
        while chunk := await self._read(stream, watch):
            for line in frames.feed(chunk):
                self._apply(line)
                if turn.is_over():
                    await turn.pass_on()

    async def _read(self, stream: aiohttp.StreamReader, watch: Watch) -> bytes:
        seconds = self._reflector.patience_seconds(watch.timeout_seconds)
        try:
            async with asyncio.timeout(seconds):
                return await stream.read(_CHUNK_BYTES)
        except TimeoutError as error:
            raise ApiUnreachable(f"the watch said nothing for {seconds:g} s") from error

    def _apply(self, line: bytes) -> None:
        """Take note of one event."""
        frame = read_frame(line)
        self._metrics.events.inc()
        match self._reflector.event(frame):
            case Kind.HELD:
                self._holdings.hold(frame["object"])
            case Kind.GONE:
                self._holdings.drop(frame["object"])
            case Kind.UNKNOWN:
                self._tell_unknown(frame["type"])
            case Kind.FAILED:
                raise _WatchOver(refusal_in(frame))
            case Kind.BROKEN:
                raise FrameMeaningless("a frame is no event of an object")
            case Kind.NOTHING:
                pass
        self._metrics.objects = len(self.objects)
        self._difficulty.over(Proof.EVENT)
        self._alive()

    def _tell_unknown(self, kind: str) -> None:
        if kind not in self._unknown and len(self._unknown) < 10:
            self._unknown.add(kind)
            log.warning("events of a type that is not known are ignored", extra={"type": kind[:64]})

    def _resolve_refreshes(self) -> None:
        for done in self._answering:
            if not done.done():  # else whoever asked has left
                done.set_result(None)
        self._answering.clear()

    def _selected(self, query: Mapping[str, str]) -> dict[str, str]:
        selector = self._collection.field_selector
        return {**query, "fieldSelector": selector} if selector else {**query}

    def _alive(self) -> None:
        self.fresh_timestamp = self._metrics.last_event_timestamp = self._clock()


class _WatchOver(Exception):
    """The API server ended the watch with an error."""

    def __init__(self, error: ApiRefused) -> None:
        super().__init__(str(error))
        self.error = error


def _object_path(path: str, name: ObjectName) -> str:
    """Return the path of one object of the collection that has this path."""
    parent, _, plural = path.rpartition("/")
    parent = parent.partition("/namespaces/")[0]
    return f"{parent}/namespaces/{name.namespace}/{plural}/{name.name}"

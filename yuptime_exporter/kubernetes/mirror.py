"""A local copy of the objects of one collection of the API server."""

import asyncio
import logging
import random
from collections.abc import Callable, Coroutine, Mapping
from contextlib import aclosing
from typing import Any, Generic, NoReturn, TypeVar

import aiohttp

from yuptime_exporter.concurrency.refreshes import Refreshes
from yuptime_exporter.concurrency.turns import Turn
from yuptime_exporter.core.clock import Clock
from yuptime_exporter.kubernetes.api import Api
from yuptime_exporter.kubernetes.collection import Collection, ObjectName
from yuptime_exporter.kubernetes.errors import ApiError, ApiStatusError, ApiUnreachable, WatchSilent
from yuptime_exporter.kubernetes.failure import CollectionFailure, Proof
from yuptime_exporter.kubernetes.first_list import FirstList
from yuptime_exporter.kubernetes.frames import FrameMalformed, FrameTooLong, read_frame
from yuptime_exporter.kubernetes.holdings import Holdings, ObjectMalformed
from yuptime_exporter.kubernetes.lists import ListBody, ListMalformed
from yuptime_exporter.kubernetes.reflector import (
    EventKind,
    ListPage,
    Reflector,
    Wait,
    Watch,
    error_in,
)
from yuptime_exporter.kubernetes.watch_stream import ErrorEvent, UnknownTypes, watched_lines
from yuptime_exporter.metrics.kubernetes import KubernetesMetrics

log = logging.getLogger(__name__)

T = TypeVar("T")


class Mirror(Generic[T]):
    """Follows one collection. Used from the thread of the event loop only.

    Attributes:
        first_list: whether there was a complete list; `synced` is set then.
        fresh_timestamp: when the API server last answered or sent an event; 0: never.
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
        """Start with no objects; `run` fills and follows.

        Args:
            api: the API server.
            collection: the objects to follow.
            decode: returns the value to keep for an object; None: the object is not kept.
            on_change: called after each change with the kept value before and after it. Called
                twice for an object that was deleted and created again with the same name.
            metrics: counts lists, watches, events and errors.
            clock: the wall clock.
        """
        self._api = api
        self._collection = collection
        self._metrics = metrics.of(collection.resource)
        self._clock = clock
        self._holdings = Holdings(decode, on_change)
        self._reflector = Reflector(random.random, silence_seconds=api.limits.watch_silence_seconds)
        self._failure = CollectionFailure(collection, self._metrics)
        self._reporting = asyncio.Lock()
        self._unknown_types = UnknownTypes()
        self._refreshes = Refreshes()
        self._interruptible: asyncio.Timeout | None = None
        self.first_list = FirstList()
        self.synced = self.first_list.complete
        self.fresh_timestamp = 0.0

    @property
    def objects(self) -> Mapping[ObjectName, T]:
        """The decoded value of each object: the last complete list and all changes since."""
        return self._holdings.objects

    @property
    def failure(self) -> str | None:
        """The failure that keeps the collection from being followed now; None: there is none."""
        return self._failure.text

    async def run(self) -> NoReturn:
        """Follow the collection, forever."""
        while True:
            match self._reflector.next():
                case ListPage() as page:
                    await self._list(page)
                case Watch() as watch:
                    await self._until_refresh(self._watch(watch))
                case Wait(seconds):
                    await self._until_refresh(asyncio.sleep(seconds))

    async def refresh(self) -> None:
        """List all objects now; return when the list is kept, or has failed."""
        done = self._refreshes.request()
        if self._interruptible is not None:
            self._interruptible.reschedule(asyncio.get_running_loop().time())
        await done

    async def forget(self, name: ObjectName) -> None:
        """Remove an object that `decode` would no longer keep."""
        async with self._reporting:
            self._holdings.forget(name)
        self._metrics.objects = len(self.objects)

    async def reread(self, name: ObjectName) -> bool:
        """Read one object now, since `decode` would return another value for it.

        Returns:
            Whether the object was read; otherwise it stays as it is.
        """
        path = self._collection.object_path(name)
        taken = False
        while not taken:
            read = self._holdings.begin_read(name)
            try:
                raw = await self._get(path)
                async with self._reporting:
                    taken = self._holdings.end_read(read, raw)
            except (ApiError, ObjectMalformed) as error:
                log.warning("an object cannot be read", extra={"path": path, "err": str(error)})
                break
            finally:
                self._holdings.cancel_read(read)
        self._metrics.objects = len(self.objects)
        return taken

    async def _get(self, path: str) -> Mapping[str, Any] | None:
        try:
            return await self._api.call("GET", path)
        except ApiStatusError as error:
            if error.status != 404:
                raise
            return None

    async def _until_refresh(self, work: Coroutine[Any, Any, None]) -> None:
        """Do work that may take long; a refresh interrupts it."""
        try:
            async with asyncio.timeout(0 if self._refreshes.waiting else None) as timeout:
                self._interruptible = timeout
                await work
        except TimeoutError:
            self._reflector.relist()
        finally:
            self._interruptible = None

    async def _list(self, page: ListPage) -> None:
        query = {"limit": str(self._api.limits.page_limit_objects)} if page.limited else {}
        if page.continue_token:
            query["continue"] = page.continue_token
        else:
            self._refreshes.begin_pass()
            self._metrics.lists.inc()
        try:
            found = await self._api.page(self._collection.path, self._collection.query(**query))
            if not page.continue_token:
                self._holdings.begin_list()
            await self._add(found)
        except ApiError as error:
            self._failure.met(error, until=Proof.LIST)
            self.first_list.failed(error)
            if not self._reflector.list_failed(error, now_timestamp=self._clock()):
                return
        except (ListMalformed, ObjectMalformed) as error:
            self._reflector.malformed(now_timestamp=self._clock())
            self._failure.malformed(str(error), until=Proof.LIST)
        else:
            self._note_alive()
            if self._reflector.listed(found.resource_version, found.continue_token):
                await self._swap()
            return
        self._refreshes.end_pass()

    async def _add(self, page: ListBody) -> None:
        turn = Turn()
        for raw in page.items():
            self._holdings.list_object(raw)
            if turn.is_over():
                await turn.pass_on()

    async def _swap(self) -> None:
        turn = Turn()
        async with self._reporting:
            for _ in self._holdings.swap():
                if turn.is_over():
                    await turn.pass_on()
        self._metrics.objects = len(self.objects)
        if not self.synced.is_set():
            extra = {"resource": self._collection.resource, "objects": len(self.objects)}
            log.info("listed", extra=extra)
        self._metrics.synced = True
        self.first_list.succeeded()
        self._failure.over(Proof.LIST)
        self._refreshes.end_pass()

    async def _watch(self, watch: Watch) -> None:
        self._metrics.watches.inc()
        query = self._collection.query(
            watch="true",
            allowWatchBookmarks="true",
            resourceVersion=watch.resource_version,
            timeoutSeconds=str(round(watch.timeout_seconds)),
        )
        admitted_seconds: float | None = None
        try:
            async with self._api.watch(
                self._collection.path, query, silence_seconds=watch.silence_seconds
            ) as stream:
                admitted_seconds = asyncio.get_running_loop().time()
                self._failure.over(Proof.WATCH)
                await self._follow(stream, watch)
        except ApiError as error:
            if admitted_seconds is None or not isinstance(error, ApiUnreachable):
                self._watch_failed(error, until=Proof.WATCH)
            else:
                self._watch_ended(admitted_seconds, cut=error)
        except ErrorEvent as event:
            self._watch_failed(event.error, until=Proof.EVENT)
        except (FrameTooLong, FrameMalformed, ObjectMalformed) as error:
            self._reflector.malformed(now_timestamp=self._clock())
            self._failure.malformed(f"the watch sent a malformed event: {error}", until=Proof.EVENT)
        else:
            self._watch_ended(admitted_seconds)

    def _watch_ended(
        self, admitted_seconds: float | None, *, cut: ApiUnreachable | None = None
    ) -> None:
        """Record the end of an admitted watch; `cut` None: the server ended it."""
        now_seconds = asyncio.get_running_loop().time()
        worked = self._reflector.watch_ended(
            lasted_seconds=now_seconds - (admitted_seconds or now_seconds),
            now_timestamp=self._clock(),
        )
        if isinstance(cut, WatchSilent):
            self._failure.met(cut, until=Proof.WATCH)
        elif worked:
            self._failure.over(Proof.EVENT)
            log.debug("a watch ended", extra={"path": self._collection.path, "err": str(cut or "")})
        elif cut is not None:
            self._failure.met(cut, until=Proof.EVENT)
        else:
            self._failure.malformed("the watch ended as soon as it began", until=Proof.EVENT)

    def _watch_failed(self, error: ApiError, *, until: Proof) -> None:
        self._reflector.watch_failed(error, now_timestamp=self._clock())
        self._failure.met(error, until=until)

    async def _follow(self, stream: aiohttp.StreamReader, watch: Watch) -> None:
        lines = watched_lines(
            stream,
            silence_seconds=lambda: self._reflector.silence_seconds(watch.timeout_seconds),
        )
        async with aclosing(lines):
            async for line in lines:
                self._apply(line)

    def _apply(self, line: bytes) -> None:
        frame = read_frame(line)
        self._metrics.events.inc()
        match self._reflector.event(frame):
            case EventKind.HELD:
                self._holdings.hold(frame["object"])
            case EventKind.GONE:
                self._holdings.drop(frame["object"])
            case EventKind.UNKNOWN:
                self._unknown_types.report(frame["type"])
            case EventKind.FAILED:
                raise ErrorEvent(error_in(frame))
            case EventKind.MALFORMED:
                raise FrameMalformed("a frame has no type or no object with a version")
            case EventKind.NOTHING:
                pass
        self._metrics.objects = len(self.objects)
        self._failure.over(Proof.EVENT)
        self._note_alive()

    def _note_alive(self) -> None:
        self.fresh_timestamp = self._metrics.last_event_timestamp = self._clock()

"""The objects of one collection of the API server, kept as they are there."""

import asyncio
import json
import logging
import random
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, NoReturn, TypeVar

import aiohttp

from yuptime_exporter.core.kubernetes_metrics import KubernetesMetrics, Trouble
from yuptime_exporter.core.ports import Clock
from yuptime_exporter.kubernetes.api import MIN_PAGE_LIMIT, PAGE_BYTES, PAGE_LIMIT, Api
from yuptime_exporter.kubernetes.errors import ApiError, ApiRefused, ApiUnreachable
from yuptime_exporter.kubernetes.frames import Frames, FrameTooLong
from yuptime_exporter.kubernetes.reflector import (
    INACTIVITY_SECONDS,
    Kind,
    ListPage,
    Reflector,
    Wait,
    Watch,
)

log = logging.getLogger(__name__)

# After so many objects everything else has its turn: decoding one takes some 20 µs.
OBJECTS_AT_ONCE = 100

_CHUNK_BYTES = 64 * 1024

T = TypeVar("T")


class FrameMeaningless(ValueError):
    """A line of a watch is JSON, and no event."""


class ObjectName(NamedTuple):
    """What names an object in its collection."""

    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class Collection:
    """Which objects are followed.

    Attributes:
        resource: what they are called, in metrics and messages.
        path: where they are listed.
        field_selector: which of them; empty: all.
        inactivity_seconds: how long a watch of them may be silent.
    """

    resource: str
    path: str
    field_selector: str = ""
    inactivity_seconds: float = INACTIVITY_SECONDS


@dataclass(frozen=True, slots=True)
class _Record(Generic[T]):
    uid: str
    resource_version: str
    value: T


class Mirror(Generic[T]):
    """Follows a collection for as long as it runs. Used from the thread of the event loop only.

    Attributes:
        objects: what `decode` made of each object; of one moment, without holes.
        synced: set once everything was listed.
        trouble: what keeps the collection from being followed at present; None: nothing.
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
        self._decode = decode
        self._on_change = on_change
        self._metrics = metrics.of(collection.resource)
        self._clock = clock
        self._reflector = Reflector(random.random, inactivity_seconds=collection.inactivity_seconds)
        self._limit = PAGE_LIMIT
        self._records: dict[ObjectName, _Record[T]] = {}
        self._listing: dict[ObjectName, _Record[T]] = {}
        self._seen: dict[ObjectName, int] = {}
        self._asked: list[asyncio.Future[None]] = []
        self._answering: list[asyncio.Future[None]] = []
        self._pause: asyncio.Timeout | None = None
        self.objects: dict[ObjectName, T] = {}
        self.synced = asyncio.Event()
        self.trouble: str | None = None
        self.fresh_timestamp = 0.0

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

    async def reconsider(self, name: ObjectName) -> None:
        """Look at one object now, since what is to be kept of it has changed.

        What the watch tells of it meanwhile is newer, and then it is looked at again.
        """
        path = f"{self._object_path(name)}"
        while True:
            seen = self._seen[name] = self._seen.get(name, 0)
            try:
                raw = await self._api.call("GET", path)
            except ApiRefused as error:
                if error.status != 404:
                    self._begin_trouble(error)
                break
            except ApiError as error:
                self._begin_trouble(error)
                break
            if self._seen.get(name, 0) == seen:
                self._hold(raw, anew=True)
                break
        self._seen.pop(name, None)

    async def _until_asked(self, doing: Coroutine[Any, Any, None]) -> None:
        """Do what may take long, until everything is to be listed anew."""
        try:
            async with asyncio.timeout(0 if self._asked else None) as self._pause:
                await doing
        except TimeoutError:
            self._reflector.relist()
        finally:
            self._pause = None

    def _object_path(self, name: ObjectName) -> str:
        parent, _, plural = self._collection.path.rpartition("/")
        parent = parent.partition("/namespaces/")[0]
        return f"{parent}/namespaces/{name.namespace}/{plural}/{name.name}"

    async def _list(self, page: ListPage) -> None:
        query = {"limit": str(self._limit)} if page.limited else {}
        if page.continue_token:
            query["continue"] = page.continue_token
        else:
            self._listing = {}
            self._answering += self._asked
            self._asked.clear()
            self._metrics.lists.inc()
        try:
            found = await self._api.page(self._collection.path, self._selected(query))
        except ApiError as error:
            if self._reflector.list_failed(error, now_timestamp=self._clock()):
                self._listing = {}
            self._begin_trouble(error)
            return
        self._alive()
        if found.size_bytes > PAGE_BYTES:
            self._limit = max(self._limit // 2, MIN_PAGE_LIMIT)
        for count, raw in enumerate(found.items):
            self._take(raw)
            if count % OBJECTS_AT_ONCE == OBJECTS_AT_ONCE - 1:
                await asyncio.sleep(0)
        if self._reflector.listed(found.resource_version, found.continue_token):
            await self._swap()

    def _take(self, raw: Mapping[str, Any]) -> None:
        """Take an object of a list; one that has not changed is not decoded again."""
        name, uid, version = _identity(raw)
        known = self._records.get(name)
        if known is not None and (known.uid, known.resource_version) == (uid, version):
            self._listing[name] = known
            return
        value = self._decode(raw)
        if value is not None:
            self._listing[name] = _Record(uid, version, value)

    async def _swap(self) -> None:
        """Hold what was listed in the place of what was held, at one moment; then tell of it."""
        before, self._records, self._listing = self._records, self._listing, {}
        self.objects = {name: record.value for name, record in self._records.items()}
        self._metrics.objects.set(len(self.objects))
        if not self.synced.is_set():
            log.info(
                "listed",
                extra={"resource": self._collection.resource, "objects": len(self.objects)},
            )
        changed = [
            (name, before.get(name), after)
            for name, after in self._records.items()
            if before.get(name) is not after
        ]
        gone = [(name, old) for name, old in before.items() if name not in self._records]
        for name, old in gone:
            self._on_change(name, old.value, None)
        for count, (name, was, after) in enumerate(changed):
            self._tell(name, was, after)
            if count % OBJECTS_AT_ONCE == OBJECTS_AT_ONCE - 1:
                await asyncio.sleep(0)
        self.synced.set()
        self._metrics.synced.set(1)
        self._end_trouble()
        self._resolve_refreshes()

    def _tell(self, name: ObjectName, before: _Record[T] | None, after: _Record[T]) -> None:
        if before is not None and before.uid != after.uid:
            self._on_change(name, before.value, None)
            before = None
        self._on_change(name, before.value if before else None, after.value)

    async def _watch(self, watch: Watch) -> None:
        self._metrics.watches.inc()
        query = {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": watch.resource_version,
            "timeoutSeconds": str(round(watch.timeout_seconds)),
        }
        began = asyncio.get_running_loop().time()
        events = 0
        try:
            async with self._api.watch(
                self._collection.path,
                self._selected(query),
                inactivity_seconds=watch.inactivity_seconds,
            ) as stream:
                self._end_trouble()
                events, over = await self._follow(stream)
        except ApiError as error:
            self._reflector.watch_failed(error, now_timestamp=self._clock())
            self._begin_trouble(error)
            return
        except (FrameTooLong, FrameMeaningless, json.JSONDecodeError) as error:
            self._reflector.watch_broken(now_timestamp=self._clock())
            self._begin_trouble(ApiUnreachable(f"what the watch sent makes no sense: {error}"))
            return
        if not over:
            lasted = asyncio.get_running_loop().time() - began
            self._reflector.watch_ended(
                lasted_seconds=lasted, events=events, now_timestamp=self._clock()
            )

    async def _follow(self, stream: aiohttp.StreamReader) -> tuple[int, bool]:
        """Read a watch to its end; return how many events it had, and whether they said the end."""
        frames = Frames()
        events = 0
        while chunk := await stream.read(_CHUNK_BYTES):
            for line in frames.feed(chunk):
                events += 1
                if not self._apply(line):
                    return events, True
                if events % OBJECTS_AT_ONCE == 0:
                    await asyncio.sleep(0)
        return events, False

    def _apply(self, line: bytes) -> bool:
        """Take note of one event; return False when it ends the watch."""
        frame = json.loads(line)
        if not isinstance(frame, dict):
            raise FrameMeaningless("a frame of the watch is no object")
        self._alive()
        self._metrics.events.inc()
        match self._reflector.event(frame, now_timestamp=self._clock()):
            case Kind.HELD:
                self._hold(frame["object"])
            case Kind.GONE:
                self._drop(frame["object"])
            case Kind.END:
                self._begin_trouble(_refusal(frame))
                return False
            case Kind.NOTHING:
                pass
        return True

    def _hold(self, raw: Mapping[str, Any], *, anew: bool = False) -> None:
        name, uid, version = _identity(raw)
        if name in self._seen and not anew:
            self._seen[name] += 1
        before = self._records.get(name)
        value = self._decode(raw)
        if value is None:
            self._forget(name, before)
            return
        after = self._records[name] = _Record(uid, version, value)
        self.objects[name] = value
        self._metrics.objects.set(len(self.objects))
        self._tell(name, before, after)

    def _drop(self, raw: Mapping[str, Any]) -> None:
        name, _, _ = _identity(raw)
        if name in self._seen:
            self._seen[name] += 1
        self._forget(name, self._records.get(name))

    def _forget(self, name: ObjectName, before: _Record[T] | None) -> None:
        if before is None:
            return
        del self._records[name], self.objects[name]
        self._metrics.objects.set(len(self.objects))
        self._on_change(name, before.value, None)

    def _resolve_refreshes(self) -> None:
        for done in self._answering:
            if not done.done():  # else whoever asked has left
                done.set_result(None)
        self._answering.clear()

    def _selected(self, query: Mapping[str, str]) -> dict[str, str]:
        selector = self._collection.field_selector
        return {**query, "fieldSelector": selector} if selector else {**query}

    def _alive(self) -> None:
        self.fresh_timestamp = self._clock()
        self._metrics.last_event_timestamp_seconds.set(self.fresh_timestamp)

    def _begin_trouble(self, error: ApiError) -> None:
        trouble = _trouble(error)
        self._metrics.error(trouble)
        self._resolve_refreshes()  # what was asked for cannot be had now
        if trouble is Trouble.EXPIRED:
            return  # it happens to every watch that was away for some minutes
        text = f"{self._collection.resource}: {error}{self._remedy(trouble)}"
        if self.trouble is None:
            log.warning("objects cannot be followed; what is known stays", extra={"err": text})
        self.trouble = text

    def _end_trouble(self) -> None:
        if self.trouble is not None:
            self.trouble = None
            log.info("objects are followed again", extra={"resource": self._collection.resource})

    def _remedy(self, trouble: Trouble) -> str:
        resource = self._collection.resource
        if trouble is Trouble.FORBIDDEN:
            return f"; grant yuptime-exporter the verbs list and watch on {resource}"
        if trouble is Trouble.NOT_FOUND and resource == "monitors":
            return "; kubectl apply --server-side -f deploy/crd/monitors.yaml"
        return ""


def _identity(raw: Mapping[str, Any]) -> tuple[ObjectName, str, str]:
    metadata = raw["metadata"]
    name = ObjectName(metadata.get("namespace", ""), metadata["name"])
    return name, metadata.get("uid", ""), metadata.get("resourceVersion", "")


def _refusal(frame: Mapping[str, Any]) -> ApiError:
    from_status = frame["object"]
    code = from_status.get("code", 500)
    return ApiRefused(
        code if isinstance(code, int) else 500,
        reason=str(from_status.get("reason", "")),
        message=str(from_status.get("message", "")),
    )


def _trouble(error: ApiError) -> Trouble:
    if not isinstance(error, ApiRefused):
        return Trouble.UNREACHABLE
    match error.status:
        case 401:
            return Trouble.UNAUTHORIZED
        case 403:
            return Trouble.FORBIDDEN
        case 404:
            return Trouble.NOT_FOUND
        case 410:
            return Trouble.EXPIRED
        case 429:
            return Trouble.TOO_MANY_REQUESTS
        case _:
            return Trouble.REFUSED

"""After all failures the kept objects are those of the server, and none is ever missing."""

from dataclasses import dataclass, field
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.kubernetes.kept import Kept
from yuptime_exporter.kubernetes.collection import ObjectName
from yuptime_exporter.kubernetes.errors import ApiError, ApiStatusError, ApiUnreachable
from yuptime_exporter.kubernetes.reflector import (
    EventKind,
    ListPage,
    Reflector,
    Wait,
    Watch,
    error_in,
)


@dataclass
class Server:
    """A collection with its history, which answers as an API server does."""

    version: int = 1
    objects: dict[str, dict[str, Any]] = field(default_factory=dict)
    history: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    compacted: int = 0

    def write(self, name: str, value: str | None) -> None:
        """Create, change, delete, or replace by another object of the same name."""
        self.version += 1
        old = self.objects.get(name)
        if value is None:
            if old is not None:
                del self.objects[name]
                self._tell("DELETED", {**old, "metadata": self._metadata(name, old)})
            return
        kind = "MODIFIED" if old else "ADDED"
        new = {"metadata": self._metadata(name, old), "value": value}
        self.objects[name] = new
        self._tell(kind, new)

    def replace(self, name: str, value: str) -> None:
        self.write(name, None)
        self.write(name, value)

    def compact(self) -> None:
        self.compacted = self.version
        self.history.clear()

    def restore_backup(self) -> None:
        """Go back to a lower version than watches have seen; the objects stay."""
        self.version = 0
        self.history.clear()
        self.compacted = 0

    def events_since(self, version: str) -> list[dict[str, Any]] | ApiError:
        if int(version) < self.compacted:
            return ApiStatusError(410, reason="Expired")
        if int(version) > self.version:
            return ApiStatusError(504, reason="Timeout", causes=("ResourceVersionTooLarge",))
        return [frame for at, frame in self.history if at > int(version)]

    def _metadata(self, name: str, old: dict[str, Any] | None) -> dict[str, Any]:
        uid = old["metadata"]["uid"] if old else f"uid-{self.version}"
        return {
            "namespace": "jobs",
            "name": name,
            "uid": uid,
            "resourceVersion": str(self.version),
        }

    def _tell(self, kind: str, found: dict[str, Any]) -> None:
        self.history.append((self.version, {"type": kind, "object": found}))


Write = tuple[str, str | None]
writes = st.lists(
    st.tuples(st.sampled_from("abc"), st.sampled_from(["v", "w", None, "replaced"])), max_size=4
)
errors = st.sampled_from(
    [
        ApiStatusError(410, reason="Expired"),
        ApiStatusError(429),
        ApiStatusError(500),
        ApiStatusError(403),
        ApiStatusError(404),
        ApiStatusError(401),
        ApiStatusError(504, reason="Timeout", causes=("ResourceVersionTooLarge",)),
        ApiUnreachable("reset"),
    ]
)


@dataclass(frozen=True)
class Turn:
    """The events around one request."""

    writes: list[Write]
    error: ApiError | None
    compacts: bool
    events: int
    """How many events come before the watch ends."""
    bookmark: bool
    error_as_event: bool


turns = st.builds(
    Turn,
    writes,
    st.none() | errors,
    st.booleans(),
    st.integers(0, 5),
    st.booleans(),
    st.booleans(),
)


class Following:
    """What `Mirror` does, without waiting: asks the server as the reflector says."""

    def __init__(self) -> None:
        self.server = Server()
        self.kept = Kept()
        self.reflector = Reflector(lambda: 0.5)
        self.now = 1000.0
        self.pages: list[list[dict[str, Any]]] = []
        self.listed = False

    def turn(self, turn: Turn) -> None:
        for name, value in turn.writes:
            if value == "replaced":
                self.server.replace(name, "v")
            else:
                self.server.write(name, value)
        if turn.compacts:
            self.server.compact()
        match self.reflector.next():
            case ListPage() as page:
                self._list(page, turn.error)
            case Watch(version):
                self._watch(version, turn)
            case Wait(seconds):
                self.now += seconds

    def _list(self, page: ListPage, error: ApiError | None) -> None:
        if error is not None:
            self.reflector.list_failed(error, now_timestamp=self.now)
            return
        if not page.continue_token:
            all_of_it = list(self.server.objects.values())
            self.pages = [all_of_it[:2], all_of_it[2:]] if page.limited else [all_of_it]
            self.snapshot = str(self.server.version)
            self.kept.holdings.begin_list()
        for found in self.pages.pop(0):
            self.kept.holdings.list_object(found)
        if self.reflector.listed(self.snapshot, "more" if self.pages else ""):
            for _ in self.kept.holdings.swap():
                pass
            self.listed = True

    def _watch(self, version: str, turn: Turn) -> None:
        found = self.server.events_since(version)
        if turn.error is not None and not turn.error_as_event:
            found = turn.error
        if isinstance(found, ApiError):
            self.reflector.watch_failed(found, now_timestamp=self.now)
            return
        for frame in found[: turn.events]:
            self._apply(frame)
        if turn.bookmark and turn.events >= len(found):
            metadata = {"resourceVersion": str(self.server.version)}
            self._apply({"type": "BOOKMARK", "object": {"metadata": metadata}})
        if isinstance(turn.error, ApiStatusError):
            status = {"kind": "Status", "code": turn.error.status, "reason": turn.error.reason}
            self._apply({"type": "ERROR", "object": status})
        else:
            self.reflector.watch_ended(lasted_seconds=0.1, now_timestamp=self.now)

    def _apply(self, frame: dict[str, Any]) -> None:
        match self.reflector.event(frame):
            case EventKind.HELD:
                self.kept.holdings.hold(frame["object"])
            case EventKind.GONE:
                self.kept.holdings.drop(frame["object"])
            case EventKind.FAILED:
                self.reflector.watch_failed(error_in(frame), now_timestamp=self.now)

    def settle(self) -> None:
        """Answer many requests without a failure."""
        calm = Turn([], None, compacts=False, events=99, bookmark=True, error_as_event=False)
        for _ in range(12):
            self.turn(calm)


@given(st.lists(turns, max_size=25), st.booleans())
def test_the_kept_objects_become_those_of_the_server_after_all_failures(
    story: list[Turn], restored: bool
) -> None:
    following = Following()
    for turn in story:
        following.turn(turn)
    if restored:
        following.server.restore_backup()
    following.settle()

    held = {name.name: value for name, value in following.kept.holdings.objects.items()}
    assert held == {name: found["value"] for name, found in following.server.objects.items()}
    assert following.kept.shown == following.kept.holdings.objects
    assert following.listed


@given(st.lists(turns, min_size=1, max_size=25))
def test_an_object_that_the_server_always_has_is_never_missing(story: list[Turn]) -> None:
    following = Following()
    following.server.write("always", "v")
    following.settle()
    following.kept.told.clear()
    for turn in story:
        following.turn(turn)

        assert ObjectName("jobs", "always") in following.kept.holdings.objects
    assert all(name.name != "always" for name, _, _ in following.kept.told)

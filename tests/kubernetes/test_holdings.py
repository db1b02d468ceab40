"""What is kept equals what the server has, whatever happens on the way; and never has a hole."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yuptime_exporter.kubernetes.errors import ApiError, ApiRefused, ApiUnreachable
from yuptime_exporter.kubernetes.holdings import Holdings, ObjectMalformed, ObjectName
from yuptime_exporter.kubernetes.reflector import (
    Kind,
    ListPage,
    Reflector,
    Wait,
    Watch,
    refusal_in,
)

A, B = ObjectName("jobs", "a"), ObjectName("jobs", "b")


def raw(
    name: str = "a", version: str = "1", *, uid: str = "u1", value: str | None = "v"
) -> dict[str, Any]:
    metadata = {"namespace": "jobs", "name": name, "uid": uid, "resourceVersion": version}
    return {"metadata": metadata, "value": value}


class Kept:
    """Holdings with a memory of what was decoded and told."""

    def __init__(self) -> None:
        self.told: list[tuple[ObjectName, str | None, str | None]] = []
        self.decoded = 0
        self.holdings: Holdings[str] = Holdings(self._decode, self._changed)
        self.shown: dict[ObjectName, str] = {}

    def _decode(self, found: Mapping[str, Any]) -> str | None:
        self.decoded += 1
        value: str | None = found["value"]
        return value

    def _changed(self, name: ObjectName, before: str | None, after: str | None) -> None:
        assert self.shown.get(name) == before  # each change begins where the last one ended
        self.told.append((name, before, after))
        if after is None:
            del self.shown[name]
        else:
            self.shown[name] = after

    def list(self, *objects: dict[str, Any]) -> None:
        self.holdings.begin_list()
        for one in objects:
            self.holdings.list_object(one)
        for _ in self.holdings.swap():
            pass


class TestALists:
    def test_objects_are_held_once_all_are_listed(self) -> None:
        kept = Kept()
        kept.holdings.begin_list()
        kept.holdings.list_object(raw())

        assert kept.holdings.objects == {}
        list(kept.holdings.swap())
        assert kept.holdings.objects == {A: "v"}
        assert kept.told == [(A, None, "v")]

    def test_what_is_no_longer_listed_is_told_of_as_gone(self) -> None:
        kept = Kept()
        kept.list(raw("a"), raw("b"))
        kept.list(raw("b"))

        assert kept.told[2:] == [(A, "v", None)]
        assert kept.holdings.objects == {B: "v"}

    def test_what_has_not_changed_is_neither_decoded_nor_told(self) -> None:
        kept = Kept()
        kept.list(raw("a"), raw("b"))
        kept.list(raw("a"), raw("b", "2", value="w"))

        assert kept.decoded == 3
        assert kept.told[2:] == [(B, "v", "w")]

    def test_another_object_of_the_same_name_is_told_as_gone_and_come(self) -> None:
        kept = Kept()
        kept.list(raw())
        kept.list(raw(uid="u2", version="1", value="w"))

        assert kept.told[1:] == [(A, "v", None), (A, None, "w")]

    def test_all_of_a_list_is_in_force_before_any_of_it_is_told(self) -> None:
        kept = Kept()
        kept.list(raw("a"))
        kept.holdings.begin_list()
        kept.holdings.list_object(raw("a", "2", value="w"))
        kept.holdings.list_object(raw("b", "2", value="w"))
        before = kept.holdings.objects
        next(kept.holdings.swap())

        assert kept.holdings.objects == {A: "w", B: "w"}
        assert before == {A: "v"}

    def test_of_a_list_that_was_given_up_nothing_is_held(self) -> None:
        kept = Kept()
        kept.holdings.begin_list()
        kept.holdings.list_object(raw("a"))
        kept.list(raw("b"))

        assert kept.holdings.objects == {B: "v"}

    def test_what_is_not_to_be_kept_is_not_held(self) -> None:
        kept = Kept()
        kept.list(raw("a", value=None))
        kept.list(raw("a", "2", value="v"))
        kept.list(raw("a", "3", value=None))

        assert kept.told == [(A, None, "v"), (A, "v", None)]

    @pytest.mark.parametrize("bad", [{}, {"metadata": {}}, {"metadata": 1}, {"metadata": []}])
    def test_an_object_without_a_name_is_an_error(self, bad: dict[str, Any]) -> None:
        kept = Kept()
        kept.holdings.begin_list()

        for take in (kept.holdings.list_object, kept.holdings.hold, kept.holdings.drop):
            with pytest.raises(ObjectMalformed):
                take(bad)


class TestAWatch:
    def test_changes_are_in_force_when_they_are_told(self) -> None:
        kept = Kept()
        kept.holdings.hold(raw())
        kept.holdings.hold(raw(version="2", value="w"))
        kept.holdings.drop(raw(version="3"))

        assert kept.told == [(A, None, "v"), (A, "v", "w"), (A, "w", None)]
        assert kept.holdings.objects == {}

    def test_the_same_version_again_changes_nothing(self) -> None:
        kept = Kept()
        kept.list(raw())
        kept.holdings.hold(raw())

        assert kept.decoded == 1

    def test_another_object_of_the_same_name_is_told_as_gone_and_come(self) -> None:
        kept = Kept()
        kept.holdings.hold(raw())
        kept.holdings.hold(raw(uid="u2"))

        assert kept.told[1:] == [(A, "v", None), (A, None, "v")]

    def test_the_end_of_an_unknown_object_is_no_change(self) -> None:
        kept = Kept()
        kept.holdings.drop(raw())

        assert kept.told == []


class TestALook:
    def test_what_was_found_is_held_even_if_its_version_is(self) -> None:
        # What is to be kept of it has changed, and not the object.
        kept = Kept()
        kept.list(raw())
        look = kept.holdings.begin_look(A)

        assert kept.holdings.end_look(look, raw(value="more"))
        assert kept.told[1:] == [(A, "v", "more")]

    def test_what_was_not_found_is_gone(self) -> None:
        kept = Kept()
        kept.list(raw())

        assert kept.holdings.end_look(kept.holdings.begin_look(A), None)
        assert kept.holdings.objects == {}

    @pytest.mark.parametrize("what", ["held", "gone", "listed"])
    def test_it_yields_to_what_is_told_meanwhile(self, what: str) -> None:
        kept = Kept()
        kept.list(raw())
        look = kept.holdings.begin_look(A)
        if what == "held":
            kept.holdings.hold(raw(version="3", value="newest"))
        elif what == "gone":
            kept.holdings.drop(raw(version="3"))
        else:
            kept.list(raw(version="3", value="newest"))
        held = dict(kept.holdings.objects)

        assert not kept.holdings.end_look(look, raw(version="2", value="older"))
        assert kept.holdings.objects == held
        assert kept.holdings.end_look(kept.holdings.begin_look(A), raw(version="3", value="newest"))

    def test_other_objects_do_not_disturb_it(self) -> None:
        kept = Kept()
        look = kept.holdings.begin_look(A)
        kept.holdings.hold(raw("b"))

        assert kept.holdings.end_look(look, raw())

    def test_two_looks_at_once_do_not_hide_a_change_from_each_other(self) -> None:
        kept = Kept()
        first, second = kept.holdings.begin_look(A), kept.holdings.begin_look(A)
        assert kept.holdings.end_look(first, raw())
        kept.holdings.hold(raw(version="3"))

        assert not kept.holdings.end_look(second, raw(version="2"))

    def test_a_list_that_has_passed_the_object_already_does_not_make_a_hole(self) -> None:
        kept = Kept()
        kept.holdings.begin_list()
        kept.holdings.list_object(raw("a", value=None))  # nothing of it was wanted then
        look = kept.holdings.begin_look(A)
        kept.holdings.end_look(look, raw("a"))
        kept.holdings.list_object(raw("b"))
        list(kept.holdings.swap())

        assert kept.holdings.objects == {A: "v", B: "v"}
        assert kept.told == [(A, None, "v"), (B, None, "v")]

    def test_what_is_not_wanted_any_more_does_not_come_back_with_a_list(self) -> None:
        kept = Kept()
        kept.list(raw())
        kept.holdings.begin_list()
        kept.holdings.list_object(raw())
        kept.holdings.forget(A)
        list(kept.holdings.swap())

        assert kept.holdings.objects == {}
        assert kept.told[1:] == [(A, "v", None)]

    def test_a_list_that_began_after_it_knows_better(self) -> None:
        kept = Kept()
        kept.list(raw())
        look = kept.holdings.begin_look(A)
        kept.holdings.begin_list()
        kept.holdings.end_look(look, raw())
        list(kept.holdings.swap())

        assert kept.holdings.objects == {}


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
        """Be behind what was told already; what is there stays."""
        self.version = 0
        self.history.clear()
        self.compacted = 0

    def events_since(self, version: str) -> list[dict[str, Any]] | ApiError:
        if int(version) < self.compacted:
            return ApiRefused(410, reason="Expired")
        if int(version) > self.version:
            return ApiRefused(504, reason="Timeout", causes=("ResourceVersionTooLarge",))
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
        ApiRefused(410, reason="Expired"),
        ApiRefused(429),
        ApiRefused(500),
        ApiRefused(403),
        ApiRefused(404),
        ApiRefused(401),
        ApiRefused(504, reason="Timeout", causes=("ResourceVersionTooLarge",)),
        ApiUnreachable("reset"),
    ]
)


@dataclass(frozen=True)
class Turn:
    """What happens around one request."""

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
        if isinstance(turn.error, ApiRefused):
            status = {"kind": "Status", "code": turn.error.status, "reason": turn.error.reason}
            self._apply({"type": "ERROR", "object": status})
        else:
            self.reflector.watch_ended(lasted_seconds=0.1, now_timestamp=self.now)

    def _apply(self, frame: dict[str, Any]) -> None:
        match self.reflector.event(frame):
            case Kind.HELD:
                self.kept.holdings.hold(frame["object"])
            case Kind.GONE:
                self.kept.holdings.drop(frame["object"])
            case Kind.FAILED:
                self.reflector.watch_failed(refusal_in(frame), now_timestamp=self.now)

    def settle(self) -> None:
        """Nothing goes wrong any more, for long enough."""
        calm = Turn([], None, compacts=False, events=99, bookmark=True, error_as_event=False)
        for _ in range(12):
            self.turn(calm)


@given(st.lists(turns, max_size=25), st.booleans())
def test_whatever_happened_what_is_kept_becomes_what_the_server_has(
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
def test_what_the_server_has_all_the_time_is_never_missing(story: list[Turn]) -> None:
    following = Following()
    following.server.write("always", "v")
    following.settle()
    following.kept.told.clear()
    for turn in story:
        following.turn(turn)

        assert ObjectName("jobs", "always") in following.kept.holdings.objects
    assert all(name.name != "always" for name, _, _ in following.kept.told)

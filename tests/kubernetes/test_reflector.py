"""The decisions of a reflector.

Prefixes name the project with the same test: CG client-go (tools/cache/reflector_test.go), KO kopf, KA
kubernetes_asyncio (watch_test.py), LK lightkube.
"""

from typing import Any

import pytest

from yuptime_exporter.kubernetes.errors import ApiError, ApiStatusError, ApiUnreachable
from yuptime_exporter.kubernetes.reflector import (
    Action,
    EventKind,
    ListPage,
    Reflector,
    Wait,
    Watch,
    error_in,
)

GONE = ApiStatusError(410, reason="Expired", message="too old resource version")
THROTTLED = ApiStatusError(429, reason="TooManyRequests", retry_after_seconds=7)
BROKEN = ApiStatusError(500, reason="InternalError")
UNREACHABLE = ApiUnreachable("connection refused")
TOO_LARGE = ApiStatusError(504, reason="Timeout", causes=("ResourceVersionTooLarge",))
FORBIDDEN = ApiStatusError(403, reason="Forbidden")
NOT_FOUND = ApiStatusError(404, reason="NotFound")
UNAUTHORIZED = ApiStatusError(401, reason="Unauthorized")
FROM_START = ListPage()


def event(kind: str, version: str = "8", **more: Any) -> dict[str, Any]:
    return {"type": kind, "object": {"metadata": {"name": "a", "resourceVersion": version}, **more}}


def error_event(code: int, reason: str) -> dict[str, Any]:
    status = {"kind": "Status", "status": "Failure", "code": code, "reason": reason}
    return {"type": "ERROR", "object": status}


def watched_from(action: Action) -> str:
    assert isinstance(action, Watch), action
    return action.resource_version


class Story:
    """A reflector with a clock that goes on with each wait."""

    def __init__(self, *, jitter: float = 0.0, listed: bool = True) -> None:
        self.reflector = Reflector(lambda: jitter)
        self.now = 1000.0
        if listed:
            assert self.reflector.next() == FROM_START
            assert self.reflector.listed("7", "")

    def next(self) -> Action:
        action = self.reflector.next()
        if isinstance(action, Wait):
            self.now += action.seconds
        return action

    def after_waiting(self) -> Action:
        assert isinstance(self.next(), Wait)
        return self.next()

    def list_failed(self, error: ApiError) -> bool:
        return self.reflector.list_failed(error, now_timestamp=self.now)

    def watch_failed(self, error: ApiError) -> None:
        self.reflector.watch_failed(error, now_timestamp=self.now)

    def told(self, *frames: dict[str, Any]) -> list[EventKind]:
        """A watch that has these events and goes on."""
        assert isinstance(self.next(), Watch)
        kinds = [self.reflector.event(frame) for frame in frames]
        if kinds and kinds[-1] is EventKind.FAILED:
            self.watch_failed(error_in(frames[-1]))
        return kinds

    def ended(self, *, lasted_seconds: float = 300.0) -> bool:
        return self.reflector.watch_ended(lasted_seconds=lasted_seconds, now_timestamp=self.now)


class TestListing:
    def test_cg_watch_list_page_size_pages_are_followed_to_the_end(self) -> None:
        story = Story(listed=False)

        assert story.next() == FROM_START
        assert not story.reflector.listed("7", "second")
        assert story.next() == ListPage("second")
        assert not story.reflector.listed("7", "third")
        assert story.next() == ListPage("third")
        assert story.reflector.listed("7", "")
        assert watched_from(story.next()) == "7"

    def test_the_version_of_a_list_is_that_of_its_first_page(self) -> None:
        # The watch delivers the changes between the pages.
        story = Story(listed=False)
        story.reflector.listed("7", "second")
        story.reflector.listed("9", "")

        assert watched_from(story.next()) == "7"

    def test_cg_full_list_if_expired_a_continue_token_that_expired_means_all_at_once(self) -> None:
        story = Story(listed=False)
        story.reflector.listed("7", "second")

        assert not story.list_failed(GONE)
        assert story.next() == ListPage(limited=False)
        assert story.reflector.listed("9", "")
        assert watched_from(story.next()) == "9"

    def test_a_full_list_that_expires_is_not_asked_for_without_end(self) -> None:
        story = Story(listed=False)
        story.reflector.listed("7", "second")
        story.list_failed(GONE)

        assert story.list_failed(GONE)
        assert story.after_waiting() == FROM_START

    @pytest.mark.parametrize("error", [THROTTLED, BROKEN, UNREACHABLE, UNAUTHORIZED])
    def test_what_passes_costs_no_page_that_was_had(self, error: ApiError) -> None:
        story = Story(listed=False)
        story.reflector.listed("7", "second")

        assert story.list_failed(error)
        assert story.after_waiting() == ListPage("second")

    @pytest.mark.parametrize("error", [FORBIDDEN, NOT_FOUND, TOO_LARGE, ApiStatusError(400)])
    def test_what_does_not_pass_begins_the_list_anew(self, error: ApiError) -> None:
        story = Story(listed=False)
        story.reflector.listed("7", "second")

        assert story.list_failed(error)
        assert story.after_waiting() == FROM_START

    def test_a_page_that_makes_no_sense_begins_the_list_anew(self) -> None:
        story = Story(listed=False)
        story.reflector.listed("7", "second")
        story.reflector.malformed(now_timestamp=story.now)

        assert story.after_waiting() == FROM_START

    def test_cg_list_and_watch_with_errors_waits_grow_while_lists_fail(self) -> None:
        story = Story(listed=False)
        waited = []
        for _ in range(7):
            story.list_failed(UNREACHABLE)
            waited.append(story.next())

        assert waited == [Wait(s) for s in (0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 30)]

    def test_asking_for_a_list_ends_waiting_for_one(self) -> None:
        story = Story(listed=False)
        story.list_failed(FORBIDDEN)
        story.reflector.relist()

        assert story.next() == FROM_START


class TestWatching:
    def test_cg_resource_version_update_each_event_moves_the_watch_on(self) -> None:
        # CG TestReflectorResourceVersionUpdate: ADDED, MODIFIED, DELETED and BOOKMARK.
        for kind, means in [
            ("ADDED", EventKind.HELD),
            ("MODIFIED", EventKind.HELD),
            ("DELETED", EventKind.GONE),
            ("BOOKMARK", EventKind.NOTHING),
        ]:
            story = Story()

            assert story.told(event(kind, "10")) == [means]
            assert story.ended()
            assert watched_from(story.next()) == "10"

    def test_cg_watch_timeout_watches_are_asked_to_end_at_different_times(self) -> None:
        found = {Story(jitter=jitter).next() for jitter in (0, 0.5, 1)}

        assert {one.timeout_seconds for one in found if isinstance(one, Watch)} == {300, 450, 600}

    def test_ka_a_watch_that_ends_is_begun_again_where_it_ended_and_at_once(self) -> None:
        story = Story()
        story.told()

        assert story.ended()
        assert watched_from(story.next()) == "7"

    def test_ka_a_watch_that_ends_at_once_is_not_begun_again_without_end(self) -> None:
        # kubernetes_asyncio 36.1: 1,754 reconnects within a second.
        story = Story()
        waited = []
        for _ in range(4):
            story.told()
            assert not story.ended(lasted_seconds=0.2)
            waited.append(story.next())

        assert waited == [Wait(s) for s in (0.8, 1.6, 3.2, 6.4)]
        assert watched_from(story.next()) == "7"

    def test_a_short_watch_that_told_something_is_none_that_failed(self) -> None:
        story = Story()
        story.told(event("ADDED"))

        assert story.ended(lasted_seconds=0.2)

    def test_a_watch_that_worked_ends_the_waits_of_earlier_failures(self) -> None:
        story = Story()
        for _ in range(6):
            story.watch_failed(UNREACHABLE)
            story.next()
        assert isinstance(story.next(), Watch)
        assert story.ended(lasted_seconds=1.0)
        story.watch_failed(UNREACHABLE)

        assert story.next() == Wait(0.8)

    def test_what_an_earlier_watch_told_does_not_excuse_a_later_one(self) -> None:
        story = Story()
        story.told(event("ADDED"))
        story.ended()
        story.told()

        assert not story.ended(lasted_seconds=0.2)

    def test_ko_inactivity_before_the_first_bookmark_silence_is_as_long_as_the_watch(self) -> None:
        action = Story().next()

        assert isinstance(action, Watch)
        assert action.silence_seconds == action.timeout_seconds + 30

    def test_ko_inactivity_a_server_that_sends_bookmarks_is_dead_after_a_minute_and_a_half(
        self,
    ) -> None:
        story = Story()
        story.told(event("BOOKMARK"))
        story.ended()
        action = story.next()

        assert isinstance(action, Watch)
        assert action.silence_seconds == 90

    def test_ka_an_unknown_type_is_left_alone(self) -> None:
        story = Story()

        assert story.told(event("SYNC", "10")) == [EventKind.UNKNOWN]
        assert not story.ended(lasted_seconds=0.1)
        assert watched_from(story.after_waiting()) == "7"

    @pytest.mark.parametrize(
        "frame",
        [
            {},
            {"type": 5, "object": {}},
            {"type": "ERROR"},
            {"type": "ERROR", "object": "boom"},
            {"type": "ADDED"},
            {"type": "ADDED", "object": None},
            {"type": "MODIFIED", "object": {"metadata": []}},
            {"type": "BOOKMARK", "object": {"metadata": {}}},
            {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": None}}},
        ],
    )
    def test_ka_a_malformed_event_ends_the_watch_and_lists(self, frame: dict[str, Any]) -> None:
        story = Story()

        assert story.told(frame) == [EventKind.MALFORMED]
        story.reflector.malformed(now_timestamp=story.now)
        assert story.after_waiting() == FROM_START


class TestWatchErrors:
    @pytest.mark.parametrize(
        "error", [GONE, ApiStatusError(410, reason="Gone"), ApiStatusError(410)]
    )
    def test_cg_expired_exact_resource_version_lists(self, error: ApiError) -> None:
        story = Story()
        story.told(event("ADDED"))
        story.watch_failed(error)

        assert story.next() == FROM_START

    @pytest.mark.parametrize("reason", ["Expired", "Gone"])
    def test_lk_watch_error_410_as_an_event_lists(self, reason: str) -> None:
        # kubernetes_asyncio 36.1 tried the same version once more, and gave up.
        story = Story()

        assert story.told(event("ADDED"), error_event(410, reason))[-1] is EventKind.FAILED
        assert story.next() == FROM_START

    def test_what_is_forgotten_right_after_it_was_listed_is_not_listed_without_end(self) -> None:
        story = Story()
        story.watch_failed(GONE)
        waits = []
        for _ in range(3):
            waits.append(story.next())
            assert story.next() == FROM_START
            story.reflector.listed("9", "")
            story.told(error_event(410, "Expired"))

        assert waits == [Wait(0.8), Wait(1.6), Wait(3.2)]

    @pytest.mark.parametrize("error", [THROTTLED, UNREACHABLE, UNAUTHORIZED, FORBIDDEN])
    def test_cg_no_relist_on_too_many_requests_and_the_like(self, error: ApiError) -> None:
        story = Story()
        for _ in range(20):
            story.watch_failed(error)
            assert watched_from(story.after_waiting()) == "7"

    def test_ko_error_retries_what_the_server_asks_for_is_waited_for(self) -> None:
        story = Story()
        story.watch_failed(THROTTLED)

        assert story.next() == Wait(7)

    def test_cg_backoff_on_too_many_requests(self) -> None:
        story = Story()
        waits = []
        for _ in range(3):
            story.watch_failed(ApiStatusError(429))
            waits.append(story.next())

        assert waits == [Wait(0.8), Wait(1.6), Wait(3.2)]

    @pytest.mark.parametrize("inside", [True, False])
    def test_cg_retry_internal_error_passes_or_lists_after_half_a_minute(
        self, inside: bool
    ) -> None:
        story = Story()
        began, watched = story.now, 0
        while (action := story.next()) != FROM_START:
            if isinstance(action, Watch):
                assert action.resource_version == "7"
                watched += 1
                if inside:
                    story.reflector.event(error_event(500, "InternalError"))
                story.watch_failed(BROKEN)

        assert watched == 7
        assert 30 <= story.now - began < 60

    def test_cg_retry_internal_error_an_event_in_between_begins_the_time_anew(self) -> None:
        story = Story()
        for version in range(10, 30):
            story.told(event("MODIFIED", str(version)), error_event(500, "InternalError"))
            assert isinstance(story.next(), Wait)
            story.now += 20

        assert watched_from(story.next()) == "29"

    def test_cg_full_list_if_too_large_a_version_of_the_future_lists_after_a_second(self) -> None:
        # An etcd that was restored from a backup is behind the watched version.
        story = Story()
        story.watch_failed(TOO_LARGE)

        assert story.next() == Wait(1)
        assert story.next() == FROM_START

    def test_a_server_that_went_back_in_time_is_watched_from_where_it_is(self) -> None:
        story = Story()
        story.told(event("ADDED", "10"))
        story.watch_failed(TOO_LARGE)
        assert story.after_waiting() == FROM_START
        story.reflector.listed("5", "")

        assert watched_from(story.next()) == "5"

    def test_a_timeout_of_another_kind_is_an_error_that_passes(self) -> None:
        story = Story()
        story.watch_failed(ApiStatusError(504, reason="Timeout"))

        assert watched_from(story.after_waiting()) == "7"

    @pytest.mark.parametrize("jitter", [0, 0.5, 1])
    def test_ko_403_is_asked_again_each_half_to_whole_minute(self, jitter: float) -> None:
        story = Story(jitter=jitter)
        waits = set()
        for _ in range(10):
            story.watch_failed(FORBIDDEN)
            waits.add(story.next())

        assert waits == {Wait(30 + 30 * jitter)}

    def test_a_collection_that_is_gone_is_looked_for_each_half_minute(self) -> None:
        story = Story()
        story.watch_failed(NOT_FOUND)

        for _ in range(5):
            assert story.next() == Wait(30)
            assert story.next() == FROM_START
            story.list_failed(NOT_FOUND)

    def test_any_other_refusal_lists(self) -> None:
        story = Story()
        story.watch_failed(ApiStatusError(400, reason="BadRequest"))

        assert story.after_waiting() == FROM_START

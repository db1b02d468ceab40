"""The status of a Monitor as JSON: all written fields can be read, and other fields stay."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from tests.core.examples import DOWN, UP, monitor, push, row
from tests.fakes.merge_patch import applied
from tests.laws import examples
from tests.status.statuses import status
from yuptime_exporter.core.model import RESULTS, Arming, LastPush, PushKind, Row
from yuptime_exporter.core.runs import NO_RUNS, Run, Runs
from yuptime_exporter.resource.monitor_object import SpecProblem
from yuptime_exporter.status.body import (
    Stored,
    patch_of,
    shown_of,
    stored_in,
    wanted_body,
)
from yuptime_exporter.status.conditions import status_of_invalid
from yuptime_exporter.status.model import Condition, ConditionType, Holds

SAID = status(row(push(UP, at=1000.25, message="done"), token_digests=(b"a" * 32,)), at=1000.25)

# The clock of the exporter has microseconds, as Kubernetes has.
moments = st.floats(1, 4e9).map(lambda moment: round(moment, 6))
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
counts = st.integers(0, 2**60)


run_ids = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=20)
open_runs = st.lists(
    st.builds(Run, run_ids, moments, moments), max_size=3, unique_by=lambda run: run.run_id
).map(lambda runs: tuple(sorted(runs, key=lambda run: run.started_timestamp)))
some_runs = st.builds(
    Runs,
    open=open_runs,
    last_start_timestamp=moments,
    starts_total=counts,
    abandoned_total=counts,
    durations_total=counts,
    durations_seconds=st.floats(0, 1e9),
    last_duration_seconds=st.none() | st.floats(0, 1e9),
    last_exit_code=st.none() | st.integers(-(2**31), 2**32 - 1),
)
WITHOUT_RUNS = dict.fromkeys(
    (
        "lastStartTime",
        "startCount",
        "openRuns",
        "abandonedRunCount",
        "lastDurationSeconds",
        "lastExitCode",
        "durationCount",
        "durationSecondsSum",
    )
)


@st.composite
def rows(draw: st.DrawFn) -> Row:
    armed, received = draw(moments), draw(moments)
    paused = draw(st.none() | moments)
    said = draw(st.none() | st.sampled_from(RESULTS))
    runs = draw(st.just(NO_RUNS) | some_runs)
    last = None if said is None and runs == NO_RUNS else LastPush(runs=runs)
    if said is not None:
        last = LastPush(
            status=said,
            message=draw(texts),
            received_timestamp=received,
            since_timestamp=draw(moments),
            last_success_timestamp=received if said is UP else draw(st.just(0.0) | moments),
            pushes_total=1 + draw(counts),
            pushes_down_total=draw(counts),
            runs=runs,
        )
    declared = monitor(expire_seconds=draw(st.integers(1, 10**6)), enabled=paused is None)
    return Row(declared, Arming(armed, paused_timestamp=paused), last)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.floats(-1, 1) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "b", "c"]), inner, max_size=3)
    ),
    max_leaves=10,
)
json_objects = st.dictionaries(st.sampled_from(["a", "b", "c", "d"]), json_values, max_size=4)


def contains(whole: Any, part: Any) -> bool:
    """Return whether all wanted fields are there, and all unwanted ones are not."""
    if not isinstance(part, Mapping):
        return bool(whole == part)
    whole = whole if isinstance(whole, Mapping) else {}
    return all(
        whole.get(name) is None if value is None else contains(whole.get(name), value)
        for name, value in part.items()
    )


class TestWhatIsWrittenIsRead:
    @given(rows(), moments)
    @settings(max_examples=examples(50))
    def test_a_written_status_is_read_as_it_was_written(self, held: Row, at: float) -> None:
        body = wanted_body(status(held, at=at), {}, now_timestamp=at)
        written = applied(patch_of(body, {}), {})

        assert stored_in(written) == Stored(held.arming, held.last_push)

    @given(rows(), rows(), moments)
    @settings(max_examples=examples(50))
    def test_a_status_is_read_as_it_was_written_over_any_other(
        self, before: Row, held: Row, at: float
    ) -> None:
        body = wanted_body(status(before, at=at), {}, now_timestamp=at)
        found = applied(patch_of(body, {}), {})
        wanted = wanted_body(status(held, at=at), found, now_timestamp=at)

        assert stored_in(applied(patch_of(wanted, found), found)) == Stored(
            held.arming, held.last_push
        )

    @given(rows(), moments)
    @settings(max_examples=examples(50))
    def test_a_status_is_shown_as_it_was_written(self, held: Row, at: float) -> None:
        said = status(held, at=at, generation=7)
        body = wanted_body(said, {}, now_timestamp=at)
        found = shown_of(applied(patch_of(body, {}), {}))

        assert found == shown_of(body)
        assert (found.generation, found.state, found.reason) == (7, said.state, said.reason)
        assert found.conditions == said.conditions
        assert found.armed_timestamp == held.arming.armed_timestamp
        assert found.paused_timestamp == held.arming.paused_timestamp
        assert found.expires_timestamp == said.expires_timestamp

    @given(rows(), moments)
    @settings(max_examples=examples(50))
    def test_a_written_status_is_not_written_again(self, held: Row, at: float) -> None:
        # kopf, test_patching: a patch that changes nothing makes no call.
        said = status(held, at=at)
        found = applied(patch_of(wanted_body(said, {}, now_timestamp=at), {}), {})

        assert patch_of(wanted_body(said, found, now_timestamp=at + 60), found) == {}

    def test_a_status_shows_head_and_tail_of_a_long_message(self) -> None:
        said = status(row(push(DOWN, at=1000, message="H" * 2000 + "T" * 2000)), at=1000)
        body = wanted_body(said, {}, now_timestamp=1000)

        assert body["push"]["message"] == "H" * 251 + " […] " + "T" * 768
        assert body["lastResult"]["message"] == body["push"]["message"]

    def test_a_status_is_written_in_the_words_of_the_definition(self) -> None:
        body = wanted_body(SAID, {}, now_timestamp=1000.25)

        assert body["observedGeneration"] == 1
        assert body["lastResult"] == {
            "state": "up",
            "checkedAt": "1970-01-01T00:16:40.250000Z",
            "reason": "PUSH_OK",
            "message": "done",
        }
        assert body["push"] == {
            "armedTime": "1970-01-01T00:16:40.000000Z",
            "pausedTime": None,
            "expiresAt": "1970-01-01T00:21:40.250000Z",
            "downAt": "1970-01-01T00:22:40.250000Z",
            "lastPushTime": "1970-01-01T00:16:40.250000Z",
            "lastStatus": "up",
            "message": "done",
            "sinceTime": "1970-01-01T00:16:40.250000Z",
            "lastSuccessTime": "1970-01-01T00:16:40.250000Z",
            "count": 1,
            "downCount": 0,
            **WITHOUT_RUNS,
        }
        assert body["conditions"][0] == {
            "type": "Valid",
            "status": "True",
            "observedGeneration": 1,
            "lastTransitionTime": "1970-01-01T00:16:40Z",
            "reason": "SpecValid",
            "message": "The spec is active.",
        }

    def test_a_status_before_the_first_push_has_no_push(self) -> None:
        body = wanted_body(status(row(), at=1000), {}, now_timestamp=1000)
        written = applied(patch_of(body, {}), {})

        assert set(written["push"]) == {"armedTime", "expiresAt", "downAt", "count", "downCount"}
        assert written["lastResult"]["checkedAt"] == "1970-01-01T00:16:40.000000Z"

    def test_the_status_of_a_spec_that_was_never_valid_has_no_fields_of_pushes(self) -> None:
        said = status_of_invalid(None, SpecProblem("SpecInvalid", "no"), generation=2)
        body = wanted_body(said, {}, now_timestamp=1000)

        assert "push" not in body
        assert body["lastResult"]["checkedAt"] is None
        assert stored_in(body) == Stored(None, None)

    def test_the_result_was_checked_when_the_state_began_or_was_confirmed(self) -> None:
        held = row(push(UP, at=1000))

        assert [
            wanted_body(status(held, at=at), {}, now_timestamp=at)["lastResult"]["checkedAt"][14:19]
            for at in (1000, 1200, 1300, 1360, 9000)
        ] == ["16:40", "16:40", "21:40", "22:40", "22:40"]


class TestMergePatches:
    @given(json_objects, json_objects)
    @example({"a": None}, {})
    @example({"a": {"b": None}}, {"a": 1})
    def test_a_merge_patch_turns_the_found_status_into_the_wanted_one(
        self, wanted: dict[str, Any], found: dict[str, Any]
    ) -> None:
        patch = patch_of(wanted, found)

        assert contains(applied(patch, found), wanted)

    @given(json_objects, json_objects)
    @settings(max_examples=examples(50))
    def test_a_merge_patch_leaves_other_fields_alone(
        self, wanted: dict[str, Any], found: dict[str, Any]
    ) -> None:
        after = applied(patch_of(wanted, found), found)

        for name in found.keys() - wanted.keys():
            assert after[name] == found[name]

    @given(json_objects, json_objects)
    @settings(max_examples=examples(50))
    def test_a_merge_patch_is_empty_where_nothing_differs(
        self, wanted: dict[str, Any], found: dict[str, Any]
    ) -> None:
        after = applied(patch_of(wanted, found), found)

        assert patch_of(wanted, after) == {}
        assert bool(patch_of(wanted, found)) is not contains(found, wanted)


# The status that another program writes to its own monitors.
FOREIGN = {
    "uptime": {"last24h": 99.5},
    "nextRunAt": "2026-01-31T08:00:00Z",
    "lastResult": {"latencyMs": 12, "attempts": 1, "state": "down", "message": "theirs"},
    "push": {"note": "of somebody"},
    "conditions": [
        {"type": "Reconciled", "status": "True", "reason": "AllGood", "message": "theirs"},
        {"type": "Ready", "status": "False", "reason": "Theirs", "message": ""},
    ],
}


class TestWhatIsNotOurs:
    def test_fields_of_other_programs_stay_as_they_are(self) -> None:
        after = applied(patch_of(wanted_body(SAID, FOREIGN, now_timestamp=1000), FOREIGN), FOREIGN)

        assert after["uptime"] == FOREIGN["uptime"]
        assert after["nextRunAt"] == FOREIGN["nextRunAt"]
        assert after["lastResult"]["latencyMs"] == 12
        assert after["lastResult"]["state"] == "up"
        assert after["push"]["note"] == "of somebody"

    def test_conditions_of_other_programs_stay_as_they_are(self) -> None:
        body = wanted_body(SAID, FOREIGN, now_timestamp=1000)

        kinds = [one["type"] for one in body["conditions"]]
        assert body["conditions"][0] == FOREIGN["conditions"][0]  # type: ignore[index]
        assert kinds == ["Reconciled", "Valid", "TokenResolved", "Ready", "Up"]

    def test_fields_of_other_programs_are_no_reason_to_write(self) -> None:
        found = applied(patch_of(wanted_body(SAID, FOREIGN, now_timestamp=1000), FOREIGN), FOREIGN)
        found["conditions"] = [*found["conditions"][1:], {"type": "Extra", "status": "True"}]

        wanted = wanted_body(SAID, found, now_timestamp=1060)
        again = applied(patch_of(wanted, found), found)
        assert patch_of(wanted_body(SAID, again, now_timestamp=1120), again) == {}
        assert {"type": "Extra", "status": "True"} in again["conditions"]

    def test_conditions_of_other_programs_are_not_shown(self) -> None:
        assert [one.type for one in shown_of(FOREIGN).conditions] == ["Ready"]


def transition_times(body: Mapping[str, Any]) -> dict[str, str]:
    return {one["type"]: one["lastTransitionTime"] for one in body["conditions"]}


class TestTransitionTimes:
    HELD = row(push(UP, at=1000), token_digests=(b"a" * 32,))

    def test_transition_times_stay_while_a_condition_holds(self) -> None:
        found = wanted_body(status(self.HELD, at=1000), {}, now_timestamp=1000)
        later = wanted_body(status(self.HELD, at=1310, generation=2), found, now_timestamp=1310)

        assert transition_times(later) == transition_times(found)
        assert {one["observedGeneration"] for one in later["conditions"]} == {2}
        assert later["conditions"][3]["reason"] == "InGracePeriod"

    def test_the_transition_time_moves_for_the_condition_that_flips_and_for_no_other(self) -> None:
        found = wanted_body(status(self.HELD, at=1000), {}, now_timestamp=1000)
        later = wanted_body(status(self.HELD, at=1361), found, now_timestamp=1361)

        moved = transition_times(later).items() - transition_times(found).items()
        assert moved == {("Up", "1970-01-01T00:22:40Z")}  # when it was due, not when it was seen

    def test_the_transition_time_of_a_condition_about_the_api_server_is_that_of_its_discovery(
        self,
    ) -> None:
        found = wanted_body(status(self.HELD, at=1000), {}, now_timestamp=1000)
        without = self.HELD.replace(monitor=self.HELD.monitor._replace(token_digests=()))
        later = wanted_body(status(without, at=1100), found, now_timestamp=1100.75)

        assert transition_times(later) == {
            **transition_times(found),
            "TokenResolved": "1970-01-01T00:18:20Z",
            "Ready": "1970-01-01T00:18:20Z",
        }

    @given(
        st.lists(
            st.tuples(st.integers(1, 400), st.sampled_from([None, UP, DOWN]), st.booleans()),
            max_size=10,
        )
    )
    @settings(max_examples=examples(50))
    def test_transition_times_move_exactly_when_the_status_of_their_condition_does(
        self, history: list[tuple[int, PushKind | None, bool]]
    ) -> None:
        found: dict[str, Any] = {}
        held, now = row(), 1000.0
        for wait, said, resolved in history:
            now += wait
            last = held.last_push if said is None else push(said, at=now)
            digests = (b"a" * 32,) if resolved else ()
            held = Row(held.monitor._replace(token_digests=digests), held.arming, last)
            after = wanted_body(status(held, at=now), found, now_timestamp=now)
            before = {one["type"]: one for one in found.get("conditions", [])}
            for one in after["conditions"]:
                was = before.get(one["type"])
                if was is not None and was["status"] == one["status"]:
                    assert one["lastTransitionTime"] == was["lastTransitionTime"]
                elif was is not None:
                    assert one["lastTransitionTime"] > was["lastTransitionTime"]
            found = applied(patch_of(after, found), found)


names = st.sampled_from(
    ["conditions", "lastResult", "push", "observedGeneration", "type", "status", "reason",
     "message", "lastPushTime", "lastStatus", "armedTime", "pausedTime", "sinceTime",
     "lastSuccessTime", "expiresAt", "count", "downCount", "state", "lastTransitionTime"]
)  # fmt: skip
words = st.sampled_from(
    ["up", "down", "True", "Valid", "Up", "", "2026-01-31T08:00:00Z", "2026-01-31",
     "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59.999999-23:59", "2026-13-01T00:00:00Z"]
)  # fmt: skip
garbage = st.dictionaries(
    names,
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | words,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=6),
        max_leaves=25,
    ),
    max_size=5,
)


class TestGarbage:
    @given(garbage)
    @example({"conditions": [{"type": ["Valid"], "status": "True"}]})
    @example({"conditions": [{"type": "Valid", "status": ["True"]}]})
    @example({"conditions": [{"type": {}, "status": {}}, 1, None]})
    @example({"push": {"armedTime": "0001-01-01T00:00:00+23:59"}})
    @example({"push": {"lastPushTime": "9999-12-31T23:59:59-23:59", "lastStatus": "up"}})
    def test_a_malformed_status_is_read_and_overwritten(self, found: dict[str, Any]) -> None:
        stored = stored_in(found)
        shown_of(found)
        held = row(stored.last_push, armed=stored.arming.armed_timestamp if stored.arming else 1)
        said = status(row(), at=1000)

        after = applied(patch_of(wanted_body(said, found, now_timestamp=1000), found), found)
        assert shown_of(after).conditions == said.conditions
        assert stored_in(after) == Stored(Arming(1000), None)
        assume(max(held.arming.armed_timestamp, 1) < 2e9)
        assume(held.last_push is None or held.last_push.received_timestamp < 2e9)
        wanted_body(status(held, at=2e9), found, now_timestamp=2e9)

    @pytest.mark.parametrize(
        "found",
        [
            {},
            {"push": None},
            {"push": []},
            {"push": {"lastStatus": "up"}},
            {"push": {"lastPushTime": "yesterday", "lastStatus": "up"}},
            {"push": {"lastPushTime": "2026-01-31T08:00:00", "lastStatus": "up"}},
            {"push": {"lastPushTime": "2026-01-31T08:00:00Z", "lastStatus": "sideways"}},
            {"push": {"lastPushTime": "2026-01-31T08:00:00Z"}},
            {"push": {"lastPushTime": "0001-01-01T00:00:00Z", "lastStatus": "up"}},
        ],
    )
    def test_a_malformed_push_is_no_push(self, found: dict[str, Any]) -> None:
        assert stored_in(found).last_push is None

    def test_a_malformed_field_costs_only_the_field_that_it_replaces(self) -> None:
        found = {
            "push": {
                "lastPushTime": "1970-01-01T00:16:40Z",
                "lastStatus": "down",
                "sinceTime": 7,
                "lastSuccessTime": "never",
                "message": None,
                "count": "many",
                "downCount": -3,
            }
        }

        assert stored_in(found).last_push == push(
            DOWN, at=1000, pushes_total=1, pushes_down_total=0
        )

    def test_conditions_with_an_unknown_status_are_not_shown(self) -> None:
        found = {
            "conditions": [
                {"type": "Valid", "status": "Perhaps"},
                {"type": "Up", "status": "True"},
            ]
        }

        assert shown_of(found).conditions == (Condition(ConditionType.UP, Holds.TRUE, "", ""),)

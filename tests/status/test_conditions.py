"""The status of a Monitor for each row, and the changes that are reported as Events."""

import re
from dataclasses import replace
from typing import Any

import pytest

from tests.core.examples import DOWN, START, UP, monitor, push, pushed, row
from tests.status.statuses import NOTHING_SHOWN, shown, status
from yuptime_exporter.core.model import Arming, LastPush, Reason, Row, State, TokenProblem
from yuptime_exporter.resource.monitor_object import CROSS_NAMESPACE, SpecProblem
from yuptime_exporter.status.conditions import occurrences, status_of_invalid
from yuptime_exporter.status.model import (
    Condition,
    ConditionType,
    Holds,
    MonitorStatus,
    Occurrence,
)

TOKENS = (b"a" * 32,)
GOOD = row(push(UP, at=1000, message="copied 3 files"), token_digests=TOKENS)


def condition(said: MonitorStatus, kind: ConditionType) -> Condition:
    [found] = [one for one in said.conditions if one.type is kind]
    return found


def holds(said: MonitorStatus) -> list[Holds]:
    return [one.holds for one in said.conditions]


PENDING = row()
SAID_UP = row(push(UP, at=1000, message="done"))
SAID_DOWN = row(push(DOWN, at=1000, message="disk full"))
PAUSED = row(push(UP, at=1000, message="done"), paused=1100)


class TestEachVerdict:
    """State and reason of the result, the condition Up with its reason, and since when."""

    @pytest.mark.parametrize(
        ("held", "at", "result", "up"),
        [
            (
                PENDING,
                1000,
                ("pending", "AWAITING_FIRST_PUSH", 1000),
                ("Unknown", "AwaitingFirstPush"),
            ),
            (SAID_UP, 1000, ("up", "PUSH_OK", 1000), ("True", "ReportedUp")),
            (SAID_UP, 1300, ("late", "IN_GRACE", 1300), ("True", "InGracePeriod")),
            (SAID_UP, 1360, ("down", "PUSH_TIMEOUT", 1360), ("False", "Overdue")),
            (PENDING, 1360, ("down", "NO_PUSH_RECEIVED", 1360), ("False", "NeverPushed")),
            (SAID_DOWN, 1000, ("down", "PUSH_DOWN", 1000), ("False", "ReportedDown")),
            (SAID_DOWN, 9000, ("down", "PUSH_DOWN", 1000), ("False", "ReportedDown")),
            (PAUSED, 9000, ("paused", "MONITOR_DISABLED", 1100), ("Unknown", "Paused")),
        ],
    )
    def test_each_verdict_has_its_words_in_the_status(
        self, held: Row, at: float, result: tuple[str, str, float], up: tuple[str, str]
    ) -> None:
        said = status(held, at=at, generation=3)

        shown_up = condition(said, ConditionType.UP)
        assert (said.state, said.reason, said.since_timestamp) == result
        assert (shown_up.holds, shown_up.reason) == up
        assert (said.generation, said.row) == (3, held)

    def test_a_status_contains_the_expiry_and_the_deadline(self) -> None:
        said = status(SAID_UP, at=1100)

        assert (said.expires_timestamp, said.deadline_timestamp) == (1300, 1360)

    @pytest.mark.parametrize(
        ("held", "at", "message"),
        [
            (SAID_UP, 1000, "done"),
            (SAID_DOWN, 1000, "disk full"),
            (SAID_DOWN, 9000, "disk full"),
            (SAID_UP, 1300, "The last push has expired; the grace period runs."),
            (SAID_UP, 1360, "No push came before the deadline."),
            (PENDING, 1000, "No push yet; the first is awaited."),
            (PENDING, 1360, "The first push did not come before the deadline."),
            (PAUSED, 1200, "The monitor is paused: spec.enabled is false."),
        ],
    )
    def test_a_status_has_the_message_of_the_job_where_its_push_decides_the_state(
        self, held: Row, at: float, message: str
    ) -> None:
        assert status(held, at=at).message == message

    def test_conditions_stay_the_same_while_their_reason_does(self) -> None:
        first = status(GOOD, at=1000)
        again = status(row(push(UP, at=1200, message="more"), token_digests=TOKENS), at=1250)

        assert again.conditions == first.conditions


def test_all_conditions_are_there_in_one_order() -> None:
    assert [one.type for one in status(PENDING, at=1000).conditions] == list(ConditionType)


@pytest.mark.parametrize("held", [PENDING, SAID_UP, SAID_DOWN, PAUSED, GOOD])
@pytest.mark.parametrize("at", [1000, 1300, 9000])
def test_every_reason_is_a_word_as_kubernetes_wants_it(held: Row, at: float) -> None:
    said = status(held, at=at)

    for one in said.conditions:
        assert re.fullmatch("[A-Z][A-Za-z]*", one.reason)
        assert one.message.endswith(".")
    assert re.fullmatch("[A-Z_]+", said.reason)


class TestTokens:
    @pytest.mark.parametrize(
        ("digests", "message"),
        [
            (TOKENS, "One token is accepted."),
            ((b"a" * 32, b"b" * 32), "2 tokens are accepted."),
        ],
    )
    def test_accepted_tokens_are_counted(self, digests: tuple[bytes, ...], message: str) -> None:
        said = status(row(token_digests=digests), at=1000)

        assert condition(said, ConditionType.TOKEN_RESOLVED) == Condition(
            ConditionType.TOKEN_RESOLVED, Holds.TRUE, "TokensFound", message
        )
        assert condition(said, ConditionType.READY).reason == "AcceptingPushes"
        assert holds(said)[:3] == ["True", "True", "True"]

    @pytest.mark.parametrize(
        ("trouble", "message"),
        [
            (TokenProblem.SECRET_NOT_FOUND, "There is no Secret tokens in this namespace."),
            (TokenProblem.KEY_NOT_FOUND, "The Secret tokens has no key token."),
            (TokenProblem.NO_TOKENS, "The key token of the Secret tokens holds no token."),
            (
                TokenProblem.SECRET_FORBIDDEN,
                "yuptime-exporter may not read the Secret tokens.",
            ),
            (
                TokenProblem.UNSENDABLE,
                (
                    "No HTTP header can carry the tokens in the key token of the Secret tokens: "
                    "they begin with a byte order mark, or are UTF-16 or binary. Save them as "
                    "UTF-8 without a mark."
                ),
            ),
            (None, "There is no Secret tokens in this namespace."),
        ],
    )
    def test_missing_tokens_make_a_monitor_not_ready_and_nothing_else(
        self, trouble: TokenProblem | None, message: str
    ) -> None:
        said = status(row(push(UP, at=1000), token_problem=trouble), at=1000)

        token = condition(said, ConditionType.TOKEN_RESOLVED)
        ready = condition(said, ConditionType.READY)
        assert (token.holds, token.message) == ("False", message)
        assert token.reason == (trouble or TokenProblem.SECRET_NOT_FOUND)
        assert (ready.holds, ready.reason, ready.message) == ("False", "TokenUnavailable", message)
        assert holds(said) == ["True", "False", "False", "True"]

    def test_the_type_of_a_secret_that_is_not_watched_is_named(self) -> None:
        refused = row(token_problem=TokenProblem.SECRET_TYPE, secret_type="kubernetes.io/tls")

        token = condition(status(refused, at=1000), ConditionType.TOKEN_RESOLVED)
        assert token.reason == "SecretTypeUnsupported"
        assert "has the type kubernetes.io/tls, which is not watched" in token.message

    def test_tokens_that_no_header_can_carry_are_not_resolved_although_they_are_kept(self) -> None:
        kept = row(token_digests=TOKENS, token_problem=TokenProblem.UNSENDABLE)

        assert holds(status(kept, at=1000))[:3] == ["True", "False", "False"]


INVALID = SpecProblem("SpecInvalid", "expireSeconds: found 0, allowed is at least 1")
CROSSING = SpecProblem(CROSS_NAMESPACE, "cross-namespace reference")


class TestARefusedSpec:
    def test_a_spec_that_was_never_valid_leaves_all_other_conditions_unknown(self) -> None:
        said = status_of_invalid(None, INVALID, generation=2)

        assert (said.state, said.reason, said.message) == (
            "pending",
            "INVALID_CONFIG",
            INVALID.message,
        )
        assert holds(said) == ["False", "Unknown", "False", "Unknown"]
        assert [one.type for one in said.conditions] == list(ConditionType)
        assert condition(said, ConditionType.VALID).reason == "SpecInvalid"
        assert condition(said, ConditionType.VALID).message == INVALID.message
        assert condition(said, ConditionType.READY).message == INVALID.message
        assert (said.row, said.expires_timestamp, said.since_timestamp) == (None, None, None)

    def test_a_spec_with_a_secret_of_another_namespace_is_valid_and_has_no_token(self) -> None:
        said = status_of_invalid(None, CROSSING, generation=2)

        assert holds(said) == ["True", "False", "False", "Unknown"]
        assert condition(said, ConditionType.TOKEN_RESOLVED).reason == CROSS_NAMESPACE
        assert condition(said, ConditionType.READY).reason == CROSS_NAMESPACE

    def test_an_invalid_spec_leaves_the_last_good_one_active_in_the_status(self) -> None:
        last_good = status(GOOD, at=1000, generation=1)

        said = status_of_invalid(last_good, INVALID, generation=2)

        assert holds(said) == ["False", "True", "True", "True"]
        assert said.generation == 2
        assert replace(said, generation=1, conditions=last_good.conditions) == last_good
        assert said.conditions[1:] == last_good.conditions[1:]

    def test_a_spec_with_a_forbidden_secret_leaves_the_last_good_one_active_too(self) -> None:
        last_good = status(GOOD, at=1000, generation=1)

        said = status_of_invalid(last_good, CROSSING, generation=2)

        assert holds(said) == ["True", "False", "True", "True"]
        assert condition(said, ConditionType.TOKEN_RESOLVED).message == CROSSING.message


def happened(before: MonitorStatus | None, after: MonitorStatus) -> list[Occurrence]:
    return list(occurrences(shown(before) if before else NOTHING_SHOWN, after))


def said_of(last: LastPush | None, at: float, **fields: Any) -> MonitorStatus:
    paused = fields.pop("paused", None)
    declared = monitor(token_digests=TOKENS, enabled=paused is None, **fields)
    assert paused is None or isinstance(paused, float)
    return status(Row(declared, Arming(1000, paused_timestamp=paused), last), at=at)


UP_AT_1000 = said_of(push(UP, at=1000, message="done"), 1000)
PENDING_AT_1000 = said_of(None, 1000)
LATE = said_of(push(UP, at=1000), 1300)
OVERDUE = said_of(push(UP, at=1000), 1360)
NEVER_PUSHED = said_of(None, 1360)
REPORTED_DOWN = said_of(push(DOWN, at=1100, message="disk full"), 1100)
OVERRAN = said_of(pushed(row(push(UP, at=1000)), START, at=1100), 1200, max_runtime_seconds=100)
IS_PAUSED = said_of(push(UP, at=1000), 1200, paused=1200.0)
UP_AGAIN = said_of(push(UP, at=2000, message="done"), 2000)


class TestEvents:
    @pytest.mark.parametrize(
        ("before", "after", "expected"),
        [
            (UP_AT_1000, LATE, ("Late", False, 1300)),
            (LATE, OVERDUE, ("Overdue", True, 1360)),
            (UP_AT_1000, OVERDUE, ("Overdue", True, 1360)),
            (PENDING_AT_1000, NEVER_PUSHED, ("NeverPushed", True, 1360)),
            (UP_AT_1000, OVERRAN, ("Overran", True, 1200)),
            (UP_AT_1000, REPORTED_DOWN, ("ReportedDown", True, 1100)),
            (PENDING_AT_1000, REPORTED_DOWN, ("ReportedDown", True, 1100)),
            (None, REPORTED_DOWN, ("ReportedDown", True, 1100)),
            (OVERDUE, UP_AGAIN, ("Recovered", False, 2000)),
            (REPORTED_DOWN, UP_AGAIN, ("Recovered", False, 2000)),
            (UP_AT_1000, IS_PAUSED, ("Paused", False, 1200)),
            (REPORTED_DOWN, IS_PAUSED, ("Paused", False, 1200)),
        ],
    )
    def test_an_event_reports_a_new_state(
        self,
        before: MonitorStatus | None,
        after: MonitorStatus,
        expected: tuple[str, bool, float],
    ) -> None:
        [found] = happened(before, after)

        assert (found.reason, found.warning, found.since_timestamp) == expected

    @pytest.mark.parametrize(
        ("before", "after"),
        [
            (None, PENDING_AT_1000),
            (None, UP_AT_1000),
            (PENDING_AT_1000, UP_AT_1000),
            (LATE, UP_AGAIN),
            (IS_PAUSED, UP_AGAIN),
            (UP_AT_1000, UP_AT_1000),
            (REPORTED_DOWN, REPORTED_DOWN),
        ],
    )
    def test_no_event_reports_a_state_that_is_as_expected(
        self, before: MonitorStatus | None, after: MonitorStatus
    ) -> None:
        assert happened(before, after) == []

    def test_no_event_reports_one_incident_twice(self) -> None:
        reported = said_of(push(DOWN, at=5000, since_timestamp=1360), 5000)

        assert happened(OVERDUE, reported) == []

    def test_an_event_repeats_the_message_of_the_job(self) -> None:
        [down] = happened(UP_AT_1000, REPORTED_DOWN)
        [recovered] = happened(REPORTED_DOWN, UP_AGAIN)

        assert down.note == "The last push said down. disk full"
        assert recovered.note == "The last push said up and has not expired. done"

    def test_an_event_says_one_sentence_once(self) -> None:
        [overdue] = happened(UP_AT_1000, OVERDUE)

        assert overdue.note == "No push came before the deadline."

    def test_events_report_a_missing_token_and_its_return(self) -> None:
        without = status(row(push(UP, at=1000), token_problem=TokenProblem.KEY_NOT_FOUND), at=1000)

        [lost] = happened(UP_AT_1000, without)
        [found] = happened(without, UP_AT_1000)

        assert (lost.reason, lost.warning, lost.since_timestamp) == ("KeyNotFound", True, None)
        assert lost.note == "The Secret tokens has no key token."
        assert (found.reason, found.warning) == ("TokensFound", False)

    def test_no_event_reports_tokens_that_are_found_the_first_time(self) -> None:
        assert happened(None, said_of(None, 1000)) == []

    def test_no_event_reports_a_token_again_that_is_missing_for_another_reason(self) -> None:
        deleted = status(row(token_problem=TokenProblem.SECRET_NOT_FOUND), at=1000)
        emptied = status(row(token_problem=TokenProblem.NO_TOKENS), at=1000)

        assert happened(deleted, emptied) == []

    def test_events_report_an_invalid_spec_and_its_correction(self) -> None:
        refused = status_of_invalid(UP_AT_1000, INVALID, generation=2)

        [invalid] = happened(UP_AT_1000, refused)
        [corrected] = happened(refused, UP_AT_1000)

        assert (invalid.reason, invalid.note, invalid.warning) == (
            "SpecInvalid",
            INVALID.message,
            True,
        )
        assert (corrected.reason, corrected.warning) == ("SpecValid", False)

    def test_an_event_reports_a_monitor_that_is_invalid_from_the_beginning(self) -> None:
        said = status_of_invalid(None, INVALID, generation=1)

        assert [one.reason for one in happened(None, said)] == ["SpecInvalid"]

    def test_several_changes_at_once_are_several_events(self) -> None:
        lost = status(row(push(DOWN, at=1100), token_problem=TokenProblem.NO_TOKENS), at=1100)

        assert [one.reason for one in happened(UP_AT_1000, lost)] == ["NoTokens", "ReportedDown"]


def test_every_verdict_has_its_words() -> None:
    reached = {
        (said.state, said.reason) for said in (PENDING_AT_1000, UP_AT_1000, LATE, OVERDUE,
        NEVER_PUSHED, REPORTED_DOWN, OVERRAN, IS_PAUSED)
    }  # fmt: skip

    assert {state for state, _ in reached} == set(State)
    assert len(reached) == len(Reason) + 1  # overdue is late, and later down

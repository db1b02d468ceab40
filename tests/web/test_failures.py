"""The answers to rejections: one for each reason, inherited by subclasses."""

import json
from collections.abc import Iterator

import pytest

from yuptime_exporter.core.errors import (
    BodyTooLarge,
    FaultyPush,
    MalformedPush,
    MonitorUnwritable,
    RateLimited,
    Rejection,
    RejectionReason,
    StoreUnavailable,
)
from yuptime_exporter.web.failures import REJECTION_ANSWERS, rejected


def subclasses(of: type[Rejection]) -> Iterator[type[Rejection]]:
    for subclass in of.__subclasses__():
        yield subclass
        yield from subclasses(subclass)


def test_every_reason_has_an_answer() -> None:
    assert set(REJECTION_ANSWERS) == set(RejectionReason)


def test_every_rejection_has_a_reason_and_no_reason_is_without_one() -> None:
    raised = {one for one in subclasses(Rejection) if one is not FaultyPush}

    assert {one.reason for one in raised} == set(RejectionReason)


def test_a_new_kind_of_rejection_is_answered_like_its_parent() -> None:
    class TokenInBody(MalformedPush):
        pass

    answer = rejected(TokenInBody("the token stands in the body"))

    assert answer.status == 400
    assert json.loads(answer.body) == {
        "type": "about:blank",
        "title": "Bad Request",
        "status": 400,
        "detail": "the token stands in the body",
    }


@pytest.mark.parametrize(
    ("rejection", "retry_after"),
    [
        (RateLimited("too many", retry_after_seconds=7), "7"),
        (StoreUnavailable("the disk is full"), "5"),
        (MonitorUnwritable("the API server refuses it"), "5"),
        (MalformedPush("no JSON"), None),
    ],
)
def test_an_answer_says_when_the_same_push_may_succeed(
    rejection: Rejection, retry_after: str | None
) -> None:
    assert rejected(rejection).headers.get("Retry-After") == retry_after


def test_a_connection_ends_where_the_rest_of_its_body_is_not_read() -> None:
    closing = {reason for reason, answer in REJECTION_ANSWERS.items() if answer.close}

    assert rejected(BodyTooLarge("too long")).close
    assert closing == {
        RejectionReason.TIMEOUT,
        RejectionReason.INCOMPLETE,
        RejectionReason.MALFORMED_HTTP,
        RejectionReason.LENGTH_REQUIRED,
        RejectionReason.TOO_LARGE,
    }


def test_an_answer_says_why_the_store_failed_and_not_where_it_is() -> None:
    answer = rejected(StoreUnavailable("the disk is full", place="/var/lib/yuptime.db"))

    assert answer.body is not None
    assert b'"detail": "the disk is full"' in answer.body
    assert b"yuptime.db" not in answer.body

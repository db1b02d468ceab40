import base64
import logging

import bcrypt
import pytest
from multidict import CIMultiDict

from tests.exporters import StandingClock
from yuptime_exporter.core.rate_limit import RateLimit
from yuptime_exporter.web.guard import Guard, Protection
from yuptime_exporter.web.http import Answer, Request, text_answer
from yuptime_exporter.web.router import Answered, Route

USERS = {"pröm": bcrypt.hashpw("pä:ss".encode(), bcrypt.gensalt(4))}


def basic(credentials: bytes, scheme: str = "Basic") -> tuple[str, str]:
    return "Authorization", f"{scheme} {base64.b64encode(credentials).decode()}"


async def ask(guard: Guard, *headers: tuple[str, str]) -> Answer:
    async def page(_: Request) -> Answer:
        return text_answer("the page")

    (route,) = guard.guarded([Route("GET", "/", page)])
    return await route.handler(Request("GET", {}, "", CIMultiDict(headers), b""))


def guard(protection: Protection) -> Guard:
    return Guard(lambda: protection, clock=StandingClock())


async def test_without_users_everybody_passes() -> None:
    assert (await ask(guard(Protection()))).body == b"the page"


def test_no_way_of_a_route_passes_the_guard_by() -> None:
    async def page(_: Request) -> Answer:
        return text_answer("the page")

    def begin(_: Request, answered: Answered) -> bool:
        answered(text_answer("the page"))
        return True

    (route,) = guard(Protection(USERS)).guarded([Route("GET", "/", page, begin)])

    assert route.handler is not page
    assert route.begin is None


@pytest.mark.parametrize("scheme", ["Basic", "basic"])
async def test_the_name_and_the_password_of_a_user_pass(scheme: str) -> None:
    answer = await ask(guard(Protection(USERS)), basic("pröm:pä:ss".encode(), scheme))

    assert answer.body == b"the page"


@pytest.mark.parametrize(
    "headers",
    [
        (),
        (basic(b"prom:wrong"),),
        (basic("pröm".encode()),),
        (("Authorization", "Basic %%%"),),
        (("Authorization", "Basic"),),
        (("Authorization", "Bearer token"),),
        (basic("pröm:pä:ss".encode()), basic("pröm:pä:ss".encode())),
    ],
    ids=["none", "wrong", "without a colon", "not base64", "empty", "another scheme", "twice"],
)
async def test_other_credentials_are_answered_with_a_challenge(
    headers: tuple[tuple[str, str], ...],
) -> None:
    answer = await ask(guard(Protection(USERS)), *headers)

    assert answer.status == 401
    assert answer.headers["WWW-Authenticate"].startswith("Basic ")
    assert b"the page" not in answer.body


async def test_a_wrong_password_leaves_a_log_line_without_name_or_password(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.INFO):
        await ask(guard(Protection(USERS)), basic(b"mallory:guessed"))

    (record,) = caplog.records
    assert "wrong user name or password" in record.message
    assert "mallory" not in str(vars(record))
    assert "guessed" not in str(vars(record))


async def test_headers_are_added_to_every_answer_and_take_the_place_of_others() -> None:
    headers = {"X-Frame-Options": "deny", "X-Content-Type-Options": "nosniff"}

    for users in ({}, USERS):
        answer = await ask(guard(Protection(users, headers)))
        assert answer.headers.items() >= headers.items()


async def test_requests_beyond_the_limit_are_told_when_to_come_again() -> None:
    limited = guard(Protection(rate_limit=RateLimit(interval_seconds=2.0, burst=1)))

    assert (await ask(limited)).status == 200
    answer = await ask(limited)

    assert answer.status == 429
    assert answer.headers["Retry-After"] == "2"

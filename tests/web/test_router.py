"""Routes: from method and path to a handler, with the parameters of the path."""

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.web.requests import request
from yuptime_exporter.web.http import Answer, Request
from yuptime_exporter.web.router import Route, Router

PUSH = "/api/push/{namespace}/{name}"


async def read(_: Request) -> Answer:
    return Answer(body=b"read")


async def write(_: Request) -> Answer:
    return Answer(body=b"write")


ROUTER = Router(
    [
        Route("GET", "/", read),
        Route("GET", "/runs", read),
        Route("POST", "/runs", write),
        Route("POST", PUSH, write),
        Route("GET", "/b/{name}/badge.svg", read),
    ]
)


def test_a_route_is_found_by_its_whole_path() -> None:
    match = ROUTER.match("POST", "/runs")

    assert (match.name, match.handler, match.parameters) == ("/runs", write, {})


def test_a_route_for_get_answers_head_too() -> None:
    match = ROUTER.match("HEAD", "/")

    assert (match.name, match.handler) == ("/", read)


def test_a_template_names_the_request_and_gives_its_parameters() -> None:
    match = ROUTER.match("POST", "/api/push/prod/backup")

    assert (match.name, match.handler) == (PUSH, write)
    assert match.parameters == {"namespace": "prod", "name": "backup"}


def test_a_parameter_may_stand_before_other_segments() -> None:
    assert ROUTER.match("GET", "/b/x/badge.svg").parameters == {"name": "x"}


# A name of one or two dots would be a relative segment, which clients resolve by themselves.
names = st.text(st.characters(exclude_characters="{}", exclude_categories=["Cs"]), min_size=1)


@given(namespace=names, name=names)
def test_every_name_arrives_as_it_was_before_it_was_encoded(namespace: str, name: str) -> None:
    path = f"/api/push/{quote(namespace, safe='')}/{quote(name, safe='')}"

    assert ROUTER.match("POST", path).parameters == {"namespace": namespace, "name": name}


@pytest.mark.parametrize(
    "path",
    [
        "",
        "*",
        "/runs/",
        "//runs",
        "/Runs",
        "/runs/x",
        "/api/push/prod",
        "/api/push/prod/",
        "/api/push//backup",
        "/api/push/prod/backup/",
        "/api/push/{namespace}/{name}",
        "/api/push/%7Bnamespace%7D/%7Bname%7D",
        "/api/push/prod%2Fbackup",
    ],
)
async def test_a_path_without_a_route_is_not_found_and_has_no_name(path: str) -> None:
    match = ROUTER.match("POST", path)
    answer = await match.handler(request("POST"))

    assert (match.name, answer.status) == ("unknown", 404)


@pytest.mark.parametrize(
    ("path", "allowed"),
    [("/", "GET, HEAD"), ("/runs", "GET, HEAD, POST"), ("/api/push/prod/backup", "POST")],
)
async def test_a_method_without_a_route_is_told_the_methods_of_the_path(
    path: str, allowed: str
) -> None:
    match = ROUTER.match("DELETE", path)
    answer = await match.handler(request("DELETE"))

    assert (match.name, answer.status) == ("unknown", 405)
    assert answer.headers["Allow"] == allowed


@given(st.text(max_size=60))
def test_every_path_has_a_match(path: str) -> None:
    assert ROUTER.match("POST", path).name in ("unknown", "/runs", PUSH)

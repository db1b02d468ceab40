"""Requests and answers without a server."""

import pytest

from tests.web.requests import request
from yuptime_exporter.web.http import Answer


@pytest.mark.parametrize("name", ["Accept", "accept", "ACCEPT"])
def test_all_values_of_a_header_are_found_whatever_its_case(name: str) -> None:
    asked = request(headers=[("accept", "a/b;q=1"), ("Other", "x"), ("Accept", "c/d")])

    assert asked.header_list(name) == "a/b;q=1,c/d"
    assert asked.header_list("Missing") == ""


@pytest.mark.parametrize(
    ("query", "values"),
    [
        ("", []),
        ("other=1", []),
        ("name[]=a&other=1&name[]=b", ["a", "b"]),
        ("name%5B%5D=a%20b+c", ["a b c"]),
        ("name[]=", [""]),
    ],
)
def test_the_values_of_a_query_parameter_are_decoded_in_their_order(
    query: str, values: list[str]
) -> None:
    assert request(query=query).query_values("name[]") == values


def test_the_origin_is_the_address_that_the_client_used() -> None:
    assert request(headers=[("host", "jobs.example:81")]).origin == "http://jobs.example:81"


def test_the_origin_of_a_request_without_host_names_this_machine() -> None:
    assert request().origin.removeprefix("http://")


def test_an_answer_has_the_common_headers_and_may_replace_them() -> None:
    answer = Answer(headers={"Cache-Control": "max-age=60", "X-Own": "1"})

    assert answer.all_headers() == {
        "Server": "yuptime-exporter",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "max-age=60",
        "Content-Type": "text/plain; charset=utf-8",
        "X-Own": "1",
    }

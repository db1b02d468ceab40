"""URLs of Alertmanagers: which are valid, and how each is spelled."""

import pytest

from yuptime_exporter.core.urls import base_url, url_problem, without_credentials


@pytest.mark.parametrize(
    "written",
    [
        "http://am:9093/prefix",
        "http://am:9093/prefix/",
        "http://am:9093/prefix///",
        "http://am:9093/prefix/api/v2/alerts",
        "http://am:9093/prefix/api/v2/alerts/",
        "http://am:9093/prefix/api/v1/alerts",
        "http://am:9093/prefix/api/v2",
        "http://am:9093/prefix/api/v2/",
        "http://am:9093/prefix/api/v1",
    ],
)
def test_every_spelling_of_an_alertmanagers_url_has_the_same_base_url(written: str) -> None:
    assert base_url(written) == "http://am:9093/prefix"
    assert base_url(base_url(written)) == base_url(written)


def test_a_host_is_written_in_lower_case_and_a_path_is_kept_as_it_is() -> None:
    assert base_url("HTTP://AM.Example.com:9093/Prefix/") == "http://am.example.com:9093/Prefix"


def test_a_path_that_only_looks_like_that_of_the_api_is_kept() -> None:
    assert base_url("http://am/my-api/v3/alerts") == "http://am/my-api/v3/alerts"


@pytest.mark.parametrize(
    "url",
    [
        "http://alertmanager:9093",
        "https://alertmanager.example.com",
        "http://am",
        "HTTP://AM.Example.com:80/",
        "http://am.monitoring.svc.cluster.local.:9093",
        "http://10.0.0.1:9093/alerts",
        "http://[::1]:9093/",
        "http://my_alertmanager:9093/a/b",
        "http://xn--bcher-kva.example",
        f"http://{'a' * 63}.example",
    ],
)
def test_an_http_url_with_a_host_has_no_problem(url: str) -> None:
    assert url_problem(url) is None


@pytest.mark.parametrize(
    "url",
    [
        "",
        "am:9093",
        "//am:9093",
        "/api/v2/alerts",
        "ftp://am:9093",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "http://",
        "http:///api",
        "http://:9093",
        "http://am:0",
        "http://am:65536",
        "http://am:port",
        "http://[::1",
        "http://am\n.example",
        "http://am/\x00",
        "http://am/a b",
        "http://am/" + "a" * 2048,
        "http://user:password@am",
        "http://user@am",
        "http://@am",
        "http://am?x=1",
        "http://am/#here",
        "http://am?",
    ],
)
def test_a_text_that_is_not_an_http_url_with_a_host_is_a_problem(url: str) -> None:
    assert (url_problem(url) or "").startswith("expected an http or https URL with a host")


@pytest.mark.parametrize(
    "host",
    ["a..b", ".", "..", ".am", "a" * 64, "-am", "am-", "am\\evil", "a,b", "a%00b", "*", "büch"],
)
def test_a_host_that_no_lookup_understands_is_a_problem(host: str) -> None:
    assert url_problem(f"http://{host}:9093")


def test_a_problem_with_a_url_does_not_contain_its_password() -> None:
    assert "hunter2" not in (url_problem("http://user:hunter2@am") or "")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://user:hunter2@am", "…@am"),
        ("http://am:9093", "http://am:9093"),
        ("@am", "@am"),
        ("http://am/?token=hunter2", "http://am/?…"),
        ("http://am/?user=a@b", "http://…"),
        ("http://user:hunter?2@am", "http://…"),
        ("is it down?", "is it down?"),
    ],
)
def test_a_url_is_shown_without_user_password_and_query(text: str, shown: str) -> None:
    assert without_credentials(text) == shown

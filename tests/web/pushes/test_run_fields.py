"""The fields of a push about its run: what is read, and what is refused with which words."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yuptime_exporter.core.errors import MalformedPush
from yuptime_exporter.core.model import RESULTS, PushKind
from yuptime_exporter.web.pushes.exchange import Report
from yuptime_exporter.web.pushes.native import parse_report
from yuptime_exporter.web.pushes.run_fields import MAX_RUN_ID_CHARS


def parsed(body: str, *, query: str = "") -> Report:
    return parse_report(body.encode(), query=query)


@pytest.mark.parametrize("kind", list(PushKind))
def test_each_kind_of_push_may_name_its_run(kind: PushKind) -> None:
    assert parsed(f"status={kind}&runId=nightly-7") == Report(kind, run_id="nightly-7")


def test_json_form_and_query_have_the_same_fields() -> None:
    expected = Report(PushKind.DOWN, run_id="7", duration_seconds=12.5, exit_code=137)

    as_json = '{"status": "down", "runId": "7", "durationSeconds": 12.5, "exitCode": 137}'
    as_form = "status=down&runId=7&durationSeconds=12.5&exitCode=137"
    assert parsed(as_json) == parsed(as_form) == parsed("", query=as_form) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ('{"status": "up", "runId": 8123456789}', Report(PushKind.UP, run_id="8123456789")),
        ('{"status": "up", "runId": null, "durationSeconds": null}', Report(PushKind.UP)),
        ("status=up&runId=", Report(PushKind.UP)),
        ('{"status": "up", "durationSeconds": "12"}', Report(PushKind.UP, duration_seconds=12)),
        ("status=up&durationSeconds=1e2", Report(PushKind.UP, duration_seconds=100)),
        ("status=up&exitCode=0", Report(PushKind.UP, exit_code=0)),
        ("status=down&exitCode=0", Report(PushKind.DOWN, exit_code=0)),
        ("status=down&exitCode=-9", Report(PushKind.DOWN, exit_code=-9)),
        ("status=down&exitCode=3221225477", Report(PushKind.DOWN, exit_code=3221225477)),
        ('{"status": "down", "exitCode": 2.0}', Report(PushKind.DOWN, exit_code=2)),
    ],
)
def test_a_field_is_read_as_jobs_write_it(body: str, expected: Report) -> None:
    assert parsed(body) == expected


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("status=up&runId=a%20b", "got a space (a + in a form is written %2B)"),
        ("status=up&runId=2026-01-01T00:00:00+00:00", "got a space (a + in a form"),
        ("status=up&runId=%C3%A4", "runId: expected at most 128 visible characters of ASCII"),
        (f"status=up&runId={'a' * (MAX_RUN_ID_CHARS + 1)}", "got 129"),
        ('{"status": "up", "runId": true}', "got a boolean"),
        ('{"status": "up", "runId": {"id": 1}}', "got an object"),
        ("status=up&durationSeconds=1m30s", "got a text (without a unit)"),
        ("status=up&durationSeconds=12,5", "got a comma (the decimal separator is .)"),
        ("status=up&durationSeconds=", "durationSeconds: expected a number of seconds from 0"),
        ("status=up&durationSeconds=-1", "got a negative one"),
        ("status=up&durationSeconds=nan", "got a text"),
        ("status=up&durationSeconds=1e999", "got another (a moment, or milliseconds?)"),
        ('{"status": "up", "durationSeconds": NaN}', "got another"),
        ('{"status": "up", "durationSeconds": 1764144000000}', "(a moment, or milliseconds?)"),
        ('{"status": "up", "durationSeconds": true}', "got a boolean"),
        ("status=down&exitCode=signal", "exitCode: expected a whole number"),
        ("status=down&exitCode=1.5", "got a text"),
        ('{"status": "down", "exitCode": 1.5}', "got a fraction"),
        ('{"status": "down", "exitCode": true}', "got a boolean"),
        ("status=down&exitCode=4294967296", "got another number"),
        ("status=up&exitCode=1", 'expected 0 with the status "up"'),
        ("status=start&exitCode=0", 'exitCode: expected only with the status "up" or "down"'),
        ("status=log&durationSeconds=1", "durationSeconds: expected only with the status"),
        ("status=up&runid=7", 'did you mean "runId"?'),
        ("status=up&run_id=7", 'did you mean "runId"?'),
        ("status=up&exit_code=7", 'did you mean "exitCode"?'),
        ("status=up&runId=7&runId=8", "runId: expected once, got twice"),
        ("runId=7&exitCode=0", "got no status"),
    ],
)
def test_another_value_is_refused_with_what_was_expected(body: str, says: str) -> None:
    with pytest.raises(MalformedPush) as refused:
        parsed(body)

    assert says in str(refused.value)


@given(st.text(max_size=200), st.text(max_size=30), st.text(max_size=30))
def test_no_value_of_these_fields_is_an_error_of_another_kind(
    run_id: str, duration: str, exit_code: str
) -> None:
    body = {"status": "down", "runId": run_id, "durationSeconds": duration, "exitCode": exit_code}
    try:
        read = parsed(json.dumps(body))
    except MalformedPush:
        return

    assert read.kind in RESULTS
    assert len(read.run_id) <= MAX_RUN_ID_CHARS
    assert read.duration_seconds is None or read.duration_seconds >= 0

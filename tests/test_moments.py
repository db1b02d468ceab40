"""Moments in the formats of protocols and sentences."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yuptime_exporter.moments import (
    exact_rfc3339,
    readable,
    rfc3339,
    timestamp_of,
    whole_rfc3339,
)

MOMENT = 1_769_846_400.123456


def test_a_moment_is_written_with_as_many_digits_as_each_protocol_has() -> None:
    assert rfc3339(MOMENT) == "2026-01-31T08:00:00.123Z"
    assert exact_rfc3339(MOMENT) == "2026-01-31T08:00:00.123456Z"
    assert whole_rfc3339(MOMENT) == "2026-01-31T08:00:00Z"
    assert readable(MOMENT) == "2026-01-31 08:00:00 UTC"


@given(
    st.floats(-62_135_596_800, 253_402_300_799) | st.integers(0, 4_000_000_000).map(lambda n: n / 2)
)
def test_a_moment_has_the_milliseconds_of_its_date_and_time_in_utc(timestamp: float) -> None:
    moment = datetime.fromtimestamp(timestamp, UTC)

    expected = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    assert rfc3339(timestamp) == expected


@given(st.integers(0, 4_000_000_000_000_000))
def test_a_moment_in_microseconds_reads_back_unchanged(microseconds: int) -> None:
    moment = round(microseconds / 1e6, 6)

    assert timestamp_of(exact_rfc3339(moment)) == moment


@pytest.mark.parametrize(
    "text",
    [
        None,
        5,
        "",
        "yesterday",
        "2026-01-31T08:00:00",
        "1969-12-31T23:59:59Z",
        "0001-01-01T00:00:00+23:59",
    ],
)
def test_a_text_that_is_not_a_moment_since_1970_is_none(text: object) -> None:
    assert timestamp_of(text) is None

"""Durations as Prometheus writes them."""

import pytest

from yuptime_exporter.core.durations import duration_seconds


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90),
        ("1h30m", 5400),
        ("1d", 86_400),
        ("2w", 1_209_600),
        ("1y", 31_536_000),
        ("500ms", 0.5),
        ("0", 0),
        ("0s", 0),
        ("1h0m30s", 3630),
    ],
)
def test_durations_are_read_as_prometheus_writes_them(text: str, seconds: float) -> None:
    assert duration_seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "5", "1.5h", "m", "30m1h", "1h 30m", "-5s", "5S"])
def test_a_text_that_is_not_a_duration_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="expected a duration such as 90s, 5m or 1h30m"):
        duration_seconds(text)

"""Moments relative to now."""

import pytest

from yuptime_exporter.web.pages.relative import relative


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s ago"),
        (-119, "119 s ago"),
        (-120, "2 min ago"),
        (40, "in 40 s"),
        (3_600, "in 1 h"),
        (-11_520, "3 h 12 min ago"),
        (86_399, "in 23 h 59 min"),
        (-187_200, "2 d 4 h ago"),
        (2_592_000, "in 30 d"),
    ],
)
def test_a_moment_has_its_two_largest_units(seconds: int, text: str) -> None:
    assert relative(1_700_000_000 + seconds, now_timestamp=1_700_000_000) == text

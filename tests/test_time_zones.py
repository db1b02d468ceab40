"""The time zones of the tz database."""

import pytest

from yuptime_exporter.time_zones import (
    TZDATA_VERSION,
    meant_time_zone,
    time_zone,
    time_zone_names,
)


def test_every_name_of_the_database_is_a_time_zone() -> None:
    assert {time_zone(name).key for name in time_zone_names()} == time_zone_names()


def test_the_version_is_that_of_the_database() -> None:
    assert TZDATA_VERSION[:4].isdigit()
    assert TZDATA_VERSION[4:].isalpha()


@pytest.mark.parametrize("name", ["Europe/Kiev", "Asia/Calcutta", "US/Pacific", "CET", "Etc/UTC"])
def test_old_names_are_time_zones(name: str) -> None:
    assert name in time_zone_names()


@pytest.mark.parametrize("name", ["", "utc", "CEST", "../../etc/passwd", "UTC+2", "Local"])
def test_another_name_is_an_error(name: str) -> None:
    with pytest.raises(ValueError, match=r"expected the name of a time zone such as Europe/Berlin"):
        time_zone(name)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("europe/berlin", "Europe/Berlin"),
        (" Europe/Berlin ", "Europe/Berlin"),
        ("Europe/Berln", "Europe/Berlin"),
        ("Berlin", "Europe/Berlin"),
        ("America/New York", "America/New_York"),
        ("utc", "UTC"),
        ("UTC+2", "Etc/GMT-2"),
        ("GMT-05:00", "Etc/GMT+5"),
        ("UTC+5:30", None),
        ("PST", None),
        ("Local", None),
        ("", None),
    ],
)
def test_the_zone_that_was_probably_meant_is_found(written: str, meant: str | None) -> None:
    assert meant_time_zone(written) == meant

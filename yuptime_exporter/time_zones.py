"""The time zones of the tz database, from the package `tzdata`.

The zone files of the machine are not used: slim images have none, and replicas with other files would
disagree about a deadline. `TZDATA_VERSION` says which rules are active.
"""

import re
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo

import tzdata

TZDATA_VERSION: str = tzdata.IANA_VERSION
"""The release of the tz database, such as `2026f`."""

EXPECTED_TIME_ZONE = "the name of a time zone such as Europe/Berlin or UTC"

_OFFSET = re.compile(r"(?:utc|gmt)?([+-])0?(\d{1,2})(?::?00)?")


@cache
def time_zone_names() -> frozenset[str]:
    """Return the names of all zones, old names such as `Europe/Kiev` included."""
    return frozenset((files("tzdata") / "zones").read_text(encoding="ascii").split())


@cache
def time_zone(name: str) -> ZoneInfo:
    """Return a zone by its name.

    Raises:
        ValueError: there is no zone of this name.
    """
    if name not in time_zone_names():
        raise ValueError(f"expected {EXPECTED_TIME_ZONE}, got {name[:60]!r}")
    path = files("tzdata.zoneinfo").joinpath(*name.split("/"))
    with path.open("rb") as file:
        return ZoneInfo.from_file(file, key=name)


def meant_time_zone(unknown: str) -> str | None:
    """Return the zone of another spelling, a city, an offset or a misspelt name; None if unsure."""
    plain = "_".join(unknown.split()).casefold()
    by_spelling = {name.casefold(): name for name in sorted(time_zone_names())}
    if plain in by_spelling:
        return by_spelling[plain]
    offset = _OFFSET.fullmatch(plain)
    if offset:
        # The names of these zones have the signs of POSIX: west of Greenwich is positive.
        sign = "-" if offset[1] == "+" else "+"
        return by_spelling.get(f"etc/gmt{sign}{int(offset[2])}")
    by_city = {name.rpartition("/")[2]: zone for name, zone in by_spelling.items() if "/" in name}
    if plain in by_city:
        return by_city[plain]
    # Abbreviations such as PST and EST are alike, and hours apart.
    places = [name for name in by_spelling if "/" in name]
    alike = get_close_matches(plain[:60], places, n=1, cutoff=0.8)
    return by_spelling[alike[0]] if alike else None

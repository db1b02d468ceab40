"""Durations as Prometheus writes them."""

import re

# prometheus/common, model/time.go: units from large to small, each at most once.
_FORM = re.compile(
    r"(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?"
)
_UNIT_SECONDS = (31_536_000, 604_800, 86_400, 3_600, 60, 1, 0.001)

EXPECTED_DURATION = "a duration such as 90s, 5m or 1h30m"


def duration_seconds(text: str) -> float:
    """Return the seconds of a duration such as `90s`, `1h30m` or `0`.

    Raises:
        ValueError: the text is not a duration.
    """
    match = _FORM.fullmatch(text)
    if text == "0":
        return 0.0
    if not text or match is None:
        raise ValueError(f"expected {EXPECTED_DURATION}, got {text[:100]!r}")
    amounts = zip(match.groups(), _UNIT_SECONDS, strict=True)
    return float(sum(int(amount) * unit for amount, unit in amounts if amount))

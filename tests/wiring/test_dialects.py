"""The choice of dialects."""

import pytest

from yuptime_exporter.core.errors import ConfigInvalid
from yuptime_exporter.wiring.dialects import spoken_dialects


def test_the_native_dialect_is_always_spoken_and_each_other_is_once() -> None:
    assert [dialect.name for dialect in spoken_dialects(())] == ["native"]
    names = ["gatus", "healthchecks", "gatus"]
    assert [each.name for each in spoken_dialects(names)] == ["native", "healthchecks", "gatus"]


@pytest.mark.parametrize(
    ("name", "meant"),
    [("uptimekuma", "uptime-kuma"), ("Gatus", "gatus"), ("native", ""), ("sentry", "")],
)
def test_a_name_that_is_no_dialect_is_an_error_with_a_suggestion(name: str, meant: str) -> None:
    with pytest.raises(ConfigInvalid) as raised:
        spoken_dialects(["healthchecks", name])

    assert str(raised.value).startswith(
        "--push.dialects: expected healthchecks, uptime-kuma, gatus"
    )
    assert ("did you mean" in str(raised.value)) == bool(meant)
    assert meant in str(raised.value)

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yuptime_exporter.resource.defaults import defaults_problem, with_defaults

VALUES = st.recursive(
    st.integers() | st.text(max_size=3),
    lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)
SPECS = st.dictionaries(st.sampled_from("abc"), VALUES, max_size=3)


def test_a_spec_gets_the_fields_that_it_does_not_have_at_any_depth() -> None:
    spec = {"schedule": {"cron": "@daily"}, "enabled": False}
    defaults = {"schedule": {"timeZone": "Europe/Berlin", "cron": "@hourly"}, "type": "push"}

    assert with_defaults(spec, defaults) == {
        "schedule": {"cron": "@daily", "timeZone": "Europe/Berlin"},
        "enabled": False,
        "type": "push",
    }


@pytest.mark.parametrize("wrong", ["text", ["a"], 3])
def test_a_value_of_another_kind_stays_so_that_its_problem_is_reported(wrong: object) -> None:
    assert with_defaults({"schedule": wrong}, {"schedule": {"cron": "@daily"}}) == {
        "schedule": wrong
    }
    assert with_defaults(wrong, {"type": "push"}) == wrong


@given(SPECS, SPECS)
def test_no_default_replaces_a_value_of_the_spec(spec: Any, defaults: Any) -> None:
    def holds(own: Any, merged: Any) -> bool:
        if isinstance(own, dict) and isinstance(merged, dict):
            return all(name in merged and holds(own[name], merged[name]) for name in own)
        return bool(own == merged)

    merged = with_defaults(spec, defaults)

    assert holds(spec, merged)
    assert with_defaults(merged, defaults) == merged


@pytest.mark.parametrize(
    ("defaults", "words"),
    [
        ({"schedule": {"timezone": "UTC"}}, "schedule.timezone"),
        ({"schedule": {"cron": "61 * * * *"}}, "schedule.cron"),
        ({"target": {"push": {"gracePeriodSeconds": -1}}}, "target.push.gracePeriodSeconds"),
        ({"target": {"push": {"tokenSecretRef": {"nmae": "x"}}}}, "tokenSecretRef.nmae"),
    ],
)
def test_a_problem_with_defaults_names_the_field(defaults: Any, words: str) -> None:
    assert words in defaults_problem(defaults)


def test_a_part_of_a_spec_is_enough_for_defaults() -> None:
    assert defaults_problem({"alerting": {"labels": {"team": "shop"}}}) == ""
    assert defaults_problem({}) == ""

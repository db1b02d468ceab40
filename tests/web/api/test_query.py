"""The query of a list."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yuptime_exporter.core.model import State
from yuptime_exporter.core.overview import Filters
from yuptime_exporter.web.api.query import MAX_LIMIT, ListQuery, QueryInvalid, parse_query

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
QUERIES = st.builds(
    ListQuery,
    filters=st.builds(
        Filters,
        states=st.frozensets(st.sampled_from(State)),
        namespaces=st.frozensets(TEXTS),
        names=st.frozensets(TEXTS),
        labels=st.frozensets(st.tuples(st.from_regex("[a-z]+", fullmatch=True), TEXTS)),
        search=TEXTS.map(str.strip),
    ),
    page=st.integers(1, 1000),
    limit=st.integers(1, MAX_LIMIT),
)


@given(QUERIES)
def test_a_query_is_read_as_it_was_written(query: ListQuery) -> None:
    assert parse_query(query.encoded(), strict=True) == query


def test_empty_values_of_a_form_filter_nothing() -> None:
    assert parse_query("search=&namespace=&label=&state=", strict=True) == ListQuery()


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("state=UP", "state: expected one of pending, up, late, down, paused, got another value"),
        ("label=team", "label: expected NAME=VALUE, got another form"),
        ("page=0", "page: expected a whole number from 1 to 1000000, got another value"),
        ("limit=1001", "limit: expected a whole number from 1 to 1000, got another value"),
        ("limit=%D9%A1", "limit: expected a whole number from 1 to 1000, got another value"),
        ("page=1&page=2", "page: expected at most one value, got 2"),
        ("sort=name", "query: expected only"),
    ],
)
def test_a_query_that_cannot_be_read_says_the_expected_value(query: str, text: str) -> None:
    with pytest.raises(QueryInvalid, match=text):
        parse_query(query, strict=True)


def test_a_page_ignores_parameters_that_others_added() -> None:
    assert parse_query("utm_source=mail&state=down", strict=False).filters.states == {State.DOWN}

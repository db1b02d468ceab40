"""Texts of the exposition equal those of prometheus-client."""

from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.utils import floatToGoString

from tests.laws import examples
from yuptime_exporter.core.exposition_text import number_text

moments = st.floats(9e8, 1.1e10) | st.integers(900_000_000, 11_000_000_000)


@settings(max_examples=examples(1000))
@given(st.floats() | st.integers(-(2**53), 2**53) | moments | moments.map(round))
def test_a_number_is_written_as_prometheus_client_writes_it(value: float) -> None:
    assert number_text(value) == floatToGoString(value)  # type: ignore[no-untyped-call]

"""A value behaves alike as plain Python and compiled."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.examples import DOWN, UP, monitor, push
from yuptime_exporter.core.model import Arming, LastPush, Push, Row
from yuptime_exporter.core.values import Value

MOMENTS = st.floats(0, 4_000_000_000)


@given(MOMENTS, MOMENTS, st.text(), st.text())
def test_two_values_are_equal_exactly_if_type_and_attributes_are(
    at: float, other_at: float, message: str, other_message: str
) -> None:
    one, other = Push(UP, at, message), Push(UP, other_at, other_message)

    assert (one == other) == ((at, message) == (other_at, other_message))
    assert one == Push(UP, at, message)
    assert hash(one) == hash(Push(UP, at, message))
    assert one != LastPush(UP, message, at)
    assert one != (UP, at, message)


@pytest.mark.interpreted  # a plain class cannot inherit from a compiled one
def test_values_of_two_types_differ_even_if_their_attributes_are_equal() -> None:
    class Due(Value):
        __slots__ = ("timestamp",)

        def __init__(self, timestamp: float) -> None:
            self.timestamp = timestamp

    class Deadline(Value):
        __slots__ = ("timestamp",)

        def __init__(self, timestamp: float) -> None:
            self.timestamp = timestamp

    assert Due(1000) == Due(1000)
    assert Due(1000) != Deadline(1000)


def test_a_replaced_value_differs_in_the_named_attributes_only() -> None:
    before = push(UP, at=1000, message="412 files")

    after = before.replace(status=DOWN, pushes_down_total=1)

    assert after == push(DOWN, at=1000, message="412 files", last_success_timestamp=1000)
    assert before == push(UP, at=1000, message="412 files")


def test_an_attribute_that_a_value_does_not_have_cannot_be_replaced() -> None:
    with pytest.raises(TypeError, match="argument"):
        push().replace(colour="green")


def test_a_value_is_shown_as_it_is_written_in_code() -> None:
    shown = repr(Row(monitor(), Arming(1000), None))

    assert shown.startswith("Row(")
    assert "arming=Arming(armed_timestamp=1000" in shown
    assert "last_push=None" in shown

"""The strip of states."""

from hypothesis import given
from hypothesis import strategies as st

from yuptime_exporter.core.availability import Stretch
from yuptime_exporter.core.model import State
from yuptime_exporter.web.pages.strip import WIDTH, strip

DAY = 86_400.0
NOW = 1_700_000_000.0


@given(st.lists(st.tuples(st.sampled_from(State), st.floats(1, 20 * DAY)), min_size=1))
def test_every_part_is_within_the_strip_and_can_be_seen_where_it_is_down(
    lengths: list[tuple[State, float]],
) -> None:
    states, start = [], NOW - sum(seconds for _, seconds in lengths)
    for state, seconds in lengths:
        states.append(Stretch(state, start, start + seconds))
        start += seconds
    drawn = strip(states, now_timestamp=NOW)

    assert drawn is not None
    for part in drawn.parts:
        assert -0.01 <= part.x <= part.x + part.width <= WIDTH + 0.02
        assert part.state is not State.DOWN or part.width >= 3


def test_a_short_time_down_is_told_and_drawn_above_the_others() -> None:
    drawn = strip(
        [
            Stretch(State.DOWN, NOW - 8 * DAY, NOW - 8 * DAY + 90),
            Stretch(State.UP, NOW - 8 * DAY + 90, NOW),
        ],
        now_timestamp=NOW,
    )

    assert drawn is not None
    assert drawn.summary == "The last 8 d: down once, for 90 s."
    assert [part.state for part in drawn.parts] == [State.UP, State.DOWN]
    assert drawn.parts[1].title == "down from 2023-11-06 22:13:20 UTC for 90 s"


def test_without_known_time_there_is_no_strip() -> None:
    assert strip([], now_timestamp=NOW) is None

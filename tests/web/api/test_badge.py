"""Badges."""

from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from yuptime_exporter.core.model import State
from yuptime_exporter.web.api.badge import badge


@given(st.text(max_size=200), st.sampled_from(State))
def test_a_badge_is_a_picture_with_its_label_as_text(label: str, state: State) -> None:
    root = ElementTree.fromstring(badge(label, state))  # noqa: S314  our own text
    texts = [element.text or "" for element in root.iter("{http://www.w3.org/2000/svg}text")]

    assert texts == ["".join(filter(str.isprintable, label))[:80], state]
    assert {element.tag.rpartition("}")[2] for element in root.iter()} <= {
        *("svg", "title", "rect", "path", "g", "text"),
    }

"""The pictures and the document of the dashboards show every panel."""

from html import unescape
from xml.etree import ElementTree

import pytest

from tests.dashboards.asking import dashboards, panels
from tests.dashboards.draw import image, pictures
from tests.dashboards.drawing import titles
from tests.dashboards.reading import Answers
from tests.docs.documents import rows_of, text_of

each_dashboard = pytest.mark.parametrize("uid", sorted(dashboards()))


@each_dashboard
def test_a_picture_shows_every_panel(uid: str):
    svg = image(uid).read_text(encoding="utf-8")

    assert [unescape(title) for title in titles(svg)] == [
        panel["title"] for panel in dashboards()[uid]["panels"]
    ], "run `python -m tests.dashboards.draw`"
    assert f"(images/{image(uid).name})" in text_of("docs/dashboards.md")


def test_the_document_of_the_dashboards_explains_every_panel():
    told = [row[0] for row in rows_of("docs/dashboards.md") if row[0] not in {"panel", "---"}]
    shown = [
        panel["title"]
        for uid in ("yuptime-overview", "yuptime-monitor", "yuptime-exporter")
        for panel in panels(dashboards()[uid])
    ]

    assert told == shown
    assert all(row[1].strip() for row in rows_of("docs/dashboards.md"))


@pytest.mark.peer
@pytest.mark.timeout(240)
def test_the_pictures_can_be_drawn_from_answers_of_prometheus(answers: Answers):
    for path, svg in pictures(answers).items():
        ElementTree.fromstring(svg)  # noqa: S314  we drew it ourselves
        assert titles(svg) == titles(path.read_text(encoding="utf-8"))
        words = ["up", "late", "paused", "down"] if "overview" in path.name else ["ago"]
        assert all(word in svg for word in words)

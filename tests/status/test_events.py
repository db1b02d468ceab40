"""The body of an Event."""

import pytest

from tests.core.examples import KEY
from yuptime_exporter.resource.monitor_object import MonitorObject
from yuptime_exporter.status.events import MAX_NOTE_BYTES, event_body
from yuptime_exporter.status.model import Occurrence


def note_of(text: str) -> str:
    occurrence = Occurrence("ReportedDown", text, warning=True)
    return str(event_body(KEY, MonitorObject(), occurrence, "replica", 1000.0)["note"])


def test_a_note_that_fits_is_whole() -> None:
    assert note_of("x" * MAX_NOTE_BYTES) == "x" * MAX_NOTE_BYTES


@pytest.mark.parametrize("filler", ["x", "é", "磁", "🍸"])
def test_a_long_note_keeps_its_head_and_its_tail_in_whole_characters(filler: str) -> None:
    note = note_of("The last push said down. " + filler * 2000 + " FATAL: disk full")

    assert note.startswith("The last push said down. " + filler)
    assert note.endswith(filler + " FATAL: disk full")
    assert " […] " in note
    assert MAX_NOTE_BYTES - 8 < len(note.encode()) <= MAX_NOTE_BYTES

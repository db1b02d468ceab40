"""Messages: harmless wherever they are shown, with head and tail of what is too long."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yuptime_exporter.core.messages import (
    SHOWN_CHARS,
    STORED_CHARS,
    shown_message,
    stored_message,
)

REPLACED = (
    [chr(code) for code in range(0x20) if chr(code) not in "\t\n"]
    + [chr(code) for code in range(0x7F, 0xA0)]
    + list("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ud800\udfff")
)


@pytest.mark.parametrize("character", REPLACED, ids=lambda one: f"U+{ord(one):04X}")
def test_a_character_that_controls_or_disguises_is_replaced(character: str) -> None:
    assert stored_message(f"a{character}b") == ("a\ufffdb", False)


@pytest.mark.parametrize(
    "text", ["", "disk full", "a\tb\nc", "Größe 磁盘 🍸", "\u200e\u200d", "  "]
)
def test_other_text_stays_as_it_is(text: str) -> None:
    assert stored_message(text) == (text, False)


def test_line_ends_of_windows_become_newlines() -> None:
    assert stored_message("a\r\nb\r\n\rc") == ("a\nb\n\ufffdc", False)


def test_a_long_message_keeps_a_tenth_of_its_head_and_more_of_its_tail() -> None:
    kept, cut = stored_message("H" * 10_000 + "T" * 10_000)

    assert (kept, cut) == ("H" * 995 + " […] " + "T" * 9000, True)


def test_a_shown_message_keeps_a_quarter_of_its_head_and_more_of_its_tail() -> None:
    assert shown_message("H" * 2000 + "T" * 2000) == "H" * 251 + " […] " + "T" * 768


@given(text=st.text(st.characters()))
def test_every_stored_message_can_be_shown_anywhere(text: str) -> None:
    kept, _ = stored_message(text)

    kept.encode()
    assert not set(kept) & set(REPLACED)
    assert stored_message(kept) == (kept, False)


@given(length=st.integers(0, 3 * STORED_CHARS))
def test_no_message_is_longer_than_its_place(length: int) -> None:
    kept, cut = stored_message("x" * length)

    assert len(kept) == min(length, STORED_CHARS)
    assert cut == (length > STORED_CHARS)
    assert len(shown_message(kept)) == min(length, SHOWN_CHARS)

"""Messages of jobs: made harmless and shortened, once for all places that show them."""

import re

# The store keeps this much of a message. Like `SHOWN_CHARS`, it gives most room to the end, since
# the cause of a failure usually stands last in a log.
STORED_CHARS = 10_000
_STORED_HEAD_CHARS = 1000

# An annotation of an alert and the status of an object show this much of a message.
SHOWN_CHARS = 1024
_SHOWN_HEAD_CHARS = 256

_MARK = " […] "

# Characters that control a terminal or disguise text: C0 controls without tab and newline, DEL, C1
# controls (U+009B begins a terminal's commands as ESC does), and the embeddings, overrides and
# isolates of bidirectional text. Lone surrogates cannot be stored as UTF-8.
_HARMFUL = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_REPLACEMENT = "\ufffd"


def stored_message(text: str) -> tuple[str, bool]:
    """Return a job's words as the store keeps them, and whether they were cut.

    At most `STORED_CHARS` characters are kept, and each is harmless wherever it is shown: harmful
    ones become U+FFFD. A line that ends in CR LF ends in LF.
    """
    if not text.isprintable():
        text = _HARMFUL.sub(_REPLACEMENT, text.replace("\r\n", "\n"))
    kept = shortened(
        text, head_chars=_STORED_HEAD_CHARS, tail_chars=STORED_CHARS - _STORED_HEAD_CHARS
    )
    return kept, len(text) > STORED_CHARS


def shown_message(message: str) -> str:
    """Return at most `SHOWN_CHARS` characters: the beginning and the end, with a mark between."""
    return shortened(
        message, head_chars=_SHOWN_HEAD_CHARS, tail_chars=SHOWN_CHARS - _SHOWN_HEAD_CHARS
    )


def shortened(text: str, *, head_chars: int, tail_chars: int) -> str:
    """Return the text, or its head and its tail with a mark between that replaces the rest."""
    if len(text) <= head_chars + tail_chars:
        return text
    return f"{text[: head_chars - len(_MARK)]}{_MARK}{text[-tail_chars:]}"

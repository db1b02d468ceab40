"""Messages of jobs, shortened for places that show less than the store keeps."""

# An annotation of an alert and the status of an object show this much of a message. The end gets
# more room than the beginning, since the cause of a failure usually stands last in a log.
SHOWN_CHARS = 1024
_HEAD_CHARS = 256

_MARK = " […] "


def shown_message(message: str) -> str:
    """Return at most `SHOWN_CHARS` characters: the beginning and the end, with a mark between."""
    return shortened(message, head_chars=_HEAD_CHARS, tail_chars=SHOWN_CHARS - _HEAD_CHARS)


def shortened(text: str, *, head_chars: int, tail_chars: int) -> str:
    """Return the text, or its head and its tail with a mark between that replaces the rest."""
    if len(text) <= head_chars + tail_chars:
        return text
    return f"{text[: head_chars - len(_MARK)]}{_MARK}{text[-tail_chars:]}"

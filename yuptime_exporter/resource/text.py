"""Text from manifests, made fit for one line of a log or a terminal."""

# So much of a key or a value is enough to find it.
MAX_QUOTED_CHARS = 60


def printable(text: str) -> str:
    """Return text that can be shown anywhere: on one line, without control characters."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def quotable(text: str) -> str:
    """Return as much of a text as is shown in a problem."""
    cut = text if len(text) <= MAX_QUOTED_CHARS else text[:MAX_QUOTED_CHARS] + "…"
    return printable(cut)

"""Text from manifests, made safe for one line of a log or a terminal."""

# Enough of a key or a value to find it in a manifest.
MAX_QUOTED_CHARS = 60


def printable(text: str) -> str:
    """Return the text on one line, with control characters escaped."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def quotable(text: str) -> str:
    """Return the beginning of a text, as problems quote it: printable and short."""
    cut = text if len(text) <= MAX_QUOTED_CHARS else text[:MAX_QUOTED_CHARS] + "…"
    return printable(cut)

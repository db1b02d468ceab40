"""Text for a terminal."""


def printable(text: str) -> str:
    """Return a text that cannot move the cursor of a terminal."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)

"""The clock: every part that needs the time is given one."""

from collections.abc import Callable

Clock = Callable[[], float]
"""Returns the Unix time in seconds; only `app.py` names the real one."""

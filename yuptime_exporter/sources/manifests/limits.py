"""Limits of watching manifest files, each with its reason."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WatchLimits:
    """Times and numbers; the defaults are for production, tests pass shorter ones.

    Attributes:
        step_ms: files are read once no file has changed for this time: an editor or `kubectl cp`
            that writes a file in pieces is mostly done by then.
        debounce_ms: files are read at the latest this time after the first change.
        tick_seconds: time between two looks at the clock while no change is announced.
        ticks_per_look: files are read after so many ticks without an announced change: inotify
            announces neither changes on network file systems nor changes behind a symlink.
        ticks_per_retry: while the kernel cannot announce changes, files are read at every tick,
            and after so many ticks the announcements are tried again.
    """

    step_ms: int = 50
    debounce_ms: int = 300
    tick_seconds: float = 1.0
    ticks_per_look: int = 5
    ticks_per_retry: int = 300

"""The active faults, and the requests that each fault has struck."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from tests.fakes.faults import At, Cut, Fault, How, Seen, When

_Kind = TypeVar("_Kind", bound=Fault)


@dataclass(eq=False, slots=True)
class Applied:
    """An active fault.

    Attributes:
        times: number of requests, or of frames for a fault of frames; None: all.
        struck: number of strikes so far.
    """

    fault: Fault
    when: When
    times: int | None
    on_change: Callable[[], None]
    struck: int = 0
    lifted: bool = False
    _requests: set[Seen] = field(default_factory=set)

    def lift(self) -> None:
        """End the fault; held answers continue."""
        self.lifted = True
        self.on_change()

    async def strikes(self) -> int:
        """Return the number of strikes, for `eventually`."""
        return self.struck

    def takes(self, seen: Seen, frame: bytes = b"") -> bool:
        """Whether the fault strikes this request or frame."""
        return not self.lifted and self.when.takes(seen) and self.when.frame in frame

    def strike_frame(self) -> bool:
        """Strike, unless the number of strikes is reached."""
        if self.times is not None and self.struck >= self.times:
            return False
        self.struck += 1
        return True

    def strike_request(self, seen: Seen) -> bool:
        """Strike a request, unless the number of requests is reached; a request counts once."""
        if seen not in self._requests:
            if not self.strike_frame():
                return False
            self._requests.add(seen)
        return True

    def has_struck(self, seen: Seen) -> bool:
        """Whether this request was struck before."""
        return seen in self._requests


class Faults:
    """All active faults, in the order of their activation."""

    def __init__(self) -> None:
        self._applied: list[Applied] = []

    def add(self, applied: Applied) -> None:
        """Activate a fault."""
        self._applied.append(applied)

    def lift(self) -> None:
        """Lift all faults."""
        applied, self._applied = self._applied, []
        for one in applied:
            one.lift()

    def of(
        self, kind: type[_Kind], seen: Seen, frame: bytes = b""
    ) -> Iterator[tuple[Applied, _Kind]]:
        """Return the faults of one kind that strike this request or frame."""
        for applied in list(self._applied):
            if isinstance(applied.fault, kind) and applied.takes(seen, frame):
                yield applied, applied.fault

    def strike_request(self, kind: type[_Kind], seen: Seen) -> _Kind | None:
        """Strike a request with the first matching fault of a kind, and return the fault or None."""
        for applied, fault in self.of(kind, seen):
            if applied.strike_request(seen):
                return fault
        return None

    def strike_frame(self, kind: type[_Kind], seen: Seen, frame: bytes) -> _Kind | None:
        """Strike a frame with the first matching fault of a kind, and return the fault or None."""
        for applied, fault in self.of(kind, seen, frame):
            if applied.strike_frame():
                return fault
        return None

    def cut(self, seen: Seen, at: At, frame: bytes = b"") -> How | None:
        """Return the way in which the answer ends at this point, or None."""
        for applied, fault in self.of(Cut, seen, frame):
            if fault.at is at and applied.strike_request(seen):
                return fault.how
        return None

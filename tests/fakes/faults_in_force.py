"""Which faults are in force, and whom each has struck."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from tests.fakes.faults import At, Cut, Fault, How, Seen, When

_Kind = TypeVar("_Kind", bound=Fault)


@dataclass(eq=False, slots=True)
class Applied:
    """A fault in force.

    Attributes:
        times: strike so many requests, or frames if it is a fault of frames; None: all.
        struck: so many times it did.
    """

    fault: Fault
    when: When
    times: int | None
    on_change: Callable[[], None]
    struck: int = 0
    lifted: bool = False
    _requests: set[Seen] = field(default_factory=set)

    def lift(self) -> None:
        """Let everything pass from now on; what was held goes on."""
        self.lifted = True
        self.on_change()

    async def strikes(self) -> int:
        """Return how often it has struck, for `eventually`."""
        return self.struck

    def takes(self, seen: Seen, frame: bytes = b"") -> bool:
        """Tell whether it is to strike here, now."""
        return not self.lifted and self.when.takes(seen) and self.when.frame in frame

    def strike_frame(self) -> bool:
        """Strike, unless it has struck often enough."""
        if self.times is not None and self.struck >= self.times:
            return False
        self.struck += 1
        return True

    def strike_request(self, seen: Seen) -> bool:
        """Strike a request, unless enough others were struck; being struck again costs nothing."""
        if seen not in self._requests:
            if not self.strike_frame():
                return False
            self._requests.add(seen)
        return True

    def has_struck(self, seen: Seen) -> bool:
        """Tell whether this request was struck before."""
        return seen in self._requests


class Faults:
    """All faults in force, in the order in which they were applied."""

    def __init__(self) -> None:
        self._applied: list[Applied] = []

    def add(self, applied: Applied) -> None:
        """Put a fault into force."""
        self._applied.append(applied)

    def lift(self) -> None:
        """Lift all of them."""
        applied, self._applied = self._applied, []
        for one in applied:
            one.lift()

    def of(
        self, kind: type[_Kind], seen: Seen, frame: bytes = b""
    ) -> Iterator[tuple[Applied, _Kind]]:
        """Return those of one kind that are to strike here, if they still may."""
        for applied in list(self._applied):
            if isinstance(applied.fault, kind) and applied.takes(seen, frame):
                yield applied, applied.fault

    def strike_request(self, kind: type[_Kind], seen: Seen) -> _Kind | None:
        """Strike a request with the first fault of a kind, if there is one."""
        for applied, fault in self.of(kind, seen):
            if applied.strike_request(seen):
                return fault
        return None

    def strike_frame(self, kind: type[_Kind], seen: Seen, frame: bytes) -> _Kind | None:
        """Strike a frame with the first fault of a kind, if there is one."""
        for applied, fault in self.of(kind, seen, frame):
            if applied.strike_frame():
                return fault
        return None

    def cut(self, seen: Seen, at: At, frame: bytes = b"") -> How | None:
        """Return how to end the answer at this point, if it is to end."""
        for applied, fault in self.of(Cut, seen, frame):
            if fault.at is at and applied.strike_request(seen):
                return fault.how
        return None

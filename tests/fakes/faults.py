"""What the fault proxy can do to the requests of a client, and to whose.

A fault is a value; `FaultProxy.apply` puts it into force for the requests that a `When` takes:

    proxy.apply(Cut(How.RESET, at=At.MID_FRAME), when=WATCHES, times=1)
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise
from urllib.parse import parse_qsl, unquote_plus

from multidict import CIMultiDictProxy


@dataclass(eq=False, slots=True)
class Seen:
    """A request that came to the proxy, and what has become of it.

    Attributes:
        query: as it was sent, still quoted.
        connection: the number of the connection it came on, counted from 1.
        status: what the client was told; 0: nothing, or nothing yet.
        sent_bytes: of the body that was passed to the client so far.
        open: the client still waits for an answer, or for more of it.
    """

    method: str
    path: str
    query: str
    headers: CIMultiDictProxy[str]
    connection: int
    body: bytes = b""
    status: int = 0
    sent_bytes: int = 0
    open: bool = True

    @property
    def watch(self) -> bool:
        """Whether a stream of events is asked for."""
        return ("watch", "true") in self._pairs() or ("watch", "1") in self._pairs()

    def _pairs(self) -> list[tuple[str, str]]:
        return parse_qsl(self.query, keep_blank_values=True)


@dataclass(frozen=True, slots=True)
class When:
    """Which requests are meant: those of which all of this is true.

    Attributes:
        path: is part of the path.
        query: is part of the query, both without quoting: `fieldSelector=spec.type=push`.
        watch: True: streams of events; False: everything else.
        frame: is part of the frame of a watch, such as `BOOKMARK`; for what happens to a frame.
    """

    method: str = ""
    path: str = ""
    query: str = ""
    watch: bool | None = None
    frame: bytes = b""

    def takes(self, seen: Seen) -> bool:
        """Tell whether the request is meant."""
        return (
            self.method in ("", seen.method)
            and self.path in unquote_plus(seen.path)
            and self.query in unquote_plus(seen.query)
            and self.watch in (None, seen.watch)
        )


ANY = When()
WATCHES = When(watch=True)
BOOKMARK = b'"type":"BOOKMARK"'


@dataclass(frozen=True, slots=True)
class Answer:
    """Answer this instead of asking upstream; fault_answers.py has those of an API server."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Hang:
    """Neither ask upstream nor answer; go on when lifted."""


@dataclass(frozen=True, slots=True)
class Silence:
    """Ask upstream, and pass back nothing more, not even headers; go on when lifted.

    Streams that are open fall silent at once. Their connections stay open.
    """


@dataclass(frozen=True, slots=True)
class Delay:
    """Pass everything that comes back so much later, or only the start of it; at once when lifted."""

    seconds: float
    headers_only: bool = False


@dataclass(frozen=True, slots=True)
class NoReuse:
    """Close the connection after the answer, and say so."""


class How(StrEnum):
    """How a connection ends."""

    RESET = "reset"
    """RST."""
    HALF_CLOSE = "half-close"
    """FIN without TLS's close_notify and without the end of the body; still reading."""
    END = "end"
    """The body ends as if it were complete; the connection lives."""


class At(StrEnum):
    """When a connection ends."""

    NOW = "now"
    """At once, also what is open; a new request before upstream hears of it (`END`: after the
    headers)."""
    HEADERS = "headers"
    """After upstream has answered, before the client hears of it."""
    MID_FRAME = "mid-frame"
    """With half of the next frame; what is no watch is taken piece by piece, as it comes."""
    AFTER_FRAME = "after frame"
    """After the next frame."""


@dataclass(frozen=True, slots=True)
class Cut:
    """End the answer."""

    how: How
    at: At = At.NOW

    def __post_init__(self) -> None:
        if self.how is How.END and self.at is At.HEADERS:
            raise ValueError("what has no headers cannot end well")


@dataclass(frozen=True, slots=True)
class Inject:
    """Pass these bytes to a watch: at once, or before the frame that `When.frame` asks for."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Drop:
    """Do not pass the frame."""


@dataclass(frozen=True, slots=True)
class Double:
    """Pass the frame twice."""


@dataclass(frozen=True, slots=True)
class Pad:
    """Make the frame so long, with blanks behind its first byte: the JSON stays the same."""

    to_bytes: int


@dataclass(frozen=True, slots=True)
class EmptyLines:
    """Pass so many empty lines before the frame."""

    count: int = 1


@dataclass(frozen=True, slots=True)
class Join:
    """Hold frames back until there are so many, and pass them in one chunk."""

    count: int = 2


@dataclass(frozen=True, slots=True)
class Split:
    """Pass a frame in several chunks, each in a TLS record of its own.

    Attributes:
        at: offsets where a new chunk begins.
        every_bytes: the longest chunk; 0: any length.
        pause_seconds: between chunks, so that the client must read each alone.
    """

    at: tuple[int, ...] = ()
    every_bytes: int = 0
    pause_seconds: float = 0.0

    def chunks(self, data: bytes) -> Iterator[bytes]:
        """Return the chunks of these bytes; none is empty."""
        offsets = {0, len(data), *(offset for offset in self.at if offset < len(data))}
        if self.every_bytes:
            offsets.update(range(0, len(data), self.every_bytes))
        places = sorted(offsets)
        for start, end in pairwise(places):
            yield data[start:end]


OfRequest = Answer | Hang | Silence | Delay | NoReuse | Cut | Inject
OfFrame = Drop | Double | Pad | EmptyLines | Join | Split
Fault = OfRequest | OfFrame

"""The faults of the fault proxy, and the requests that they match.

A fault is a value; `FaultProxy.apply` activates the fault for the requests that a `When` matches:

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
    """A request to the proxy, and its answer so far.

    Attributes:
        query: quoted, as received.
        connection: the number of its connection, counted from 1.
        status: of the answer to the client; 0: no answer, or none yet.
        sent_bytes: of the body, passed to the client so far.
        open: the client waits for an answer, or for more of an answer.
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
        """Whether the request is a watch."""
        return ("watch", "true") in self._pairs() or ("watch", "1") in self._pairs()

    def _pairs(self) -> list[tuple[str, str]]:
        return parse_qsl(self.query, keep_blank_values=True)


@dataclass(frozen=True, slots=True)
class When:
    """A condition for requests: all fields must match.

    Attributes:
        path: a part of the path.
        query: a part of the query, without quoting: `fieldSelector=spec.type=push`.
        watch: True: watches only; False: other requests only.
        frame: a part of the frame of a watch, for example `BOOKMARK`; for faults of frames.
    """

    method: str = ""
    path: str = ""
    query: str = ""
    watch: bool | None = None
    frame: bytes = b""

    def takes(self, seen: Seen) -> bool:
        """Whether the request matches."""
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
    """Answer instead of upstream; fault_answers.py has the errors of an API server."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Hang:
    """Neither ask upstream nor answer; continue when lifted."""


@dataclass(frozen=True, slots=True)
class Silence:
    """Ask upstream, and pass nothing back, not even headers; continue when lifted.

    Open watches become silent at once. Their connections stay open.
    """


@dataclass(frozen=True, slots=True)
class Delay:
    """Delay the whole answer, or only its start; when lifted, pass at once."""

    seconds: float
    headers_only: bool = False


@dataclass(frozen=True, slots=True)
class NoReuse:
    """Close the connection after the answer, with the header `Connection: close`."""


class How(StrEnum):
    """The way in which a connection ends."""

    RESET = "reset"
    """RST."""
    HALF_CLOSE = "half-close"
    """FIN without TLS's close_notify and without the end of the body; still reading."""
    END = "end"
    """The body ends as if complete; the connection stays open."""


class At(StrEnum):
    """The moment at which a connection ends."""

    NOW = "now"
    """At once, also for open requests; for a new request before upstream gets it (`END`: after the
    headers)."""
    HEADERS = "headers"
    """After the answer of upstream, before the client gets it."""
    MID_FRAME = "mid-frame"
    """With half of the next frame; other bodies than watches count by the pieces that arrive."""
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
    """Pass these bytes to a watch: at once, or before the frame that `When.frame` matches."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Drop:
    """Do not pass the frame."""


@dataclass(frozen=True, slots=True)
class Double:
    """Pass the frame twice."""


@dataclass(frozen=True, slots=True)
class Pad:
    """Extend the frame to this length, with blanks after its first byte: the JSON stays the same."""

    to_bytes: int


@dataclass(frozen=True, slots=True)
class EmptyLines:
    """Pass this number of empty lines before the frame."""

    count: int = 1


@dataclass(frozen=True, slots=True)
class Join:
    """Hold this number of frames back, and pass them in one chunk."""

    count: int = 2


@dataclass(frozen=True, slots=True)
class Split:
    """Pass a frame in several chunks, each in its own TLS record.

    Attributes:
        at: offsets of new chunks.
        every_bytes: the longest chunk; 0: any length.
        pause_seconds: between chunks, so that the client reads each chunk alone.
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

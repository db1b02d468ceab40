"""The lines of a watch: bytes in, as they come, complete frames out."""

import json
from typing import Any

# etcd takes requests of 1.5 MiB, and an API server can be told to take more; what is longer than
# this is not a frame but a stream that has lost its line ends.
MAX_FRAME_BYTES = 16 * 1024 * 1024


class FrameTooLong(ValueError):
    """More bytes came without a line end than any object has."""


class FrameMeaningless(ValueError):
    """A line of a watch is no event."""


class Frames:
    """Splits a stream at its line ends only, so that no character is ever cut."""

    def __init__(self, *, max_bytes: int = MAX_FRAME_BYTES) -> None:
        self._max_bytes = max_bytes
        self._rest = bytearray()

    def feed(self, chunk: bytes) -> list[bytes]:
        """Return the lines that this chunk completes, empty ones left out.

        Raises:
            FrameTooLong: the line that is going on is longer than allowed.
        """
        *lines, rest = chunk.split(b"\n")
        if lines:
            lines[0] = bytes(self._rest) + lines[0]
            self._rest = bytearray(rest)
        else:
            self._rest += rest
        longest = max((len(self._rest), *(len(line) for line in lines)))
        if longest > self._max_bytes:
            raise FrameTooLong(
                f"a frame of the watch has more than {self._max_bytes} bytes, which is the limit"
            )
        return [line for line in lines if line.strip()]


def read_frame(line: bytes) -> dict[str, Any]:
    """Return the event that a line is.

    Raises:
        FrameMeaningless: it is none.
    """
    try:
        frame = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise FrameMeaningless(f"a frame is no JSON: {error}") from error
    if not isinstance(frame, dict):
        raise FrameMeaningless("a frame is no object")
    return frame

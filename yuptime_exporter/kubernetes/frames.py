"""The lines of a watch: bytes in, complete frames out."""

import json
from typing import Any

# etcd accepts requests of 1.5 MiB, and its limit can be raised. A longer line is a stream without
# line ends.
MAX_FRAME_BYTES = 16 * 1024 * 1024


class FrameTooLong(ValueError):
    """A line is longer than any object can be."""


class FrameMalformed(ValueError):
    """A line of a watch is not an event."""


class Frames:
    """Splits a stream of bytes at line ends, so that no character is cut."""

    def __init__(self, *, max_bytes: int = MAX_FRAME_BYTES) -> None:
        self._max_bytes = max_bytes
        self._rest = bytearray()

    def feed(self, chunk: bytes) -> list[bytes]:
        """Return the lines that this chunk completes, without empty lines.

        Raises:
            FrameTooLong: a line is longer than allowed.
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
                f"expected a frame of the watch of at most {self._max_bytes} bytes, got a longer one"
            )
        return [line for line in lines if line.strip()]


def read_frame(line: bytes) -> dict[str, Any]:
    """Return the event in a line.

    Raises:
        FrameMalformed: the line is not a JSON object.
    """
    try:
        frame = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise FrameMalformed(f"a frame is no JSON: {error}") from error
    if not isinstance(frame, dict):
        raise FrameMalformed("a frame is no JSON object")
    return frame

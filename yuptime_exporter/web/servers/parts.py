"""The body of an answer that is made while it is sent."""

from collections.abc import AsyncIterator, Sequence

from aiohttp import ClientConnectionResetError
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http import StreamWriter
from aiohttp.payload import Payload


class PartsPayload(Payload):
    """Writes each part when the connection has taken the one before.

    The pieces of a part are not joined: one system call takes them all from where they are.
    """

    _value: AsyncIterator[Sequence[bytes]]

    def __init__(self, parts: AsyncIterator[Sequence[bytes]]) -> None:
        super().__init__(parts)

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """Refuse, since the body is made only once.

        Raises:
            TypeError: always.
        """
        raise TypeError(f"expected a body that is held, got parts to send ({encoding}, {errors})")

    async def write(self, writer: AbstractStreamWriter) -> None:
        """Write all parts.

        Raises:
            ConnectionError: the client left.
        """
        assert isinstance(writer, StreamWriter)  # noqa: S101  aiohttp makes no others
        async for pieces in self._value:
            if writer.chunked:
                for piece in pieces:
                    await writer.write(piece)
            else:
                await _write_together(writer, pieces)


async def _write_together(writer: StreamWriter, pieces: Sequence[bytes]) -> None:
    writer.send_headers()
    transport = writer.transport
    if transport is None or transport.is_closing():
        raise ClientConnectionResetError("the client left")
    transport.writelines(pieces)
    await writer.drain()

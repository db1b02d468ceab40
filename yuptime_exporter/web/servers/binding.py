"""Bind the sockets of a listener."""

import asyncio
import os
import socket


async def bound_sockets(host: str | None, port: int) -> list[socket.socket]:
    """Return a bound socket for each address of a host; None: every interface, IPv4 and IPv6.

    Raises:
        OSError: an address cannot be used, or the host has none.
    """
    loop = asyncio.get_running_loop()
    # asyncio knows the rules of binding, such as IPv6 without IPv4. Its sockets do not accept.
    server = await loop.create_server(asyncio.Protocol, host, port, start_serving=False)
    bound = [socket.socket(fileno=os.dup(one.fileno())) for one in server.sockets]
    server.close()
    return bound

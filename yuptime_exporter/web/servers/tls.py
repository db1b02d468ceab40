"""TLS of one listener, chosen for each connection, so that a new certificate needs no restart."""

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ListenerTls:
    """TLS at one moment.

    Attributes:
        context: None: plain HTTP.
        client_names: names of which a client's certificate must have one; empty: any certificate.
    """

    context: ssl.SSLContext | None = None
    client_names: frozenset[str] = frozenset()


CurrentTls = Callable[[], ListenerTls]


def has_name(transport: asyncio.BaseTransport, names: frozenset[str]) -> bool:
    """Return whether the client's certificate has one of these names, exactly.

    Args:
        transport: after the handshake.
        names: DNS names, IP addresses, e-mail addresses or URIs.
    """
    certificate = transport.get_extra_info("peercert") or {}
    return any(name in names for _, name in certificate.get("subjectAltName", ()))

"""The Authorization header of a request: a bearer token, or a name with a password."""

import base64
import binascii

from yuptime_exporter.web.http import Request


def sent_token(request: Request) -> bytes | None:
    """Return the token of a job: of `Bearer TOKEN` (RFC 6750), or the password of `Basic`.

    The user name counts for nothing: many programs can send a password and no bearer token.

    Returns:
        The token as the bytes arrived; None unless there is just one.
    """
    scheme, value = _authorization(request)
    if scheme == "bearer":
        return value.encode("utf-8", "surrogateescape") or None
    if scheme == "basic":
        credentials = _decoded(value)
        return (credentials and credentials[1]) or None
    return None


def basic_credentials(request: Request) -> tuple[str, bytes] | None:
    """Return name and password of `Authorization: Basic …` (RFC 7617); None if there are none."""
    scheme, value = _authorization(request)
    return _decoded(value) if scheme == "basic" else None


def _authorization(request: Request) -> tuple[str, str]:
    """Return scheme, in lower case, and value of the header; empty unless there is just one."""
    values = request.headers.getall("Authorization", ())
    if len(values) != 1:
        return "", ""
    scheme, _, value = values[0].partition(" ")
    return scheme.lower(), value.strip()


def _decoded(encoded: str) -> tuple[str, bytes] | None:
    try:
        decoded = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return None
    user, colon, password = decoded.partition(b":")
    return (user.decode("utf-8", "surrogateescape"), password) if colon else None

"""Doubts about tokens: values that no client can send, or that are surely not a token yet.

No text contains any part of the value.
"""

import re

# The characters of a token that an Authorization header can carry: visible ASCII (RFC 9110, VCHAR).
_SENDABLE = re.compile(rb"[\x21-\x7e]+")

_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")

_BYTE_ORDER_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")

# Placeholders of shells, envsubst, Helm, Kubernetes, Vault and SOPS that nothing has filled in.
_PLACEHOLDER = re.compile(rb"\$\{.*|\$\(.*|\{\{.*|<[^<>]*>|ENC\[.*|ref\+.*|vault:.*")

# A shorter token can be guessed: 8 characters of hexadecimal digits are 32 bits.
_MIN_BYTES = 8


def is_sendable(token: bytes) -> bool:
    """Return whether a client can send the token: text without control characters or a mark.

    More than `token_doubt` allows: a shell sends any text as it is in the file.
    """
    if token.startswith(_BYTE_ORDER_MARKS) or _CONTROL.search(token):
        return False
    try:
        token.decode()
    except UnicodeDecodeError:
        return False
    return True


def token_doubt(token: bytes) -> str | None:
    """Return the doubt about one line of a Secret; None if there is none."""
    if token.startswith(_BYTE_ORDER_MARKS):
        return "the token begins with a byte order mark, which no client sends: save without it"
    if b"\0" in token:
        return "the token is UTF-16 or binary, which no HTTP header can carry: save as UTF-8"
    if not _SENDABLE.fullmatch(token):
        return (
            "no HTTP header can carry the token: expected visible ASCII characters without spaces"
        )
    if _PLACEHOLDER.fullmatch(token):
        return "the token is a placeholder that was not filled in"
    if len(token) < _MIN_BYTES:
        return f"expected a token of at least {_MIN_BYTES} characters, got a shorter one"
    return None

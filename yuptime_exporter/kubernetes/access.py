"""How requests reach an API server, and in the name of which user."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from yuptime_exporter.core.errors import SourceUnusable

# RFC 9110, field values: no control characters, except for tabs.
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Access:
    """All that a request to an API server needs.

    Attributes:
        server: the URL, without a slash at the end.
        authorization: the value of the header; empty: none is sent.
        impersonation: the headers that name another user, as pairs; a name may be repeated.
        ca_file: certificate authorities that are trusted; None: those of the system.
        server_hostname: the name in the server's certificate; None: that of the URL.
        proxy: the URL of a proxy; None: connect directly.
        namespace: the namespace of the kubeconfig's current context; None: it names none.
    """

    server: str
    authorization: str = field(default="", repr=False)
    impersonation: tuple[tuple[str, str], ...] = ()
    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None
    verify: bool = True
    server_hostname: str | None = None
    proxy: str | None = field(default=None, repr=False)
    namespace: str | None = None


class Credentials(Protocol):
    """A place from which `Access` is read, again and again."""

    async def load(self, *, force: bool) -> Access:
        """Return the present access.

        Args:
            force: read everything again, also credentials that have not expired.

        Raises:
            SourceUnusable: it cannot be read.
        """


def header_value(text: str, name: str) -> str:
    """Return a text without the white space around it, as the value of a header.

    Args:
        text: a token ends with a newline in many files.
        name: the text's name in an error, which never contains the text.

    Raises:
        SourceUnusable: no header can carry the text.
    """
    stripped = text.strip()
    if _CONTROL.search(stripped):
        raise SourceUnusable(
            f"kubernetes: {name}: expected one line of text, "
            "got a line break or another control character"
        )
    return stripped


def impersonation_headers(user: Mapping[str, object]) -> tuple[tuple[str, str], ...]:
    """Return the headers by which the user of a kubeconfig acts as another user.

    kubernetes.io/docs/reference/access-authn-authz/authentication, User impersonation.

    Raises:
        SourceUnusable: groups, UID or extra fields without a user, which Kubernetes refuses; or a
            value that no header can carry.
    """
    groups, extra = user.get("as-groups") or (), user.get("as-user-extra") or {}
    if not isinstance(groups, list | tuple) or not isinstance(extra, Mapping):
        raise SourceUnusable(
            "kubernetes: expected a list in as-groups, and lists by name in as-user-extra"
        )
    pairs = [("Impersonate-User", user.get("as")), ("Impersonate-Uid", user.get("as-uid"))]
    pairs += [("Impersonate-Group", group) for group in groups]
    for key, values in extra.items():
        name = f"Impersonate-Extra-{_escaped(str(key))}"
        pairs += [(name, value) for value in (values if isinstance(values, list) else [values])]
    found = [(name, header_value(str(value), name)) for name, value in pairs if value]
    if found and found[0][0] != "Impersonate-User":
        raise SourceUnusable(
            "kubernetes: as-uid, as-groups and as-user-extra need the user in `as`, as in kubectl"
        )
    return tuple(found)


def _escaped(key: str) -> str:
    """Return a key of `as-user-extra` as part of a header's name, as client-go encodes it."""
    return "".join(
        chr(byte) if re.match(r"[A-Za-z0-9!#$&'*+.^_`|~-]", chr(byte)) else f"%{byte:02X}"
        for byte in key.encode()
    )

"""The tokens in those entries of Secrets that Monitors name."""

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from yuptime_exporter.core.model import TokenProblem
from yuptime_exporter.resource.objects import (
    Declared,
    Secret,
    SecretKey,
    read_object,
)

References = Mapping[SecretKey, frozenset[str]]
"""The entries that Monitors name, by Secret."""


@dataclass(frozen=True, slots=True)
class HeldSecret:
    """The digests of the tokens in those entries of a Secret that Monitors name."""

    digests: Mapping[str, tuple[bytes, ...]]


class TokenSecrets(Protocol):
    """The source of tokens: Secrets that are watched, or read when needed."""

    async def want(self, references: References) -> None:
        """Hold exactly these entries of these Secrets; return when the new ones were read.

        A Secret without entries is forgotten; a Secret that is not named here stays as it is.
        """

    def held(self, secret: SecretKey) -> HeldSecret | TokenProblem:
        """Return the tokens of a Secret, or why there are none."""

    def renew(self, secret: SecretKey) -> Awaitable[None] | None:
        """Read a Secret again after a token did not match; None: it is up to date."""


def read_secret(raw: Mapping[str, Any], keys: frozenset[str]) -> HeldSecret:
    """Return the digests of the tokens in the named entries of a Secret."""
    data = raw.get("data")
    entries = {key: data[key] for key in keys if isinstance(data, dict) and key in data}
    lean = {"apiVersion": "v1", "kind": "Secret", "metadata": raw.get("metadata"), "data": entries}
    found = read_object(lean, "Secret")
    if isinstance(found, Declared) and isinstance(found.value, Secret):
        return HeldSecret({key: tokens.digests for key, tokens in found.value.tokens.items()})
    return HeldSecret({})


def digests_in(held: HeldSecret | TokenProblem, key: str) -> tuple[bytes, ...] | TokenProblem:
    """Return the digests of the tokens in one entry of a Secret, or why there are none."""
    if isinstance(held, TokenProblem):
        return held
    digests = held.digests.get(key)
    if digests is None:
        return TokenProblem.KEY_NOT_FOUND
    return digests or TokenProblem.NO_TOKENS


def secret_path(secret: SecretKey) -> str:
    """Return the path of one Secret."""
    return f"/api/v1/namespaces/{secret.namespace}/secrets/{secret.name}"

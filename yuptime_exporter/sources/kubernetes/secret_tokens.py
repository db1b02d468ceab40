"""The tokens in those entries of Secrets that Monitors name."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from yuptime_exporter.core.model import TokenProblem
from yuptime_exporter.resource.objects import (
    Declared,
    Secret,
    SecretKey,
    Tokens,
    read_object,
)

References = Mapping[SecretKey, frozenset[str]]
"""The entries that Monitors name, by Secret."""


@dataclass(frozen=True, slots=True)
class HeldSecret:
    """The tokens in those entries of a Secret that Monitors name, as digests.

    Attributes:
        refused_type: the type of a Secret that is not watched, so that no entry is read; else
            empty.
    """

    entries: Mapping[str, Tokens]
    refused_type: str = ""


@dataclass(frozen=True, slots=True)
class FoundTokens:
    """The tokens of a monitor; `problem`, `secret_type` as in `Monitor`."""

    digests: tuple[bytes, ...] = ()
    problem: TokenProblem | None = None
    secret_type: str = ""


class TokenSecrets(Protocol):
    """The source of tokens: Secrets that are watched, or read when needed."""

    async def want(self, references: References) -> None:
        """Hold exactly these entries of these Secrets; return when the new ones were read.

        A Secret without entries is forgotten; a Secret that is not named here stays as it is.
        """

    def call_when_listed(self, call: Callable[[str | None], None]) -> None:
        """Call this with each namespace once its tokens are known; with None: all of them."""

    async def refresh(self) -> None:
        """Ask again now for tokens that the exporter was not permitted to list."""

    def is_listed(self, namespace: str | None) -> bool:
        """Tell whether the tokens of a namespace are known; None: of all namespaces."""

    def is_forbidden(self, namespace: str | None) -> bool:
        """Tell whether they are not known because the exporter may not list them."""

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
        return HeldSecret(found.value.tokens)
    return HeldSecret({})


def tokens_in(held: HeldSecret | TokenProblem, key: str) -> FoundTokens:
    """Return the tokens in one entry of a Secret, or why there are none.

    Tokens that no client can send stay accepted, since that costs nothing.
    """
    if isinstance(held, TokenProblem):
        return FoundTokens(problem=held)
    if held.refused_type:
        return FoundTokens(problem=TokenProblem.SECRET_TYPE, secret_type=held.refused_type)
    tokens = held.entries.get(key)
    if tokens is None:
        return FoundTokens(problem=TokenProblem.KEY_NOT_FOUND)
    if not tokens.digests:
        return FoundTokens(problem=TokenProblem.NO_TOKENS)
    return FoundTokens(tokens.digests, TokenProblem.UNSENDABLE if tokens.unsendable else None)


def secret_path(secret: SecretKey) -> str:
    """Return the path of one Secret."""
    return f"/api/v1/namespaces/{secret.namespace}/secrets/{secret.name}"

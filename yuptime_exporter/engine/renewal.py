"""A second look at a token that does not match, where tokens are read and not watched."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from yuptime_exporter.core.errors import NotAuthenticated, TokenMissing
from yuptime_exporter.core.model import MonitorKey

Admit = Callable[[MonitorKey, bytes | None], None]
RenewTokens = Callable[[MonitorKey], Awaitable[None] | None]

# Long enough to read a Secret and put it into force; and what each guess costs who guesses.
RENEWAL_SECONDS = 1.0
_POLL_SECONDS = 0.05


class TokenRenewal:
    """Lets in who sends a token that is newer than what was read of its Secret.

    Every refusal takes the same time, whether there was anything to read anew or not; so it tells
    nothing of which monitors there are.
    """

    def __init__(self, admit: Admit, renew_tokens: RenewTokens) -> None:
        """Take who decides, and who reads tokens anew unless that was done just now."""
        self._admit = admit
        self._renew_tokens = renew_tokens

    async def authenticate(self, key: MonitorKey, token: bytes | None) -> None:
        """Let in whoever may push to this monitor now; raises what `Receiver.admit` does."""
        try:
            return self._admit(key, token)
        except (NotAuthenticated, TokenMissing):
            if token is None:
                raise
        loop = asyncio.get_running_loop()
        until = loop.time() + RENEWAL_SECONDS
        renewing = self._renew_tokens(key)
        if renewing is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout_at(until):
                    await renewing
        while True:
            try:
                return self._admit(key, token)
            except (NotAuthenticated, TokenMissing):
                if loop.time() >= until:
                    raise
            await asyncio.sleep(min(_POLL_SECONDS, max(until - loop.time(), 0.0)))

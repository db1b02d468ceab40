"""Passwords of users, compared with bcrypt hashes off the event loop."""

import asyncio
import hashlib
from collections.abc import Mapping

import bcrypt

# The hash of a random password: unknown users take as long as known ones.
_UNKNOWN_USER = b"$2b$10$eImiTXuWVxfM37uY4JANjQ4CCSYY1IVdPg7N4Gf.cMpcQQE1qEBAS"

# bcrypt reads no more of a password.
_MAX_PASSWORD_BYTES = 72

# Right passwords that are remembered: a scrape each 15 s must not cost 50 ms of processor time.
_MAX_REMEMBERED = 100


class Passwords:
    """Decides whether a user gave the right password; for the event loop's thread only."""

    def __init__(self) -> None:
        self._one_at_a_time = asyncio.Lock()
        self._right: dict[bytes, None] = {}

    async def match(self, users: Mapping[str, bytes], user: str, password: bytes) -> bool:
        """Return whether this is the password of this user; it takes the same time if not.

        Args:
            users: the bcrypt hash of each user's password.
            user: as the client names itself.
            password: as the client sent it.
        """
        known = users.get(user)
        if known is not None and self._remembered(user, known, password):
            return True
        # One at a time, so that strangers keep no more than one core busy.
        async with self._one_at_a_time:
            right = await asyncio.to_thread(_matches, password, known or _UNKNOWN_USER)
        if right and known is not None:
            while len(self._right) >= _MAX_REMEMBERED:
                del self._right[next(iter(self._right))]
            self._right[_digest(user, known, password)] = None
            return True
        return False

    def _remembered(self, user: str, known: bytes, password: bytes) -> bool:
        return _digest(user, known, password) in self._right


def _matches(password: bytes, password_hash: bytes) -> bool:
    try:
        return bcrypt.checkpw(password[:_MAX_PASSWORD_BYTES], password_hash)
    except ValueError:  # a password that bcrypt cannot have hashed
        return False


def _digest(user: str, password_hash: bytes, password: bytes) -> bytes:
    """Return a digest in which no part can be taken for a piece of another (CVE-2022-46146)."""
    parts = (user.encode("utf-8", "surrogateescape"), password_hash, password)
    return hashlib.sha256(b"".join(b"%d:%b" % (len(part), part) for part in parts)).digest()

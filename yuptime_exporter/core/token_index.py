"""The monitors of each token, for clients that send a token and do not name their monitor."""

from collections.abc import Collection

from yuptime_exporter.core.model import MonitorKey
from yuptime_exporter.core.table import MonitorTable

_ANY_NAME = ""


class TokenIndex:
    """Monitors by the digests of their tokens, kept up to date with the table.

    A look-up takes the same time with any number of monitors, also where all of them share a token.
    Digests are no secret once a token is guessed, and the time of a look-up depends on the digest
    only: it tells a stranger nothing about a token.
    """

    def __init__(self, table: MonitorTable) -> None:
        """Index the monitors of a table, now and after each of its changes."""
        self._table = table
        self._digests: dict[MonitorKey, tuple[bytes, ...]] = {}
        self._keys: dict[tuple[bytes, str], set[MonitorKey]] = {}
        self._update([row.monitor.key for row in table.rows()])
        table.follow(self._update)

    def keys(self, digest: bytes, name: str = _ANY_NAME) -> Collection[MonitorKey]:
        """Return the monitors of a token.

        Args:
            digest: the SHA-256 digest of the token.
            name: only monitors of this name, in any namespace; empty: all.
        """
        return self._keys.get((digest, name), ())

    def _update(self, changed: Collection[MonitorKey]) -> None:
        for key in changed:
            row = self._table.row(key)
            digests = row.monitor.token_digests if row is not None else ()
            known = self._digests.get(key, ())
            if digests is not known and digests != known:
                self._replace(key, known, digests)

    def _replace(
        self, key: MonitorKey, known: tuple[bytes, ...], digests: tuple[bytes, ...]
    ) -> None:
        for digest in set(known):
            for place in ((digest, key.name), (digest, _ANY_NAME)):
                self._keys[place].discard(key)
                if not self._keys[place]:
                    del self._keys[place]
        for digest in set(digests):
            for place in ((digest, key.name), (digest, _ANY_NAME)):
                self._keys.setdefault(place, set()).add(key)
        if digests:
            self._digests[key] = digests
        else:
            del self._digests[key]

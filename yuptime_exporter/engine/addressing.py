"""Find the monitor of a push whose client does not name the monitor's namespace."""

import hashlib

from yuptime_exporter.core.errors import AmbiguousToken, NotAuthenticated, NotReady
from yuptime_exporter.core.model import MonitorKey
from yuptime_exporter.core.table import MonitorTable
from yuptime_exporter.core.token_index import TokenIndex
from yuptime_exporter.engine.readiness import Readiness


class Addressing:
    """Finds monitors by tokens. Every unknown token gets the same error."""

    def __init__(self, table: MonitorTable, readiness: Readiness) -> None:
        """Index the tokens of all monitors, now and after each change of the table."""
        self._table = table
        self._readiness = readiness
        self._tokens = TokenIndex(table)

    def is_token(self, text: str) -> bool:
        """Return whether a text that a client sent in a URL is the token of a monitor."""
        return bool(self._tokens.keys(hashlib.sha256(text.encode()).digest()))

    def monitor_of(self, token: bytes, name: str = "") -> MonitorKey:
        """Return the monitor of a token.

        Args:
            token: as the client sent it.
            name: of the monitor; empty: the client names nothing but the token.

        Raises:
            NotReady: the exporter does not know all monitors yet.
            NotAuthenticated: the token is that of no monitor, or of none with this name.
            AmbiguousToken: several monitors have this token, and this name.
        """
        self._readiness.check()
        keys = self._tokens.keys(hashlib.sha256(token).digest(), name)
        if len(keys) > 1:
            raise AmbiguousToken(
                f"the token is that of {len(keys)} monitors, {min(keys)} among them: "
                "expected a token or a name that only one of them has"
            )
        for key in keys:
            return key
        if self._table.is_unlisted(None):
            raise NotReady(
                "the monitors of some namespaces are not known, because the exporter may not list "
                "them; push again later"
            )
        raise NotAuthenticated

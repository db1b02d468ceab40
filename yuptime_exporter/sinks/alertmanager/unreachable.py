"""The Alertmanagers that alerts do not reach at present, for the notice on the pages."""

# A page is not the place for a long list; metrics have all.
SHOWN = 5


class Unreachable:
    """The addresses whose last request failed, with the reason. For the event loop's thread only."""

    def __init__(self) -> None:
        self._failures: dict[tuple[str, str], str] = {}

    def failed(self, url: str, address: str, reason: str) -> None:
        """Note a failure.

        Args:
            url: of the Alertmanager.
            address: one of those that its name has; empty: its name cannot be resolved.
            reason: without text of the other side, which could be any server's secret.
        """
        self._failures[url, address] = reason

    def reached(self, url: str, address: str) -> None:
        """Note that the address took a request, or is no longer one of the Alertmanager's."""
        self._failures.pop((url, address), None)

    def forget(self, url: str) -> None:
        """Forget an Alertmanager to which no alert is sent any more."""
        self._failures = {place: why for place, why in self._failures.items() if place[0] != url}

    @property
    def notice(self) -> str:
        """The failures in words; empty without one."""
        shown = [_words(*place, reason) for place, reason in self._failures.items()][:SHOWN]
        more = len(self._failures) - len(shown)
        return "; ".join([*shown, f"{more} more"] if more else shown)


def _words(url: str, address: str, reason: str) -> str:
    at = f" at {address}" if address and address not in url else ""
    return f"alerts do not reach Alertmanager {url}{at}: {reason}"

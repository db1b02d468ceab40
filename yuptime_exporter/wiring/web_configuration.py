"""The file of `--web.config.file`, as the guard and the listeners want it."""

from collections.abc import Callable

from yuptime_exporter.settings.web_configuration import CurrentWebConfiguration
from yuptime_exporter.web.guard import Protection
from yuptime_exporter.web.servers.tls import CurrentTls, ListenerTls


def protection(current: CurrentWebConfiguration) -> Callable[[], Protection]:
    """Return a function that gives what guarded routes demand at this moment."""

    def now() -> Protection:
        value = current.value
        return Protection(value.users, value.headers, value.rate_limit)

    return now


def page_tls(current: CurrentWebConfiguration) -> CurrentTls:
    """Return a function that gives the TLS of a listener with pages at this moment."""

    def now() -> ListenerTls:
        value = current.value
        return ListenerTls(value.tls, value.client_allowed_names)

    return now


def push_tls(current: CurrentWebConfiguration) -> CurrentTls:
    """Return a function that gives the TLS of a listener with pushes and probes only."""
    return lambda: ListenerTls(current.value.push_tls)

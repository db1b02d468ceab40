"""Limits of the connection to the API server, each with its source."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ApiLimits:
    """Times in seconds and sizes; the defaults are for production, tests pass shorter ones.

    Attributes:
        connect_timeout_seconds: for TCP and TLS to one address.
        open_timeout_seconds: until a watch is answered. An API server answers a watch that it
            admits at once; one that has to queue (priority and fairness), within this time.
        page_timeout_seconds: for one page of a list, from the request to its last byte. This is
            the `--request-timeout` default of the API server.
        page_limit_objects: objects in a page of a list; client-go, tools/pager.
        credentials_max_age_seconds: after this time the credentials are read again, since the
            kubelet replaces a token long before it expires; client-go,
            transport/token_source.go.
        renewal_interval_seconds: the least time between two renewals after a 401, so that many
            rejected requests start a login plugin once.
        watch_silence_seconds: how long a watch may be silent. None: as long as
            `Reflector.silence_seconds` allows by the bookmarks of the API server.
    """

    connect_timeout_seconds: float = 10.0
    open_timeout_seconds: float = 30.0
    page_timeout_seconds: float = 60.0
    page_limit_objects: int = 500
    credentials_max_age_seconds: float = 60.0
    renewal_interval_seconds: float = 1.0
    watch_silence_seconds: float | None = None

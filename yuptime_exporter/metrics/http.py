"""Metrics of HTTP requests and connections."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

# Ten steps from the fastest push (a commit takes 0.2 ms) to more than the longest timeout.
REQUEST_BUCKETS_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.25, 1.0, 2.5, 10.0)


class HttpMetrics:
    """Metrics of all requests, by handler, method and status code."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._duration_seconds = Histogram(
            "yuptime_http_request_duration_seconds",
            "Time from the end of a request's headers to the end of its answer.",
            ("handler", "method", "code"),
            buckets=REQUEST_BUCKETS_SECONDS,
            registry=registry,
        )
        # A lookup here costs a third of `Histogram.labels`, which every push would pay.
        self._series: dict[tuple[str, str, int], Histogram] = {}

    def observe(self, handler: str, method: str, code: int, seconds: float) -> None:
        """Count one answered request."""
        labels = (handler, method, code)
        series = self._series.get(labels)
        if series is None:
            series = self._series[labels] = self._duration_seconds.labels(*labels)
        series.observe(seconds)


class ConnectionMetrics:
    """Metrics of connections, with every series from the start."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.open = Gauge(
            "yuptime_http_connections",
            "Connections that are open.",
            registry=registry,
        )
        self.limit = Gauge(
            "yuptime_http_connections_limit",
            "Connections that may be open at once.",
            registry=registry,
        )
        self.closed = Counter(
            "yuptime_http_connections_closed_total",
            "Connections that were closed to make room for others, for want of a request, or by TLS.",
            ("reason",),
            registry=registry,
        )
        self.accept_pauses = Counter(
            "yuptime_http_accept_pauses_total",
            "How often new connections had to wait.",
            ("reason",),
            registry=registry,
        )
        self.clients_left = Counter(
            "yuptime_http_clients_left_total",
            "Clients that closed their connection before they had their answer.",
            registry=registry,
        )
        for reason in ("limit", "head_timeout", "tls", "client_name"):
            self.closed.labels(reason)
        for reason in ("limit", "system"):
            self.accept_pauses.labels(reason)

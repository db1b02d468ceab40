"""Metrics of HTTP requests."""

from prometheus_client import CollectorRegistry, Histogram

# Ten steps from the fastest push (a commit takes 0.2 ms) to more than the longest timeout.
REQUEST_BUCKETS_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.25, 1.0, 2.5, 10.0)


class HttpMetrics:
    """Metrics of all requests, by handler, method and status code."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.request_duration_seconds = Histogram(
            "yuptime_http_request_duration_seconds",
            "Time from the end of a request's headers to the end of its answer.",
            ("handler", "method", "code"),
            buckets=REQUEST_BUCKETS_SECONDS,
            registry=registry,
        )

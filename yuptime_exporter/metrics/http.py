"""Metrics of HTTP requests."""

from prometheus_client import CollectorRegistry, Histogram

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

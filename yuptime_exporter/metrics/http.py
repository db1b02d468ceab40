"""Metrics of HTTP requests and connections."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from itertools import accumulate

from prometheus_client import CollectorRegistry, Counter, Gauge
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

# Ten steps from the fastest push (a commit takes 0.2 ms) to more than the longest timeout.
REQUEST_BUCKETS_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.25, 1.0, 2.5, 10.0)


class _Durations:
    """The durations of the requests with the same labels.

    Attributes:
        counts: of each bucket alone, of the one without an upper bound at the end.
        sum_seconds: of all durations.
    """

    __slots__ = ("counts", "sum_seconds")

    def __init__(self) -> None:
        self.counts = [0] * (len(REQUEST_BUCKETS_SECONDS) + 1)
        self.sum_seconds = 0.0


class HttpMetrics(Collector):
    """Metrics of all requests, by handler, method and status code.

    A histogram of prometheus-client takes three times as long to observe a request, since it
    expects threads. For the event loop's thread only.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._durations: dict[tuple[str, str, int], _Durations] = {}
        registry.register(self)

    def observe(self, handler: str, method: str, code: int, seconds: float) -> None:
        """Count one answered request."""
        labels = (handler, method, code)
        durations = self._durations.get(labels)
        if durations is None:
            durations = self._durations[labels] = _Durations()
        durations.counts[bisect_left(REQUEST_BUCKETS_SECONDS, seconds)] += 1
        durations.sum_seconds += seconds

    def describe(self) -> Iterable[Metric]:
        """Return the family without samples; `name[]` finds a family only by this list."""
        return (self._family(),)

    def collect(self) -> Iterator[Metric]:
        """Return the family with its samples."""
        family = self._family()
        bounds = [*map(_bound_text, REQUEST_BUCKETS_SECONDS), "+Inf"]
        for (handler, method, code), durations in self._durations.items():
            buckets = list(zip(bounds, accumulate(durations.counts), strict=True))
            family.add_metric((handler, method, str(code)), buckets, durations.sum_seconds)
        yield family

    def _family(self) -> HistogramMetricFamily:
        return HistogramMetricFamily(
            "yuptime_http_request_duration_seconds",
            "Time from the end of a request's headers to the end of its answer.",
            labels=("handler", "method", "code"),
        )


def _bound_text(seconds: float) -> str:
    text: str = floatToGoString(seconds)  # type: ignore[no-untyped-call]
    return text


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

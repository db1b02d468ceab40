"""The histogram of requests: as prometheus-client's own, and observed in a third of the time."""

import prometheus_client
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.exposition import generate_latest
from prometheus_client.openmetrics import exposition as openmetrics

from yuptime_exporter.metrics.http import REQUEST_BUCKETS_SECONDS, HttpMetrics

NAME = "yuptime_http_request_duration_seconds"
LABELS = st.tuples(
    st.sampled_from(["/metrics", '/"quoted"\\']), st.sampled_from(["GET", "POST"]), st.just(200)
)
SECONDS = st.one_of(
    st.sampled_from(REQUEST_BUCKETS_SECONDS), st.floats(0, 20), st.floats(allow_nan=False)
)


@given(st.lists(st.tuples(LABELS, SECONDS)))
def test_the_histogram_is_written_as_that_of_prometheus_client(
    observed: list[tuple[tuple[str, str, int], float]],
) -> None:
    prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    metrics = HttpMetrics(ours)
    histogram = Histogram(
        NAME,
        "Time from the end of a request's headers to the end of its answer.",
        ("handler", "method", "code"),
        buckets=REQUEST_BUCKETS_SECONDS,
        registry=theirs,
    )
    for labels, seconds in observed:
        metrics.observe(*labels, seconds)
        histogram.labels(*labels).observe(seconds)

    for write in (generate_latest, openmetrics.generate_latest):
        assert write(ours) == write(theirs)


@pytest.mark.parametrize("suffix", ["_bucket", "_sum", "_count"])
def test_a_scrape_of_some_names_finds_the_histogram(suffix: str) -> None:
    registry = CollectorRegistry()
    HttpMetrics(registry).observe("/metrics", "GET", 200, 0.1)

    text = generate_latest(registry.restricted_registry([NAME + suffix])).decode()

    assert f'{NAME}{suffix}{{code="200",handler="/metrics",' in text

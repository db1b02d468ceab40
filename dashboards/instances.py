"""Queries about the chosen instances of the exporter."""

from dashboards.panels import Json, targets

WHERE = 'job=~"$job", instance=~"$instance"'


def of(metric: str) -> str:
    """Return the selector of one of the exporter's metrics."""
    return f"yuptime_{metric}{{{WHERE}}}"


def rate(metric: str, by: str) -> str:
    """Return the increase of a counter in a second."""
    return f"sum by ({by}) (rate({of(metric)}[$__rate_interval]))"


def increase(metric: str, by: str, over: str = "$__rate_interval") -> str:
    """Return the increase of a counter in the interval."""
    return f"sum by ({by}) (increase({of(metric)}[{over}]))"


def quantiles(metric: str, by: str) -> list[Json]:
    """Return the queries for the median and the 99th percentile of a histogram."""
    legend = " ".join(f"{{{{{label}}}}}" for label in by.split(", "))
    buckets = rate(f"{metric}_bucket", f"le, {by}")
    return targets(
        (f"histogram_quantile(0.5, {buckets})", f"{legend} half"),
        (f"histogram_quantile(0.99, {buckets})", f"{legend} 99%"),
    )

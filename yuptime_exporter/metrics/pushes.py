"""Metrics of pushes."""

from enum import StrEnum

from prometheus_client import CollectorRegistry, Counter


class RejectionReason(StrEnum):
    """Reasons of rejections; the set is closed, so that no client can add a series.

    An unknown monitor and a wrong token are one reason: metrics must not tell which monitors
    exist.
    """

    UNAUTHORIZED = "unauthorized"
    MALFORMED = "malformed"
    TIMEOUT = "timeout"
    LENGTH_REQUIRED = "length_required"
    TOO_LARGE = "too_large"
    UNSUPPORTED = "unsupported"
    RATE_LIMITED = "rate_limited"
    NOT_READY = "not_ready"
    TOKEN_MISSING = "token_missing"  # noqa: S105  a reason, not a token
    STORE_UNAVAILABLE = "store_unavailable"


class PushMetrics:
    """Counters of rejections, with a series for each reason from the start."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.rejected = Counter(
            "yuptime_pushes_rejected_total",
            "Pushes that were not accepted.",
            ("reason",),
            registry=registry,
        )
        for reason in RejectionReason:
            self.rejected.labels(reason)

"""Limits of the Kubernetes source, each with its source."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SourceLimits:
    """Times in seconds; the defaults are for production, tests pass shorter ones.

    Attributes:
        gather_seconds: the wait after a change for further changes, so that objects that are
            applied together become active together.
        between_sets_seconds: the least time between two sets while changes continue. A set of
            10,000 monitors takes some 70 ms, part of which delays pushes.
        pruned_interval_seconds: how often some pruned Monitors are read again. When the definition
            is replaced their fields are back, but no event says so, and an open watch shows the
            old fields for some more seconds.
        pruned_at_once: how many Monitors that is.
        secret_ttl_seconds: how long a Secret that was read is trusted. 1,000 Secrets are
            3.3 requests a second.
        secret_ttl_spread: the part of it that is added or subtracted at random, so that the reads
            of many Secrets do not coincide.
        secret_missing_ttl_seconds: how long "not found" and "forbidden" are trusted; a missing
            Secret is usually about to be created.
        secret_renewal_seconds: the least time between two reads of a Secret after wrong tokens,
            however many are sent.
        secret_reads_in_flight: the number of Secrets that are read at once.
        secret_read_timeout_seconds: for one read.
        secret_poll_seconds: how often expired Secrets are looked for, at least.
        secret_retry_seconds: with a watch of Secrets, the wait after a read that failed; the watch
            delivers only changes.
        secret_unseen_seconds: with a watch of Secrets, how often those are read that Monitors name
            and the watch does not show: they are missing, or have a type that it leaves out.
    """

    gather_seconds: float = 0.05
    between_sets_seconds: float = 0.5
    pruned_interval_seconds: float = 60.0
    pruned_at_once: int = 100
    secret_ttl_seconds: float = 300.0
    secret_ttl_spread: float = 0.2
    secret_missing_ttl_seconds: float = 30.0
    secret_renewal_seconds: float = 10.0
    secret_reads_in_flight: int = 16
    secret_read_timeout_seconds: float = 5.0
    secret_poll_seconds: float = 5.0
    secret_retry_seconds: float = 5.0
    secret_unseen_seconds: float = 30.0

"""Limits of writing to Monitor objects, each with its source."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StatusLimits:
    """Times in seconds; the defaults are for production, tests pass others.

    Attributes:
        writes_in_flight: the number of concurrent writes. Measured with an API server on two
            cores: 16 reach nine tenths of the throughput of 64, at a third of the latency.
        max_writes_per_second: the greatest rate of writes for which no push waits; set by
            `--status.max-qps`.
        writes_per_second: their rate without a backlog: that of cert-manager, which
            uses client-go with 20 a second.
        burst: the number of these writes at once; client-go's default for cert-manager is 50.
        backlog_seconds: a backlog, as at the first start with many monitors, is written within
            this time, if `--status.max-qps` allows it.
        deadline_spread_seconds: replicas that share their statuses write the same deadline at
            random moments within this time; 0: there are no other replicas.
        sweep_seconds: how often every status is compared with the table, which repairs a status
            that was overwritten without an event.
        pause_seconds: the pause after a failure of the API server, with a random part of the same
            size.
        probe_seconds: the pause after the API server has forbidden all writes.
        flush_seconds: time for the last status writes at shutdown, which must stay below 10 s in
            total.
        push_wait_seconds: a new push fails at once while another has waited for longer than this.
            The receiver waits for a store for the same time.
        conflicts: the tries of one write, since another client may change the object each time.
        conflicts_of_push: the tries of a write for which a push waits. Another replica may receive
            as many pushes and win more often, since it drafts its next write from its own answer.
        conflict_pause_seconds: the greatest pause before the second try; it grows with each try.
            All tries of a push take 0.2 s.
        contest_seconds: a status that another writer has replaced is restored after this time
            without a change, with a random part of the same size; doubled with each loss.
        max_contest_seconds: the greatest of these times, without the random part.
        request_timeout_seconds: for one request; a push waits no longer for its store.
        answer_seconds: how long the answer to a write is newer than the watch. The watch shows
            the same object within milliseconds; after an interruption it may leave it out.
        confirm_seconds: the time in which the status of silent monitors is read before an alert.
            A monitor that was not read by then is read before the next repetition.
    """

    writes_in_flight: int = 16
    max_writes_per_second: float = 100.0
    writes_per_second: float = 20.0
    burst: int = 40
    backlog_seconds: float = 30.0
    deadline_spread_seconds: float = 0.0
    sweep_seconds: float = 300.0
    pause_seconds: float = 5.0
    probe_seconds: float = 300.0
    flush_seconds: float = 1.5
    push_wait_seconds: float = 5.0
    conflicts: int = 5
    conflicts_of_push: int = 25
    conflict_pause_seconds: float = 0.01
    contest_seconds: float = 5.0
    max_contest_seconds: float = 300.0
    request_timeout_seconds: float = 5.0
    answer_seconds: float = 10.0
    confirm_seconds: float = 10.0

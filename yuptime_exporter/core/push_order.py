"""The order of pushes to one monitor: which of two is the newer, and which are of another object.

The table, the stores and the replicas of one exporter decide by the rules of this file alone.
"""

from yuptime_exporter.core.evaluation import (
    MAX_FUTURE_SECONDS,
    lies_ahead,
    push_in_the_present,
)
from yuptime_exporter.core.model import LastPush, Monitor, Row
from yuptime_exporter.core.runs import NO_RUNS, merged

_ALWAYS = float("-inf")


def place(push: LastPush) -> tuple[float, int]:
    """Return the sort key of the pushes to one monitor: the moment of the newest, then the count.

    Starts of runs are pushes. Several pushes may have one moment: after a small step back of the
    clock, the moment stands still until the clock has caught up.
    """
    newest_timestamp = max(push.received_timestamp, push.runs.last_start_timestamp)
    return newest_timestamp, _count(push)


def _count(push: LastPush) -> int:
    return push.pushes_total + push.runs.starts_total


def newer(known: LastPush | None, other: LastPush, *, now_timestamp: float) -> LastPush:
    """Return the newer of two pushes to one monitor; `known` where they are equal.

    A moment in the future comes from a clock that was wrong, so that it orders nothing: then the
    count decides.
    """
    if known is None:
        return other
    if any(lies_ahead(place(one)[0], now_timestamp) for one in (known, other)):
        return other if place(other)[1] > place(known)[1] else known
    return other if place(other) > place(known) else known


def outdates(known: LastPush, push: LastPush) -> bool:
    """Return whether `known` continues a push that is stored only now: it is newer and counts more."""
    return _count(known) > _count(push) and place(known) > place(push)


def history_start(monitor: Monitor, *, now_timestamp: float) -> float:
    """Return the moment before which pushes were to another object of the same name.

    Creation times are whole seconds of another machine's clock, so that a push within
    `MAX_FUTURE_SECONDS` before the creation still counts. A creation in the future counts as now.
    """
    created = monitor.created_timestamp
    return _ALWAYS if created is None else min(created, now_timestamp) - MAX_FUTURE_SECONDS


def of_a_predecessor(push: LastPush, monitor: Monitor, *, now_timestamp: float) -> bool:
    """Return whether a push was to a deleted object of the same name."""
    return place(push)[0] < history_start(monitor, now_timestamp=now_timestamp)


def after_other_pushes(push: LastPush, base: LastPush | None, found: LastPush) -> LastPush:
    """Return the push to store if other replicas stored pushes in between; each is counted.

    Args:
        push: the push to store.
        base: the push that it continues; None: it was the first.
        found: the push that is stored in the place of `base`.
    """
    if base is not None and place(found) <= place(base):
        return push
    pushes = push.pushes_total - (base.pushes_total if base else 0)
    downs = push.pushes_down_total - (base.pushes_down_total if base else 0)
    newest = push if push.received_timestamp >= found.received_timestamp else found
    since = newest.since_timestamp
    if newest is push and push.status is found.status:
        since = min(push.since_timestamp, found.since_timestamp)
    return newest.replace(
        since_timestamp=since,
        last_success_timestamp=max(push.last_success_timestamp, found.last_success_timestamp),
        pushes_total=found.pushes_total + pushes,
        pushes_down_total=found.pushes_down_total + downs,
        runs=merged(push.runs, base.runs if base else NO_RUNS, found.runs, newest=newest.runs),
    )


def in_order(push: LastPush, base: LastPush | None, *, now_timestamp: float) -> LastPush:
    """Return the push to store where the push that it continues was received after it.

    Another replica stored `base` while the push waited for its turn. The push is counted, and
    `base` stays the newest; unless its moment is ahead of now, and so of a clock that was wrong.
    """
    if base is None or base.received_timestamp <= push.received_timestamp:
        return push
    if lies_ahead(base.received_timestamp, now_timestamp):
        return push
    return base.replace(
        pushes_total=push.pushes_total,
        pushes_down_total=push.pushes_down_total,
        runs=push.runs,
    )


def push_to_store(row: Row, push: LastPush, found: LastPush, *, now_timestamp: float) -> LastPush:
    """Return the push to store in the place of one that is not `row.last_push`.

    Args:
        row: the monitor as it was before the push.
        push: the accepted push, which continues `row.last_push`.
        found: the push that is stored.
        now_timestamp: the moment of storing.
    """
    if of_a_predecessor(found, row.monitor, now_timestamp=now_timestamp):
        return push
    if lies_ahead(place(found)[0], now_timestamp):
        found = push_in_the_present(found, now_timestamp=place(push)[0])
    return after_other_pushes(push, row.last_push, found)

"""Since when the first push of a monitor is awaited: a declaration, a pause, an absence."""

from functools import lru_cache

from yuptime_exporter.core.evaluation import base_timestamp, in_the_present, judge
from yuptime_exporter.core.model import Arming, Monitor, Outage, PushKind, Row
from yuptime_exporter.core.outages import Outages

# A monitor that is absent for less was remounted, as by a ConfigMap or an editor that replaces its
# file, and keeps its arming. After a longer absence it is a new declaration. Kubelet replaces a
# mounted volume within its sync period of about a minute.
REMOUNT_SECONDS = 300.0

# Longest time from the creation of an object until a source declares it: a watch needs less than a
# second, creation times are whole seconds, and clocks differ. An object that is declared later, as
# after a change of its type, could not be pushed to before, and is armed at its declaration.
ANNOUNCED_SECONDS = 10.0

_NEVER = float("-inf")


def after_declaration(
    previous: Arming | None,
    monitor: Monitor,
    *,
    now_timestamp: float,
    known_timestamp: float | None = None,
) -> Arming:
    """Return the arming of a monitor that a source declares now.

    A monitor is armed again after a pause, after a long absence, and when its object was deleted
    and created again; never otherwise.

    Args:
        previous: the arming until now; None: the monitor is new, or its state was lost.
        monitor: as it is declared.
        now_timestamp: the moment of the declaration.
        known_timestamp: when all declarations were last known; None: never yet.
    """
    paused = None if monitor.enabled else now_timestamp
    declared = monitor.created_timestamp
    created = _NEVER if declared is None else min(declared, now_timestamp)
    if previous is None:
        just_created = (
            known_timestamp is not None and created >= known_timestamp - ANNOUNCED_SECONDS
        )
        return _armed(created if just_created else now_timestamp, paused)
    if monitor.enabled and _is_active(previous) and created <= previous.armed_timestamp:
        return previous  # as nearly always
    if not monitor.enabled and previous.paused_timestamp is not None:
        paused = previous.paused_timestamp
    armed = max(previous.armed_timestamp, created)
    resumed = monitor.enabled and previous.paused_timestamp is not None
    if resumed or _gone_for_long(previous, now_timestamp):
        armed = max(armed, now_timestamp)
    return Arming(armed_timestamp=armed, paused_timestamp=paused)


def after_unlisted(row: Row, outages: Outages, unlisted: Outage) -> Arming:
    """Return the arming of a monitor that becomes known at the end of a time without its pushes.

    A deadline that was open then moves by that time and no more. Where the schedule is a calendar,
    a moment within that time is not judged.

    Args:
        row: the monitor with its stored arming and push.
        outages: in which no push to any monitor could be received.
        unlisted: the time in which the exporter did not know the monitor.
    """
    reported_down = row.last_push is not None and row.last_push.status is PushKind.DOWN
    base, now_timestamp = base_timestamp(row), unlisted.end_timestamp
    lost_seconds = outages.receiving_seconds(max(unlisted.start_timestamp, base), now_timestamp)
    deadline = judge(row, outages, now_timestamp=now_timestamp).deadline_timestamp
    if reported_down or lost_seconds <= 0 or deadline <= unlisted.start_timestamp:
        return row.arming
    moved = row.arming._replace(armed_timestamp=outages.deadline(base, lost_seconds))
    after = judge(Row(row.monitor, moved, row.last_push), outages, now_timestamp=now_timestamp)
    if after.deadline_timestamp <= now_timestamp:
        return moved._replace(armed_timestamp=now_timestamp)
    return moved


def newer_arming(known: Arming, other: Arming) -> Arming:
    """Return the arming on which two replicas agree.

    Replicas see a declaration within moments of each other. The later arming counts, so that no
    replica is down before the other. A pause began when the first replica saw it.
    """
    armed = max(known.armed_timestamp, other.armed_timestamp)
    pauses = [known.paused_timestamp, other.paused_timestamp]
    both = [pause for pause in pauses if pause is not None]
    paused = min(both) if len(both) == len(pauses) else known.paused_timestamp
    return known._replace(armed_timestamp=armed, paused_timestamp=paused)


def after_vanishing(previous: Arming, *, now_timestamp: float) -> Arming:
    """Return the arming of a monitor that its source no longer declares."""
    if previous.vanished_timestamp is not None:
        return previous
    return previous._replace(vanished_timestamp=now_timestamp)


def arming_in_the_present(arming: Arming, *, now_timestamp: float) -> Arming:
    """Return the arming with future moments set to now: nearly always the identical arming."""
    if _is_active(arming) and arming.armed_timestamp <= now_timestamp:
        return arming

    def present(timestamp: float | None) -> float | None:
        return None if timestamp is None else in_the_present(timestamp, now_timestamp)

    return Arming(
        armed_timestamp=in_the_present(arming.armed_timestamp, now_timestamp),
        paused_timestamp=present(arming.paused_timestamp),
        vanished_timestamp=present(arming.vanished_timestamp),
    )


@lru_cache(maxsize=8)
def _armed(armed_timestamp: float, paused_timestamp: float | None) -> Arming:
    """Return an arming; the monitors of one declaration share it, and so its memory."""
    return Arming(armed_timestamp, paused_timestamp)


def _is_active(arming: Arming) -> bool:
    return arming.paused_timestamp is None and arming.vanished_timestamp is None


def _gone_for_long(arming: Arming, now_timestamp: float) -> bool:
    vanished = arming.vanished_timestamp
    return vanished is not None and now_timestamp - vanished > REMOUNT_SECONDS

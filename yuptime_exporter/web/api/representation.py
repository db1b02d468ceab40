"""A monitor as JSON. The names of fields are those of the answer to a push."""

from collections.abc import Iterable
from dataclasses import dataclass

from yuptime_exporter.core.explaining import explanation, next_change
from yuptime_exporter.core.messages import shown_message
from yuptime_exporter.core.model import Judged, LastPush, Push
from yuptime_exporter.engine.rejections import RecordedRejection, remedy
from yuptime_exporter.moments import readable, rfc3339, rfc3339_or_none
from yuptime_exporter.web.api.board import ExporterState
from yuptime_exporter.web.api.past import Past


@dataclass(frozen=True, slots=True)
class Visibility:
    """What readers of pages and JSON may see of pushes.

    Attributes:
        messages: the words of jobs; False with `--web.hide-messages`.
        client_addresses: with `--web.show-client-addresses`.
    """

    messages: bool = True
    client_addresses: bool = False


def monitor_summary(judged: Judged, visibility: Visibility) -> dict[str, object]:
    """Return a monitor as lists and events show it."""
    row, verdict = judged
    key, change = row.monitor.key, next_change(judged)
    return {
        "namespace": key.namespace,
        "name": key.name,
        "state": verdict.state,
        "reason": verdict.reason,
        "since": rfc3339(verdict.since_timestamp),
        "explanation": explanation(judged, readable),
        "next": {"state": change.state, "at": rfc3339(change.timestamp)} if change else None,
        "due": rfc3339_or_none(verdict.due_timestamp),
        "deadline": rfc3339_or_none(verdict.deadline_timestamp),
        "runningSince": rfc3339_or_none(verdict.running_since_timestamp),
        "lastPush": last_push_json(row.last_push, visibility),
        "labels": dict(row.monitor.alert_labels),
    }


def spec_and_counts(judged: Judged) -> dict[str, object]:
    """Return the rest of a monitor: its declaration and its counts."""
    monitor, last = judged.row.monitor, judged.row.last_push
    success = last.last_success_timestamp if last else 0.0
    return {
        "enabled": monitor.enabled,
        "schedule": str(monitor.schedule),
        "graceSeconds": monitor.grace_seconds,
        "source": monitor.source,
        "tokenSecretRef": {
            "name": monitor.token_ref.secret_name,
            "key": monitor.token_ref.secret_key,
        },
        "armedAt": rfc3339(judged.row.arming.armed_timestamp),
        "lastSuccess": rfc3339(success) if success else None,
        "pushesTotal": last.pushes_total if last else 0,
        "pushesDownTotal": last.pushes_down_total if last else 0,
    }


def rejections_json(recent: Iterable[RecordedRejection]) -> list[dict[str, object]]:
    """Return the last rejections, the newest first."""
    return [
        {
            "at": rfc3339(one.timestamp),
            "reason": one.reason,
            "detail": one.detail,
            "remedy": remedy(one.reason),
        }
        for one in reversed(tuple(recent))
    ]


def past_json(past: Past, visibility: Visibility) -> dict[str, object]:
    """Return the history of a monitor, and the availability that follows from it."""
    return {
        "history": {
            "durable": past.begin_timestamp is None,
            "begin": rfc3339_or_none(past.begin_timestamp),
            "completeAfter": rfc3339_or_none(past.pushes.complete_after_timestamp),
            "failure": past.failure,
            "pushes": [_push(one, visibility) for one in past.pushes.pushes],
        },
        "availability": [
            {
                "periodSeconds": one.period_seconds,
                "knownSince": rfc3339(one.known_since_timestamp),
                "fraction": one.fraction,
            }
            for one in past.availability
        ],
    }


def exporter_json(state: ExporterState) -> dict[str, object]:
    """Return the state of the exporter itself."""
    return {
        "ready": not state.awaited,
        "awaited": state.awaited,
        "notice": state.notice,
        "reloadProblem": state.reload_problem,
        "problems": len(state.problems),
    }


def _push(push: Push, visibility: Visibility) -> dict[str, object]:
    shown: dict[str, object] = {
        "kind": push.kind,
        "receivedAt": rfc3339(push.received_timestamp),
        "runId": push.run_id,
        "durationSeconds": push.duration_seconds,
        "exitCode": push.exit_code,
        "dialect": push.dialect,
    }
    if visibility.messages:
        shown["message"] = push.message
    if visibility.client_addresses:
        shown["clientAddress"] = push.client_address
    return shown


def last_push_json(push: LastPush | None, visibility: Visibility) -> dict[str, object] | None:
    """Return the newest result of a job; None before the first."""
    if push is None or push.status is None:
        return None
    shown: dict[str, object] = {
        "status": push.status,
        "receivedAt": rfc3339(push.received_timestamp),
    }
    if visibility.messages:
        shown["message"] = shown_message(push.message)
    return shown

"""The labels of an alert, and the labels that a user can give to it.

The identity of an alert is its full label set. Only this file builds it: the gauge
`yuptime_monitor_alert_labels` exposes it, and every sender of alerts sends it. So all paths raise
the same alert.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from yuptime_exporter.core.model import MonitorKey

ALERT_NAME = "YuptimeMonitorDown"

# The identity itself, and labels that Prometheus sets or drops: its rules drop `instance` and `job`
# to merge replicas, and `alertstate` is a label of the series ALERTS.
RESERVED_LABELS = frozenset({"alertname", "namespace", "monitor", "instance", "job", "alertstate"})

# https://prometheus.io/docs/concepts/data_model/: the classic form. Alertmanager rejects other names
# before version 0.27, and later unless its UTF-8 mode is on.
LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")

# Neither Prometheus nor Alertmanager has a limit by default. These limits are above the needs of any
# real team, and keep one monitor from filling a page.
MAX_LABELS = 64
MAX_LABEL_VALUE_BYTES = 1024


@dataclass(frozen=True, slots=True)
class AlertDefaults:
    """Labels that every alert gets unless the monitor sets them, sorted by name."""

    default_labels: tuple[tuple[str, str], ...] = ()
    external_labels: tuple[tuple[str, str], ...] = ()


def alert_labels(
    key: MonitorKey, own_labels: Iterable[tuple[str, str]], defaults: AlertDefaults
) -> dict[str, str]:
    """Return the labels of a monitor's alert, without `alertname`."""
    further = further_alert_labels(own_labels, defaults)
    return {**further, "namespace": key.namespace, "monitor": key.name}


def further_alert_labels(
    own_labels: Iterable[tuple[str, str]], defaults: AlertDefaults
) -> dict[str, str]:
    """Return the labels of a monitor's alert beside those that name the monitor.

    Default and external labels never replace a label of the monitor, as in Prometheus.
    """
    return {
        **dict(defaults.external_labels),
        **dict(defaults.default_labels),
        **dict(own_labels),
    }


def label_problems(labels: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return the problems with labels that a user gives to alerts.

    Returns:
        (label name, problem), in the order of the labels; the name is empty for all labels.
    """
    problems = []
    if len(labels) > MAX_LABELS:
        problems.append(("", f"expected at most {MAX_LABELS} labels, got {len(labels)}"))
    for name, value in labels.items():
        text = _name_problem(name) or _value_problem(value)
        if text:
            problems.append((name, text))
    return problems


def _name_problem(name: str) -> str | None:
    if name in RESERVED_LABELS:
        reserved = ", ".join(sorted(RESERVED_LABELS))
        return f"this label is set by yuptime-exporter or Prometheus; reserved are {reserved}"
    if name.startswith("__"):
        return "label names that begin with __ are reserved for Prometheus"
    if not LABEL_NAME.fullmatch(name):
        return f"expected a label name that matches {LABEL_NAME.pattern}"
    return None


def _value_problem(value: str) -> str | None:
    if not value:
        return "expected a value, got an empty one, which is the same as no label"
    if any("\ud800" <= character <= "\udfff" for character in value):
        return "expected a value that can be written as UTF-8, got one with a lone surrogate"
    size_bytes = len(value.encode())
    if size_bytes > MAX_LABEL_VALUE_BYTES:
        return f"expected a value of at most {MAX_LABEL_VALUE_BYTES} bytes, got {size_bytes}"
    return None

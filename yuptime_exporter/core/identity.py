"""Which labels an alert has, and which a user may give it.

The identity of an alert is its full label set. It is built here and nowhere else: the gauge
`yuptime_monitor_alert_labels` exposes it and every sender of alerts sends it, so that all paths
raise one and the same alert.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from yuptime_exporter.core.model import MonitorKey

ALERT_NAME = "YuptimeMonitorDown"

# The identity itself, and what Prometheus sets or drops on the way (its rules drop `instance`
# and `job` to merge replicas; `alertstate` is a label of the series ALERTS).
RESERVED_LABELS = frozenset({"alertname", "namespace", "monitor", "instance", "job", "alertstate"})

# https://prometheus.io/docs/concepts/data_model/: the classic form; Alertmanager refuses other
# names before 0.27, and later unless it is told to take UTF-8.
LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")

# Neither Prometheus nor Alertmanager sets a limit by default. These leave room for any real
# team's labels and keep one monitor from filling a page.
MAX_LABELS = 64
MAX_LABEL_VALUE_BYTES = 1024


@dataclass(frozen=True, slots=True)
class AlertDefaults:
    """Labels that every alert gets where the monitor does not set them, by name."""

    default_labels: tuple[tuple[str, str], ...] = ()
    external_labels: tuple[tuple[str, str], ...] = ()


def alert_labels(
    key: MonitorKey, own_labels: Iterable[tuple[str, str]], defaults: AlertDefaults
) -> dict[str, str]:
    """Return the labels of a monitor's alert, all but `alertname`.

    Defaults and external labels are added only where absent, as Prometheus adds its own.
    """
    return {
        **dict(defaults.external_labels),
        **dict(defaults.default_labels),
        **dict(own_labels),
        "namespace": key.namespace,
        "monitor": key.name,
    }


def label_problems(labels: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return what is wrong with the labels that somebody gives to alerts.

    Returns:
        (label name, what was found and what is allowed), in the order of the labels.
    """
    problems = []
    if len(labels) > MAX_LABELS:
        problems.append(("", f"found {len(labels)} labels, allowed are {MAX_LABELS}"))
    for name, value in labels.items():
        text = _name_problem(name) or _value_problem(value)
        if text:
            problems.append((name, text))
    return problems


def _name_problem(name: str) -> str | None:
    if name in RESERVED_LABELS:
        reserved = ", ".join(sorted(RESERVED_LABELS))
        return f"this label is set by the program; reserved are {reserved}"
    if name.startswith("__"):
        return "names that begin with __ are reserved for Prometheus itself"
    if not LABEL_NAME.fullmatch(name):
        return f"a label name must match {LABEL_NAME.pattern}"
    return None


def _value_problem(value: str) -> str | None:
    if not value:
        return "the value is empty, which is the same as no label: remove it or give a value"
    if any("\ud800" <= character <= "\udfff" for character in value):
        return "the value cannot be written as UTF-8; allowed is any text that can"
    size_bytes = len(value.encode())
    if size_bytes > MAX_LABEL_VALUE_BYTES:
        return f"the value has {size_bytes} bytes, allowed are {MAX_LABEL_VALUE_BYTES}"
    return None

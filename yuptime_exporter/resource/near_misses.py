"""Near misses: objects that are almost a Monitor or a Secret, and surely meant as one.

An object of another kind is ignored. A misspelt kind, apiVersion or type would be ignored in the same
way, and its job would no longer be watched. So a near miss is a problem, and a suggestion.
"""

import difflib
from collections.abc import Mapping

from yuptime_exporter.core.model import API_VERSION, GROUP

# The other kinds of the group that Yuptime itself has; none of them is a misspelt Monitor.
_OTHER_KINDS = frozenset({"MonitorSet", "MaintenanceWindow", "Silence", "AlertPolicy"})

# The types of Yuptime that are no push; the exporter counts and ignores them.
OTHER_TYPES = ("http", "tcp", "dns", "ping", "websocket", "mysql", "postgresql", "redis", "grpc")

# Ratios of difflib: one or two wrong letters in a word of this length.
_KIND_RATIO = 0.85
_GROUP_RATIO = 0.85
_TYPE_RATIO = 0.7


def misspelt_head(api_version: str, kind: str) -> tuple[str, str] | None:
    """Return the field that is misspelt and its expected value; None unless it is a near miss.

    Args:
        api_version: of the object.
        kind: of the object.
    """
    if kind == "Monitor":
        misspelt = api_version != API_VERSION and _is_like_group(api_version)
        return ("apiVersion", API_VERSION) if misspelt else None
    if kind == "Secret":
        misspelt = api_version != "v1" and api_version.strip().lower() == "v1"
        return ("apiVersion", "v1") if misspelt else None
    if _is_like_group(api_version) and kind not in _OTHER_KINDS and _is_like(kind, "Monitor"):
        return "kind", "Monitor"
    if api_version.strip().lower() == "v1" and _is_like(kind, "Secret"):
        return "kind", "Secret"
    return None


def is_misspelt_push(spec: Mapping[str, object]) -> bool:
    """Return whether a monitor of another type is surely meant to be of type push."""
    monitor_type = str(spec.get("type"))
    if monitor_type in OTHER_TYPES:
        return False
    target = spec.get("target")
    if isinstance(target, dict) and isinstance(target.get("push"), dict):
        return True
    word = monitor_type.strip().lower()
    return difflib.SequenceMatcher(None, word, "push").ratio() >= _TYPE_RATIO


def _is_like_group(api_version: str) -> bool:
    group = api_version.strip().lower().partition("/")[0]
    return difflib.SequenceMatcher(None, group, GROUP).ratio() >= _GROUP_RATIO


def _is_like(kind: str, expected: str) -> bool:
    word, meant = kind.strip().lower(), expected.lower()
    if word == f"{meant}s":
        return True
    return difflib.SequenceMatcher(None, word, meant).ratio() >= _KIND_RATIO

"""The rights of the exporter, as they are shipped in deploy/ and no others."""

import functools
import subprocess
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import yaml

from tests.peers.programs import Generation, require

Object = dict[str, Any]

OWN_NAMESPACE = "yuptime"  # of the exporter, in all overlays
ACCOUNT = "yuptime-exporter"

_OVERLAYS = Path(__file__).parents[3] / "deploy" / "overlays"
_KINDS = ("Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding")


def shipped(overlay: str, namespace: str) -> list[Object]:
    """Return the Roles and bindings of an overlay for an exporter that lives in this namespace.

    Those of the whole cluster are named after it, so that others can have theirs.
    """
    return [_moved(one, namespace) for one in _rendered(overlay)]


def watching(role_objects: list[Object], namespace: str) -> list[Object]:
    """Return those about Monitors for one more namespace, as its folder in an overlay has them."""
    found = [deepcopy(one) for one in role_objects if one["metadata"]["name"].endswith("-monitors")]
    for one in found:
        one["metadata"]["namespace"] = namespace
    return found


def without(role: Mapping[str, Any], resource: str) -> Object:
    """Return a Role without the rules about a resource."""
    kept = [rule for rule in role["rules"] if resource not in rule["resources"]]
    assert len(kept) < len(role["rules"]), f"the Role has no rule for {resource}"
    return {**role, "rules": kept}


@functools.cache
def _rendered(overlay: str) -> tuple[Object, ...]:
    kubectl = require("kubectl", Generation.NEWEST)
    printed = subprocess.run(
        [kubectl, "kustomize", _OVERLAYS / overlay], check=True, capture_output=True
    ).stdout
    return tuple(
        one
        for one in yaml.safe_load_all(printed)
        if one["kind"] in _KINDS and one["metadata"]["name"].startswith(ACCOUNT)
    )


def _moved(shipped_object: Object, namespace: str) -> Object:
    moved = deepcopy(shipped_object)
    if moved["kind"].startswith("Cluster"):
        moved["metadata"]["name"] += f"-{namespace}"
    else:
        assert moved["metadata"]["namespace"] == OWN_NAMESPACE
        moved["metadata"]["namespace"] = namespace
    for subject in moved.get("subjects", ()):
        assert (subject["name"], subject["namespace"]) == (ACCOUNT, OWN_NAMESPACE)
        subject["namespace"] = namespace
    if moved.get("roleRef", {}).get("kind") == "ClusterRole":
        moved["roleRef"]["name"] += f"-{namespace}"
    return moved

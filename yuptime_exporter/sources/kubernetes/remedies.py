"""Advice to operators for the failures of following Monitors and Secrets."""

from collections.abc import Mapping, Sequence

from yuptime_exporter.metrics.kubernetes import FollowFailure

_INSTALL = "kubectl apply --server-side -f deploy/crd/monitors.yaml"


def _grant(resource: str) -> str:
    return (
        f"grant the exporter's ServiceAccount the verbs get, list and watch on {resource}, "
        "as the Roles in deploy/ do"
    )


def missing_rights(*, monitors: Sequence[str | None], secrets: Sequence[str | None]) -> str:
    """Return the rights to list that are missing, as a part of a sentence; empty: none.

    Args:
        monitors: the namespaces whose Monitors may not be listed; None: those of all namespaces.
        secrets: the same of Secrets.
    """
    return "; ".join(
        f"{resource} may not be listed in {_named(namespaces)}: {_grant(resource)}"
        for resource, namespaces in (("monitors", monitors), ("secrets", secrets))
        if namespaces
    )


def _named(namespaces: Sequence[str | None]) -> str:
    names = sorted(name for name in namespaces if name is not None)
    many = "namespaces" if len(names) > 1 else "namespace"
    return f"the {many} {', '.join(names)}" if names else "all namespaces"


MONITORS: Mapping[FollowFailure, str] = {
    FollowFailure.FORBIDDEN: _grant("monitors"),
    FollowFailure.NOT_FOUND: f"there is no CustomResourceDefinition of Monitors: {_INSTALL}",
}
SECRETS: Mapping[FollowFailure, str] = {FollowFailure.FORBIDDEN: _grant("secrets")}

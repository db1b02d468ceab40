"""Advice to operators for the failures of following Monitors and Secrets."""

from collections.abc import Mapping

from yuptime_exporter.metrics.kubernetes import FollowFailure

_INSTALL = "kubectl apply --server-side -f deploy/crd/monitors.yaml"


def _grant(resource: str) -> str:
    return (
        f"grant the exporter's ServiceAccount the verbs get, list and watch on {resource}, "
        "as the Roles in deploy/ do"
    )


MONITORS: Mapping[FollowFailure, str] = {
    FollowFailure.FORBIDDEN: _grant("monitors"),
    FollowFailure.NOT_FOUND: f"there is no CustomResourceDefinition of Monitors: {_INSTALL}",
}
SECRETS: Mapping[FollowFailure, str] = {FollowFailure.FORBIDDEN: _grant("secrets")}

import logging

import pytest
from prometheus_client import CollectorRegistry

from yuptime_exporter.kubernetes.collection import Collection
from yuptime_exporter.kubernetes.errors import ApiStatusError, ApiUnreachable
from yuptime_exporter.kubernetes.failure import CollectionFailure, Proof
from yuptime_exporter.metrics.kubernetes import FollowFailure, KubernetesMetrics
from yuptime_exporter.sources.kubernetes import remedies

FORBIDDEN = ApiStatusError(403, reason="Forbidden", message="cannot list")
AWAY = ApiUnreachable("connection refused")
INSIDE = ApiStatusError(500, reason="InternalError")


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def failure(registry: CollectorRegistry, caplog: pytest.LogCaptureFixture) -> CollectionFailure:
    caplog.set_level(logging.INFO)
    collection = Collection("monitors", "/monitors", remedies=remedies.MONITORS)
    return CollectionFailure(collection, KubernetesMetrics(registry).of("monitors"))


def levels(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [one.levelname for one in caplog.records]


def test_the_beginning_is_logged_once_and_the_end_once(
    failure: CollectionFailure, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(5):
        failure.met(AWAY, until=Proof.LIST)
    failure.over(Proof.LIST)
    failure.over(Proof.LIST)

    assert levels(caplog) == ["WARNING", "INFO"]


def test_another_reason_is_logged_since_it_has_another_remedy(
    failure: CollectionFailure, caplog: pytest.LogCaptureFixture
) -> None:
    failure.met(AWAY, until=Proof.LIST)
    failure.met(FORBIDDEN, until=Proof.LIST)

    assert levels(caplog) == ["WARNING", "WARNING"]
    assert failure.text is not None
    assert failure.text.startswith("monitors: the API server answered 403 Forbidden: cannot")


@pytest.mark.parametrize(
    ("until", "proof", "over"),
    [
        (Proof.LIST, Proof.LIST, True),
        (Proof.LIST, Proof.WATCH, True),
        (Proof.WATCH, Proof.LIST, False),
        (Proof.WATCH, Proof.WATCH, True),
        (Proof.EVENT, Proof.WATCH, False),
        (Proof.EVENT, Proof.EVENT, True),
    ],
)
def test_only_what_shows_that_it_is_over_ends_it(
    failure: CollectionFailure, until: Proof, proof: Proof, over: bool
) -> None:
    # A list may be allowed where a watch is not, and a watch may begin and fail each time.
    failure.met(INSIDE, until=until)
    failure.over(proof)

    assert (failure.text is None) == over


def test_a_version_that_was_forgotten_is_counted_and_is_no_failure(
    failure: CollectionFailure, registry: CollectorRegistry, caplog: pytest.LogCaptureFixture
) -> None:
    failure.met(ApiStatusError(410, reason="Expired"), until=Proof.WATCH)

    assert failure.text is None
    assert levels(caplog) == []
    labels = {"resource": "monitors", "reason": "expired"}
    assert registry.get_sample_value("yuptime_kubernetes_errors_total", labels) == 1


@pytest.mark.parametrize(
    ("error", "counted"),
    [
        (AWAY, FollowFailure.UNREACHABLE),
        (ApiStatusError(401), FollowFailure.UNAUTHORIZED),
        (FORBIDDEN, FollowFailure.FORBIDDEN),
        (ApiStatusError(404), FollowFailure.NOT_FOUND),
        (ApiStatusError(429), FollowFailure.TOO_MANY_REQUESTS),
        (ApiStatusError(400), FollowFailure.REFUSED),
        (ApiStatusError(422), FollowFailure.REFUSED),
        (INSIDE, FollowFailure.SERVER_ERROR),
        (ApiStatusError(504), FollowFailure.SERVER_ERROR),
    ],
)
def test_each_error_is_counted_under_its_reason(
    failure: CollectionFailure,
    registry: CollectorRegistry,
    error: ApiStatusError | ApiUnreachable,
    counted: FollowFailure,
) -> None:
    failure.met(error, until=Proof.LIST)

    for reason in FollowFailure:
        labels = {"resource": "monitors", "reason": str(reason)}
        value = registry.get_sample_value("yuptime_kubernetes_errors_total", labels)
        assert value == (1 if reason is counted else 0)


def test_the_failure_names_its_remedy(failure: CollectionFailure) -> None:
    failure.met(FORBIDDEN, until=Proof.LIST)
    assert "the verbs get, list and watch on monitors" in (failure.text or "")
    failure.met(ApiStatusError(404), until=Proof.LIST)
    assert "kubectl apply --server-side -f deploy/crd/monitors.yaml" in (failure.text or "")


def test_collections_of_one_resource_are_shown_together(registry: CollectorRegistry) -> None:
    # One collection for each namespace that is followed.
    metrics = KubernetesMetrics(registry)
    first, second = metrics.of("monitors"), metrics.of("monitors")
    first.objects, second.objects = 2, 3
    first.synced = True
    first.last_event_timestamp, second.last_event_timestamp = 1000.0, 900.0

    def shown(name: str) -> float | None:
        return registry.get_sample_value(f"yuptime_kubernetes_{name}", {"resource": "monitors"})

    assert shown("objects") == 5
    assert shown("synced") == 0
    assert shown("watch_last_event_timestamp_seconds") == 900
    second.synced = True
    assert shown("synced") == 1

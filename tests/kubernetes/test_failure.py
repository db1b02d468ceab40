import logging

import pytest
from prometheus_client import CollectorRegistry

from yuptime_exporter.kubernetes.errors import ApiRefused, ApiUnreachable
from yuptime_exporter.kubernetes.failure import Difficulty, Proof
from yuptime_exporter.metrics.kubernetes import KubernetesMetrics, Trouble

FORBIDDEN = ApiRefused(403, reason="Forbidden", message="cannot list")
AWAY = ApiUnreachable("connection refused")
INSIDE = ApiRefused(500, reason="InternalError")


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def difficulty(registry: CollectorRegistry, caplog: pytest.LogCaptureFixture) -> Difficulty:
    caplog.set_level(logging.INFO)
    return Difficulty("monitors", "/monitors", KubernetesMetrics(registry).of("monitors"))


def levels(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [one.levelname for one in caplog.records]


def test_the_beginning_is_logged_once_and_the_end_once(
    difficulty: Difficulty, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(5):
        difficulty.met(AWAY, until=Proof.LIST)
    difficulty.over(Proof.LIST)
    difficulty.over(Proof.LIST)

    assert levels(caplog) == ["WARNING", "INFO"]


def test_another_reason_is_logged_since_it_has_another_remedy(
    difficulty: Difficulty, caplog: pytest.LogCaptureFixture
) -> None:
    difficulty.met(AWAY, until=Proof.LIST)
    difficulty.met(FORBIDDEN, until=Proof.LIST)

    assert levels(caplog) == ["WARNING", "WARNING"]
    assert difficulty.text is not None
    assert difficulty.text.startswith("monitors: the API server answered 403 Forbidden: cannot")


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
    difficulty: Difficulty, until: Proof, proof: Proof, over: bool
) -> None:
    # A list may be allowed where a watch is not, and a watch may begin and fail each time.
    difficulty.met(INSIDE, until=until)
    difficulty.over(proof)

    assert (difficulty.text is None) == over


def test_a_version_that_was_forgotten_is_counted_and_no_difficulty(
    difficulty: Difficulty, registry: CollectorRegistry, caplog: pytest.LogCaptureFixture
) -> None:
    difficulty.met(ApiRefused(410, reason="Expired"), until=Proof.WATCH)

    assert difficulty.text is None
    assert levels(caplog) == []
    labels = {"resource": "monitors", "reason": "expired"}
    assert registry.get_sample_value("yuptime_kubernetes_errors_total", labels) == 1


@pytest.mark.parametrize(
    ("error", "trouble"),
    [
        (AWAY, Trouble.UNREACHABLE),
        (ApiRefused(401), Trouble.UNAUTHORIZED),
        (FORBIDDEN, Trouble.FORBIDDEN),
        (ApiRefused(404), Trouble.NOT_FOUND),
        (ApiRefused(429), Trouble.TOO_MANY_REQUESTS),
        (ApiRefused(400), Trouble.REFUSED),
        (ApiRefused(422), Trouble.REFUSED),
        (INSIDE, Trouble.SERVER_ERROR),
        (ApiRefused(504), Trouble.SERVER_ERROR),
    ],
)
def test_each_error_is_counted_under_its_reason(
    difficulty: Difficulty,
    registry: CollectorRegistry,
    error: ApiRefused | ApiUnreachable,
    trouble: Trouble,
) -> None:
    difficulty.met(error, until=Proof.LIST)

    for reason in Trouble:
        labels = {"resource": "monitors", "reason": str(reason)}
        value = registry.get_sample_value("yuptime_kubernetes_errors_total", labels)
        assert value == (1 if reason is trouble else 0)


def test_what_a_person_can_do_is_said(difficulty: Difficulty) -> None:
    difficulty.met(FORBIDDEN, until=Proof.LIST)
    assert "the verbs get, list and watch on monitors" in (difficulty.text or "")
    difficulty.met(ApiRefused(404), until=Proof.LIST)
    assert "kubectl apply --server-side -f deploy/crd/monitors.yaml" in (difficulty.text or "")


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

"""The answers of `/-/ready` in words."""

from prometheus_client import CollectorRegistry

from tests.web.requests import request
from yuptime_exporter.engine.readiness import Readiness
from yuptime_exporter.metrics.process import ReadinessMetrics
from yuptime_exporter.web.lifecycle import ready_handler


async def test_an_exporter_that_may_not_list_its_monitors_names_the_missing_right() -> None:
    readiness = Readiness(ReadinessMetrics(CollectorRegistry()))
    readiness.restored()
    readiness.explain(lambda: "monitors may not be listed in the namespace shop: grant it")

    answer = await ready_handler(readiness)(request())

    assert answer.status == 503
    assert b"not ready: monitors are being listed (monitors may not be listed in" in answer.body

"""A site: every request is answered and timed."""

import pytest
from prometheus_client import CollectorRegistry

from tests.web.requests import request
from yuptime_exporter.metrics.http import HttpMetrics
from yuptime_exporter.web.http import Answer, Request
from yuptime_exporter.web.router import Route
from yuptime_exporter.web.site import Site


async def fine(_: Request) -> Answer:
    return Answer()


async def not_ready(_: Request) -> Answer:
    return Answer(status=503)


async def broken(_: Request) -> Answer:
    raise RuntimeError("a bug")


class Visit:
    """A site, and how its metrics name and count requests."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        routes = [
            Route("GET", "/fine", fine),
            Route("GET", "/not-ready", not_ready),
            Route("GET", "/broken", broken),
        ]
        self.site = Site(routes, HttpMetrics(self._registry))

    async def ask(self, method: str, path: str) -> Answer:
        return await self.site.answer(self.site.match(method, path), request(method))

    def counted(self) -> dict[tuple[str, str, str], float]:
        return {
            (sample.labels["handler"], sample.labels["method"], sample.labels["code"]): sample.value
            for family in self._registry.collect()
            for sample in family.samples
            if sample.name.endswith("_count")
        }


async def test_every_request_is_counted_by_route_method_and_code() -> None:
    visit = Visit()
    for method, path in (
        ("GET", "/fine"),
        ("GET", "/fine"),
        ("HEAD", "/fine"),
        ("GET", "/not-ready"),
        ("PUT", "/fine"),
        ("BREW", "/coffee"),
    ):
        await visit.ask(method, path)

    assert visit.counted() == {
        ("/fine", "GET", "200"): 2,
        ("/fine", "HEAD", "200"): 1,
        ("/not-ready", "GET", "503"): 1,
        ("unknown", "PUT", "405"): 1,
        ("unknown", "unknown", "404"): 1,
    }


async def test_a_bug_is_raised_to_the_server_and_counted_as_500() -> None:
    visit = Visit()
    with pytest.raises(RuntimeError, match="a bug"):
        await visit.ask("GET", "/broken")

    assert visit.counted() == {("/broken", "GET", "500"): 1}

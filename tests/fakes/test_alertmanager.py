"""The fake Alertmanager gives the same verdicts as the real ones."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.fakes.alertmanager import API_PATH, FakeAlertmanager, fake_alertmanager
from tests.peers.programs import Generation
from tests.peers.running import alertmanager
from tests.waiting import eventually

JSON = "application/json"
GOOD: dict[str, Any] = {"labels": {"alertname": "Good", "monitor": "good"}}


def moment(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


def alert(**fields: Any) -> dict[str, Any]:
    return {"labels": {"alertname": "Tried", "monitor": "tried"}, **fields}


# Each body is sent beside a good alert: its description, and its content type.
BODIES: dict[str, Any] = {
    "no further alert": [],
    "a usual alert": [
        alert(
            annotations={"summary": "It is down."},
            startsAt=moment(-60),
            endsAt=moment(240),
            generatorURL="http://yuptime:10091/monitors/jobs/backup",
        )
    ],
    "a resolved alert": [alert(startsAt=moment(-60), endsAt=moment(-1))],
    "an alert that ends as it starts": [
        alert(startsAt="2024-01-01T00:00:00.000Z", endsAt="2024-01-01T00:00:00.000Z")
    ],
    "milliseconds and Z": [alert(startsAt="2024-01-01T00:00:00.123Z", endsAt=moment(60))],
    "an offset": [alert(startsAt="2024-01-01T00:00:00+02:00", endsAt=moment(60))],
    "no times": [alert()],
    "a start in the future with an end": [alert(startsAt=moment(60), endsAt=moment(240))],
    "a start in the future without an end": [alert(startsAt=moment(3600))],
    "an end in the past without a start": [alert(endsAt=moment(-60))],
    "an end before the start": [alert(startsAt=moment(-1), endsAt=moment(-60))],
    "no name of an alert": [{"labels": {"monitor": "tried"}}],
    "an empty label": [alert(labels={"alertname": "T", "monitor": "tried", "team": ""})],
    "no labels in it": [alert(labels={})],
    "only empty labels": [alert(labels={"team": ""})],
    "labels missing": [{"annotations": {}}],
    "a number as a label": [alert(labels={"monitor": 1})],
    "a list as labels": [alert(labels=["monitor"])],
    "a null as a label": [alert(labels={"monitor": "tried", "team": None})],
    "an empty annotation": [alert(annotations={"summary": ""})],
    "a bad time": [alert(startsAt="yesterday")],
    "a number as a time": [alert(startsAt=1_700_000_000)],
    "a day that is not": [alert(startsAt="2024-02-31T00:00:00Z")],
    "a URL that is none": [alert(generatorURL="not a url")],
    "an empty URL": [alert(generatorURL="")],
    "a relative URL": [alert(generatorURL="/monitors/jobs/backup")],
    "an unknown field": [alert(value=1)],
    "text beyond ASCII": [alert(labels={"alertname": "T", "monitor": 'a"b\n\\ü🙂'})],
    "not an alert": ["down"],
    "a nested list": [[]],
}
CLASSIC_ONLY = {
    "a label with a dash": [alert(labels={"alertname": "T", "te-am": "x"})],
    "an annotation with a dot": [alert(annotations={"a.b": "x"})],
}


async def verdict(url: str, body: object, content_type: str = JSON) -> int:
    async with aiohttp.ClientSession() as session:
        options = {"headers": {"Content-Type": content_type}} if content_type else {}
        data = body if isinstance(body, bytes) else aiohttp.JsonPayload(body)
        async with session.post(f"{url}{API_PATH}", data=data, **options) as response:  # type: ignore[arg-type]
            return response.status


async def names_held(fake: FakeAlertmanager) -> set[str]:
    return {one.labels.get("monitor", "") for one in fake.accepted if not one.resolved}


@pytest.mark.peer
@pytest.mark.parametrize("generation", list(Generation))
async def test_the_fake_alertmanager_accepts_and_refuses_the_same_alerts_as_the_real_one(
    generation: Generation, tmp_path: Path
) -> None:
    bodies = {**BODIES, **(CLASSIC_ONLY if generation is Generation.DEBIAN else {})}
    verdicts: dict[str, tuple[int, set[str]]] = {}
    real_verdicts: dict[str, tuple[int, set[str]]] = {}
    for number, (name, alerts) in enumerate(bodies.items()):
        marked = {**GOOD, "labels": {**GOOD["labels"], "body": str(number)}}
        marked_alerts = [_marked(one, number) for one in alerts]
        async with fake_alertmanager() as fake:
            status = await verdict(fake.url, [*marked_alerts, marked])
            verdicts[name] = status, await names_held(fake)
        bodies[name] = [*marked_alerts, marked]
    async with alertmanager(generation, tmp_path) as real:
        for number, (name, alerts) in enumerate(bodies.items()):
            status = await verdict(real.url, alerts)
            held = {
                one.labels.get("monitor", "")
                for one in await real.alerts()
                if one.labels.get("body") == str(number)
            }
            real_verdicts[name] = status, held

    assert verdicts == real_verdicts


def _marked(value: Any, number: int) -> Any:
    """Give the alerts of each body a label of their own, if they have labels."""
    if not isinstance(value, dict) or not isinstance(labels := value.get("labels"), dict):
        return value
    return {**value, "labels": {**labels, "body": str(number)}} if any(labels.values()) else value


@pytest.mark.peer
@pytest.mark.parametrize("generation", list(Generation))
async def test_the_fake_alertmanager_reads_a_request_like_the_real_one(
    generation: Generation, tmp_path: Path
) -> None:
    requests = [
        (b"[]", JSON),
        (b"[]", "application/json; charset=utf-8"),
        (b"[]", "text/plain"),
        (b"[]", "application/x-www-form-urlencoded"),
        (b"{}", JSON),
        (b"[", JSON),
        (b"null", JSON),
        (b'"down"', JSON),
    ]
    async with fake_alertmanager() as fake, alertmanager(generation, tmp_path) as real:
        verdicts = {request: await verdict(fake.url, *request) for request in requests}
        real_verdicts = {request: await verdict(real.url, *request) for request in requests}

    assert verdicts == real_verdicts


async def test_the_fake_alertmanager_records_requests_and_their_alerts() -> None:
    async with fake_alertmanager() as fake:
        await verdict(fake.url, [GOOD, alert(endsAt=moment(-1))])

        [request] = fake.requests
        assert (request.path, request.status, len(request.batch)) == (API_PATH, 200, 2)
        assert request.headers["Content-Type"] == JSON
        assert await fake.firing() == {"good"}
        assert await fake.resolved() == {"tried"}


@pytest.mark.parametrize(("status", "held"), [(400, {"good"}), (422, set()), (500, set())])
async def test_the_fake_alertmanager_refuses_a_poisonous_alert_with_its_batch_or_alone(
    status: int, held: set[str]
) -> None:
    async with fake_alertmanager() as fake:
        fake.refuse(status, monitor="tried")

        assert await verdict(fake.url, [alert(), GOOD]) == status
        assert await verdict(fake.url, []) == 200
        assert await fake.firing() == held


async def test_the_fake_alertmanager_redirects_until_it_recovers() -> None:
    async with fake_alertmanager() as fake, aiohttp.ClientSession() as session:
        fake.redirect("http://127.0.0.1:1/elsewhere")
        async with session.post(f"{fake.url}{API_PATH}", json=[], allow_redirects=False) as answer:
            location = answer.headers["Location"]
        fake.recover()

        assert (answer.status, location) == (307, "http://127.0.0.1:1/elsewhere")
        assert await verdict(fake.url, []) == 200


async def test_the_fake_alertmanager_hangs_until_it_recovers_and_never_answers() -> None:
    async with fake_alertmanager() as fake, asyncio.TaskGroup() as tasks:
        fake.hanging = True
        hanging = tasks.create_task(_outcome(fake.url))
        await eventually(fake.received, bool)
        still_hanging = not hanging.done()
        fake.recover()

        assert still_hanging
        assert await hanging == "no answer"


async def test_the_fake_alertmanager_refuses_connections_after_its_block() -> None:
    async with fake_alertmanager() as fake:
        pass

    assert await _outcome(fake.url) == "no connection"


async def test_two_fake_alertmanagers_may_share_a_port_on_two_addresses() -> None:
    async with (
        fake_alertmanager() as first,
        fake_alertmanager(host="127.0.0.2", port=first.port) as second,
    ):
        assert second.url == f"http://127.0.0.2:{first.port}"
        assert await verdict(second.url, [GOOD]) == 200
        assert first.requests == []


async def _outcome(url: str) -> str:
    try:
        return str(await verdict(url, []))
    except aiohttp.ClientConnectorError:
        return "no connection"
    except aiohttp.ClientError:
        return "no answer"

"""A test alert: sent to the Alertmanagers of a monitor, looked up there, and resolved.

The test alert has the labels of the real alert, so that the same routes, silences and inhibitions
apply, and one label more. So it is another alert than the real one, and neither ends the other.
"""

import asyncio
import json
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import aiohttp
from yarl import URL

from yuptime_exporter.core.alerting import Labels
from yuptime_exporter.moments import rfc3339
from yuptime_exporter.sinks.alertmanager.endpoint import CurrentContext, Endpoint

# How long an Alertmanager may take to route a new alert; it takes milliseconds.
ROUTED_WITHIN_SECONDS = 10.0
_POLL_SECONDS = 0.2

_MAX_ANSWER_BYTES = 4 * 1024 * 1024
_UNPROCESSED = "unprocessed"


@dataclass(frozen=True, slots=True)
class Silence:
    """A silence that keeps an alert from its receivers."""

    id: str
    created_by: str
    comment: str
    ends_at: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a test alert at one Alertmanager.

    Attributes:
        failure: why the alert did not arrive, or was not found; empty: it was found.
        state: `active` or `suppressed`, as Alertmanager says it.
        receivers: the names of the receivers to which the alert is routed.
        inhibited_by: fingerprints of the alerts that inhibit it.
    """

    url: str
    failure: str = ""
    state: str = ""
    receivers: tuple[str, ...] = ()
    silences: tuple[Silence, ...] = ()
    inhibited_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """One test alert, while it fires.

    Attributes:
        starts_timestamp: Unix seconds.
        ends_timestamp: when Alertmanager resolves it by itself.
    """

    labels: Labels
    annotations: Mapping[str, str]
    starts_timestamp: float
    ends_timestamp: float

    def body(self) -> bytes:
        """Return the alert in the format of Alertmanager's API."""
        alert = {
            "labels": dict(self.labels),
            "annotations": dict(self.annotations),
            "startsAt": rfc3339(self.starts_timestamp),
            "endsAt": rfc3339(self.ends_timestamp),
        }
        return json.dumps([alert]).encode()


async def rehearse(endpoints: Iterable[Endpoint], alert: Rehearsal) -> list[Outcome]:
    """Send a test alert to each Alertmanager; return what became of it, in the same order."""
    return await _at_each(endpoints, alert, _outcome)


async def end_rehearsal(endpoints: Iterable[Endpoint], alert: Rehearsal) -> list[Outcome]:
    """Resolve a test alert at each Alertmanager; an outcome without a failure was accepted."""
    return await _at_each(endpoints, alert, _sent)


async def _at_each(
    endpoints: Iterable[Endpoint],
    alert: Rehearsal,
    act: "Callable[[aiohttp.ClientSession, Endpoint, Rehearsal], Coroutine[Any, Any, Outcome]]",
) -> list[Outcome]:
    """Act at all Alertmanagers at once, so that one that hangs delays no other."""
    async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as tasks:
        acting = [tasks.create_task(act(session, one, alert)) for one in endpoints]
    return [task.result() for task in acting]


async def _outcome(session: aiohttp.ClientSession, endpoint: Endpoint, alert: Rehearsal) -> Outcome:
    sent = await _sent(session, endpoint, alert)
    if sent.failure:
        return sent
    client = _Client(session, endpoint)
    try:
        async with asyncio.timeout(ROUTED_WITHIN_SECONDS):
            while True:
                found = await client.find(alert.labels)
                if found is not None and found["status"]["state"] != _UNPROCESSED:
                    return await _described(client, endpoint.url, found)
                await asyncio.sleep(_POLL_SECONDS)
    except TimeoutError:
        failure = f"accepted, and not found within {ROUTED_WITHIN_SECONDS:g} s"
        return Outcome(endpoint.url, failure)
    except (aiohttp.ClientError, OSError, ValueError, LookupError, TypeError) as error:
        return Outcome(endpoint.url, f"accepted, and cannot be looked up: {_reason(error)}")


async def _sent(session: aiohttp.ClientSession, endpoint: Endpoint, alert: Rehearsal) -> Outcome:
    try:
        await _Client(session, endpoint).post(alert.body())
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
        return Outcome(endpoint.url, _reason(error))
    return Outcome(endpoint.url)


async def _described(client: "_Client", url: str, found: Mapping[str, Any]) -> Outcome:
    status = found["status"]
    return Outcome(
        url,
        state=str(status["state"]),
        receivers=tuple(str(one["name"]) for one in found["receivers"]),
        silences=tuple([await client.silence(one) for one in status["silencedBy"]]),
        inhibited_by=tuple(map(str, status["inhibitedBy"])),
    )


class _Client:
    """Requests to the API of one Alertmanager."""

    def __init__(self, session: aiohttp.ClientSession, endpoint: Endpoint) -> None:
        self._session = session
        self._endpoint = endpoint
        self._context = CurrentContext(endpoint.tls)

    async def post(self, body: bytes) -> None:
        """Send alerts.

        Raises:
            ValueError: Alertmanager did not accept them.
        """
        await self._request("POST", self._endpoint.api_url, body)

    async def find(self, labels: Labels) -> Mapping[str, Any] | None:
        """Return the alert with these labels as Alertmanager has it; None if it has none."""
        matchers = [("filter", f'{name}="{_escaped(value)}"') for name, value in labels]
        text = await self._request("GET", self._endpoint.api_url.with_query(matchers))
        wanted = dict(labels)
        return next((one for one in json.loads(text) if one["labels"] == wanted), None)

    async def silence(self, id_: str) -> Silence:
        """Return a silence."""
        url = self._endpoint.api_url.parent / "silence" / id_
        found = json.loads(await self._request("GET", url))
        return Silence(id_, found["createdBy"], found["comment"], found["endsAt"])

    async def _request(self, method: str, url: URL, body: bytes | None = None) -> bytes:
        async with self._session.request(
            method,
            url,
            data=body,
            headers=self._endpoint.headers(),
            timeout=aiohttp.ClientTimeout(total=self._endpoint.timeout_seconds),
            allow_redirects=False,
            ssl=self._context.get(),
            server_hostname=self._endpoint.server_hostname,
        ) as answer:
            text = await answer.content.read(_MAX_ANSWER_BYTES)
            if answer.status != HTTPStatus.OK:
                shown = " ".join(text[:1024].decode(errors="replace").split())
                raise ValueError(f"answered {answer.status}: {shown}")
            return text


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__


def outcomes_json(outcomes: Sequence[Outcome]) -> list[dict[str, object]]:
    """Return outcomes as the answer of the exporter has them."""
    return [
        {
            "url": one.url,
            "failure": one.failure or None,
            "state": one.state or None,
            "receivers": list(one.receivers),
            "silencedBy": [
                {
                    "id": silence.id,
                    "createdBy": silence.created_by,
                    "comment": silence.comment,
                    "endsAt": silence.ends_at,
                }
                for silence in one.silences
            ],
            "inhibitedBy": list(one.inhibited_by),
        }
        for one in outcomes
    ]

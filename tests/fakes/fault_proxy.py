"""A TLS proxy between a client and its API server, which passes everything on and injects faults.

    async with fault_proxy(cluster.url, cluster.ca_file, folder=tmp_path) as proxy:
        kubeconfig = proxy.kubeconfig(token)
        ...
        proxy.answer(500, when=When(method="PATCH"), times=2)
        silence = proxy.silence(when=WATCHES)
        ...
        silence.lift()

faults.py has all faults, and fault_answers.py the errors of an API server.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path

import aiohttp
import yaml
from aiohttp import web

from tests.fakes.active_faults import Applied, Faults
from tests.fakes.fault_answers import refusal
from tests.fakes.fault_passage import Passage
from tests.fakes.fault_sides import Incoming, Listener, Upstream, cut_short, make_certificates
from tests.fakes.faults import (
    ANY,
    Answer,
    Fault,
    Hang,
    How,
    NoReuse,
    Seen,
    Silence,
    When,
)
from tests.waiting import eventually


class FaultProxy:
    """A running proxy, and its requests.

    Attributes:
        url: for clients.
        ca_file: the certificate authority that clients trust.
        requests: all requests, in the order of their arrival.
        connections: number of accepted connections, with those on which TLS failed.
    """

    def __init__(self, upstream: "Upstream", listener: "Listener", folder: Path) -> None:
        self.ca_file = folder / "ca.crt"
        self.requests: list[Seen] = []
        self._folder = folder
        self._upstream = upstream
        self._listener = listener
        self._faults = Faults()
        self._passages: set[Passage] = set()

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self._listener.port}"

    @property
    def connections(self) -> int:
        return len(self._listener.accepted)

    def kubeconfig(self, token: str) -> Path:
        """Write a kubeconfig with this token, and return the file."""
        file = self._folder / "kubeconfig"
        cluster = {"server": self.url, "certificate-authority": str(self.ca_file)}
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "proxy", "cluster": cluster}],
            "users": [{"name": "client", "user": {"token": token}}],
            "contexts": [{"name": "proxy", "context": {"cluster": "proxy", "user": "client"}}],
            "current-context": "proxy",
        }
        file.write_text(yaml.safe_dump(config, sort_keys=False))
        return file

    def apply(self, fault: Fault, *, when: When = ANY, times: int | None = None) -> Applied:
        """Activate a fault, also for open requests.

        Args:
            fault: of several faults of one kind, the first that matches a request acts.
            when: the matching requests.
            times: number of requests, or of frames for a fault of frames (`faults.OfFrame`);
                None: all, until the fault is lifted.
        """
        applied = Applied(fault, when, times, self._tell_all)
        self._faults.add(applied)
        self._tell_all()
        return applied

    def answer(
        self,
        status: int,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        when: When = ANY,
        times: int | None = None,
    ) -> Applied:
        """Answer with this status instead of upstream; without a body, with a Status as JSON."""
        if body is None:
            phrase = HTTPStatus(status).phrase
            plain = refusal(status, phrase.replace(" ", ""), phrase)
            answer = Answer(status, plain.body, {**plain.headers, **(headers or {})})
        else:
            answer = Answer(status, body, headers or {})
        return self.apply(answer, when=when, times=times)

    def silence(self, *, when: When = ANY) -> Applied:
        """Pass nothing back until lifted, not even the end of an answer."""
        return self.apply(Silence(), when=when)

    def lift(self) -> None:
        """End all faults; held answers continue."""
        self._faults.lift()

    def drop_connections(self) -> None:
        """End every open connection with RST."""
        self._listener.drop()

    async def refuse_connections(self) -> None:
        """Refuse new connections and keep the port; open connections stay."""
        await self._listener.refuse()

    async def accept_connections(self) -> None:
        """Listen again, on the same port."""
        await self._listener.listen()

    def seen(self, when: When = ANY) -> list[Seen]:
        """Return the requests so far, in the order of their arrival."""
        return [one for one in self.requests if when.takes(one)]

    def asked(self, when: When = ANY) -> Callable[[], Awaitable[int]]:
        """Return a function for `eventually` that gives the number of requests."""

        async def ask() -> int:
            return len(self.seen(when))

        return ask

    def waiting(self, when: When = ANY) -> Callable[[], Awaitable[int]]:
        """Return a function for `eventually` that gives the number of open requests."""

        async def ask() -> int:
            return sum(one.open for one in self.seen(when))

        return ask

    def _tell_all(self) -> None:
        for passage in self._passages:
            passage.changed.set()

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Pass one request."""
        seen = Seen(
            method=request.method,
            path=request.rel_url.raw_path,
            query=request.rel_url.raw_query_string,
            headers=request.headers,
            connection=self._listener.number_of(request),
        )
        self.requests.append(seen)
        passage = Passage(seen, self._faults)
        self._passages.add(passage)
        try:
            # Not request.read(): that has a limit of 1 MiB.
            seen.body = await request.content.read()
            return await self._respond(request, passage)
        finally:
            seen.open = False
            self._passages.discard(passage)

    async def _respond(self, request: web.BaseRequest, passage: Passage) -> web.StreamResponse:
        if how := await passage.hold(Hang):
            return await cut_short(request, web.StreamResponse(), how)
        if answer := self._faults.strike_request(Answer, passage.seen):
            return await self._pass_back(request, passage, Incoming.told(answer))
        try:
            async with self._upstream.asked(request, passage.seen.body) as incoming:
                return await self._pass_back(request, passage, incoming)
        except (aiohttp.ClientError, OSError):  # upstream is gone, so this connection ends
            return await cut_short(request, web.StreamResponse(), How.RESET)

    async def _pass_back(
        self, request: web.BaseRequest, passage: Passage, incoming: Incoming
    ) -> web.StreamResponse:
        response = web.StreamResponse(
            status=incoming.status, reason=incoming.reason, headers=incoming.headers
        )
        if self._faults.strike_request(NoReuse, passage.seen):
            response.force_close()
        if how := await passage.carry(incoming.body, response, request):
            return await cut_short(request, response, how)
        return response


@asynccontextmanager
async def fault_proxy(
    upstream_url: str, upstream_ca: Path | None, *, folder: Path
) -> AsyncIterator[FaultProxy]:
    """Listen on a free port of 127.0.0.1 until the end of the block.

    Args:
        upstream_url: `https://…` or `http://…`, without a path.
        upstream_ca: the certificate authority of upstream; None: those of the system, or http.
        folder: for certificates and kubeconfig; made if it is missing.
    """
    async with Upstream.at(upstream_url, upstream_ca) as upstream:
        listener = Listener(make_certificates(folder))
        proxy = FaultProxy(upstream, listener, folder)
        try:
            await listener.open(proxy.handle)
            yield proxy
        finally:
            await listener.close()
            # Cancelled requests must still close their upstream connections.
            await eventually(proxy.waiting(), lambda count: count == 0)

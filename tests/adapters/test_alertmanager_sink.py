"""Alerts on their way to Alertmanagers, which may be many, slow, dead, or not what they seem."""

import asyncio
import base64
import logging
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from prometheus_client import CollectorRegistry, generate_latest
from yarl import URL

from tests.core.examples import DOWN, judged, push, row
from tests.fakes.alertmanager import FakeAlertmanager, fake_alertmanager
from tests.waiting import eventually
from yuptime_exporter.core.alerting import AlertSettings, OutgoingAlert, alert_of, url_problem
from yuptime_exporter.core.self_metrics import SelfMetrics
from yuptime_exporter.logs import LogfmtFormatter
from yuptime_exporter.sinks.alertmanager import AlertmanagerSink, Resolve, addresses_of
from yuptime_exporter.sinks.alertmanagers import DRAIN_SECONDS, Alertmanagers
from yuptime_exporter.sinks.endpoint import Authorization, Endpoint, Tls
from yuptime_exporter.sinks.sender import MAX_BATCH, QUEUE_CAPACITY, Courier

SECRET = "hunter2-correct-horse"
NAME = "alertmanager.test"


def outgoing(*names: str, resolved: bool = False) -> list[OutgoingAlert]:
    """Return the alerts of monitors that have just reported down."""
    now = time.monotonic() + 1_700_000_000  # any moment will do
    declared = [row(push(DOWN, at=now), armed=now - 60, name=name) for name in names]
    alerts = [alert_of(one, judged(one, at=now), AlertSettings()) for one in declared]
    ends = now + (0 if resolved else 10**9)
    return [OutgoingAlert(alert, ends) for alert in alerts if alert]


def numbered(count: int) -> list[str]:
    return [f"job-{number:05}" for number in range(count)]


class Resolver:
    """A name service with one name, whose addresses the test sets."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = frozenset(addresses)
        self.asked: list[URL] = []

    async def __call__(self, url: URL) -> frozenset[str]:
        self.asked.append(url)
        if not self.addresses:
            raise OSError("Name or service not known")
        return self.addresses


@dataclass(frozen=True, slots=True)
class Sending:
    """A sink at work, and what it counts."""

    sink: AlertmanagerSink
    registry: CollectorRegistry
    url: str

    def value(self, name: str, alertmanager: str | None = None) -> float | None:
        labels = {"alertmanager": alertmanager or self.url}
        return self.registry.get_sample_value(f"yuptime_notifications_{name}", labels)

    async def sent(self) -> float:
        return self.value("sent_total") or 0

    async def errors(self) -> float:
        return self.value("errors_total") or 0

    async def has_errors(self, count: int) -> None:
        await eventually(self.errors, lambda errors: errors == count)

    async def waiting(self) -> float:
        return self.value("queue_length") or 0


@asynccontextmanager
async def sending(
    endpoint: Endpoint | str, *, resolve: Resolve | None = None
) -> AsyncIterator[Sending]:
    """Run one sink until the end of the block."""
    endpoint = Endpoint(endpoint) if isinstance(endpoint, str) else endpoint
    registry = CollectorRegistry()
    metrics = SelfMetrics(registry, version="", revision="")
    async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as tasks:
        courier = Courier(
            endpoint, session, metrics.notifications_to(endpoint.url), "http://yuptime"
        )
        sink = AlertmanagerSink(courier, tasks, resolve=resolve)
        try:
            yield Sending(sink, registry, endpoint.url)
        finally:
            sink.close()


@dataclass(frozen=True, slots=True)
class Telling:
    """All sinks at work, and what they count."""

    sinks: Alertmanagers
    registry: CollectorRegistry

    def value(self, name: str, alertmanager: str) -> float | None:
        labels = {"alertmanager": alertmanager}
        return self.registry.get_sample_value(f"yuptime_notifications_{name}", labels)


@asynccontextmanager
async def telling(*endpoints: Endpoint) -> AsyncIterator[Telling]:
    """Run the sinks of all Alertmanagers until the end of the block."""
    registry = CollectorRegistry()
    metrics = SelfMetrics(registry, version="", revision="")
    async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as tasks:
        sinks = Alertmanagers(session, tasks, external_url="http://yuptime", metrics=metrics)
        sinks.configure(endpoints)
        try:
            yield Telling(sinks, registry)
        finally:
            await sinks.close()


@pytest.fixture
def quick_lookups(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask for addresses in every moment instead of every half minute."""
    monkeypatch.setattr("yuptime_exporter.sinks.alertmanager.RESOLVE_INTERVAL_SECONDS", 0.02)
    monkeypatch.setattr("yuptime_exporter.sinks.alertmanager.RESOLVE_RETRY_SECONDS", 0.02)


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """Return the lines that stand in the log, as an operator reads them."""
    caplog.set_level(logging.DEBUG, "yuptime_exporter")
    return lambda: [LogfmtFormatter().format(record) for record in caplog.records]


class TestBatches:
    async def test_many_alerts_go_in_batches_of_256_and_in_order(self) -> None:
        async with fake_alertmanager() as alertmanager, sending(alertmanager.url) as one:
            one.sink.offer(outgoing(*numbered(1000)))
            await eventually(one.sent, lambda sent: sent == 1000)

            sizes = [len(request.batch) for request in alertmanager.requests]
            assert sizes == [256, 256, 256, 232]
            assert [alert.labels["monitor"] for alert in alertmanager.accepted] == numbered(1000)

    async def test_a_request_is_what_the_api_of_alertmanager_takes(self) -> None:
        async with (
            fake_alertmanager() as alertmanager,
            sending(f"{alertmanager.url}/prefix") as one,
        ):
            one.sink.offer(outgoing("backup"))
            await eventually(alertmanager.received)

            [request] = alertmanager.requests
            [alert] = alertmanager.accepted
        assert request.path == "/prefix/api/v2/alerts"
        assert request.headers["Content-Type"] == "application/json"
        assert request.headers["Host"] == f"127.0.0.1:{alertmanager.port}"
        assert "Authorization" not in request.headers
        assert alert.labels == {
            "alertname": "YuptimeMonitorDown",
            "namespace": "prod",
            "monitor": "backup",
        }
        assert alert.annotations["summary"] == "A monitored job is down."
        assert alert.generator_url == "http://yuptime/monitors/prod/backup"

    async def test_an_offer_of_nothing_sends_nothing(self) -> None:
        async with fake_alertmanager() as alertmanager, sending(alertmanager.url) as one:
            one.sink.offer([])
            one.sink.offer(outgoing("backup"))
            await eventually(alertmanager.received)

            assert [len(request.batch) for request in alertmanager.requests] == [1]


class TestRefusals:
    @pytest.mark.parametrize("status", [400, 422])
    async def test_a_poisonous_alert_keeps_no_other_from_arriving(self, status: int) -> None:
        names = numbered(300)
        async with fake_alertmanager() as alertmanager, sending(alertmanager.url) as one:
            alertmanager.refuse(status, monitor=names[77])
            one.sink.offer(outgoing(*names))
            await eventually(one.errors)
            await eventually(one.sent, lambda sent: sent == 299)

            assert await alertmanager.firing() == {*names} - {names[77]}
            assert one.value("errors_total") == one.value("dropped_total") == 1
            assert len(alertmanager.requests) < 25

    async def test_several_poisonous_alerts_are_each_found(self) -> None:
        names = numbered(256)
        bad = {names[0], names[100], names[101], names[255]}
        async with fake_alertmanager() as alertmanager, sending(alertmanager.url) as one:
            for name in bad:
                alertmanager.refuse(422, monitor=name)
            one.sink.offer(outgoing(*names))
            await eventually(one.errors, lambda errors: errors == 4)
            await eventually(one.sent, lambda sent: sent == 252)

            assert await alertmanager.firing() == {*names} - bad

    @pytest.mark.parametrize("status", [401, 403, 404, 429, 500, 503])
    async def test_any_other_refusal_is_for_all_and_not_tried_again(self, status: int) -> None:
        async with fake_alertmanager() as alertmanager, sending(alertmanager.url) as one:
            alertmanager.status = status
            one.sink.offer(outgoing(*numbered(10)))
            await eventually(one.errors)
            alertmanager.recover()
            one.sink.offer(outgoing("after"))
            await eventually(one.sent)

            assert one.value("errors_total") == one.value("dropped_total") == 10
            assert [request.status for request in alertmanager.requests] == [status, 200]

    async def test_a_refusal_is_logged_with_the_beginning_of_its_answer(
        self, log: Callable[[], list[str]]
    ) -> None:
        async with fake_alertmanager() as alertmanager, sending(alertmanager.url) as one:
            alertmanager.status, alertmanager.answer = 503, "out of disk\n" + "x" * 100_000
            one.sink.offer(outgoing("backup"))
            await eventually(one.errors)

        [line] = log()
        assert "answered 503: out of disk xxx" in line
        assert 900 < line.count("x") <= 1024 + 10
        assert "level=ERROR" in line

    async def test_a_failure_is_logged_once_and_so_is_its_end(
        self, log: Callable[[], list[str]]
    ) -> None:
        async with fake_alertmanager() as alertmanager, sending(alertmanager.url) as one:
            alertmanager.status = 500
            for errors in (1, 2, 3):
                one.sink.offer(outgoing("backup"))
                await one.has_errors(errors)
            alertmanager.recover()
            one.sink.offer(outgoing("backup"))
            await eventually(one.sent)

        failed, recovered = log()
        assert "alerts do not reach Alertmanager" in failed
        assert f"alertmanager={alertmanager.url}" in failed
        assert "alerts reach Alertmanager again" in recovered

    async def test_an_answer_cannot_forge_lines_of_the_log(
        self, log: Callable[[], list[str]]
    ) -> None:
        async with fake_alertmanager() as alertmanager, sending(alertmanager.url) as one:
            alertmanager.status = 500
            alertmanager.answer = "\nlevel=INFO msg=fine\r\n\x1b[2J"
            one.sink.offer(outgoing("backup"))
            await eventually(one.errors)

        [line] = log()
        assert line.isprintable()


class TestQueues:
    async def test_the_oldest_give_way_and_are_counted(self) -> None:
        names = numbered(QUEUE_CAPACITY + 300)
        async with fake_alertmanager() as alertmanager, sending(alertmanager.url) as one:
            alertmanager.hanging = True
            one.sink.offer(outgoing("first"))
            await eventually(alertmanager.received)
            one.sink.offer(outgoing(*names))
            waiting = await one.waiting()
            dropped = one.value("dropped_total")
            alertmanager.recover()
            await eventually(one.sent, lambda sent: sent == QUEUE_CAPACITY)

            assert waiting == QUEUE_CAPACITY
            assert dropped == 300
            assert await alertmanager.firing() == {*names[300:]}

    async def test_what_is_told_later_takes_the_place_of_what_still_waits(self) -> None:
        """So a queue is as long as there are alerts, however long an Alertmanager hangs."""
        async with fake_alertmanager() as alertmanager, sending(alertmanager.url) as one:
            alertmanager.hanging = True
            one.sink.offer(outgoing("first"))
            await eventually(alertmanager.received)
            for _ in range(50):
                one.sink.offer(outgoing("backup", "import"))
            waiting = await one.waiting()
            alertmanager.recover()
            await eventually(one.sent, lambda sent: sent >= 2)

            assert waiting == 2
            assert one.value("dropped_total") == one.value("errors_total")  # the one that hung
            assert {"backup", "import"} <= await alertmanager.firing()

    async def test_what_waits_for_an_address_is_bounded_and_counted_too(self) -> None:
        names, resolver = numbered(QUEUE_CAPACITY), Resolver()
        async with (
            fake_alertmanager() as alertmanager,
            sending(f"http://{NAME}:{alertmanager.port}", resolve=resolver) as one,
        ):
            one.sink.offer(outgoing("oldest"))
            one.sink.offer(outgoing(*names))
            waiting = await one.waiting()
            dropped = one.value("dropped_total")
            resolver.addresses = frozenset({"127.0.0.1"})
            await eventually(one.sent, lambda sent: sent == QUEUE_CAPACITY)

            assert (waiting, dropped) == (QUEUE_CAPACITY, 1)
            assert await alertmanager.firing() == {*names}

    async def test_an_offer_never_waits_for_an_alertmanager(self) -> None:
        async with fake_alertmanager() as alertmanager, sending(alertmanager.url) as one:
            alertmanager.hanging = True
            offers = [outgoing(*numbered(1000)) for _ in range(20)]
            before = time.monotonic()
            for alerts in offers:
                one.sink.offer(alerts)

            assert time.monotonic() - before < 1

    async def test_a_hanging_alertmanager_costs_its_timeout_and_no_more(self) -> None:
        async with (
            fake_alertmanager() as alertmanager,
            sending(Endpoint(alertmanager.url, timeout_seconds=0.2)) as one,
        ):
            alertmanager.hanging = True
            one.sink.offer(outgoing("backup"))
            await eventually(one.errors)
            alertmanager.recover()
            one.sink.offer(outgoing("backup"))
            await eventually(one.sent)

            assert one.value("latency_seconds_count") == 2
            assert (one.value("latency_seconds_sum") or 0) > 0.2


class TestAddresses:
    async def test_every_address_of_a_name_is_told_everything(self) -> None:
        async with (
            fake_alertmanager() as first,
            fake_alertmanager(host="127.0.0.2", port=first.port) as second,
            sending(
                f"http://{NAME}:{first.port}", resolve=Resolver("127.0.0.1", "127.0.0.2")
            ) as one,
        ):
            one.sink.offer(outgoing(*numbered(300)))
            await eventually(one.sent, lambda sent: sent == 600)

            assert await first.firing() == await second.firing() == {*numbered(300)}
            assert {r.headers["Host"] for r in first.requests} == {f"{NAME}:{first.port}"}

    async def test_a_dead_address_delays_no_other(self) -> None:
        async with (
            fake_alertmanager() as alive,
            fake_alertmanager(host="127.0.0.2", port=alive.port) as hanging,
            # Nobody listens on the third.
            sending(
                f"http://{NAME}:{alive.port}",
                resolve=Resolver("127.0.0.1", "127.0.0.2", "127.0.0.3"),
            ) as one,
        ):
            hanging.hanging = True
            one.sink.offer(outgoing("stuck"))
            await eventually(hanging.received)
            one.sink.offer(outgoing(*numbered(600)))
            await eventually(one.sent, lambda sent: sent == 601, within_seconds=5)

            assert len(hanging.requests) == 1
            assert len(await alive.firing()) == 601

    @pytest.mark.usefixtures("quick_lookups")
    async def test_an_address_that_appears_is_told_from_then_on(self) -> None:
        resolver = Resolver("127.0.0.1")
        async with (
            fake_alertmanager() as first,
            fake_alertmanager(host="127.0.0.2", port=first.port) as second,
            sending(f"http://{NAME}:{first.port}", resolve=resolver) as one,
        ):
            one.sink.offer(outgoing("before"))
            await eventually(one.sent)
            resolver.addresses = frozenset({"127.0.0.1", "127.0.0.2"})

            async def second_is_told() -> set[str]:
                one.sink.offer(outgoing("after"))
                return await second.firing()

            assert await eventually(second_is_told) == {"after"}

    @pytest.mark.usefixtures("quick_lookups")
    async def test_an_address_that_vanishes_is_told_no_more_and_its_queue_is_counted(self) -> None:
        resolver = Resolver("127.0.0.1", "127.0.0.2")
        async with (
            fake_alertmanager() as first,
            fake_alertmanager(host="127.0.0.2", port=first.port) as second,
            sending(f"http://{NAME}:{first.port}", resolve=resolver) as one,
        ):
            second.hanging = True
            one.sink.offer(outgoing("in flight"))
            await eventually(second.received)
            one.sink.offer(outgoing(*numbered(10)))
            await eventually(one.waiting, lambda waiting: waiting == 10)
            resolver.addresses = frozenset({"127.0.0.1"})
            await eventually(one.waiting, lambda waiting: waiting == 0)
            one.sink.offer(outgoing("after"))
            await eventually(one.sent, lambda sent: sent == 12)

            assert one.value("dropped_total") == 10
            assert len(second.requests) == 1
            assert "after" in await first.firing()

    @pytest.mark.usefixtures("quick_lookups")
    async def test_a_name_that_is_lost_keeps_its_known_addresses(
        self, log: Callable[[], list[str]]
    ) -> None:
        resolver = Resolver("127.0.0.1")
        async with (
            fake_alertmanager() as alertmanager,
            sending(f"http://{NAME}:{alertmanager.port}", resolve=resolver) as one,
        ):
            one.sink.offer(outgoing("before"))
            await eventually(one.sent)
            resolver.addresses = frozenset()
            await asked_again(resolver)
            one.sink.offer(outgoing("after"))
            await eventually(one.sent, lambda sent: sent == 2)

        assert len(log()) == 1

    @pytest.mark.usefixtures("quick_lookups")
    async def test_alerts_wait_for_a_name_that_is_not_known_yet(
        self, log: Callable[[], list[str]]
    ) -> None:
        resolver = Resolver()
        async with (
            fake_alertmanager() as alertmanager,
            sending(f"http://{NAME}:{alertmanager.port}", resolve=resolver) as one,
        ):
            one.sink.offer(outgoing("backup"))
            await asked_again(resolver)
            waiting = await one.waiting()
            resolver.addresses = frozenset({"127.0.0.1"})
            await eventually(one.sent)

            assert waiting == 1
            assert await one.waiting() == 0
            assert await alertmanager.firing() == {"backup"}
        [line] = log()
        assert "name is not resolved" in line

    async def test_the_systems_resolver_knows_this_machine(self) -> None:
        assert await addresses_of(URL("http://localhost:9093/api/v2/alerts")) == {"127.0.0.1"}
        assert await addresses_of(URL("http://[::1]:9093/")) == {"::1"}

    async def test_names_that_hang_delay_nobody(self, monkeypatch: pytest.MonkeyPatch) -> None:
        asked, known, over = threading.Semaphore(0), socket.getaddrinfo, threading.Event()

        def name_service(host: str, *arguments: Any, **options: Any) -> Any:
            if host.endswith(".hanging.test"):
                asked.release()
                over.wait()
            return known(host, *arguments, **options)

        monkeypatch.setattr("socket.getaddrinfo", name_service)
        async with fake_alertmanager() as alertmanager, telling() as all_of_them:
            try:
                for number in range(50):  # more than the threads that the loop shares
                    all_of_them.sinks.offer(f"http://{number}.hanging.test", outgoing("backup"))
                await eventually(lambda: asyncio.sleep(0, asked.acquire(blocking=False)))
                all_of_them.sinks.offer(alertmanager.url, outgoing("backup"))
                await eventually(alertmanager.firing, within_seconds=5)
                async with asyncio.timeout(5):
                    await asyncio.to_thread(bool)
            finally:
                over.set()

    @pytest.mark.parametrize(
        "host",
        [
            "a..b",
            ".",
            "a" * 64,
            "a." * 200,
            "xn--zz",
            "xn--",
            "-",
            "_",
            "a\\b",
            "a%00b",
            "a%zz",
            "*",
            "٣",
            "büch",
            "[::1%25lo]",
            "[v1.x]",
            "1",
            "0x7f.1",
            "localhost.",
        ],
    )
    async def test_no_name_that_a_monitor_may_give_ends_the_program(self, host: str) -> None:
        if url_problem(f"http://{host}:9093"):
            return  # refused when the monitor is read
        async with fake_alertmanager() as alertmanager:
            url = f"http://{host}:{alertmanager.port}"
            with suppress(OSError):
                await addresses_of(Endpoint(url).api_url)
            async with sending(url, resolve=Resolver("127.0.0.1")) as one:
                one.sink.offer(outgoing("backup"))
                await eventually(one.sent)


async def asked_again(resolver: Resolver) -> None:
    before = len(resolver.asked)

    async def asked() -> int:
        return len(resolver.asked) - before

    await eventually(asked, lambda times: times >= 3)


class TestCredentials:
    async def test_basic_credentials_are_sent_and_read_anew_for_each_request(
        self, tmp_path: Path
    ) -> None:
        file = tmp_path / "password"
        file.write_text(f"{SECRET}\n")
        async with fake_alertmanager() as alertmanager:
            endpoint = Endpoint(alertmanager.url, Authorization("Basic", file, "yuptime"))
            async with sending(endpoint) as one:
                one.sink.offer(outgoing("backup"))
                await eventually(one.sent)
                file.write_text("rotated-ü")
                one.sink.offer(outgoing("backup"))
                await eventually(one.sent, lambda sent: sent == 2)

            assert [
                _decoded(request.headers["Authorization"]) for request in alertmanager.requests
            ] == [
                f"yuptime:{SECRET}",
                "yuptime:rotated-ü",
            ]

    async def test_a_bearer_token_is_sent_and_read_anew_for_each_request(
        self, tmp_path: Path
    ) -> None:
        file = tmp_path / "token"
        file.write_text(f"{SECRET}\n")
        async with fake_alertmanager() as alertmanager:
            endpoint = Endpoint(alertmanager.url, Authorization("Bearer", file))
            async with sending(endpoint) as one:
                one.sink.offer(outgoing("backup"))
                await eventually(one.sent)
                file.write_text("rotated")
                one.sink.offer(outgoing("backup"))
                await eventually(one.sent, lambda sent: sent == 2)

            assert [request.headers["Authorization"] for request in alertmanager.requests] == [
                f"Bearer {SECRET}",
                "Bearer rotated",
            ]

    @pytest.mark.parametrize(
        "content",
        [None, b"\xff\xfe", b"two\nlines", b"nul\x00", "tökén".encode()],
        ids=["missing", "binary", "two lines", "with a NUL", "not ASCII"],
    )
    async def test_credentials_that_cannot_be_sent_are_an_error_that_passes(
        self, content: bytes | None, tmp_path: Path, log: Callable[[], list[str]]
    ) -> None:
        file = tmp_path / "token"
        if content is not None:
            file.write_bytes(content)
        async with fake_alertmanager() as alertmanager:
            endpoint = Endpoint(alertmanager.url, Authorization("Bearer", file))
            async with sending(endpoint) as one:
                one.sink.offer(outgoing("backup"))
                await eventually(one.errors)
                file.write_text(SECRET)
                one.sink.offer(outgoing("backup"))
                await eventually(one.sent)

            assert [request.status for request in alertmanager.requests] == [200]
        assert str(file) in log()[0]
        assert not any("lines" in line.replace(str(file), "") for line in log())

    async def test_what_a_monitor_names_gets_no_credentials(self, tmp_path: Path) -> None:
        file = tmp_path / "token"
        file.write_text(SECRET)
        async with fake_alertmanager() as configured, fake_alertmanager() as named:
            endpoint = Endpoint(configured.url, Authorization("Bearer", file))
            async with telling(endpoint) as all_of_them:
                for url in (configured.url, named.url, f"{configured.url}/tenant"):
                    all_of_them.sinks.offer(url, outgoing("backup"))
                await eventually(configured.received, lambda count: count == 2)
                await eventually(named.received)

            authorized = {
                request.path: "Authorization" in request.headers for request in configured.requests
            }
            assert authorized == {"/api/v2/alerts": True, "/tenant/api/v2/alerts": False}
            assert "Authorization" not in named.requests[0].headers

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    async def test_a_redirect_is_not_followed_and_carries_nothing_away(
        self, status: int, tmp_path: Path
    ) -> None:
        file = tmp_path / "token"
        file.write_text(SECRET)
        async with fake_alertmanager() as first, fake_alertmanager() as elsewhere:
            first.redirect(f"{elsewhere.url}/api/v2/alerts", status)
            async with sending(Endpoint(first.url, Authorization("Bearer", file))) as one:
                one.sink.offer(outgoing("backup"))
                await eventually(one.errors)
                first.recover()
                one.sink.offer(outgoing("backup"))
                await eventually(one.sent)

            assert elsewhere.requests == []
            assert [request.status for request in first.requests] == [status, 200]

    @pytest.mark.parametrize("status", [401, 500, 307])
    async def test_no_log_names_credentials(
        self, status: int, tmp_path: Path, log: Callable[[], list[str]]
    ) -> None:
        file = tmp_path / "password"
        file.write_text(SECRET)
        async with fake_alertmanager() as alertmanager:
            alertmanager.status = status
            endpoint = Endpoint(alertmanager.url, Authorization("Basic", file, "yuptime"))
            async with sending(endpoint) as one:
                one.sink.offer(outgoing("backup"))
                await eventually(one.errors)
            sent = alertmanager.requests[0].headers["Authorization"].split()[1]

        assert log()
        assert not any(SECRET in line or sent in line for line in log())


def _decoded(header: str) -> str:
    scheme, credentials = header.split()
    assert scheme == "Basic"
    return base64.b64decode(credentials).decode()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a CA of its own, and what it signed: a server and a client."""
    folder = tmp_path_factory.mktemp("authority")
    _openssl(folder, "req", "-x509", "-subj", "/CN=CA", "-keyout", "ca.key", "-out", "ca.crt")
    for name, alt in (("server", f"DNS:{NAME}"), ("client", "DNS:yuptime")):
        _openssl(
            folder,
            *("req", "-x509", "-subj", f"/CN={name}", "-addext", f"subjectAltName={alt}"),
            *("-addext", "basicConstraints=critical,CA:FALSE"),
            *("-CA", "ca.crt", "-CAkey", "ca.key"),
            *("-keyout", f"{name}.key", "-out", f"{name}.crt"),
        )
    return folder


def _openssl(folder: Path, *arguments: str) -> None:
    new_key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc", "-days", "2")
    subprocess.run(["openssl", *arguments, *new_key], cwd=folder, check=True, capture_output=True)


@asynccontextmanager
async def over_tls(
    authority: Path, *, client_certificate: bool = False
) -> AsyncIterator[FakeAlertmanager]:
    """Run an Alertmanager whose certificate names `NAME`; its `url` does so, too."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=authority / "ca.crt")
    context.load_cert_chain(authority / "server.crt", authority / "server.key")
    context.verify_mode = ssl.CERT_REQUIRED if client_certificate else ssl.CERT_NONE
    async with fake_alertmanager(tls=context) as alertmanager:
        alertmanager.url = f"https://{NAME}:{alertmanager.port}"
        yield alertmanager


class TestTls:
    async def outcome(self, alertmanager: FakeAlertmanager, tls: Tls, url: str = "") -> str:
        endpoint = Endpoint(url or alertmanager.url, tls=tls)
        async with sending(endpoint, resolve=Resolver("127.0.0.1")) as one:
            one.sink.offer(outgoing("backup"))

            async def decided() -> str:
                return "sent" if await one.sent() else "error" if await one.errors() else ""

            return await eventually(decided)

    async def test_an_own_ca_is_trusted_where_it_is_configured_and_nowhere_else(
        self, authority: Path
    ) -> None:
        async with over_tls(authority) as alertmanager:
            trusted = await self.outcome(alertmanager, Tls(ca_file=authority / "ca.crt"))
            untrusted = await self.outcome(alertmanager, Tls())

        assert (trusted, untrusted) == ("sent", "error")
        assert len(alertmanager.requests) == 1

    async def test_the_certificate_must_have_the_name_that_was_asked_for(
        self, authority: Path
    ) -> None:
        ca = authority / "ca.crt"
        async with over_tls(authority) as alertmanager:
            url = f"https://other.test:{alertmanager.port}"
            another = await self.outcome(alertmanager, Tls(ca_file=ca), url)
            named = await self.outcome(alertmanager, Tls(ca_file=ca, server_name=NAME), url)

        assert (another, named) == ("error", "sent")

    async def test_an_address_behind_the_name_need_not_be_in_the_certificate(
        self, authority: Path
    ) -> None:
        async with over_tls(authority) as alertmanager:
            await self.outcome(alertmanager, Tls(ca_file=authority / "ca.crt"))

            [request] = alertmanager.requests
        assert request.headers["Host"] == f"{NAME}:{alertmanager.port}"

    async def test_verification_may_be_switched_off(self, authority: Path) -> None:
        async with over_tls(authority) as alertmanager:
            assert await self.outcome(alertmanager, Tls(insecure_skip_verify=True)) == "sent"

    async def test_a_client_certificate_is_shown_where_it_is_configured(
        self, authority: Path
    ) -> None:
        ca = authority / "ca.crt"
        own = Tls(ca, cert_file=authority / "client.crt", key_file=authority / "client.key")
        async with over_tls(authority, client_certificate=True) as alertmanager:
            with_it = await self.outcome(alertmanager, own)
            without_it = await self.outcome(alertmanager, Tls(ca))

        assert (with_it, without_it) == ("sent", "error")

    async def test_a_certificate_that_was_renewed_is_used_without_a_reload(
        self, authority: Path, tmp_path: Path
    ) -> None:
        ca = tmp_path / "ca.crt"
        shutil.copy(authority / "client.crt", ca)  # signed by the CA, but not the CA
        async with over_tls(authority) as alertmanager:
            endpoint = Endpoint(alertmanager.url, tls=Tls(ca_file=ca))
            async with sending(endpoint, resolve=Resolver("127.0.0.1")) as one:
                one.sink.offer(outgoing("backup"))
                await one.has_errors(1)
                shutil.copy(authority / "ca.crt", ca)
                one.sink.offer(outgoing("backup"))

                await eventually(one.sent)

    async def test_tls_belongs_to_the_configured_url_alone(self, authority: Path) -> None:
        """A URL that a monitor names is verified by what the system trusts."""
        async with over_tls(authority) as alertmanager:
            url = f"https://localhost:{alertmanager.port}"
            trusting = Endpoint(url, tls=Tls(insecure_skip_verify=True))
            async with telling(trusting) as all_of_them:
                all_of_them.sinks.offer(url, outgoing("trusted"))
                all_of_them.sinks.offer(f"{url}/tenant", outgoing("untrusted"))

                async def untrusted_errors() -> float | None:
                    return all_of_them.value("errors_total", f"{url}/tenant")

                await eventually(untrusted_errors)
                await eventually(alertmanager.received)

        assert await alertmanager.firing() == {"trusted"}


class TestTheLifeOfSinks:
    async def test_metrics_are_there_from_the_configuration_on_and_go_with_it(self) -> None:
        url = "http://127.0.0.1:1"
        async with telling(Endpoint(url)) as all_of_them:
            counts = ("sent_total", "errors_total", "dropped_total", "latency_seconds_count")
            fresh = {all_of_them.value(name, url) for name in (*counts, "queue_length")}
            all_of_them.sinks.configure([])
            gone = generate_latest(all_of_them.registry).decode()

        assert fresh == {0}
        assert url not in gone
        assert f"yuptime_notifications_queue_capacity {float(QUEUE_CAPACITY)}" in gone

    async def test_what_a_monitor_named_is_forgotten_when_no_monitor_names_it(self) -> None:
        async with (
            fake_alertmanager() as configured,
            fake_alertmanager() as named,
            telling(Endpoint(configured.url)) as all_of_them,
        ):
            all_of_them.sinks.offer(named.url, outgoing("backup"))
            await eventually(named.received)
            all_of_them.sinks.keep_only([named.url])
            kept = all_of_them.value("sent_total", named.url)
            all_of_them.sinks.keep_only([])

            assert kept is not None
            assert all_of_them.value("sent_total", named.url) is None
            assert all_of_them.value("sent_total", configured.url) == 0

    async def test_a_configuration_read_again_changes_nothing_that_is_the_same(self) -> None:
        async with (
            fake_alertmanager() as alertmanager,
            telling(Endpoint(alertmanager.url)) as all_of_them,
        ):
            all_of_them.sinks.offer(alertmanager.url, outgoing("backup"))

            async def sent() -> float | None:
                return all_of_them.value("sent_total", alertmanager.url)

            await eventually(sent)
            all_of_them.sinks.configure([Endpoint(alertmanager.url)])

            assert await sent() == 1

    async def test_credentials_may_come_with_a_new_configuration(self, tmp_path: Path) -> None:
        file = tmp_path / "token"
        file.write_text(SECRET)
        async with fake_alertmanager() as alertmanager:
            async with telling(Endpoint(alertmanager.url)) as all_of_them:
                all_of_them.sinks.configure(
                    [Endpoint(alertmanager.url, Authorization("Bearer", file))]
                )
                all_of_them.sinks.offer(alertmanager.url, outgoing("backup"))
                await eventually(alertmanager.received)

            assert alertmanager.requests[0].headers["Authorization"] == f"Bearer {SECRET}"

    async def test_at_the_end_what_waits_is_sent_and_nothing_is_resolved(self) -> None:
        names = numbered(3 * MAX_BATCH)
        async with fake_alertmanager() as alertmanager:
            alertmanager.delay_seconds = 0.1
            async with telling(Endpoint(alertmanager.url)) as all_of_them:
                all_of_them.sinks.offer(alertmanager.url, outgoing(names[0]))
                await eventually(alertmanager.received)
                all_of_them.sinks.offer(alertmanager.url, outgoing(*names))

            assert await alertmanager.firing() == {*names}
            assert await alertmanager.resolved() == set()

    async def test_the_end_waits_for_a_hanging_alertmanager_only_so_long(self) -> None:
        async with fake_alertmanager() as hanging, fake_alertmanager() as alive:
            hanging.hanging = True
            async with telling(Endpoint(hanging.url), Endpoint(alive.url)) as all_of_them:
                for url in (hanging.url, alive.url):
                    all_of_them.sinks.offer(url, outgoing("backup"))
                await eventually(hanging.received)
                all_of_them.sinks.offer(alive.url, outgoing("at the end"))
                before = time.monotonic()
                await all_of_them.sinks.close()
                took_seconds = time.monotonic() - before

            assert DRAIN_SECONDS <= took_seconds < DRAIN_SECONDS + 1
            assert "at the end" in await alive.firing()

    async def test_one_that_is_configured_no_more_is_not_sent_what_still_waited(self) -> None:
        async with fake_alertmanager() as alertmanager:
            async with telling(Endpoint(alertmanager.url)) as all_of_them:
                alertmanager.hanging = True
                all_of_them.sinks.offer(alertmanager.url, outgoing("backup"))
                await eventually(alertmanager.received)
                all_of_them.sinks.offer(alertmanager.url, outgoing("waiting"))
                all_of_them.sinks.configure([])

            assert len(alertmanager.requests) == 1


async def test_a_resolved_alert_is_sent_as_resolved() -> None:
    async with fake_alertmanager() as alertmanager, sending(alertmanager.url) as one:
        one.sink.offer(outgoing("backup", resolved=True))
        await eventually(one.sent)

        assert await alertmanager.resolved() == {"backup"}

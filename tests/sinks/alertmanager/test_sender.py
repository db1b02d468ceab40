"""One address: batches, failures, and the queue."""

import time
from collections.abc import Callable

import pytest

from tests.fakes.alertmanager import fake_alertmanager
from tests.sinks.alertmanager.sending import LIMITS, NAME, Resolver, numbered, outgoing, sending
from tests.waiting import eventually
from yuptime_exporter.sinks.alertmanager.endpoint import Endpoint


class TestBatches:
    async def test_many_alerts_are_sent_in_batches_of_256_and_in_order(self) -> None:
        async with fake_alertmanager() as alertmanager, sending(alertmanager.url) as one:
            one.sink.offer(outgoing(*numbered(1000)))
            await eventually(one.sent, lambda sent: sent == 1000)

            sizes = [len(request.batch) for request in alertmanager.requests]
            assert sizes == [256, 256, 256, 232]
            assert [alert.labels["monitor"] for alert in alertmanager.accepted] == numbered(1000)

    async def test_a_request_has_the_format_of_the_api_of_alertmanager(self) -> None:
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
        assert (
            alert.annotations["summary"]
            == f"{alert.labels['namespace']}/{alert.labels['monitor']} reported down"
        )
        assert alert.generator_url == "http://yuptime/monitors/prod/backup"

    async def test_an_empty_offer_sends_no_request(self) -> None:
        async with fake_alertmanager() as alertmanager, sending(alertmanager.url) as one:
            one.sink.offer([])
            one.sink.offer(outgoing("backup"))
            await eventually(alertmanager.received)

            assert [len(request.batch) for request in alertmanager.requests] == [1]


class TestRefusals:
    @pytest.mark.parametrize("status", [400, 422])
    async def test_an_invalid_alert_does_not_prevent_the_others_from_arriving(
        self, status: int
    ) -> None:
        names = numbered(300)
        async with fake_alertmanager() as alertmanager, sending(alertmanager.url) as one:
            alertmanager.refuse(status, monitor=names[77])
            one.sink.offer(outgoing(*names))
            await eventually(one.errors)
            await eventually(one.sent, lambda sent: sent == 299)

            assert await alertmanager.firing() == {*names} - {names[77]}
            assert one.value("errors_total") == one.value("dropped_total") == 1
            assert len(alertmanager.requests) < 25

    async def test_each_of_several_invalid_alerts_is_found(self) -> None:
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
    async def test_a_batch_with_another_error_status_fails_as_a_whole_and_is_not_retried(
        self, status: int
    ) -> None:
        async with fake_alertmanager() as alertmanager, sending(alertmanager.url) as one:
            alertmanager.status = status
            one.sink.offer(outgoing(*numbered(10)))
            await eventually(one.errors)
            alertmanager.recover()
            one.sink.offer(outgoing("after"))
            await eventually(one.sent)

            assert one.value("errors_total") == one.value("dropped_total") == 10
            assert [request.status for request in alertmanager.requests] == [status, 200]

    async def test_an_error_status_is_logged_with_the_beginning_of_its_answer(
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

    async def test_a_failure_and_its_end_are_logged_once_each(
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
    async def test_the_oldest_alerts_of_a_full_queue_are_dropped_and_counted(self) -> None:
        names = numbered(LIMITS.queue_capacity + 300)
        async with fake_alertmanager() as alertmanager, sending(alertmanager.url) as one:
            alertmanager.hanging = True
            one.sink.offer(outgoing("first"))
            await eventually(alertmanager.received)
            one.sink.offer(outgoing(*names))
            waiting = await one.waiting()
            dropped = one.value("dropped_total")
            alertmanager.recover()
            await eventually(one.sent, lambda sent: sent == LIMITS.queue_capacity)

            assert waiting == LIMITS.queue_capacity
            assert dropped == 300
            assert await alertmanager.firing() == {*names[300:]}

    async def test_a_later_version_of_an_alert_replaces_the_one_that_still_waits(self) -> None:
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

    async def test_alerts_that_wait_for_an_address_are_bounded_and_counted(self) -> None:
        names, resolver = numbered(LIMITS.queue_capacity), Resolver()
        async with (
            fake_alertmanager() as alertmanager,
            sending(f"http://{NAME}:{alertmanager.port}", resolve=resolver) as one,
        ):
            one.sink.offer(outgoing("oldest"))
            one.sink.offer(outgoing(*names))
            waiting = await one.waiting()
            dropped = one.value("dropped_total")
            resolver.addresses = frozenset({"127.0.0.1"})
            await eventually(one.sent, lambda sent: sent == LIMITS.queue_capacity)

            assert (waiting, dropped) == (LIMITS.queue_capacity, 1)
            assert await alertmanager.firing() == {*names}

    async def test_an_offer_never_waits_for_an_alertmanager(self) -> None:
        async with fake_alertmanager() as alertmanager, sending(alertmanager.url) as one:
            alertmanager.hanging = True
            offers = [outgoing(*numbered(1000)) for _ in range(20)]
            before = time.monotonic()
            for alerts in offers:
                one.sink.offer(alerts)

            assert time.monotonic() - before < 1

    async def test_a_hanging_alertmanager_delays_alerts_by_its_timeout_only(self) -> None:
        async with (
            fake_alertmanager() as alertmanager,
            sending(Endpoint(alertmanager.url, timeout_seconds=0.2)) as one,
        ):
            alertmanager.hanging = True
            one.sink.offer(outgoing("backup"))
            await eventually(one.errors)
            alertmanager.recover()

            async def sent_again() -> float:
                one.sink.offer(outgoing("backup"))  # a busy machine may exceed the timeout, too
                return await one.sent()

            await eventually(sent_again)

            attempts = await one.sent() + await one.errors()
            assert one.value("latency_seconds_count") == attempts >= 2
            assert (one.value("latency_seconds_sum") or 0) > 0.2


async def test_a_resolved_alert_is_sent_as_resolved() -> None:
    async with fake_alertmanager() as alertmanager, sending(alertmanager.url) as one:
        one.sink.offer(outgoing("backup", resolved=True))
        await eventually(one.sent)

        assert await alertmanager.resolved() == {"backup"}

"""An Alertmanager that alerts would not reach is known before the first alert."""

from collections.abc import Callable

from tests.fakes.alertmanager import fake_alertmanager
from tests.peers.running import free_address
from tests.sinks.alertmanager.sending import NAME, Resolver, outgoing, sending
from tests.waiting import eventually
from yuptime_exporter.sinks.alertmanager.limits import SinkLimits
from yuptime_exporter.sinks.alertmanager.unreachable import SHOWN, Unreachable

OFTEN = SinkLimits(check_seconds=0.02, resolve_interval_seconds=0.02, resolve_retry_seconds=0.02)


async def test_an_alertmanager_without_alerts_is_asked_again_and_again_whether_it_takes_one(
    log: Callable[[], list[str]],
) -> None:
    async with fake_alertmanager() as alertmanager, sending(alertmanager.url, limits=OFTEN) as one:
        alertmanager.status, alertmanager.answer = 401, "the secret of another service"
        notice = await eventually(one.notice)
        alertmanager.recover()
        await eventually(one.notice, lambda text: not text)
        requests = list(alertmanager.requests)

    assert notice == f"alerts do not reach Alertmanager {alertmanager.url}: answered 401"
    assert {len(request.batch) for request in alertmanager.requests} == {0}
    assert one.value("errors_total") == [request.status for request in requests].count(401)
    assert one.value("sent_total") == one.value("dropped_total") == 0
    assert "the secret of another service" in log()[0]


async def test_a_failed_alert_is_in_the_notice_until_one_arrives() -> None:
    async with fake_alertmanager() as alertmanager, sending(alertmanager.url) as one:
        alertmanager.status = 503
        one.sink.offer(outgoing("backup"))
        await eventually(one.notice, lambda text: text.endswith("answered 503"))
        alertmanager.recover()
        one.sink.offer(outgoing("backup"))
        await eventually(one.notice, lambda text: not text)


async def test_a_name_that_is_unknown_is_in_the_notice_and_an_address_that_is_gone_is_not() -> None:
    resolver = Resolver()
    host, port = free_address().split(":")
    url = f"http://{NAME}:{port}"
    async with sending(url, resolve=resolver, limits=OFTEN) as one:
        await eventually(one.notice, lambda text: text.endswith("Name or service not known"))
        assert await one.errors() > 0
        resolver.addresses = frozenset({host})
        await eventually(one.notice, lambda text: f"{url} at {host}: Cannot connect" in text)
        async with fake_alertmanager(host=host, port=int(port)):
            await eventually(one.notice, lambda text: not text)


def test_a_long_list_of_failures_is_cut_and_says_how_many_are_left_out() -> None:
    unreachable = Unreachable()
    for number in range(SHOWN + 3):
        unreachable.failed(f"http://am-{number}:9093", "10.0.0.1", "no route to host")

    assert unreachable.notice.count("no route to host") == SHOWN
    assert unreachable.notice.endswith("; 3 more")
    unreachable.forget("http://am-0:9093")
    assert "http://am-0:9093" not in unreachable.notice

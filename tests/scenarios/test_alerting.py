"""The whole exporter sends alerts to Alertmanagers, with all their failures."""

import asyncio
import signal
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from tests.exporters import (
    Client,
    Home,
    StandingClock,
    exporter_here,
    exporter_process,
    notifications,
    series,
)
from tests.fakes.alertmanager import FakeAlertmanager, Received, fake_alertmanager
from tests.manifests import monitor_yaml, secret_yaml
from tests.peers.running import free_address
from tests.waiting import eventually
from yuptime_exporter.core.alerting import RUNBOOK_URL
from yuptime_exporter.engine.publisher import MAX_SLEEP_SECONDS
from yuptime_exporter.moments import readable
from yuptime_exporter.sinks.alertmanager.endpoint import DEFAULT_TIMEOUT_SECONDS


@pytest.fixture
def clock() -> StandingClock:
    """Return a clock that stands still at the present, so that Alertmanager's agrees."""
    return StandingClock(float(int(datetime.now(UTC).timestamp())))


DOWN = b'{"status": "down", "message": "disk full"}'

# Of an attempt to send; a test ends long before.
TIMEOUT_SECONDS = 30


def configure(home: Home, *urls: str, **alerting: object) -> Path:
    """Write a configuration that names these Alertmanagers, in place of the one before."""
    path = home.folder / "config.yaml"
    told = {"alertmanagers": [{"url": url, "timeout": f"{TIMEOUT_SECONDS}s"} for url in urls]}
    path.write_text(
        yaml.safe_dump(
            {"alerting": {**told, **alerting}, "limits": {"push_rate": {"interval": "0s"}}}
        )
    )
    home.flags = [f"--config.file={path}", "--web.enable-lifecycle"]
    return path


async def reload(client: Client) -> None:
    """Reload the configuration, which also makes the exporter look at all monitors."""
    assert (await client.request("POST", "/-/reload")).status == 200


async def report_down(client: Client, *names: str) -> None:
    for name in names or ("backup",):
        assert (await client.push(name, body=DOWN)).status == 200


async def told_more(alertmanager: FakeAlertmanager, before: int) -> None:
    async def told() -> int:
        return len(alertmanager.accepted)

    await eventually(told, lambda now: now > before)


def own_url(manifest: str, url: str) -> str:
    """Return the manifest of a monitor that names an Alertmanager of its own."""
    return f"{manifest}  alertmanagerUrl: {url}\n"


class TestTheLifeOfAnAlert:
    async def test_a_down_push_is_sent_at_once_with_its_message_and_labels(
        self, home: Home, clock: StandingClock
    ) -> None:
        home.declare(monitor_yaml(labels={"team": "storage"}), secret_yaml())
        async with fake_alertmanager() as alertmanager:
            configure(home, alertmanager.url, default_labels={"severity": "warning"})
            home.flags.append("--web.external-url=https://yuptime.example.com/jobs")
            async with exporter_here(home, clock, ready_path="/jobs/-/ready") as client:
                client.push_url = f"{client.url}/jobs"
                await report_down(client)
                await eventually(alertmanager.firing)

            alert = alertmanager.alerts()["backup"]
        assert alert.labels == {
            "alertname": "YuptimeMonitorDown",
            "namespace": "jobs",
            "monitor": "backup",
            "team": "storage",
            "severity": "warning",
        }
        assert alert.starts.timestamp() == clock()
        assert alert.ends.timestamp() == clock() + 240
        assert alert.annotations == {
            "summary": "jobs/backup reported down",
            "description": (
                f"Last success: never. Deadline: {readable(clock() + 360)}. "
                "Read the log of the job, correct the cause, and run the job again."
            ),
            "message": "disk full",
            "page": "https://yuptime.example.com/jobs/monitors/jobs/backup",
            "runbook_url": RUNBOOK_URL,
        }
        assert alert.generator_url == "https://yuptime.example.com/jobs/monitors/jobs/backup"

    async def test_a_recovery_is_sent_after_the_delay_with_its_moment(
        self, home: Home, clock: StandingClock
    ) -> None:
        home.declare(secret_yaml(), *(monitor_yaml(name) for name in ("backup", "a", "b")))
        async with fake_alertmanager() as alertmanager:
            configure(home, alertmanager.url, resolve_delay="90s")
            async with exporter_here(home, clock) as client:
                await report_down(client)
                await eventually(alertmanager.firing)
                clock.advance(10)
                await client.push()
                # That these are told shows that the exporter looked at everything.
                await report_down(client, "a")
                await eventually(alertmanager.alerts_of("a"))
                clock.advance(89)
                await report_down(client, "b")
                await eventually(alertmanager.alerts_of("b"))
                [firing] = await alertmanager.alerts_of("backup")()
                clock.advance(1)
                await reload(client)
                [_, resolved] = await eventually(
                    alertmanager.alerts_of("backup"), lambda told: len(told) > 1
                )

        assert firing.ends.timestamp() == clock() - 100 + 240
        assert resolved.ends.timestamp() == clock() - 90
        assert resolved.starts == firing.starts

    @pytest.mark.peer  # starts a process
    async def test_silence_is_sent_at_the_deadline(self, home: Home) -> None:
        home.declare(
            monitor_yaml("silent", expire=1, grace=1),
            monitor_yaml("never", expire=1, grace=1),
            secret_yaml(),
        )
        async with fake_alertmanager() as alertmanager:
            configure(home, alertmanager.url)
            async with exporter_process(home) as exporter:
                await exporter.push("silent")
                samples = await exporter.samples()
                await eventually(alertmanager.firing, lambda names: names == {"silent", "never"})

        silent, never = (alertmanager.alerts()[name] for name in ("silent", "never"))
        for name, alert in (("silent", silent), ("never", never)):
            deadline = samples[series("deadline_timestamp_seconds", name)]
            assert alert.starts.timestamp() == pytest.approx(deadline, abs=0.001)
            # A round for another reason would come `MAX_SLEEP_SECONDS` after the start.
            assert 0 <= alert.at.timestamp() - deadline < MAX_SLEEP_SECONDS / 2
        assert silent.annotations["summary"] == "jobs/silent has not reported for more than 2s"
        assert never.annotations["summary"] == "jobs/never has never reported"

    async def test_an_alertmanager_that_is_no_longer_configured_receives_no_more_alerts(
        self, home: Home, clock: StandingClock
    ) -> None:
        """Not even that it is over: the credentials for it went with its configuration."""
        async with fake_alertmanager() as before, fake_alertmanager() as after:
            configure(home, before.url, resolve_delay="0s")
            async with exporter_here(home, clock) as client:
                await report_down(client)
                await eventually(before.firing)
                configure(home, after.url, resolve_delay="0s")
                await reload(client)
                await eventually(after.firing)
                told = len(before.accepted)
                await client.push()
                await eventually(after.alerts_of("backup"), lambda alerts: len(alerts) > 1)

        assert len(before.accepted) == told

    async def test_the_beginning_of_an_alert_never_moves_while_a_job_stays_down(
        self, home: Home, clock: StandingClock
    ) -> None:
        async with fake_alertmanager() as alertmanager:
            configure(home, alertmanager.url)
            async with exporter_here(home, clock) as client:
                for _ in range(3):
                    await report_down(client)
                    told = len(alertmanager.accepted)
                    clock.advance(3600)
                    await reload(client)
                    await told_more(alertmanager, told)

        assert len({alert.starts for alert in alertmanager.accepted}) == 1

    @pytest.mark.peer  # starts a process
    async def test_a_restart_repeats_firing_alerts_with_the_same_beginning(
        self, home: Home
    ) -> None:
        async with fake_alertmanager() as alertmanager:
            configure(home, alertmanager.url)
            async with exporter_process(home) as exporter:
                await report_down(exporter)
                await eventually(alertmanager.firing)
                await exporter.stop(signal.SIGKILL)
            before = len(alertmanager.accepted)
            async with exporter_process(home) as exporter:
                again = await eventually(
                    alertmanager.alerts_of("backup"), lambda told: len(told) > before
                )
                await exporter.stop()

        assert {alert.starts for alert in again} == {again[0].starts}
        assert await alertmanager.resolved() == set()


class TestChangesOfDeclarations:
    @pytest.mark.parametrize("change", ["paused", "removed", "relabelled"])
    async def test_the_alert_of_a_removed_monitor_is_resolved_under_its_labels(
        self, change: str, home: Home, clock: StandingClock
    ) -> None:
        changed = {
            "paused": (monitor_yaml(enabled=False, labels={"team": "a"}),),
            "removed": (),
            "relabelled": (monitor_yaml(labels={"team": "b"}),),
        }
        rest = (monitor_yaml("other"), secret_yaml())
        home.declare(monitor_yaml(labels={"team": "a"}), *rest)
        async with fake_alertmanager() as alertmanager:
            configure(home, alertmanager.url, resolve_delay="0s")
            async with exporter_here(home, clock) as client:
                await report_down(client)
                await eventually(alertmanager.firing)
                clock.advance(10)
                home.declare(*changed[change], *rest)

                async def resolved() -> list[Received]:
                    return [one for one in alertmanager.accepted if one.ends.timestamp() == clock()]

                [old] = await eventually(resolved)
                teams = [one.labels["team"] for one in alertmanager.accepted[1:]]

        assert old.labels["team"] == "a"
        assert sorted(teams) == (["a", "b"] if change == "relabelled" else ["a"])

    async def test_a_reloaded_configuration_changes_which_alertmanagers_receive_alerts(
        self, home: Home, clock: StandingClock
    ) -> None:
        home.declare(monitor_yaml(), monitor_yaml("other"), secret_yaml())
        async with fake_alertmanager() as first, fake_alertmanager() as second:
            configure(home, first.url)
            async with exporter_here(home, clock) as client:
                await report_down(client)
                await eventually(first.firing)
                initially = await client.samples()
                configure(home, first.url, second.url)
                await reload(client)
                await eventually(second.firing)
                configure(home, second.url)
                await reload(client)
                await report_down(client, "other")
                await eventually(second.firing, lambda names: names == {"backup", "other"})

            assert await first.firing() == {"backup"}
            assert notifications("sent_total", first.url) in initially
            assert notifications("sent_total", second.url) not in initially

    async def test_an_invalid_configuration_changes_no_alertmanager(
        self, home: Home, clock: StandingClock
    ) -> None:
        async with fake_alertmanager() as alertmanager:
            path = configure(home, alertmanager.url)
            async with exporter_here(home, clock) as client:
                path.write_text("alerting: {alertmanagers: [{url: nonsense}]}")
                refused = await client.request("POST", "/-/reload")
                await report_down(client)
                await eventually(alertmanager.firing)

        assert refused.status == 500

    async def test_a_flag_and_a_file_may_name_the_same_alertmanager(
        self, home: Home, clock: StandingClock
    ) -> None:
        async with fake_alertmanager() as one, fake_alertmanager() as other:
            configure(home, one.url)
            home.flags += [
                f"--alertmanager.url={url}/api/v2/alerts" for url in (one.url, other.url)
            ]
            async with exporter_here(home, clock) as client:
                await report_down(client)
                await eventually(one.firing)
                await eventually(other.firing)
                samples = await client.samples()

            assert len(one.requests) == len(other.requests) == 1
            told = [key for key in samples if key.startswith("yuptime_notifications_sent_total")]
            assert told == [notifications("sent_total", url) for url in (one.url, other.url)]


@pytest.mark.peer  # takes whole seconds
class TestAlertmanagersOfMonitors:
    async def test_a_monitor_alerts_its_own_alertmanager_beside_the_configured_one(
        self, home: Home, clock: StandingClock
    ) -> None:
        async with fake_alertmanager() as configured, fake_alertmanager() as own:
            home.declare(
                own_url(monitor_yaml(), f"{own.url}/tenant/api/v1/alerts"),
                monitor_yaml("other"),
                secret_yaml(),
            )
            configure(home, configured.url)
            async with exporter_here(home, clock) as client:
                await report_down(client, "backup", "other")
                await eventually(configured.firing, lambda names: names == {"backup", "other"})
                await eventually(own.firing)

            assert await own.firing() == {"backup"}
            assert {request.path for request in own.requests} == {"/tenant/api/v2/alerts"}

    async def test_an_alertmanager_that_is_not_allowed_is_logged_and_receives_no_alerts(
        self, home: Home
    ) -> None:
        async with fake_alertmanager() as configured, fake_alertmanager() as own:
            home.declare(own_url(monitor_yaml(), own.url), secret_yaml())
            configure(home, configured.url, allowed_urls=["http://alertmanager:9093"])
            async with exporter_process(home) as exporter:
                await report_down(exporter)
                await eventually(configured.firing)
                configure(home, configured.url, allowed_urls=[f"{own.url}/api/v2/alerts"])
                untold = list(own.requests)
                await reload(exporter)
                await eventually(own.firing)

        warned = [line for line in exporter.log if "allowed_urls" in line]
        assert len(warned) == 1
        assert "monitor=jobs/backup" in warned[0]
        assert untold == []

    @pytest.mark.parametrize(
        "url", ["http://a..b", "http://xn--zz", r"http://am\evil", f"http://{'a' * 64}:9093"]
    )
    async def test_a_host_name_that_cannot_resolve_harms_no_other_alertmanager(
        self, url: str, home: Home, clock: StandingClock
    ) -> None:
        home.declare(own_url(monitor_yaml("strange"), url), file_name="strange.yaml")
        home.declare()
        async with fake_alertmanager() as alertmanager:
            configure(home, alertmanager.url)
            async with exporter_here(home, clock) as client:
                await client.push("strange", body=DOWN)
                await report_down(client)
                await eventually(alertmanager.firing, lambda names: "backup" in names)
                clock.advance(60)
                await report_down(client)
                await eventually(alertmanager.alerts_of("backup"), lambda told: len(told) > 1)

    async def test_hanging_alertmanagers_of_many_monitors_do_not_delay_the_configured_one(
        self, home: Home, clock: StandingClock
    ) -> None:
        names = [f"job-{number}" for number in range(150)]  # more than a pool of connections holds
        async with fake_alertmanager() as configured, fake_alertmanager() as hanging:
            hanging.hanging = True
            home.declare(
                secret_yaml(),
                *(own_url(monitor_yaml(name), f"{hanging.url}/{name}") for name in names),
            )
            configure(home)
            async with exporter_here(home, clock) as client:
                await report_down(client, *names)
                await eventually(hanging.received, lambda count: count >= 100)
                configure(home, configured.url)
                await reload(client)

                await eventually(
                    configured.firing,
                    lambda firing: firing == {*names},
                    within_seconds=DEFAULT_TIMEOUT_SECONDS / 2,
                )


@pytest.mark.peer  # takes whole seconds
class TestAnAlertmanagerInTrouble:
    @pytest.mark.parametrize("trouble", ["hanging", "refusing", "redirecting", "poisoned", "slow"])
    async def test_pushes_and_scrapes_never_wait_for_alertmanager_and_alerts_arrive_later(
        self, trouble: str, home: Home, clock: StandingClock
    ) -> None:
        names = [f"job-{number}" for number in range(50)]
        home.declare(secret_yaml(), *(monitor_yaml(name) for name in names))
        async with fake_alertmanager() as elsewhere, fake_alertmanager() as alertmanager:
            configure(home, alertmanager.url)
            _trouble(alertmanager, trouble, elsewhere)
            async with exporter_here(home, clock) as client:
                durations = []
                for name in names:
                    before = time.monotonic()
                    await report_down(client, name)
                    await client.samples()
                    durations.append(time.monotonic() - before)
                await eventually(alertmanager.received)
                during = await client.samples()
                alertmanager.recover()
                clock.advance(60)
                await reload(client)
                await eventually(alertmanager.firing, lambda firing: firing == {*names})
                after = await client.samples()

        errors = notifications("errors_total", alertmanager.url)
        assert max(durations) < TIMEOUT_SECONDS / 2  # none has waited for the attempt to send
        assert during[notifications("queue_length", alertmanager.url)] <= len(names) * len(names)
        assert after[errors] > 0
        assert after[notifications("dropped_total", alertmanager.url)] == after[errors]
        assert elsewhere.requests == []

    async def test_an_alertmanager_that_was_away_receives_alerts_when_it_is_back(
        self, home: Home
    ) -> None:
        host, port = free_address().split(":")
        url = f"http://{host}:{port}"
        configure(home, url, resend_delay="1s")
        async with exporter_process(home) as exporter:
            await report_down(exporter)
            errors = notifications("errors_total", url)
            await eventually(exporter.samples, lambda samples: samples[errors] >= 2)
            async with fake_alertmanager(host=host, port=int(port)) as back:
                await eventually(back.firing)
                samples = await eventually(
                    exporter.samples,
                    lambda samples: samples[notifications("sent_total", url)],
                )
            reported = [line for line in exporter.log if "do not reach" in line]

        assert samples[series("up")] == 0
        assert len(reported) == 1

    async def test_one_dead_alertmanager_of_three_delays_no_other(
        self, home: Home, clock: StandingClock
    ) -> None:
        async with (
            fake_alertmanager() as first,
            fake_alertmanager() as hanging,
            fake_alertmanager() as third,
        ):
            hanging.hanging = True
            configure(home, first.url, hanging.url, third.url)
            async with exporter_here(home, clock) as client:
                await report_down(client)
                await eventually(first.firing)
                await eventually(third.firing)
                samples = await client.samples()

            # The attempt at the dead one has not even ended.
            assert samples[notifications("sent_total", hanging.url)] == 0
            assert samples[notifications("errors_total", hanging.url)] == 0

    async def test_a_stop_waits_only_briefly_for_a_hanging_alertmanager(self, home: Home) -> None:
        async with fake_alertmanager() as alertmanager:
            alertmanager.hanging = True
            configure(home, alertmanager.url)
            async with exporter_process(home) as exporter:
                await report_down(exporter)
                await eventually(alertmanager.received)
                before = time.monotonic()
                code = await exporter.stop()

                assert code == 0
                assert time.monotonic() - before < 10  # the promise of the contract


def _trouble(alertmanager: FakeAlertmanager, trouble: str, elsewhere: FakeAlertmanager) -> None:
    match trouble:
        case "hanging":
            alertmanager.hanging = True
        case "refusing":
            alertmanager.status = 500
        case "redirecting":
            alertmanager.redirect(f"{elsewhere.url}/api/v2/alerts")
        case "poisoned":
            alertmanager.refuse(422, monitor="job-0")
        case _:
            alertmanager.delay_seconds, alertmanager.status = 0.5, 503


@pytest.mark.peer  # starts a process
async def test_a_thousand_jobs_that_fail_at_once_are_sent_in_few_requests(home: Home) -> None:
    names = [f"job-{number}" for number in range(1000)]
    home.declare(secret_yaml(), *(monitor_yaml(name) for name in names))
    async with fake_alertmanager() as alertmanager:
        configure(home, alertmanager.url)
        async with exporter_process(home) as exporter, asyncio.TaskGroup() as tasks:
            slots = asyncio.Semaphore(50)

            async def report(name: str) -> None:
                async with slots:
                    await report_down(exporter, name)

            before = time.monotonic()
            for name in names:
                tasks.create_task(report(name))
            await eventually(alertmanager.firing, lambda firing: len(firing) == 1000)
            took_seconds = time.monotonic() - before

    assert sum(len(request.batch) for request in alertmanager.requests) == 1000
    assert len(alertmanager.requests) <= took_seconds / 0.05 + 4

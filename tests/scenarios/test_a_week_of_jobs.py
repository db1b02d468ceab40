"""A week of a crontab in fast motion: each run is judged as `JUDGED` says, by all that show a state.

The exporter runs with all its parts, and its clock is that of the week. A job pushes over HTTP. The
exporter is scraped every two minutes, and promtool evaluates the shipped rules over all scrapes. A real
Alertmanager knows no other time than the present. So a relay stands before it, which moves the times of
each alert from the week to the present.
"""

import asyncio
import json
import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import yaml
from aiohttp import web

from tests.dashboards.day import TICK, Replica, replica
from tests.exporters import Client, Home, StandingClock, series
from tests.manifests import secret_yaml
from tests.once import folder_of_run, once
from tests.peers.programs import Generation, require
from tests.peers.running import Alertmanager, alertmanager
from tests.rules.files import groups
from tests.scenarios import week_of_jobs as week
from tests.waiting import eventually

pytestmark = [pytest.mark.peer, pytest.mark.timeout(300)]

SCRAPE_SECONDS = 120
FIRST_SCRAPE = week.BEGIN + 30  # half a minute beside the times of a crontab
SCRAPES = range(FIRST_SCRAPE, week.END, SCRAPE_SECONDS)

SCRAPED = re.compile(
    r"^(yuptime_ready|yuptime_monitor_(?:alert_labels|info|up|down|max_runtime_seconds"
    r"|(?:last_push|deadline|due|last_event|run_start)_timestamp_seconds))(\{.*\})? (\S+)$",
    re.MULTILINE,
)

# Each state as the number of the recording rule.
NUMBERS = {"paused": 0, "up": 1, "pending": 2, "late": 3}
DOWN_NUMBERS = {"overdue": 4, "reported_down": 5, "never_pushed": 6, "overran": 7}

SUMMARIES = {
    "overdue": "has not reported for more than",
    "reported_down": "reported down",
    "never_pushed": "has never reported",
    "overran": "has been running for more than",
}


class Expected:
    """The judgements of the table at any moment."""

    def __init__(self) -> None:
        self.rows: dict[str, list[week.Judgement]] = defaultdict(list)
        for row in week.judgements():
            self.rows[row.job].append(row)

    def of(self, job: str, moment: float) -> week.Judgement:
        rows = self.rows[job]
        return rows[bisect_right([row.since_timestamp for row in rows], moment) - 1]

    def down(self, moment: float) -> dict[str, week.Judgement]:
        now = {job: self.of(job, moment) for job in self.rows}
        return {job: row for job, row in now.items() if row.state == "down"}

    def moments(self) -> dict[int, list[str]]:
        """The moments at which a state begins, and the seconds before, with the jobs concerned."""
        found: dict[int, list[str]] = defaultdict(list)
        for row in week.judgements():
            if row.since_timestamp > week.BEGIN:
                found[row.since_timestamp - 1].append(row.job)
                found[row.since_timestamp].append(row.job)
        return found


def manifests(*, paused: bool) -> list[str]:
    """The monitors of the crontab, and the Secret with their token."""
    documents = [secret_yaml()]
    for name, job in week.JOBS.items():
        push = {
            "tokenSecretRef": {"name": "push-token", "key": "token"},
            "gracePeriodSeconds": job.grace_seconds,
        }
        if job.expire_seconds:
            push["expireSeconds"] = job.expire_seconds
        if job.max_runtime_seconds:
            push["maxRuntimeSeconds"] = job.max_runtime_seconds
        schedule = {"cron": job.cron, "timeZone": job.time_zone} if job.cron else {}
        spec = {"type": "push", "schedule": schedule, "target": {"push": push}}
        monitor = {
            "apiVersion": "monitoring.yuptime.io/v1",
            "kind": "Monitor",
            "metadata": {"name": name, "namespace": "jobs"},
            "spec": spec | {"enabled": not (paused and name == week.PAUSED_JOB)},
        }
        documents.append(yaml.safe_dump(monitor))
    return documents


@dataclass
class Relay:
    """Passes alerts to an Alertmanager, with their times moved from the week to the present.

    Attributes:
        starts: the moments at which the alerts of each job began, in the time of the week.
    """

    clock: StandingClock
    peer: Alertmanager
    starts: dict[str, set[float]] = field(default_factory=lambda: defaultdict(set))

    async def receive(self, request: web.Request) -> web.Response:
        alerts = await request.json()
        ahead = datetime.now(UTC) - datetime.fromtimestamp(self.clock(), UTC)
        for alert in alerts:
            start = datetime.fromisoformat(alert["startsAt"])
            self.starts[alert["labels"]["monitor"]].add(start.timestamp())
            for name in ("startsAt", "endsAt"):
                moved = datetime.fromisoformat(alert[name]) + ahead
                alert[name] = moved.astimezone(UTC).isoformat()
        await self.peer.accept(alerts)
        return web.Response()


@asynccontextmanager
async def relayed(clock: StandingClock, folder: Path) -> AsyncIterator[tuple[Relay, str]]:
    """Run an Alertmanager behind a relay; give the relay and its URL."""
    async with alertmanager(Generation.NEWEST, folder) as peer:
        relay = Relay(clock, peer)
        application = web.Application()
        application.router.add_post("/api/v2/alerts", relay.receive)
        runner = web.AppRunner(application)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            yield relay, f"http://127.0.0.1:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()


@dataclass(frozen=True, slots=True)
class Played:
    """What was seen of the week.

    Attributes:
        differences: of pages, JSON and Alertmanager from the table.
        pages: the page of metrics of each scrape.
        starts: as in `Relay`.
        counted: all samples at the end.
    """

    differences: list[str]
    pages: dict[int, str]
    starts: dict[str, set[float]]
    counted: dict[str, float]


class Player:
    """Plays the week, and compares what it sees with the table."""

    def __init__(self, home: Home, clock: StandingClock, relay: Relay, url: str) -> None:
        configuration = home.folder / "yuptime-exporter.yml"
        alerting = {"alertmanagers": [{"url": url}], "resolve_delay": "0s"}
        configuration.write_text(yaml.safe_dump({"alerting": alerting}))
        home.flags = [f"--config.file={configuration}", "--web.enable-lifecycle"]
        self.home = home
        self.clock = clock
        self.relay = relay
        self.expected = Expected()
        self.pages: dict[int, str] = {}
        self.differences: list[str] = []
        self._exporter: Replica | None = None
        self._life = AsyncExitStack()
        self._waiting: list[tuple[str, dict[str, object]]] = []
        self._alerting: set[str] = set()

    async def play(self) -> Played:
        pushes, looks = week.script().pushes, self.expected.moments()
        changes = {week.STOPPED, week.STARTED, week.PAUSED, week.RESUMED}
        ticks = range(week.BEGIN, week.END, TICK)
        for moment in sorted({*ticks, *SCRAPES, *pushes, *looks, *changes}):
            self.clock.now_timestamp = moment
            await self._change(moment)
            for job, fields in pushes.get(moment, []):
                await self._push(job, fields)
            if self._exporter is None:
                continue
            if moment in ticks:
                await self._exporter.exporter._receiving_log.tick()
            if moment in SCRAPES:
                answer = await self._client.request("GET", "/metrics")
                self.pages[moment] = answer.body.decode()
            if moment in looks:
                await self._look(moment, looks[moment])
        counted = await self._client.samples()
        await self._life.aclose()
        return Played(self.differences, self.pages, dict(self.relay.starts), counted)

    @property
    def _client(self) -> Client:
        assert self._exporter is not None
        return self._exporter.client

    async def _change(self, moment: int) -> None:
        if moment in (week.BEGIN, week.STARTED):
            if moment == week.BEGIN:
                self.home.declare(*manifests(paused=False))
            running = replica(self.home, self.clock, "exporter")
            self._exporter = await self._life.enter_async_context(running)
            waiting, self._waiting = self._waiting, []
            for job, fields in waiting:
                await self._push(job, fields)
        elif moment == week.STOPPED:
            self._exporter = None
            await self._life.aclose()
        elif moment in (week.PAUSED, week.RESUMED):
            self.home.declare(*manifests(paused=moment == week.PAUSED))
            await self._reload()

    async def _push(self, job: str, fields: dict[str, object]) -> None:
        if self._exporter is None:
            self._waiting.append((job, fields))  # curl --retry
            return
        answer = await self._client.push(job, body=json.dumps(fields).encode())
        assert answer.status == 200, (job, fields, answer)

    async def _reload(self) -> None:
        assert (await self._client.request("POST", "/-/reload")).status == 200

    async def _look(self, moment: int, jobs: list[str]) -> None:
        listed = (await self._client.request("GET", "/api/v1/monitors")).json()["monitors"]
        assert isinstance(listed, list)
        assert {one["name"] for one in listed} == set(week.JOBS)
        for one in listed:
            row = self.expected.of(one["name"], moment)
            found = (one["state"], one["reason"])
            self._compare(moment, row.job, "JSON", found, (row.state, row.reason))
            if row.state != "up":  # a success that follows another begins no state
                since = datetime.fromisoformat(one["since"]).timestamp()
                self._compare(moment, row.job, "since", since, row.since_timestamp)
            if row.reason == "overran":
                self._compare(moment, row.job, "running", bool(one["runningSince"]), True)
        for job in jobs:
            page = (await self._client.request("GET", f"/monitors/jobs/{job}")).body.decode()
            title = re.search(r"<title>(\w+): ", page)
            state = self.expected.of(job, moment).state
            self._compare(moment, job, "page", title and title[1], state)
        if self.expected.down(moment).keys() != self._alerting:
            await self._ask_alertmanager(moment)

    async def _ask_alertmanager(self, moment: int) -> None:
        self._alerting = set(self.expected.down(moment))
        await self._reload()  # so that the exporter looks at its clock, which stood still

        async def firing() -> dict[str, str]:
            alerts = await self.relay.peer.alerts()
            return {one.labels["monitor"]: one.annotations["summary"] for one in alerts}

        try:
            summaries = await eventually(firing, lambda found: found.keys() == self._alerting)
        except AssertionError as error:
            expected = f"Alertmanager: expected {sorted(self._alerting)}, {error}"
            raise AssertionError("\n".join([*self.differences, expected])) from None
        for job, row in self.expected.down(moment).items():
            said = SUMMARIES[row.reason] in summaries[job]
            self._compare(moment, job, f"Alertmanager: {summaries[job]}", said, True)

    def _compare(self, moment: int, job: str, name: str, found: object, expected: object) -> None:
        if found != expected:
            when = datetime.fromtimestamp(moment, UTC).strftime("%a %H:%M:%S")
            self.differences.append(f"{when} {job}: {name}: expected {expected}, got {found}")


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Played:
    """What was seen of the week, which is played once."""
    shared = folder_of_run(tmp_path_factory.getbasetemp(), worker_id) / "week"
    return once(shared, lambda: asyncio.run(_played(tmp_path_factory.mktemp("exporter"))))


async def _played(folder: Path) -> Played:
    clock = StandingClock(week.BEGIN)
    memory = Path("/dev/shm")  # noqa: S108  a disk would take a minute to store 40,000 notes
    with TemporaryDirectory(dir=memory if memory.is_dir() else None) as database_folder:
        home = Home(folder, database_folder=Path(database_folder))
        async with relayed(clock, folder / "alertmanager") as (relay, url):
            return await Player(home, clock, relay, url).play()


@pytest.fixture(scope="module")
def expected() -> Expected:
    return Expected()


async def test_pages_json_and_alertmanager_judge_each_run_of_the_week_as_the_table_does(
    played: Played,
) -> None:
    assert played.differences == []


async def test_the_gauge_of_monitors_that_are_down_is_right_at_each_scrape_of_the_week(
    played: Played, expected: Expected
) -> None:
    found = {}
    for moment, page in played.pages.items():
        down = re.findall(r'^yuptime_monitor_down\{monitor="(.+?)".*\} 1\.0$', page, re.MULTILINE)
        if set(down) != expected.down(moment).keys():
            found[moment] = down
    assert len(played.pages) > 5_000
    assert found == {}


async def test_each_alert_of_the_week_begins_when_its_state_begins(played: Played) -> None:
    expected = defaultdict(set)
    for row in week.judgements():
        if row.state == "down":
            expected[row.job].add(row.since_timestamp)
    assert played.starts == expected


async def test_pushes_and_runs_of_the_week_are_counted(played: Played) -> None:
    expected = {series(metric, job): value for job, metric, value in week.counted()}
    assert {name: played.counted[name] for name in expected} == expected


async def test_the_shipped_rules_judge_each_run_of_the_week_as_the_table_does(
    played: Played, expected: Expected, tmp_path: Path
) -> None:
    moments = list(SCRAPES)
    tests = {
        "interval": f"{SCRAPE_SECONDS}s",
        "input_series": [
            {"series": name, "values": " ".join(_runs_of(values))}
            for name, values in _scraped(played.pages).items()
        ],
        "promql_expr_test": [*_states(expected, played, moments), *_alerts(expected, moments)],
    }
    of_monitors = [group for group in groups() if group["name"] == "yuptime-monitors"]
    rules = tmp_path / "rules.yml"
    rules.write_text(json.dumps({"groups": of_monitors}))
    content = {
        "rule_files": [str(rules)],
        "evaluation_interval": f"{SCRAPE_SECONDS}s",
        "tests": [tests],
    }
    file = tmp_path / "week_test.yml"
    file.write_text(json.dumps(content))
    process = await asyncio.create_subprocess_exec(
        require("promtool", Generation.NEWEST),
        *("test", "rules", str(file)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()[:5000]


def _scraped(pages: dict[int, str]) -> dict[str, list[str]]:
    """The values of each series at each scrape, empty where there is none."""
    found: dict[str, list[str]] = {}
    for number, moment in enumerate(SCRAPES):
        for name, labels, value in SCRAPED.findall(pages.get(moment, "")):
            values = found.setdefault(f"{name}{_of_target(labels)}", [""] * len(SCRAPES))
            values[number] = _since_first_scrape(value) if "timestamp" in name else value
    return found


def _of_target(labels: str) -> str:
    pairs = [labels.strip("{}")] if labels else []
    return "{" + ",".join([*pairs, 'instance="a:10091"', 'job="yuptime"']) + "}"


def _since_first_scrape(value: str) -> str:
    """The moment on promtool's clock, which begins with 0; 0 means that there is no moment."""
    moment = float(value)
    return repr(moment - FIRST_SCRAPE) if moment else value


def _runs_of(values: list[str]) -> Iterator[str]:
    """The values as promtool reads them; Prometheus marks the first missing value as stale."""
    before, count = values[0], 0
    for value in [*values[1:], None]:
        if value == before:
            count += 1
            continue
        if before:
            yield f"{before}+0x{count}"
        else:
            yield " ".join(["stale", *["_"] * count])
        before, count = value or "", 0


def _labels(name: str, **labels: str) -> str:
    pairs = ",".join(f'{key}="{value}"' for key, value in sorted(labels.items()))
    return f"{name}{{{pairs}}}"


def _states(expected: Expected, played: Played, moments: list[int]) -> Iterator[dict[str, object]]:
    name = "namespace_monitor:yuptime_monitor_state"
    for moment in moments:
        rows = [expected.of(job, moment) for job in week.JOBS] if moment in played.pages else []
        samples = [
            {
                "labels": _labels(name, monitor=row.job, namespace="jobs"),
                "value": NUMBERS.get(row.state, DOWN_NUMBERS.get(row.reason)),
            }
            for row in rows
        ]
        yield _query(name, moment, samples)


def _alerts(expected: Expected, moments: list[int]) -> Iterator[dict[str, object]]:
    """While the exporter is stopped, the alerts of before are held."""
    for moment in moments:
        known = week.STOPPED - 1 if week.STOPPED <= moment < week.STARTED else moment
        samples = [
            {
                "labels": _labels(
                    "ALERTS",
                    alertname="YuptimeMonitorDown",
                    alertstate="firing",
                    monitor=job,
                    namespace="jobs",
                ),
                "value": 1,
            }
            for job in sorted(expected.down(known))
        ]
        yield _query('ALERTS{alertname="YuptimeMonitorDown"}', moment, samples)


def _query(
    expression: str, moment: int, samples: Sequence[Mapping[str, object]]
) -> dict[str, object]:
    return {
        "expr": expression,
        "eval_time": f"{moment - FIRST_SCRAPE}s",
        "exp_samples": samples,
    }

"""Schedules as people write them, and the moments at which other monitors judged them wrongly."""

import asyncio
import io
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from tests.core.wall_clock import Wall
from tests.exporters import Home, exporter_process
from tests.manifests import TOKEN
from yuptime_exporter.check import check
from yuptime_exporter.core.model import API_VERSION, Monitor
from yuptime_exporter.core.schedules import Cron
from yuptime_exporter.resource.objects import Declared, read_object
from yuptime_exporter.time_zones import time_zone

MANIFEST = """\
apiVersion: monitoring.yuptime.io/v1
kind: Monitor
metadata:
  name: {name}
  namespace: field
spec:
  type: push
  schedule:
    {schedule}
  target:
    push:
      tokenSecretRef:
        name: t
        key: token
"""
SECRET = f"""\
---
apiVersion: v1
kind: Secret
metadata:
  name: t
  namespace: field
stringData:
  token: "{TOKEN}"
"""


@dataclass(frozen=True)
class Written:
    """Lines of `spec.schedule` with the outcome of `yuptime check`.

    Attributes:
        source: the report, as owner/repository#number; empty: found here.
        says: a part of the only line of output; empty: there is no line.
    """

    sentence: str
    source: str
    schedule: str
    says: str = ""
    exit: int = 1


ERRORS = (
    Written(
        "seconds in front make six fields, and the five without them are suggested",
        "robfig/cron#449",
        'cron: "0 30 * * * *"',
        'expected 5 fields (minute, hour, day of month, month, day of week), got 6; did you mean "30 * * * *", without seconds?',
    ),
    Written(
        "a question mark in the sixth field is no year",
        "robfig/cron#374",
        'cron: "* * * * * ?"',
        'got 6; did you mean "* * * * ?", without seconds?',
    ),
    Written(
        "a six-field expression is refused instead of read as another schedule",
        "getsentry/sentry#46025",
        'cron: "0 15 */1 * * *"',
        'got 6; did you mean "15 */1 * * *", without seconds?',
    ),
    Written(
        "a slash without a star is no step",
        "robfig/cron#438",
        'cron: "/5 * * * *"',
        'expected a minute from 0 to 59, *, a range such as 1-5, a list such as 1,5, or a step such as */5, got "/5" at character 1',
    ),
    Written(
        "a zone behind the fields belongs into timeZone",
        "getsentry/sentry-ruby#2187",
        'cron: "0 21 * * * Europe/Berlin"',
        'got 6; did you mean "0 21 * * *" with the timeZone Europe/Berlin?',
    ),
    Written(
        "a zone before the fields belongs into timeZone",
        "nixys/nxs-universal-chart#76",
        'cron: "CRON_TZ=Etc/UTC */20 * * * *"',
        'got "CRON_TZ=Etc/UTC" at character 1; name the zone in spec.schedule.timeZone',
    ),
    Written(
        "TZ= before the fields belongs into timeZone",
        "inngest/inngest#2631",
        'cron: "TZ=America/Denver 0 2 * * *"',
        'got "TZ=America/Denver" at character 1; name the zone in spec.schedule.timeZone',
    ),
    Written(
        "a start of the machine is no schedule",
        "getsentry/sentry-elixir#929",
        'cron: "@reboot"',
        'got "@reboot"; a start of the machine has no scheduled time',
    ),
    Written(
        "an interval of Go is expireSeconds",
        "sageox/agent-toolkit#77",
        'cron: "@every 1h30m"',
        "leave cron out and set spec.target.push.expireSeconds: 5400",
    ),
    Written(
        "an underscore makes no range of weekdays",
        "jmettraux/rufus-scheduler#38",
        'cron: "0 17 * * MON_FRI"',
        'expected a day of the week from 0 to 7 or SUN to SAT, *, a range such as 1-5, a list such as 1,5, or a step such as */5, got "MON_FRI" at character 10',
    ),
    Written(
        "weekdays over the end of the week are refused with the list that means them",
        "cuu508/cronsim#3",
        'cron: "0 8 * * FRI-MON"',
        'such as "5-6,0-1", got "FRI-MON" at character 9',
    ),
    Written(
        "Monday to Sunday by name is suggested with 7 as Sunday",
        "taichino/croniter#119",
        'cron: "0 8 * * Mon-Sun"',
        'such as "1-7", got "Mon-Sun" at character 9',
    ),
    Written(
        "an eighth weekday is refused",
        "pbyrne/cron-checker#14",
        'cron: "0 8 * * 8"',
        'got "8" at character 9',
    ),
    Written(
        "a 35th day is refused",
        "pbyrne/cron-checker#14",
        'cron: "0 8 35 * *"',
        'expected a day of the month from 1 to 31, *, a range such as 1-5, a list such as 1,5, or a step such as */5, got "35" at character 5',
    ),
    Written(
        "a step of zero is refused instead of followed forever",
        "P4sca1/cron-schedule#134",
        'cron: "*/0 * * * *"',
        'expected a step of at least 1, got "*/0" at character 1',
    ),
    Written(
        "a day zero is refused",
        "mtdowling/cron-expression#120",
        'cron: "0 0 0 * *"',
        'got "0" at character 5',
    ),
    Written(
        "the 30th of February is refused instead of awaited forever",
        "jmrozanec/cron-utils#329",
        'cron: "0 0 30 2 *"',
        'expected a day that comes within 50 years, got day of month "30" in month "2" on day of week "*"',
    ),
    Written(
        "a star that YAML reads as an alias has a clear error",
        "sensu/sensu-docs#2255",
        "cron: * * * * *",
        "line 9: not YAML: did not find expected alphabetic or numeric character; a value that begins with *, @, % or ` must be in quotes",
    ),
    Written(
        "a nickname without quotes is an error of YAML",
        "spotify/styx#144",
        "cron: @hourly",
        "line 9: not YAML: found character that cannot start any token; a value that begins with *, @, % or ` must be in quotes",
    ),
    Written(
        "a number is no expression",
        "",
        "cron: 5",
        "got 5 (a whole number); put the value in quotes",
    ),
    Written(
        "an unknown zone is refused instead of read as UTC",
        "kelektiv/node-cron#187",
        'cron: "0 9 * * *"\n    timeZone: Americas/Vancouver',
        'spec.schedule.timeZone: expected the name of a time zone such as Europe/Berlin or UTC, got "Americas/Vancouver"; did you mean America/Vancouver?',
    ),
    Written(
        "a zone in lower case is suggested as the database spells it",
        "cfurst/CronJobManager#4",
        'cron: "0 9 * * *"\n    timeZone: asia/kolkata',
        "did you mean Asia/Kolkata?",
    ),
    Written(
        "an offset is suggested as a zone with the sign of POSIX",
        "objectstack-ai/objectstack#19183",
        'cron: "0 9 * * *"\n    timeZone: UTC+8',
        "did you mean Etc/GMT-8?",
    ),
    Written(
        "the zone Local of Go is refused",
        "",
        'cron: "0 9 * * *"\n    timeZone: Local',
        'got "Local"',
    ),
    Written(
        "an empty zone is refused",
        "ray-project/kuberay#4762",
        'cron: "0 9 * * *"\n    timeZone: ""',
        'got ""',
    ),
)

WARNINGS = (
    Written(
        "a misspelt timezone is reported with the field that was meant",
        "getsentry/sentry#67299",
        'cron: "0 9 * * *"\n    timezone: Europe/Berlin',
        "spec.schedule.timezone: unknown field, ignored; did you mean timeZone?",
        exit=0,
    ),
    Written(
        "a zone without an expression is reported as not used",
        "",
        "timeZone: Europe/Berlin",
        "spec.schedule.timeZone: not used without spec.schedule.cron",
        exit=0,
    ),
)

FINE = (
    Written("7 is Sunday", "taichino/croniter#24", 'cron: "* * * * 7"', exit=0),
    Written("0 and 7 are one day", "pallets-eco/croniter#145", 'cron: "0 2 * * 0,1,3,7"', exit=0),
    Written("a range may end at 7", "use-agent-os/agent-os#478", 'cron: "0 0 * * WED-7"', exit=0),
    Written(
        "the second Sunday", "woocommerce/action-scheduler#782", 'cron: "0 12 * * SUN#2"', exit=0
    ),
    Written("a step above the last weekday", "datasert/cronjs#39", 'cron: "30 1 * * */7"', exit=0),
    Written("commas", "healthchecks/healthchecks#473", 'cron: "45 9,19 * * *"', exit=0),
    Written("hours of the day", "healthchecks/healthchecks#385", 'cron: "*/5 9-23 * * *"', exit=0),
    Written("leading zeros", "node-cron/node-cron#64", 'cron: "01 20 * * *"', exit=0),
    Written("names in lower case", "", 'cron: "0 6 * jan,jul mon-fri"', exit=0),
    Written("a question mark as CronJobs allow it", "", 'cron: "0 6 ? * MON"', exit=0),
    Written(
        "the old name of Kyiv",
        "srawlins/timezone#190",
        'cron: "0 6 * * *"\n    timeZone: Europe/Kiev',
        exit=0,
    ),
    Written(
        "the new name of Kyiv",
        "sdispater/pytzdata#18",
        'cron: "0 6 * * *"\n    timeZone: Europe/Kyiv',
        exit=0,
    ),
)


def checked(tmp_path: Path, schedule: str) -> tuple[int, list[str]]:
    path = tmp_path / "job.yaml"
    path.write_text(MANIFEST.format(name="job", schedule=schedule) + SECRET)
    path.chmod(0o600)
    out = io.StringIO()
    code = check([path], out)
    *lines, _ = out.getvalue().replace(f"{tmp_path}/", "").splitlines()
    return code, lines


@pytest.mark.parametrize("case", [*ERRORS, *WARNINGS], ids=lambda case: case.sentence)
def test_check_says_what_is_wrong_with_a_schedule(case: Written, tmp_path: Path) -> None:
    code, lines = checked(tmp_path, case.schedule)

    assert code == case.exit
    assert any(case.says in line for line in lines), lines
    assert not any("Traceback" in line for line in lines)


@pytest.mark.parametrize("case", FINE, ids=lambda case: case.sentence)
def test_check_accepts_a_schedule(case: Written, tmp_path: Path) -> None:
    assert checked(tmp_path, case.schedule) == (0, [])


@dataclass(frozen=True)
class Judged:
    """A push, and when the next one is due. Moments are RFC 3339 with an offset."""

    sentence: str
    source: str
    cron: str
    time_zone: str
    pushed: str
    due: str


MOMENTS = (
    Judged(
        "a job whose clock is a minute ahead has run at its time",
        "healthchecks/healthchecks#888",
        "0 1 * * *",
        "UTC",
        "2023-09-05T00:59:20+00:00",
        "2023-09-06T01:00:00+00:00",
    ),
    Judged(
        "a job of another time zone pushes hours too early, and that does not count",
        "healthchecks/healthchecks#1160",
        "0 10 1 * *",
        "UTC",
        "2025-05-01T06:04:00+00:00",
        "2025-05-01T10:00:00+00:00",
    ),
    Judged(
        "a push at eight in its own zone is followed by one on the next day",
        "healthchecks/healthchecks#418",
        "0 8 * * *",
        "America/New_York",
        "2020-08-28T08:00:05-04:00",
        "2020-08-29T08:00:00-04:00",
    ),
    Judged(
        "two o'clock on the days around a change is a time like every other",
        "healthchecks/healthchecks#196",
        "0 2 * * *",
        "Europe/Copenhagen",
        "2018-10-27T02:00:10+02:00",
        "2018-10-28T02:00:00+02:00",
    ),
    Judged(
        "a quarter of an hour before the repeated hour the next push is due at its begin",
        "healthchecks/healthchecks#912",
        "*/15 * * * *",
        "America/New_York",
        "2023-11-05T01:45:01-04:00",
        "2023-11-05T01:00:00-05:00",
    ),
    Judged(
        "after the last push of the day the next is due in the morning",
        "healthchecks/healthchecks#330",
        "*/5 6-23 * * *",
        "Europe/Amsterdam",
        "2020-02-13T23:55:02+01:00",
        "2020-02-14T06:00:00+01:00",
    ),
    Judged(
        "twelve hours after a change of the clock a job is due by the new time",
        "healthchecks/healthchecks#815",
        "0 11,23 * * *",
        "Europe/London",
        "2023-03-26T11:01:00+01:00",
        "2023-03-26T23:00:00+01:00",
    ),
    Judged(
        "a list of hours is followed one by one",
        "linuxserver/docker-healthchecks#102",
        "0 9,10,11,12,13,14,15,16,17 * * *",
        "Europe/London",
        "2023-01-17T10:00:03+00:00",
        "2023-01-17T11:00:00+00:00",
    ),
    Judged(
        "a day whose midnight is skipped is found",
        "nats-io/nats-server#8543",
        "0 1 4 11 *",
        "America/Sao_Paulo",
        "2018-11-03T23:00:00-03:00",
        "2018-11-04T01:00:00-02:00",
    ),
    Judged(
        "a job at a time that is skipped is due after the gap",
        "spring-projects/spring-framework#28245",
        "30 2 * * ?",
        "Europe/Zurich",
        "2022-03-27T01:58:00+01:00",
        "2022-03-27T03:00:00+02:00",
    ),
    Judged(
        "a job at a time that is repeated is due once",
        "kelektiv/node-cron#563",
        "30 1 * * *",
        "America/New_York",
        "2021-11-07T01:30:10-04:00",
        "2021-11-08T01:30:00-05:00",
    ),
    Judged(
        "a midnight of New York is due a day later, not five hours off",
        "getsentry/sentry#58550",
        "0 0 * * *",
        "America/New_York",
        "2023-01-20T00:01:00-05:00",
        "2023-01-21T00:00:00-05:00",
    ),
    Judged(
        "seven in the morning of Berlin is not due again at nine",
        "getsentry/sentry#52950",
        "0 7 * * *",
        "Europe/Berlin",
        "2023-07-16T07:00:01+02:00",
        "2023-07-17T07:00:00+02:00",
    ),
    Judged(
        "three in the morning of Honolulu is not due fourteen hours later",
        "getsentry/sentry-elixir#929",
        "0 3 * * *",
        "Pacific/Honolulu",
        "2025-07-25T03:00:02-10:00",
        "2025-07-26T03:00:00-10:00",
    ),
)


def schedule_of(cron: str, zone: str) -> Cron:
    spec: dict[str, Any] = {
        "type": "push",
        "schedule": {"cron": cron, "timeZone": zone},
        "target": {"push": {"tokenSecretRef": {"name": "t", "key": "token"}}},
    }
    metadata = {"name": "job", "namespace": "field"}
    resource = {"apiVersion": API_VERSION, "kind": "Monitor", "metadata": metadata, "spec": spec}
    found = read_object(resource, "here")
    assert isinstance(found, Declared)
    assert isinstance(found.value, Monitor)
    assert isinstance(found.value.schedule, Cron)
    return found.value.schedule


@pytest.mark.parametrize("case", MOMENTS, ids=lambda case: case.sentence)
def test_the_next_push_is_due_when_the_people_who_reported_it_expected(case: Judged) -> None:
    pushed = datetime.fromisoformat(case.pushed).timestamp()

    due = schedule_of(case.cron, case.time_zone).due_after_push(pushed)

    assert datetime.fromtimestamp(due, UTC) == datetime.fromisoformat(case.due)


RUNNING = (
    ("minutely", "*/2 * * * *", "UTC"),
    ("nightly", "30 2 * * *", "Europe/Berlin"),
    ("weekdays", "0 6 * * mon-fri", "Australia/Lord_Howe"),
    ("monthly", "15 4 1 * *", "Africa/Casablanca"),
)


@pytest.mark.peer  # starts a process
async def test_the_answer_to_a_push_and_the_metrics_name_the_next_due_time(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.manifests.mkdir(parents=True, exist_ok=True)
    documents = [
        MANIFEST.format(name=name, schedule=f'cron: "{cron}"\n    timeZone: {zone}')
        for name, cron, zone in RUNNING
    ]
    (home.manifests / "jobs.yaml").write_text("---\n".join(documents) + SECRET)
    async with exporter_process(home) as exporter, ClientSession() as session:
        for name, cron, zone in RUNNING:
            headers = {"Authorization": f"Bearer {TOKEN}"}
            url = f"{exporter.url}/api/push/field/{name}"
            async with session.post(url, headers=headers) as answered:
                answer = await answered.json()
            received = datetime.fromisoformat(answer["receivedAt"]).timestamp()
            due = datetime.fromisoformat(answer["expiresAt"]).timestamp()
            minute = int(received) // 60 * 60
            times = await asyncio.to_thread(
                Wall(cron).between, minute + 60, minute + 33 * 86_400, time_zone(zone)
            )

            # A push within a minute before a scheduled time counts for that time.
            assert due == (times[1] if times[0] - received <= 60 else times[0])
            async with session.get(f"{exporter.url}/metrics") as scraped:
                text = await scraped.text()
            labels = f'monitor="{name}",namespace="field"'
            assert (
                f'yuptime_monitor_schedule_info{{kind="cron",{labels},schedule="{cron}",time_zone="{zone}"}} 1.0'
                in text
            )
            assert 'yuptime_tzdata_info{version="' in text

"""A week of a crontab: the jobs, the pushes of the week, and how each moment must be judged.

The week has both changes of the clocks: Berlin's go forward on its first Sunday, at 01:00 UTC, and
Sydney's go back on its Saturday, at 16:00 UTC. All moments are written in UTC.

Nothing here is computed by the exporter. `JUDGED` was written by hand: it follows from the
documentation of schedules and runs, the crontab, and the incidents of the week.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

DAYS = ("Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat")
SECONDS_A_DAY = 86_400
BEGIN = int(datetime(2026, 3, 29, tzinfo=UTC).timestamp())
END = BEGIN + len(DAYS) * SECONDS_A_DAY


def at(moment: str) -> int:
    """Return a moment of the week, such as `Tue 02:30` or `Tue 02:30:05`, in Unix seconds."""
    day, clock_time = moment.split()
    hours, minutes, *seconds = map(int, clock_time.split(":"))
    in_day = hours * 3600 + minutes * 60 + sum(seconds)
    return BEGIN + DAYS.index(day) * SECONDS_A_DAY + in_day


# The exporter is stopped for ten minutes. Jobs repeat their pushes until they are accepted.
STOPPED, STARTED = at("Fri 17:56"), at("Fri 18:06")
PAUSED, RESUMED = at("Tue 12:00"), at("Thu 12:00")
PAUSED_JOB = "experiment"


@dataclass(frozen=True, slots=True)
class Job:
    """A line of the crontab with its monitor; either `cron` or `expire_seconds` is given."""

    cron: str = ""
    time_zone: str = "UTC"
    expire_seconds: int = 0
    grace_seconds: int = 0
    max_runtime_seconds: int = 0


MINUTE, HOUR = 60, 3600

JOBS: Mapping[str, Job] = {
    # Reports its runs by id, and runs for half an hour. On Sunday, 02:30 does not exist in Berlin.
    "nightly-backup": Job("30 2 * * *", "Europe/Berlin", 0, 45 * MINUTE, 2 * HOUR),
    # A CronJob of Kubernetes, which is not run on that Sunday.
    "berlin-cronjob": Job("30 2 * * *", "Europe/Berlin", 0, 30 * MINUTE),
    # On Sunday in Sydney, 02:30 comes twice: cron runs at the first time, a CronJob at both.
    "sydney-close": Job("30 2 * * *", "Australia/Sydney", 0, 20 * MINUTE),
    "sydney-cronjob": Job("30 2 * * *", "Australia/Sydney", 0, 20 * MINUTE),
    # Its host's clock is two seconds ahead.
    "mail-queue": Job("*/5 * * * *", "UTC", 0, 2 * MINUTE),
    "hourly-report": Job(expire_seconds=HOUR, grace_seconds=30 * MINUTE),
    "weekday-invoices": Job("0 6 * * 1-5", "America/New_York", 0, 30 * MINUTE),
    "kolkata-sync": Job("15 */6 * * *", "Asia/Kolkata", 0, 15 * MINUTE),
    "monthly-bill": Job("0 3 1 * *", "UTC", 0, HOUR),
    "leap-day": Job("0 0 29 2 *", "UTC", 0, HOUR),
    "never-set-up": Job("0 4 * * *", "Europe/Berlin", 0, HOUR),
    # Its runs may overlap, and have ids.
    "warehouse-load": Job("*/30 * * * *", "UTC", 0, 10 * MINUTE, HOUR),
    # Its runs have no ids.
    "importer": Job("0 * * * *", "UTC", 0, 15 * MINUTE, 90 * MINUTE),
    "slow-export": Job("0 5 * * *", "UTC", 0, 30 * MINUTE, 3 * HOUR),
    # Its host's clock is half a minute ahead.
    "early-bird": Job("0 2 * * *", "America/New_York", 0, MINUTE),
    # Two hosts have the same line in their crontabs.
    "two-hosts": Job("10 3 * * *", "UTC", 0, 10 * MINUTE, 30 * MINUTE),
    "archive-logs": Job("0 18 * * *", "UTC", 0, 5 * MINUTE),
    PAUSED_JOB: Job("0 */8 * * *", "UTC", 0, 30 * MINUTE),
}

JUDGED = """
nightly-backup    Sun 00:00     pending  awaiting_first_push
nightly-backup    Sun 01:40     up       reported_up          due 03:00 in Berlin, the first run ends
nightly-backup    Tue 02:30     down     overran              started at 00:30 and hangs
nightly-backup    Wed 01:00     up       reported_up          the next run succeeds
nightly-backup    Fri 00:40     down     reported_down        exit code 3
nightly-backup    Fri 07:20     up       reported_up          run again by hand

berlin-cronjob    Sun 00:00     pending  awaiting_first_push
berlin-cronjob    Sun 00:10     up       reported_up          tried by hand
berlin-cronjob    Sun 01:00     late     overdue              due 03:00 in Berlin, and not run
berlin-cronjob    Sun 01:30     down     overdue
berlin-cronjob    Mon 00:30     up       reported_up

sydney-close      Sun 00:00     pending  awaiting_first_push
sydney-close      Sun 15:30     up       reported_up          also on Saturday from 16:30 on

sydney-cronjob    Sun 00:00     pending  awaiting_first_push
sydney-cronjob    Sun 15:30     up       reported_up
sydney-cronjob    Sat 15:30     late     overdue              the first of both runs is missing
sydney-cronjob    Sat 15:50     down     overdue
sydney-cronjob    Sat 16:30     up       reported_up          the second run

mail-queue        Sun 00:00     pending  awaiting_first_push
mail-queue        Sun 00:04:58  up       reported_up
mail-queue        Mon 10:00     late     overdue              seven times missing are one alert
mail-queue        Mon 10:02     down     overdue
mail-queue        Mon 10:34:58  up       reported_up

hourly-report     Sun 00:00     pending  awaiting_first_push
hourly-report     Sun 00:20     up       reported_up
hourly-report     Tue 12:20     late     overdue              five minutes late
hourly-report     Tue 12:25     up       reported_up
hourly-report     Sat 08:20     down     reported_down
hourly-report     Sat 09:20     up       reported_up

weekday-invoices  Sun 00:00     pending  awaiting_first_push
weekday-invoices  Mon 10:00     up       reported_up
weekday-invoices  Tue 10:00     late     overdue              twelve minutes late
weekday-invoices  Tue 10:12     up       reported_up
weekday-invoices  Wed 10:00     late     overdue              not run
weekday-invoices  Wed 10:30     down     overdue
weekday-invoices  Thu 10:04     up       reported_up          also on Saturday, which is free

kolkata-sync      Sun 00:00     pending  awaiting_first_push
kolkata-sync      Sun 00:45     up       reported_up          run twice on Wednesday

monthly-bill      Sun 00:00     pending  awaiting_first_push
monthly-bill      Wed 03:20     up       reported_up

leap-day          Sun 00:00     pending  awaiting_first_push  due in 2028

never-set-up      Sun 00:00     pending  awaiting_first_push
never-set-up      Sun 03:00     down     never_pushed         due at 02:00, 04:00 in Berlin

warehouse-load    Sun 00:00     pending  awaiting_first_push
warehouse-load    Sun 00:40     up       reported_up          two runs overlap on Tuesday
warehouse-load    Thu 15:00     down     overran              a run hangs beside one that succeeds
warehouse-load    Thu 15:10     up       reported_up          a success after its maximum runtime

importer          Sun 00:00     pending  awaiting_first_push
importer          Sun 01:10     up       reported_up
importer          Fri 07:30     down     overran              starts each hour from 06:00, never ends
importer          Fri 12:20     up       reported_up

slow-export       Sun 00:00     pending  awaiting_first_push
slow-export       Sun 06:00     up       reported_up
slow-export       Wed 05:00     late     overdue
slow-export       Wed 05:20     up       reported_up          it runs: started within its grace
slow-export       Thu 05:00     late     overdue
slow-export       Thu 05:30     down     overdue              a start at 05:45 is no success
slow-export       Thu 06:50     up       reported_up

early-bird        Sun 00:00     pending  awaiting_first_push
early-bird        Sun 05:59:30  up       reported_up
early-bird        Wed 06:00     late     overdue              a push 90 s early counts for nothing
early-bird        Wed 06:01     down     overdue
early-bird        Thu 05:59:30  up       reported_up

two-hosts         Sun 00:00     pending  awaiting_first_push
two-hosts         Sun 03:20     up       reported_up
two-hosts         Thu 03:21     down     reported_down        the second host fails
two-hosts         Fri 03:20     up       reported_up
two-hosts         Sat 03:40:01  down     overran              the second host hangs

archive-logs      Sun 00:00     pending  awaiting_first_push
archive-logs      Sun 18:00     up       reported_up
archive-logs      Fri 18:00     late     overdue              not run; the exporter is stopped as well
archive-logs      Fri 18:15     down     overdue              five minutes, and ten of the exporter
archive-logs      Sat 18:00     up       reported_up

experiment        Sun 00:00     pending  awaiting_first_push
experiment        Sun 08:00     up       reported_up
experiment        Tue 12:00     paused   disabled
experiment        Thu 12:00     up       reported_up          next due at 16:00
"""

# Samples at the end of the week, counted by hand.
COUNTED = """
nightly-backup  pushes_total              7     six nights, Friday twice
nightly-backup  pushes_down_total         1
nightly-backup  starts_total              8
nightly-backup  runs_open                 0
nightly-backup  last_exit_code            0
nightly-backup  run_duration_seconds_count  7
two-hosts       starts_total              14
two-hosts       pushes_total              13
two-hosts       runs_open                 1
mail-queue      pushes_total              2009  2,016 times without seven
hourly-report   pushes_total              168
importer        starts_total              167
importer        pushes_total              161
kolkata-sync    pushes_total              29
experiment      pushes_total              14
"""


@dataclass(frozen=True, slots=True)
class Judgement:
    """The state of a job from a moment until its next judgement."""

    job: str
    since_timestamp: int
    state: str
    reason: str


def judgements() -> list[Judgement]:
    """Return the rows of `JUDGED`."""
    rows = (line.split() for line in JUDGED.splitlines() if line)
    return [
        Judgement(job, at(f"{day} {clock_time}"), state, reason)
        for job, day, clock_time, state, reason, *_ in rows
    ]


def counted() -> list[tuple[str, str, float]]:
    """Return the rows of `COUNTED`: job, metric, value."""
    rows = (line.split() for line in COUNTED.splitlines() if line)
    return [(job, metric, float(value)) for job, metric, value, *_ in rows]


@dataclass
class Script:
    """The pushes of the week: by moment, each as job and fields."""

    pushes: dict[int, list[tuple[str, dict[str, object]]]] = field(default_factory=dict)

    def push(self, job: str, moment: int, status: str = "up", **fields: object) -> None:
        self.pushes.setdefault(moment, []).append((job, {"status": status, **fields}))

    def daily(self, job: str, clock_time: str, days: str = "Sun Mon Tue Wed Thu Fri Sat") -> None:
        for day in days.split():
            self.push(job, at(f"{day} {clock_time}"))

    def run(self, job: str, start: str, end: str, status: str = "up", **fields: object) -> None:
        """A run with an id, the moment of its start."""
        run_id = fields["runId"] = start.replace(" ", "-")
        self.push(job, at(start), "start", runId=run_id)
        if end:
            self.push(job, at(end), status, **fields)


def script() -> Script:
    """Return the pushes of the week."""
    found = Script()
    _backups(found)
    _regular(found)
    _overlapping(found)
    _without_ids(found)
    _slow(found)
    _two_hosts(found)
    return found


def _backups(found: Script) -> None:
    job = "nightly-backup"
    found.run(job, "Sun 01:00", "Sun 01:40", exitCode=0)
    found.run(job, "Mon 00:30", "Mon 00:50", exitCode=0)
    found.run(job, "Tue 00:30", "")
    found.push(job, at("Tue 01:30"), "log", message="copying /var", runId="Tue-00:30")
    found.run(job, "Wed 00:30", "Wed 01:00", exitCode=0)
    found.run(job, "Thu 00:30", "Thu 00:55", exitCode=0)
    found.run(job, "Fri 00:30", "Fri 00:40", "down", exitCode=3, message="disk full")
    found.run(job, "Fri 07:00", "Fri 07:20", exitCode=0)
    found.run(job, "Sat 00:30", "Sat 00:55", exitCode=0)


def _regular(found: Script) -> None:
    found.push("berlin-cronjob", at("Sun 00:10"))
    found.daily("berlin-cronjob", "00:30", "Mon Tue Wed Thu Fri Sat")
    found.daily("sydney-close", "15:30")
    found.daily("sydney-cronjob", "15:30", "Sun Mon Tue Wed Thu Fri")
    found.push("sydney-cronjob", at("Sat 16:30"))
    for moment in range(BEGIN + 5 * MINUTE, END + 1, 5 * MINUTE):
        if not at("Mon 10:00") <= moment <= at("Mon 10:30"):
            found.push("mail-queue", moment - 2)
    for moment in range(at("Sun 00:20"), END, HOUR):
        late = 5 * MINUTE if moment == at("Tue 12:20") else 0
        failed = moment == at("Sat 08:20")
        found.push("hourly-report", moment + late, "down" if failed else "up")
    found.push("weekday-invoices", at("Mon 10:00"))
    found.push("weekday-invoices", at("Tue 10:12"))
    found.push("weekday-invoices", at("Thu 10:04"))
    found.push("weekday-invoices", at("Fri 10:00"))
    for clock_time in ("00:45", "06:45", "12:45", "18:45"):
        found.daily("kolkata-sync", clock_time)
    found.push("kolkata-sync", at("Wed 06:45:02"))
    found.push("monthly-bill", at("Wed 03:20"))
    found.daily("early-bird", "05:59:30", "Sun Mon Tue Thu Fri Sat")
    found.push("early-bird", at("Wed 05:58:30"))
    found.daily("archive-logs", "18:00", "Sun Mon Tue Wed Thu Sat")
    for moment in range(at("Sun 08:00"), END, 8 * HOUR):
        if not PAUSED <= moment < RESUMED:
            found.push(PAUSED_JOB, moment)


def _overlapping(found: Script) -> None:
    job = "warehouse-load"
    for moment in range(BEGIN + HOUR // 2, END, HOUR // 2):
        run_id = str(moment)
        found.push(job, moment, "start", runId=run_id)
        if moment == at("Tue 14:00"):  # beside the run of 14:30
            found.push(job, at("Tue 14:55"), runId=run_id)
        elif moment != at("Thu 14:00"):
            found.push(job, moment + 10 * MINUTE, runId=run_id)


def _without_ids(found: Script) -> None:
    for moment in range(BEGIN + HOUR, END, HOUR):
        found.push("importer", moment, "start")
        if moment == at("Fri 12:00"):
            found.push("importer", at("Fri 12:20"))
        elif not at("Fri 06:00") <= moment < at("Fri 12:00"):
            found.push("importer", moment + 10 * MINUTE)


def _slow(found: Script) -> None:
    for day in DAYS:
        start, end = {"Wed": ("05:20", "06:30"), "Thu": ("05:45", "06:50")}.get(
            day, ("05:00", "06:00")
        )
        found.run("slow-export", f"{day} {start}", f"{day} {end}")


def _two_hosts(found: Script) -> None:
    for day in DAYS:
        found.run("two-hosts", f"{day} 03:10", f"{day} 03:20")
        end = "" if day == "Sat" else f"{day} 03:21"
        failed = {"status": "down", "exitCode": 1} if day == "Thu" else {}
        found.run("two-hosts", f"{day} 03:10:01", end, **failed)  # type: ignore[arg-type]

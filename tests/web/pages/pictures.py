"""Pictures of the pages for the documents, of an exporter with a week of pushes.

python -m tests.web.pages.pictures   writes docs/images/page-*.png, as `make screenshots` does
"""

import asyncio
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

from tests.core.examples import monitor
from tests.exporters import Client, Home, StandingClock, exporter_here
from tests.manifests import monitor_yaml, secret_yaml
from tests.stores.sqlite.place import store_at
from tests.web.pages.browsing import PHONE, SCREEN, Theme, browsing
from yuptime_exporter.core.changes import Changes
from yuptime_exporter.core.evaluation import after_push
from yuptime_exporter.core.model import Arming, LastPush, MonitorKey, Push, PushKind, Row
from yuptime_exporter.core.outages import Outages
from yuptime_exporter.core.ports import PushSave
from yuptime_exporter.core.schedules import Every

IMAGES = Path(__file__).parents[3] / "docs" / "images"

HOUR, DAY = 3600.0, 86_400.0
NOW = datetime(2026, 11, 26, 3, 12, 40, tzinfo=UTC).timestamp()
BEGIN = NOW - 8 * DAY

DISK_FULL = (
    "pg_dump: error: could not write to file: No space left on device\n"
    "/var/backups is 100 % full (412 GiB), 0 bytes free\nexit code 1"
)


@dataclass(frozen=True)
class Job:
    """A job of the pictures.

    Attributes:
        every: seconds between two pushes; 0: it never pushed.
        since_last: seconds since its last push.
        failures: how many pushes before the last said down, by their message.
    """

    key: MonitorKey
    expire: int
    every: float = 0.0
    since_last: float = 0.0
    grace: int = 600
    message: str = ""
    last: PushKind = PushKind.UP
    failures: dict[int, str] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    duration: float | None = None
    enabled: bool = True

    def pushes(self) -> Iterator[Push]:
        """Yield the pushes of the last week, the oldest first."""
        count = min(int(7 * DAY // self.every), 90) if self.every else 0
        for back in range(count, -1, -1) if self.every else ():
            failed = self.failures.get(back) or (self.last is PushKind.DOWN and back == 0)
            yield Push(
                PushKind.DOWN if failed else PushKind.UP,
                NOW - self.since_last - back * self.every + 17 * (back % 5),
                self.failures.get(back) or (self.message if back == 0 else "done"),
                duration_seconds=self.duration and self.duration * (1 + back % 7 / 30),
                exit_code=1 if failed else 0,
                client_address="10.3.1.17",
            )


def jobs() -> Iterator[Job]:
    """Yield the jobs of a small company at night."""
    team = {"team": "payments", "severity": "page"}
    yield Job(
        MonitorKey("shop", "postgres-backup"),
        expire=93_600,
        every=DAY,
        since_last=2 * HOUR,
        last=PushKind.DOWN,
        message=DISK_FULL,
        failures={3: "exit code 1: connection refused"},
        labels={"team": "database", "severity": "page"},
        duration=1_130.0,
    )
    yield Job(MonitorKey("shop", "invoice-export"), 4_200, HOUR, 2 * HOUR, labels=team, duration=42)
    yield Job(
        MonitorKey("media", "thumbnails"), 900, 900, 1_130, message="1,204 pictures", duration=95
    )
    yield Job(MonitorKey("legal", "retention-report"), 604_800, labels={"team": "legal"})
    for name, every, message in (
        ("payment-reconciliation", HOUR, "8,311 payments, 0 open"),
        ("stock-sync", 600.0, "12 shops"),
        ("nightly-etl", DAY, "42 tables in 318 s"),
        ("search-index", HOUR, "index 2026-11-26 is live"),
        ("certificate-renewal", DAY, "nothing to renew"),
    ):
        key = MonitorKey("shop", name)
        yield Job(
            key, int(every * 1.2), every, every / 3, message=message, labels=team, duration=61
        )
    yield Job(MonitorKey("legacy", "ftp-import"), 86_400, DAY, 3 * DAY, enabled=False)


def declare(home: Home) -> None:
    """Write the manifests of all jobs."""
    declared = [
        monitor_yaml(
            job.key.name,
            namespace=job.key.namespace,
            expire=job.expire,
            grace=job.grace,
            labels=job.labels,
            enabled=job.enabled,
        )
        for job in jobs()
    ]
    namespaces = {job.key.namespace for job in jobs()}
    path = home.declare(
        *declared,
        *(
            secret_yaml(namespace=one, tokens=(f"token-of-{one}-0123456789abcdef",))
            for one in sorted(namespaces)
        ),
    )
    path.chmod(0o600)


async def fill(database: Path) -> None:
    """Store the pushes of all jobs."""
    store = store_at(database, StandingClock(NOW))
    await store.restore()
    saves = list(map(_save, jobs()))
    armings = {save.row.monitor.key: save.row.arming for save in saves}
    await store.save_changes(Changes(armings=armings))
    stored = asyncio.Event()
    some = [save for save in saves if save.pushes]
    store.save_pushes(some, lambda _saves, _result: stored.set())
    await stored.wait()
    await store.save_receiving(NOW, ())
    await store.close()


def _save(job: Job) -> PushSave:
    declared = monitor(
        job.key.name, job.key.namespace, schedule=Every(job.expire), grace_seconds=job.grace
    )
    paused = None if job.enabled else NOW - 2 * DAY
    begin = BEGIN if job.every else NOW - 3 * HOUR
    row = before = Row(declared, Arming(begin, paused_timestamp=paused), None)
    pushes = tuple(job.pushes())
    for push in pushes:
        row = Row(row.monitor, row.arming, after_push(row, Outages(), push))
    return PushSave(before, row.last_push or LastPush(), pushes)


async def take(client: Client, themes: Iterable[Theme]) -> None:
    """Take a picture of each page, on a screen and on a phone."""
    pages = {"list": "/", "monitor": "/monitors/shop/postgres-backup"}
    for theme in themes:
        for kind, size in (("screen", SCREEN), ("phone", PHONE)):
            async with browsing(theme=theme, size=size) as page:
                for name, path in pages.items():
                    await page.goto(client.url + path)
                    await page.get_by_text("live", exact=True).wait_for()
                    path_of_image = IMAGES / f"page-{name}-{kind}-{theme}.png"
                    await page.screenshot(path=path_of_image)


async def main() -> None:
    """Write the pictures."""
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder))
        home.flags = [
            "--web.alertmanager-url=https://alertmanager.example.com",
            "--web.prometheus-url=https://prometheus.example.com",
            "--web.dashboard-url=https://grafana.example.com/d/yuptime-monitor",
            "--web.external-url=https://yuptime.example.com",
        ]
        declare(home)
        await fill(home.database)
        async with exporter_here(home, StandingClock(NOW)) as client:
            await client.push("postgres-backup", namespace="shop", token="an-old-token")
            await take(client, get_args(Theme))


if __name__ == "__main__":
    asyncio.run(main())

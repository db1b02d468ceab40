"""The script of the day: ten jobs, each with a different state at the end.

    shop/order-sync       up, as all day
    shop/mail-queue       up; stalled in the morning, late and down, recovered. It reports its
                          runs, each of which takes a minute
    shop/price-import     up; was paused over the day, and resumed
    ops/flaky-sync        up; reported down at 13:00, and up again half an hour later
    backup/nightly-dump   down by report at 02:00
    backup/offsite-copy   down by silence since 16:00, its last push having been at 09:00
    billing/invoices      late since 23:20
    billing/ledger-close  never pushed, down since 07:10
    lab/experiment        paused at noon
    lab/new-job           pending, declared at 20:00

The exporter is gone from 05:00 to 05:10. A second replica runs from 08:00 to 20:00; its
Kubernetes metrics are in cluster_day.py.
"""

from collections.abc import Mapping, Sequence

from tests.manifests import monitor_yaml, secret_yaml

MIDNIGHT = 1_748_908_800  # 2025-06-03T00:00:00Z
MINUTE = 60
HOUR = 3600
DAY = 24 * HOUR

MONITORS: Mapping[str, Mapping[str, tuple[int, int, str]]] = {  # expire, grace, severity
    "shop": {
        "order-sync": (300, 120, "critical"),
        "mail-queue": (900, 300, "warning"),
        "price-import": (3 * HOUR, HOUR, "warning"),
    },
    "ops": {"flaky-sync": (2 * HOUR, HOUR, "warning")},
    "backup": {
        "nightly-dump": (DAY, 2 * HOUR, "critical"),
        "offsite-copy": (6 * HOUR, HOUR, "warning"),
    },
    "billing": {
        "invoices": (75 * MINUTE, HOUR, "warning"),
        "ledger-close": (6 * HOUR, HOUR, "critical"),
    },
    "lab": {"experiment": (DAY, HOUR, ""), "new-job": (DAY, HOUR, "info")},
}
MAX_RUNTIMES = {"mail-queue": 30 * MINUTE}
NAMES = [(namespace, name) for namespace, jobs in MONITORS.items() for name in jobs]

START, END = b"status=start", b"status=up&exitCode=0"
UP, DOWN = b"status=up", b"status=down&message=disk full"
MALFORMED = b"status=perhaps"

# Regular pushes: first and last moment, interval in minutes, monitor.
REGULAR: Sequence[tuple[str, str, int, str, str]] = (
    ("00:00", "24:00", 4, "shop", "order-sync"),
    ("00:00", "09:10", 10, "shop", "mail-queue"),
    ("09:50", "24:00", 10, "shop", "mail-queue"),
    ("00:05", "22:06", 60, "billing", "invoices"),
    ("00:30", "24:00", 120, "shop", "price-import"),
    ("00:00", "13:00", 60, "ops", "flaky-sync"),
    ("13:30", "24:00", 60, "ops", "flaky-sync"),
)
SINGLE: Sequence[tuple[str, str, str, bytes]] = (
    ("01:00", "lab", "experiment", UP),
    ("02:00", "backup", "nightly-dump", DOWN),
    ("03:00", "backup", "offsite-copy", UP),
    ("09:00", "backup", "offsite-copy", UP),
    ("13:00", "ops", "flaky-sync", DOWN),
    ("21:00", "ops", "flaky-sync", MALFORMED),
)


def at(clock_time: str) -> int:
    """The moment of the day, in Unix seconds."""
    hours, minutes = clock_time.split(":")
    return MIDNIGHT + int(hours) * HOUR + int(minutes) * MINUTE


# Moments at which the manifests change.
CHANGES = {at(clock_time) for clock_time in ("10:00", "12:00", "18:00", "20:00")}


def pushes() -> dict[int, list[tuple[str, str, bytes]]]:
    """The pushes of each minute, by its scrape: namespace, name, body."""
    planned: dict[int, list[tuple[str, str, bytes]]] = {}
    for begin, end, every, namespace, name in REGULAR:
        for moment in range(at(begin), at(end), every * MINUTE):
            has_runs = name in MAX_RUNTIMES
            if has_runs and moment > MIDNIGHT:
                planned.setdefault(moment - MINUTE, []).append((namespace, name, START))
            planned.setdefault(moment, []).append((namespace, name, END if has_runs else UP))
    for when, namespace, name, body in SINGLE:
        planned.setdefault(at(when), []).append((namespace, name, body))
    return planned


def declared(moment: float) -> list[str]:
    """The active manifests."""
    paused = {
        "price-import": at("10:00") <= moment < at("18:00"),
        "experiment": moment >= at("12:00"),
    }
    documents = [secret_yaml(namespace=namespace) for namespace in MONITORS]
    for namespace, name in NAMES:
        expire, grace, severity = MONITORS[namespace][name]
        if name != "new-job" or moment >= at("20:00"):
            document = monitor_yaml(
                name,
                namespace=namespace,
                expire=expire,
                grace=grace,
                enabled=not paused.get(name, False),
                labels={"severity": severity, "team": namespace} if severity else {},
            )
            if name in MAX_RUNTIMES:
                limit = f"      maxRuntimeSeconds: {MAX_RUNTIMES[name]}\n"
                document = document.replace("      expire", f"{limit}      expire")
            documents.append(document)
    return documents

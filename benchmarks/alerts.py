"""Alerts: the time from a deadline until an Alertmanager has the alert."""

import argparse
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from benchmarks import targets
from benchmarks.tables import Row, median, percentile, print_table
from tests.manifests import monitor_yaml, secret_yaml, write_manifests

HEADERS = ("monitors", "case", "alerts", "requests", "median ms", "p99 ms", "max ms")

# Long enough that all monitors are listed before the first deadline.
_FIRST_EXPIRE_SECONDS = 12
_ARRIVED_WITHIN_SECONDS = 90.0
_POLL_SECONDS = 0.05


class Recorder(BaseHTTPRequestHandler):
    """Accepts alerts as Alertmanager does, and records the first arrival of each alert."""

    protocol_version = "HTTP/1.1"
    seconds_late: dict[str, float]
    requests: int

    def do_POST(self) -> None:
        """Accept a batch."""
        arrived = time.time()
        alerts = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        type(self).requests += 1
        for alert in alerts:
            due = datetime.fromisoformat(alert["startsAt"]).timestamp()
            self.seconds_late.setdefault(alert["labels"]["monitor"], arrived - due)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  its name there
        """Log nothing."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--monitors", type=int, default=10_000)
    parser.add_argument("--at-once", type=int, default=1_000)
    parser.add_argument(
        "--spread", type=int, default=30, help="seconds between the first and the last deadline"
    )
    options = parser.parse_args()
    spread = _measured(options.monitors, options.spread, 0)
    at_once = _measured(options.monitors, 1, options.monitors - options.at_once)
    rows: list[Row] = [
        _row(options.monitors, f"deadlines over {options.spread} s", *spread),
        _row(options.monitors, "one deadline for all monitors", *at_once),
    ]
    print_table("alerts", HEADERS, rows)


def _measured(monitors: int, spread: int, healthy: int) -> tuple[list[float], int]:
    """Return the delay of each alert in seconds, and the number of requests.

    Args:
        monitors: number of all monitors.
        spread: seconds between the first and the last deadline.
        healthy: number of monitors without a deadline during the benchmark.
    """
    with targets.folder() as home, _recorder() as (recorder, url):
        _declare(home, monitors, spread, healthy)
        with targets.exporter(home, f"--alertmanager.url={url}"):
            limit = time.monotonic() + _ARRIVED_WITHIN_SECONDS
            while len(recorder.seconds_late) < monitors - healthy:
                if time.monotonic() > limit:
                    raise RuntimeError(f"only {len(recorder.seconds_late)} alerts came in time")
                time.sleep(_POLL_SECONDS)
            requests = recorder.requests
        return list(recorder.seconds_late.values()), requests


def _declare(home: Path, monitors: int, spread: int, healthy: int) -> None:
    """Declare monitors without pushes: each is down at its first deadline."""
    targets.declare(home, 0)
    documents = [secret_yaml(namespace=targets.NAMESPACE)]
    for number, name in enumerate(targets.names(monitors)):
        expire = 86_400 if number < healthy else _FIRST_EXPIRE_SECONDS + number % spread
        documents.append(monitor_yaml(name, namespace=targets.NAMESPACE, expire=expire, grace=0))
    for start in range(0, len(documents), 100):
        batch = documents[start : start + 100]
        write_manifests(home / "manifests", *batch, file_name=f"monitors-{start}.yaml")
    (home / "manifests" / "secret.yaml").unlink()


@contextmanager
def _recorder() -> Iterator[tuple[type[Recorder], str]]:
    own = type("OwnRecorder", (Recorder,), {"seconds_late": {}, "requests": 0})
    server = ThreadingHTTPServer(("127.0.0.1", 0), own)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield own, f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _row(monitors: int, case: str, late: list[float], requests: int) -> Row:
    milliseconds = [1000 * seconds for seconds in late]
    return (
        f"{monitors:,}",
        case,
        len(late),
        requests,
        median(milliseconds),
        percentile(milliseconds, 0.99),
        max(milliseconds),
    )


if __name__ == "__main__":
    main()

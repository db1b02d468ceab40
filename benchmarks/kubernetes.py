"""The cluster side: a start with many Monitors, changes while pushes go on, and statuses as a store.

Against a real API server and etcd on the same cores; only the changes of which there are more than
such a server can make come from a replay of its objects.
"""

import argparse
import base64
import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from benchmarks import replay, targets
from benchmarks.control_plane import (
    ApiServer,
    api_server,
    bare_loop,
    monitor,
    monitor_path,
    secret_path,
)
from benchmarks.load import Generator, Load, generator
from benchmarks.tables import Row, median, percentile, print_table, ratio
from tests.manifests import TOKEN
from tests.peers.running import free_port

HEADERS = ("monitors", "what", "times", "median", "worst", "of a bare loop", "of idle")

_NAMESPACE = targets.NAMESPACE
_BARE = "bare"  # the bare loop's own Monitors, which the exporter does not follow
_STORING_MONITORS = 1_000
_POLL_SECONDS = 0.005
_FORCE_WITHIN_SECONDS = 15.0

# As many pushes a second as 12,000 monitors send that each push once a minute.
_PUSHES_PER_SECOND = 200.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--monitors", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4.0, help="for each measurement")
    parser.add_argument("--updates", type=int, default=1_000, help="of objects in a second")
    parser.add_argument(
        "--only", nargs="*", choices=("scale", "updates", "store"), help="default: everything"
    )
    options = parser.parse_args()
    wanted = options.only or ("scale", "updates", "store")
    rows: list[Row] = []
    with generator() as send:
        if "scale" in wanted or "updates" in wanted:
            with targets.folder() as home, api_server(home) as server:
                server.fill(_NAMESPACE, options.monitors, secrets=True)
                if "scale" in wanted:
                    rows += _scale(home, server, options)
                if "updates" in wanted:
                    _record(home, server)
            if "updates" in wanted:
                pass
        if "store" in wanted:
            with targets.folder() as home, api_server(home) as server:
                rows += _store(home, server, send, options)
    print_table("kubernetes", HEADERS, rows)

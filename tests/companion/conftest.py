import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from tests.companion.server import Reports, reports


@dataclass
class Companion:
    """`yuptime` as a program, beside a server that records its reports."""

    reports: Reports
    environment: dict[str, str] = field(default_factory=dict)

    def __call__(self, *arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            self.command(*arguments),
            input=stdin,
            capture_output=True,
            env=self.variables(),
            check=False,
            timeout=50,
        )

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "yuptime_exporter.companion", *arguments]

    def variables(self) -> dict[str, str]:
        own = {"YUPTIME_URL": self.reports.url, "YUPTIME_TOKEN": "secret-token"}
        return {**os.environ, **own, **self.environment}

    def start(self, *arguments: str) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            self.command(*arguments),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=self.variables(),
        )


@pytest.fixture
def yuptime() -> Iterator[Companion]:
    with reports() as found:
        yield Companion(found)

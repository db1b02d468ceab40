"""`yuptime import` on the whole program: from a crontab to a push."""

import asyncio
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.exporters import Home, exporter_process, series
from tests.waiting import eventually
from yuptime_exporter.cli import companion

pytestmark = pytest.mark.peer  # whole seconds

JOBS = 200


def run_import(*arguments: str | Path) -> int:
    return companion(["import", *map(str, arguments)])


def crontab_of(jobs: int) -> str:
    lines = ["SHELL=/bin/sh", "MAILTO=ops@example.com", "# nightly"]
    lines += [f"{n % 60} {n % 24} * * * echo job{n} ran" for n in range(jobs)]
    return "\n".join(lines) + "\n"


async def test_two_hundred_jobs_need_fewer_than_400_lines_and_push_from_their_crontab(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "crontab").write_text(crontab_of(JOBS))
    home = Home(tmp_path / "exporter")
    folder = home.manifests
    home.folder.mkdir()
    flags = ("--namespace=jobs", f"--output={folder}", f"--token-file={folder / 'token'}")

    assert run_import("crontab", tmp_path / "crontab", *flags, "--url=http://exporter.example") == 0

    lines = sum(len(file.read_text().splitlines()) for file in folder.iterdir())
    assert lines - JOBS < 400, "the crontab had 203 lines before"
    assert companion(["check", str(folder / "monitors.yaml"), str(folder / "secrets.yaml")]) == 0
    assert "200 monitors, 1 secret" in capsys.readouterr().out
    for name in ("secrets.yaml", "token"):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600
    line = (folder / "crontab").read_text().splitlines()[-1]
    command = line.split(maxsplit=5)[5]
    async with exporter_process(home) as client:
        yuptime = f'yuptime() {{ {sys.executable} -m yuptime_exporter.companion "$@"; }}; '
        ended = await asyncio.to_thread(
            subprocess.run,
            ["/bin/sh", "-c", yuptime + command],
            env={
                **os.environ,
                "SHELL": "/bin/sh",
                "YUPTIME_URL": client.url,
                "YUPTIME_TOKEN_FILE": str(folder / "token"),
            },
            capture_output=True,
            check=False,
        )
        assert (ended.returncode, ended.stdout, ended.stderr) == (0, b"job199 ran\n", b"")

        async def pushed() -> float:
            return (await client.samples())[series("up", monitor="echo-200")]

        assert await eventually(pushed, bool) == 1


def test_a_second_import_replaces_nothing_without_force_and_never_a_token(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "crontab").write_text(crontab_of(2))
    arguments = ("crontab", tmp_path / "crontab", f"--output={tmp_path / 'out'}")
    assert run_import(*arguments) == 0
    token = (tmp_path / "out" / "token").read_text()
    capsys.readouterr()

    assert run_import(*arguments) == 1
    assert "--force" in capsys.readouterr().err
    assert run_import(*arguments, "--force") == 0
    assert (tmp_path / "out" / "token").read_text() == token
    assert token.strip() not in capsys.readouterr().out


def test_cronjobs_of_kubectl_become_monitors_secrets_and_patches(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    jobs = """
apiVersion: v1
kind: List
items:
- kind: CronJob
  metadata: {namespace: shop, name: report}
  spec:
    schedule: "@daily"
    jobTemplate: {spec: {template: {spec: {containers: [{name: a, image: b}]}}}}
- kind: CronJob
  metadata: {namespace: other, name: report}
  spec:
    schedule: "61 * * * *"
    jobTemplate: {spec: {template: {spec: {containers: [{name: a, image: b}]}}}}
"""
    (tmp_path / "jobs.yaml").write_text(jobs)

    assert run_import("cronjobs", tmp_path / "jobs.yaml", f"--output={tmp_path / 'out'}") == 1

    written = capsys.readouterr().out
    assert "other/report: spec.schedule.cron: " in written
    assert "1 CronJobs imported, 1 with a patch" in written
    assert "kubectl -n shop patch cronjob report --type=json" in (
        (tmp_path / "out" / "patch.sh").read_text()
    )
    assert companion(["check", str(tmp_path / "out" / "monitors.yaml"),
                      str(tmp_path / "out" / "secrets.yaml")]) == 0  # fmt: skip


@pytest.mark.parametrize(
    ("content", "words"),
    [("", "got none"), ("# nothing\n", "got none"), ("@reboot a\n", "got none")],
)
def test_an_input_without_a_job_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str, words: str
) -> None:
    (tmp_path / "crontab").write_text(content)

    assert run_import("crontab", tmp_path / "crontab", f"--output={tmp_path / 'out'}") == 1
    assert words in capsys.readouterr().err
    assert not (tmp_path / "out").exists()

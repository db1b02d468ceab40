"""Manifests as people write them, in files and on standard input."""

import asyncio
import io
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.exporters import Home, exporter_process, series
from tests.manifests import TOKEN, monitor_yaml, secret_yaml
from tests.waiting import eventually
from yuptime_exporter.check import check

MANIFEST = """\
apiVersion: monitoring.yuptime.io/v1
kind: Monitor
metadata:
  name: job
  namespace: field
spec:
  type: push
  target:
    push:
      tokenSecretRef:
        name: t
        key: token
      expireSeconds: 90000
      gracePeriodSeconds: 3600
---
apiVersion: v1
kind: Secret
metadata:
  name: t
  namespace: field
stringData:
  token: "field-token-0123456789abcdef"
"""
CASES: list[dict[str, Any]] = yaml.safe_load(
    (Path(__file__).parent / "manifests.yaml").read_text(encoding="utf-8")
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["sentence"])
def test_check_answers_what_people_write(case: dict[str, Any], tmp_path: Path) -> None:
    changed = MANIFEST.replace(case.get("replace", ""), case.get("by", ""), 1)
    path = tmp_path / "job.yaml"
    path.write_bytes(case.get("manifest", changed).encode())
    path.chmod(0o600)
    out = io.StringIO()

    code = check([path], out)

    *lines, _ = out.getvalue().replace(f"{tmp_path}/", "").splitlines()
    assert (code, lines) == (case["exit"], case["says"])


async def checked(*arguments: str, stdin: bytes = b"") -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "import sys; from yuptime_exporter.cli import companion; sys.exit(companion())",
        "check",
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate(stdin)
    return process.returncode, out.decode()


@pytest.mark.peer  # a process of its own
async def test_a_rendered_chart_is_checked_from_standard_input() -> None:
    # yannh/kubeconform#27
    assert await checked("-", stdin=MANIFEST.encode()) == (
        0,
        "1 monitor, 1 secret, 0 documents ignored: 0 errors, 0 warnings\n",
    )


@pytest.mark.peer  # a process of its own
async def test_an_empty_pipe_is_an_error_since_the_command_before_it_failed() -> None:
    # ENTERPILOT/GoModel#920
    code, out = await checked("-")

    assert code == 1
    assert "standard input: expected at least one monitor" in out


@pytest.mark.peer  # a process of its own
async def test_a_problem_on_standard_input_names_its_line() -> None:
    code, out = await checked("-", stdin=MANIFEST.replace("90000", "25h").encode())

    assert code == 1
    assert "standard input, document 1 (line 13): spec.target.push.expireSeconds" in out


@pytest.mark.peer  # a process of its own
async def test_an_empty_directory_is_an_error_unless_it_is_allowed(tmp_path: Path) -> None:
    # instrumenta/kubeval#218
    assert (await checked(str(tmp_path)))[0] == 1
    assert (await checked("--allow-empty", str(tmp_path)))[0] == 0


@pytest.mark.peer  # a process of its own
async def test_templates_alone_are_no_monitors(tmp_path: Path) -> None:
    (tmp_path / "job.yml.j2").write_text(MANIFEST)
    (tmp_path / "JOB.YAML").write_text(MANIFEST)

    assert (await checked(str(tmp_path)))[0] == 1


VANISHING = [
    ("a file is emptied by an editor that crashed", "prometheus/prometheus#8202", lambda _: ""),
    ("type: push becomes type: Push", "kyverno/kyverno#2253",
     lambda text: text.replace("type: push", "type: Push")),
    ("kind: Monitor becomes kind: monitor", "Azure/fleet#280",
     lambda text: text.replace("kind: Monitor", "kind: monitor")),
    ("apiVersion gets another version", "",
     lambda text: text.replace("yuptime.io/v1", "yuptime.io/v1beta1")),
    ("the file is commented out as a whole", "instrumenta/kubeval#79",
     lambda text: "".join(f"# {line}\n" for line in text.splitlines())),
    ("the file breaks", "smartcat-labs/cassandra-diagnostics#192", lambda text: text + "\n: ["),
    ("the file is cut in the middle of a copy", "", lambda text: text[:90]),
]  # fmt: skip


@pytest.mark.peer  # a process of its own
@pytest.mark.parametrize(
    ("change", "source"),
    [(change, source) for _, source, change in VANISHING],
    ids=[sentence for sentence, _, _ in VANISHING],
)
async def test_a_running_monitor_stays_when(change: Any, source: str, tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.declare(monitor_yaml("other"), secret_yaml(), file_name="other.yaml")
    declared = monitor_yaml()
    home.declare(declared)
    async with exporter_process(home) as exporter:
        home.declare(change(declared))
        samples = await eventually(
            exporter.samples, lambda samples: samples["yuptime_monitors_invalid"] >= 1
        )
        pushed = await exporter.push(token=TOKEN)

    assert series("up") in samples, source
    assert pushed.status == 200
    assert any("invalid manifest" in line for line in exporter.log)


@pytest.mark.peer  # a process of its own
async def test_all_monitors_stay_when_an_empty_directory_is_mounted_until_a_reload(
    tmp_path: Path,
) -> None:
    # open-feature/flagd#42
    home = Home(tmp_path, flags=["--web.enable-lifecycle"])
    files = [home.declare(monitor_yaml("a"), file_name="a.yaml"),
             home.declare(monitor_yaml("b"), secret_yaml(), file_name="b.yaml")]  # fmt: skip
    async with exporter_process(home) as exporter:
        for file in files:
            file.unlink()
        kept = await eventually(
            exporter.samples, lambda samples: samples["yuptime_monitors_invalid"] >= 1
        )
        pushed = await exporter.push("a")
        ready = (await exporter.request("GET", "/-/ready")).body.decode()
        reloaded = await exporter.request("POST", "/-/reload")
        gone = await exporter.samples()
        after = (await exporter.request("GET", "/-/ready")).body.decode()

    assert {series("up", "a"), series("up", "b")} <= kept.keys()
    assert pushed.status == 200
    assert "all 2 monitors disappeared from the manifests at once" in ready
    assert "jobs/a, jobs/b" in ready
    assert any("level=WARN" in line and "jobs/a, jobs/b" in line for line in exporter.log)
    assert reloaded.status == 200
    assert not {series("up", "a"), series("up", "b")} & gone.keys()
    assert after == "yuptime-exporter is ready.\n"


@pytest.mark.peer  # a process of its own
async def test_monitors_that_come_back_end_the_notice(tmp_path: Path) -> None:
    home = Home(tmp_path)
    file = home.declare()
    async with exporter_process(home) as exporter:
        file.unlink()
        await eventually(exporter.samples, lambda samples: samples["yuptime_monitors_invalid"] >= 1)
        home.declare()
        await eventually(exporter.samples, lambda samples: samples["yuptime_monitors_invalid"] == 0)
        ready = (await exporter.request("GET", "/-/ready")).body.decode()

    assert ready == "yuptime-exporter is ready.\n"


@pytest.mark.peer  # a process of its own
async def test_a_warning_of_check_is_in_the_log_of_the_exporter_too(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.declare(
        monitor_yaml().replace("enabled: true", "enable: false"),
        secret_yaml(tokens=("${PUSH_TOKEN}",)),
    )
    async with exporter_process(home) as exporter:
        await exporter.stop()

    warned = [line for line in exporter.log if "will not work as intended" in line]
    assert len(warned) == 2
    assert "spec.enable: unknown field, ignored; did you mean enabled?" in warned[0]
    assert "placeholder that was not filled in" in warned[1]
    assert not any("PUSH_TOKEN" in line for line in exporter.log)

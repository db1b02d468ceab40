import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.peers.programs import (
    ASSET_OF,
    ASSETS_FOLDER,
    Generation,
    find,
    image_bases,
    images_folder,
    require,
)
from tests.peers.running import PeerDidNotStartError, alertmanager, free_port, output_of, prometheus
from tests.waiting import eventually

CHECKOUT = Path(__file__).parents[2]
RULES = """
groups:
- name: example
  rules:
  - alert: Scraped
    expr: up{job="alertmanager"} == 1
    annotations: {summary: Alertmanager is up.}
"""
NEEDS_A_PEER = """
from tests.peers.programs import Generation, require

def test_that_needs_a_peer():
    require("prometheus", Generation.NEWEST)
"""
DIES_AMID_A_TEST = """
import asyncio, os, pathlib, signal
from tests.peers.programs import Generation
from tests.peers.running import alertmanager

async def main():
    async with alertmanager(Generation.DEBIAN, pathlib.Path("peer").absolute()) as peer:
        print(peer.process_id, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""
every_generation = pytest.mark.parametrize("generation", list(Generation))


@pytest.mark.peer
@every_generation
async def test_prometheus_starts_and_answers_a_query(generation: Generation, tmp_path: Path):
    async with prometheus(generation, tmp_path, {}) as peer:
        (sample,) = await peer.query("vector(1)")

        assert (sample.labels, sample.value) == ({}, 1.0)


@pytest.mark.peer
@every_generation
async def test_an_alert_goes_from_a_scrape_over_a_rule_to_alertmanager(
    generation: Generation, tmp_path: Path
):
    rules = tmp_path / "prometheus" / "rules.yml"
    rules.parent.mkdir()
    rules.write_text(RULES)
    await output_of(require("promtool", generation), "check", "rules", rules)
    async with alertmanager(generation, tmp_path / "alertmanager") as receiver:
        targets = [{"targets": [f"127.0.0.1:{receiver.port}"]}]
        config = {
            "rule_files": [rules.name],
            "scrape_configs": [{"job_name": "alertmanager", "static_configs": targets}],
            "alerting": {"alertmanagers": [{"static_configs": targets}]},
        }
        async with prometheus(generation, tmp_path / "prometheus", config) as sender:
            (raised,) = await eventually(sender.alerts)
            (received,) = await eventually(receiver.alerts)

    assert raised.state == "firing"
    assert raised.annotations == received.annotations == {"summary": "Alertmanager is up."}
    assert received.labels == raised.labels
    assert received.labels["alertname"] == "Scraped"


@pytest.mark.peer
@every_generation
async def test_alertmanager_lists_the_alert_that_amtool_adds(
    generation: Generation, tmp_path: Path
):
    amtool = require("amtool", generation)
    async with alertmanager(generation, tmp_path) as peer:
        assert await peer.alerts() == []
        await output_of(
            amtool, f"--alertmanager.url={peer.url}", "alert", "add", "Tried", "severity=info"
        )

        (alert,) = await eventually(peer.alerts)

        assert alert.labels == {"alertname": "Tried", "severity": "info"}


@pytest.mark.peer
@every_generation
async def test_alertmanager_accepts_an_alert_from_its_api(generation: Generation, tmp_path: Path):
    ends = datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=4)
    async with alertmanager(generation, tmp_path) as peer:
        await peer.accept([{"labels": {"alertname": "Posted"}, "endsAt": ends.isoformat()}])

        (alert,) = await eventually(peer.alerts)

        assert (alert.labels, alert.ends) == ({"alertname": "Posted"}, ends)


@pytest.mark.peer
async def test_a_peer_leaves_no_process_and_no_listener_behind(tmp_path: Path):
    async with alertmanager(Generation.DEBIAN, tmp_path) as peer:
        process_id, port = peer.process_id, peer.port

    with pytest.raises(ProcessLookupError):
        os.killpg(process_id, 0)
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)


@pytest.mark.peer
async def test_a_peer_is_gone_when_its_test_fails_or_is_cancelled(tmp_path: Path):
    process_id = 0

    async def interrupted() -> None:
        nonlocal process_id
        async with asyncio.timeout(None) as limit:
            async with alertmanager(Generation.DEBIAN, tmp_path) as peer:
                process_id = peer.process_id
                limit.reschedule(0)
                await asyncio.Event().wait()

    with pytest.raises(TimeoutError):
        await interrupted()

    assert process_id
    with pytest.raises(ProcessLookupError):
        os.killpg(process_id, 0)


@pytest.mark.peer
@pytest.mark.skipif(shutil.which("setpriv") is None, reason="setpriv is not there: util-linux")
async def test_a_peer_dies_with_a_test_run_that_is_killed(tmp_path: Path):
    require("alertmanager", Generation.DEBIAN)
    run = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", DIES_AMID_A_TEST),
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(CHECKOUT)},
        stdout=asyncio.subprocess.PIPE,
    )
    printed, _ = await run.communicate()

    async def is_gone() -> bool:
        try:
            os.killpg(int(printed), 0)
        except ProcessLookupError:
            return True
        return False

    assert run.returncode == -signal.SIGKILL
    assert await eventually(is_gone)


@pytest.mark.peer
async def test_a_peer_comes_back_on_its_port_with_its_data(tmp_path: Path):
    async with alertmanager(Generation.DEBIAN, tmp_path) as first:
        silence = await output_of(
            require("amtool", Generation.DEBIAN),
            *(f"--alertmanager.url={first.url}", "silence", "add"),
            *("--author=tests", "--comment=kept", "alertname=Posted"),
        )
        port = first.port

    async with alertmanager(Generation.DEBIAN, tmp_path, port=port) as second:
        (kept,) = await second.get("/api/v2/silences")

        assert second.url == first.url
        assert kept["id"] == silence.strip()


@pytest.mark.peer
async def test_a_peer_that_cannot_start_says_why(tmp_path: Path):
    with pytest.raises(PeerDidNotStartError, match="no_such_key"):
        async with prometheus(Generation.DEBIAN, tmp_path, {"no_such_key": 1}):
            pass


@pytest.mark.peer
async def test_a_peer_never_answers_under_the_port_of_another(tmp_path: Path):
    async with alertmanager(Generation.DEBIAN, tmp_path / "first") as first:
        with pytest.raises(PeerDidNotStartError, match="address already in use"):
            async with alertmanager(Generation.DEBIAN, tmp_path / "second", port=first.port):
                pass


@pytest.mark.peer
async def test_a_peer_that_loses_the_race_for_a_port_starts_on_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    with socket.create_server(("127.0.0.1", 0)) as rival:
        taken = rival.getsockname()[1]
        ports = iter([taken, free_port(), free_port()])
        monkeypatch.setattr("tests.peers.running.free_port", lambda: next(ports))

        async with alertmanager(Generation.DEBIAN, tmp_path) as peer:
            assert peer.port != taken


@pytest.mark.peer  # takes whole seconds
@pytest.mark.parametrize(
    ("ci", "outcome"), [("", "1 skipped"), ("true", "1 failed")], ids=["at home", "in CI"]
)
def test_a_test_without_its_peer_is_skipped_with_the_remedy_and_fails_in_ci(
    ci: str, outcome: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    _without_peers(monkeypatch, tmp_path)
    monkeypatch.setenv("CI", ci)
    monkeypatch.setenv("PYTHONPATH", str(CHECKOUT))
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "test_it.py").write_text(NEEDS_A_PEER)

    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-ra", "-p", "no:cacheprovider"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert outcome in ended.stdout
    assert "prometheus (newest) is missing: run `make peers`, which says why" in ended.stdout


def test_a_program_in_yuptime_peers_comes_before_the_cache_and_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    _without_peers(monkeypatch, tmp_path)
    monkeypatch.setenv("YUPTIME_PEERS", str(tmp_path / "mine"))
    mine = _program(tmp_path / "mine" / "newest" / "promtool")
    monkeypatch.setenv("PATH", str(_program(tmp_path / "bin" / "promtool").parent))

    assert find("promtool", Generation.NEWEST) == mine
    assert find("promtool", Generation.DEBIAN) == tmp_path / "bin" / "promtool"


def test_a_program_named_by_a_variable_of_envtest_comes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    _without_peers(monkeypatch, tmp_path)
    monkeypatch.setenv("YUPTIME_PEERS", str(tmp_path / "mine"))
    for name in ("etcd", "kubectl", "helm"):
        _program(tmp_path / "mine" / "newest" / name)
    assets = tmp_path / "assets"
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(assets))
    monkeypatch.setenv("TEST_ASSET_ETCD", str(_program(tmp_path / "etcd-of-mine")))
    for name in ("etcd", "kube-apiserver", "helm"):
        _program(assets / name)

    assert find("etcd", Generation.NEWEST) == tmp_path / "etcd-of-mine"
    assert find("kube-apiserver", Generation.NEWEST) == assets / "kube-apiserver"
    assert find("kubectl", Generation.NEWEST) == tmp_path / "mine" / "newest" / "kubectl"
    assert find("helm", Generation.NEWEST) == tmp_path / "mine" / "newest" / "helm"


@pytest.mark.parametrize("program", ["etcd", "kube-apiserver", "kubectl", "helm"])
def test_a_missing_program_of_kubernetes_is_named_with_the_remedy(
    program: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    _without_peers(monkeypatch, tmp_path)
    monkeypatch.delenv("CI", raising=False)

    with pytest.raises(pytest.skip.Exception, match=f"{program} .* run `make peers`"):
        require(program, Generation.NEWEST)


def test_a_program_that_debian_renames_is_found_under_both_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    _without_peers(monkeypatch, tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert find("alertmanager", Generation.DEBIAN) is None
    upstream = _program(tmp_path / "alertmanager")
    assert find("alertmanager", Generation.DEBIAN) == upstream
    renamed = _program(tmp_path / "prometheus-alertmanager")
    assert find("alertmanager", Generation.DEBIAN) == renamed


def test_a_program_of_the_newest_generation_is_never_taken_from_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    _without_peers(monkeypatch, tmp_path)
    monkeypatch.setenv("PATH", str(_program(tmp_path / "prometheus").parent))

    assert find("prometheus", Generation.NEWEST) is None


@pytest.mark.parametrize("ci", ["", "true"], ids=["at home", "in CI"])
def test_a_program_that_needs_more_privileges_than_the_machine_gives_is_skipped_in_ci_too(
    ci: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("CI", ci)
    monkeypatch.setattr("os.geteuid", lambda: 65532)

    with pytest.raises(pytest.skip.Exception, match="expected root with CAP_SYS_ADMIN"):
        require("buildah", Generation.DEBIAN)


def test_a_missing_builder_of_images_is_named_with_the_remedy_and_never_taken_from_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    _without_peers(monkeypatch, tmp_path)
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setattr("tests.peers.programs.lacking_privilege", lambda _: "")
    monkeypatch.setenv("PATH", str(_program(tmp_path / "bin" / "buildah").parent))

    with pytest.raises(pytest.skip.Exception, match=r"buildah \(debian\) .* run `make peers`"):
        require("buildah", Generation.DEBIAN)


def test_a_changed_base_of_the_image_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    before = images_folder()
    dockerfile = tmp_path / "Dockerfile"
    dockerfile.write_text("FROM python:3.99 AS build\nFROM python:3.99-slim\n")
    monkeypatch.setattr("tests.peers.programs.DOCKERFILE", dockerfile)

    assert image_bases() == [f"docker.io/library/python:3.99{variant}" for variant in ("", "-slim")]
    assert images_folder().parent == before.parent
    assert images_folder() != before


def test_a_build_script_that_does_not_know_a_peer_says_so():
    build = CHECKOUT / "tests" / "peers" / "newest" / "build.sh"

    ended = subprocess.run([build, "nonesuch"], capture_output=True, text=True, check=False)

    assert ended.returncode != 0
    assert "nonesuch" in ended.stderr


def _without_peers(monkeypatch: pytest.MonkeyPatch, empty: Path) -> None:
    for name in ("YUPTIME_PEERS", ASSETS_FOLDER, *ASSET_OF.values()):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(empty / "no-cache"))


def _program(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path

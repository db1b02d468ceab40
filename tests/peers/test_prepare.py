import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.peers.prepare import DEBIAN_PROGRAMS, main
from tests.peers.programs import ASSET_OF, ASSETS_FOLDER, cache

CHECKOUT = Path(__file__).parents[2]

# A Go that builds an empty Helm, and counts its builds.
GO = """#!/bin/sh
case "$1 $2" in
  "version "*) echo go version go1.99.0 linux/amd64 ;;
  "list -m") echo v0.36.0 ;;
  "build "*)
    while [ "$1" != -o ]; do shift; done
    printf '#!/bin/sh\\n' >"$2/helm"
    chmod +x "$2/helm"
    echo built >>"$BUILDS" ;;
esac
"""


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with an empty cache, a shell, and nothing to build or fetch peers with."""
    for name in ("CI", "YUPTIME_PEERS", ASSETS_FOLDER, *ASSET_OF.values()):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("bash", "cp", "cut", "dirname", "grep", "mkdir", "mktemp", "mv", "nice", "rm"):
        folder.joinpath(name).symlink_to(shutil.which(name) or "")
    for name in ("sh", "chmod"):
        folder.joinpath(name).symlink_to(shutil.which(name) or "")
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    return folder


def save_program(path: Path, text: str = "#!/bin/sh\n") -> None:
    path.write_text(text)
    path.chmod(0o755)


def test_peers_that_are_on_path_are_ready_and_nothing_is_fetched(
    path: Path, capsys: pytest.CaptureFixture[str]
):
    for name in DEBIAN_PROGRAMS:
        save_program(path / name)

    assert main(["debian"]) == 0
    assert capsys.readouterr().err == "peers: ready: debian\n"
    assert not cache().exists()


@pytest.mark.peer  # starts a process
@pytest.mark.usefixtures("path")
@pytest.mark.parametrize(
    ("peer", "remedy", "cause"),
    [
        ("debian", "expected apt-get and access to Debian's packages", "apt-get and dpkg are"),
        ("helm", r"expected Go 1\.\d+\.\d+ or newer, or pip to fetch Go", "no go on PATH"),
    ],
)
@pytest.mark.parametrize(
    ("ci", "code", "effect"),
    [("", 0, "its tests are skipped"), ("true", 1, "a failure in CI")],
    ids=["at home", "in CI"],
)
def test_a_peer_that_cannot_be_had_is_skipped_with_its_remedy_and_fails_in_ci(
    *,
    peer: str,
    remedy: str,
    cause: str,
    ci: str,
    code: int,
    effect: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    monkeypatch.setenv("CI", ci)

    assert main([peer]) == code
    progress, outcome = capsys.readouterr().err.splitlines()
    assert progress.startswith(f"peers: {peer}: ")
    assert re.search(f"{peer}: not available, {effect}; {remedy}", outcome)
    log = Path(outcome.rpartition("log: ")[2])
    assert cause in log.read_text()


@pytest.mark.peer  # starts a process
@pytest.mark.usefixtures("path")
def test_a_failed_build_leaves_nothing_but_its_log_in_the_cache():
    main(["helm"])

    left = [path for path in cache().rglob("*") if path.is_file()]
    assert left == [cache() / "logs" / "helm.log"]
    assert not list(cache().rglob(".*"))


def test_a_peer_is_built_once_with_one_line_of_progress(
    path: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    save_program(path / "go", GO)
    monkeypatch.setenv("BUILDS", str(tmp_path / "builds"))

    assert main(["helm"]) == 0
    building, ready = capsys.readouterr().err.splitlines()
    assert building.startswith("peers: helm: building the newest release")
    assert ready == "peers: ready: helm"

    assert main(["helm"]) == 0
    assert capsys.readouterr().err == "peers: ready: helm\n"
    assert (tmp_path / "builds").read_text() == "built\n"


def test_a_peer_that_the_machine_does_not_allow_is_left_out_in_ci_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("CI", "true")
    monkeypatch.setattr("os.geteuid", lambda: 65532)

    assert main(["images"]) == 0
    said = capsys.readouterr().err
    assert said.startswith("peers: images: its tests are skipped on this machine; expected root")


def test_a_peer_with_an_unknown_name_is_an_error(capsys: pytest.CaptureFixture[str]):
    assert main(["nonesuch"]) == 2
    assert (
        "expected names of debian, chromium, images, wrk, backup, prometheus"
        in capsys.readouterr().err
    )


@pytest.mark.parametrize(
    ("target", "prepared"),
    [
        ("test", ["all"]),
        ("cov", ["all"]),
        ("check", ["debian prometheus"]),
        ("test-fast", []),
        ("run", []),
    ],
)
def test_a_make_target_prepares_only_the_peers_that_it_uses(target: str, prepared: list[str]):
    planned = subprocess.run(
        ["make", "--dry-run", target], cwd=CHECKOUT, capture_output=True, text=True, check=True
    )

    found = re.findall(r"-m tests\.peers\.prepare *(.*)", planned.stdout)
    assert [names or "all" for names in found] == prepared


def test_ci_runs_make_check_and_make_test_and_nothing_else():
    script = (CHECKOUT / ".ci" / "run").read_text()

    assert re.findall(r"^part (.+)$", script, re.MULTILINE) == ["make check", "make test"]

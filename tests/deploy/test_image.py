"""The Dockerfile: its instructions, and its steps without a builder of images."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.deploy.definition import CHECKOUT, DEPLOY
from tests.deploy.rendering import one, overlay

DOCKERFILE = DEPLOY / "Dockerfile"


def instructions() -> list[tuple[str, str]]:
    """Each instruction with its arguments, continued lines joined."""
    text = re.sub(r"^#.*\n", "", DOCKERFILE.read_text(), flags=re.MULTILINE)
    joined = re.sub(r"\s*\\\n\s*", " ", text)
    return [(line.split(" ", 1)[0], line.split(" ", 1)[1]) for line in joined.splitlines() if line]


def arguments(instruction: str) -> list[str]:
    return [said for name, said in instructions() if name == instruction]


def copied() -> list[str]:
    """The paths that are copied from the checkout."""
    return [
        path
        for said in arguments("COPY")
        if not said.startswith("--from=")
        for path in said.split()[:-1]
    ]


def test_both_stages_of_the_image_start_from_the_same_supported_python() -> None:
    bases = arguments("FROM")
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
    (base,) = {said.split()[0] for said in bases}
    found = re.fullmatch(r"python:(3\.\d+)-slim", base)

    assert len(bases) == 2
    assert bases[0].endswith(" AS build")
    assert found, "pinned to a minor version"
    assert tuple(map(int, found[1].split("."))) >= (3, 11)
    assert project["requires-python"] == ">=3.11"


def test_the_image_is_built_from_a_package_index_only() -> None:
    for said in arguments("RUN"):
        assert not re.search(r"\b(curl|wget|apt-get|git)\b", said), said
    assert arguments("ADD") == []
    assert "pip install ." in " ".join(arguments("RUN"))


def test_the_image_runs_as_a_numbered_user_who_owns_no_program() -> None:
    (user,) = arguments("USER")

    assert user == "65532:65532", "by number, or Kubernetes cannot tell that it is not root"
    order = [name for name, _ in instructions()]
    assert order.index("USER") > max(
        position for position, name in enumerate(order) if name in ("RUN", "COPY")
    ), "so that nothing of it is writable"


@pytest.mark.peer
def test_the_image_and_the_deployment_have_the_same_user() -> None:
    pod = one(overlay("cluster-wide"), "Deployment")["spec"]["template"]["spec"]
    context = pod["securityContext"]

    assert arguments("USER") == [f"{context['runAsUser']}:{context['runAsGroup']}"]


def test_the_image_starts_the_exporter_with_the_given_flags() -> None:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]

    assert arguments("ENTRYPOINT") == ['["/opt/yuptime/bin/yuptime-exporter"]']
    assert "yuptime-exporter" in project["scripts"]
    assert arguments("EXPOSE") == ["10091 10092"]
    assert arguments("STOPSIGNAL") == ["SIGTERM"]


def test_the_build_context_contains_exactly_the_copied_files() -> None:
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()
    let_in = {line.removeprefix("!") for line in ignored if line.startswith("!")}

    assert let_in == set(copied())
    assert "*" in ignored
    assert all((CHECKOUT / path).exists() for path in copied())


@pytest.mark.peer
@pytest.mark.timeout(600)  # installs all dependencies
def test_the_copied_files_can_be_installed_and_the_exporter_runs(tmp_path: Path) -> None:
    source = tmp_path / "src"
    source.mkdir()
    for path in copied():
        subprocess.run(["cp", "-r", CHECKOUT / path, source / path], check=True)
    bin_folder = tmp_path / "yuptime" / "bin"
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "yuptime"], check=True)
    subprocess.run(
        [bin_folder / "pip", "install", "--quiet", "--disable-pip-version-check", "."],
        cwd=source,
        check=True,
    )

    said = subprocess.run(
        [bin_folder / "yuptime-exporter", "--version"], capture_output=True, text=True, check=True
    )

    assert said.stdout.startswith("yuptime-exporter, version ")
    for name in ("pytest", "kubernetes_validate", "hypothesis"):
        assert not list((tmp_path / "yuptime" / "lib").glob(f"*/site-packages/{name}")), name

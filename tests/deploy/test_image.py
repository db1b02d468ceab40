"""The Dockerfile: its instructions, and its steps without a builder of images."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.compiled.prepare import require_compiler
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
    build, base = arguments("FROM")
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
    found = re.fullmatch(r"python:(3\.\d+)-slim", base)

    assert found, "pinned to a minor version"
    assert build == f"python:{found[1]} AS build", "the full image, which has a C compiler"
    assert tuple(map(int, found[1].split("."))) >= (3, 11)
    assert project["requires-python"] == ">=3.11"


def test_the_image_is_built_from_a_package_index_only() -> None:
    for said in arguments("RUN"):
        assert not re.search(r"\b(curl|wget|apt-get|git)\b", said), said
    assert arguments("ADD") == []
    (install,) = (
        said for said in arguments("RUN") if "install" in said and "pip" in said.split()[0]
    )
    assert install.endswith(" install --no-compile ."), "of the checkout and its dependencies only"


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


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    """An environment with the parts that slim.py treats differently, and a dependency."""
    save(
        tmp_path / "bin",
        {"python3.13": "", "yuptime": "", "yuptime-exporter": "", "activate": "", "idna": ""},
    )
    client = "kubernetes_asyncio/client"
    save(
        packages_of(tmp_path),
        {
            f"{client}/__init__.py": "from kubernetes_asyncio.client.api.apps_api import AppsApi\n"
            "from kubernetes_asyncio.client.models.v1_pod import V1Pod\n"
            "from kubernetes_asyncio.client.configuration import Configuration\n",
            f"{client}/configuration.py": "class Configuration: ...\n",
            f"{client}/api/__init__.py": "from kubernetes_asyncio.client.api.apps_api import AppsApi\n",
            f"{client}/api/apps_api.py": "class AppsApi: ...\n",
            f"{client}/models/__init__.py": "from kubernetes_asyncio.client.models.v1_pod import V1Pod\n",
            f"{client}/models/v1_pod.py": "class V1Pod: ...\n",
            "kubernetes_asyncio/__init__.py": "",
            "kubernetes_asyncio/config/kube_config_test.py": "import unittest\n",
            "dependency/__init__.py": "",
            "dependency/__init__.pyi": "",
            "dependency/__pycache__/__init__.cpython-313.pyc": "",
            "dependency-1.dist-info/METADATA": "",
            "dependency-1.dist-info/RECORD": "",
            "dependency-1.dist-info/licenses/LICENSE": "",
        },
    )
    return tmp_path


def packages_of(environment: Path) -> Path:
    return environment / "lib" / "python3.13" / "site-packages"


def save(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def slim(environment: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, DEPLOY / "image" / "slim.py", environment],
        capture_output=True,
        text=True,
        check=False,
    )


def test_slimming_keeps_the_modules_metadata_and_licences_of_dependencies(
    environment: Path,
) -> None:
    assert slim(environment).returncode == 0

    files = {
        str(path.relative_to(packages_of(environment)))
        for path in packages_of(environment).rglob("*")
        if path.is_file()
    }
    assert files == {
        "kubernetes_asyncio/__init__.py",
        "kubernetes_asyncio/client/__init__.py",
        "kubernetes_asyncio/client/configuration.py",
        "kubernetes_asyncio/client/api/__init__.py",
        "kubernetes_asyncio/client/models/__init__.py",
        "dependency/__init__.py",
        "dependency-1.dist-info/METADATA",
        "dependency-1.dist-info/licenses/LICENSE",
    }
    scripts = {path.name for path in (environment / "bin").iterdir()}
    assert scripts == {"python3.13", "yuptime", "yuptime-exporter"}


def test_a_package_that_lost_its_generated_classes_can_be_imported(environment: Path) -> None:
    slim(environment)

    subprocess.run(
        [
            sys.executable,
            "-c",
            "from kubernetes_asyncio.client import Configuration, api, models",
        ],
        env={"PYTHONPATH": str(packages_of(environment))},
        check=True,
    )


@pytest.mark.parametrize(
    ("statement", "removed"),
    [
        ("import kubernetes_asyncio.client.models.v1_pod", "client.models.v1_pod"),
        ("from kubernetes_asyncio.client.models import V1Pod", "client.models.V1Pod"),
        ("from kubernetes_asyncio.client import AppsApi", "client.AppsApi"),
        ("from kubernetes_asyncio.client.api.apps_api import AppsApi", "client.api.apps_api"),
        ("from kubernetes_asyncio.config import kube_config_test", "config.kube_config_test"),
        ("def late():\n    from kubernetes_asyncio.client import V1Pod", "client.V1Pod"),
    ],
)
def test_an_import_of_a_removed_module_fails_the_build_of_the_image(
    statement: str, removed: str, environment: Path
) -> None:
    save(packages_of(environment), {"yuptime_exporter/kubernetes/new.py": f"{statement}\n"})

    ended = slim(environment)

    line = 1 + statement.count("\n")
    assert ended.returncode == 1
    assert (
        f"yuptime_exporter/kubernetes/new.py:{line}: kubernetes_asyncio.{removed}" in ended.stderr
    )


def test_a_relative_import_of_a_removed_module_fails_the_build_of_the_image(
    environment: Path,
) -> None:
    file = "kubernetes_asyncio/client/rest.py"
    save(packages_of(environment), {file: "from .models.v1_pod import V1Pod\n"})

    ended = slim(environment)

    assert ended.returncode == 1
    assert f"{file}:1: kubernetes_asyncio.client.models.v1_pod" in ended.stderr


def test_a_library_that_no_longer_has_the_generated_classes_fails_the_build_of_the_image(
    environment: Path,
) -> None:
    init = packages_of(environment) / "kubernetes_asyncio" / "client" / "__init__.py"
    init.write_text("")

    ended = slim(environment)

    assert ended.returncode == 1
    assert "expected imports of generated classes, got none" in ended.stderr


@pytest.mark.peer
@pytest.mark.timeout(600)  # installs all dependencies, and compiles
def test_the_steps_of_the_build_give_an_exporter_that_runs_and_fail_if_a_module_is_missing(
    tmp_path: Path,
) -> None:
    require_compiler()
    source = tmp_path / "src"
    for path in copied():
        (source / path).parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["cp", "-r", CHECKOUT / path, source / path], check=True)
    steps = [said for said in arguments("RUN") if "/opt/" in said]
    (compiling,) = (pair for pair in arguments("ENV")[0].split() if pair.startswith("HATCH_"))
    search_path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"

    def run(step: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["sh", "-c", step.replace("/opt/", f"{tmp_path}/opt/")],
            cwd=source,
            env=os.environ
            | dict([compiling.split("=")])
            | {"PATH": search_path, "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
            capture_output=True,
            text=True,
            check=False,
        )

    for step in steps:
        built = run(step)
        assert built.returncode == 0, f"{step}\n{built.stdout}\n{built.stderr}"
    packages = tmp_path / "opt" / "yuptime" / "lib"
    (openid,) = packages.glob("*/site-packages/kubernetes_asyncio/config/openid.py")
    openid.unlink()
    broken = run(steps[-1].rpartition(" && ")[2])

    size_bytes = sum(path.lstat().st_size for path in packages.rglob("*"))
    assert size_bytes < 60_000_000
    assert broken.returncode != 0
    assert "kubernetes_asyncio.config.openid" in broken.stderr


@pytest.mark.peer  # starts processes
def test_an_exporter_that_is_not_compiled_fails_the_build_of_the_image() -> None:
    tried = subprocess.run(
        [sys.executable, "deploy/image/try_out.py", sys.prefix, "deploy/examples"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert tried.returncode == 1
    assert """expected metrics with b'compiled="true"'""" in tried.stderr

"""Where the programs of peers are.

`make test` puts them into a cache outside the checkout (see prepare.py). This file finds a program
in that cache. `python -m tests.peers.programs promtool` prints its paths.
"""

import hashlib
import os
import platform
import re
import shutil
import sys
from enum import StrEnum
from pathlib import Path

import pytest

NEWEST = Path(__file__).parent / "newest"

# Tests name a program as its own project does.
DEBIAN_NAMES = {
    "alertmanager": "prometheus-alertmanager",
    "pushgateway": "prometheus-pushgateway",
}
MODULE_OF = {  # the folder of newest/ that builds a program
    "prometheus": "prometheus",
    "promtool": "prometheus",
    "alertmanager": "alertmanager",
    "amtool": "alertmanager",
    "kube-apiserver": "kubernetes",
    "kubectl": "kubernetes",
    "etcd": "kubernetes",
    "helm": "helm",
    "victoria-metrics": "victoriametrics",
    "vmalert": "victoriametrics",
    "vmalert-tool": "victoriametrics",
    "pushgateway": "pushgateway",
}

# The variables of envtest: a directory, or a file for each program.
ASSETS_FOLDER = "KUBEBUILDER_ASSETS"
ASSET_OF = {
    "kube-apiserver": "TEST_ASSET_KUBE_APISERVER",
    "kubectl": "TEST_ASSET_KUBECTL",
    "etcd": "TEST_ASSET_ETCD",
}

# Programs that change the root directory and mount, which a machine may not allow.
PRIVILEGED = ("buildah",)
DOCKERFILE = Path(__file__).parents[2] / "deploy" / "Dockerfile"
_CAP_SYS_ADMIN = 21  # linux/capability.h


class Generation(StrEnum):
    """An age of peers. The exporter works with both, and so with the releases between them."""

    DEBIAN = "debian"
    """The release of Debian stable: years old, and widely used."""
    NEWEST = "newest"
    """The newest release, built from its Go module."""


def find(program: str, generation: Generation) -> Path | None:
    """Return the program of that generation, or None if this machine lacks the program.

    Places in their order: the variables of envtest, `$YUPTIME_PEERS/<generation>/<program>`, the
    cache, and for Debian's generation PATH.
    """
    if asset := os.environ.get(ASSET_OF.get(program, "")):
        return Path(asset)
    names = [DEBIAN_NAMES[program], program] if program in DEBIAN_NAMES else [program]
    for folder in _folders(program, generation):
        for name in names:
            if found := shutil.which(name, path=folder):
                return Path(found)
    return None


def require(program: str, generation: Generation) -> Path:
    """Return the program of that generation; if missing, skip the test, or fail it if CI=true.

    A program that this machine does not allow is skipped in CI, too.
    """
    if lack := lacking_privilege(program):
        pytest.skip(f"{program} cannot run on this machine: {lack}")
    if found := find(program, generation):
        return found
    message = f"{program} ({generation}) is missing: run `make peers`, which says why"
    if in_ci():
        pytest.fail(message, pytrace=False)
    pytest.skip(message)


def lacking_privilege(program: str) -> str:
    """Return the privilege that this machine would have to give to a program, or nothing."""
    if program not in PRIVILEGED:
        return ""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return "expected Linux with /proc"
    (effective,) = re.findall(r"^CapEff:\s*(\w+)$", status, re.MULTILINE)
    if os.geteuid() == 0 and int(effective, 16) >> _CAP_SYS_ADMIN & 1:
        return ""
    return "expected root with CAP_SYS_ADMIN, such as a virtual machine or a privileged container"


def image_bases() -> list[str]:
    """Return the full names of the images that the Dockerfile builds on."""
    bases = re.findall(r"^FROM (\S+)", DOCKERFILE.read_text(), re.MULTILINE)
    return [f"docker.io/library/{base}" for base in bases]


def images_folder() -> Path:
    """Return the folder of buildah and the bases; a changed recipe or base has another folder."""
    recipe = "".join([(Path(__file__).parent / "images.sh").read_text(), *image_bases()])
    return cache() / "images" / f"{_codename()}-{_hash(recipe.encode())}"


def wrk_folder() -> Path:
    """Return the folder of wrk and its library."""
    return cache() / "wrk" / _codename()


def backup_folder() -> Path:
    """Return the folder of borg, and of the Python programs that report to other monitors."""
    return cache() / "backup" / _codename()


def in_ci() -> bool:
    """Whether CI runs the tests, where a missing peer is a failure."""
    return os.environ.get("CI") == "true"


def cache() -> Path:
    """Return the folder outside the checkout that keeps the programs."""
    # An empty XDG_CACHE_HOME counts as unset, as its specification says.
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "yuptime-exporter" / "peers"


def _folders(program: str, generation: Generation) -> list[str]:
    folders: list[Path | str] = []
    if program in ASSET_OF and (assets := os.environ.get(ASSETS_FOLDER)):
        folders.append(assets)
    if override := os.environ.get("YUPTIME_PEERS"):
        folders.append(Path(override) / generation)
    if program == "buildah":  # one from PATH would not find the base
        folders.append(images_folder() / "bin")
    elif program in ("borg", "borgmatic", "python-with-decorator"):
        folders.append(backup_folder() / "bin")
    elif program == "wrk":
        folders += [wrk_folder() / "bin", os.environ.get("PATH", os.defpath)]
    elif generation is Generation.DEBIAN:
        folders.append(cache() / "debian" / _codename() / "usr" / "bin")
        folders.append(os.environ.get("PATH", os.defpath))
    elif module := MODULE_OF.get(program):
        folders.append(cache() / "newest" / f"{module}-{_key(module)}")
    return [str(folder) for folder in folders]


def _codename() -> str:
    try:
        return platform.freedesktop_os_release().get("VERSION_CODENAME", "unknown")
    except OSError:  # not a Linux with /etc/os-release
        return "unknown"


def _key(module: str) -> str:
    """Return the name under which newest/build.sh keeps a build; each go.mod has its own."""
    return _hash((NEWEST / module / "go.mod").read_bytes())


def _hash(recipe: bytes) -> str:
    return hashlib.sha256(recipe).hexdigest()[:12]


if __name__ == "__main__":
    for each in Generation:
        if path := find(sys.argv[1], each):
            sys.stdout.write(f"{path}\n")

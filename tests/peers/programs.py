"""Where the peers' programs are.

`make peers` puts them into a cache outside the checkout (debian.sh, newest/build.sh); this file
knows where in that cache a program is. `python -m tests.peers.programs promtool` prints its paths.
"""

import hashlib
import os
import platform
import shutil
import sys
from enum import StrEnum
from pathlib import Path

import pytest

NEWEST = Path(__file__).parent / "newest"

# Programs are asked for by the name that their own project gives them.
DEBIAN_NAMES = {
    "alertmanager": "prometheus-alertmanager",
    "pushgateway": "prometheus-pushgateway",
}
MODULE_OF = {  # which folder of newest/ builds a program
    "prometheus": "prometheus",
    "promtool": "prometheus",
    "alertmanager": "alertmanager",
    "amtool": "alertmanager",
    "kube-apiserver": "kubernetes",
    "kubectl": "kubernetes",
    "etcd": "kubernetes",
    "helm": "helm",
}

# Where tests that are based on envtest look, too: one directory, or one file for each program.
ASSETS_FOLDER = "KUBEBUILDER_ASSETS"
ASSET_OF = {
    "kube-apiserver": "TEST_ASSET_KUBE_APISERVER",
    "kubectl": "TEST_ASSET_KUBECTL",
    "etcd": "TEST_ASSET_ETCD",
}


class Generation(StrEnum):
    """An age of peers. What works with both works with what lies between them."""

    DEBIAN = "debian"
    """What a stable distribution ships: years old, and widely run."""
    NEWEST = "newest"
    """The newest release, built from its Go module."""


def find(program: str, generation: Generation) -> Path | None:
    """The program of that generation, or None if it is not on this machine.

    The first of: what the variables of envtest name, `$YUPTIME_PEERS/<generation>/<program>`, the
    cache that `make peers` fills, and for Debian's generation also PATH.
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
    """The program of that generation; without it the test is skipped, or in CI it fails."""
    if found := find(program, generation):
        return found
    message = f"{program} ({generation}) is not there: run `make peers`"
    if os.environ.get("CI") == "true":
        pytest.fail(message, pytrace=False)
    pytest.skip(message)


def _folders(program: str, generation: Generation) -> list[str]:
    folders: list[Path | str] = []
    if program in ASSET_OF and (assets := os.environ.get(ASSETS_FOLDER)):
        folders.append(assets)
    if override := os.environ.get("YUPTIME_PEERS"):
        folders.append(Path(override) / generation)
    if generation is Generation.DEBIAN:
        folders.append(_cache() / "debian" / _codename() / "usr" / "bin")
        folders.append(os.environ.get("PATH", os.defpath))
    elif module := MODULE_OF.get(program):
        folders.append(_cache() / "newest" / f"{module}-{_key(module)}")
    return [str(folder) for folder in folders]


def _cache() -> Path:
    # An empty XDG_CACHE_HOME counts as unset, as its specification says.
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "yuptime-exporter" / "peers"


def _codename() -> str:
    try:
        return platform.freedesktop_os_release().get("VERSION_CODENAME", "unknown")
    except OSError:  # not a Linux with /etc/os-release
        return "unknown"


def _key(module: str) -> str:
    """What newest/build.sh names a build after: a changed go.mod is another build."""
    return hashlib.sha256((NEWEST / module / "go.mod").read_bytes()).hexdigest()[:12]


if __name__ == "__main__":
    for each in Generation:
        if path := find(sys.argv[1], each):
            sys.stdout.write(f"{path}\n")

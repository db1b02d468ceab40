"""Fetch and build the peers that are missing, with one line of progress for each.

    python -m tests.peers.prepare                    all peers, as `make test` runs it
    python -m tests.peers.prepare debian prometheus  only these

A peer that cannot be had is no error outside CI: the line says the remedy, and the tests of that
peer are skipped. With CI=true the exit code is 1.
"""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.peers.programs import (
    MODULE_OF,
    NEWEST,
    Generation,
    backup_folder,
    cache,
    find,
    image_bases,
    images_folder,
    in_ci,
    lacking_privilege,
    wrk_folder,
)

DEBIAN = "debian"
IMAGES = "images"
CHROMIUM = "chromium"
WRK = "wrk"
BACKUP = "backup"
DEBIAN_PROGRAMS = ("prometheus", "promtool", "alertmanager", "amtool", "pushgateway")


@dataclass(frozen=True, slots=True)
class Peer:
    """Programs that are fetched or built together.

    Attributes:
        programs: by the name of their own project.
        command: fetches or builds them into the cache.
        action: of the command, for the line of progress.
        needs: of the command, for the remedy.
    """

    name: str
    generation: Generation
    programs: tuple[str, ...]
    command: tuple[str | Path, ...]
    action: str
    needs: str

    def is_ready(self) -> bool:
        """Whether every program is found."""
        return all(find(program, self.generation) for program in self.programs)

    def lacking_privilege(self) -> str:
        """Return the privilege that this machine would have to give, or nothing."""
        return next(filter(None, map(lacking_privilege, self.programs)), "")


def peers() -> dict[str, Peer]:
    """Return all peers by name."""
    return {
        DEBIAN: _debian(),
        CHROMIUM: _chromium(),
        IMAGES: _images(),
        WRK: _wrk(),
        BACKUP: _backup(),
    } | {module: _newest(module) for module in _modules()}


def prepare(peer: Peer, say: Callable[[str], None]) -> bool:
    """Fetch or build a peer that is not ready; return whether it is ready now."""
    log = cache() / "logs" / f"{peer.name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    say(f"{peer.name}: {peer.action} ...")
    with log.open("wb") as output:
        ended = subprocess.run(
            peer.command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={**os.environ, "PYTHON": sys.executable},
            check=False,
        )
    if ended.returncode == 0 and peer.is_ready():
        return True
    effect = "a failure in CI" if in_ci() else "its tests are skipped"
    say(f"{peer.name}: not available, {effect}; expected {peer.needs}; log: {log}")
    return False


def main(names: Sequence[str]) -> int:
    """Prepare the named peers, or all; return the exit code."""
    known = peers()
    if unknown := set(names) - set(known):
        _say(f"expected names of {', '.join(known)}, got {', '.join(sorted(unknown))}")
        return 2
    wanted = [known[name] for name in names or known]
    for peer in [peer for peer in wanted if peer.lacking_privilege()]:
        _say(f"{peer.name}: its tests are skipped on this machine; {peer.lacking_privilege()}")
        wanted.remove(peer)
    missing = [peer for peer in wanted if not peer.is_ready()]
    unavailable = [peer.name for peer in missing if not prepare(peer, _say)]
    if ready := [peer.name for peer in wanted if peer.name not in unavailable]:
        _say(f"ready: {', '.join(ready)}")
    return 1 if unavailable and in_ci() else 0


def _debian() -> Peer:
    return Peer(
        name=DEBIAN,
        generation=Generation.DEBIAN,
        programs=DEBIAN_PROGRAMS,
        command=(NEWEST.parent / "debian.sh",),
        action="fetching Debian's Prometheus, Alertmanager and Pushgateway",
        needs=f"apt-get and access to Debian's packages, or {', '.join(DEBIAN_PROGRAMS)} on PATH",
    )


def _chromium() -> Peer:
    return Peer(
        name=CHROMIUM,
        generation=Generation.DEBIAN,
        programs=("chromium",),
        command=(NEWEST.parent / "chromium.sh",),
        action="installing Debian's Chromium",
        needs="chromium on PATH, or root with apt-get and access to Debian's packages",
    )


def _images() -> Peer:
    return Peer(
        name=IMAGES,
        generation=Generation.DEBIAN,
        programs=("buildah",),
        command=(NEWEST.parent / "images.sh", images_folder(), *image_bases()),
        action="fetching buildah and making a base for images, which takes minutes the first time",
        needs="apt-get, and access to Debian's packages",
    )


def _wrk() -> Peer:
    return Peer(
        name=WRK,
        generation=Generation.DEBIAN,
        programs=("wrk",),
        command=(NEWEST.parent / "wrk.sh", wrk_folder()),
        action="fetching the load generator of the benchmarks",
        needs="apt-get and access to Debian's packages, or wrk on PATH",
    )


def _backup() -> Peer:
    return Peer(
        name=BACKUP,
        generation=Generation.DEBIAN,
        programs=("borg", "borgmatic", "python-with-decorator"),
        command=(NEWEST.parent / "backup.sh", backup_folder()),
        action="fetching borg, borgmatic and healthchecks-decorator",
        needs="apt-get and access to the packages of Debian and Python",
    )


def _newest(module: str) -> Peer:
    go = re.findall(r"^go (\S+)$", (NEWEST / module / "go.mod").read_text(), re.MULTILINE)[0]
    return Peer(
        name=module,
        generation=Generation.NEWEST,
        programs=tuple(program for program, owner in MODULE_OF.items() if owner == module),
        command=(NEWEST / "build.sh", module),
        action="building the newest release, which takes minutes the first time",
        needs=f"Go {go} or newer, or pip to fetch Go, and access to Go modules",
    )


def _modules() -> list[str]:
    return list(dict.fromkeys(MODULE_OF.values()))


def _say(line: str) -> None:
    sys.stderr.write(f"peers: {line}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

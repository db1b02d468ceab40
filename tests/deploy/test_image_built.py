"""The image: built from deploy/Dockerfile by buildah, and run.

One test, since parallel runs of tests would build the image once for each of them.
"""

import os
import signal
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.exporters import Home, Process, exporter_process, series
from tests.peers.images import Builder, Container, container_of, image_builder
from tests.peers.running import output_of
from yuptime_exporter import __version__

pytestmark = [pytest.mark.peer, pytest.mark.timeout(900)]  # the build installs all dependencies

IMAGE = "localhost/yuptime-exporter"
EXPORTER = "/opt/yuptime/bin/yuptime-exporter"
VOLUME = "/var/lib/yuptime"
USER = 65532
SIZE_LIMIT_BYTES = 60_000_000


@pytest.fixture
def builder(tmp_path: Path) -> Iterator[Builder]:
    with image_builder(tmp_path / "buildah") as builder:
        builder.build(IMAGE)
        yield builder


@pytest.fixture
def container(builder: Builder) -> Iterator[Container]:
    with container_of(IMAGE, builder) as container:
        # buildah 1.28 mounts its own folder and that of the test on a VOLUME, in random order.
        builder.output_of("config", f"--volume={VOLUME}-", container.name)
        yield container


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Manifests, and a volume that only the user of the image may write."""
    home = Home(tmp_path, database_folder=Path(VOLUME))
    home.furnish()
    volume = tmp_path / "volume"
    volume.mkdir(mode=0o700)
    os.chown(volume, USER, USER)
    return home


def in_container(container: Container, home: Home, *arguments: str) -> list[str | Path]:
    volumes = {home.folder / "volume": VOLUME, home.manifests: f"{home.manifests}:ro"}
    return container.command(*arguments, volumes=volumes)


def files_of(root: Path) -> dict[str, tuple[int, int, int]]:
    """Return mode, size in bytes and moment of change of every file by its path."""
    found = {}
    for folder, folders, files in os.walk(root):
        for name in (*folders, *files):
            status = Path(folder, name).lstat()
            # Mounting changes the times of folders.
            changed = 0 if stat.S_ISDIR(status.st_mode) else status.st_mtime_ns
            path = str(Path(folder, name).relative_to(root))
            found[path] = (status.st_mode, status.st_size, changed)
    return found


def exporter_of(process_id: int) -> tuple[int, int]:
    """Return process ID and user ID of the exporter, the innermost process below buildah's."""
    threads = Path(f"/proc/{process_id}/task").glob("*/children")  # each thread lists its own
    children = [child for thread in threads for child in thread.read_text().split()]
    if children:
        (child,) = children
        return exporter_of(int(child))
    assert EXPORTER in Path(f"/proc/{process_id}/cmdline").read_text().split("\0")
    return process_id, Path(f"/proc/{process_id}").stat().st_uid


async def stop(process: Process) -> int:
    """Send SIGTERM to the exporter, as Kubernetes does; return its exit code."""
    os.kill(exporter_of(process.process.pid)[0], signal.SIGTERM)
    return await process.process.wait()


def assert_small_and_owned_by_root(root: Path) -> None:
    files = files_of(root / "opt" / "yuptime")
    assert sum(size for _, size, _ in files.values()) < SIZE_LIMIT_BYTES
    for name in ("pip", "setuptools", "hatchling", "pytest"):
        assert not list(root.glob(f"opt/yuptime/lib/*/site-packages/{name}*")), name

    owned = [path.relative_to(root) for path in root.rglob("*") if path.lstat().st_uid == USER]
    assert owned == [Path(VOLUME).relative_to("/")]


async def test_the_image_is_small_and_its_exporter_stores_pushes_in_its_volume_and_writes_nothing_else(
    container: Container, home: Home
) -> None:
    assert_small_and_owned_by_root(container.root)

    # The first run also makes the mount points.
    version = await output_of(*in_container(container, home, EXPORTER, "--version"))
    assert version.startswith(f"yuptime-exporter, version {__version__}\n")

    before = files_of(container.root)
    program = in_container(container, home, EXPORTER)
    async with exporter_process(home, program=program) as first:
        pushed = await first.push()
        received = (await first.samples())[series("last_push_timestamp_seconds")]
        assert exporter_of(first.process.pid)[1] == USER
        assert await stop(first) == 0

    async with exporter_process(home, program=program) as second:
        stored = (await second.samples())[series("last_push_timestamp_seconds")]
        assert await stop(second) == 0

    assert pushed.status == 200
    assert stored == received
    assert {path.name for path in (home.folder / "volume").iterdir()} == {"yuptime.db"}
    assert files_of(container.root) == before

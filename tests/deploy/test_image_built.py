"""The image: built from deploy/Dockerfile by buildah, and run."""

import asyncio
import os
import signal
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.exporters import Home, Process, exporter_process, series
from tests.peers.images import Builder, Container, container_of, image_builder
from yuptime_exporter import __version__

pytestmark = [pytest.mark.peer, pytest.mark.timeout(900)]  # the build installs all dependencies

IMAGE = "localhost/yuptime-exporter"
EXPORTER = "/opt/yuptime/bin/yuptime-exporter"
VOLUME = "/var/lib/yuptime"
USER = 65532
SIZE_LIMIT_BYTES = 60_000_000


@pytest.fixture(scope="module")
def builder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Builder]:
    with image_builder(tmp_path_factory.mktemp("images") / "buildah") as builder:
        builder.build(IMAGE)
        yield builder


@pytest.fixture(scope="module")
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


def test_the_image_holds_less_than_60_mb_of_the_exporter_and_its_dependencies(
    container: Container,
) -> None:
    files = files_of(container.root / "opt" / "yuptime")

    assert sum(size for _, size, _ in files.values()) < SIZE_LIMIT_BYTES
    for name in ("pip", "setuptools", "hatchling", "pytest"):
        assert not list(container.root.glob(f"opt/yuptime/lib/*/site-packages/{name}*")), name


def test_only_the_volume_of_the_image_is_writable_for_its_user(container: Container) -> None:
    owned = [
        path.relative_to(container.root)
        for path in container.root.rglob("*")
        if path.lstat().st_uid == USER
    ]

    assert owned == [Path(VOLUME).relative_to("/")]


def test_the_image_has_the_version_of_the_checkout(container: Container) -> None:
    said = subprocess.run(
        container.command(EXPORTER, "--version", volumes={}),
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert said.splitlines()[0] == f"yuptime-exporter, version {__version__}"


async def test_an_exporter_of_the_image_stores_pushes_in_its_volume_and_writes_nothing_else(
    container: Container, home: Home
) -> None:
    version = in_container(container, home, EXPORTER, "--version")
    await asyncio.to_thread(subprocess.run, version, check=True)  # makes the mount points
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

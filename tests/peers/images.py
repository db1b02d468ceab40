"""Images, built and run without a daemon.

buildah runs commands with chroot: the processes of a container are processes of this machine, with
its network.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.peers.programs import DOCKERFILE, Generation, require

CHECKOUT = DOCKERFILE.parents[1]
PIP_SETTING = re.compile(
    r"^(?:global|install|:env:)\.(?P<key>[\w-]+)='(?P<value>.*)'$", re.MULTILINE
)
PIP_KEYS = ("index-url", "extra-index-url", "trusted-host", "proxy", "cert")


@dataclass(frozen=True, slots=True)
class Builder:
    """buildah with a storage of its own, and the base of the exporter's image."""

    buildah: Path
    folder: Path

    def command(self, *arguments: str | Path) -> list[str | Path]:
        """Return a command of buildah in this storage."""
        storage = (f"--root={self.folder}/storage", f"--runroot={self.folder}/run")
        return [self.buildah, *storage, *arguments]

    def output_of(self, *arguments: str | Path) -> str:
        """Run a command of buildah; return its output without the last newline."""
        ended = subprocess.run(
            self.command(*arguments),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            env=os.environ | {"TMPDIR": str(self.folder)},
            check=False,
        )
        assert ended.returncode == 0, f"{ended.stdout}\n{ended.stderr}"
        return ended.stdout.strip()

    def build(self, image: str) -> None:
        """Build deploy/Dockerfile as the documents say, with this machine's way to packages."""
        configuration, certificates = self._pip()
        mounts = {configuration: Path("/etc/pip.conf")} | {path: path for path in certificates}
        self.output_of(
            "bud",
            "--pull=never",
            f"--ignorefile={DOCKERFILE}.dockerignore",
            *(f"--volume={path}:{inside}:ro" for path, inside in mounts.items()),
            f"--file={DOCKERFILE}",
            f"--tag={image}",
            CHECKOUT,
        )

    def _pip(self) -> tuple[Path, list[Path]]:
        """Write pip's settings of this machine; return the file, and the files that it names."""
        listed = subprocess.run(
            [sys.executable, "-m", "pip", "config", "list"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        settings = {
            match["key"]: match["value"]
            for match in PIP_SETTING.finditer(listed)  # those of the environment are last
            if match["key"] in PIP_KEYS
        }
        configuration = self.folder / "pip.conf"
        configuration.write_text(
            "".join(["[global]\n", *(f"{key} = {value}\n" for key, value in settings.items())])
        )
        return configuration, [Path(settings["cert"])] if "cert" in settings else []


@dataclass(frozen=True, slots=True)
class Container:
    """A container of an image.

    Attributes:
        root: its root folder on this machine.
    """

    name: str
    root: Path
    builder: Builder

    def command(self, *arguments: str | Path, volumes: dict[Path, str]) -> list[str | Path]:
        """Return a command that runs in the container, as the user of the image."""
        mounts = (f"--volume={path}:{inside}" for path, inside in volumes.items())
        return self.builder.command("run", *mounts, self.name, "--", *arguments)


@contextmanager
def image_builder(folder: Path) -> Iterator[Builder]:
    """Give a builder whose images are removed at the end of the block."""
    buildah = require("buildah", Generation.DEBIAN)
    folder.mkdir(parents=True)
    try:
        yield Builder(buildah, folder)
    finally:
        shutil.rmtree(folder)


@contextmanager
def container_of(image: str, builder: Builder) -> Iterator[Container]:
    """Give a container of an image, and remove it at the end of the block."""
    name = builder.output_of("from", "--pull=never", image)
    try:
        yield Container(name, Path(builder.output_of("mount", name)), builder)
    finally:
        builder.output_of("rm", name)

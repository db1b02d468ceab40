"""Manifest files: found, read, and kept as they were while they are broken.

These functions block: from an event loop, call them in a thread.
"""

import os
import stat
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

from yuptime_exporter.core.declared import Problem
from yuptime_exporter.resource.defaults import NO_DEFAULTS, Defaults
from yuptime_exporter.resource.objects import Declared
from yuptime_exporter.resource.text import printable
from yuptime_exporter.sources.manifests.documents import MAX_FILE_BYTES
from yuptime_exporter.sources.manifests.manifest import Manifest, ManifestReader
from yuptime_exporter.sources.manifests.objects import Objects, found_in_file

SUFFIXES = (".yaml", ".yml", ".json")


@dataclass(frozen=True, slots=True)
class ManifestFile:
    """One file, read.

    Attributes:
        path: as it was found, below a given path.
        world_readable: whether every user of the machine can read the file.
        kept: the objects of a broken file from before it broke, unless they are declared now.
    """

    path: str
    manifest: Manifest
    world_readable: bool = False
    kept: Objects = field(default_factory=Objects)


@dataclass(frozen=True, slots=True)
class Look:
    """All files below the given paths, at one moment.

    Attributes:
        files: in the order of their paths.
        problems: of paths that cannot be read, by path.
        directories: identities of the directories to watch for changes, by path.
    """

    files: tuple[ManifestFile, ...]
    problems: Mapping[str, Problem]
    directories: Mapping[str, "Identity"]


class Identity(NamedTuple):
    """The identity of a file or directory; no other has it at the same time."""

    device: int
    inode: int


class Version(NamedTuple):
    """The version of a file: it changes with the content."""

    identity: Identity
    size_bytes: int
    modified_ns: int
    changed_ns: int


_NO_VERSION = Version(Identity(-1, -1), -1, -1, -1)


class ManifestFiles:
    """The files below some paths; each is parsed again only after it changed."""

    def __init__(
        self, paths: Sequence[Path], *, defaults: Callable[[], Defaults] = lambda: NO_DEFAULTS
    ) -> None:
        """Read nothing yet.

        Args:
            paths: files and directories.
            defaults: gives the fields of `spec` for each Monitor that does not have them.
        """
        self._defaults = defaults
        self._read_with: Defaults = NO_DEFAULTS
        self._reader = ManifestReader()
        self._paths = tuple(str(path) for path in paths)
        self._read: dict[str, tuple[Version, ManifestFile]] = {}
        self.parsed_total = 0

    def look(self) -> Look:
        """Find all files and read those that changed since the last look.

        A known file that cannot be found or read because of a problem is kept as it was.
        """
        found = _Listing()
        for path in self._paths:
            found.add_given(path)
        defaults = self._defaults()
        if defaults != self._read_with:  # every file has to be read again
            self._read_with, self._reader = defaults, ManifestReader(defaults)
            self._read = {path: (_NO_VERSION, file) for path, (_, file) in self._read.items()}
        for path in sorted(found.versions):
            self._read_if_changed(path, found)
        self._forget_all_but(found)
        return Look(
            files=tuple(self._read[path][1] for path in sorted(self._read)),
            problems=found.problems,
            directories=found.directories,
        )

    def keep(self, files: Iterable[ManifestFile]) -> None:
        """Keep files with the tokens of their monitors in place of those that were read.

        So each monitor is in memory once, and is the identical object until it changes.
        """
        for file in files:
            version, _ = self._read[file.path]
            self._read[file.path] = (version, file)

    def _read_if_changed(self, path: str, found: "_Listing") -> None:
        before = self._read.get(path)
        if before and before[0] == found.versions[path]:
            return
        try:
            status, data = _content(path)
        except FileNotFoundError:
            del found.versions[path]  # removed after it was listed
            return
        except OSError as error:
            found.note(path, error)
            return
        self.parsed_total += 1
        world_readable = bool(status.st_mode & stat.S_IROTH)
        file = ManifestFile(path, self._reader.read(data, path), world_readable)
        self._read[path] = (_version(status), _keeping(before[1] if before else None, file))

    def _forget_all_but(self, found: "_Listing") -> None:
        for path in self._read.keys() - found.versions.keys():
            if not found.is_lost(path):
                del self._read[path]


@dataclass(slots=True)
class _Listing:
    """The files and directories below the given paths, each once."""

    versions: dict[str, Version] = field(default_factory=dict)
    directories: dict[str, Identity] = field(default_factory=dict)
    problems: dict[str, Problem] = field(default_factory=dict)
    seen: set[Identity] = field(default_factory=set)

    def add_given(self, path: str) -> None:
        try:
            status = Path(path).stat()
            if Path(path).is_symlink() or not stat.S_ISDIR(status.st_mode):
                # A replacement of the file is seen as a change of its directory.
                parent = str(Path(path).parent)
                self.directories[parent] = _identity(Path(parent).stat())
        except OSError as error:
            self.note(path, error)
            return
        if stat.S_ISDIR(status.st_mode):
            self._add_directories(path, status)
        elif stat.S_ISREG(status.st_mode):
            self._add_file(path, status)
        else:
            text = "expected a file or a directory, got something else, such as a device"
            self.problems[path] = Problem(printable(path), "", text)

    def note(self, path: str, error: OSError) -> None:
        """Store why a path, and everything below it, cannot be read."""
        text = f"cannot be read: {error.strerror or error}"
        self.problems[path] = Problem(printable(path), "", text)

    def is_lost(self, path: str) -> bool:
        """Return whether the path may still exist below a path that cannot be read."""
        return path in self.problems or any(
            str(parent) in self.problems for parent in Path(path).parents
        )

    def _add_directories(self, top: str, status: os.stat_result) -> None:
        waiting = [(top, status)]
        while waiting:
            path, status = waiting.pop()
            if self._is_seen(status):
                continue  # reached again through a symlink
            self.directories[path] = _identity(status)
            below = []
            for entry in self._entries(path):
                found = self._status(entry)
                if found is None:
                    continue
                if stat.S_ISDIR(found.st_mode):
                    below.append((entry.path, found))
                elif stat.S_ISREG(found.st_mode) and entry.name.endswith(SUFFIXES):
                    self._add_file(entry.path, found)
            waiting += reversed(below)

    def _entries(self, path: str) -> list["os.DirEntry[str]"]:
        try:
            with os.scandir(path) as entries:
                # Hidden are the `..data` of the kubelet, drafts of editors, and .git.
                shown = [entry for entry in entries if not entry.name.startswith(".")]
        except OSError as error:
            self.note(path, error)
            return []
        return sorted(shown, key=lambda entry: entry.name)

    def _status(self, entry: "os.DirEntry[str]") -> os.stat_result | None:
        try:
            return entry.stat()
        except OSError as error:
            if entry.is_symlink() or not isinstance(error, FileNotFoundError):
                self.note(entry.path, error)
            return None

    def _add_file(self, path: str, status: os.stat_result) -> None:
        if not self._is_seen(status):
            self.versions[path] = _version(status)

    def _is_seen(self, status: os.stat_result) -> bool:
        identity = _identity(status)
        if identity in self.seen:
            return True
        self.seen.add(identity)
        return False


def _identity(status: os.stat_result) -> Identity:
    return Identity(status.st_dev, status.st_ino)


def _version(status: os.stat_result) -> Version:
    return Version(_identity(status), status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def _content(path: str) -> tuple[os.stat_result, bytes]:
    # O_NONBLOCK: opening a FIFO that replaced the file must not block.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        # The status comes before the content: a change during the read makes the version old.
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise FileNotFoundError(path)
        return status, file.read(MAX_FILE_BYTES + 1)


def _counted(objects: Sequence[Declared]) -> str:
    return f"{len(objects)} objects" if len(objects) > 1 else "1 object"


def _keeping(before: ManifestFile | None, now: ManifestFile) -> ManifestFile:
    """Return the file; if it has problems, together with its earlier objects that are missing."""
    if before is None:
        return now
    held_before = (*before.manifest.declared, *before.kept)
    if held_before and now.manifest.is_empty:
        text = (
            f"the file became empty; its {_counted(held_before)} stay active as before: "
            "remove the file to remove them"
        )
        now = replace(now, manifest=Manifest(problems=(Problem(printable(now.path), "", text),)))
    if not now.manifest.problems:
        return now
    held_now = {declared.key for declared in now.manifest.declared}
    kept = [declared for declared in held_before if declared.key not in held_now]
    return replace(now, kept=Objects.of(printable(now.path), map(found_in_file, kept)))

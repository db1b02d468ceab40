"""Manifest files: which there are, what each says now, and what each said while it was good.

Plain synchronous functions over paths; whoever calls them from an event loop uses a thread.
"""

import os
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

from yuptime_exporter.core.model import Problem
from yuptime_exporter.resource.objects import Declared
from yuptime_exporter.resource.text import printable
from yuptime_exporter.sources.manifests.documents import MAX_FILE_BYTES
from yuptime_exporter.sources.manifests.manifest import Manifest, read_manifest

SUFFIXES = (".yaml", ".yml", ".json")


@dataclass(frozen=True, slots=True)
class ManifestFile:
    """One file, read.

    Attributes:
        path: as it was found, which is below the path that was given.
        world_readable: whether every user of the machine may read it.
        kept: objects that the file no longer declares validly, from before it broke.
    """

    path: str
    manifest: Manifest
    world_readable: bool = False
    kept: tuple[Declared, ...] = ()


@dataclass(frozen=True, slots=True)
class Look:
    """All that was found in one look.

    Attributes:
        files: in the order of their paths.
        problems: of paths that could not be looked at, by path.
        directories: identities of the directories whose changes matter, by path.
    """

    files: tuple[ManifestFile, ...]
    problems: Mapping[str, Problem]
    directories: Mapping[str, "Identity"]


class Identity(NamedTuple):
    """What tells one file or directory from all others while it exists."""

    device: int
    inode: int


class Version(NamedTuple):
    """What changes with the content of a file."""

    identity: Identity
    size_bytes: int
    modified_ns: int
    changed_ns: int


class ManifestFiles:
    """The files below some paths, each parsed again only when it has changed."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = tuple(str(path) for path in paths)
        self._read: dict[str, tuple[Version, ManifestFile]] = {}
        self.parsed_total = 0

    def look(self) -> Look:
        """Find all files and read those that have changed since the last look.

        What cannot be found or read now, though it was there, is kept as it was.
        """
        found = _Listing()
        for path in self._paths:
            found.add_given(path)
        for path in sorted(found.versions):
            self._read_if_changed(path, found)
        self._forget_all_but(found)
        return Look(
            files=tuple(self._read[path][1] for path in sorted(self._read)),
            problems=found.problems,
            directories=found.directories,
        )

    def _read_if_changed(self, path: str, found: "_Listing") -> None:
        before = self._read.get(path)
        if before and before[0] == found.versions[path]:
            return
        try:
            status, data = _content(path)
        except FileNotFoundError:
            del found.versions[path]  # it left after it was listed
            return
        except OSError as error:
            found.note(path, error)
            return
        self.parsed_total += 1
        world_readable = bool(status.st_mode & stat.S_IROTH)
        file = ManifestFile(path, read_manifest(data, path), world_readable)
        self._read[path] = (_version(status), _keeping(before[1] if before else None, file))

    def _forget_all_but(self, found: "_Listing") -> None:
        for path in self._read.keys() - found.versions.keys():
            if not found.is_lost(path):
                del self._read[path]


@dataclass(slots=True)
class _Listing:
    """What there is below the given paths, each file and each directory once."""

    versions: dict[str, Version] = field(default_factory=dict)
    directories: dict[str, Identity] = field(default_factory=dict)
    problems: dict[str, Problem] = field(default_factory=dict)
    seen: set[Identity] = field(default_factory=set)

    def add_given(self, path: str) -> None:
        try:
            status = Path(path).stat()
            if Path(path).is_symlink() or not stat.S_ISDIR(status.st_mode):
                # Its replacement shows as a change of the directory that it stands in.
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
            text = "found neither a file nor a directory, allowed is one of them"
            self.problems[path] = Problem(printable(path), "", text)

    def note(self, path: str, error: OSError) -> None:
        """Remember why a path, and with it all that lies below it, was not seen."""
        text = f"cannot be read: {error.strerror or error}"
        self.problems[path] = Problem(printable(path), "", text)

    def is_lost(self, path: str) -> bool:
        """Tell whether the path may still be there, though it was not seen."""
        return path in self.problems or any(
            str(parent) in self.problems for parent in Path(path).parents
        )

    def _add_directories(self, top: str, status: os.stat_result) -> None:
        waiting = [(top, status)]
        while waiting:
            path, status = waiting.pop()
            if self._is_seen(status):
                continue  # a symlink to a parent, or one of several to the same directory
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
                # Kubelet's `..data`, editors' drafts and .git are all hidden.
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
    # O_NONBLOCK: a FIFO that took the place of the file must not be waited for.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        # Before the content: a change while it is read makes the version an old one.
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise FileNotFoundError(path)
        return status, file.read(MAX_FILE_BYTES + 1)


def _keeping(before: ManifestFile | None, now: ManifestFile) -> ManifestFile:
    """Return the file with what it held before, if it has problems, and does not hold now."""
    if before is None or not now.manifest.problems:
        return now
    held_now = {declared.key for declared in now.manifest.declared}
    held_before = (*before.manifest.declared, *before.kept)
    kept = tuple(declared for declared in held_before if declared.key not in held_now)
    return replace(now, kept=kept)

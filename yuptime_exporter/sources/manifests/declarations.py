"""The objects of all files together: each once, and each monitor with its tokens."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from operator import attrgetter

from yuptime_exporter.core.declared import MonitorSet, Problem
from yuptime_exporter.core.model import Monitor, TokenRef
from yuptime_exporter.resource.objects import (
    ObjectKey,
    Secret,
    SecretKey,
    Tokens,
    object_key,
    secret_key_of,
    with_digests,
)
from yuptime_exporter.sources.manifests.files import Look, ManifestFile
from yuptime_exporter.sources.manifests.objects import Objects

At = tuple[Objects, int]
"""An object: the objects of its file, and its index among them."""


@dataclass(frozen=True, slots=True)
class Declarations:
    """The active objects.

    Attributes:
        files: with the tokens of now in the active monitors.
        monitors: with the digests of their tokens, in the order of their keys.
        secrets: by namespace and name.
        entries: tokens of the entries of Secrets that monitors refer to; None for a missing Secret
            or key.
        declared: each active object as it was read, by its identity.
        problems: in the order in which they were found.
    """

    files: tuple[ManifestFile, ...]
    monitors: tuple[Monitor, ...]
    secrets: Mapping[SecretKey, Secret]
    entries: Mapping["Entry", Tokens | None]
    declared: Mapping[ObjectKey, At]
    problems: tuple[Problem, ...]

    def where(self, value: Monitor | Secret) -> str:
        """Return file and document of an active object."""
        return _where(self.declared[object_key(value)])

    def tokens_of(self, monitor: Monitor) -> Tokens | None:
        """Return the tokens of the monitor; None if the Secret or its key is missing."""
        return self.entries[_entry_of(monitor)]

    def as_monitor_set(self) -> MonitorSet:
        """Return the monitors, and the numbers of ignored objects, for the engine."""
        manifests = [file.manifest for file in self.files]
        types = Counter(name for manifest in manifests for name in manifest.ignored_types)
        return MonitorSet(
            monitors=self.monitors,
            ignored_types=dict(sorted(types.items())),
            ignored_documents=sum(manifest.ignored_documents for manifest in manifests),
            problems=self.problems,
        )


Entry = tuple[str, TokenRef]
"""The namespace of a monitor, and the entry of a Secret there that the monitor refers to."""


def declarations(look: Look) -> Declarations:
    """Combine the files of one look; of objects declared twice, the first by path is active.

    Monitors of the look may have the tokens of an earlier look; the result has those of now.
    """
    problems = list(look.problems.values())
    active: dict[ObjectKey, At] = {}
    for file in look.files:
        problems += file.manifest.problems
        problems += map(_declared_twice, _add(file.manifest.declared, active))
    for file in look.files:  # an object of a valid file replaces the kept object of a broken one
        _add(file.kept, active)
    secrets = {
        value.key: value
        for objects, index in active.values()
        if isinstance(value := objects.values[index], Secret)
    }
    tokens = _ActiveTokens(active, secrets)
    files = tuple(map(tokens.in_file, look.files))
    return Declarations(
        files=files,
        monitors=tuple(sorted(tokens.monitors, key=attrgetter("key"))),
        secrets=secrets,
        entries=tokens.entries,
        declared=active,
        problems=tuple(problems),
    )


def _add(objects: Objects, active: dict[ObjectKey, At]) -> list[tuple[ObjectKey, At, At]]:
    """Add objects unless they are active already; return those that are, twice each."""
    twice = []
    for index, value in enumerate(objects.values):
        key, own = object_key(value), (objects, index)
        first = active.setdefault(key, own)
        if first is not own:
            twice.append((key, first, own))
    return twice


def _declared_twice(found: tuple[ObjectKey, At, At]) -> Problem:
    (kind, key), first, own = found
    text = f"{kind} {key} is also declared in {_where(first)}, which is active: remove one"
    return Problem(_where(own), "metadata.name", text)


def _where(at: At) -> str:
    objects, index = at
    return str(objects[index].where)


class _ActiveTokens:
    """Gives the active monitors their tokens of now; one that has them already stays identical.

    Attributes:
        monitors: with their tokens, of the files until now.
        entries: those that these monitors refer to.
    """

    def __init__(self, active: Mapping[ObjectKey, At], secrets: Mapping[SecretKey, Secret]) -> None:
        self.monitors: list[Monitor] = []
        self.entries: dict[Entry, Tokens | None] = {}
        self._active = active
        self._secrets = secrets

    def in_file(self, file: ManifestFile) -> ManifestFile:
        """Return the file with the tokens of its active monitors."""
        known, kept = file.manifest.declared, self._in(file.kept)
        declared = self._in(known)
        if declared is known and kept is file.kept:
            return file
        return replace(file, manifest=replace(file.manifest, declared=declared), kept=kept)

    def _in(self, objects: Objects) -> Objects:
        values = list(objects.values)
        for index, value in enumerate(objects.values):
            if not isinstance(value, Monitor):
                continue
            active, active_index = self._active[object_key(value)]
            if active is not objects or active_index != index:
                continue
            digests = self._digests_of(value)
            same = value.token_digests == digests
            monitor = value if same else with_digests(value, digests)
            values[index] = monitor
            self.monitors.append(monitor)
        return objects.with_values(tuple(values))

    def _digests_of(self, monitor: Monitor) -> tuple[bytes, ...]:
        entry = _entry_of(monitor)
        try:
            tokens = self.entries[entry]
        except KeyError:
            secret = self._secrets.get(secret_key_of(monitor))
            tokens = secret.tokens.get(monitor.token_ref.secret_key) if secret else None
            self.entries[entry] = tokens
        return tokens.digests if tokens else ()


def _entry_of(monitor: Monitor) -> Entry:
    return monitor.key.namespace, monitor.token_ref

"""The objects of all files together: each once, and each monitor with its tokens."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from operator import attrgetter

from yuptime_exporter.core.model import Monitor, MonitorSet, Problem, TokenRef
from yuptime_exporter.resource.objects import (
    Declared,
    ObjectKey,
    Secret,
    SecretKey,
    Tokens,
    object_key,
    secret_key_of,
    with_digests,
)
from yuptime_exporter.sources.manifests.files import Look, ManifestFile


@dataclass(frozen=True, slots=True)
class Declarations:
    """The active objects.

    Attributes:
        monitors: with the digests of their tokens, in the order of their keys.
        secrets: by namespace and name.
        entries: tokens of the entries of Secrets that monitors refer to; None for a missing Secret
            or key.
        declared: each active object with its place, by its identity.
        problems: in the order in which they were found.
    """

    files: tuple[ManifestFile, ...]
    monitors: tuple[Monitor, ...]
    secrets: Mapping[SecretKey, Secret]
    entries: Mapping["Entry", Tokens | None]
    declared: Mapping[ObjectKey, Declared]
    problems: tuple[Problem, ...]

    def where(self, value: Monitor | Secret) -> str:
        """Return file and document of an active object."""
        return str(self.declared[object_key(value)].where)

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
    active: dict[ObjectKey, Declared] = {}
    for file in look.files:
        problems += file.manifest.problems
        problems += _added(file.manifest.declared, active)
    for file in look.files:  # an object of a valid file replaces the kept object of a broken one
        for kept in file.kept:
            active.setdefault(kept.key, kept)
    values = [declared.value for declared in active.values()]
    secrets = {value.key: value for value in values if isinstance(value, Secret)}
    entries: dict[Entry, Tokens | None] = {}
    for key, one in active.items():
        if isinstance(one.value, Monitor):
            active[key] = _with_tokens(one, one.value, secrets, entries)
    monitors = [one.value for one in active.values() if isinstance(one.value, Monitor)]
    return Declarations(
        files=look.files,
        monitors=tuple(sorted(monitors, key=attrgetter("key"))),
        secrets=secrets,
        entries=entries,
        declared=active,
        problems=tuple(problems),
    )


def _added(declared: Iterable[Declared], active: dict[ObjectKey, Declared]) -> Iterator[Problem]:
    for one in declared:
        first = active.setdefault(one.key, one)
        if first is not one:
            kind, key = one.key
            text = f"{kind} {key} is also declared in {first.where}, which is active: remove one"
            yield Problem(str(one.where), "metadata.name", text)


def _with_tokens(
    declared: Declared,
    monitor: Monitor,
    secrets: Mapping[SecretKey, Secret],
    entries: dict[Entry, Tokens | None],
) -> Declared:
    """Return a monitor with its tokens of now: the identical object if it has them already."""
    entry = _entry_of(monitor)
    try:
        tokens = entries[entry]
    except KeyError:
        secret = secrets.get(secret_key_of(monitor))
        tokens = secret.tokens.get(monitor.token_ref.secret_key) if secret else None
        entries[entry] = tokens
    digests = tokens.digests if tokens else ()
    if monitor.token_digests == digests:
        return declared
    return Declared(declared.where, with_digests(monitor, digests))


def _entry_of(monitor: Monitor) -> Entry:
    return monitor.key.namespace, monitor.token_ref

"""What all files together declare: no object twice, and each monitor with its tokens."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from yuptime_exporter.core.model import Monitor, MonitorSet, Problem
from yuptime_exporter.resource.objects import (
    Declared,
    ObjectKey,
    Secret,
    SecretKey,
    Tokens,
    object_key,
    secret_key_of,
)
from yuptime_exporter.sources.manifests.files import Look, ManifestFile


@dataclass(frozen=True, slots=True)
class Declarations:
    """The objects in force.

    Attributes:
        monitors: with the digests of their tokens, in the order of their keys.
        secrets: by what names them.
        declared: each object in force, as it was declared.
        problems: in the order in which they were found.
    """

    files: tuple[ManifestFile, ...]
    monitors: tuple[Monitor, ...]
    secrets: Mapping[SecretKey, Secret]
    declared: Mapping[ObjectKey, Declared]
    problems: tuple[Problem, ...]

    def where(self, value: Monitor | Secret) -> str:
        """Return file and document of an object in force."""
        return self.declared[object_key(value)].where

    def tokens_of(self, monitor: Monitor) -> Tokens | None:
        """Return the tokens that may push to the monitor; None if the Secret lacks the key."""
        return _tokens_of(monitor, self.secrets)

    def as_monitor_set(self) -> MonitorSet:
        """Return what the engine is told."""
        manifests = [file.manifest for file in self.files]
        types = Counter(name for manifest in manifests for name in manifest.ignored_types)
        return MonitorSet(
            monitors=self.monitors,
            ignored_types=dict(sorted(types.items())),
            ignored_documents=sum(manifest.ignored_documents for manifest in manifests),
            problems=self.problems,
        )


def declarations(look: Look) -> Declarations:
    """Put together what was found in one look; of equal objects the first by path is in force."""
    problems = list(look.problems.values())
    in_force: dict[ObjectKey, Declared] = {}
    for file in look.files:
        problems += file.manifest.problems
        problems += _added(file.manifest.declared, in_force)
    for file in look.files:  # what a broken file held gives way to what a good one holds
        for kept in file.kept:
            in_force.setdefault(kept.key, kept)
    values = [declared.value for declared in in_force.values()]
    secrets = {value.key: value for value in values if isinstance(value, Secret)}
    monitors = [_with_tokens(value, secrets) for value in values if isinstance(value, Monitor)]
    return Declarations(
        files=look.files,
        monitors=tuple(sorted(monitors, key=lambda monitor: monitor.key)),
        secrets=secrets,
        declared=in_force,
        problems=tuple(problems),
    )


def _added(
    declared: tuple[Declared, ...], in_force: dict[ObjectKey, Declared]
) -> Iterator[Problem]:
    for one in declared:
        first = in_force.setdefault(one.key, one)
        if first is not one:
            kind, key = one.key
            text = f"{kind} {key} is declared in {first.where} already, which is in force"
            yield Problem(one.where, "metadata.name", f"{text}; allowed is once: remove one")


def _with_tokens(monitor: Monitor, secrets: Mapping[SecretKey, Secret]) -> Monitor:
    tokens = _tokens_of(monitor, secrets)
    return replace(monitor, token_digests=tokens.digests) if tokens else monitor


def _tokens_of(monitor: Monitor, secrets: Mapping[SecretKey, Secret]) -> Tokens | None:
    secret = secrets.get(secret_key_of(monitor))
    return secret.tokens.get(monitor.token_ref.secret_key) if secret else None

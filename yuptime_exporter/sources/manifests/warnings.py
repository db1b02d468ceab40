"""Warnings: valid manifests that will not work as intended."""

import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache

from yuptime_exporter.core.declared import Problem
from yuptime_exporter.core.model import Monitor
from yuptime_exporter.core.schedules import Every
from yuptime_exporter.resource.objects import (
    ObjectKey,
    Secret,
    SecretKey,
    object_key,
    secret_key_of,
)
from yuptime_exporter.resource.place import Place, Where
from yuptime_exporter.resource.schedule_reading import EXPIRE
from yuptime_exporter.resource.secret_types import UNWATCHED_TYPES
from yuptime_exporter.resource.text import printable
from yuptime_exporter.sources.manifests.declarations import Declarations
from yuptime_exporter.sources.manifests.lines import FileLines

_TOKEN_REF = "spec.target.push.tokenSecretRef"  # noqa: S105  the name of a field


def warnings_of(found: Declarations) -> tuple[Problem, ...]:
    """Return the warnings about these manifests; none contains any part of a token."""
    lines = FileLines()

    @cache  # made for the first warning; mostly there is none
    def places() -> dict[ObjectKey, tuple[str, Where]]:
        return {
            declared.key: (file.path, declared.where)
            for file in found.files
            for declared in file.manifest.declared
        }

    def located(value: Monitor | Secret, problem: Problem) -> Problem:
        path, place = places().get(object_key(value), ("", ""))
        return lines.located(problem, path, place) if isinstance(place, Place) else problem

    return (
        *(warning for file in found.files for warning in file.manifest.warnings),
        *(
            located(monitor, warning)
            for monitor in found.monitors
            for warning in _of_monitor(monitor, found)
        ),
        *(located(secret, warning) for secret, warning in _doubtful_tokens(found)),
        *(located(secret, warning) for secret, warning in _unwatched_types(found)),
        *_shared_tokens(found),
    )


def _of_monitor(monitor: Monitor, found: Declarations) -> Iterator[Problem]:
    interval = monitor.interval_seconds
    if interval is not None and isinstance(monitor.schedule, Every):
        yield from _of_interval(monitor, interval, monitor.schedule.seconds, found.where(monitor))
    if not monitor.token_digests:
        yield _tokens_missing(monitor, found)


def _of_interval(monitor: Monitor, interval: int, expire: int, where: str) -> Iterator[Problem]:
    grace = monitor.grace_seconds
    if expire + grace <= interval:
        text = (
            f"expected with gracePeriodSeconds more than spec.schedule.intervalSeconds, {interval}, "
            f"got {expire} + {grace}: the monitor is down before each push"
        )
        yield Problem(where, EXPIRE, text)
    elif expire < interval:
        text = (
            f"expected at least spec.schedule.intervalSeconds, {interval}, "
            f"got {expire}: each push expires before the next one is due"
        )
        yield Problem(where, EXPIRE, text)


def _tokens_missing(monitor: Monitor, found: Declarations) -> Problem:
    secret_key, ref = secret_key_of(monitor), monitor.token_ref
    where, effect = found.where(monitor), "until then, all pushes are rejected"
    if secret_key not in found.secrets:
        text = f"there is no Secret {secret_key}{_with_hash(secret_key, found)}; {effect}"
        return Problem(where, f"{_TOKEN_REF}.name", text)
    if found.tokens_of(monitor) is None:
        text = f"Secret {secret_key} does not have the key {ref.secret_key}; {effect}"
        return Problem(where, f"{_TOKEN_REF}.key", text)
    text = f"Secret {secret_key} has no token under the key {ref.secret_key}; {effect}"
    return Problem(where, f"{_TOKEN_REF}.key", text)


def _with_hash(missing: SecretKey, found: Declarations) -> str:
    """Return the Secret whose name kustomize made of the missing one, for a suggestion."""
    hashed = re.compile(re.escape(missing.name) + "-[a-z0-9]{10}")
    for key in found.secrets:
        if key.namespace == missing.namespace and hashed.fullmatch(key.name):
            return f", but {key}: kustomize adds such a hash unless disableNameSuffixHash is set"
    return ""


def readable_secrets(found: Declarations) -> Iterator[Problem]:
    """Return a warning for each file with a Secret that every user of the machine can read.

    The exporter does not log it: volumes of Kubernetes are readable in this way inside a pod.
    """
    for file in found.files:
        objects = (*file.manifest.declared, *file.kept)
        if file.world_readable and any(isinstance(one.value, Secret) for one in objects):
            text = "contains a Secret and can be read by every user of this machine: chmod o-r"
            yield Problem(printable(file.path), "", text)


def _doubtful_tokens(found: Declarations) -> Iterator[tuple[Secret, Problem]]:
    for secret_key, entry in _entries_in_use(found):
        secret = found.secrets[secret_key]
        for line, doubt in secret.tokens[entry].doubts:
            text = f"token on line {line}: {doubt}"
            yield secret, Problem(found.where(secret), f"{secret.field}.{entry}", text)


def _unwatched_types(found: Declarations) -> Iterator[tuple[Secret, Problem]]:
    for secret_key in sorted({key for key, _ in _entries_in_use(found)}):
        secret = found.secrets[secret_key]
        if secret.type in UNWATCHED_TYPES:
            text = (
                f"expected the type Opaque, got {secret.type}, which --source.kubernetes reads only "
                "with --kubernetes.secrets=get"
            )
            yield secret, Problem(found.where(secret), "type", text)


def _shared_tokens(found: Declarations) -> Iterator[Problem]:
    holders: dict[bytes, list[SecretKey]] = defaultdict(list)
    for secret_key, entry in _entries_in_use(found):
        for digest in found.secrets[secret_key].tokens[entry].digests:
            if secret_key not in holders[digest]:
                holders[digest].append(secret_key)
    for shared in sorted(keys for keys in holders.values() if len(keys) > 1):
        names = ", ".join(str(key) for key in shared)
        where = found.where(found.secrets[shared[-1]])
        text = f"the Secrets {names} have a token in common: it can push to the monitors of all"
        yield Problem(where, "", text)


def _entries_in_use(found: Declarations) -> list[tuple[SecretKey, str]]:
    """Return the keys of Secrets that monitors refer to; the others need not hold tokens."""
    return sorted(
        {
            (SecretKey(namespace, ref.secret_name), ref.secret_key)
            for (namespace, ref), tokens in found.entries.items()
            if tokens is not None
        }
    )

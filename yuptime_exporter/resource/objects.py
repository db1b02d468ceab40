"""Monitors and Secrets, read from plain values into the program's own types.

Every rule about a valid manifest is in this file, in shapes.py and in rules.py. They read plain
values, and so serve objects from files and objects from the Kubernetes API.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, cast

from yuptime_exporter.core.declared import Problem
from yuptime_exporter.core.model import API_VERSION, Monitor, MonitorKey, TokenRef
from yuptime_exporter.resource.known_specs import KnownSpecs
from yuptime_exporter.resource.near_misses import is_misspelt_push, misspelt_head
from yuptime_exporter.resource.place import Where
from yuptime_exporter.resource.rules import rule_problems, rule_problems_of_parts, token_ref_of
from yuptime_exporter.resource.schedule_reading import schedule_of
from yuptime_exporter.resource.shapes import (
    MonitorResource,
    SecretRef,
    SecretResource,
)
from yuptime_exporter.resource.text import quotable
from yuptime_exporter.resource.token_doubts import is_sendable, token_doubt
from yuptime_exporter.resource.validation import described, read_resource

_DIGESTS_AT = Monitor._fields.index("token_digests")


class SecretKey(NamedTuple):
    """Namespace and name of a Secret."""

    namespace: str
    name: str

    def __str__(self) -> str:
        """Return `namespace/name`."""
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens under one key of a Secret, known only by their digests.

    Attributes:
        digests: SHA-256 of each token, in the order of the lines.
        doubts: why a token will not work, or is not one, by the number of its line.
        unsendable: whether there are tokens, and no client can send any of them.
    """

    digests: tuple[bytes, ...] = field(repr=False)
    doubts: tuple[tuple[int, str], ...] = ()
    unsendable: bool = False


@dataclass(frozen=True, slots=True)
class Secret:
    """A declared Secret: the tokens under each of its keys.

    Attributes:
        field: the field with the tokens, `data` or `stringData`.
        type: its type; empty: none is given, which means Opaque.
    """

    key: SecretKey
    tokens: Mapping[str, Tokens]
    field: str = "data"
    type: str = ""


ObjectKey = tuple[str, MonitorKey | SecretKey]
"""The kind and key of an object, its identity: a Monitor and a Secret may have the same key."""


def object_key(value: Monitor | Secret) -> ObjectKey:
    """Return the identity of the object."""
    return "Monitor" if isinstance(value, Monitor) else "Secret", value.key


class Declared(NamedTuple):
    """A valid Monitor or Secret. A tuple, for speed.

    Attributes:
        where: file and document, for problems.
    """

    where: Where
    value: Monitor | Secret

    @property
    def key(self) -> ObjectKey:
        """The identity that no two objects may share."""
        return object_key(self.value)


@dataclass(frozen=True, slots=True)
class OtherMonitor:
    """A Monitor that is not of type push: counted, and otherwise ignored."""

    type: str


@dataclass(frozen=True, slots=True)
class OtherKind:
    """An object that is neither a Monitor nor a Secret: counted, and otherwise ignored."""


@dataclass(frozen=True, slots=True)
class Invalid:
    """A Monitor or a Secret with problems, which cannot be used."""

    problems: tuple[Problem, ...]


ReadObject = Declared | OtherMonitor | OtherKind | Invalid
"""The result for one object."""


def named(monitor: Monitor, name: str) -> Monitor:
    """Return a monitor that differs in its name only; the name is valid."""
    return Monitor(MonitorKey(monitor.key.namespace, name), *monitor[1:])  # faster than `_replace`


def with_digests(monitor: Monitor, digests: tuple[bytes, ...]) -> Monitor:
    """Return a monitor that differs in the digests of its tokens only."""
    before, after = monitor[:_DIGESTS_AT], monitor[_DIGESTS_AT + 1 :]
    return Monitor._make((*before, digests, *after))  # faster than `_replace`


def secret_key_of(monitor: Monitor) -> SecretKey:
    """Return the Secret that holds the monitor's tokens, which is in the monitor's namespace."""
    return SecretKey(monitor.key.namespace, monitor.token_ref.secret_name)


def read_object(value: object, where: Where, *, known: KnownSpecs | None = None) -> ReadObject:
    """Read one object.

    Args:
        value: the object as plain values.
        where: its place, for problems.
        known: the valid specs of the objects before, of which the values still exist.
    """
    if not isinstance(value, dict):
        got = described(value, quote=False)
        text = f"expected a mapping with apiVersion and kind, got {got}"
        return Invalid((Problem(str(where), "", text),))
    api_version, kind = value.get("apiVersion"), value.get("kind")
    if api_version is None and kind is None:
        return OtherKind()  # settings of another program in the same directory
    for name, found in (("apiVersion", api_version), ("kind", kind)):
        if not isinstance(found, str):
            text = f"expected a string, got {described(found, quote=False)}"
            return Invalid((Problem(str(where), name, text),))
    if api_version == "v1" and kind == "Secret":
        return _read_secret(value, where)
    if kind == "Monitor" and api_version == API_VERSION:
        return _read_monitor(value, where, known or KnownSpecs())
    return _read_other(str(api_version), str(kind), where)


def _read_other(api_version: str, kind: str, where: Where) -> OtherKind | Invalid:
    misspelt = misspelt_head(api_version, kind)
    if misspelt is None:
        return OtherKind()
    name, expected = misspelt
    got = described({"apiVersion": api_version, "kind": kind}[name])
    text = f"expected {expected}, got {got}; did you mean {expected}?"
    return Invalid((Problem(str(where), name, text),))


def _read_monitor(
    value: Mapping[str, object], where: Where, known: KnownSpecs
) -> Declared | OtherMonitor | Invalid:
    other_type = _other_type(value)
    if other_type is not None and is_misspelt_push(cast(Mapping[str, object], value["spec"])):
        text = f'expected push, got "{other_type}" (a string); did you mean push?'
        return Invalid((Problem(str(where), "spec.type", text),))
    if other_type is not None:
        return OtherMonitor(other_type)
    spec = value.get("spec")
    shaped = {**value, "spec": known.shape(spec)}
    resource = read_resource(MonitorResource, shaped, where, quote_values=True)
    if not isinstance(resource, MonitorResource):
        return Invalid((*resource, *rule_problems_of_parts(spec, where)))
    like = known.monitor(spec, resource.metadata.namespace)
    if like is not None:
        return Declared(where, named(like, resource.metadata.name))
    problems = tuple(rule_problems(resource, where))
    token_ref = token_ref_of(resource.spec.target.push)
    if problems or token_ref is None:
        return Invalid(problems)
    monitor = _monitor(resource, token_ref)
    known.add(spec, resource.spec, monitor)
    return Declared(where, monitor)


def _monitor(resource: MonitorResource, token_ref: SecretRef) -> Monitor:
    spec, push, alerting = resource.spec, resource.spec.target.push, resource.spec.alerting
    return Monitor(
        key=MonitorKey(resource.metadata.namespace, resource.metadata.name),
        token_ref=TokenRef(token_ref.name, token_ref.key),
        enabled=spec.enabled,
        schedule=schedule_of(spec),
        grace_seconds=push.grace_period_seconds,
        max_runtime_seconds=push.max_runtime_seconds,
        alert_labels=tuple(sorted(alerting.labels.items())),
        alert_description=alerting.description,
        alert_runbook_url=alerting.runbook_url or "",
        alertmanager_url=alerting.alertmanager_url or spec.alertmanager_url,
        interval_seconds=spec.schedule.interval_seconds,
    )


def _other_type(value: Mapping[str, object]) -> str | None:
    """Return the type of a monitor that is not of type push; else None."""
    spec = value.get("spec")
    monitor_type = spec.get("type") if isinstance(spec, dict) else None
    if not isinstance(monitor_type, str) or monitor_type == "push":
        return None
    return quotable(monitor_type)


def _read_secret(value: Mapping[str, object], where: Where) -> Declared | Invalid:
    resource = read_resource(SecretResource, value, where, quote_values=False)
    if not isinstance(resource, SecretResource):
        return Invalid(resource)
    values: dict[str, bytes] = {}
    problems = []
    for key, encoded in resource.data.items():
        try:
            values[key] = base64.b64decode(re.sub(r"[\r\n]", "", encoded), validate=True)
        except (binascii.Error, ValueError):
            text = "expected base64, got another string; put plain text in stringData"
            problems.append(Problem(str(where), f"data.{quotable(key)}", text))
    if problems:
        return Invalid(tuple(problems))
    for key, plain in resource.string_data.items():
        values[key] = plain.encode(errors="surrogatepass")
    metadata = resource.metadata
    tokens = {key: _tokens(held) for key, held in values.items()}
    secret_key = SecretKey(metadata.namespace, metadata.name)
    return Declared(
        where,
        Secret(
            secret_key,
            tokens,
            field="stringData" if resource.string_data else "data",
            type=quotable(resource.type),
        ),
    )


def _tokens(value: bytes) -> Tokens:
    lines = [(number, line.strip()) for number, line in enumerate(value.split(b"\n"), start=1)]
    lines = [(number, line) for number, line in lines if line]
    return Tokens(
        digests=tuple(hashlib.sha256(line).digest() for _, line in lines),
        doubts=tuple((number, doubt) for number, line in lines if (doubt := token_doubt(line))),
        unsendable=bool(lines) and not any(is_sendable(line) for _, line in lines),
    )

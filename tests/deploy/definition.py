"""The definition of Monitors, and the result of an object under the definition, in Python.

The steps are those of apiextensions-apiserver: drop nulls, fill in defaults, prune unknown fields,
then validate. The peer ring compares the results with a real API server.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend

from tests.deploy.cel import as_python, holds

CHECKOUT = Path(__file__).parents[2]
DEPLOY = CHECKOUT / "deploy"
DEFINITION = DEPLOY / "crd" / "monitors.yaml"

Json = Any
Schema = Mapping[str, Any]


@cache
def definition(path: Path = DEFINITION) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return loaded


def schema_of(crd: Mapping[str, Any]) -> Schema:
    """The schema of the one version."""
    (version,) = crd["spec"]["versions"]
    schema: Schema = version["schema"]["openAPIV3Schema"]
    return schema


def schema_at(*path: str) -> Schema:
    """The schema of a field."""
    schema = schema_of(definition())
    for name in path:
        schema = schema["properties"][name]
    return schema


def every_schema(schema: Schema, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Schema]]:
    """A schema and all within it, by their paths."""
    yield ".".join(path), schema
    for name, inner in schema.get("properties", {}).items():
        yield from every_schema(inner, (*path, name))
    for place in ("items", "additionalProperties"):
        if place in schema:
            yield from every_schema(schema[place], (*path, place))


def stored(value: Json, schema: Schema) -> Json:
    """The stored form of a value: without nulls and unknown fields, with defaults."""
    match value, schema.get("type"):
        case float(), "integer" if value.is_integer():
            return int(value)  # in JSON both are one number
        case list(), "array":
            return [stored(one, schema["items"]) for one in value]
        case dict(), "object":
            return {**_defaults(schema), **dict(_kept(value, schema))}
        case _:
            return value


def _defaults(schema: Schema) -> dict[str, Json]:
    properties = schema.get("properties", {})
    return {name: inner["default"] for name, inner in properties.items() if "default" in inner}


def _kept(value: Mapping[str, Json], schema: Schema) -> Iterator[tuple[str, Json]]:
    for name, held in value.items():
        inner = _schema_of_field(schema, name)
        if inner is None and schema.get("x-kubernetes-preserve-unknown-fields"):
            yield name, held
        elif inner is not None and held is not None:
            yield name, stored(held, inner)


def _schema_of_field(schema: Schema, name: str) -> Schema | None:
    found: Schema | None = schema.get("properties", {}).get(name)
    return found or schema.get("additionalProperties")


def refusals(value: Json, schema: Schema) -> list[str]:
    """The reasons for which a value is refused; rules apply only to values of the right shape."""
    problems = [problem.message for problem in _SHAPE(schema).iter_errors(value)]
    return problems or list(_broken_rules(value, schema))


def _broken_rules(value: Json, schema: Schema) -> Iterator[str]:
    for rule in schema.get("x-kubernetes-validations", ()):
        if not holds(rule["rule"], value):
            yield rule["message"]
    if isinstance(value, dict):
        for name, held in value.items():
            inner = _schema_of_field(schema, name)
            if inner is not None:
                yield from _broken_rules(held, inner)


def _pattern(_: object, pattern: str, instance: object, __: object) -> Iterator[ValidationError]:
    if isinstance(instance, str) and not re.search(as_python(pattern), instance):
        yield ValidationError(f"{instance!r} does not match {pattern}")


_SHAPE = extend(Draft202012Validator, {"pattern": _pattern})  # type: ignore[no-untyped-call]

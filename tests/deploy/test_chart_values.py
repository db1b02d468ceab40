"""The chart's values: hostile strings stay strings, and missing values get their defaults."""

import json
import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.rendering import CHART, Object, helm_refusal, helm_template, one

pytestmark = pytest.mark.peer  # helm

Values = dict[str, Any]
Path_ = tuple[str | int, ...]

SCHEMA = json.loads((CHART / "values.schema.json").read_text())
DEFAULTS: Values = yaml.safe_load((CHART / "values.yaml").read_text())
FULL: Values = yaml.safe_load((Path(__file__).parent / "data" / "full-values.yaml").read_text())

# Texts that YAML reads as something else where they are not quoted.
HOSTILE = {
    "number": "4711",
    "octal": "0755",
    "float": "1e3",
    "hexadecimal": "0x1f",
    "sexagesimal": "12:30:45",
    "date": "2001-01-01",
    "true": "true",
    "yes": "yes",
    "on": "on",
    "n": "n",
    "null": "null",
    "tilde": "~",
    "empty map": "{}",
    "alias": "*.example.com",
    "anchor": "&a",
    "tag": "!!int 1",
    "directive": "%YAML 1.2",
    "document": "---\na: b\n...",
    "comment": "a # b",
    "pair": "a: b",
    "entry": "- a",
    "question": "? a",
    "double quote": 'a"b\\n',
    "single quote": "a'b''",
    "leading spaces": "  a",
    "trailing spaces": "a  \n\n",
    "several lines": "a\n  b: c\n# d\n\te",
    "template": '{{ fail "evaluated" }}{{ .Values.image.tag }}',
    "template in quotes": '"{{`a`}}"',
    "pod variable": "$(POD_NAME) $$(A) ${A}",
    "percent": "%s%d%!",
    "controls": "a\x1b[31m\x07",
    "unicode": "Ünï☃\U0001f600\u2028\ufeff",
    "long": "a" * 5000,
}

# Values that exclude some of the full values.
VARIANTS: dict[str, Values] = {
    "full": {},
    "volume": {
        "replicas": 1,
        "storage": {"type": "sqlite", "existingClaim": ""},
        "strategy": {"type": "Recreate", "rollingUpdate": None},
        "secrets": {"mode": "watch"},
    },
    "claim": {
        "replicas": 1,
        "storage": {"type": "sqlite"},
        "strategy": {"type": "Recreate", "rollingUpdate": None},
    },
}

# Maps with fields of the user. The maps of the first line have fields by default, too.
FREE_FORM = {
    *("config", "resources", "labels", "annotations", "podSecurityContext", "securityContext"),
    *("additionalRuleLabels", "affinity", "global", "nodeSelector", "podAnnotations", "podLabels"),
    *("strategy", "tlsConfig", "basicAuth"),
}


def strings(values: object, path: Path_ = ()) -> Iterator[tuple[Path_, str]]:
    """Each string of some values."""
    if isinstance(values, str):
        yield path, values
    elif isinstance(values, dict):
        for key, value in values.items():
            yield from strings(value, (*path, key))
    elif isinstance(values, list):
        for index, value in enumerate(values):
            yield from strings(value, (*path, index))


def schema_at(path: Path_) -> Mapping[str, Any]:
    """The part of the schema for a value; empty for a free value."""
    found: Any = SCHEMA
    for part in path:
        if isinstance(part, int):
            found = found.get("items", {})
        else:
            others = [
                *found.get("patternProperties", {}).values(),
                found.get("additionalProperties"),
            ]
            found = found.get("properties", {}).get(part, others[0] or {})
        while "$ref" in found or ("anyOf" in found and "type" not in found):
            found = found["anyOf"][0] if "anyOf" in found else _definition(found["$ref"])
    assert isinstance(found, dict)
    return found


def _definition(reference: str) -> Any:
    return SCHEMA["definitions"][reference.rpartition("/")[2]]


def is_allowed(path: Path_, text: str) -> bool:
    allowed = schema_at(path)
    return (
        text in allowed.get("enum", [text])
        and re.search(allowed.get("pattern", ""), text) is not None
        and len(text) <= allowed.get("maxLength", len(text))
    )


def replaced(values: Values, path: Path_, value: object) -> Values:
    """Put a value at a place, in place."""
    inner: Any = values
    for part in path[:-1]:
        inner = inner[part]
    inner[path[-1]] = value
    return values


def overridden(values: Values, by: Mapping[str, Any]) -> Values:
    """Values as Helm merges them, in place."""
    for key, value in by.items():
        if isinstance(value, dict) and isinstance(values.get(key), dict):
            overridden(values[key], value)
        else:
            values[key] = value
    return values


def marked() -> tuple[Values, dict[Path_, str]]:
    """The full values with a text of its own at each place that takes one, and those texts."""
    values, marks = deepcopy(FULL), {}
    for number, (path, value) in enumerate(strings(FULL)):
        if not value:  # the full values have another value in its place
            continue
        for mark in (f"m{number}x", f"--m{number}x"):
            if is_allowed(path, mark):
                marks[path] = mark
                replaced(values, path, mark)
                break
    return values, marks


def with_texts(each: object, texts: Mapping[str, str]) -> object:
    """Put texts in place of their marks, wherever these are part of a string or of a key."""
    if isinstance(each, str):
        return re.sub(r"(--)?\bm\d+x", lambda mark: texts.get(mark[0], mark[0]), each)
    if isinstance(each, dict):
        return {with_texts(k, texts): with_texts(v, texts) for k, v in each.items()}
    if isinstance(each, list):
        return [with_texts(value, texts) for value in each]
    return each


def read(objects: tuple[Object, ...]) -> list[Object]:
    """Objects with their YAML in YAML read, and without the checksum of that."""
    found = deepcopy(list(objects))
    for each in found:
        if "config.yaml" in each.get("data", {}):
            each["data"]["config.yaml"] = yaml.safe_load(each["data"]["config.yaml"])
        if "web.yml" in each.get("stringData", {}):
            each["stringData"]["web.yml"] = yaml.safe_load(each["stringData"]["web.yml"])
        if each["kind"] == "Deployment":
            del each["spec"]["template"]["metadata"]["annotations"]["checksum/config"]
    return found


@cache
def rendered_with_marks(variant: str) -> list[Object]:
    return read(helm_template(values=overridden(marked()[0], VARIANTS[variant])))


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE)
def test_a_string_is_that_string_in_the_objects_whatever_it_looks_like(
    variant: str, hostile: str
) -> None:
    values, marks = marked()
    texts = {}
    for path, mark in marks.items():
        text = "--" + hostile if mark.startswith("--") else hostile
        # Names of one list differ, and a Secret that is named twice is listed once.
        if is_allowed(path, text) and path[0] != "global" and 1 not in path:
            replaced(values, path, text)
            texts[mark] = text

    rendered = read(helm_template(values=overridden(values, VARIANTS[variant])))

    assert rendered == with_texts(rendered_with_marks(variant), texts)


def test_every_string_of_the_values_is_somewhere_in_the_objects() -> None:
    values, marks = marked()
    rendered = json.dumps(
        [
            helm_template(values=overridden(deepcopy(values), variant))
            for variant in VARIANTS.values()
        ]
    )

    assert {path: mark for path, mark in marks.items() if mark not in rendered} == {}
    # Of those that take few texts each has a test of its own.
    few = {path for path, _ in strings(FULL)} - set(marks)
    assert few == {
        ("externalUrl",),
        ("webConfig", "existingSecret"),
        ("runbookUrl",),
        ("image", "digest"),
        ("image", "pullPolicy"),
        ("secrets", "mode"),
        ("storage", "type"),
        ("podDisruptionBudget", "maxUnavailable"),
        ("strategy", "type"),
        ("podAntiAffinity",),
        ("serviceMonitor", "interval"),
        ("serviceMonitor", "scrapeTimeout"),
    }


def test_the_schema_and_the_full_values_know_every_value() -> None:
    def known(values: Values, path: Path_ = ()) -> set[Path_]:
        found = set()
        for name, value in values.items():
            here = schema_at((*path, name))
            assert here, (*path, name)
            found.add((*path, name))
            if isinstance(value, dict) and name not in FREE_FORM:
                found |= known(value, (*path, name))
        return found

    assert known(DEFAULTS) == known(FULL)
    assert set(SCHEMA["properties"]) - set(DEFAULTS) == {"enabled"}


@pytest.mark.parametrize("hostile", ["4711", "true", "null", "on", "1e3", "0755", "12:30", "a b#"])
def test_a_key_of_labels_annotations_and_selectors_is_a_string(hostile: str) -> None:
    values = deepcopy(FULL)
    free = [
        path
        for path in _maps(values)
        if schema_at(path).get("additionalProperties") == {"type": "string"}
    ]
    for path in free:
        replaced(values, (*path, hostile), "marked")

    found = list(_keys(helm_template(values=values)))

    assert [key for key in found if not isinstance(key, str)] == []
    assert len(free) == 13
    assert found.count(hostile) >= len(free)


def _maps(values: object, path: Path_ = ()) -> Iterator[Path_]:
    if isinstance(values, dict):
        yield path
        for key, value in values.items():
            yield from _maps(value, (*path, key))


def _keys(each: object) -> Iterator[object]:
    if isinstance(each, dict):
        yield from each
        for value in each.values():
            yield from _keys(value)
    elif isinstance(each, list | tuple):
        for value in each:
            yield from _keys(value)


@pytest.mark.parametrize(
    "hostile", ["4711", "true", "null", "on", "n", "1e3", "0755", "2001-01-01"]
)
def test_the_names_of_release_and_namespace_are_strings(hostile: str) -> None:
    values = deepcopy(FULL)
    del values["fullnameOverride"], values["nameOverride"]
    values["rbac"] = {"create": True}
    for each in (values, {**values, "namespaces": []}):
        rendered = helm_template(release=hostile, namespace=hostile, values=each)

        names = {
            value
            for place in rendered
            for key in ("name", "namespace")
            if (value := place["metadata"].get(key)) is not None
        }
        assert {name for name in names if not isinstance(name, str)} == set()
        deployment = one(rendered, "Deployment", next(n for n in names if n.endswith("-push"))[:-5])
        assert deployment["metadata"]["namespace"] == hostile
        labels = deployment["spec"]["selector"]["matchLabels"]
        assert labels["app.kubernetes.io/instance"] == hostile


@pytest.mark.parametrize("values", ["{123}", "{true}", "{null}", "{123,true}"])
def test_a_namespace_that_the_command_line_reads_as_a_number_is_refused_with_what_is_expected(
    values: str,
) -> None:
    assert "want string" in helm_refusal(f"--set=namespaces={values}")


def blocks(values: Values, path: Path_ = ()) -> Iterator[Path_]:
    """Each value that has values of its own."""
    for name, value in values.items():
        if isinstance(value, dict | list):
            yield (*path, name)
        if isinstance(value, dict) and name not in FREE_FORM:
            yield from blocks(value, (*path, name))


BLOCKS = list(blocks(DEFAULTS))


def nulls(values: Values, *, deep: bool) -> Values:
    """Each value as null, or only those that are no blocks."""
    return {
        name: nulls(value, deep=deep)
        if deep and isinstance(value, dict) and name not in FREE_FORM
        else None
        for name, value in values.items()
    }


def at(path: Path_, value: object) -> Values:
    for part in reversed(path):
        value = {part: value}
    assert isinstance(value, dict)
    return value


@pytest.mark.parametrize("path", BLOCKS, ids=".".join)
def test_a_block_that_is_null_is_at_its_default(path: Path_) -> None:
    assert helm_template(values=at(path, None)) == helm_template()


@pytest.mark.parametrize("deep", [False, True])
def test_values_that_are_all_null_are_at_their_defaults(*, deep: bool) -> None:
    assert helm_template(values=nulls(DEFAULTS, deep=deep)) == helm_template()


@pytest.mark.parametrize("path", BLOCKS, ids=".".join)
def test_a_block_that_is_null_is_at_its_default_also_beside_values_that_are_not(
    path: Path_,
) -> None:
    values = {**deepcopy(FULL), "replicas": 1, "strategy": {}}
    values["secrets"]["mode"] = "watch"
    without: Any = deepcopy(values)
    inner = without
    for part in path[:-1]:
        inner = inner[part]
    del inner[path[-1]]

    assert helm_template(values=overridden(values, at(path, None))) == helm_template(values=without)


@pytest.mark.parametrize(
    ("path", "gone"),
    [
        (("resources", "limits"), "512Mi"),
        (("resources", "limits", "memory"), "512Mi"),
        (("config", "limits"), "push_rate"),
        (("prometheusRule", "labels", "role"), "alert-rules"),
        (("dashboards", "annotations", "grafana_folder"), "grafana_folder"),
        (("podSecurityContext", "runAsUser"), "runAsUser"),
        (("podSecurityContext", "fsGroup"), '"fsGroup"'),
        (("securityContext", "readOnlyRootFilesystem"), "readOnlyRootFilesystem"),
    ],
    ids=lambda value: ".".join(value) if isinstance(value, tuple) else "",
)
def test_null_removes_a_field_of_a_free_form_block(path: Path_, gone: str) -> None:
    enabled = {
        "prometheusRule": {"enabled": True},
        "dashboards": {"enabled": True},
    }
    before = json.dumps(helm_template(values=enabled))
    after = json.dumps(helm_template(values=overridden(deepcopy(enabled), at(path, None))))

    assert gone in before
    assert gone not in after.replace("CustomResourceDefinition", "")

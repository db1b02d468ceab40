"""The output of kustomize and helm for deploy/, and its check against Kubernetes schemas."""

import json
import re
import subprocess
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from kubernetes_validate import (  # type: ignore[import-untyped]
    SchemaNotFoundError,
    ValidationError,
    validate,
)

from tests.deploy.definition import DEPLOY, definition, refusals, schema_of, stored
from tests.peers.programs import Generation, require

Object = dict[str, Any]

# The oldest supported Kubernetes, and the newest with available schemas.
OLDEST_AND_NEWEST = ("1.30", "1.37")

OVERLAYS = sorted(path.parent.name for path in DEPLOY.glob("overlays/*/kustomization.yaml"))
CHART = DEPLOY / "chart" / "yuptime-exporter"

# Fields of the Prometheus Operator, since its schemas are not available here.
# https://prometheus-operator.dev/docs/api-reference/api/
_ENDPOINT = {
    "port",
    "interval",
    "scrapeTimeout",
    "honorLabels",
    "relabelings",
    "metricRelabelings",
    "path",
    "scheme",
    "tlsConfig",
    "basicAuth",
}


@cache
def overlay(name: str) -> tuple[Object, ...]:
    """The objects of an overlay."""
    return kustomized(DEPLOY / "overlays" / name)


def kustomized(folder: Path) -> tuple[Object, ...]:
    """The objects of a folder with a kustomization."""
    program = require("kubectl", Generation.NEWEST)
    return _objects(_output(program, "kustomize", folder))


def helm(*arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    program = require("helm", Generation.NEWEST)
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=False)


def helm_template(
    *arguments: str | Path,
    release: str = "yuptime-exporter",
    namespace: str = "yuptime",
    chart: Path = CHART,
    values: Mapping[str, Any] | None = None,
) -> tuple[Object, ...]:
    """The objects of a release of the chart."""
    command = _template_command(release, namespace, chart, *arguments)
    ended = _with_values(command, values)
    assert ended.returncode == 0, _complaints(ended)
    return _objects(ended.stdout)


def helm_refusal(
    *arguments: str | Path,
    release: str = "yuptime-exporter",
    namespace: str = "yuptime",
    chart: Path = CHART,
    values: Mapping[str, Any] | None = None,
) -> str:
    """The error of Helm for a release that cannot be rendered."""
    command = _template_command(release, namespace, chart, *arguments)
    ended = _with_values(command, values)
    assert ended.returncode != 0, ended.stdout
    said = _complaints(ended)
    assert "nil pointer" not in said
    return said


def _complaints(ended: "subprocess.CompletedProcess[str]") -> str:
    """The errors and warnings of Helm, without those about symbolic links in the chart."""
    return "\n".join(line for line in ended.stderr.splitlines() if "symbolic link" not in line)


def _template_command(
    release: str, namespace: str, chart: Path, *arguments: str | Path
) -> tuple[str | Path, ...]:
    program = require("helm", Generation.NEWEST)
    return (program, "template", release, chart, f"--namespace={namespace}", *arguments)


def _with_values(
    command: tuple[str | Path, ...], values: Mapping[str, Any] | None
) -> "subprocess.CompletedProcess[str]":
    """Run helm with values as a file, in which strings stay strings."""
    if values is None:
        return subprocess.run(command, capture_output=True, text=True, check=False)
    return subprocess.run(
        [*command, "--values=-"],
        input=json.dumps(values, ensure_ascii=False),
        capture_output=True,
        text=True,
        check=False,
    )


def container_of(objects: Iterable[Object], name: str = "yuptime-exporter") -> Object:
    """The one container of a Deployment."""
    (found,) = one(objects, "Deployment", name)["spec"]["template"]["spec"]["containers"]
    only: Object = found
    return only


def arguments_in_the_pod(container: Object, namespace: str) -> list[str]:
    """The arguments of a container as a pod in a namespace gets them: $(NAME) is expanded."""
    fields = {"metadata.name": "pod", "metadata.namespace": namespace}
    known = {
        variable["name"]: fields[variable["valueFrom"]["fieldRef"]["fieldPath"]]
        for variable in container["env"]
        if "fieldRef" in variable.get("valueFrom", {})
    }
    return [
        re.sub(r"\$\((\w+)\)", lambda found: known[found[1]], argument)
        for argument in container["args"]
    ]


def one(objects: Iterable[Object], kind: str, name: str = "yuptime-exporter") -> Object:
    """The one object of a kind and a name."""
    (found,) = [
        each for each in objects if (each["kind"], each["metadata"]["name"]) == (kind, name)
    ]
    return found


def of_kind(objects: Iterable[Object], *kinds: str) -> list[Object]:
    return [each for each in objects if each["kind"] in kinds]


def strict_problem(each: Object, version: str) -> str | None:
    """The mistake of an object for a version of Kubernetes; None: valid."""
    try:
        validate(each, version, strict=True)
    except ValidationError as error:
        return str(error)
    except SchemaNotFoundError:
        return _foreign_problem(each)
    return None


def _foreign_problem(each: Object) -> str | None:
    match each["apiVersion"], each["kind"]:
        case "monitoring.yuptime.io/v1", "Monitor":
            problems = refusals(stored(each, schema_of(definition())), schema_of(definition()))
            return "; ".join(problems) or None
        case "monitoring.coreos.com/v1", "ServiceMonitor":
            unknown = set(each["spec"]) - {"jobLabel", "selector", "endpoints", "namespaceSelector"}
            for endpoint in each["spec"]["endpoints"]:
                unknown |= set(endpoint) - _ENDPOINT
            return f"unknown fields: {unknown}" if unknown else None
        case "monitoring.coreos.com/v1", "PrometheusRule":
            unknown = {key for group in each["spec"]["groups"] for key in group}
            unknown -= {"name", "interval", "rules"}
            return f"unknown fields: {unknown}" if unknown or len(each["spec"]) > 1 else None
        case other:
            return f"no schema for {other}"


class _UniqueKeys(yaml.CSafeLoader):
    """Reads YAML, and refuses a map that has a key twice, as Kubernetes and Flux do."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys = Counter(key.value for key, _ in node.value)
        assert len(keys) == len(node.value), f"{node.start_mark}: a key is there twice: {keys}"
        return super().construct_mapping(node, deep)


def _objects(text: str) -> tuple[Object, ...]:
    documents = yaml.load_all(text, _UniqueKeys)
    return tuple(each for each in documents if each is not None)


def _output(program: Path, *arguments: str | Path) -> str:
    ended = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def names(objects: Iterable[Mapping[str, Any]]) -> set[str]:
    """Kind, namespace and name of each object."""
    return {
        "/".join((each["kind"], each["metadata"].get("namespace", ""), each["metadata"]["name"]))
        for each in objects
    }

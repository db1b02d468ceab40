"""The output of kustomize and helm for deploy/, and its check against Kubernetes schemas."""

import subprocess
from collections.abc import Iterable, Mapping
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
_ENDPOINT = {"port", "interval", "scrapeTimeout", "honorLabels", "relabelings", "path"}


@cache
def overlay(name: str) -> tuple[Object, ...]:
    """The objects of an overlay."""
    return kustomized(DEPLOY / "overlays" / name)


def kustomized(folder: Path) -> tuple[Object, ...]:
    """The objects of a folder with a kustomization."""
    program = require("kubectl", Generation.NEWEST)
    return _objects(_output(program, "kustomize", folder))


def helm_template(*arguments: str | Path, namespace: str = "yuptime") -> tuple[Object, ...]:
    """The objects of a release with the name of the chart."""
    program = require("helm", Generation.NEWEST)
    return _objects(
        _output(
            program, "template", "yuptime-exporter", CHART, f"--namespace={namespace}", *arguments
        )
    )


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


def _objects(text: str) -> tuple[Object, ...]:
    return tuple(each for each in yaml.safe_load_all(text) if each is not None)


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

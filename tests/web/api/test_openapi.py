"""The OpenAPI document is valid, covers every route, and every answer is as it says."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.field.running import RunningExporter, running_exporter
from tests.manifests import TOKEN
from yuptime_exporter.core.errors import MalformedPush
from yuptime_exporter.core.model import PushKind, Reason, State
from yuptime_exporter.web.pushes.native import parse_report

DOCUMENT = json.loads(
    (Path(__file__).parents[3] / "yuptime_exporter" / "web" / "api" / "openapi.json").read_text()
)
CHECKS = [
    not_a_server_error,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
]
ENDLESS = "/api/v1/events"
OPERATIONS = [
    (path, method)
    for path, methods in DOCUMENT["paths"].items()
    for method in methods
    if path != ENDLESS
]


def test_the_document_lists_every_route_of_readers_and_jobs() -> None:
    routes = (Path(__file__).parents[3] / "yuptime_exporter" / "web" / "routes.py").read_text()
    served = set(re.findall(r'prefix \+ "(/api/v1/[^"]+)"', routes)) - {"/api/v1/admin/backup"}

    assert {path for path in DOCUMENT["paths"] if path.startswith("/api/v1/")} >= served
    assert "/api/push/{namespace}/{name}" in DOCUMENT["paths"]


def test_the_document_lists_every_state_reason_and_kind() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    summary = schemas["MonitorSummary"]["properties"]

    assert set(summary["state"]["enum"]) == set(State)
    assert set(summary["reason"]["enum"]) == set(Reason)
    assert set(schemas["PastPush"]["properties"]["kind"]["enum"]) == set(PushKind)


def test_the_document_lists_every_field_of_a_push_and_every_status() -> None:
    with pytest.raises(MalformedPush) as refused:
        parse_report(b'{"unknown": 1}', "application/json")
    names = re.findall(r"the fields (.+), got", str(refused.value))[0].split(", ")
    body = DOCUMENT["components"]["schemas"]["Push"]["properties"]
    parameters = DOCUMENT["paths"]["/api/push/{namespace}/{name}"]["post"]["parameters"]
    query = {one["name"]: one for one in parameters if one.get("in") == "query"}

    assert list(body) == list(query) == names
    for status in (body["status"], query["status"]["schema"]):
        assert set(status["enum"]) == set(PushKind)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningExporter]:
    with running_exporter(tmp_path_factory.mktemp("openapi"), ["backup"]) as exporter:
        yield exporter


@pytest.mark.peer
@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_every_answer_is_one_of_those_that_the_document_lists(
    running: RunningExporter, path: str, method: str
) -> None:
    base = f"http://127.0.0.1:{running.port}"
    schema = schemathesis.openapi.from_url(f"{base}/api/v1/openapi.json")
    operation = schema[path][method]

    @hypothesis_settings(
        max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), database=None
    )
    @given(case=operation.as_strategy())
    def answers_as_documented(case: "schemathesis.Case[Any]") -> None:
        known = {"namespace": "field", "name": "backup"}
        for parameters in (dict(case.path_parameters or {}), known):
            if case.path_parameters:
                case.path_parameters.update(parameters)
            case.call_and_validate(
                base_url=base, headers={"Authorization": f"Bearer {TOKEN}"}, checks=CHECKS
            )

    answers_as_documented()

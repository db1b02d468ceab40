"""The definition of Monitors: its form, and agreement with the exporter about valid specs."""

import re
from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings

from tests.deploy.definition import (
    DEPLOY,
    definition,
    every_schema,
    refusals,
    schema_at,
    schema_of,
    stored,
)
from tests.deploy.rendering import OLDEST_AND_NEWEST, strict_problem
from tests.deploy.specs import URLS, Spec, specs
from tests.laws import examples
from yuptime_exporter.core.identity import MAX_LABEL_VALUE_BYTES, MAX_LABELS, RESERVED_LABELS
from yuptime_exporter.core.model import API_VERSION, GROUP
from yuptime_exporter.core.urls import url_problem
from yuptime_exporter.resource.cron_text import MAX_EXPRESSION_CHARS
from yuptime_exporter.resource.objects import Declared, Invalid, read_object
from yuptime_exporter.resource.shapes import MAX_SECONDS, MAX_ZONE_CHARS, PUSH_FIELDS
from yuptime_exporter.sources.kubernetes.definition import dropped_fields

NAMESPACE = "jobs"
TOKEN_REF = {"name": "a", "key": "b"}


def monitor(spec: Spec) -> dict[str, Any]:
    metadata = {"name": "backup", "namespace": NAMESPACE}
    return {"apiVersion": API_VERSION, "kind": "Monitor", "metadata": metadata, "spec": spec}


def pushed(**fields: object) -> Spec:
    return {"type": "push", "target": {"push": {"tokenSecretRef": TOKEN_REF, **fields}}}


@settings(max_examples=examples(200))
@given(specs(NAMESPACE))
@example(pushed())
@example({**pushed(), "alerting": {"labels": {"a": None}}})
@example({"type": "push", "target": {"push": {"token": {"secretRef": TOKEN_REF}}}})
@example({**pushed(), "schedule": {"intervalSeconds": MAX_SECONDS}})
@example({**pushed(), "schedule": {"intervalSeconds": MAX_SECONDS + 1}})
def test_the_definition_accepts_exactly_the_specs_that_the_exporter_accepts(spec: Spec) -> None:
    kept = stored(spec, schema_at("spec"))
    found = refusals(kept, schema_at("spec"))

    if found:
        # An API server drops a label that is null; in a file a null is a mistake.
        assert isinstance(read_object(monitor(spec), "here"), Invalid), found
    else:
        read = read_object(monitor(kept), "here")
        assert isinstance(read, Declared), read


def addresses() -> Iterator[str]:
    """Addresses with each number of groups on each side of a gap, and each octet."""
    for left, right in product(range(10), repeat=2):
        for gap, last in product(("::", ":"), ("", ":1.2.3.4", "1.2.3.4")):
            yield f"{':'.join('a' * left)}{gap}{':'.join('b' * right)}{last}"
    for octet in (*range(266), "00", "01", "007", "1000", ""):
        yield from (f"::{octet}.1.1.1", f"::1.1.{octet}.1", f"::1.1.1.{octet}")


def hosts() -> Iterator[str]:
    """Hosts and ports at and beside all limits."""
    yield from (f"[{address}]" for address in addresses())
    for port in (*range(12), *range(65_520, 65_545), 59_999, 60_000, 66_000, 99_999, 100_000):
        yield from (f"host:{port}", f"host:000{port}")
    for length in (1, 2, 62, 63, 64):
        yield from (f"{'a' * length}.b", f"b.{'a' * length}", f"{'a' * length}.")


def test_the_definition_accepts_exactly_the_hosts_and_ports_that_the_exporter_accepts() -> None:
    schema = schema_at("spec")
    judged = {host: not url_problem(f"http://{host}/") for host in hosts()}

    for host, is_good in judged.items():
        spec = {**pushed(), "alertmanagerUrl": f"http://{host}/"}
        assert (refusals(spec, schema) == []) is is_good, host
    assert 300 < sum(judged.values()) < len(judged) - 300


@settings(max_examples=examples(150))
@given(URLS)
def test_the_definition_accepts_exactly_the_urls_that_the_exporter_accepts(url: object) -> None:
    for alerting in ({"alertmanagerUrl": url}, {"alerting": {"alertmanagerUrl": url}}):
        kept = stored({**pushed(), **alerting}, schema_at("spec"))

        is_good = url is None or (isinstance(url, str) and not url_problem(url))
        assert (refusals(kept, schema_at("spec")) == []) is is_good


@pytest.mark.parametrize("schedule", [{"cron": "0 25 * * *"}, {"timeZone": "Europe/Brlin"}])
def test_the_exporter_alone_knows_the_values_of_an_expression_and_the_names_of_zones(
    schedule: Spec,
) -> None:
    spec = {**pushed(), "schedule": schedule}

    assert refusals(stored(spec, schema_at("spec")), schema_at("spec")) == []
    assert isinstance(read_object(monitor(spec), "here"), Invalid)


@settings(max_examples=examples(100))
@given(specs(NAMESPACE))
def test_the_definition_has_the_defaults_of_the_exporter(spec: Spec) -> None:
    as_written = read_object(monitor(spec), "here")
    if not isinstance(as_written, Declared):
        return

    assert read_object(monitor(stored(spec, schema_at("spec"))), "here") == as_written


def test_the_definition_does_not_change_monitors_of_other_types() -> None:
    spec = {
        "type": "http",
        "schedule": {"intervalSeconds": 10**9, "timeoutSeconds": 5},
        "target": {"http": {"url": "https://example.com"}, "steam": {"port": 1}},
        "alertmanagerUrl": "http://user:password@alertmanager:9093/?a=b",
        "successCriteria": {"http": {"acceptedStatusCodes": [200]}},
    }

    kept = stored(spec, schema_at("spec"))

    assert refusals(kept, schema_at("spec")) == []
    assert kept["target"] == {
        "http": {
            "url": "https://example.com",
            "method": "GET",
            "followRedirects": True,
            "maxRedirects": 10,
            "maxBodyBytes": 1048576,
        },
        "steam": {"port": 1},
    }
    assert {name: kept[name] for name in spec if name != "target"} == {
        name: value for name, value in spec.items() if name != "target"
    }


def test_every_limit_of_the_definition_is_that_of_the_exporter() -> None:
    push, labels = schema_at("spec", "target", "push"), schema_at("spec", "alerting", "labels")
    rules = " ".join(rule["rule"] for rule in labels["x-kubernetes-validations"])

    assert tuple(push["properties"]) == PUSH_FIELDS
    assert push["properties"]["expireSeconds"]["maximum"] == MAX_SECONDS
    schedule = schema_at("spec", "schedule")["properties"]
    assert schedule["cron"]["maxLength"] == MAX_EXPRESSION_CHARS
    assert schedule["timeZone"]["maxLength"] == MAX_ZONE_CHARS
    assert labels["maxProperties"] == MAX_LABELS
    assert labels["additionalProperties"]["maxLength"] == MAX_LABEL_VALUE_BYTES
    assert set(re.findall(r"'([a-z]+)'", rules)) == RESERVED_LABELS


def test_the_definition_contains_all_of_yuptimes_definition() -> None:
    crd = definition()["spec"]

    assert (crd["group"], crd["scope"]) == (GROUP, "Namespaced")
    assert (crd["names"]["plural"], crd["names"]["shortNames"]) == ("monitors", ["mon"])
    (version,) = crd["versions"]
    assert (version["name"], version["served"], version["storage"]) == ("v1", True, True)
    assert version["subresources"] == {"status": {}}
    assert version["selectableFields"] == [{"jsonPath": ".spec.type"}]
    assert schema_at("spec")["required"] == ["type"]
    defaults = {
        path.removeprefix("spec."): schema["default"]
        for path, schema in every_schema(schema_of(definition()))
        if "default" in schema
    }
    assert defaults == FOREIGN_DEFAULTS | {
        "enabled": True,
        "target.push.expireSeconds": 300,
        "target.push.gracePeriodSeconds": 60,
    }


@pytest.mark.parametrize("version", OLDEST_AND_NEWEST)
def test_the_definition_has_the_form_of_a_kubernetes_object(version: str) -> None:
    assert strict_problem(definition(), version) is None


def test_the_columns_of_kubectl_get_show_state_last_push_and_expiry() -> None:
    (version,) = definition()["spec"]["versions"]
    columns = version["additionalPrinterColumns"]

    def names(priority: int) -> list[str]:
        return [one["name"] for one in columns if one.get("priority", 0) == priority]

    assert names(0) == ["Type", "State", "Last Push", "Expires", "Age"]
    assert names(1) == ["Schedule", "Message", "Ready", "Last Check"]


@pytest.mark.parametrize(
    ("path", "schema"),
    [
        (path, schema)
        for path, schema in every_schema(schema_of(definition()))
        if re.match(r"spec\.(type|enabled|schedule|alert|target\.push)|status\.", path)
        and not path.endswith(("additionalProperties", "items", ".up", ".down"))
        and ".notifyOn." not in path
    ],
)
def test_every_field_of_a_push_monitor_has_a_description(path: str, schema: dict[str, Any]) -> None:
    assert re.fullmatch(r"[A-Zft].*\.", schema["description"]), path


def test_every_validation_rule_has_a_message() -> None:
    rules = [
        rule
        for _, schema in every_schema(schema_of(definition()))
        for rule in schema.get("x-kubernetes-validations", ())
    ]

    assert len(rules) == 9
    assert all(rule["message"] for rule in rules)


def test_the_definition_allows_no_unknown_fields_in_a_push() -> None:
    push = schema_at("spec", "target", "push")

    assert all(
        "x-kubernetes-preserve-unknown-fields" not in schema for _, schema in every_schema(push)
    )


def test_the_exporter_reports_no_missing_field_of_the_definition() -> None:
    assert dropped_fields(definition()) == ()


def test_the_patch_adds_the_push_fields_of_the_definition() -> None:
    operations = yaml.safe_load((DEPLOY / "crd" / "push-fields.yaml").read_text())
    root = "/spec/versions/0/schema/openAPIV3Schema/properties/"
    added = {
        operation["path"].removeprefix(root).replace("/properties", ""): operation["value"]
        for operation in operations
        if operation["op"] == "add"
    }

    assert added.pop("status/lastResult/state/enum/-") == "late"
    generation = added.pop("status/conditions/items/observedGeneration")
    conditions = schema_at("status", "conditions")["items"]["properties"]
    assert generation == conditions["observedGeneration"]
    assert set(added) == {
        "spec/schedule/cron",
        "spec/schedule/timeZone",
        "spec/target/push",
        "spec/alerting/description",
        "spec/alerting/labels",
        "spec/alerting/runbookUrl",
        "spec/alerting/alertmanagerUrl",
        "spec/alertmanagerUrl",
        "status/push",
    }
    for path, schema in added.items():
        assert schema == schema_at(*path.split("/")), path


# The defaults of Yuptime's own definitions, of all versions.
FOREIGN_DEFAULTS = {
    "target.http.method": "GET",
    "target.http.followRedirects": True,
    "target.http.maxRedirects": 10,
    "target.http.maxBodyBytes": 1048576,
    "target.http.tls.verify": True,
    "target.tcp.tls.enabled": False,
    "target.tcp.tls.verify": True,
    "target.ping.packetCount": 1,
    "target.websocket.tls.verify": True,
    "target.mysql.port": 3306,
    "target.mysql.healthQuery": "SELECT 1",
    "target.mysql.credentialsSecretRef.usernameKey": "username",
    "target.mysql.credentialsSecretRef.passwordKey": "password",
    "target.mysql.tls.enabled": False,
    "target.mysql.tls.verify": True,
    "target.postgresql.port": 5432,
    "target.postgresql.database": "postgres",
    "target.postgresql.healthQuery": "SELECT 1",
    "target.postgresql.sslMode": "prefer",
    "target.postgresql.credentialsSecretRef.usernameKey": "username",
    "target.postgresql.credentialsSecretRef.passwordKey": "password",
    "target.redis.port": 6379,
    "target.redis.database": 0,
    "target.redis.credentialsSecretRef.passwordKey": "password",
    "target.redis.tls.enabled": False,
    "target.redis.tls.verify": True,
    "target.grpc.port": 50051,
    "target.grpc.tls.enabled": False,
    "target.grpc.tls.verify": True,
    "alerting.resendIntervalMinutes": 0,
    "alerting.notifyOn.down": True,
    "alerting.notifyOn.up": True,
    "alerting.notifyOn.flapping": True,
    "alerting.notifyOn.certExpiring": True,
}

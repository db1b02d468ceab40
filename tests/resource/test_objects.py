import base64
import hashlib
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from yuptime_exporter.core.model import Monitor, MonitorKey, TokenRef
from yuptime_exporter.core.schedules import Every
from yuptime_exporter.resource.objects import (
    Declared,
    Invalid,
    OtherKind,
    OtherMonitor,
    Secret,
    SecretKey,
    read_object,
)
from yuptime_exporter.sources.manifests.manifest import read_manifest

BACKUP_JOB = """\
apiVersion: monitoring.yuptime.io/v1
kind: Monitor
metadata:
  name: backup-job
  namespace: yuptime
spec:
  type: push
  schedule:
    intervalSeconds: 300
    timeoutSeconds: 10
  target:
    push:
      tokenSecretRef:
        name: push-token
        key: token
      expireSeconds: 300
      gracePeriodSeconds: 60
"""
NIGHTLY_BACKUP = """\
apiVersion: monitoring.yuptime.io/v1
kind: Monitor
metadata:
  name: nightly-backup
  namespace: yuptime
spec:
  type: push
  schedule:
    intervalSeconds: 86400
    timeoutSeconds: 10
  target:
    push:
      tokenSecretRef:
        name: backup-push-token
        key: token
      expireSeconds: 90000    # 25 hours
      gracePeriodSeconds: 3600
  alerting:
    alertmanagerUrl: "http://alertmanager:9093"
    labels:
      severity: warning
"""
PAYMENT_PROCESSOR = """\
apiVersion: monitoring.yuptime.io/v1
kind: Monitor
metadata:
  name: payment-processor
  namespace: yuptime
spec:
  type: push
  schedule:
    intervalSeconds: 60
    timeoutSeconds: 10
  target:
    push:
      tokenSecretRef:
        name: payment-push-token
        key: token
      expireSeconds: 120
      gracePeriodSeconds: 30
"""
PUSH_TOKEN = """\
apiVersion: v1
kind: Secret
metadata:
  name: push-token
  namespace: yuptime
type: Opaque
stringData:
  token: "your-secure-random-token"
"""
# A slow machine is not a broken law.
LAW = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
WHERE = "a.yaml, document 1 (line 1)"
ABSENT = object()


def monitor_object(path: str = "", value: object = ABSENT) -> dict[str, object]:
    """Return a good monitor, with one field set to another value."""
    manifest: dict[str, object] = {
        "apiVersion": "monitoring.yuptime.io/v1",
        "kind": "Monitor",
        "metadata": {"name": "job", "namespace": "ns"},
        "spec": {
            "type": "push",
            "target": {"push": {"tokenSecretRef": {"name": "secret", "key": "token"}}},
        },
    }
    return changed(manifest, path, value)


def secret_object(path: str = "", value: object = ABSENT) -> dict[str, object]:
    manifest: dict[str, object] = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "secret", "namespace": "ns"},
    }
    return changed(manifest, path, value)


def changed(manifest: dict[str, object], path: str, value: object) -> dict[str, object]:
    part: object = manifest
    *parents, last = path.split(".")
    for name in parents:
        assert isinstance(part, dict)
        part = part.setdefault(name, {})
    assert isinstance(part, dict)
    if value is not ABSENT:
        part[last] = value
    elif last:
        del part[last]
    return manifest


def monitor_of(manifest: object) -> Monitor:
    read = read_object(manifest, WHERE)
    assert isinstance(read, Declared)
    assert isinstance(read.value, Monitor)
    return read.value


def secret_of(manifest: object) -> Secret:
    read = read_object(manifest, WHERE)
    assert isinstance(read, Declared)
    assert isinstance(read.value, Secret)
    return read.value


def problems_of(manifest: object) -> list[tuple[str, str]]:
    read = read_object(manifest, WHERE)
    assert isinstance(read, Invalid)
    return [(problem.field, problem.text) for problem in read.problems]


def digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def test_the_monitors_of_existing_users_load_unchanged():
    manifest = read_manifest(
        "---\n".join([BACKUP_JOB, NIGHTLY_BACKUP, PAYMENT_PROCESSOR]).encode(), "a.yaml"
    )

    assert manifest.problems == ()
    assert [declared.value for declared in manifest.declared] == [
        Monitor(
            key=MonitorKey("yuptime", "backup-job"),
            token_ref=TokenRef("push-token", "token"),
            schedule=Every(300),
            grace_seconds=60,
            interval_seconds=300,
        ),
        Monitor(
            key=MonitorKey("yuptime", "nightly-backup"),
            token_ref=TokenRef("backup-push-token", "token"),
            schedule=Every(90000),
            grace_seconds=3600,
            alert_labels=(("severity", "warning"),),
            alertmanager_url="http://alertmanager:9093",
            interval_seconds=86400,
        ),
        Monitor(
            key=MonitorKey("yuptime", "payment-processor"),
            token_ref=TokenRef("payment-push-token", "token"),
            schedule=Every(120),
            grace_seconds=30,
            interval_seconds=60,
        ),
    ]


def test_the_secret_of_existing_users_loads_unchanged():
    manifest = read_manifest(PUSH_TOKEN.encode(), "a.yaml")

    assert manifest.problems == ()
    (declared,) = manifest.declared
    assert isinstance(declared.value, Secret)
    assert declared.value.key == SecretKey("yuptime", "push-token")
    assert declared.value.tokens["token"].digests == (digest("your-secure-random-token"),)


def test_a_field_that_is_not_given_has_its_default():
    assert monitor_of(monitor_object()) == Monitor(
        key=MonitorKey("ns", "job"),
        token_ref=TokenRef("secret", "token"),
        enabled=True,
        schedule=Every(300),
        grace_seconds=60,
    )
    assert monitor_of(monitor_object("metadata.namespace")).key.namespace == "default"


def test_a_field_with_the_value_null_counts_as_not_given():
    assert monitor_of(monitor_object("spec.alerting.labels", None)).alert_labels == ()
    assert monitor_of(monitor_object("spec.target.push.expireSeconds", None)).schedule == Every(300)


def test_a_grace_of_0_seconds_stays_0():
    assert monitor_of(monitor_object("spec.target.push.gracePeriodSeconds", 0)).grace_seconds == 0


def test_the_maximum_runtime_is_optional() -> None:
    limited = monitor_of(monitor_object("spec.target.push.maxRuntimeSeconds", 7200))

    assert limited.max_runtime_seconds == 7200
    assert (
        monitor_of(monitor_object("spec.target.push.expireSeconds", 1)).max_runtime_seconds is None
    )


def test_token_secret_ref_is_another_spelling_of_the_token():
    push = {"token": {"secretRef": {"name": "other", "key": "key"}}}

    assert monitor_of(monitor_object("spec.target.push", push)).token_ref == TokenRef(
        "other", "key"
    )


def test_the_alertmanager_url_can_be_given_in_spec_or_in_alerting():
    url = "https://alertmanager.example:9093/path/"

    assert monitor_of(monitor_object("spec.alertmanagerUrl", url)).alertmanager_url == url


def test_a_token_can_name_its_own_namespace_but_no_other():
    path = "spec.target.push.tokenSecretRef.namespace"

    assert monitor_of(monitor_object(path, "ns")).token_ref == TokenRef("secret", "token")
    ((field, text),) = problems_of(monitor_object(path, "other"))
    assert field == path
    assert "cross-namespace" in text
    assert '"other"' in text
    assert '"ns"' in text


def test_alert_labels_are_sorted_by_name():
    labels = {"team": "b", "severity": "a"}

    assert monitor_of(monitor_object("spec.alerting.labels", labels)).alert_labels == (
        ("severity", "a"),
        ("team", "b"),
    )


def test_unknown_fields_outside_of_push_are_ignored():
    assert monitor_of(monitor_object("spec.retries", [1])) == monitor_of(monitor_object())


@pytest.mark.parametrize(
    ("path", "value", "text"),
    [
        (
            "spec.target.push.expireSeconds",
            "5m",
            'expected a whole number of seconds from 1 to 315360000, got "5m" (a string)',
        ),
        ("spec.target.push.expireSeconds", 0, "of seconds from 1 to 315360000"),
        ("spec.target.push.expireSeconds", 315360001, "got 315360001 (a whole number)"),
        ("spec.target.push.expireSeconds", 10**40, "315360000, got a whole number"),
        ("spec.target.push.expireSeconds", 300.5, "got 300.5 (a number)"),
        ("spec.target.push.expireSeconds", True, "got true (a boolean)"),
        ("spec.target.push.gracePeriodSeconds", -1, "of seconds from 0 to 315360000"),
        ("spec.target.push.maxRuntimeSeconds", 0, "of seconds from 1 to 315360000"),
        ("spec.target.push.maxRuntimeSeconds", "2h", "of seconds from 1 to 315360000"),
        ("spec.schedule.intervalSeconds", 0, "of seconds from 1 to 315360000"),
        ("spec.enabled", "yes", "expected true or false"),
        ("spec.type", ABSENT, "expected a string, such as push, got nothing"),
        ("spec.target", ABSENT, "expected a mapping, got nothing"),
        ("spec.target.push", ["x"], "expected a mapping, got a list"),
        (
            "spec.target.push.tokenSecretRef",
            ABSENT,
            "expected a mapping with the name of a Secret and a key in it, got nothing",
        ),
        ("spec.target.push.tokenSecretRef", "t0ken", "expected a mapping, got a string"),
        ("spec.target.push.tokenSecretRef.key", "a b", "letters, digits, -, _ and ."),
        ("spec.target.push.tokenSecretRef.name", ABSENT, "got nothing"),
        ("metadata", ABSENT, "expected a mapping, got nothing"),
        ("metadata.name", ABSENT, "expected a name of at most 253 characters"),
        ("metadata.name", "Job", 'got "Job" (a string)'),
        ("metadata.name", "a" * 254, f'got "{"a" * 60}…" (a string)'),
        ("metadata.name", "job\n", r'got "job\n" (a string)'),
        ("metadata.name", 123, "put the value in quotes"),
        ("metadata.namespace", "a.b", "at most 63 characters"),
        ("spec.alerting.labels.severity", True, "YAML reads yes, no, on and off as booleans"),
        ("spec.alerting.labels.severity", 1, "put the value in quotes"),
        ("spec.alerting.labels.severity", None, "expected a string, got nothing"),
        ("spec.alerting.labels.namespace", "x", "reserved are"),
        ("spec.alerting.labels", "x", "expected a mapping, got a string"),
        ("apiVersion", "monitoring.yuptime.io/v2", "expected monitoring.yuptime.io/v1"),
        ("apiVersion", ABSENT, "expected a string, got nothing"),
        ("kind", ["Monitor"], "expected a string, got a list"),
    ],
)
def test_a_wrong_field_is_one_problem_that_names_it(path, value, text):
    ((field, found),) = problems_of(monitor_object(path, value))

    assert field == path
    assert text in found


@pytest.mark.parametrize("path", ["spec.alertmanagerUrl", "spec.alerting.alertmanagerUrl"])
@pytest.mark.parametrize(
    "url",
    [
        "alertmanager:9093",
        "ftp://host",
        "http://",
        "http://:9093",
        "http://host:99999",
        "http://host:x",
        "http://[::1",
        "http://user:hunter2@host",
        "http://hunter2@host",
        "http:user:hunter2@host",
        "http://host?",
        "http://host/?a=b",
        "http://host/#a",
        "http://ho st/",
        "http://host/\n",
        "http://host/" + "a" * 2048,
        5,
    ],
)
def test_the_url_of_an_alertmanager_must_be_an_http_url_without_password(path, url):
    ((field, text),) = problems_of(monitor_object(path, url))

    assert field == path
    assert "expected an http or https URL with a host, of at most 2048 characters" in text
    assert "hunter2" not in text


def test_a_number_with_thousands_of_digits_is_a_problem():
    ((field, _),) = problems_of(monitor_object("spec.target.push.expireSeconds", 10**6000))

    assert field == "spec.target.push.expireSeconds"


def test_all_problems_of_an_object_are_listed_at_once():
    manifest = monitor_object("spec.target.push.expireSeconds", "5m")
    manifest = changed(manifest, "metadata.name", "")
    manifest = changed(manifest, "spec.enabled", 1)

    assert {field for field, _ in problems_of(manifest)} == {
        "metadata.name",
        "spec.enabled",
        "spec.target.push.expireSeconds",
    }


def test_a_problem_reads_as_one_line_with_its_place():
    text = BACKUP_JOB.replace("expireSeconds: 300", "expireSeconds: 5m")

    (problem,) = read_manifest(f"a: 1\n---\n{text}".encode(), "jobs/a.yaml").problems

    assert str(problem) == (
        "jobs/a.yaml, document 2 (line 18): spec.target.push.expireSeconds: "
        'expected a whole number of seconds from 1 to 315360000, got "5m" (a string)'
    )


@pytest.mark.parametrize("value", ["x", 5, ["a"]])
def test_a_document_that_is_not_a_mapping_is_a_problem(value):
    ((field, text),) = problems_of(value)

    assert field == ""
    assert "expected a mapping" in text


def test_monitors_of_other_types_are_counted_by_type_and_otherwise_ignored():
    manifest = {**monitor_object(), "metadata": 5, "spec": {"type": "http", "target": []}}

    assert read_object(manifest, WHERE) == OtherMonitor("http")


@pytest.mark.parametrize(
    "manifest",
    [
        {"apiVersion": "apps/v1", "kind": "Deployment", "spec": 5},
        {"apiVersion": "monitoring.yuptime.io/v1", "kind": "StatusPage"},
        {"apiVersion": "example.com/v1", "kind": "Monitor"},
        {"apiVersion": "example.com/v1", "kind": "Secret"},
        {"scrape_configs": []},
    ],
)
def test_objects_of_other_kinds_are_ignored(manifest):
    assert read_object(manifest, WHERE) == OtherKind()


def test_an_unknown_push_field_is_a_warning_that_suggests_the_closest_name():
    written = monitor_object("spec.target.push.expireSecond", 5)

    (warning,) = read_manifest(json.dumps(written).encode(), "jobs.json").warnings
    assert warning.field == "spec.target.push.expireSecond"
    assert warning.text == "unknown field, ignored; did you mean expireSeconds?"


def test_a_secret_is_known_by_the_digests_of_its_lines():
    manifest = secret_object("stringData", {"token": " new \r\n\n\told\n", "empty": "\n"})

    tokens = secret_of(manifest).tokens

    assert tokens["token"].digests == (digest("new"), digest("old"))
    assert tokens["empty"].digests == ()


def test_string_data_wins_over_data():
    manifest = secret_object("stringData", {"a": "text"})
    manifest["data"] = {
        "a": base64.b64encode(b"data").decode(),
        "b": base64.encodebytes(b"x" * 100).decode(),
    }

    tokens = secret_of(manifest).tokens

    assert tokens["a"].digests == (digest("text"),)
    assert tokens["b"].digests == (digest("x" * 100),)


def test_doubtful_tokens_are_listed_by_their_line():
    manifest = secret_object("stringData", {"token": "a-good-one\ntwo words\nümlaut\n"})

    assert [line for line, _ in secret_of(manifest).tokens["token"].doubts] == [2, 3]


@pytest.mark.parametrize(
    ("token", "doubt"),
    [
        (b"\xef\xbb\xbfcorrect-horse", "byte order mark"),
        ("correct-horse".encode("utf-16"), "byte order mark"),
        ("correct-horse".encode("utf-16-le"), "UTF-16"),
        (b"two words", "no HTTP header"),
        (b"${PUSH_TOKEN}", "placeholder"),
        (b"$(PUSH_TOKEN)", "placeholder"),
        (b"{{.Values.token}}", "placeholder"),
        (b"<your-token>", "placeholder"),
        (b"ENC[AES256_GCM,data:abc=,type:str]", "placeholder"),
        (b"vault:secret/data/push#token", "placeholder"),
        (b"x", "at least 8 characters"),
        (b"1234567", "at least 8 characters"),
    ],
)
def test_a_token_that_cannot_work_is_a_doubt_that_does_not_show_it(token, doubt):
    encoded = base64.b64encode(token).decode()
    [(line, said)] = secret_of(secret_object("data", {"token": encoded})).tokens["token"].doubts

    assert line == 1
    assert doubt in said
    assert "horse" not in said
    assert "PUSH_TOKEN" not in said


@pytest.mark.parametrize("token", ["12345678", "correct-horse-battery-staple", "a$b{c}-d[e]<f"])
def test_a_token_that_a_header_can_carry_is_no_doubt(token):
    assert secret_of(secret_object("stringData", {"token": token})).tokens["token"].doubts == ()


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("data.token", "hunter2!"),
        ("data.token", "hunter2"),
        ("data.token", 98765),
        ("data.token", None),
        ("stringData.token", 98765),
        ("stringData.token", ["hunter2"]),
        ("stringData.token", {"hunter2": "hunter2"}),
        ("stringData", "hunter2"),
        ("data", ["hunter2"]),
        ("metadata.name", "hunter2!"),
        ("metadata", "hunter2"),
    ],
)
def test_a_problem_with_a_secret_names_the_field_and_no_part_of_its_content(path, value):
    ((field, text),) = problems_of(secret_object(path, value))

    assert field == path
    assert "hunter2" not in text
    assert "98765" not in text


def test_the_repr_of_a_secret_contains_no_digest():
    secret = secret_of(secret_object("stringData", {"token": "hunter2"}))

    assert "digests" not in repr(secret)


FIELDS = [
    "apiVersion",
    "kind",
    "metadata",
    "metadata.name",
    "metadata.namespace",
    "spec",
    "spec.type",
    "spec.enabled",
    "spec.schedule",
    "spec.schedule.intervalSeconds",
    "spec.target",
    "spec.target.push",
    "spec.target.push.tokenSecretRef",
    "spec.target.push.tokenSecretRef.name",
    "spec.target.push.tokenSecretRef.key",
    "spec.target.push.tokenSecretRef.namespace",
    "spec.target.push.expireSeconds",
    "spec.target.push.gracePeriodSeconds",
    "spec.target.push.maxRuntimeSeconds",
    "spec.alerting",
    "spec.alerting.labels",
    "spec.alerting.labels.team",
    "spec.alerting.alertmanagerUrl",
    "spec.alertmanagerUrl",
]
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@LAW
@given(path=st.sampled_from(FIELDS), value=ANYTHING)
def test_any_value_of_any_field_makes_a_monitor_or_a_problem_with_that_field(path, value):
    read = read_object(monitor_object(path, value), WHERE)

    if isinstance(read, Invalid):
        assert all(problem.field.startswith(path) for problem in read.problems)
        assert all(problem.text.isprintable() for problem in read.problems)
        assert read.problems
    elif isinstance(read, Declared):
        assert isinstance(read.value, Monitor)
    else:
        assert path in {"apiVersion", "kind", "spec", "spec.type"}


@LAW
@given(path=st.sampled_from(["data", "stringData", "data.a", "stringData.a"]), value=ANYTHING)
def test_any_content_of_a_secret_makes_a_secret_or_a_problem_with_that_field(path, value):
    read = read_object(secret_object(path, value), WHERE)

    if isinstance(read, Invalid):
        assert all(problem.field.startswith(path) for problem in read.problems)
    else:
        assert isinstance(read, Declared)


@LAW
@given(st.dictionaries(st.sampled_from(["apiVersion", "kind", "spec", "metadata"]), ANYTHING))
def test_no_object_raises_anything(manifest):
    read_object(manifest, WHERE)
    read_manifest(json.dumps(manifest).encode(), "a.json")

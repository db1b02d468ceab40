import io
from pathlib import Path

import pytest

from tests.manifests import monitor_yaml, secret_yaml
from tests.resource.test_objects import BACKUP_JOB, NIGHTLY_BACKUP, PAYMENT_PROCESSOR, PUSH_TOKEN
from yuptime_exporter.check import check


@pytest.fixture
def manifests(tmp_path: Path) -> Path:
    """The manifests of the users that exist, each monitor with its Secret."""
    for monitor, secret in (
        (BACKUP_JOB, "push-token"),
        (NIGHTLY_BACKUP, "backup-push-token"),
        (PAYMENT_PROCESSOR, "payment-push-token"),
    ):
        text = PUSH_TOKEN.replace("name: push-token", f"name: {secret}")
        write(tmp_path / f"{secret}.yaml", f"{monitor}---\n{text.replace('random', secret)}")
    return tmp_path


def write(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o600)


def rewrite(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    write(path, text.replace(old, new))


def checked(
    *paths: Path, stdin: bytes | None = None, allow_empty: bool = False
) -> tuple[int, list[str]]:
    out = io.StringIO()
    code = check(paths, out, stdin=stdin, allow_empty=allow_empty)
    return code, out.getvalue().splitlines()


def test_valid_manifests_are_counted(manifests):
    assert checked(manifests) == (
        0,
        ["3 monitors, 3 secrets, 0 documents ignored: 0 errors, 0 warnings"],
    )


def test_ignored_documents_are_counted(manifests):
    write(manifests / "other.yaml", "apiVersion: apps/v1\nkind: Deployment\n")

    code, lines = checked(manifests)

    assert code == 0
    assert lines == ["3 monitors, 3 secrets, 1 document ignored: 0 errors, 0 warnings"]


def test_every_problem_of_every_file_is_listed(manifests):
    rewrite(manifests / "push-token.yaml", "expireSeconds: 300", "expireSeconds: 5m")
    rewrite(manifests / "payment-push-token.yaml", "yuptime.io/v1", "yuptime.io/v2")

    code, lines = checked(manifests)

    assert code == 1
    version, expire, summary = lines
    assert version == (
        f"error: {manifests}/payment-push-token.yaml, document 1 (line 1): apiVersion: "
        'expected monitoring.yuptime.io/v1, got "monitoring.yuptime.io/v2" (a string); '
        "did you mean monitoring.yuptime.io/v1?"
    )
    assert expire == (
        f"error: {manifests}/push-token.yaml, document 1 (line 16): "
        "spec.target.push.expireSeconds: "
        'expected a whole number of seconds from 1 to 315360000, got "5m" (a string)'
    )
    assert summary == "1 monitor, 3 secrets, 0 documents ignored: 2 errors, 0 warnings"


def test_a_path_that_does_not_exist_is_a_problem(tmp_path):
    assert checked(tmp_path / "missing") == (
        1,
        [
            f"error: {tmp_path}/missing: cannot be read: No such file or directory",
            "0 monitors, 0 secrets, 0 documents ignored: 1 error, 0 warnings",
        ],
    )


def test_an_object_declared_twice_is_a_problem_that_names_both_places(manifests):
    write(manifests / "z.yaml", BACKUP_JOB)

    code, (error, _) = checked(manifests)

    assert code == 1
    assert f"{manifests}/z.yaml, document 1" in error
    assert f"{manifests}/push-token.yaml, document 1" in error


@pytest.mark.parametrize(
    ("old", "new", "field", "text"),
    [
        (
            "expireSeconds: 300",
            "expireSeconds: 250",
            "spec.target.push.expireSeconds",
            "expected at least spec.schedule.intervalSeconds, 300, got 250",
        ),
        (
            "expireSeconds: 300",
            "expireSeconds: 240",
            "spec.target.push.expireSeconds",
            "300, got 240 + 60: the monitor is down before each push",
        ),
        (
            "name: push-token\n        key",
            "name: other\n        key",
            "spec.target.push.tokenSecretRef.name",
            "there is no Secret yuptime/other",
        ),
        (
            "key: token",
            "key: tokens",
            "spec.target.push.tokenSecretRef.key",
            "Secret yuptime/push-token does not have the key tokens",
        ),
        (
            '"your-secure-push-token-token"',
            '"\\n"',
            "spec.target.push.tokenSecretRef.key",
            "Secret yuptime/push-token has no token under the key token",
        ),
        (
            '"your-secure-push-token-token"',
            '"a-good-one\\nhunter 2"',
            "stringData.token",
            "token on line 2: no HTTP header can carry the token",
        ),
        (
            "gracePeriodSeconds",
            "graceSeconds",
            "spec.target.push.graceSeconds",
            "did you mean gracePeriodSeconds?",
        ),
    ],
)
def test_a_valid_manifest_that_will_not_work_as_intended_is_a_warning(
    manifests, old, new, field, text
):
    rewrite(manifests / "push-token.yaml", old, new)

    code, (warning, summary) = checked(manifests)

    assert code == 0
    assert warning.startswith(f"warning: {manifests}/push-token.yaml, document ")
    assert f": {field}: " in warning
    assert text in warning
    assert "hunter" not in warning
    assert summary.endswith(": 0 errors, 1 warning")


def test_a_secret_of_a_type_that_is_not_watched_is_a_warning(tmp_path):
    secret = secret_yaml() + "type: kubernetes.io/tls\n"
    (tmp_path / "a.yaml").write_text(f"{monitor_yaml()}---\n{secret}")
    (tmp_path / "a.yaml").chmod(0o600)

    code, (warning, _) = checked(tmp_path)

    assert code == 0
    assert "type: expected the type Opaque, got kubernetes.io/tls" in warning
    assert "--kubernetes.secrets=get" in warning


def test_a_secret_that_every_user_can_read_is_a_warning(manifests):
    (manifests / "push-token.yaml").chmod(0o644)

    code, (warning, _) = checked(manifests)

    assert code == 0
    assert warning == (
        f"warning: {manifests}/push-token.yaml: "
        "contains a Secret and can be read by every user of this machine: chmod o-r"
    )


def test_a_monitor_that_every_user_can_read_is_not_a_warning(tmp_path):
    (tmp_path / "a.yaml").write_text(BACKUP_JOB)
    (tmp_path / "a.yaml").chmod(0o644)

    _, lines = checked(tmp_path)

    assert not any("can be read by" in line for line in lines)


def test_one_token_in_two_secrets_is_a_warning_that_names_both_but_not_the_token(manifests):
    rewrite(
        manifests / "payment-push-token.yaml",
        "your-secure-payment-push-token-token",
        "a-new-one\\nyour-secure-push-token-token",
    )

    code, (warning, _) = checked(manifests)

    assert code == 0
    assert (
        "the Secrets yuptime/payment-push-token, yuptime/push-token have a token in common"
        in warning
    )
    assert "your-secure" not in warning


def test_equal_lines_in_secrets_that_no_monitor_uses_are_not_a_warning(tmp_path):
    for name in ("a", "b"):
        write(tmp_path / f"{name}.yaml", PUSH_TOKEN.replace("name: push-token", f"name: {name}"))

    assert checked(tmp_path, allow_empty=True)[1] == [
        "0 monitors, 2 secrets, 0 documents ignored: 0 errors, 0 warnings"
    ]


def test_the_name_of_a_file_cannot_forge_lines(tmp_path):
    write(tmp_path / "a\nerror: b\x1b[2J.yaml", "x")

    _, lines = checked(tmp_path)

    assert len(lines) == 2
    assert all(line.isprintable() for line in lines)


WITHOUT_SHAPE = """apiVersion: monitoring.yuptime.io/v1
kind: Monitor
metadata: {name: report, namespace: prod}
spec:
  type: push
  schedule: {cron: "0 25 * * *", timeZone: Europe/Berln}
  target: {push: {gracePeriodSeconds: -1}}
  alerting: {labels: {alertname: x, level: 5}}
"""


def test_the_rules_beyond_a_shape_are_checked_although_another_field_has_no_shape(tmp_path):
    write(tmp_path / "report.yaml", WITHOUT_SHAPE)

    _, lines = checked(tmp_path)

    assert [line.split(": ")[2] for line in lines if line.startswith("error")] == [
        "spec.target.push.gracePeriodSeconds",
        "spec.alerting.labels.level",
        "spec.schedule.cron",
        "spec.schedule.timeZone",
        "spec.target.push.tokenSecretRef",
        "spec.alerting.labels.alertname",
    ]


def test_a_sign_that_is_missing_in_yaml_is_named_and_no_text_of_the_file_is_quoted(tmp_path):
    write(tmp_path / "a.yaml", "a: [1,\n b: 2\n")
    write(tmp_path / "b.yaml", "a: *secret\n")

    _, lines = checked(tmp_path)

    assert lines[0].endswith("a.yaml, line 3: not YAML: did not find expected ',' or ']'")
    assert "secret" not in lines[1]

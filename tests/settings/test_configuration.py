"""The configuration file: the values of its keys, and the texts of its problems."""

import re
from pathlib import Path

import pytest

from yuptime_exporter.core.alerting import AlertSettings
from yuptime_exporter.core.errors import ConfigInvalid
from yuptime_exporter.core.identity import AlertDefaults
from yuptime_exporter.core.rate_limit import RateLimit
from yuptime_exporter.settings.configuration import Configuration, load_configuration
from yuptime_exporter.sinks.alertmanager.endpoint import Authorization, Endpoint, Tls

EVERY_KEY = """\
alerting:
  default_labels: {severity: warning, team: ops}
  external_labels: {cluster: eu}
  resend_delay: 30s
  resolve_delay: 1m
  allowed_urls: [http://TEAM:9093/api/v2/alerts]
  alertmanagers:
    - url: http://one:9093/
      timeout: 5s
      basic_auth: {username: yuptime, password_file: password}
    - url: http://two:9093
      authorization: {credentials_file: /etc/token}
      tls_config: {server_name: alertmanager, insecure_skip_verify: true}
limits:
  push_rate: {interval: 500ms, burst: 20}
"""


def test_every_key_of_the_file_has_its_value(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(EVERY_KEY)

    assert load_configuration(config) == Configuration(
        alerting=AlertSettings(
            defaults=AlertDefaults(
                default_labels=(("severity", "warning"), ("team", "ops")),
                external_labels=(("cluster", "eu"),),
            ),
            resend_seconds=30,
            resolve_delay_seconds=60,
            alertmanager_urls=("http://one:9093", "http://two:9093"),
            allowed_urls=frozenset({"http://team:9093"}),
        ),
        alertmanagers=(
            Endpoint(
                "http://one:9093",
                Authorization("Basic", tmp_path / "password", "yuptime"),
                timeout_seconds=5,
            ),
            Endpoint(
                "http://two:9093",
                Authorization("Bearer", Path("/etc/token")),
                Tls(server_name="alertmanager", insecure_skip_verify=True),
            ),
        ),
        push_rate=RateLimit(0.5, 20),
    )


@pytest.mark.parametrize("content", ["", "{}", "# nothing yet\n"])
def test_an_empty_file_is_the_default_configuration(tmp_path: Path, content: str) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(content)

    assert load_configuration(config) == load_configuration(None) == Configuration()


def test_the_file_can_add_credentials_to_an_alertmanager_of_the_command_line(
    tmp_path: Path,
) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(EVERY_KEY)

    found = load_configuration(config, ("http://three:9093", "http://two:9093"))

    assert {one.url: one.authorization is not None for one in found.alertmanagers} == {
        "http://three:9093": False,
        "http://two:9093": True,
        "http://one:9093": True,
    }


def test_a_file_that_is_missing_or_names_a_missing_certificate_is_an_error(
    tmp_path: Path,
) -> None:
    config = tmp_path / "config.yaml"
    with pytest.raises(ConfigInvalid, match="No such file"):
        load_configuration(config)
    config.write_text("alerting: {alertmanagers: [{url: https://am, tls_config: {ca_file: ca}}]}")
    with pytest.raises(ConfigInvalid, match=r"tls_config of https://am: .*/ca: No such file"):
        load_configuration(config)


# Words of pydantic, and the names of its shapes.
PYDANTIC = re.compile(r"pydantic|Input should|valid dictionary|Section|_[A-Z]|Field required")

WRONG_CONFIGURATIONS = {
    "limit: {}": "limit: unknown key; did you mean limits?",
    "global: {scrape_interval: 15s}": "global: unknown key; expected alerting, limits",
    "alerting: {alertmanager: []}": "alerting.alertmanager: unknown key; did you mean alertmanagers?",
    "alerting: {alertmanagers: [{url: http://am, basic_auth: {pasword_file: b}}]}": (
        "alerting.alertmanagers.0.basic_auth.pasword_file: unknown key; did you mean password_file?"
    ),
    "alerting: {}\nlimits: {}\nalerting: {}": (
        "alerting: expected one value, got two, on lines 1 and 3"
    ),
    "alerting:\n\tresend_delay: 1m": "line 2: not YAML: expected spaces for the indentation, got a tab",
    "a: 1\n---\nb: 2": "expected one document, got 2",
    "limits: {push_rate: {interval: 60}}": "got 60 (a whole number)",
    "limits: {push_rate: []}": "limits.push_rate: expected a mapping, got a list",
    "limits: {push_rate: {burst: '10'}}": "burst: expected a whole number, got a string",
    "limits: {push_rate: {burst: 1.5}}": "burst: expected a whole number, got 1.5 (a number)",
    "alerting: {alertmanagers: {}}": "alerting.alertmanagers: expected a list, got a mapping",
    "alerting: {alertmanagers: [{url: http://am, basic_auth: {username: a}}]}": (
        "alerting.alertmanagers.0.basic_auth.password_file: expected a value, got nothing"
    ),
    "alerting: {alertmanagers: [{url: http://am, tls_config: {insecure_skip_verify: 1}}]}": (
        "insecure_skip_verify: expected true or false, got 1 (a whole number)"
    ),
    "limits: {push_rate: {interval: 5}}": "limits.push_rate.interval: expected a duration",
    "limits: {push_rate: {interval: 5 minutes}}": "expected a duration such as 90s, 5m or 1h30m, got '5 minutes'",
    "limits: {push_rate: {burst: 0}}": "burst: expected a number of at least 1, got 0",
    "alerting: {resend_delay: 0s}": "alerting.resend_delay: expected a duration above 0",
    "alerting: {resolve_delay: 15m}": "alerting.resolve_delay: expected a duration below 15m",
    "alerting: {alertmanagers: [{url: am}]}": "alertmanagers.0.url: expected an http or https",
    "alerting: {allowed_urls: ['http://u:p@am']}": "allowed_urls.0: expected an http or https",
    "alerting: {default_labels: {job: x}}": "alerting.default_labels: job: this label is set by",
    "alerting: {external_labels: {a-b: x}}": "a-b: expected a label name that matches",
    "alerting: {external_labels: {cluster: 1}}": (
        "external_labels.cluster: expected a string, got 1 (a whole number); put the value in quotes"
    ),
    "alerting: {alertmanagers: [{url: http://am, basic_auth: {username: a, password_file: 5}}]}": (
        "password_file: expected the path of a file"
    ),
    (
        "alerting: {alertmanagers: [{url: http://am, basic_auth: {username: a, password_file: b},"
        " authorization: {credentials_file: c}}]}"
    ): "basic_auth and authorization exclude each other",
    "- a list": "the file",
    "a: [": "expected",
}


@pytest.mark.parametrize("content", WRONG_CONFIGURATIONS)
def test_a_problem_with_the_file_is_explained_in_one_line(tmp_path: Path, content: str) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(content)

    with pytest.raises(ConfigInvalid) as refusal:
        load_configuration(config)

    assert WRONG_CONFIGURATIONS[content] in str(refusal.value)
    assert str(config) in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert PYDANTIC.search(str(refusal.value)) is None


def test_no_problem_with_the_file_repeats_a_string_of_the_file(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    for content in (
        "alerting: {alertmanagers: [hunter2]}",
        "alerting: {alertmanagers: hunter2}",
        "alerting: {alertmanagers: [{url: 'http://u:hunter2@am'}]}",
        "alerting: {alertmanagers: [{url: http://am, basic_auth: hunter2}]}",
        "alerting: {alertmanagers: [{url: http://am, basic_auth: {username: a, password: hunter2}}]}",
        "limits: {push_rate: {burst: hunter2}}",
        "alerting: &hunter2 'hunter2",
    ):
        config.write_text(content)
        with pytest.raises(ConfigInvalid) as refusal:
            load_configuration(config)
        assert "hunter2" not in str(refusal.value)


def test_a_key_without_a_value_has_its_default(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("alerting:\n  alertmanagers:\nlimits:\n")

    assert load_configuration(config) == Configuration()


def test_a_whole_number_may_have_the_form_that_helm_writes(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("limits: {push_rate: {burst: 1.0e+06}}")

    assert load_configuration(config).push_rate.burst == 1_000_000


def test_a_file_in_utf_16_is_refused_by_name(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_bytes("alerting: {}".encode("utf-16"))

    with pytest.raises(ConfigInvalid, match="expected UTF-8, got UTF-16"):
        load_configuration(config)

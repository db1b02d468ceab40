"""The configuration file: which problems are found, and how they are told."""

from pathlib import Path

import pytest

from yuptime_exporter.core.errors import ConfigInvalid
from yuptime_exporter.settings.configuration import load_configuration

WRONG_CONFIGURATIONS = {
    "limit: {}": "limit: unknown key",
    "limits: {push_rate: {interval: 5}}": "limits.push_rate.interval: expected a duration",
    "limits: {push_rate: {interval: 5 minutes}}": "expected a duration such as 90s, 5m or 1h30m, got '5 minutes'",
    "limits: {push_rate: {burst: 0}}": "limits.push_rate.burst",
    "alerting: {resend_delay: 0s}": "alerting.resend_delay: expected a duration above 0",
    "alerting: {resolve_delay: 15m}": "alerting.resolve_delay: expected a duration below 15m",
    "alerting: {alertmanagers: [{url: am}]}": "alertmanagers.0.url: expected an http or https",
    "alerting: {allowed_urls: ['http://u:p@am']}": "allowed_urls.0: expected an http or https",
    "alerting: {default_labels: {job: x}}": "alerting.default_labels: job: this label is set by",
    "alerting: {external_labels: {a-b: x}}": "a-b: expected a label name that matches",
    "alerting: {external_labels: {cluster: 1}}": "alerting.external_labels.cluster",
    "- a list": "the file",
    "a: [": "expected",
}


@pytest.mark.parametrize("content", WRONG_CONFIGURATIONS)
def test_a_wrong_configuration_is_explained_in_one_line(tmp_path: Path, content: str) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(content)

    with pytest.raises(ConfigInvalid) as refusal:
        load_configuration(config)

    assert WRONG_CONFIGURATIONS[content] in str(refusal.value)
    assert str(config) in str(refusal.value)
    assert "\n" not in str(refusal.value)

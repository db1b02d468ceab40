"""The mixin, as Jsonnet evaluates it."""

import json
from typing import Any

import _gojsonnet  # type: ignore[import-not-found]

from tests.rules.files import ALERT_RULES


def mixin(**config: str) -> Any:
    """Return the mixin with this configuration, as Jsonnet makes it."""
    code = f"""
        local mixin = (import 'mixin.libsonnet') + {{ _config+:: {json.dumps(config)} }};
        {{ groups: mixin.prometheusAlerts.groups, boards: mixin.grafanaDashboards }}"""
    return json.loads(_gojsonnet.evaluate_snippet(str(ALERT_RULES / "snippet"), code))

"""The tests of promtool, written for vmalert-tool."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from tests.rules.files import RULES, groups

# vmalert-tool begins at 2000-01-01 00:00 UTC, promtool at Unix time 0.
START_SECONDS = 946_684_800

_MOMENTS = re.compile(r"yuptime_(\w+_timestamp|time)_seconds\b")
_NEVER = re.compile(r"yuptime_monitor_(last_push|last_success|run_start)_timestamp_seconds\b")
_VALUE = re.compile(r"(?P<first>-?[\d.]+)(?P<rest>([+-][\d.]+)?(x\d+)?)")
_DATE = re.compile(r"19\d\d-\d\d-\d\d \d\d:\d\d:\d\d")
_ALERT_NAME = re.compile(r'alertname="(\w+)"')


def for_vmalert(path: Path) -> str:
    """Return a test file of promtool as vmalert-tool expects it.

    The two differ in the name of a key, in their first moment, and in the label `alertgroup`, which
    vmalert adds to each alert.
    """
    tests = yaml.safe_load(path.read_text())
    tests["rule_files"] = [str(RULES)]
    group_of = {
        rule["alert"]: group["name"]
        for group in groups()
        for rule in group["rules"]
        if "alert" in rule
    }
    for test in tests["tests"]:
        for series in test["input_series"]:
            series["values"] = " ".join(_moved(series["series"], series["values"].split()))
        for expected in test.get("alert_rule_test", []):
            expected["groupname"] = group_of[expected["alertname"]]
        test["metricsql_expr_test"] = test.pop("promql_expr_test", [])
        for expected in test["metricsql_expr_test"]:
            for sample in expected["exp_samples"]:
                sample["labels"] = _ALERT_NAME.sub(
                    lambda found: f'alertgroup="{group_of[found[1]]}",{found[0]}', sample["labels"]
                )
    return _DATE.sub(_moved_date, yaml.dump(tests, Dumper=_WithoutAliases, width=10_000))


class _WithoutAliases(yaml.SafeDumper):
    def ignore_aliases(self, _: Any) -> bool:
        return True


def _moved(series: str, values: list[str]) -> Iterator[str]:
    for value in values:
        found = _VALUE.fullmatch(value)
        never = value.startswith(("0x", "0+0x")) or value == "0"
        if found is None or not _MOMENTS.match(series) or (never and _NEVER.match(series)):
            yield value
        else:
            moved = START_SECONDS + float(found["first"])
            yield f"{moved:.3f}".rstrip("0").rstrip(".") + found["rest"]


def _moved_date(found: re.Match[str]) -> str:
    return str(datetime.fromisoformat(found[0]) + timedelta(seconds=START_SECONDS))

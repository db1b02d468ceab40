"""One field is replaced as `dataclasses.replace` does it."""

from dataclasses import fields, replace
from typing import Any

import pytest

from tests.core.examples import monitor
from yuptime_exporter.core.model import Monitor
from yuptime_exporter.core.replacing import replacer


@pytest.mark.parametrize("name", [field.name for field in fields(Monitor)])
def test_one_field_is_replaced_and_all_others_stay(name: str) -> None:
    value = monitor("backup", alert_labels=(("team", "db"),), token_digests=(b"digest",))
    change: dict[str, Any] = {name: "new"}

    assert replacer(Monitor, name)(value, "new") == replace(value, **change)

"""From judged monitors to the lines of a family, the same in both formats."""

from collections.abc import Sequence
from functools import lru_cache

from yuptime_exporter.core.exposition import Family, Shown
from yuptime_exporter.core.exposition_text import (
    around,
    label_text,
    number_text,
)
from yuptime_exporter.core.page_lines import Columns, Texts, repeated

_NO_LINE = ("", "", "")


def rendered(family: Family, monitors: Sequence[Shown], own_labels: Texts) -> Columns:
    """Return the lines of some monitors, at least one.

    Args:
        family: the family of their series.
        monitors: in the order of the lines.
        own_labels: of the monitors, as lines have them.
    """
    values = list(map(family.value, monitors))
    if family.labels is None and family.sum is None and None not in values:
        number = len(values)
        befores = repeated(f"{family.sample_name}{{", number)
        if values.count(values[0]) == number:
            return Columns(befores, None, repeated(_after(values[0]), number))
        return Columns(befores, None, list(map(_after, values)))
    lines = [
        _NO_LINE if value is None else _line(family, shown, own, value)
        for value, shown, own in zip(values, monitors, own_labels, strict=True)
    ]
    return Columns(*map(list, zip(*lines, strict=True)))


def _line(family: Family, shown: Shown, own: str, value: float) -> tuple[str, str, str]:
    """Return a line: the text before the labels of its monitor, these labels, and the text after."""
    labels = () if family.labels is None else family.labels(shown)
    found = around(family.sample_name, labels)
    number = number_text(value or 0.0)
    if found is None:
        key = shown.row.monitor.key
        others = (*labels, ("namespace", key.namespace), ("monitor", key.name))
        return f"{family.sample_name}{{{label_text(others)}}} {number}\n", "", ""
    before, after = found
    if family.sum is None:
        return before, own, _value_after(after, number)
    total = number_text(family.sum(shown) or 0.0)
    return before, own, f"{after} {number}\n{family.name}_sum{{{own}}} {total}\n"


# A moment of a monitor is in several families, and 0 and 1 are in most.
@lru_cache(maxsize=1024)
def _after(value: float | None) -> str:
    """Return the text after the labels of a monitor, which has a value."""
    return f"}} {number_text(value or 0.0)}\n"


@lru_cache(maxsize=1024)  # equal texts are in memory once
def _value_after(after: str, number: str) -> str:
    return f"{after} {number}\n"

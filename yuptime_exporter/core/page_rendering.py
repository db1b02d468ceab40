"""From judged monitors to the lines of a family, the same in both formats."""

from collections.abc import Sequence
from functools import lru_cache

from yuptime_exporter.core.exposition import Family, Shown
from yuptime_exporter.core.exposition_text import (
    around,
    label_text,
    number_text,
)
from yuptime_exporter.core.page_lines import Columns, Texts

_NO_LINE = (b"", b"", b"")


def rendered(family: Family, monitors: Sequence[Shown], own_labels: Texts) -> Columns:
    """Return the lines of some monitors, at least one.

    Args:
        family: the family of their series.
        monitors: in the order of the lines.
        own_labels: of the monitors, as lines have them.
    """
    values = map(family.value, monitors)
    if family.labels is None and family.sum is None:
        afters = list(map(_after, values))
        if b"" not in afters:
            return Columns((_before(family.sample_name),) * len(afters), None, afters)
        values = map(family.value, monitors)
    lines = [
        _NO_LINE if value is None else _line(family, shown, own, value)
        for value, shown, own in zip(values, monitors, own_labels, strict=True)
    ]
    return Columns(*map(list, zip(*lines, strict=True)))


def _line(family: Family, shown: Shown, own: bytes, value: float) -> tuple[bytes, bytes, bytes]:
    """Return a line: the text before the labels of its monitor, these labels, and the text after."""
    labels = () if family.labels is None else family.labels(shown)
    found = around(family.sample_name, labels)
    if found is None:
        key = shown.row.monitor.key
        others = (*labels, ("namespace", key.namespace), ("monitor", key.name))
        text = f"{family.sample_name}{{{label_text(others)}}} {number_text(value or 0.0)}\n"
        return text.encode(), b"", b""
    before, after = found
    after += f" {number_text(value or 0.0)}\n"
    if family.sum is not None:
        sum_text = number_text(family.sum(shown) or 0.0)
        after += f"{family.name}_sum{{{own.decode()}}} {sum_text}\n"
    return _encoded(before), own, _encoded(after)


@lru_cache(maxsize=256)
def _before(sample_name: str) -> bytes:
    return f"{sample_name}{{".encode()


# A moment of a monitor is in several families, and 0 and 1 are in most.
@lru_cache(maxsize=1024)
def _after(value: float | None) -> bytes:
    """Return the text after the labels of a monitor; empty if it has no series."""
    return b"" if value is None else b"} %b\n" % number_text(value or 0.0).encode()


@lru_cache(maxsize=1024)  # equal texts are in memory once
def _encoded(text: str) -> bytes:
    return text.encode()

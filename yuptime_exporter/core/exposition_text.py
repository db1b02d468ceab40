"""The text of labels and numbers, as prometheus-client writes them in both formats.

Labels are in the order of their names. So the labels that every series of a monitor has stand side
by side, and a label with a name between `monitor` and `namespace` is the only one that parts them.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from prometheus_client.utils import floatToGoString

from yuptime_exporter.core.model import MonitorKey

Labels = tuple[tuple[str, str], ...]
"""Names and values of labels, in any order."""


class Around(NamedTuple):
    """The text of a series before and after the labels of its monitor, up to the value."""

    before: str
    after: str


def own_label_text(key: MonitorKey) -> str:
    """Return the labels that every series of a monitor has, as a line has them."""
    return f'monitor="{_escaped(key.name)}",namespace="{_escaped(key.namespace)}"'


def label_text(labels: Iterable[tuple[str, str]]) -> str:
    """Return labels as a line has them, without braces."""
    return ",".join(f'{name}="{_escaped(value)}"' for name, value in sorted(labels))


@lru_cache(maxsize=4096)  # neighbouring monitors have the same labels beside their own
def around(sample_name: str, labels: Labels) -> Around | None:
    """Return the text around the labels of a monitor; None: the labels part them.

    Args:
        sample_name: name of the series.
        labels: of the series beside those of its monitor.
    """
    before = [label for label in labels if label[0] < "monitor"]
    after = [label for label in labels if label[0] > "namespace"]
    if len(before) + len(after) < len(labels):
        return None
    comma_before, comma_after = "," if before else "", "," if after else ""
    return Around(
        f"{sample_name}{{{label_text(before)}{comma_before}",
        f"{comma_after}{label_text(after)}}}",
    )


def number_text(value: float) -> str:
    """Return a number as Go writes it: the result of prometheus-client, faster for moments."""
    if 1e9 <= value < 1e10:  # a moment between 2001 and 2286
        digits = repr(float(value))
        if not digits.endswith("0"):
            return f"{digits[0]}.{digits[1:10]}{digits[11:]}e+09"
    text: str = floatToGoString(value)  # type: ignore[no-untyped-call]
    return text


def _escaped(value: str) -> str:
    if value.isalnum() or not value:  # most values are empty; names are mostly
        return value
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")

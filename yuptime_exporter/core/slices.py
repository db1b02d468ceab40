"""Many values, some at a time, for work that is done in steps."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

Value = TypeVar("Value")


def slices(values: Iterable[Value], size: int) -> Iterator[list[Value]]:
    """Return the values in lists of this size; the last one may be shorter."""
    remaining = iter(values)
    while some := list(islice(remaining, size)):
        yield some

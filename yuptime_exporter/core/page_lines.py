"""The lines of one family for neighbouring monitors, in as little memory as their texts allow.

A line is the text before the labels of its monitor, these labels, and the text after them. Most
lines have the text before the labels in common, many also the text after them, and the labels are
the same in every family. So the lines of a family take little more than their values.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from yuptime_exporter.core.packing import Packed, pack

Texts = Sequence[bytes]
"""One text for each line; a tuple where all are equal, see `repeated`."""


class Columns(NamedTuple):
    """The texts of lines, part by part. A monitor without a series has three empty parts.

    Attributes:
        befores: before the labels of the monitor.
        labels: of the monitor; empty where its labels are in the text before them.
        afters: after the labels, with the end of the line.
    """

    befores: Texts
    labels: Texts
    afters: Texts


class Lines:
    """The lines of neighbouring monitors; they never change.

    Attributes:
        columns: of the lines, at least one.
        size_bytes: of all lines.
    """

    __slots__ = ("_packed", "columns", "size_bytes")

    def __init__(self, columns: Columns, size_bytes: int) -> None:
        self.columns = columns
        self.size_bytes = size_bytes
        self._packed: Packed | None = None

    def __bytes__(self) -> bytes:
        """Return the text of all lines."""
        if not self.size_bytes:
            return b""
        befores, labels, afters = self.columns
        before, after = befores[0], afters[0]
        if not isinstance(befores, tuple):
            pieces = [b""] * (3 * len(labels))
            pieces[::3], pieces[1::3], pieces[2::3] = self.columns
        elif not isinstance(afters, tuple):
            pieces = [before] * (3 * len(labels))
            pieces[1::3], pieces[2::3] = labels, afters
        else:
            pieces = [before, (after + before).join(labels), after]
        return b"".join(pieces)

    def __len__(self) -> int:
        """Return the size of the text in bytes."""
        return self.size_bytes

    def packed(self) -> Packed:
        """Return the text, compressed; it is compressed once."""
        if self._packed is None:
            self._packed = pack(bytes(self))
        return self._packed


@lru_cache(maxsize=1024)
def repeated(text: bytes, number: int) -> tuple[bytes, ...]:
    """Return one text for each line; all blocks share the result."""
    return (text,) * number


def no_lines(number: int) -> Lines:
    """Return the lines of this number of monitors without a series."""
    none = repeated(b"", number)
    return Lines(Columns(none, none, none), 0)


def with_lines(known: Lines, positions: Sequence[int], new: Columns, own_labels: Texts) -> Lines:
    """Return lines with those at some positions replaced; `known` itself if none differs.

    Args:
        known: the lines before.
        positions: of the new lines.
        new: the lines at these positions.
        own_labels: of all monitors.
    """
    columns: list[Texts] = []
    size_bytes = known.size_bytes
    for texts, others in zip(known.columns, new, strict=True):
        if isinstance(texts, tuple) and isinstance(others, tuple) and texts[0] == others[0]:
            columns.append(texts)
            continue
        replaced = [texts[at] for at in positions]
        if replaced == list(others):
            columns.append(texts)
            continue
        size_bytes += _size_bytes(others) - _size_bytes(replaced)
        changed = list(texts)
        for at, text in zip(positions, others, strict=True):
            changed[at] = text
        columns.append(_shared(changed, own_labels))
    befores, labels, afters = columns
    old = known.columns
    if afters is old.afters and befores is old.befores and labels is old.labels:
        return known
    return Lines(Columns(befores, labels, afters), size_bytes)


def arranged(known: Lines, positions: Sequence[int | None], own_labels: Texts) -> Lines:
    """Return the lines at some positions.

    Args:
        known: the lines before.
        positions: among these lines; None: a monitor without a series.
        own_labels: of all monitors.
    """
    columns = [
        _shared([b"" if at is None else texts[at] for at in positions], own_labels)
        for texts in known.columns
    ]
    return Lines(Columns(*columns), sum(map(_size_bytes, columns)))


def _shared(texts: list[bytes], own_labels: Texts) -> Texts:
    """Return the texts in memory that blocks or families share, if there are others like them."""
    first, last = texts[0], texts[-1]
    if first == last and texts.count(first) == len(texts):
        return repeated(first, len(texts))
    if first is own_labels[0] and texts == own_labels:
        return own_labels
    return texts


def _size_bytes(texts: Iterable[bytes]) -> int:
    return sum(map(len, texts))

"""The lines of one family for neighbouring monitors, in as little memory as their texts allow.

A line is the text before the labels of its monitor, these labels, and the text after them. Most
lines have the text before the labels in common, many also the text after them, and the labels are
the same in every family. So the lines of a family take little more than their values.
"""

from collections.abc import Sequence
from functools import lru_cache
from operator import is_
from typing import NamedTuple

from yuptime_exporter.core.packing import Packed, pack

Texts = Sequence[str]
"""One text for each line; a tuple where all are equal, see `repeated`."""


class Columns(NamedTuple):
    """The texts of lines, part by part. A monitor without a series has three empty parts.

    Attributes:
        befores: before the labels of the monitor.
        labels: of the monitor; empty where its labels are in the text before them, or where it
            has no series; None: all lines have the labels of their monitors.
        afters: after the labels, with the end of the line.
    """

    befores: Texts
    labels: Texts | None
    afters: Texts


class Lines:
    """The lines of neighbouring monitors; they never change.

    Attributes:
        columns: of the lines, at least one.
        size_bytes: of all lines.
    """

    __slots__ = ("_own_labels", "_packed", "columns", "size_bytes")

    def __init__(self, columns: Columns, own_labels: Texts, size_bytes: int) -> None:
        self.columns = columns
        self.size_bytes = size_bytes
        self._own_labels = own_labels
        self._packed: Packed | None = None

    @property
    def labels(self) -> Texts:
        """The labels in each line."""
        return self._own_labels if self.columns.labels is None else self.columns.labels

    def __bytes__(self) -> bytes:
        """Return the text of all lines."""
        if not self.size_bytes:
            return b""
        befores, _, afters = self.columns
        labels = self.labels
        if isinstance(befores, tuple) and isinstance(afters, tuple):
            between = afters[0] + befores[0]
            return f"{befores[0]}{between.join(labels)}{afters[0]}".encode()
        pieces = [befores[0]] * (3 * len(labels))
        if not isinstance(befores, tuple):
            pieces[::3] = befores
        pieces[1::3], pieces[2::3] = labels, afters
        return "".join(pieces).encode()  # bytes are joined in two to four times that time

    def __len__(self) -> int:
        """Return the size of the text in bytes."""
        return self.size_bytes

    def packed(self) -> Packed:
        """Return the text, compressed; it is compressed once."""
        if self._packed is None:
            self._packed = pack(bytes(self))
        return self._packed

    def replaced(self, positions: Sequence[int], new: Columns) -> "Lines":
        """Return the lines with those at some positions replaced; these lines if none differs."""
        befores, size_bytes = _replaced(self.columns.befores, positions, new.befores)
        afters, change_bytes = _replaced(self.columns.afters, positions, new.afters)
        size_bytes += change_bytes + self.size_bytes
        labels = self.columns.labels
        if labels is not None or new.labels is not None:
            own_labels = self._own_labels
            others = [own_labels[at] for at in positions] if new.labels is None else new.labels
            labels, change_bytes = _replaced(self.labels, positions, others)
            size_bytes += change_bytes
            labels = None if labels == own_labels else labels
        columns = Columns(befores, labels, afters)
        unchanged = all(map(is_, columns, self.columns))
        return self if unchanged else Lines(columns, self._own_labels, size_bytes)

    def arranged(self, positions: Sequence[int | None], own_labels: Texts) -> "Lines":
        """Return the lines at some positions.

        Args:
            positions: among these lines; None: a monitor without a series.
            own_labels: of the monitors of the new lines.
        """
        if not self.size_bytes:
            return no_lines(own_labels)
        befores, labels, afters = (
            _arranged(texts, positions)
            for texts in (self.columns.befores, self.labels, self.columns.afters)
        )
        size_bytes = sum(map(_size_bytes, (befores, labels, afters)))
        columns = Columns(befores, None if labels == own_labels else labels, afters)
        return Lines(columns, own_labels, size_bytes)


@lru_cache(maxsize=1024)
def repeated(text: str, number: int) -> tuple[str, ...]:
    """Return one text for each line; all blocks share the result."""
    return (text,) * number


def no_lines(own_labels: Texts) -> Lines:
    """Return the lines of monitors without a series."""
    none = repeated("", len(own_labels))
    return Lines(Columns(none, none, none), own_labels, 0)


def _replaced(texts: Texts, positions: Sequence[int], new: Texts) -> tuple[Texts, int]:
    """Return texts with those at some positions replaced, and by how many bytes they grew."""
    if isinstance(texts, tuple) and isinstance(new, tuple) and texts[0] == new[0]:
        return texts, 0
    replaced = [texts[at] for at in positions]
    if replaced == list(new):
        return texts, 0
    changed = list(texts)
    for at, text in zip(positions, new, strict=True):
        changed[at] = text
    return _shared(changed), _size_bytes(new) - _size_bytes(replaced)


def _arranged(texts: Texts, positions: Sequence[int | None]) -> Texts:
    """Return the texts at some positions; None: an empty text."""
    if isinstance(texts, tuple) and None not in positions:
        return repeated(texts[0], len(positions))
    return _shared(["" if at is None else texts[at] for at in positions])


def _shared(texts: list[str]) -> Texts:
    """Return the texts as all blocks share them if they are equal."""
    first = texts[0]
    if first == texts[-1] and texts.count(first) == len(texts):
        return repeated(first, len(texts))
    return texts


def _size_bytes(texts: Texts) -> int:
    return len("".join(texts).encode())

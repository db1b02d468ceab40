"""The objects of one file, in little memory: with many monitors their places would take the most."""

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import is_
from typing import overload

from yuptime_exporter.core.model import Monitor
from yuptime_exporter.resource.objects import Declared, Secret
from yuptime_exporter.resource.place import Place

Found = tuple[int, int, tuple[int, ...], Monitor | Secret]
"""An object with its document, line and items, as in `Place`."""


@dataclass(frozen=True, slots=True)
class Objects(Sequence[Declared]):
    """The objects of one file, in the order of its documents.

    Attributes:
        name: of the file; empty without an object.
        values: the objects.
        documents: the document of each object.
        lines: the line of each object.
        items: those of objects in lists, by the index of the object.
    """

    name: str = ""
    values: tuple[Monitor | Secret, ...] = ()
    documents: "array[int]" = field(default_factory=lambda: array("I"))
    lines: "array[int]" = field(default_factory=lambda: array("I"))
    items: Mapping[int, tuple[int, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, name: str, found: Iterable[Found]) -> "Objects":
        """Return the objects of a file, which are found in any order.

        Objects of one document are found in their order.
        """
        in_order = sorted(found, key=_document)
        if not in_order:
            return cls()
        documents, lines, items, values = zip(*in_order, strict=True)
        of_lists = {index: own for index, own in enumerate(items) if own}
        return cls(name, values, array("I", documents), array("I", lines), of_lists)

    def with_values(self, values: tuple[Monitor | Secret, ...]) -> "Objects":
        """Return objects in the same places; these if they are the identical objects."""
        return self if all(map(is_, values, self.values)) else replace(self, values=values)

    def __len__(self) -> int:
        """Return the number of objects."""
        return len(self.values)

    def __iter__(self) -> Iterator[Declared]:
        """Return the objects with their places, which are made for the caller."""
        return map(self._at, range(len(self.values)))

    @overload
    def __getitem__(self, index: int) -> Declared: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Declared]: ...

    def __getitem__(self, index: int | slice) -> Declared | Sequence[Declared]:
        """Return an object with its place, or several."""
        return self._at(index) if isinstance(index, int) else tuple(self)[index]

    def _at(self, index: int) -> Declared:
        items = self.items.get(index, ())
        place = Place(self.name, self.documents[index], self.lines[index], items)
        return Declared(place, self.values[index])


def found_in_file(declared: Declared) -> Found:
    """Return an object of `Objects` as it was found."""
    assert isinstance(declared.where, Place)  # noqa: S101  as all objects of files
    _, document, line, items = declared.where
    return document, line, items, declared.value


def _document(found: Found) -> int:
    return found[0]

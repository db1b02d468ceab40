"""The place of an object in a file."""

from typing import NamedTuple


class Place(NamedTuple):
    """The place of an object; its text is made for problems only, and takes twice the memory.

    A tuple, for speed: the start makes one for each monitor.

    Attributes:
        name: of the file.
        document: its number in the file, from 1 on.
        line: from 1 on.
        items: the indices that lead to an item of a list, and of a list in it.
    """

    name: str
    document: int
    line: int
    items: tuple[int, ...] = ()

    def __str__(self) -> str:
        """Return the place for people, such as `jobs/a.yaml, document 2 (line 14), items[3]`."""
        items = "".join(f", items[{index}]" for index in self.items)
        return f"{self.name}, document {self.document} (line {self.line}){items}"


Where = Place | str
"""The place of an object, for problems: in a file, or a name such as `Monitor jobs/backup`."""

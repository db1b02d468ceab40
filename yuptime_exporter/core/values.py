"""Values with native attributes: compiled, they are made and read without Python's own objects.

Compiled code makes a `NamedTuple` by a Python function, and reads each of its fields by name. A class
with a constructor of its own is a C structure (docs/adr/0029).
"""

from types import GetSetDescriptorType, MemberDescriptorType
from typing import Any, Self


class Value:
    """A value that is never changed: equal to another of its type that has equal attributes.

    Its constructor takes the attributes by their names.
    """

    __slots__ = ()

    def replace(self, **changes: Any) -> Self:
        """Return the same value with some attributes changed."""
        return type(self)(**(_attributes(self) | changes))

    def __eq__(self, other: object) -> bool:
        """Compare type and attributes."""
        return type(other) is type(self) and _attributes(self) == _attributes(other)

    def __hash__(self) -> int:
        """Hash the attributes."""
        return hash(tuple(_attributes(self).values()))

    def __repr__(self) -> str:
        """Return the type with its attributes, as they are written in code."""
        attributes = (f"{name}={value!r}" for name, value in _attributes(self).items())
        return f"{type(self).__name__}({', '.join(attributes)})"


_known_names: dict[type, tuple[str, ...]] = {}


def _attributes(value: object) -> dict[str, Any]:
    kind = type(value)
    names = _known_names.get(kind)
    if names is None:
        names = _known_names[kind] = _names(kind)
    return {name: getattr(value, name) for name in names}


def _names(kind: type) -> tuple[str, ...]:
    """Return the names of the slots; a compiled class has others than slots in their place."""
    descriptors = (MemberDescriptorType, GetSetDescriptorType)
    return tuple(name for name, one in vars(kind).items() if isinstance(one, descriptors))

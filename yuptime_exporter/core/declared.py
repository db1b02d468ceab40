"""What a source declares at one moment: its monitors, and the problems with them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from yuptime_exporter.core.model import Monitor


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a declared object.

    Attributes:
        where: file and document, such as `jobs/backup.yaml, document 2 (line 14)`.
        field: path inside the document, such as `spec.target.push.expireSeconds`; empty for the
            document as a whole.
        text: the expected and the found value.
    """

    where: str
    field: str
    text: str

    def __str__(self) -> str:
        """Return place, field and text in one line."""
        return ": ".join(part for part in (self.where, self.field, self.text) if part)


@dataclass(frozen=True, slots=True)
class MonitorSet:
    """Everything that a source declares at one moment: always complete, never a difference.

    Attributes:
        monitors: in the order of their keys, no key twice.
        ignored_types: number of ignored monitors, by their `spec.type`.
        ignored_documents: number of ignored documents of other kinds.
        problems: in the order of reading.
        warnings: valid declarations that will not work as intended, in the order of reading.
        notice: why the set differs from what the source declares now; empty where it does not.
        unlisted: namespaces of which the monitors are not known, since the exporter may not list
            them. They are not removed; those that were declared before stay in the set.
    """

    monitors: tuple[Monitor, ...]
    ignored_types: Mapping[str, int] = field(default_factory=dict)
    ignored_documents: int = 0
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    notice: str = ""
    unlisted: frozenset[str] = frozenset()

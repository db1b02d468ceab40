"""The collection of objects that a mirror follows."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from yuptime_exporter.metrics.kubernetes import FollowFailure


class ObjectName(NamedTuple):
    """The name of an object within its collection."""

    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class Collection:
    """All objects of one resource, in one namespace or in all.

    Attributes:
        resource: the plural name, for example `secrets`; used in metrics and messages.
        path: the path at which the API server lists the objects.
        field_selector: selects some of the objects; empty: all.
        remedies: for a failure, the advice to an operator that ends its message.
    """

    resource: str
    path: str
    field_selector: str = ""
    remedies: Mapping[FollowFailure, str] = field(default_factory=dict)

    def query(self, **parameters: str) -> dict[str, str]:
        """Return the query of a list or watch, with the field selector."""
        if self.field_selector:
            parameters["fieldSelector"] = self.field_selector
        return parameters

    def object_path(self, name: ObjectName) -> str:
        """Return the path of one object."""
        parent, _, plural = self.path.rpartition("/")
        parent = parent.partition("/namespaces/")[0]
        return f"{parent}/namespaces/{name.namespace}/{plural}/{name.name}"

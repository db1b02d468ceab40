"""Holdings that record their decodes and reports."""

from collections.abc import Mapping
from typing import Any

from yuptime_exporter.kubernetes.collection import ObjectName
from yuptime_exporter.kubernetes.holdings import Holdings

A, B = ObjectName("jobs", "a"), ObjectName("jobs", "b")


def raw(
    name: str = "a", version: str = "1", *, uid: str = "u1", value: str | None = "v"
) -> dict[str, Any]:
    metadata = {"namespace": "jobs", "name": name, "uid": uid, "resourceVersion": version}
    return {"metadata": metadata, "value": value}


class Kept:
    """Holdings, the number of decodes, and all reported changes."""

    def __init__(self) -> None:
        self.told: list[tuple[ObjectName, str | None, str | None]] = []
        self.decoded = 0
        self.holdings: Holdings[str] = Holdings(self._decode, self._changed)
        self.shown: dict[ObjectName, str] = {}

    def _decode(self, found: Mapping[str, Any]) -> str | None:
        self.decoded += 1
        value: str | None = found["value"]
        return value

    def _changed(self, name: ObjectName, before: str | None, after: str | None) -> None:
        assert self.shown.get(name) == before  # each change begins where the last one ended
        self.told.append((name, before, after))
        if after is None:
            del self.shown[name]
        else:
            self.shown[name] = after

    def list(self, *objects: dict[str, Any]) -> None:
        self.holdings.begin_list()
        for one in objects:
            self.holdings.list_object(one)
        for _ in self.holdings.swap():
            pass

"""The kept objects of one collection, and how lists, events and single reads change them."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from yuptime_exporter.kubernetes.collection import ObjectName

T = TypeVar("T")


class ObjectMalformed(ValueError):
    """An object of the API server lacks its name."""


@dataclass(frozen=True, slots=True)
class _Record(Generic[T]):
    uid: str
    resource_version: str
    value: T


@dataclass(slots=True, eq=False)
class SingleRead:
    """A read of one object, beside the list and the watch.

    Attributes:
        overtaken: whether a list or an event has brought the object since the read began.
        listing: the list that was in progress when the read began; None: none was.
    """

    name: ObjectName
    listing: object
    overtaken: bool = False


class Holdings(Generic[T]):
    """Keeps the decoded value of each object. A change is reported after it is visible.

    Attributes:
        objects: by name. Each completed list replaces the mapping, so that a reader never sees
            half a list.
    """

    def __init__(
        self,
        decode: Callable[[Mapping[str, Any]], T | None],
        on_change: Callable[[ObjectName, T | None, T | None], None],
    ) -> None:
        """Start empty; the arguments are those of `Mirror`."""
        self._decode = decode
        self._on_change = on_change
        self._records: dict[ObjectName, _Record[T]] = {}
        self._listing: dict[ObjectName, _Record[T]] | None = None
        self._reads: list[SingleRead] = []
        self.objects: dict[ObjectName, T] = {}

    def begin_list(self) -> None:
        """Begin a list; to be called when its first page has arrived."""
        self._listing = {}

    def list_object(self, raw: Mapping[str, Any]) -> None:
        """Add an object to the list; one of a known version is not decoded again."""
        assert self._listing is not None  # noqa: S101  `begin_list` came first
        name, uid, version = _identity(raw)
        record = self._records.get(name)
        if record is None or (record.uid, record.resource_version) != (uid, version):
            value = self._decode(raw)
            if value is None:
                return
            record = _Record(uid, version, value)
        self._listing[name] = record

    def swap(self) -> Iterator[None]:
        """Replace all kept objects by the list at once, then report the changes one by one.

        Nothing else may change the holdings until all changes are reported.
        """
        assert self._listing is not None  # noqa: S101
        before, self._records, self._listing = self._records, self._listing, None
        self.objects = {name: record.value for name, record in self._records.items()}
        for read in self._reads:
            read.overtaken = True
        for name, old in before.items():
            if name not in self._records:
                self._on_change(name, old.value, None)
                yield
        for name, record in self._records.items():
            old_record = before.get(name)
            if old_record is not record:
                self._report(name, old_record, record)
                yield

    def hold(self, raw: Mapping[str, Any]) -> None:
        """Keep an object that is new or has changed."""
        name, uid, version = _identity(raw)
        self._overtake(name)
        before = self._records.get(name)
        if before is None or (before.uid, before.resource_version) != (uid, version):
            self._put(name, self._decoded(raw, uid, version))

    def drop(self, raw: Mapping[str, Any]) -> None:
        """Remove an object that was deleted."""
        name, _, _ = _identity(raw)
        self._overtake(name)
        self._put(name, None)

    def forget(self, name: ObjectName) -> None:
        """Remove an object that `decode` would no longer keep."""
        if self._listing is not None:
            _put(self._listing, name, None)
        self._put(name, None)

    def begin_read(self, name: ObjectName) -> SingleRead:
        """Begin a read of one object; `end_read` or `cancel_read` ends it."""
        read = SingleRead(name, self._listing)
        self._reads.append(read)
        return read

    def end_read(self, read: SingleRead, raw: Mapping[str, Any] | None) -> bool:
        """Keep the result of a read; None: there is no object of this name.

        Returns:
            Whether the result was kept. Otherwise a list or an event has brought the object in
            the meantime, and may be newer, so that the object is to be read again.
        """
        self.cancel_read(read)
        if read.overtaken:
            return False
        record = None
        if raw is not None:
            _, uid, version = _identity(raw)
            record = self._decoded(raw, uid, version)
        if read.listing is self._listing and self._listing is not None:
            # The list shows an earlier moment, and may already be past this object.
            _put(self._listing, read.name, record)
        self._put(read.name, record)
        return True

    def cancel_read(self, read: SingleRead) -> None:
        """End a read without a result."""
        if read in self._reads:
            self._reads.remove(read)

    def _overtake(self, name: ObjectName) -> None:
        for read in self._reads:
            if read.name == name:
                read.overtaken = True

    def _decoded(self, raw: Mapping[str, Any], uid: str, version: str) -> _Record[T] | None:
        value = self._decode(raw)
        return None if value is None else _Record(uid, version, value)

    def _put(self, name: ObjectName, record: _Record[T] | None) -> None:
        before = self._records.get(name)
        _put(self._records, name, record)
        _put(self.objects, name, None if record is None else record.value)
        self._report(name, before, record)

    def _report(
        self, name: ObjectName, before: _Record[T] | None, after: _Record[T] | None
    ) -> None:
        if before is not None and after is not None and before.uid != after.uid:
            self._on_change(name, before.value, None)
            before = None
        if before is not None or after is not None:
            self._on_change(name, before.value if before else None, after.value if after else None)


V = TypeVar("V")


def _put(holder: dict[ObjectName, V], name: ObjectName, value: V | None) -> None:
    if value is None:
        holder.pop(name, None)
    else:
        holder[name] = value


def _identity(raw: Mapping[str, Any]) -> tuple[ObjectName, str, str]:
    try:
        metadata = raw["metadata"]
        name = ObjectName(metadata.get("namespace") or "", metadata["name"])
        return name, metadata.get("uid") or "", metadata.get("resourceVersion") or ""
    except (KeyError, TypeError, AttributeError) as error:
        raise ObjectMalformed(f"an object has no metadata.name: {error}") from error

"""What is kept of the objects of one collection, and how it changes; nothing here waits."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

T = TypeVar("T")


class ObjectMalformed(ValueError):
    """An object of the API server lacks what all objects have."""


class ObjectName(NamedTuple):
    """What names an object in its collection."""

    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class _Record(Generic[T]):
    uid: str
    resource_version: str
    value: T


@dataclass(slots=True, eq=False)
class Look:
    """A look at one object, apart from list and watch, while these go on.

    Attributes:
        overtaken: whether list or watch have told of the object meanwhile.
        listing: the list that was being read when the look began.
    """

    name: ObjectName
    listing: object
    overtaken: bool = False


class Holdings(Generic[T]):
    """Keeps what `decode` makes of each object; changes are told after they are in force.

    Attributes:
        objects: by name; another mapping after each list, so that none is ever half a list.
    """

    def __init__(
        self,
        decode: Callable[[Mapping[str, Any]], T | None],
        on_change: Callable[[ObjectName, T | None, T | None], None],
    ) -> None:
        """Start with nothing; the arguments are those of `Mirror`."""
        self._decode = decode
        self._on_change = on_change
        self._records: dict[ObjectName, _Record[T]] = {}
        self._listing: dict[ObjectName, _Record[T]] | None = None
        self._looks: list[Look] = []
        self.objects: dict[ObjectName, T] = {}

    def begin_list(self) -> None:
        """Expect a list from its beginning; to be called when its first page was answered."""
        self._listing = {}

    def list_object(self, raw: Mapping[str, Any]) -> None:
        """Take an object of the list; one that has not changed is not decoded again."""
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
        """Hold what was listed in the place of what was held, all at once; then tell change by change.

        Nothing else may change anything before all of it is told.
        """
        assert self._listing is not None  # noqa: S101
        before, self._records, self._listing = self._records, self._listing, None
        self.objects = {name: record.value for name, record in self._records.items()}
        for look in self._looks:
            look.overtaken = True
        for name, old in before.items():
            if name not in self._records:
                self._on_change(name, old.value, None)
                yield
        for name, record in self._records.items():
            old_record = before.get(name)
            if old_record is not record:
                self._tell(name, old_record, record)
                yield

    def hold(self, raw: Mapping[str, Any]) -> None:
        """Take an object that is new or has changed."""
        name, uid, version = _identity(raw)
        self._overtake(name)
        before = self._records.get(name)
        if before is None or (before.uid, before.resource_version) != (uid, version):
            self._put(name, self._decoded(raw, uid, version))

    def drop(self, raw: Mapping[str, Any]) -> None:
        """Forget an object that is no more."""
        name, _, _ = _identity(raw)
        self._overtake(name)
        self._put(name, None)

    def forget(self, name: ObjectName) -> None:
        """Keep nothing of an object any more, since `decode` would not."""
        if self._listing is not None:
            _put(self._listing, name, None)
        self._put(name, None)

    def begin_look(self, name: ObjectName) -> Look:
        """Announce that an object is going to be looked at."""
        look = Look(name, self._listing)
        self._looks.append(look)
        return look

    def end_look(self, look: Look, raw: Mapping[str, Any] | None) -> bool:
        """Take what was found; None: there is no such object.

        Returns:
            Whether it was taken. Else the object was told of while it was looked at, and what was
            found may be older than that: it is to be looked at again.
        """
        self.cancel_look(look)
        if look.overtaken:
            return False
        record = None
        if raw is not None:
            _, uid, version = _identity(raw)
            record = self._decoded(raw, uid, version)
        if look.listing is self._listing and self._listing is not None:
            # The list shows an earlier moment, and may have passed this object already.
            _put(self._listing, look.name, record)
        self._put(look.name, record)
        return True

    def cancel_look(self, look: Look) -> None:
        """Take note that nothing comes of a look."""
        if look in self._looks:
            self._looks.remove(look)

    def _overtake(self, name: ObjectName) -> None:
        for look in self._looks:
            if look.name == name:
                look.overtaken = True

    def _decoded(self, raw: Mapping[str, Any], uid: str, version: str) -> _Record[T] | None:
        value = self._decode(raw)
        return None if value is None else _Record(uid, version, value)

    def _put(self, name: ObjectName, record: _Record[T] | None) -> None:
        before = self._records.get(name)
        _put(self._records, name, record)
        _put(self.objects, name, None if record is None else record.value)
        self._tell(name, before, record)

    def _tell(self, name: ObjectName, before: _Record[T] | None, after: _Record[T] | None) -> None:
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

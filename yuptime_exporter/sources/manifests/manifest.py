"""A manifest file: the objects, problems and warnings in its bytes."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from yuptime_exporter.core.declared import Problem
from yuptime_exporter.core.model import Monitor
from yuptime_exporter.resource.defaults import NO_DEFAULTS, Defaults, with_defaults
from yuptime_exporter.resource.known_specs import KnownSpecs
from yuptime_exporter.resource.objects import (
    Declared,
    Invalid,
    OtherKind,
    OtherMonitor,
    ReadObject,
    read_object,
)
from yuptime_exporter.resource.schedule_reading import unused_fields
from yuptime_exporter.resource.text import printable
from yuptime_exporter.resource.unknown_fields import (
    is_monitor,
    unknown_in_metadata,
    unknown_in_spec,
)
from yuptime_exporter.sources.manifests.documents import documents_of, text_of
from yuptime_exporter.sources.manifests.lines import FieldLines
from yuptime_exporter.sources.manifests.objects import Found, Objects
from yuptime_exporter.sources.manifests.plain_yaml import Part, plain_parts, read_parts
from yuptime_exporter.sources.manifests.twins import Around, Twins
from yuptime_exporter.sources.manifests.yaml_values import Document


@dataclass(frozen=True, slots=True)
class Manifest:
    """The content of one file, in the order of its documents.

    Attributes:
        ignored_types: the type of each monitor that is not of type push.
        warnings: unknown fields, in valid and in invalid objects.
    """

    declared: Objects = field(default_factory=Objects)
    ignored_types: tuple[str, ...] = ()
    ignored_documents: int = 0
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether the file contains no object at all: it is empty, or a comment."""
        return self == Manifest()


def read_manifest(data: bytes, name: str, *, defaults: Defaults = NO_DEFAULTS) -> Manifest:
    """Read a single file; see `ManifestReader`."""
    return ManifestReader(defaults).read(data, name)


class ManifestReader:
    """Reads one file after the other, and knows the monitors of those before."""

    def __init__(self, defaults: Defaults = NO_DEFAULTS) -> None:
        """Know no monitor.

        Args:
            defaults: fields of `spec` for each Monitor that does not have them.
        """
        self._defaults = defaults
        self._twins = Twins()

    def read(self, data: bytes, name: str) -> Manifest:
        """Read a file; the result is a Manifest for any bytes.

        Args:
            data: the whole file.
            name: the name of the file, for problems.
        """
        text = text_of(data, name)
        if isinstance(text, Problem):
            return Manifest(problems=(text,))
        name = printable(name)
        manifest = self._read_plain(text, name)
        if manifest is None:
            documents, problems = documents_of(text, name)
            read = list(_read(documents, self._defaults))
            manifest = _manifest(name, read, FieldLines(text), problems=problems)
        return manifest

    def _read_plain(self, text: str, name: str) -> Manifest | None:
        """Read a file but its twins, which are known; None if the file needs the full parser."""
        parts = plain_parts(text)
        if parts is None:
            return None
        found = self._twins.sort(parts)
        read = self._read_parts(found.to_read, name)
        if read is None:
            return None
        numbered = {one.document.place.document: one for one in read}
        for around, part in found.firsts.items():
            self._learn(around, numbered.get(part.number))
        again = self._twins.sort(found.like_firsts)
        others = self._read_parts((*again.to_read, *again.like_firsts), name)
        if others is None:
            return None
        in_order = sorted((*read, *others), key=lambda one: one.document.place.document)
        twins = (*found.twins, *again.twins)
        return _manifest(name, in_order, FieldLines(text), twins=twins)

    def _read_parts(self, parts: Iterable[Part], name: str) -> "list[_Read] | None":
        documents = read_parts(parts, name)
        return None if documents is None else list(_read(documents, self._defaults))

    def _learn(self, around: Around, read: "_Read | None") -> None:
        if read is None or read.warnings or not isinstance(read.found, Declared):
            return
        if isinstance(read.found.value, Monitor):
            self._twins.add(around, read.found.value)


class _Read(NamedTuple):
    """A document that was read, with its warnings."""

    document: Document
    found: ReadObject
    warnings: Sequence[Problem]


def _manifest(
    name: str,
    read: Sequence[_Read],
    lines: FieldLines,
    *,
    problems: Iterable[Problem] = (),
    twins: Iterable[Found] = (),
) -> Manifest:
    """Return the content of a file of which these documents were read, and these twins were not."""
    problems, warnings = list(problems), list[Problem]()
    for one in read:
        place = one.document.place
        found = one.found.problems if isinstance(one.found, Invalid) else ()
        problems += [lines.located(problem, place) for problem in found]
        warnings += [lines.located(warning, place) for warning in one.warnings]
    return Manifest(
        declared=Objects.of(name, (*twins, *_declared(read))),
        ignored_types=tuple(one.found.type for one in read if isinstance(one.found, OtherMonitor)),
        ignored_documents=sum(isinstance(one.found, OtherKind) for one in read),
        problems=tuple(problems),
        warnings=tuple(warnings),
    )


def _read(documents: Sequence[Document], defaults: Defaults) -> Iterator[_Read]:
    """Return what each document is."""
    known = KnownSpecs()
    clean: set[int] = set()  # identities of specs without a warning; many specs are one value
    for document, completed in zip(documents, _completed(documents, defaults), strict=True):
        found = read_object(completed.value, completed.place, known=known)
        warnings = [] if isinstance(found, OtherKind | OtherMonitor) else _warnings(document, clean)
        yield _Read(document, found, warnings)


def _completed(documents: Sequence[Document], defaults: Defaults) -> Sequence[Document]:
    """Return the documents with the defaults; specs that are one value stay one value."""
    if not defaults:
        return documents
    specs: dict[int, object] = {}
    complete = []
    for document in documents:
        if is_monitor(document.value):
            spec = document.value.get("spec")
            if id(spec) not in specs:
                specs[id(spec)] = with_defaults(spec, defaults)
            value = {**document.value, "spec": specs[id(spec)]}
            document = document._replace(value=value)  # noqa: PLW2901
        complete.append(document)
    return complete


def _warnings(document: Document, clean: set[int]) -> list[Problem]:
    value, place = document.value, document.place
    if not is_monitor(value):
        return []
    spec = value.get("spec")
    warnings = list(unknown_in_metadata(value.get("metadata"), place))
    if id(spec) not in clean:
        of_spec = [*unknown_in_spec(spec, place), *unused_fields(value, str(place))]
        warnings += of_spec
        if not of_spec:
            clean.add(id(spec))
    return warnings


def _declared(read: Iterable[_Read]) -> Iterator[Found]:
    for one in read:
        if isinstance(one.found, Declared):
            _, number, line, items = one.document.place
            yield number, line, items, one.found.value

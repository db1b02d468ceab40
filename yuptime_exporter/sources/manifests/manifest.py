"""A manifest file: the objects, problems and warnings in its bytes."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from yuptime_exporter.core.model import Monitor, Problem
from yuptime_exporter.resource.defaults import NO_DEFAULTS, Defaults, with_defaults
from yuptime_exporter.resource.known_specs import KnownSpecs
from yuptime_exporter.resource.objects import (
    Declared,
    Invalid,
    OtherKind,
    OtherMonitor,
    ReadObject,
    named,
    read_object,
)
from yuptime_exporter.resource.schedule_reading import unused_fields
from yuptime_exporter.resource.unknown_fields import (
    is_monitor,
    unknown_in_metadata,
    unknown_in_spec,
)
from yuptime_exporter.sources.manifests.documents import read_documents
from yuptime_exporter.sources.manifests.lines import FieldLines
from yuptime_exporter.sources.manifests.yaml_values import Document


@dataclass(frozen=True, slots=True)
class Manifest:
    """The content of one file, in the order of its documents.

    Attributes:
        ignored_types: the type of each monitor that is not of type push.
        warnings: unknown fields, in valid and in invalid objects.
    """

    declared: tuple[Declared, ...] = ()
    ignored_types: tuple[str, ...] = ()
    ignored_documents: int = 0
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether the file contains no object at all: it is empty, or a comment."""
        return self == Manifest()


def read_manifest(data: bytes, name: str, *, defaults: Defaults = NO_DEFAULTS) -> Manifest:
    """Read a file; the result is a Manifest for any bytes.

    Args:
        data: the whole file.
        name: the name of the file, for problems.
        defaults: fields of `spec` for each Monitor that does not have them.
    """
    documents, problems = read_documents(data, name)
    lines = FieldLines(data.decode("utf-8-sig", errors="replace"))
    objects = list(_objects(documents, _completed(documents, defaults)))
    for document, read in zip(documents, objects, strict=True):
        if isinstance(read, Invalid):
            problems += [lines.located(one, document.place) for one in read.problems]
    return Manifest(
        declared=tuple(o for o in objects if isinstance(o, Declared)),
        ignored_types=tuple(o.type for o in objects if isinstance(o, OtherMonitor)),
        ignored_documents=sum(isinstance(o, OtherKind) for o in objects),
        problems=tuple(problems),
        warnings=tuple(_warnings(zip(documents, objects, strict=True), lines)),
    )


def _objects(documents: Iterable[Document], complete: Iterable[Document]) -> Iterator[ReadObject]:
    """Return the object of each document; one that differs from another in its name is not checked."""
    known = KnownSpecs()
    monitors: dict[int, Monitor] = {}  # by the identity of the value of their document
    for document, completed in zip(documents, complete, strict=True):
        twin = monitors.get(id(document.twin))
        if twin is not None:
            yield Declared(document.place, named(twin, document.name))
            continue
        found = read_object(completed.value, completed.place, known=known)
        if isinstance(found, Declared) and isinstance(found.value, Monitor):
            monitors[id(document.value)] = found.value
        yield found


def _completed(documents: list[Document], defaults: Defaults) -> list[Document]:
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


def _warnings(read: Iterable[tuple[Document, object]], lines: FieldLines) -> Iterator[Problem]:
    # Identities of values and specs without a warning; many specs are one value.
    clean: set[int] = set()
    for document, found in read:
        value, place = document.value, document.place
        if id(document.twin) in clean or isinstance(found, OtherKind | OtherMonitor):
            continue
        if not is_monitor(value):
            continue
        spec = value.get("spec")
        warnings = list(unknown_in_metadata(value.get("metadata"), place))
        if id(spec) not in clean:
            of_spec = [*unknown_in_spec(spec, place), *unused_fields(value, str(place))]
            warnings += of_spec
            if not of_spec:
                clean.add(id(spec))
        if not warnings:
            clean.add(id(value))
        for warning in warnings:
            yield lines.located(warning, place)

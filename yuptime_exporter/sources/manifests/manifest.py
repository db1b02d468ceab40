"""A manifest file: the objects, problems and warnings in its bytes."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from yuptime_exporter.core.model import Problem
from yuptime_exporter.resource.objects import (
    Declared,
    Invalid,
    ObjectKey,
    OtherKind,
    OtherMonitor,
    read_object,
)
from yuptime_exporter.resource.schedule_reading import unused_fields
from yuptime_exporter.resource.unknown_fields import unknown_fields
from yuptime_exporter.sources.manifests.documents import read_documents
from yuptime_exporter.sources.manifests.lines import FieldLines
from yuptime_exporter.sources.manifests.yaml_values import Document, Place


@dataclass(frozen=True, slots=True)
class Manifest:
    """The content of one file, in the order of its documents.

    Attributes:
        ignored_types: the type of each monitor that is not of type push.
        warnings: unknown fields, in valid and in invalid objects.
        places: of the declared objects.
    """

    declared: tuple[Declared, ...] = ()
    ignored_types: tuple[str, ...] = ()
    ignored_documents: int = 0
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    places: Mapping[ObjectKey, Place] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Whether the file contains no object at all: it is empty, or a comment."""
        return self == Manifest()


def read_manifest(data: bytes, name: str) -> Manifest:
    """Read a file; the result is a Manifest for any bytes.

    Args:
        data: the whole file.
        name: the name of the file, for problems.
    """
    documents, problems = read_documents(data, name)
    lines = FieldLines(data.decode("utf-8-sig", errors="replace"))
    objects = [read_object(document.value, str(document.place)) for document in documents]
    for document, read in zip(documents, objects, strict=True):
        if isinstance(read, Invalid):
            problems += [lines.located(one, document.place) for one in read.problems]
    return Manifest(
        declared=tuple(o for o in objects if isinstance(o, Declared)),
        ignored_types=tuple(o.type for o in objects if isinstance(o, OtherMonitor)),
        ignored_documents=sum(isinstance(o, OtherKind) for o in objects),
        problems=tuple(problems),
        warnings=tuple(_warnings(zip(documents, objects, strict=True), lines)),
        places={
            read.key: document.place
            for document, read in zip(documents, objects, strict=True)
            if isinstance(read, Declared)
        },
    )


def _warnings(read: Iterable[tuple[Document, object]], lines: FieldLines) -> Iterator[Problem]:
    for document, found in read:
        if not isinstance(found, OtherKind | OtherMonitor):
            where = str(document.place)
            for warning in (
                *unknown_fields(document.value, where),
                *unused_fields(document.value, where),
            ):
                yield lines.located(warning, document.place)

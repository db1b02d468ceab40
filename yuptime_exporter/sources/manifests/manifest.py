"""A manifest file: the objects, problems and warnings in its bytes."""

from dataclasses import dataclass

from yuptime_exporter.core.model import Problem
from yuptime_exporter.resource.objects import (
    Declared,
    Invalid,
    OtherKind,
    OtherMonitor,
    read_object,
    unknown_fields,
)
from yuptime_exporter.sources.manifests.documents import read_documents


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


def read_manifest(data: bytes, name: str) -> Manifest:
    """Read a file; the result is a Manifest for any bytes.

    Args:
        data: the whole file.
        name: the name of the file, for problems.
    """
    documents, problems = read_documents(data, name)
    objects = [read_object(document.value, document.where) for document in documents]
    for invalid in objects:
        if isinstance(invalid, Invalid):
            problems += invalid.problems
    return Manifest(
        declared=tuple(o for o in objects if isinstance(o, Declared)),
        ignored_types=tuple(o.type for o in objects if isinstance(o, OtherMonitor)),
        ignored_documents=sum(isinstance(o, OtherKind) for o in objects),
        problems=tuple(problems),
        warnings=tuple(
            warning
            for document in documents
            for warning in unknown_fields(document.value, document.where)
        ),
    )

"""A manifest file: the objects, problems and warnings in its bytes."""

from dataclasses import dataclass

from yuptime_exporter.core.model import Problem
from yuptime_exporter.resource.objects import (
    Declared,
    OtherKind,
    OtherMonitor,
    Refused,
    read_object,
    unknown_fields,
)
from yuptime_exporter.sources.manifests.documents import read_documents


@dataclass(frozen=True, slots=True)
class Manifest:
    """Everything that one file says, in the order of its documents.

    Attributes:
        warnings: what is surely not meant, in objects that can be used and in those that cannot.
    """

    declared: tuple[Declared, ...] = ()
    ignored_types: tuple[str, ...] = ()
    ignored_documents: int = 0
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()


def read_manifest(data: bytes, name: str) -> Manifest:
    """Read a file; whatever its bytes are, the answer is a Manifest.

    Args:
        data: the whole file.
        name: what the file is called in problems.
    """
    documents, problems = read_documents(data, name)
    objects = [read_object(document.value, document.where) for document in documents]
    for refused in objects:
        if isinstance(refused, Refused):
            problems += refused.problems
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

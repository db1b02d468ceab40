"""The lines of fields, found only for files with problems: nothing is stored for valid files."""

from dataclasses import replace
from pathlib import Path

import yaml

from yuptime_exporter.core.declared import Problem
from yuptime_exporter.resource.place import Place

try:
    from yaml import CSafeLoader as _Loader
except ImportError:
    from yaml import SafeLoader as _Loader  # type: ignore[assignment]


class FileLines:
    """Finds the lines of fields in manifests that were read before; each file is read once more."""

    def __init__(self) -> None:
        self._files: dict[str, FieldLines] = {}

    def located(self, problem: Problem, path: str, place: Place) -> Problem:
        """Return the problem with the line of its field; as it is if the file cannot be read."""
        if path not in self._files:
            try:
                text = Path(path).read_text(encoding="utf-8-sig", errors="replace")
            except OSError:  # standard input, or removed since
                text = ""
            self._files[path] = FieldLines(text)
        return self._files[path].located(problem, place)


class FieldLines:
    """Finds the line of a field in one file, which is parsed again at the first question."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._documents: list[yaml.Node | None] | None = None

    def located(self, problem: Problem, place: Place) -> Problem:
        """Return the problem with the line of its field, or of the nearest field around it."""
        node = self._object(place)
        if node is None:
            return problem
        line = _line_of(node, problem.field)
        return replace(problem, where=str(place._replace(line=line)))

    def _object(self, place: Place) -> yaml.Node | None:
        if self._documents is None:
            try:
                self._documents = list(yaml.compose_all(self._text, Loader=_Loader))
            except yaml.YAMLError:  # the file has changed since it was read
                self._documents = []
        try:
            node = self._documents[place.document - 1]
            for index in place.items:
                items = dict(_members(node))["items"][1] if node is not None else None
                node = items.value[index] if isinstance(items, yaml.SequenceNode) else None
        except (LookupError, ValueError):
            return None
        return node


def _line_of(node: yaml.Node, field: str) -> int:
    """Follow the path as far as its names are there."""
    line, rest = node.start_mark.line + 1, field
    while rest:
        members = dict(_members(node))
        matching = [name for name in members if rest == name or rest.startswith(f"{name}.")]
        if not matching:
            break
        name = max(matching, key=len)  # the name of a label may contain points
        key, node = members[name]
        line, rest = key.start_mark.line + 1, rest[len(name) + 1 :]
    return line


def _members(node: yaml.Node | None) -> list[tuple[str, tuple[yaml.Node, yaml.Node]]]:
    if not isinstance(node, yaml.MappingNode):
        return []
    return [(str(key.value), (key, value)) for key, value in node.value]

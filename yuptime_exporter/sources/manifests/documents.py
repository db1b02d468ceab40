"""YAML text in, documents out: plain values, each with its place in the file.

Text is read as Kubernetes reads it: keys are strings, timestamps stay text, a key may stand only
once in a mapping. Whatever the bytes are, the answer is documents and problems, within bounds.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import yaml

from yuptime_exporter.core.model import Problem
from yuptime_exporter.resource.text import printable, quotable

try:
    from yaml import CSafeLoader as _Loader
except ImportError:  # PyYAML without libyaml: ten times slower, and no tabs inside JSON
    from yaml import SafeLoader as _Loader  # type: ignore[assignment]

# 20,000 monitors of 400 bytes each. One object in Kubernetes has at most 1.5 MiB (etcd).
MAX_FILE_BYTES = 8 * 1024 * 1024

# The schemas inside CustomResourceDefinitions are the deepest objects in use, with about 50.
MAX_DEPTH = 100

# A file of the largest size, full of real manifests, has about 800,000. What an alias stands for
# counts each time, so that ten lines of nested aliases do not unfold to billions of values.
MAX_NODES = 1_000_000

_LISTS = ("List", "MonitorList", "SecretList")

_CORE_TAG = "tag:yaml.org,2002:"
_PLAIN_TAGS = frozenset(
    _CORE_TAG + name for name in ("str", "int", "float", "bool", "null", "timestamp", "map", "seq")
)

# https://yaml.org/spec/1.1/#c-printable; PyYAML's own pattern, so that both loaders agree.
_UNPRINTABLE = yaml.reader.Reader.NON_PRINTABLE


@dataclass(frozen=True, slots=True)
class Document:
    """One object as it was written.

    Attributes:
        where: its place, such as `jobs/a.yaml, document 2 (line 14), items[3]`.
        value: dicts with string keys, lists, strings, numbers, booleans and None; what was
            written once and aliased is shared, so that it must not be changed.
    """

    where: str
    value: object


def read_documents(data: bytes, name: str) -> tuple[list[Document], list[Problem]]:
    """Return the documents of a file, with the items of lists one by one.

    Empty documents are passed over. After a syntax error nothing more of the file is read.

    Args:
        data: the whole file.
        name: what the file is called in problems.
    """
    name = printable(name)
    if len(data) > MAX_FILE_BYTES:
        text = f"the file is too large, allowed are {MAX_FILE_BYTES} bytes: split it"
        return [], [Problem(name, "", text)]
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return [], [Problem(f"{name}, line {line}", "", "found bytes that are not UTF-8")]
    unprintable = _UNPRINTABLE.search(text)
    if unprintable:
        line = text.count("\n", 0, unprintable.start()) + 1
        found = f"found the character U+{ord(unprintable[0]):04X}, which YAML does not allow"
        return [], [Problem(f"{name}, line {line}", "", found)]
    return _DocumentReader(text, name).read()


class _TooMuch(Exception):
    """The document goes beyond a bound; the rest of its file is not read."""


class _DocumentReader:
    """Builds values from the parser's events, which cost no memory and no stack of their own.

    No text of a problem quotes a value: it may be a Secret's.
    """

    def __init__(self, text: str, name: str) -> None:
        self._loader = _Loader(text)
        self._name = name
        self._documents: list[Document] = []
        self._problems: list[Problem] = []
        self._where = name
        self._line = 1
        self._path: list[str] = []
        self._anchors: dict[str, tuple[object, int]] = {}
        self._nodes = 0

    def read(self) -> tuple[list[Document], list[Problem]]:
        try:
            self._read_stream()
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line = mark.line + 1 if mark else self._line
            self._problems.append(Problem(f"{self._name}, line {line}", "", _reason(error)))
        except yaml.YAMLError:
            self._problems.append(Problem(self._where, "", "not YAML"))
        except _TooMuch as error:
            self._note(str(error))
        finally:
            self._loader.dispose()
        return self._documents, self._problems

    def _read_stream(self) -> None:
        index = 0
        while not isinstance(event := self._next_event(), yaml.StreamEndEvent):
            if isinstance(event, yaml.DocumentStartEvent):
                index += 1
                self._read_document(index)

    def _read_document(self, index: int) -> None:
        root = self._next_event()
        self._where = f"{self._name}, document {index} (line {self._line})"
        self._path, self._anchors = [], {}
        problems_before = len(self._problems)
        value = self._value(root)
        if len(self._problems) == problems_before and value is not None:
            self._documents.extend(_single_objects(Document(self._where, value)))

    def _next_event(self) -> yaml.Event:
        event = self._loader.get_event()
        if event is None or event.start_mark is None:  # neither happens before the stream's end
            raise yaml.YAMLError
        self._line = event.start_mark.line + 1
        return event

    def _value(self, event: yaml.Event) -> object:
        if len(self._path) > MAX_DEPTH:
            raise _TooMuch(f"nested deeper than {MAX_DEPTH} levels")
        if isinstance(event, yaml.AliasEvent):
            return self._aliased(event)
        nodes_before = self._nodes
        self._count_nodes(1)
        value = self._built(event)
        if isinstance(event, yaml.NodeEvent) and event.anchor:
            self._anchors[event.anchor] = (value, self._nodes - nodes_before)
        return value

    def _built(self, event: yaml.Event) -> object:
        if isinstance(event, yaml.ScalarEvent):
            self._check_tag(event.tag)
            return self._scalar(event)
        if isinstance(event, yaml.CollectionStartEvent):
            self._check_tag(event.tag)
        return self._sequence() if isinstance(event, yaml.SequenceStartEvent) else self._mapping()

    def _aliased(self, event: yaml.AliasEvent) -> object:
        if event.anchor not in self._anchors:
            self._note(f"the alias on line {self._line} stands for nothing that was said before it")
            return None
        value, nodes = self._anchors[event.anchor]
        self._count_nodes(nodes)
        return value

    def _sequence(self) -> list[object]:
        values: list[object] = []
        while not isinstance(event := self._next_event(), yaml.SequenceEndEvent):
            self._path.append(f"[{len(values)}]")
            values.append(self._value(event))
            self._path.pop()
        return values

    def _mapping(self) -> dict[str, object]:
        own: dict[str, object] = {}
        lines: dict[str, int] = {}
        merged: list[object] = []
        while not isinstance(event := self._next_event(), yaml.MappingEndEvent):
            key, line = self._key(event), self._line
            self._path.append(key)
            if key in lines:
                self._note(f"found twice, on lines {lines[key]} and {line}; allowed is once")
            lines[key] = line
            value = self._value(self._next_event())
            if key == "<<" and isinstance(event, yaml.ScalarEvent) and event.implicit[0]:
                merged += value if isinstance(value, list) else [value]
            else:
                own[key] = value
            self._path.pop()
        return {**self._merged(merged), **own} if merged else own

    def _merged(self, mappings: list[object]) -> dict[str, object]:
        """Return what `<<` brings in; of equal keys the first wins (yaml.org/type/merge.html)."""
        merged: dict[str, object] = {}
        for mapping in reversed(mappings):
            if isinstance(mapping, dict):
                merged |= mapping
            else:
                self._note("<< takes a mapping, or a list of mappings")
        return merged

    def _key(self, event: yaml.Event) -> str:
        value = self._value(event)
        if isinstance(event, yaml.ScalarEvent):
            return event.value
        if isinstance(value, str):
            return value
        self._note(f"found a key on line {self._line} that is no text")
        return ""

    def _scalar(self, event: yaml.ScalarEvent) -> object:
        tag = event.tag
        if tag is None or tag == "!":
            tag = self._resolved_tag(event)
        kind = tag.removeprefix(_CORE_TAG)
        if ":" in event.value and kind in {"int", "float"}:
            return (
                event.value
            )  # 10:30 is a number to the base of 60 for PyYAML, text for Kubernetes
        try:
            return self._constructed(kind, yaml.ScalarNode(tag, event.value))
        except (ValueError, LookupError):  # looks like a number and is none, such as 0x_
            return event.value

    def _resolved_tag(self, event: yaml.ScalarEvent) -> str:
        tag: str = self._loader.resolve(  # type: ignore[no-untyped-call]
            yaml.ScalarNode, event.value, event.implicit
        )
        return tag

    def _constructed(self, kind: str, node: yaml.ScalarNode) -> object:
        match kind:
            case "int":
                return self._loader.construct_yaml_int(node)
            case "float":
                return self._loader.construct_yaml_float(node)
            case "bool":
                return self._loader.construct_yaml_bool(node)
            case "null":
                return None
            case _:
                return node.value

    def _check_tag(self, tag: str | None) -> None:
        if tag is not None and tag != "!" and tag not in _PLAIN_TAGS:
            self._note(f"found a tag on line {self._line}; a value that begins with ! needs quotes")

    def _count_nodes(self, nodes: int) -> None:
        self._nodes += nodes
        if self._nodes > MAX_NODES:
            raise _TooMuch(f"more than {MAX_NODES} values, counting what aliases stand for")

    def _note(self, text: str) -> None:
        path = ".".join(quotable(part) for part in self._path).replace(".[", "[")
        self._problems.append(Problem(self._where, path, text))


def _single_objects(document: Document) -> Iterator[Document]:
    waiting = [document]
    while waiting:
        document = waiting.pop()
        items = _items(document.value)
        if items is None:
            yield document
        else:
            waiting += reversed(
                [Document(f"{document.where}, items[{i}]", item) for i, item in enumerate(items)]
            )


def _items(value: object) -> list[object] | None:
    if not isinstance(value, dict) or value.get("kind") not in _LISTS:
        return None
    items = value.get("items")
    return items if isinstance(items, list) else None


def _reason(error: yaml.MarkedYAMLError) -> str:
    # PyYAML has a limit of its own since 6.0.4, which is reached first where little is nested
    # at each level; ours says what is allowed.
    if error.problem and "maximum nesting depth" in error.problem:
        return f"nested deeper than {MAX_DEPTH} levels"
    return f"not YAML: {_syntax_text(error)}"


def _syntax_text(error: yaml.MarkedYAMLError) -> str:
    """Return the parser's own words, without what the pure Python parser quotes of the text."""
    return re.sub(r"""'[^']*'|"[^"]*\"""", "…", error.problem or "syntax error")

"""Plain values from YAML text, read as Kubernetes reads it.

Keys are strings, timestamps stay text, and a key may be in a mapping only once. The depth and the
number of values are bounded.
"""

import re
from typing import NamedTuple

import yaml

from yuptime_exporter.core.declared import Problem
from yuptime_exporter.resource.place import Place
from yuptime_exporter.resource.text import quotable

try:
    from yaml import CSafeLoader as _Loader
except ImportError:  # PyYAML without libyaml: ten times slower, and no tabs inside JSON
    from yaml import SafeLoader as _Loader  # type: ignore[assignment]

# The schemas in CustomResourceDefinitions are the deepest objects in use, with about 50 levels.
MAX_DEPTH = 100

# A file of the largest size, full of real manifests, has about 800,000 values. The target of an
# alias counts each time, so that ten lines of nested aliases do not expand to billions of values.
MAX_NODES = 1_000_000

_CORE_TAG = "tag:yaml.org,2002:"
_PLAIN_TAGS = frozenset(
    _CORE_TAG + name for name in ("str", "int", "float", "bool", "null", "timestamp", "map", "seq")
)


# A number for Kubernetes, and text for PyYAML, which requires a point: Helm writes 1e+06.
_EXPONENT = re.compile(r"[-+]?[0-9]+[eE][-+]?[0-9]+")


class Document(NamedTuple):
    """One object of a file. A tuple, for speed: 100,000 of them are made at the start.

    Attributes:
        place: where it begins.
        value: dicts with string keys, lists, strings, numbers, booleans and None. The target of
            several aliases, and equal parts of several documents, are one value, which must not be
            changed.
    """

    place: Place
    value: object


class _TooMuch(Exception):
    """A document exceeds a bound; the rest of its file is not read."""


class YamlReader:
    """Builds values from the parser's events, which need no memory and no stack of their own.

    No text of a problem quotes a value, since it may be a Secret's.
    """

    def __init__(self, text: str, name: str) -> None:
        self._loader = _Loader(text)
        self._text = text
        self._name = name
        self._documents: list[Document] = []
        self._problems: list[Problem] = []
        self._where = name
        self._line = 1
        self._path: list[str] = []
        self._anchors: dict[str, tuple[object, int]] = {}
        self._nodes = 0

    def read(self) -> tuple[list[Document], list[Problem]]:
        """Return the documents without problems, and all problems; call it once."""
        try:
            self._read_stream()
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line = mark.line + 1 if mark else self._line
            text = self._reason(error, line)
            self._problems.append(Problem(f"{self._name}, line {line}", "", text))
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
        place = Place(self._name, index, self._line)
        self._where = str(place)
        self._path, self._anchors = [], {}
        problems_before = len(self._problems)
        value = self._value(root)
        if len(self._problems) == problems_before and value is not None:
            self._documents.append(Document(place, value))

    def _next_event(self) -> yaml.Event:
        event = self._loader.get_event()
        if event is None or event.start_mark is None:  # neither happens before the stream's end
            raise yaml.YAMLError
        self._line = event.start_mark.line + 1
        return event

    def _value(self, event: yaml.Event) -> object:
        if len(self._path) > MAX_DEPTH:
            raise _TooMuch(_TOO_DEEP)
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
            self._note(f"the alias on line {self._line} has no anchor before it")
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
                self._note(f"expected one value, got two, on lines {lines[key]} and {line}")
            lines[key] = line
            value = self._value(self._next_event())
            if key == "<<" and isinstance(event, yaml.ScalarEvent) and event.implicit[0]:
                merged += value if isinstance(value, list) else [value]
            else:
                own[key] = value
            self._path.pop()
        return {**self._merged(merged), **own} if merged else own

    def _merged(self, mappings: list[object]) -> dict[str, object]:
        """Return the keys merged by `<<`; of equal keys the first wins (yaml.org/type/merge.html)."""
        merged: dict[str, object] = {}
        for mapping in reversed(mappings):
            if isinstance(mapping, dict):
                merged |= mapping
            else:
                self._note("<<: expected a mapping or a list of mappings, got another value")
        return merged

    def _key(self, event: yaml.Event) -> str:
        value = self._value(event)
        if isinstance(event, yaml.ScalarEvent):
            return event.value
        if isinstance(value, str):
            return value
        self._note(f"expected text as the key on line {self._line}, got a mapping or a list")
        return ""

    def _scalar(self, event: yaml.ScalarEvent) -> object:
        tag = event.tag
        if tag is None or tag == "!":
            tag = self._resolved_tag(event)
        kind = tag.removeprefix(_CORE_TAG)
        if ":" in event.value and kind in {"int", "float"}:
            # 10:30 is a number to the base of 60 for PyYAML, and text for Kubernetes.
            return event.value
        if kind == "str" and event.implicit[0] and _EXPONENT.fullmatch(event.value):
            return float(event.value)
        try:
            return self._constructed(kind, yaml.ScalarNode(tag, event.value))
        except (ValueError, LookupError):  # looks like a number but is not one, such as 0x_
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
            self._note(
                f"expected a value without a tag on line {self._line}, got a tag; "
                "a value that begins with ! needs quotes"
            )

    def _count_nodes(self, nodes: int) -> None:
        self._nodes += nodes
        if self._nodes > MAX_NODES:
            raise _TooMuch(
                f"expected at most {MAX_NODES} values, got more, with the targets of aliases"
            )

    def _reason(self, error: yaml.MarkedYAMLError, line: int) -> str:
        lines = self._text.splitlines()
        if line <= len(lines) and lines[line - 1].lstrip(" ").startswith("\t"):
            return "not YAML: expected spaces for the indentation, got a tab"
        return _reason(error)

    def _note(self, text: str) -> None:
        path = ".".join(quotable(part) for part in self._path).replace(".[", "[")
        self._problems.append(Problem(self._where, path, text))


_VALUE_NEEDS_QUOTES = "a value that begins with *, @, % or ` must be in quotes"

# By the words of the parser. A cron expression or a nickname is such a value.
_HINTS = {
    "alphabetic or numeric character": _VALUE_NEEDS_QUOTES,
    "cannot start any token": _VALUE_NEEDS_QUOTES,
    "mapping values are not allowed": "a value with a colon and a space must be in quotes, and the "
    "keys of one mapping have the same indentation",
    "did not find expected key": "the keys of one mapping have the same indentation",
    "could not find expected ':'": "expected a key with a colon, or the next line of a value",
}

_TOO_DEEP = f"expected at most {MAX_DEPTH} levels of nesting, got more"


def _reason(error: yaml.MarkedYAMLError) -> str:
    # PyYAML has its own limit since 6.0.4, which is reached first where each level has few values;
    # the text of this program names the bound.
    if error.problem and "maximum nesting depth" in error.problem:
        return _TOO_DEEP
    return f"not YAML: {_syntax_text(error)}{_hint(error)}"


def _hint(error: yaml.MarkedYAMLError) -> str:
    """Return what to do about an error that the parser names by its own grammar."""
    problem = error.problem or ""
    return next((f"; {hint}" for words, hint in _HINTS.items() if words in problem), "")


def _syntax_text(error: yaml.MarkedYAMLError) -> str:
    """Return the parser's own words, without the quotes from the text of the file.

    A single sign of YAML, such as `]`, is the parser's own.
    """
    return re.sub(
        r"""'[^']*'|"[^"]*\"""",
        lambda quoted: quoted[0] if re.fullmatch(r"'[^\w']'", quoted[0]) else "…",
        error.problem or "syntax error",
    )

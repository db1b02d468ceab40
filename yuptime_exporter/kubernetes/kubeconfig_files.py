"""The entries of kubeconfigs that the current context selects, as kubectl selects them.

client-go, tools/clientcmd/loader.go: files that are missing or empty are skipped, and the first
definition of a name counts, that of the current context included.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from yuptime_exporter.core.errors import SourceUnusable

_SECTIONS = {"clusters": "cluster", "contexts": "context", "users": "user"}


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of a kubeconfig.

    Attributes:
        place: the file with section and name, for errors.
        file: paths in the entry are relative to this file's folder.
    """

    values: Mapping[str, Any]
    place: str
    file: str


@dataclass(frozen=True, slots=True)
class Selected:
    """The cluster and the user of the current context; without a user, `user` is empty."""

    context: str
    namespace: str | None
    cluster: Entry
    user: Entry


def selected(paths: str) -> Selected:
    """Read kubeconfigs and return the entries that their current context selects.

    Args:
        paths: one path, or several with colons between them, as in `$KUBECONFIG`.

    Raises:
        SourceUnusable: there is no kubeconfig, or its current context selects no cluster.
    """
    named = (str(Path(path).expanduser()) for path in paths.split(os.pathsep) if path)
    existing = [path for path in named if Path(path).exists()]
    if not existing:
        raise SourceUnusable("there is no such file")
    read = {path: _read(path) for path in existing}
    configs = {path: config for path, config in read.items() if config is not None}
    if not configs:
        raise SourceUnusable("expected a kubeconfig, got an empty file")
    entries = _entries(configs)
    current = next(filter(None, (one.get("current-context") for one in configs.values())), None)
    if current is None:
        raise SourceUnusable("current-context: expected the name of a context, got none")
    context = entries["contexts"].get(str(current))
    if context is None:
        raise SourceUnusable(f"current-context: there is no context {current!r}")
    wanted = context.values.get("cluster")
    cluster = entries["clusters"].get(str(wanted))
    if cluster is None:
        raise SourceUnusable(f"{context.place}: there is no cluster {wanted!r}")
    anonymous = Entry({}, f"{context.place}.user", context.file)
    user = entries["users"].get(str(context.values.get("user")), anonymous)
    return Selected(str(current), context.values.get("namespace") or None, cluster, user)


def _read(path: str) -> Mapping[str, Any] | None:
    try:
        config = yaml.load(Path(path).read_bytes(), Loader=_Loader)  # noqa: S506  a SafeLoader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f", line {mark.line + 1}" if mark else ""
        raise SourceUnusable(f"not YAML{line}: {error.problem}") from error
    except (yaml.YAMLError, RecursionError) as error:
        raise SourceUnusable("not YAML") from error
    if config is not None and not isinstance(config, Mapping):
        raise SourceUnusable("it is not a kubeconfig: expected clusters, users and contexts")
    return config


def _entries(configs: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Entry]]:
    entries: dict[str, dict[str, Entry]] = {section: {} for section in _SECTIONS}
    for path, config in configs.items():
        for section in _SECTIONS:
            for name, entry in _section(config, section, path):
                entries[section].setdefault(name, entry)
    return entries


def _section(config: Mapping[str, Any], section: str, path: str) -> Iterator[tuple[str, Entry]]:
    listed = config.get(section) or []
    if not isinstance(listed, list):
        raise SourceUnusable(f"it is not a kubeconfig: expected a list in {section}")
    kind = _SECTIONS[section]
    for number, one in enumerate(listed):
        if not isinstance(one, Mapping) or "name" not in one:
            raise SourceUnusable(f"{section}[{number}]: expected a name and a {kind}")
        place = f"{section}[name={one['name']}].{kind}"
        values = one.get(kind)
        if values is None:
            raise SourceUnusable(f"{section}[name={one['name']}]: Expected key {kind}")
        if not isinstance(values, Mapping):
            raise SourceUnusable(f"{place}: expected keys and values")
        yield str(one["name"]), Entry(values, place, path)


class _Loader(yaml.SafeLoader):
    """Refuses a key that is given twice, as kubectl does."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.tag != "tag:yaml.org,2002:merge":
                if key.value in seen:
                    raise yaml.constructor.ConstructorError(
                        None, None, "a key is given twice", key.start_mark
                    )
                seen.add(key.value)
        return super().construct_mapping(node, deep)

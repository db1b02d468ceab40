"""`yuptime check`: the problems and warnings of manifests, without a running exporter."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TextIO

from yuptime_exporter.core.declared import Problem
from yuptime_exporter.resource.defaults import NO_DEFAULTS, Defaults
from yuptime_exporter.sources.manifests.declarations import Declarations, declarations
from yuptime_exporter.sources.manifests.files import Look, ManifestFile, ManifestFiles
from yuptime_exporter.sources.manifests.manifest import read_manifest
from yuptime_exporter.sources.manifests.warnings import readable_secrets, warnings_of

STDIN_NAME = "standard input"
_NO_MONITORS = (
    "expected at least one monitor of type push, got none; "
    "--allow-empty accepts manifests without monitors"
)


def check(
    paths: Sequence[Path],
    out: TextIO,
    *,
    stdin: bytes | None = None,
    allow_empty: bool = False,
    defaults: Defaults = NO_DEFAULTS,
) -> int:
    """Write all problems and warnings, and a summary; return the exit code.

    Args:
        paths: files and directories, read as the exporter reads them.
        out: for the lines.
        stdin: a further manifest, from standard input; None: none.
        allow_empty: whether manifests without any monitor are valid.
        defaults: fields of `spec` for each Monitor that does not have them.

    Returns:
        0 if all manifests are valid, with or without warnings; 1 if there are problems.
    """
    look = ManifestFiles(paths, defaults=lambda: defaults).look() if paths else Look((), {}, {})
    if stdin is not None:
        piped = ManifestFile(STDIN_NAME, read_manifest(stdin, STDIN_NAME, defaults=defaults))
        look = replace(look, files=(*look.files, piped))
    found = declarations(look)
    if not found.monitors and not found.problems and not allow_empty:
        found = replace(found, problems=(Problem(_names(paths, stdin), "", _NO_MONITORS),))
    warnings = (*readable_secrets(found), *warnings_of(found))
    out.writelines(f"error: {problem}\n" for problem in found.problems)
    out.writelines(f"warning: {warning}\n" for warning in warnings)
    errors = _counted(len(found.problems), "error")
    out.write(f"{_summary(found)}: {errors}, {_counted(len(warnings), 'warning')}\n")
    return 1 if found.problems else 0


def _names(paths: Sequence[Path], stdin: bytes | None) -> str:
    return ", ".join([*map(str, paths), *([] if stdin is None else [STDIN_NAME])])


def _summary(found: Declarations) -> str:
    monitors = found.as_monitor_set()
    ignored = monitors.ignored_documents + sum(monitors.ignored_types.values())
    parts = [
        _counted(len(found.monitors), "monitor"),
        _counted(len(found.secrets), "secret"),
        f"{_counted(ignored, 'document')} ignored",
    ]
    return ", ".join(parts)


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"

"""`yuptime check`: the problems and warnings of manifests, without a running exporter."""

from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from yuptime_exporter.sources.manifests.declarations import Declarations, declarations
from yuptime_exporter.sources.manifests.files import ManifestFiles
from yuptime_exporter.sources.manifests.warnings import warnings_of


def check(paths: Sequence[Path], out: TextIO) -> int:
    """Write all problems and warnings, and a summary; return the exit code.

    Args:
        paths: files and directories, read as the exporter reads them.
        out: for the lines.

    Returns:
        0 if all manifests are valid, with or without warnings; 1 if there are problems.
    """
    found = declarations(ManifestFiles(paths).look())
    warnings = warnings_of(found)
    out.writelines(f"error: {problem}\n" for problem in found.problems)
    out.writelines(f"warning: {warning}\n" for warning in warnings)
    errors = _counted(len(found.problems), "error")
    out.write(f"{_summary(found)}: {errors}, {_counted(len(warnings), 'warning')}\n")
    return 1 if found.problems else 0


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

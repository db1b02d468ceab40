"""The two commands: `yuptime-exporter`, and `yuptime`, its companion for CI and jobs."""

import argparse
import asyncio
import logging
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from yuptime_exporter import __version__, logs
from yuptime_exporter.app import run
from yuptime_exporter.backup import BackupFailed, backup
from yuptime_exporter.check import check
from yuptime_exporter.core.errors import YuptimeError
from yuptime_exporter.settings import values
from yuptime_exporter.settings.command_line import HelpFormatter, parse_arguments, version_text
from yuptime_exporter.wiring.interpreter import new_event_loop

log = logging.getLogger(__name__)

_STDIN = Path("-")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `yuptime-exporter`; return its exit code: 0 stopped, 1 cannot run, 2 usage error."""
    settings = parse_arguments(arguments)
    logs.configure(level=settings.log_level, log_format=settings.log_format)
    log.info("starting yuptime-exporter", extra={"version": __version__})
    try:
        with asyncio.Runner(loop_factory=new_event_loop) as runner:
            runner.run(run(settings))
    except* YuptimeError as group:
        for error in _leaves(group):
            log.error("cannot run", extra={"err": str(error)})
        return_code = 1
    else:
        return_code = 0
    return return_code


def companion(arguments: Sequence[str] | None = None) -> int:
    """Run `yuptime`; return its exit code: 0 done, 1 problems or a failure, 2 usage error."""
    parser = argparse.ArgumentParser(
        prog="yuptime",
        description="The companion of yuptime-exporter.",
        allow_abbrev=False,
        formatter_class=HelpFormatter,
    )
    parser.add_argument("--version", action="version", version=version_text("yuptime"))
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    _add_check(commands)
    _add_backup(commands)
    given = parser.parse_args(arguments)
    code: int = given.run(given)
    return code


def _add_check(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "check",
        help="validate manifests without starting the exporter",
        description="Validates Monitors and Secrets. Exit code: 0 valid, 1 problems, 2 usage error.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "paths",
        metavar="PATH",
        nargs="+",
        type=Path,
        help="file or directory of YAML; - is standard input",
    )
    parser.add_argument(
        "--allow-empty", action="store_true", help="accept manifests without any monitor"
    )
    parser.set_defaults(run=_check)


def _check(given: argparse.Namespace) -> int:
    paths = [path for path in given.paths if path != _STDIN]
    stdin = sys.stdin.buffer.read() if len(paths) < len(given.paths) else None
    return check(paths, sys.stdout, stdin=stdin, allow_empty=given.allow_empty)


def _add_backup(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "backup",
        help="copy the database of a running exporter into a file",
        description="Copies the database of a running exporter, which needs "
        "--web.enable-admin-api. Exit code: 0 written, 1 failure, 2 usage error.",
        allow_abbrev=False,
    )
    parser.add_argument("path", metavar="FILE", type=Path, help="the file to write")
    parser.add_argument(
        "--url",
        type=values.external_url,
        default=os.environ.get("YUPTIME_URL") or "http://localhost:10091",
        help="URL of the exporter (default: $YUPTIME_URL, or http://localhost:10091)",
    )
    parser.add_argument("--force", action="store_true", help="replace FILE if it exists")
    parser.set_defaults(run=_backup)


def _backup(given: argparse.Namespace) -> int:
    try:
        backup(given.url, given.path, sys.stdout, force=given.force)
    except BackupFailed as error:
        sys.stderr.write(f"yuptime backup: {error}\n")
        return 1
    return 0


def _leaves(group: BaseExceptionGroup[YuptimeError]) -> Iterator[YuptimeError]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error

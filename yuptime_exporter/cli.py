"""`yuptime-exporter`, and the commands of `yuptime` that read manifests and jobs."""

import argparse
import asyncio
import logging
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from yuptime_exporter import __version__, logs
from yuptime_exporter.app import run
from yuptime_exporter.check import check
from yuptime_exporter.core.errors import ConfigInvalid, YuptimeError
from yuptime_exporter.onboarding import command
from yuptime_exporter.onboarding.cronjobs import DEFAULT_IMAGE
from yuptime_exporter.onboarding.files import Folder, NotImported
from yuptime_exporter.settings import values
from yuptime_exporter.settings.command_line import HelpFormatter, parse_arguments, version_text
from yuptime_exporter.settings.configuration import load_configuration
from yuptime_exporter.wiring.interpreter import is_compiled, new_event_loop

log = logging.getLogger(__name__)

_STDIN = Path("-")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `yuptime-exporter`; return its exit code: 0 stopped, 1 cannot run, 2 usage error."""
    settings = parse_arguments(arguments)
    logs.configure(level=settings.log_level, log_format=settings.log_format)
    log.info("starting yuptime-exporter", extra={"version": __version__, "compiled": is_compiled()})
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
    """Run `yuptime check` or `yuptime import`; return the exit code: 0 done, 1 problems, 2 usage error."""
    parser = argparse.ArgumentParser(
        prog="yuptime",
        description="The companion of yuptime-exporter.",
        allow_abbrev=False,
        formatter_class=HelpFormatter,
    )
    parser.add_argument("--version", action="version", version=version_text("yuptime"))
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    _add_check(commands)
    _add_import(commands)
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
        type=values.file,
        help="file or directory of YAML; - is standard input",
    )
    parser.add_argument(
        "--allow-empty", action="store_true", help="accept manifests without any monitor"
    )
    parser.add_argument(
        "--config.file",
        dest="config_file",
        metavar="PATH",
        type=values.file,
        help="configuration file of the exporter, for its defaults of monitors",
    )
    parser.set_defaults(run=_check)


def _check(given: argparse.Namespace) -> int:
    paths = [path for path in given.paths if path != _STDIN]
    stdin = sys.stdin.buffer.read() if len(paths) < len(given.paths) else None
    try:
        defaults = load_configuration(given.config_file).monitor_defaults
    except ConfigInvalid as error:
        sys.stdout.write(f"error: {error}\n")
        return 1
    return check(paths, sys.stdout, stdin=stdin, allow_empty=given.allow_empty, defaults=defaults)


def _add_import(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "import",
        help="make monitors of a crontab or of CronJobs",
        description="Writes Monitors, a Secret with a fresh token, and the changed crontab or "
        "patches of CronJobs. Exit code: 0 all jobs, 1 some need a hand, 2 usage error.",
        allow_abbrev=False,
    )
    kinds = parser.add_subparsers(dest="kind", metavar="KIND", required=True)
    crontab = kinds.add_parser("crontab", help="a crontab", allow_abbrev=False)
    crontab.add_argument("--namespace", type=values.namespace, default="default")
    crontab.add_argument(
        "--system", action="store_true", help="each line names a user, as in /etc/cron.d"
    )
    crontab.add_argument(
        "--token-file",
        type=Path,
        default=Path("/etc/yuptime/token"),
        help="where the token will be on the machine of the crontab (default: %(default)s)",
    )
    cronjobs = kinds.add_parser("cronjobs", help="CronJobs of Kubernetes", allow_abbrev=False)
    cronjobs.add_argument("--image", default=DEFAULT_IMAGE, help="with curl (default: %(default)s)")
    for kind, run_kind in ((crontab, _import_crontab), (cronjobs, _import_cronjobs)):
        kind.add_argument("file", metavar="FILE", type=values.file, help="- is standard input")
        kind.add_argument(
            "--url",
            type=values.external_url,
            default=os.environ.get("YUPTIME_URL") or "http://localhost:10091",
            help="URL of the exporter for the jobs (default: $YUPTIME_URL, or "
            "http://localhost:10091)",
        )
        kind.add_argument(
            "--output",
            metavar="FOLDER",
            type=Path,
            default=Path("yuptime-import"),
            help="folder for the files (default: %(default)s)",
        )
        kind.add_argument("--force", action="store_true", help="replace files, but no token")
        kind.set_defaults(run=_importing(run_kind))


def _importing(
    run_kind: Callable[[argparse.Namespace, bytes, Folder], int],
) -> Callable[[argparse.Namespace], int]:
    def importing(given: argparse.Namespace) -> int:
        try:
            data = sys.stdin.buffer.read() if given.file == _STDIN else given.file.read_bytes()
            return run_kind(given, data, Folder(given.output, replaces=given.force))
        except OSError as error:
            sys.stderr.write(f"yuptime import: {given.file}: {error.strerror or error}\n")
        except NotImported as error:
            sys.stderr.write(f"yuptime import: {error}\n")
        return 1

    return importing


def _import_crontab(given: argparse.Namespace, data: bytes, folder: Folder) -> int:
    return command.crontab(
        data,
        folder,
        sys.stdout,
        namespace=given.namespace,
        machine=command.Machine(given.url, given.token_file, has_user=given.system),
    )


def _import_cronjobs(given: argparse.Namespace, data: bytes, folder: Folder) -> int:
    return command.cronjobs(data, folder, sys.stdout, url=given.url, image=given.image)


def _leaves(group: BaseExceptionGroup[YuptimeError]) -> Iterator[YuptimeError]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error

"""The command line of `yuptime`: arguments in, exit code out."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from yuptime_exporter import __version__
from yuptime_exporter.companion import flags

# Commands that need the exporter's own libraries; `yuptime_exporter.cli` has them.
_OF_EXPORTER = {
    "check": "validate manifests without starting the exporter",
    "import": "make monitors of a crontab or of CronJobs",
}


# Of a program that SIGPIPE ended, as shells show it.
_READER_LEFT = 141


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `yuptime`; return its exit code. A reader that leaves early, such as `head`, ends it."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    _open_closed_streams()
    if arguments[:1] == ["run"]:  # whatever becomes of the output, the exit code is the job's
        return _main(arguments)
    try:
        code = _main(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        _forget_output()
        return _READER_LEFT
    except OSError as error:
        if error.filename is not None:
            raise
        _forget_output()
        sys.stderr.write(f"yuptime: the output cannot be written: {error.strerror or error}\n")
        return 1
    return code


def _open_closed_streams() -> None:
    """Open /dev/null in the place of closed standard streams: a daemon may start a job without."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115


def _forget_output() -> None:
    """Drop the buffered output, which the interpreter would try to write at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _main(arguments: list[str]) -> int:
    if arguments and arguments[0] in _OF_EXPORTER:
        from yuptime_exporter.cli import companion  # noqa: PLC0415  it takes half a second

        return companion(arguments)
    own, job = arguments, []
    if arguments[:1] == ["run"] and "--" in arguments:
        at = arguments.index("--")
        own, job = arguments[:at], arguments[at + 1 :]
    try:
        given = _parser().parse_args(own)
    except SystemExit as end:
        if end.code and job:
            return _unreported(job)
        raise
    given.job = job
    code: int = given.run(given)
    return code


def _unreported(command: Sequence[str]) -> int:
    """Run a job without a report, since its flags cannot be read. Its monitor will be overdue."""
    from yuptime_exporter.companion import job  # noqa: PLC0415

    sys.stderr.write("yuptime run: the job runs without a report\n")
    ended = job.run(command, environment=os.environ, keeps_output=False, timeout_seconds=None)
    return ended.exit_code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="yuptime", description="The companion of yuptime-exporter.", allow_abbrev=False
    )
    parser.add_argument("--version", action="version", version=f"yuptime, version {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, text in _OF_EXPORTER.items():
        commands.add_parser(name, help=text)
    _add_run(commands)
    _add_push(commands)
    _add_status(commands)
    _add_test_alert(commands)
    _add_backup(commands)
    return parser


def _add_run(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "run",
        help="run a job and report its start and its end",
        description="Runs COMMAND and reports it. The exit code is that of COMMAND, whatever "
        "becomes of the report.",
        usage="yuptime run [flags] NAMESPACE/NAME -- COMMAND",
        allow_abbrev=False,
    )
    flags.add_access(parser)
    flags.add_token(parser)
    parser.add_argument("--no-start", action="store_true", help="report only the end")
    parser.add_argument(
        "--quiet-output",
        action="store_true",
        help="send no output of the job, and leave its terminal or file to it",
    )
    parser.add_argument(
        "--timeout",
        metavar="DURATION",
        type=flags.duration,
        help="end the job after this time with SIGTERM, then SIGKILL; the exit code is 124",
    )
    flags.add_give_up(parser)
    parser.add_argument("monitor", metavar="NAMESPACE/NAME", type=flags.monitor_name)
    parser.set_defaults(run=_run)


def _run(given: argparse.Namespace) -> int:
    from yuptime_exporter.companion.run import Plan, run  # noqa: PLC0415

    if not given.job:
        sys.stderr.write("yuptime run: expected a command after --, got nothing\n")
        return 2
    plan = Plan(
        given.monitor,
        sends_start=not given.no_start,
        sends_output=not given.quiet_output,
        timeout_seconds=given.timeout,
        give_up_seconds=given.give_up_after,
    )
    return run(flags.access(given), plan, given.job)


def _add_push(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "push",
        help="send one push",
        description="Sends one push. Exit code: 0 accepted, 1 not accepted, 2 usage error.",
        allow_abbrev=False,
    )
    flags.add_access(parser)
    flags.add_token(parser)
    parser.add_argument("--status", choices=("up", "down", "start", "log"), default="up")
    message = parser.add_mutually_exclusive_group()
    message.add_argument("--message", metavar="TEXT", help="the job's own words")
    message.add_argument(
        "--message-file", metavar="PATH", type=Path, help="a file with them; - is standard input"
    )
    parser.add_argument("--run-id", metavar="ID", help="of the run that this push belongs to")
    parser.add_argument("--duration", metavar="DURATION", type=flags.duration, help="of the run")
    parser.add_argument("--exit-code", metavar="NUMBER", type=int, help="of the run")
    flags.add_give_up(parser)
    parser.add_argument("monitor", metavar="NAMESPACE/NAME", type=flags.monitor_name)
    parser.set_defaults(run=_push)


def _push(given: argparse.Namespace) -> int:
    from yuptime_exporter.companion.push import push_and_say  # noqa: PLC0415

    fields: dict[str, object] = {"status": given.status}
    try:
        message = given.message or _message(given.message_file)
    except OSError as error:
        # The words are lost, and the status is not.
        sys.stderr.write(f"yuptime push: {given.message_file}: {error.strerror or error}\n")
        message = ""
    named = {
        "message": message or None,
        "runId": given.run_id,
        "durationSeconds": given.duration,
        "exitCode": given.exit_code,
    }
    fields |= {name: value for name, value in named.items() if value is not None}
    return push_and_say(
        flags.access(given), given.monitor, fields, give_up_seconds=given.give_up_after
    )


def _message(file: Path | None) -> str:
    if file is None:
        return ""
    found = sys.stdin.buffer.read() if file == Path("-") else file.read_bytes()
    return found.decode("utf-8", "replace")


def _add_status(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "status",
        help="show the states of monitors",
        description="Shows the states of monitors. Exit code: 0 none is down, 1 some are down, "
        "2 usage error or no answer.",
        allow_abbrev=False,
    )
    flags.add_access(parser)
    parser.add_argument("--namespace", action="append", default=[], help="repeatable")
    parser.add_argument(
        "--state",
        action="append",
        default=[],
        choices=("pending", "up", "late", "down", "paused"),
        help="repeatable",
    )
    parser.add_argument("--output", choices=("table", "json"), default="table")
    parser.set_defaults(run=_status)


def _status(given: argparse.Namespace) -> int:
    from yuptime_exporter.companion.status import status  # noqa: PLC0415

    filters = [("namespace", value) for value in given.namespace]
    filters += [("state", value) for value in given.state]
    return status(flags.access(given), filters, output=given.output)


def _add_test_alert(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "test-alert",
        help="send a test alert of a monitor, and say whom it reaches",
        description="Sends a test alert of a monitor, says what became of it, and resolves it. "
        "The exporter needs --web.enable-admin-api. Exit code: 0 an alert reaches a receiver, "
        "1 it does not, 2 usage error or no answer.",
        allow_abbrev=False,
    )
    flags.add_access(parser)
    parser.add_argument(
        "--hold",
        metavar="DURATION",
        type=flags.duration,
        default=0.0,
        help="let the alert fire for this time, so that a notification is sent (default: 0s)",
    )
    parser.add_argument(
        "--prometheus.url",
        dest="prometheus_url",
        metavar="URL",
        type=flags.exporter_url,
        help="check target, labels, rules and Alertmanagers of this Prometheus, too",
    )
    parser.add_argument("--output", choices=("text", "json"), default="text")
    parser.add_argument("monitor", metavar="NAMESPACE/NAME", type=flags.monitor_name)
    parser.set_defaults(run=_test_alert)


def _test_alert(given: argparse.Namespace) -> int:
    from yuptime_exporter.companion.alert_test import rehearse  # noqa: PLC0415

    return rehearse(
        flags.access(given),
        given.monitor,
        hold_seconds=given.hold,
        prometheus_url=given.prometheus_url,
        output=given.output,
    )


def _add_backup(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "backup",
        help="copy the database of a running exporter into a file",
        description="Copies the database of a running exporter, which needs "
        "--web.enable-admin-api. Exit code: 0 written, 1 failure, 2 usage error.",
        allow_abbrev=False,
    )
    flags.add_access(parser)
    parser.add_argument("--force", action="store_true", help="replace FILE if it exists")
    parser.add_argument("path", metavar="FILE", type=Path, help="the file to write")
    parser.set_defaults(run=_backup)


def _backup(given: argparse.Namespace) -> int:
    from yuptime_exporter.backup import BackupFailed, Origin, backup  # noqa: PLC0415
    from yuptime_exporter.companion.access import NotReported  # noqa: PLC0415

    exporter = flags.access(given)
    try:
        origin = Origin(exporter.url, exporter.basic(), exporter.tls())
        backup(origin, given.path, sys.stdout, force=given.force)
    except (BackupFailed, NotReported) as error:
        sys.stderr.write(f"yuptime backup: {error}\n")
        return 1
    return 0

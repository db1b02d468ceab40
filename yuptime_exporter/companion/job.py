"""The job itself: started, watched, and ended as if nothing stood between it and its caller."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import IO, NamedTuple, Self

# The longest message that the exporter stores whole.
MAX_MESSAGE_CHARS = 10_000

NOT_EXECUTABLE, NOT_FOUND, TIMED_OUT = 126, 127, 124  # as sh and timeout(1) have them

# After `--timeout`, how long a job may take to end by SIGTERM before SIGKILL.
TERMINATION_SECONDS = 10.0

# After the end of the job, how long output of programs that it left behind is still passed on.
_LEFT_OUTPUT_SECONDS = 1.0

_FORWARDED = ("SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2")
_OF_TERMINALS = ("SIGINT", "SIGQUIT")

_READ_BYTES = 65_536
_MAX_BYTES_OF_CHAR = 4


class Ended(NamedTuple):
    """How a job ended.

    Attributes:
        exit_code: as a shell has it: 128 and the number of the signal after a signal.
        remark: a reason that the output cannot have, as after a timeout; empty: none.
    """

    exit_code: int
    duration_seconds: float
    output: str = ""
    remark: str = ""

    def message(self) -> str:
        """Return the end of the output, with the remark below it."""
        parts = [part for part in (self.output.rstrip(), self.remark) if part]
        return "\n".join(parts)[-MAX_MESSAGE_CHARS:]


def run(
    command: Sequence[str],
    *,
    begun: Callable[[], None] = lambda: None,
    environment: Mapping[str, str],
    keeps_output: bool,
    timeout_seconds: float | None,
) -> Ended:
    """Run a command to its end; its output and the signals for this process pass through.

    Args:
        command: the program and its arguments.
        begun: called as soon as the command runs, or cannot be run.
        environment: of the command.
        keeps_output: whether the end of the output is returned. Then the job writes to pipes;
            otherwise to the terminal or the file of this process, as it is.
        timeout_seconds: after which the job is ended, with the programs that it has started; None:
            never. In a terminal only the job itself is ended, which shares its group with others.
    """
    started = time.monotonic()
    pipe = subprocess.PIPE if keeps_output else None
    has_group = timeout_seconds is not None and not _is_in_terminal()
    with _Forwarding(whole_group=has_group) as forwarding:
        try:
            process = subprocess.Popen(  # noqa: S603  the command of the user
                command,
                stdout=pipe,
                stderr=pipe,
                env=environment,
                process_group=0 if has_group else None,
            )
        except FileNotFoundError:
            begun()
            return _unstartable(command, NOT_FOUND, "command not found")
        except OSError as error:
            begun()
            return _unstartable(command, NOT_EXECUTABLE, error.strerror or str(error))
        forwarding.begin(process)
        begun()
        return _watched(process, started, timeout_seconds, forwarding)


def _watched(
    process: "subprocess.Popen[bytes]",
    started: float,
    timeout_seconds: float | None,
    forwarding: "_Forwarding",
) -> Ended:
    """Wait for the end of a job, and pass its output on.

    Args:
        process: the job.
        started: moment of `time.monotonic`.
        timeout_seconds: as in `run`.
        forwarding: reaches the job.
    """
    tail = _Tail()
    readers = [
        _passing(stream, target, tail)
        for stream, target in ((process.stdout, 1), (process.stderr, 2))
        if stream is not None
    ]
    remark = _waited(process, timeout_seconds, forwarding)
    ended = time.monotonic()
    for reader in readers:
        reader.join(max(0.0, ended + _LEFT_OUTPUT_SECONDS - time.monotonic()))
    code = process.returncode
    if remark:
        return Ended(TIMED_OUT, ended - started, tail.text(), remark)
    if code < 0:
        name = signal.Signals(-code).name
        return Ended(128 - code, ended - started, tail.text(), f"killed by {name}")
    return Ended(code, ended - started, tail.text())


def _unstartable(command: Sequence[str], code: int, reason: str) -> Ended:
    remark = f"{command[0]}: {reason}"
    sys.stderr.write(f"yuptime run: {remark}\n")
    return Ended(code, 0.0, remark=remark)


def _waited(
    process: "subprocess.Popen[bytes]", timeout_seconds: float | None, forwarding: "_Forwarding"
) -> str:
    """Wait for the end; return why the job was ended by us, or nothing."""
    try:
        process.wait(timeout_seconds)
    except subprocess.TimeoutExpired:
        forwarding.send(signal.SIGTERM)
        try:
            process.wait(TERMINATION_SECONDS)
        except subprocess.TimeoutExpired:
            forwarding.send(signal.SIGKILL)
            process.wait()
        return f"ended after {timeout_seconds:g} s by --timeout"
    return ""


class _Tail:
    """The last bytes of both streams, in the order of their arrival."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._bytes = bytearray()

    def add(self, part: bytes) -> None:
        most = MAX_MESSAGE_CHARS * _MAX_BYTES_OF_CHAR
        with self._lock:
            self._bytes += part
            if len(self._bytes) > 2 * most:
                del self._bytes[:-most]

    def text(self) -> str:
        with self._lock:
            return self._bytes.decode("utf-8", "replace")[-MAX_MESSAGE_CHARS:]


def _passing(source: IO[bytes], target: int, tail: _Tail) -> threading.Thread:
    """Pass bytes on in a thread, which a program that the job left behind cannot hold up."""

    def pass_on() -> None:
        while part := _read(source.fileno()):
            tail.add(part)
            if not _write_all(target, part):
                source.close()  # the job sees that its reader is gone, as without this process
                return

    thread = threading.Thread(target=pass_on, daemon=True)
    thread.start()
    return thread


def _read(source: int) -> bytes:
    try:
        return os.read(source, _READ_BYTES)
    except OSError:
        return b""


def _write_all(target: int, part: bytes) -> bool:
    """Write every byte; return False if the reader is gone or the disk is full."""
    view = memoryview(part)
    while view:
        try:
            view = view[os.write(target, view) :]
        except BlockingIOError:
            time.sleep(0.01)
        except OSError:
            return False
    return True


class _Forwarding:
    """Passes signals on to the job while the block runs, those before its start included."""

    def __init__(self, *, whole_group: bool) -> None:
        self._whole_group = whole_group  # the job leads a process group of its own
        self._process: subprocess.Popen[bytes] | None = None
        self._waiting: list[int] = []
        self._before: dict[int, object] = {}

    def begin(self, process: "subprocess.Popen[bytes]") -> None:
        """Pass signals on to this process from now on."""
        self._process = process
        while self._waiting:
            self.send(self._waiting.pop(0))

    def send(self, number: int) -> None:
        """Send a signal to the job, or keep it until the job has started."""
        if self._process is None:
            self._waiting.append(number)
        elif self._whole_group and self._process.returncode is None:
            with suppress(ProcessLookupError):  # it has just ended
                os.killpg(self._process.pid, number)
        else:
            self._process.send_signal(number)

    def __enter__(self) -> Self:
        for name in _FORWARDED:
            number = getattr(signal, name)
            if signal.getsignal(number) is signal.SIG_IGN:  # as under nohup; the job inherits it
                continue
            # The terminal sends its signals to the job, too: passed on, they would arrive twice.
            ignores = name in _OF_TERMINALS and _is_in_terminal()
            handler = _ignore if ignores else self._forward
            self._before[number] = signal.signal(number, handler)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def _forward(self, number: int, _: object) -> None:
        self.send(number)


def _ignore(_number: int, _frame: object) -> None:
    """Do nothing: unlike SIG_IGN, a job does not inherit this."""


def _is_in_terminal() -> bool:
    try:
        return os.tcgetpgrp(0) == os.getpgrp()
    except OSError:  # standard input is no terminal
        return False

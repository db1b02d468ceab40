"""A crontab in, its jobs and the changed lines out. Every byte that is no job stays as it is."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from yuptime_exporter.onboarding.monitors import ImportedJob, Names

# Only a line feed ends a line, and only spaces and tabs part its fields: cron knows no others.
_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_VARIABLE = re.compile(r"""\s*("[^"]+"|'[^']+'|[A-Za-z_]\w*)\s*=\s*(.*?)\s*$""")
_NICKNAME = re.compile(r"(?P<lead>[ \t]*-?)(?P<when>@\w+)(?P<gap>[ \t]+)(?P<rest>.*)", re.DOTALL)
_FIELDS = re.compile(
    r"(?P<lead>[ \t]*-?)(?P<when>[^ \t]+(?:[ \t]+[^ \t]+){4})(?P<gap>[ \t]+)(?P<rest>.*)", re.DOTALL
)
_USER = re.compile(r"(?P<user>[^ \t]+[ \t]+)(?P<rest>.*)", re.DOTALL)
_NOT_A_USER = re.compile(r"[/.~$\"'(\[{].*|.*=.*")

# The cron of the BSDs reads flags before a command: no mail after success, no log, one run at a time.
_FLAGS = re.compile(r"(?:-[nqs]+[ \t]+)+")

# As a first word this is no program, but a field of a crontab with seconds.
_SIXTH_FIELD = re.compile(r"[*\d][-*\d/,]*(?=[ \t])")

# cron reads `%` as the end of a line; the lines after the first are standard input of the job. A
# backslash takes the meaning of the character after it.
_STANDARD_INPUT = re.compile(r"((?:[^\\%]|\\.)*)(%.*)", re.DOTALL)

_ZONE_VARIABLES = ("CRON_TZ", "TZ")

# Words before the program that does the work.
_BEFORE = frozenset(
    {"sudo", "nice", "ionice", "nohup", "env", "time", "chronic", "exec", "sh", "bash", "/bin/sh",
     "/bin/bash", "python", "python3", "perl", "php", "ruby", "node", "java", "test"}
)  # fmt: skip
# Words that are followed by a folder, a lock or a time.
_WITH_PLACE = frozenset({"cd", "flock", "timeout"})

_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=.*")
_NOT_A_NAME = re.compile(r"-.*|\d+|[|&;<>(){}\[\]!]+.*|/dev/null")


@dataclass(frozen=True, slots=True)
class Skipped:
    """A line that looks like a job and is left as it is.

    Attributes:
        line: counted from 1.
        reason: the expected form, or the work that is left to a person.
    """

    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class ImportedCrontab:
    """The result of an import."""

    jobs: tuple[ImportedJob, ...]
    skipped: tuple[Skipped, ...]
    text: str


@dataclass(frozen=True, slots=True)
class _Line:
    """The parts of a line with a job: together they are the line.

    Attributes:
        before: the user and the flags of the command, if any.
    """

    lead: str
    when: str
    gap: str
    before: str
    command: str
    standard_input: str
    end: str

    def wrapped(self, monitor: str) -> str:
        """Return the line with its command under `yuptime run`.

        The shell of the crontab runs the command as before. Inside single quotes only a single
        quote ends the text, and cron still replaces an escaped percent sign.
        """
        quoted = "'" + self.command.replace("'", "'\\''") + "'"
        job = f'yuptime run {monitor} -- "$SHELL" -c {quoted}'
        return "".join(
            (self.lead, self.when, self.gap, self.before, job, self.standard_input, self.end)
        )


def import_crontab(
    text: str, *, namespace: str, has_user: bool, header: str = ""
) -> ImportedCrontab:
    """Return the jobs of a crontab, and the crontab with these jobs wrapped.

    Args:
        text: the crontab.
        namespace: of the monitors.
        has_user: whether each line names a user, as in `/etc/crontab` and `/etc/cron.d`.
        header: lines that are put before the others.
    """
    names, zone = Names(namespace), ""
    jobs: list[ImportedJob] = []
    skipped: list[Skipped] = []
    lines: list[str] = [header]
    for number, line in enumerate(_LINE.findall(text.removeprefix("\ufeff")), 1):
        lines.append(line)
        content = line.strip()
        if not content or content.startswith("#"):
            continue
        if variable := _VARIABLE.match(line):
            if variable[1] in _ZONE_VARIABLES:
                zone = variable[2].strip("\"'")
            continue
        read = _read(line, has_user=has_user)
        if isinstance(read, str):
            skipped.append(Skipped(number, read))
            continue
        job = ImportedJob(names.key(_name(read.command)), " ".join(read.when.split()), zone)
        if reason := job.problem():
            skipped.append(Skipped(number, reason))
            continue
        jobs.append(job)
        lines[-1] = read.wrapped(str(job.key))
    if not lines[-1].endswith("\n"):
        lines.append("\n")  # cron refuses a crontab whose last line has no end
    return ImportedCrontab(tuple(jobs), tuple(skipped), "".join(lines))


def _read(line: str, *, has_user: bool) -> _Line | str:
    """Return the parts of a line, or the reason to leave it as it is."""
    body = line.rstrip("\r\n")
    match = _NICKNAME.match(body) or _FIELDS.match(body)
    if match is None:
        return "expected five fields or @daily and the like, then a command"
    if match["when"] == "@reboot":
        return "@reboot has no schedule; a monitor needs one"
    rest, before = match["rest"], ""
    if has_user:
        found = _USER.match(rest)
        if found is None or _NOT_A_USER.match(found["user"]):
            return "expected a user before the command"
        before, rest = found["user"], found["rest"]
    if flags := _FLAGS.match(rest):
        before, rest = before + flags[0], rest[flags.end() :]
    end = _STANDARD_INPUT.match(rest)
    command, standard_input = (end[1], end[2]) if end else (rest, "")
    if reason := _doubt(command, has_user=has_user):
        return reason
    ending = line[len(body) :]
    return _Line(
        match["lead"], match["when"], match["gap"], before, command, standard_input, ending
    )


def _doubt(command: str, *, has_user: bool) -> str:
    """Return the reason to leave a command as it is; empty: there is none."""
    if not command.strip():
        return "expected a command, got nothing"
    if field := _SIXTH_FIELD.match(command):
        return f"expected five fields and a command, got {field[0]}: there are no seconds"
    if not has_user and re.match(r"root[ \t]", command):
        return "expected a command, got the user root: use --system for a crontab with users"
    return "reports already" if "yuptime run" in command else ""


def _name(command: str) -> str:
    """Return the name of the program that does the work, without its folder and extension."""
    for word in _words(command):
        name = word.rpartition("/")[2]
        stem = name.rpartition(".")[0] or name
        if re.search(r"[A-Za-z0-9]", stem):
            return stem
    return "job"


def _words(command: str) -> Iterator[str]:
    """Yield the words that may name the program, the likely ones first."""
    try:
        words = shlex.split(command.replace("&&", " ; ").replace("||", " ; "))
    except ValueError:  # an open quote, which the shell would refuse, too
        words = command.split()
    words_skipped, in_test = 0, False
    for word in words:
        if word in ("[", "]"):
            in_test = word == "["
        elif word in _WITH_PLACE:
            words_skipped = 1
        elif in_test or word == ";" or _is_no_program(word):
            continue
        elif words_skipped:
            words_skipped -= 1
        elif " " in word:
            yield from _words(word)  # the command of `sh -c`
        else:
            yield word


def _is_no_program(word: str) -> bool:
    name = word.rpartition("/")[2]
    return bool(name in _BEFORE or _ASSIGNMENT.fullmatch(word) or _NOT_A_NAME.fullmatch(word))

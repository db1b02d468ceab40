"""A crontab keeps its meaning: each command runs as before, under `yuptime run`."""

import os
import re
import shlex
import subprocess

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from yuptime_exporter.onboarding.crontab import ImportedCrontab, import_crontab


def imported(text: str, *, has_user: bool = False) -> ImportedCrontab:
    return import_crontab(text, namespace="jobs", has_user=has_user)


def names(text: str) -> list[str]:
    return [job.key.name for job in imported(text).jobs]


def ran(line: str, *, shell: str = "/bin/sh") -> str:
    """Run a line as cron does, with `yuptime run` replaced by what it does; return its output."""
    command = re.match(r"\s*(?:@\w+|\S+(?:\s+\S+){4})\s+(.*)", line.rstrip("\n"))
    assert command is not None
    parts = re.split(r"(?<!\\)%", command[1])
    texts = [part.replace("\\%", "%") for part in parts]
    wrapper = 'yuptime() { shift 3; "$@"; }; '
    ended = subprocess.run(
        [shell, "-c", wrapper + texts[0]],
        input="\n".join(texts[1:]),
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "SHELL": shell},
    )
    return ended.stdout


def test_a_line_is_wrapped_and_everything_else_stays_byte_for_byte() -> None:
    text = "# backups\nMAILTO=ops@example.com\n\n30 2 * * *\t/usr/local/bin/backup --all  \r\n"

    found = imported(text)

    assert found.text == text.replace(
        "/usr/local/bin/backup --all  ",
        """yuptime run jobs/backup -- "$SHELL" -c '/usr/local/bin/backup --all  '""",
    )
    (job,) = found.jobs
    assert (str(job.key), job.expression) == ("jobs/backup", "30 2 * * *")


@pytest.mark.parametrize(
    "command",
    [
        "echo one two",
        "echo 'it is' \"quoted $HOME\"",
        "echo it\\'s",
        "cd /tmp && pwd; echo done",
        "A=1 sh -c 'echo $A'",
        "echo a | tr a b > /dev/stdout",
        r"printf 100\%\\n",
        "cat%first line%second line",
        r"cat%50\% done",
        "echo `echo inner` $(echo other)",
    ],
)
def test_a_wrapped_command_does_what_it_did(command: str) -> None:
    line = f"* * * * * {command}\n"

    assert ran(imported(line).text) == ran(line) != ""


def as_cron_reads(rest: str) -> tuple[str, str]:
    """Return the command and the standard input of the text behind a schedule (do_command.c)."""
    command, place = "", 0
    while place < len(rest) and rest[place] != "%":
        if rest[place] == "\\" and place + 1 < len(rest):
            place += 1
            command += "" if rest[place] == "%" else "\\"
        command += rest[place]
        place += 1
    return command, rest[place:]


@given(st.text("ab 'd\\%\"$-#", min_size=1).filter(lambda text: not text[0].isspace()))
def test_cron_hands_the_same_command_and_the_same_input_to_the_shell_of_any_line(text: str) -> None:
    line = f"@daily {text}\n"
    changed = imported(line).text
    assume(changed != line)

    command, standard_input = as_cron_reads(text)
    wrapped, same_input = as_cron_reads(changed.removeprefix("@daily ").removesuffix("\n"))

    assert shlex.split(wrapped)[-1] == command
    assert same_input == standard_input


def test_the_same_jobs_get_the_same_names_and_no_name_twice() -> None:
    text = "@daily /a/backup.sh\n@hourly backup.sh --small\n@weekly /b/backup.py\n"

    assert names(text) == names(text) == ["backup", "backup-2", "backup-3"]


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("/usr/bin/certbot renew -q", "certbot"),
        ("cd /srv/app && ./manage.py cleanup", "manage"),
        ("sudo nice -n 10 rsync -a /a /b", "rsync"),
        ("PATH=/bin LC_ALL=C run_report", "run-report"),
        ("/bin/sh -c '/opt/x/nightly.sh >/dev/null 2>&1'", "nightly"),
        ("flock -n /tmp/lock /opt/sync", "sync"),
        ("test -x /usr/sbin/anacron || run-parts /etc/cron.daily", "anacron"),
        ("[ -d /x ] && Größe.sh", "gr-e"),
        ('php /var/www/cron.php "a"', "cron"),
        ("echo 'open", "echo"),
        ("*/x", "x"),
    ],
)
def test_a_job_is_named_after_the_program_that_does_the_work(command: str, name: str) -> None:
    assert names(f"@daily {command}\n") == [name]


def test_a_system_crontab_keeps_its_users() -> None:
    found = imported("17 * * * * root cd / && run-parts /etc/cron.hourly\n", has_user=True)

    assert found.text.startswith("17 * * * * root yuptime run jobs/run-parts -- ")


def test_the_time_zone_of_the_crontab_is_that_of_the_jobs_after_it() -> None:
    text = "@daily a\nCRON_TZ=Europe/Berlin\n30 2 * * * b\nCRON_TZ=UTC\n@hourly c\n"

    assert [job.zone for job in imported(text).jobs] == ["", "Europe/Berlin", "UTC"]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("@reboot /opt/start", "no schedule"),
        ("61 * * * * job", "spec.schedule.cron"),
        ("0~30 * * * * job", "spec.schedule.cron"),
        ("* * * *", "five fields"),
        ("* * * * * %only input", "expected a command"),
        ("* * * * * yuptime run a/b -- c", "reports already"),
        ("not a line", "five fields"),
    ],
)
def test_a_line_that_cannot_be_imported_stays_and_is_named(line: str, words: str) -> None:
    found = imported(f"# first\n{line}\n")

    assert found.text == f"# first\n{line}\n"
    (skipped,) = found.skipped
    assert skipped.line == 2
    assert words in skipped.reason


def test_a_wrong_zone_is_named_at_each_job() -> None:
    found = imported("CRON_TZ=Europe/Berln\n@daily a\n")

    assert found.jobs == ()
    assert "Europe/Berlin" in found.skipped[0].reason


@pytest.mark.parametrize(
    ("expression", "grace_seconds"),
    [("* * * * *", 60), ("*/10 * * * *", 300), ("@hourly", 1800), ("0 3 * * 1-5", 3600),
     ("30 2 29 2 *", 3600), ("0,5 * * * *", 150)],
)  # fmt: skip
def test_the_grace_is_half_of_the_period_and_at_most_an_hour(
    expression: str, grace_seconds: int
) -> None:
    (job,) = imported(f"{expression} a\n").jobs
    push = job.monitor()["spec"]["target"]["push"]  # type: ignore[index]

    assert push["gracePeriodSeconds"] == grace_seconds

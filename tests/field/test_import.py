"""Crontabs and CronJobs as people have them, imported by `yuptime import`."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from yuptime_exporter.cli import companion

WRAPPED = 'yuptime run jobs/{name} -- "$SHELL" -c '


class Import:
    """One run of the command, with the files that it wrote."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self._folder = folder
        self._capsys = capsys
        self.code = -1
        self.out = self.err = ""

    def crontab(self, content: bytes, *flags: str) -> bytes:
        """Import a crontab; return the changed one without the lines that are put before."""
        self._run("crontab", content, "--namespace=jobs", *flags)
        changed = self._folder / "imported" / "crontab"
        return changed.read_bytes().split(b"\n", 2)[2] if changed.exists() else b""

    def cronjobs(self, content: bytes) -> None:
        """Import CronJobs."""
        self._run("cronjobs", content)

    def monitors(self) -> dict[str, dict[str, Any]]:
        """Return the specs of the monitors by their names."""
        text = (self._folder / "imported" / "monitors.yaml").read_text()
        return {one["metadata"]["name"]: one["spec"] for one in yaml.safe_load(text)["items"]}

    def pod(self) -> dict[str, Any]:
        """Return the containers of the only patch."""
        (patch,) = (self._folder / "imported" / "patches").iterdir()
        steps = json.loads(patch.read_text())
        return {step["path"].rpartition("/")[2]: step["value"] for step in steps}

    def _run(self, kind: str, content: bytes, *flags: str) -> None:
        file = self._folder / "input"
        file.write_bytes(content)
        output = f"--output={self._folder / 'imported'}"
        self.code = companion(["import", kind, str(file), output, *flags])
        self.out, self.err = self._capsys.readouterr()


@pytest.fixture
def importing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Import:
    return Import(tmp_path, capsys)


ONE_JOB = [
    (
        "kellyjonbrazil/jc#387: an equals sign in a command does not make the line a variable",
        b'* * * * * /bin/bash -l -c "python3 my_script.py --output-file=/opt/output.json"\n',
        "my-script",
        """'/bin/bash -l -c "python3 my_script.py --output-file=/opt/output.json"'""",
    ),
    (
        "alseambusher/crontab-ui#79: a flag with a value and two spaces are part of the command",
        b"0 * * * *  java -jar test.jar --profile=test  >> /tmp/test.out\n",
        "test",
        "'java -jar test.jar --profile=test  >> /tmp/test.out'",
    ),
    (
        "systemd-cron/systemd-cron#146: an escaped percent sign stays escaped for cron",
        rb"0 1 * * * tar czf /b/$(date +\%F).tgz /home" + b"\n",
        "tar",
        r"'tar czf /b/$(date +\%F).tgz /home'",
    ),
    (
        "cronie-crond/cronie#195: a percent sign ends the command inside quotes, too",
        b'*/1 * * * * date "+%H:%M" >> ~/date.log\n',
        "date",
        """'date "+'%H:%M" >> ~/date.log""",
    ),
    (
        "pbyrne/cron-checker#19: a backslash before a backslash does not escape a percent sign",
        rb"@hourly printf \\%input" + b"\n",
        "printf",
        r"'printf \\'%input",
    ),
    (
        "rackerlabs/auter#86: tabs and a comment behind a command are left to the shell",
        b"0 11 * * 3 /usr/bin/auter --prep\t\t\t# Prep Every Wednesday at 11:00\n",
        "auter",
        "'/usr/bin/auter --prep\t\t\t# Prep Every Wednesday at 11:00'",
    ),
    (
        "inspec/inspec#4035: settings such as RANDOM_DELAY are no jobs",
        b"RANDOM_DELAY = 45\n@daily job\n",
        "job",
        "'job'",
    ),
    (
        "fccview/cronmaster#55: an apostrophe in a comment opens no quote",
        b"# the system\n# daemon's notion of time\n@daily job\n",
        "job",
        "'job'",
    ),
    (
        "cronie-crond/cronie#4: the minus sign that turns off the log stays before the schedule",
        b"-*/5 * * * * job\n",
        "job",
        "'job'",
    ),
    (
        "ddev/ddev-cron#55: carriage returns of Windows stay out of names and schedules",
        b"CRON_TZ=Europe/Berlin\r\n30 2 * * * job\r\n",
        "job",
        "'job'",
    ),
]


@pytest.mark.parametrize(
    ("content", "name", "command"),
    [pytest.param(*case, id=sentence) for sentence, *case in ONE_JOB],
)
def test_a_line_is_one_job_whose_command_stays(
    importing: Import, content: bytes, name: str, command: str
) -> None:
    changed = importing.crontab(content)

    assert importing.code == 0
    assert list(importing.monitors()) == [name]
    assert changed.decode().rstrip("\r\n").endswith(WRAPPED.format(name=name) + command)
    before, _, _ = changed.partition(b"yuptime run")
    assert content.startswith(before)


LEFT = [
    (
        "marvinvr/truenas-auto-update#3: a schedule in quotes is named, as cron refuses the line",
        b'"0 4 * * *" /app/run-script.sh >> /var/log/cron.log 2>&1\n',
        "spec.schedule.cron: ",
    ),
    (
        "cronie-crond/cronie#85: a random time is left, as no monitor can know it",
        b"5~15,35~45 6~18 * * * /some/script.sh\n",
        "spec.schedule.cron: ",
    ),
    (
        "aptible/supercronic#137: fields for seconds and years are named and not run as a command",
        b"*/2 * * * * * * ls 2>/dev/null\n",
        "got *: there are no seconds",
    ),
    (
        "borgmatic-collective/docker-borgmatic#2: a user where none belongs is not run as a command",
        b"0 4 * * * root PATH=$PATH:/usr/bin /usr/bin/borgmatic --config /config/config.yaml\n",
        "use --system",
    ),
    (
        "a fixed space that was pasted from a page parts no fields, as for cron",
        "30\u00a02 * * * job\n".encode(),
        "expected five fields",
    ),
]


@pytest.mark.parametrize(
    ("content", "words"), [pytest.param(*case, id=sentence) for sentence, *case in LEFT]
)
def test_a_line_that_is_no_job_for_a_monitor_stays_and_is_named(
    importing: Import, content: bytes, words: str
) -> None:
    changed = importing.crontab(b"@daily good\n" + content)

    assert importing.code == 1
    assert list(importing.monitors()) == ["good"]
    assert changed.endswith(b"\n" + content)
    assert "line 2 is left as it is: " in importing.out
    assert words in importing.out


def test_a_last_line_without_an_end_gets_one_since_cron_refuses_the_file(importing: Import) -> None:
    """saltstack/salt#28480, bit-team/backintime#781, engintron/engintron#844."""
    changed = importing.crontab(b"@daily first\n@daily last")

    assert list(importing.monitors()) == ["first", "last"]
    assert changed.endswith(b"'last'\n")


def test_flags_of_the_bsds_stay_before_the_command(importing: Import) -> None:
    """cronie-crond/cronie#80."""
    changed = importing.crontab(b"@daily root -n -q /usr/bin/job -q\n", "--system")

    assert changed == b"@daily root -n -q " + WRAPPED.format(name="job").encode() + (
        b"'/usr/bin/job -q'\n"
    )


def test_the_crontab_of_debian_keeps_users_tabs_and_settings(importing: Import) -> None:
    """michelsalib/BCCCronManagerBundle#76, cronie-crond/cronie#82."""
    content = (
        b"SHELL=/bin/sh\n"
        b"PATH=/usr/local/sbin:/usr/local/bin:/sbin:/bin:/usr/sbin:/usr/bin\n"
        b"\n"
        b"# m h dom mon dow user\tcommand\n"
        b"17 *\t* * *\troot    cd / && run-parts --report /etc/cron.hourly\n"
        b"25 6\t* * *\troot\ttest -x /usr/sbin/anacron || ( cd / && run-parts /etc/cron.daily )\n"
        b"*\t*\t*\t*\t*\tuser\t\t/usr/local/bin/bar.sh\n"
    )

    changed = importing.crontab(content, "--system")

    assert importing.code == 0
    assert set(importing.monitors()) == {"run-parts", "anacron", "bar"}
    assert changed.splitlines()[:4] == content.splitlines()[:4]
    assert b"17 *\t* * *\troot    yuptime run jobs/run-parts -- " in changed
    assert b"*\t*\t*\t*\t*\tuser\t\tyuptime run jobs/bar -- " in changed


def test_a_crontab_without_users_is_not_read_as_one_with_users(importing: Import) -> None:
    """hlandau/acmetool#14: the first word of each command would be its user."""
    importing.crontab(b"@daily /usr/local/bin/backup --all\n", "--system")

    assert importing.code == 1
    assert "got none" in importing.err


def test_bytes_of_another_charset_and_unusual_separators_stay_as_they_are(
    importing: Import,
) -> None:
    """Only a line feed ends a line of a crontab; a form feed and U+2028 are parts of it."""
    content = "# Größe\n".encode("latin-1") + "@daily echo a\x0cb\u2028c\n".encode()

    changed = importing.crontab(content)

    assert changed == content.replace(
        b"echo a\x0cb\xe2\x80\xa8c", b"%s'echo a\x0cb\xe2\x80\xa8c'"
    ) % (WRAPPED.format(name="echo").encode())


def test_the_mark_that_windows_puts_before_a_file_is_dropped(importing: Import) -> None:
    """systemd/systemd#2874; cron refuses such a line, too: `bad minute`."""
    changed = importing.crontab(b"\xef\xbb\xbf30 2 * * * job\n")

    assert importing.monitors()["job"]["schedule"] == {"cron": "30 2 * * *"}
    assert b"\xef\xbb\xbf" not in changed


@pytest.mark.parametrize("zone", ["Europe/Berlin", '"Europe/Berlin"', "'Europe/Berlin'"])
def test_a_time_zone_may_be_in_quotes(importing: Import, zone: str) -> None:
    """netresearch/go-cron#335, pyinfra-dev/pyinfra#1191."""
    importing.crontab(f"CRON_TZ={zone}\n30 2 * * * job\n".encode())

    schedule = importing.monitors()["job"]["schedule"]
    assert schedule == {"cron": "30 2 * * *", "timeZone": "Europe/Berlin"}


CONTAINER = '{name: report, image: "shop:1"}'


def cronjob(name: str, schedule: str, *, container: str = CONTAINER, more: str = "") -> str:
    return f"""\
apiVersion: batch/v1
kind: CronJob
metadata: {{namespace: shop, name: {name}}}
spec:
  schedule: "{schedule}"
{more}  jobTemplate: {{spec: {{template: {{spec: {{containers: [{container}]}}}}}}}}
"""


def test_a_zone_in_a_schedule_of_old_clusters_becomes_the_zone_of_the_monitor(
    importing: Import,
) -> None:
    """nixys/nxs-universal-chart#76."""
    importing.cronjobs(cronjob("report", "CRON_TZ=Etc/UTC */20 * * * *").encode())

    schedule = importing.monitors()["report"]["schedule"]
    assert schedule == {"cron": "*/20 * * * *", "timeZone": "Etc/UTC"}


def test_a_zone_of_a_cronjob_that_the_cluster_does_not_know_is_one_for_the_monitor(
    importing: Import,
) -> None:
    """digitalocean/DOKS#32."""
    importing.cronjobs(cronjob("report", "* * * * *", more="  timeZone: Asia/Singapore\n").encode())

    assert importing.monitors()["report"]["schedule"]["timeZone"] == "Asia/Singapore"


def test_charts_with_many_documents_comments_and_empty_ones_are_read(importing: Import) -> None:
    """The output of `helm template`: a comment before each object, and empty documents."""
    documents = [
        "---\n# Source: shop/templates/a.yaml\n" + cronjob("a", "@daily"),
        "---\n# Source: shop/templates/disabled.yaml\n",
        "---\nkind: ConfigMap\nmetadata: {name: x}\n",
        "---\n" + cronjob("b", "0 3 * * *", more="  suspend: true\n"),
    ]

    importing.cronjobs("".join(documents).encode())

    assert importing.code == 0
    assert {name: spec.get("enabled") for name, spec in importing.monitors().items()} == {
        "a": None,
        "b": False,
    }


@pytest.mark.parametrize(("kind", "item"), [("List", "CronJob"), ("CronJobList", "")])
def test_lists_of_kubectl_and_of_the_api_are_read_item_by_item(
    importing: Import, kind: str, item: str
) -> None:
    """`kubectl get --raw` answers with a CronJobList, whose items name no kind."""
    one = yaml.safe_load(cronjob("report", "@daily"))
    one["kind"] = item
    if not item:
        del one["kind"], one["apiVersion"]
    importing.cronjobs(json.dumps({"kind": kind, "apiVersion": "v1", "items": [one]}).encode())

    assert list(importing.monitors()) == ["report"]


def test_an_interval_of_a_cronjob_is_named_with_the_field_that_has_intervals(
    importing: Import,
) -> None:
    """CronJobs accept @every, which has no times of day."""
    importing.cronjobs((cronjob("a", "@daily") + "---\n" + cronjob("b", "@every 1h30m")).encode())

    assert importing.code == 1
    assert "shop/b: spec.schedule.cron: expected one of @yearly" in importing.out
    assert "set spec.target.push.expireSeconds: 5400" in importing.out


def test_the_container_that_reports_obeys_the_rules_that_the_job_obeys(importing: Import) -> None:
    """bank-vaults/bank-vaults#515; a namespace with the restricted standard refuses it, too."""
    container = (
        "{name: report, image: x, resources: {limits: {memory: 64Mi}}, "
        "securityContext: {allowPrivilegeEscalation: false}}"
    )
    importing.cronjobs(cronjob("report", "@daily", container=container).encode())

    (reporting,) = importing.pod()["containers"]
    assert reporting["resources"] == {"limits": {"memory": "64Mi"}}
    assert reporting["securityContext"] == {"allowPrivilegeEscalation": False}
    assert reporting["command"][2].endswith("|| echo 'yuptime: not reported'"), "not run again"


@pytest.mark.parametrize("field", ["livenessProbe", "readinessProbe", "startupProbe", "lifecycle"])
def test_a_container_that_cannot_run_before_another_is_not_patched(
    importing: Import, field: str
) -> None:
    """kubernetes/kubernetes#116760: the API server refuses these fields of init containers."""
    container = f"{{name: report, image: x, {field}: {{}}}}"
    importing.cronjobs(cronjob("report", "@daily", container=container).encode())

    assert importing.code == 1
    assert f"its container has {field}" in importing.out
    assert "1 CronJobs imported, 0 with a patch" in importing.out

"""`yuptime import`: read the jobs, write the files, and say the next step."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from yuptime_exporter.onboarding.cronjobs import import_cronjobs
from yuptime_exporter.onboarding.crontab import import_crontab
from yuptime_exporter.onboarding.files import Folder, NotImported
from yuptime_exporter.onboarding.monitors import ImportedJob, monitor_list, secret
from yuptime_exporter.sources.manifests.documents import read_documents


@dataclass(frozen=True, slots=True)
class Machine:
    """The machine of a crontab.

    Attributes:
        exporter_url: as this machine reaches the exporter.
        token_file: where the token will be.
        has_user: whether each line names a user.
    """

    exporter_url: str
    token_file: Path
    has_user: bool = False


def crontab(data: bytes, folder: Folder, out: TextIO, *, namespace: str, machine: Machine) -> int:
    """Import a crontab; return the exit code: 0 all jobs, 1 some lines are left.

    Args:
        data: the crontab.
        folder: receives the files.
        out: for the lines of the summary.
        namespace: of the monitors.
        machine: on which the crontab is.

    Raises:
        NotImported: nothing was written.
    """
    header = f"YUPTIME_URL={machine.exporter_url}\nYUPTIME_TOKEN_FILE={machine.token_file}\n"
    text = data.decode("utf-8", "surrogateescape")
    found = import_crontab(text, namespace=namespace, has_user=machine.has_user, header=header)
    _demand(found.jobs, "a line with a schedule and a command")
    (token,) = folder.tokens({namespace}).values()
    texts = {
        "monitors.yaml": monitor_list(found.jobs),
        "secrets.yaml": secret(namespace, token),
        "token": f"{token}\n",
        "crontab": found.text,
    }
    paths = folder.write(texts)
    out.writelines(f"line {one.line} is left as it is: {one.reason}\n" for one in found.skipped)
    out.write(f"{len(found.jobs)} jobs imported: {', '.join(map(str, paths))}\n")
    out.write(
        f"copy {paths[2]} to {machine.token_file} on the machine of the crontab, readable by its user\n"
    )
    return 1 if any(one.reason != "reports already" for one in found.skipped) else 0


def cronjobs(data: bytes, folder: Folder, out: TextIO, *, url: str, image: str) -> int:
    """Import CronJobs; return the exit code: 0 all of them, 1 some need a hand.

    Args:
        data: YAML or JSON of `kubectl get cronjobs`.
        folder: receives the files.
        out: for the lines of the summary.
        url: of the exporter, as the pods reach it.
        image: of the container that reports.

    Raises:
        NotImported: nothing was written.
    """
    documents, problems = read_documents(data, "the input")
    if problems:
        raise NotImported(str(problems[0]))
    found, skipped = import_cronjobs(
        (document.value for document in documents), exporter_url=url, image=image
    )
    jobs = [one.job for one in found]
    _demand(jobs, "a CronJob")
    tokens = folder.tokens({job.key.namespace for job in jobs})
    texts = {
        "monitors.yaml": monitor_list(jobs),
        "secrets.yaml": "".join(secret(name, tokens[name]) for name in sorted(tokens)),
    }
    patches = {f"patches/{_flat(one.job)}.json": one for one in found if one.patch}
    texts |= {name: one.patch for name, one in patches.items()}
    texts["patch.sh"] = "".join(
        f"kubectl -n {one.job.key.namespace} patch cronjob {one.job.key.name} --type=json "
        f'--patch-file="$(dirname "$0")/{name}"\n'
        for name, one in patches.items()
    )
    folder.write(texts)
    out.writelines(f"{one.key}: {one.reason}\n" for one in skipped)
    out.write(f"{len(jobs)} CronJobs imported, {len(patches)} with a patch\n")
    return 1 if any(one.reason != "reports already" for one in skipped) else 0


def _flat(job: ImportedJob) -> str:
    return f"{job.key.namespace}_{job.key.name}"


def _demand(jobs: Sequence[ImportedJob], what: str) -> None:
    if not jobs:
        raise NotImported(f"expected at least {what}, got none")

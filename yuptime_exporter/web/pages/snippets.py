"""Commands that push to one monitor, to be pasted into a job; the token is left to the reader."""

from dataclasses import dataclass
from urllib.parse import quote

from yuptime_exporter.core.model import MonitorKey

TOKEN_PLACEHOLDER = "REPLACE-WITH-THE-TOKEN"  # noqa: S105

_CURL = "curl -sS --fail-with-body --retry 5 --retry-connrefused --max-time 10"


@dataclass(frozen=True, slots=True)
class Snippet:
    """A piece of a script or a file.

    Attributes:
        tool: the program that runs it.
        note: where it goes, in a sentence.
    """

    tool: str
    note: str
    text: str


def push_url(base_url: str, key: MonitorKey) -> str:
    """Return the address to which the job of a monitor pushes."""
    return f"{base_url}/api/push/{quote(key.namespace, safe='')}/{quote(key.name, safe='')}"


def snippets(url: str, key: MonitorKey) -> tuple[Snippet, ...]:
    """Return a snippet for each tool, with the push URL of a monitor."""
    return (
        Snippet("curl", "Put it at the end of the job.", _curl(url)),
        Snippet("wget", "Put it at the end of the job.", _wget(url)),
        Snippet("PowerShell", "Put it at the end of the job.", _powershell(url)),
        Snippet("Python", "It needs only the standard library.", _python(url)),
        Snippet("cron", "A line of the crontab. It also says when the job fails.", _cron(url)),
        Snippet("systemd", "A part of the job's .service file.", _systemd(url)),
        Snippet(
            "CronJob", "Kubernetes runs it. The token comes from a Secret.", _cron_job(url, key)
        ),
    )


def _curl(url: str) -> str:
    return (
        f"{_CURL} \\\n  {url} \\\n"
        f'  -H "Authorization: Bearer {TOKEN_PLACEHOLDER}" \\\n'
        '  -d status=up --data-urlencode "message=Backup completed"\n'
    )


def _wget(url: str) -> str:
    return (
        "wget -q -O - --content-on-error --tries=5 --timeout=10 \\\n"
        f'  --header="Authorization: Bearer {TOKEN_PLACEHOLDER}" \\\n'
        f'  --post-data="status=up" \\\n  {url}\n'
    )


def _powershell(url: str) -> str:
    return (
        "Invoke-RestMethod -Method Post -TimeoutSec 10 `\n"
        f'  -Uri "{url}" `\n'
        f'  -Headers @{{ Authorization = "Bearer {TOKEN_PLACEHOLDER}" }} `\n'
        '  -Body @{ status = "up"; message = "Backup completed" }\n'
    )


def _python(url: str) -> str:
    return (
        "import json\nimport urllib.request\n\n"
        "push = urllib.request.Request(\n"
        f'    "{url}",\n'
        '    data=json.dumps({"status": "up", "message": "Backup completed"}).encode(),\n'
        f'    headers={{"Authorization": "Bearer {TOKEN_PLACEHOLDER}", "Content-Type": "application/json"}},\n'
        ")\n"
        "with urllib.request.urlopen(push, timeout=10) as answer:\n"
        "    print(answer.read().decode())\n"
    )


def _cron(url: str) -> str:
    return (
        "0 3 * * * if /usr/local/bin/backup; then status=up; else status=down; fi; "
        f'answer=$({_CURL} {url} -H "Authorization: Bearer {TOKEN_PLACEHOLDER}" '
        '-d "status=$status") || echo "$answer"\n'
    )


def _systemd(url: str) -> str:
    return (
        "[Service]\nType=oneshot\nExecStart=/usr/local/bin/backup\n"
        f"Environment=TOKEN={TOKEN_PLACEHOLDER}\n"
        'ExecStopPost=/bin/sh -c \'if [ "$SERVICE_RESULT" = success ]; then status=up; '
        f"else status=down; fi; exec {_CURL} {url} "
        '-H "Authorization: Bearer $TOKEN" -d "status=$status" '
        '-d "message=$SERVICE_RESULT $EXIT_STATUS"\'\n'
    )


def _cron_job(url: str, key: MonitorKey) -> str:
    command = (
        "if /usr/local/bin/backup; then status=up; else status=down; fi\n"
        f"                  {_CURL} \\\n"
        f'                    {url} -H "Authorization: Bearer $TOKEN" -d "status=$status"'
    )
    return f"""\
apiVersion: batch/v1
kind: CronJob
metadata:
  name: "{key.name}"
  namespace: "{key.namespace}"
spec:
  schedule: "0 3 * * *"
  concurrencyPolicy: Forbid
  jobTemplate:
    spec:
      template:
        spec:
          restartPolicy: Never
          containers:
            - name: job
              image: IMAGE-WITH-THE-JOB-AND-CURL
              env:
                - name: TOKEN
                  valueFrom:
                    secretKeyRef: {{name: SECRET-OF-THE-MONITOR, key: token}}
              command:
                - /bin/sh
                - -c
                - |
                  {command}
"""

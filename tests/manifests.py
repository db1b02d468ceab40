"""Manifests as users write them, with the values of a test."""

import json
from pathlib import Path

TOKEN = "correct-horse-battery-staple"


def monitor_yaml(
    name: str = "backup",
    *,
    namespace: str = "jobs",
    expire: int = 300,
    grace: int = 60,
    enabled: bool = True,
    secret: str = "push-token",
    labels: dict[str, str] | None = None,
) -> str:
    alerting = "".join(
        f"\n      {key}: {json.dumps(value, ensure_ascii=False)}"
        for key, value in (labels or {}).items()
    )
    return f"""\
apiVersion: monitoring.yuptime.io/v1
kind: Monitor
metadata:
  name: {name}
  namespace: {namespace}
spec:
  type: push
  enabled: {str(enabled).lower()}
  target:
    push:
      tokenSecretRef:
        name: {secret}
        key: token
      expireSeconds: {expire}
      gracePeriodSeconds: {grace}
{"  alerting:" if alerting else ""}{chr(10) + "    labels:" + alerting if alerting else ""}
"""


def secret_yaml(
    name: str = "push-token",
    *,
    namespace: str = "jobs",
    tokens: tuple[str, ...] = (TOKEN,),
) -> str:
    lines = "".join(f"\n    {token}" for token in tokens)
    return f"""\
apiVersion: v1
kind: Secret
metadata:
  name: {name}
  namespace: {namespace}
stringData:
  token: |{lines}
"""


def write_manifests(folder: Path, *documents: str, file_name: str = "jobs.yaml") -> Path:
    """Write documents into one file of the folder, in one step, as editors do."""
    folder.mkdir(exist_ok=True)
    path = folder / file_name
    unfinished = folder / f".{file_name}.new"
    unfinished.write_text("---\n".join(documents))
    unfinished.replace(path)
    return path

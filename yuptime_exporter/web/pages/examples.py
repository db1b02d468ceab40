"""The examples for a reader without a monitor: one to declare, and its first push."""

EXAMPLE_MONITOR = """\
apiVersion: monitoring.yuptime.io/v1
kind: Monitor
metadata:
  name: nightly-backup
  namespace: jobs
spec:
  type: push
  target:
    push:
      tokenSecretRef:
        name: nightly-backup-token
        key: token
      expireSeconds: 86400      # a push is due every day
      gracePeriodSeconds: 3600  # an hour later the monitor is down
---
apiVersion: v1
kind: Secret
metadata:
  name: nightly-backup-token
  namespace: jobs
stringData:
  token: "REPLACE-WITH-A-LONG-RANDOM-TOKEN"
"""


def example_push(url: str) -> str:
    """Return the push to the example, for an exporter at this address."""
    return (
        f"curl --fail-with-body -X POST {url}/api/push/jobs/nightly-backup \\\n"
        '  -H "Authorization: Bearer REPLACE-WITH-A-LONG-RANDOM-TOKEN" \\\n'
        '  -d status=up -d message="Backup completed"'
    )

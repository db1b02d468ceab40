"""Manifests in force: the examples of the documentation, and changes while everything runs."""

import shutil
from pathlib import Path

import pytest

from tests.exporters import Home, StandingClock, exporter_here, exporter_process, series
from tests.manifests import monitor_yaml, secret_yaml
from tests.waiting import eventually

EXAMPLES = Path(__file__).parents[2] / "deploy" / "examples"

# As the documentation of the original has it, to the letter.
DOCUMENTED_SECRET = """\
apiVersion: v1
kind: Secret
metadata:
  name: push-token
  namespace: yuptime
type: Opaque
stringData:
  token: "your-secure-random-token"
"""


async def test_the_examples_load_and_accept_the_documented_push(
    home: Home, clock: StandingClock
) -> None:
    shutil.copytree(EXAMPLES, home.manifests)
    async with exporter_here(home, clock) as client:
        answer = await client.push(
            "backup-job",
            namespace="yuptime",
            token="my-secure-token",
            body=b'{"status": "up", "message": "Backup completed"}',
        )
        samples = await client.samples()

    windows = {
        name: (
            samples[series("expire_seconds", name, "yuptime")],
            samples[series("grace_seconds", name, "yuptime")],
        )
        for name in ("backup-job", "nightly-backup", "payment-processor")
    }
    assert answer.status == 200
    assert answer.json()["state"] == "up"
    assert samples["yuptime_monitors_invalid"] == 0
    assert windows == {
        "backup-job": (300, 60),
        "nightly-backup": (90_000, 3600),
        "payment-processor": (120, 30),
    }


async def test_the_documented_secret_gives_the_documented_token(
    home: Home, clock: StandingClock
) -> None:
    backup_job = (EXAMPLES / "backup-job.yaml").read_text().split("---\n")[0]
    home.declare(backup_job, DOCUMENTED_SECRET)
    async with exporter_here(home, clock) as client:
        answer = await client.push(
            "backup-job", namespace="yuptime", token="your-secure-random-token"
        )

    assert answer.status == 200


@pytest.mark.peer  # takes whole seconds
async def test_changes_among_a_thousand_manifests_take_effect_and_reset_no_deadline(
    home: Home, clock: StandingClock
) -> None:
    home.declare(secret_yaml(), file_name="secret.yaml")
    for number in range(1000):
        home.declare(monitor_yaml(f"job-{number}"), file_name=f"job-{number}.yaml")
    async with exporter_here(home, clock) as client:
        await client.push("job-1")
        clock.advance(3)
        before = await client.samples()

        home.declare(monitor_yaml("added"), file_name="added.yaml")
        await eventually(client.samples, lambda samples: series("up", "added") in samples)
        home.declare(monitor_yaml("job-2", expire=600), file_name="job-2.yaml")
        await eventually(
            client.samples, lambda samples: samples[series("expire_seconds", "job-2")] == 600
        )
        (home.manifests / "job-3.yaml").unlink()
        after = await eventually(
            client.samples, lambda samples: series("up", "job-3") not in samples
        )

    untouched = [
        key
        for key in before
        if key.startswith("yuptime_monitor_")
        and not any(f'monitor="{name}"' in key for name in ("job-2", "job-3"))
    ]
    assert len(untouched) == 998 * 15
    assert [key for key in untouched if after[key] != before[key]] == []
    armed = series("armed_timestamp_seconds", "job-2")
    assert after[armed] == before[armed]


async def test_a_token_is_replaced_without_a_rejected_push(
    home: Home, clock: StandingClock
) -> None:
    async with exporter_here(home, clock) as client:
        for tokens in (("old", "new"), ("new",)):
            home.declare(monitor_yaml(), secret_yaml(tokens=tokens))

            async def push(token: str = tokens[-1]) -> int:
                return (await client.push(token=token)).status

            await eventually(push, lambda status: status != 401)

        async def push_old() -> int:
            return (await client.push(token="old")).status

        assert await eventually(push_old, lambda status: status != 200) in (401, 429)


@pytest.mark.peer  # starts a process
async def test_a_broken_file_is_logged_once_and_keeps_its_monitors(home: Home) -> None:
    async with exporter_process(home) as exporter:
        home.declare(monitor_yaml().replace("expireSeconds: 300", 'expireSeconds: "5m"'))
        await eventually(exporter.samples, lambda samples: samples["yuptime_monitors_invalid"] == 1)
        home.declare(monitor_yaml("other"), secret_yaml("other-token"), file_name="other.yaml")
        await eventually(exporter.samples, lambda samples: series("up", "other") in samples)
        still_accepted = await exporter.push()

    logged = [line for line in exporter.log if "invalid manifest" in line]
    assert still_accepted.status == 200
    assert len(logged) == 1
    for words in ("jobs.yaml", "document 1 (line 14)", "spec.target.push.expireSeconds", "5m",
                  "a whole number of seconds from 1 to"):  # fmt: skip
        assert words in logged[0]

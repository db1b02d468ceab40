"""The status of Monitors in kubectl, and changes of it by others."""

import asyncio
from datetime import datetime, timedelta

import pytest

from tests.exporters import series
from tests.fakes.faults import When
from tests.manifests import monitor_yaml
from tests.scenarios.kubernetes.rights import Object
from tests.scenarios.kubernetes.stage import DOWN, JSON_PATCH, STATUS_WRITES, Stage
from tests.waiting import LIMIT_SECONDS, eventually

pytestmark = pytest.mark.peer

MIGRATED = {  # as it is in clusters that have monitors of other types
    "apiVersion": "monitoring.yuptime.io/v1",
    "kind": "Monitor",
    "spec": {
        "type": "http",
        "schedule": {"intervalSeconds": 60, "timeoutSeconds": 10},
        "target": {"http": {"url": "https://example.com"}},
    },
}


def columns(printed: str) -> dict[str, str]:
    header, row = printed.splitlines()
    names = [name for name in header.split("  ") if name]
    starts = [header.index(name) for name in names]
    ends = [*starts[1:], None]
    return {
        name.strip(): row[start:end].strip()
        for name, start, end in zip(names, starts, ends, strict=True)
    }


async def shown(stage: Stage, state: str) -> dict[str, str]:
    """Return the columns once the status says this state."""
    await stage.state(state)
    printed = await stage.cluster.kubectl(
        "get", "monitors", "backup", "-n", stage.namespace, "-o", "wide"
    )
    return columns(printed)


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def whole(text: str) -> datetime:
    return moment(text).replace(microsecond=0)


def condition(status: Object, kind: str) -> Object:
    return dict(next(one for one in status["conditions"] if one["type"] == kind))


async def test_kubectl_shows_each_state_as_it_comes(stage: Stage) -> None:
    await stage.declare(expire=8, grace=8)
    async with stage.exporter() as exporter:
        row = await shown(stage, "pending")
        assert (row["TYPE"], row["STATE"], row["LAST PUSH"]) == ("push", "pending", "")

        await exporter.push(body=b'{"status": "up", "message": "412 files"}')
        row = await shown(stage, "up")
        status = await stage.status()()
        assert (row["STATE"], row["READY"], row["MESSAGE"]) == ("up", "True", "412 files")
        assert row["LAST PUSH"].endswith("s")
        assert row["EXPIRES"] == status["push"]["expiresAt"]
        assert moment(row["EXPIRES"]) == moment(status["push"]["lastPushTime"]) + timedelta(
            seconds=8
        )

        await exporter.skip(8)
        assert (await shown(stage, "late"))["STATE"] == "late"
        await exporter.skip(8)
        assert (await shown(stage, "down"))["STATE"] == "down"

        await stage.apply(monitor_yaml(namespace=stage.namespace, enabled=False))
        assert (await shown(stage, "paused"))["STATE"] == "paused"


async def test_conditions_change_when_the_monitor_does_and_not_before(stage: Stage) -> None:
    await stage.declare(expire=8, grace=8)
    async with stage.exporter() as exporter:
        before = await stage.state("pending")
        assert condition(before, "Up")["status"] == "Unknown"
        await exporter.push()
        up = await stage.state("up")
        await exporter.skip(8)
        late = await stage.state("late")
        await exporter.skip(8)
        down = await stage.state("down")
        await stage.patch("backup", {"spec": {"target": {"push": {"expireSeconds": 1000}}}})
        await eventually(stage.status(), lambda status: status["observedGeneration"] == 2)
        again = await stage.status()()

    pushed = whole(up["push"]["lastPushTime"])
    assert moment(condition(up, "Up")["lastTransitionTime"]) == pushed
    assert condition(late, "Up")["reason"] == "InGracePeriod"
    assert moment(condition(late, "Up")["lastTransitionTime"]) == pushed  # it is up as before
    assert condition(down, "Up")["status"] == "False"
    assert moment(condition(down, "Up")["lastTransitionTime"]) == whole(up["push"]["downAt"])
    for status in (up, late, down, again):
        ready = condition(status, "Ready")
        assert ready["lastTransitionTime"] == condition(before, "Ready")["lastTransitionTime"]
    assert [one["observedGeneration"] for one in again["conditions"]] == [2, 2, 2, 2]


async def test_kubectl_can_wait_for_conditions(stage: Stage) -> None:
    await stage.declare()

    async def wait_for(wanted: str) -> str:
        arguments = ("wait", f"--for=condition={wanted}", "monitor/backup", "-n", stage.namespace)
        return await stage.cluster.kubectl(*arguments, "--timeout=60s")

    async with stage.exporter() as exporter, asyncio.TaskGroup() as tasks:
        await stage.state("pending")
        up = tasks.create_task(wait_for("Up"))
        not_ready = tasks.create_task(wait_for("Ready=false"))
        await exporter.push()
        await stage.delete("Secret", "push-token")

        assert "condition met" in await up
        assert "condition met" in await not_ready


async def test_kubectl_tells_of_transitions(stage: Stage) -> None:
    await stage.declare()
    async with stage.exporter() as exporter:
        await exporter.push()
        await stage.state("up")
        await exporter.push(body=DOWN)
        await stage.state("down")
        await exporter.push()
        await stage.state("up")
        await stage.delete("Secret", "push-token")
        await exporter.reads('yuptime_events_total{outcome="created"}', lambda count: count == 3)
        printed = await stage.cluster.kubectl("events", "-n", stage.namespace, "--for=mon/backup")
        listed = await stage.cluster.kubectl("get", "events", "-n", stage.namespace)

    for text in (printed, listed):
        lines = [line for line in text.splitlines() if "monitor/backup" in line.lower()]
        assert len(lines) == 3
        said = "\n".join(lines)
        assert "Warning" in said
        for reason in ("ReportedDown", "Recovered", "SecretNotFound"):
            assert reason in said
        assert "disk full" in said


async def test_a_push_that_only_confirms_is_not_written_at_once(stage: Stage) -> None:
    await stage.declare(expire=3600)
    async with stage.exporter() as exporter:
        await exporter.push()
        await stage.state("up")
        written = len(stage.proxy.seen(STATUS_WRITES))
        for _ in range(20):
            assert (await exporter.push()).status == 200
        assert len(stage.proxy.seen(STATUS_WRITES)) == written

        for _ in range(4):  # a longer leap would be an outage, which moves deadlines
            await exporter.skip(8)
        await eventually(stage.status(), lambda status: status["push"]["count"] == 21)
        assert len(stage.proxy.seen(STATUS_WRITES)) == written + 1


async def test_a_status_that_somebody_else_puts_back_is_written_again(stage: Stage) -> None:
    await stage.declare()
    async with stage.exporter() as exporter:
        before = await stage.state("pending")
        await exporter.push(body=DOWN)
        ours = await stage.state("down")
        theirs = {**before, "uptime": {"last1h": 1.0}}
        await stage.patch(
            "backup",
            [{"op": "replace", "path": "/status", "value": theirs}],
            subresource="/status",
            content_type=JSON_PATCH,
        )
        repaired = await stage.state("down")

        assert repaired["push"] == ours["push"]
        assert repaired["uptime"] == {"last1h": 1.0}
        assert (await exporter.samples())[series("up", namespace=stage.namespace)] == 0


async def test_a_status_that_is_taken_away_is_written_again(stage: Stage) -> None:
    await stage.declare()
    async with stage.exporter() as exporter:
        await exporter.push()
        ours = await stage.state("up")
        remove = [{"op": "remove", "path": "/status"}]
        await stage.patch("backup", remove, subresource="/status", content_type=JSON_PATCH)

        assert (await stage.state("up"))["push"] == ours["push"]


async def test_conditions_of_others_are_kept(stage: Stage) -> None:
    await stage.declare()
    theirs = {"type": "Reconciled", "status": "True", "reason": "Done", "message": ""}
    await stage.patch("backup", {"status": {"conditions": [theirs]}}, subresource="/status")
    async with stage.exporter() as exporter:
        await exporter.push()
        status = await stage.state("up")

    assert condition(status, "Reconciled") == theirs
    assert [one["type"] for one in status["conditions"]] == [
        "Reconciled",
        "Valid",
        "TokenResolved",
        "Ready",
        "Up",
    ]


async def test_monitors_of_other_types_are_counted_and_left_alone(stage: Stage) -> None:
    await stage.declare()
    other = {**MIGRATED, "metadata": {"name": "website", "namespace": stage.namespace}}
    await stage.apply(other)
    async with stage.exporter() as exporter:
        await exporter.reads('yuptime_monitors{type="http"}', lambda count: count == 1)
        await exporter.push()
        await stage.state("up")
        before = await stage.monitor("website")
        await stage.patch("website", {"spec": {"tags": ["shop"]}})
        await exporter.push(body=DOWN)
        await stage.state("down")
        after = await stage.monitor("website")

        assert await exporter.known() == {"backup"}
        assert (await exporter.push("website")).status == 401
    assert "status" not in before
    assert "status" not in after
    assert stage.proxy.seen(When(path="/monitors/website")) == []


async def test_a_monitor_that_changes_its_type_comes_and_goes(stage: Stage) -> None:
    other = {**MIGRATED, "metadata": {"name": "backup", "namespace": stage.namespace}}
    await stage.apply(other)
    await stage.declare("second")
    async with stage.exporter() as exporter:
        assert await exporter.known() == {"second"}
        push = {"expireSeconds": 60, "tokenSecretRef": {"name": "push-token", "key": "token"}}
        await stage.patch("backup", {"spec": {"type": "push", "target": {"push": push}}})
        await exporter.accepted()
        await stage.state("up")
        await stage.patch("backup", {"spec": {"type": "http"}})
        await eventually(exporter.known, lambda known: known == {"second"})
        assert (await exporter.samples())['yuptime_monitors{type="http"}'] == 1


async def test_what_is_declared_anew_under_its_name_goes_on_where_it_was(stage: Stage) -> None:
    # The API server's clock is behind: its next Monitor is older than the push, however late it comes.
    stage.time.skip(LIMIT_SECONDS)
    await stage.declare()
    async with stage.exporter() as exporter:
        await exporter.push(body=DOWN)
        await stage.state("down")
        before = await stage.monitor()
        await stage.delete("Monitor", "backup")
        await stage.declare()
        status = await stage.state("down")

        assert (await stage.monitor())["metadata"]["uid"] != before["metadata"]["uid"]
        assert status["push"]["lastPushTime"] == before["status"]["push"]["lastPushTime"]

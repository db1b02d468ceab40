"""The exporter's own token: replaced in time, replaced too late, and refused without reason."""

from pathlib import Path

import pytest
import yaml

from tests.fakes.fault_answers import unauthorized
from tests.fakes.faults import ANY
from tests.scenarios.kubernetes.rights import ACCOUNT
from tests.scenarios.kubernetes.stage import CHANGES, DOWN, STATUS_WRITES, Stage
from tests.waiting import eventually
from yuptime_exporter.kubernetes.backoff import FIRST_SECONDS
from yuptime_exporter.kubernetes.limits import ApiLimits

pytestmark = pytest.mark.peer


def token_in_a_file(stage: Stage) -> Path:
    """Have the kubeconfig name a file that holds the token, as the kubelet keeps it in one."""
    assert stage.home.kubeconfig is not None
    config = yaml.safe_load(stage.home.kubeconfig.read_text())
    user = config["users"][0]["user"]
    file = stage.home.folder / "token"
    file.write_text(user.pop("token") + "\n")
    user["tokenFile"] = str(file)
    stage.home.kubeconfig.write_text(yaml.safe_dump(config))
    return file


async def another_token(stage: Stage) -> str:
    return await stage.cluster.service_account_token(stage.namespace, ACCOUNT, seconds=7200)


def refused(stage: Stage) -> list[str]:
    return [f"{one.method} {one.path}" for one in stage.proxy.seen(ANY) if one.status == 401]


def sent(stage: Stage) -> list[str]:
    """Return the tokens of all requests, in their order."""
    return [one.headers["Authorization"].removeprefix("Bearer ") for one in stage.proxy.requests]


async def test_a_token_that_was_replaced_in_time_is_used_within_a_minute(stage: Stage) -> None:
    file = token_in_a_file(stage)
    await stage.declare()
    async with stage.exporter() as exporter:
        await exporter.push()
        await stage.state("up")
        old, new = file.read_text().strip(), await another_token(stage)
        assert set(sent(stage)) == {old}
        file.write_text(new + "\n")
        await stage.skip(ApiLimits().credentials_max_age_seconds)
        before = len(stage.proxy.requests)
        await exporter.push(body=DOWN)
        await stage.state("down")

        assert set(sent(stage)[before:]) == {new}
        assert refused(stage) == []


async def test_one_refusal_is_answered_by_reading_the_token_again(stage: Stage) -> None:
    file = token_in_a_file(stage)
    await stage.declare()
    async with stage.exporter() as exporter:
        await exporter.push()
        await stage.state("up")
        new = await another_token(stage)
        file.write_text(new)
        await stage.skip(2)  # it is read again once in a second at most
        stage.proxy.apply(unauthorized(), when=STATUS_WRITES, times=1)
        await exporter.push(body=DOWN)
        await stage.state("down")
        await eventually(stage.proxy.waiting(STATUS_WRITES), lambda count: count == 0)

        first, second = stage.proxy.seen(STATUS_WRITES)[-2:]
        assert (first.status, second.status) == (401, 200)
        assert second.headers["Authorization"] == f"Bearer {new}"
        errors = 'yuptime_status_write_errors_total{reason="unavailable"}'
        assert (await exporter.samples())[errors] == 0


async def test_what_is_known_stays_while_nobody_gives_the_exporter_a_valid_token(
    stage: Stage,
) -> None:
    file = token_in_a_file(stage)
    await stage.declare()
    async with stage.exporter() as exporter:
        await exporter.push()
        await stage.state("up")
        # A token ends with its ServiceAccount, also if a ServiceAccount of the same name is created again.
        old = file.read_text().strip()
        account = f"/api/v1/namespaces/{stage.namespace}/serviceaccounts/{ACCOUNT}"
        await stage.cluster.request("DELETE", account)
        new = await another_token(stage)

        async def believed() -> int:
            path = stage.monitor_path("backup")
            return (await stage.cluster.request("GET", path, token=old))[0]

        await eventually(believed, lambda status: status == 401)  # it is remembered for 10 s
        await stage.end_watches()
        unauthorized_total = (
            'yuptime_kubernetes_errors_total{reason="unauthorized",resource="monitors"}'
        )
        await exporter.reads(unauthorized_total, lambda count: count >= 1)
        assert (await exporter.push(body=DOWN)).status == 200
        assert await exporter.known() == {"backup"}
        await stage.declare("second")

        file.write_text(new)
        await stage.skip(ApiLimits().credentials_max_age_seconds + 2 * FIRST_SECONDS)
        await eventually(exporter.known, lambda known: "second" in known)
        await stage.state("down")
        assert stage.proxy.seen(CHANGES)[-1].headers["Authorization"] == f"Bearer {new}"

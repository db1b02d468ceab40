"""Tokens in Secrets of a real API server: replaced, deleted, misplaced."""

import asyncio
import base64
from collections import Counter

import pytest

from tests.manifests import TOKEN, monitor_yaml, secret_yaml
from tests.scenarios.kubernetes.rights import watching
from tests.scenarios.kubernetes.stage import Running, Stage
from tests.waiting import eventually

pytestmark = pytest.mark.peer

NEW_TOKEN = "battery-horse-staple-correct"
JOBS = 4


class Jobs:
    """Jobs that push without a pause, with the token that they are given."""

    def __init__(self, exporter: Running) -> None:
        self.token = TOKEN
        self.answers: Counter[int] = Counter()
        self._exporter = exporter
        self._over = False

    def begin(self, tasks: asyncio.TaskGroup) -> None:
        for number in range(JOBS):
            tasks.create_task(self._push_forever(f"job-{number}"))

    def end(self) -> None:
        self._over = True

    async def some_more(self) -> None:
        """Return when each of them has pushed a few times more."""
        enough = self.answers.total() + 10 * JOBS

        async def total() -> int:
            return self.answers.total()

        await eventually(total, lambda count: count >= enough)

    async def _push_forever(self, name: str) -> None:
        while not self._over:
            self.answers[(await self._exporter.push(name, token=self.token)).status] += 1


async def test_a_token_is_replaced_without_one_refused_push(stage: Stage) -> None:
    jobs_declared = tuple(f"job-{number}" for number in range(JOBS))
    await stage.declare(*jobs_declared)
    async with stage.exporter() as exporter, asyncio.TaskGroup() as tasks:
        jobs = Jobs(exporter)
        jobs.begin(tasks)
        await jobs.some_more()

        both = secret_yaml(namespace=stage.namespace, tokens=(TOKEN, NEW_TOKEN))
        await stage.apply(both)
        for name in jobs_declared:  # as a user who replaces a token waits
            await tokens_in_force(stage, name, "2 tokens are accepted.")
        jobs.token = NEW_TOKEN
        await jobs.some_more()

        await stage.apply(secret_yaml(namespace=stage.namespace, tokens=(NEW_TOKEN,)))
        for name in jobs_declared:
            await tokens_in_force(stage, name, "One token is accepted.")
        await jobs.some_more()
        jobs.end()

        assert (await exporter.push("job-0", token=TOKEN)).status == 401
    assert set(jobs.answers) == {200}


async def tokens_in_force(stage: Stage, name: str, message: str) -> None:
    await eventually(
        stage.status(name),
        lambda status: message in [one["message"] for one in status.get("conditions", ())],
    )


async def test_a_secret_that_is_deleted_can_come_back(stage: Stage) -> None:
    await stage.declare()
    async with stage.exporter() as exporter:
        await exporter.push()
        await stage.delete("Secret", "push-token")
        await stage.condition("TokenResolved", "False", "SecretNotFound")
        await stage.condition("Ready", "False", "TokenUnavailable")
        assert (await exporter.push()).status == 503
        assert await exporter.known() == {"backup"}

        await stage.apply(secret_yaml(namespace=stage.namespace))
        await stage.condition("TokenResolved", "True")
        await stage.condition("Ready", "True")
        assert (await exporter.push()).status == 200


async def test_a_secret_without_the_key_is_told_apart_from_none(stage: Stage) -> None:
    await stage.declare()
    misnamed = secret_yaml("other", namespace=stage.namespace).replace("token: |", "tokn: |")
    await stage.apply(misnamed, monitor_yaml("other", namespace=stage.namespace, secret="other"))
    async with stage.exporter() as exporter:
        condition = await stage.condition("TokenResolved", "False", "KeyNotFound", "other")
        assert "other" in condition["message"]
        assert "token" in condition["message"]
        assert (await exporter.push("other")).status == 503
        assert (await exporter.push()).status == 200


async def test_a_secret_of_a_type_that_is_not_watched_gets_one_answer_before_and_after_a_restart(
    stage: Stage,
) -> None:
    async with stage.exporter() as exporter:  # the Monitor is made at run time
        refused = secret_yaml("registry", namespace=stage.namespace) + (
            '  .dockerconfigjson: "{}"\ntype: kubernetes.io/dockerconfigjson\n'
        )
        await stage.apply(refused, monitor_yaml(namespace=stage.namespace, secret="registry"))
        condition = await stage.condition("TokenResolved", "False", "SecretTypeUnsupported")
        assert "kubernetes.io/dockerconfigjson" in condition["message"]
        assert (await exporter.push()).status == 503
    async with stage.exporter() as exporter:
        assert (await exporter.push()).status == 503
        condition = await stage.condition("TokenResolved", "False", "SecretTypeUnsupported")
        await stage.delete("Secret", "registry")
        await stage.apply(secret_yaml("registry", namespace=stage.namespace))
        await stage.condition("TokenResolved", "True")
        assert (await exporter.push()).status == 200


async def test_a_token_in_utf_16_is_a_problem_in_the_condition(stage: Stage) -> None:
    encoded = base64.b64encode(TOKEN.encode("utf-16")).decode()
    secret = secret_yaml("wide", namespace=stage.namespace).partition("stringData")[0]
    await stage.apply(f"{secret}data:\n  token: {encoded}\n")
    await stage.apply(monitor_yaml(namespace=stage.namespace, secret="wide"))
    async with stage.exporter():
        condition = await stage.condition("TokenResolved", "False", "TokensUnsendable")
        assert "No HTTP header can carry" in condition["message"]


async def test_a_secret_of_another_namespace_is_never_used(stage: Stage) -> None:
    elsewhere = await stage.cluster.create_namespace("elsewhere")
    await stage.declare()
    await stage.apply(secret_yaml("foreign", namespace=elsewhere, tokens=(NEW_TOKEN,)))
    monitor = monitor_yaml("curious", namespace=stage.namespace, secret="foreign")
    await stage.apply(monitor.replace("key: token", f"key: token\n        namespace: {elsewhere}"))
    await stage.grant(*watching(stage.roles, elsewhere))  # it could be read
    stage.home.flags.append(f"--kubernetes.namespace={elsewhere}")
    async with stage.exporter() as exporter:
        await stage.condition("TokenResolved", "False", "CrossNamespaceRefForbidden", "curious")
        await stage.condition("Ready", "False", name="curious")
        assert (await exporter.push("curious", token=NEW_TOKEN)).status == 401
        assert (await exporter.push()).status == 200

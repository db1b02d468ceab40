"""A namespace, an exporter with the shipped rights there, and a fault proxy on its way."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.exporters import Answer, Client, Home, exporter_here
from tests.fakes.fault_proxy import FaultProxy, fault_proxy
from tests.fakes.faults import WATCHES, Cut, How, When
from tests.manifests import monitor_yaml, secret_yaml
from tests.peers.cluster import MERGE_PATCH, Cluster
from tests.scenarios.kubernetes.passing import PassingTime
from tests.scenarios.kubernetes.rights import ACCOUNT, Object, shipped, without
from tests.waiting import eventually

APPLY_PATCH = "application/apply-patch+yaml"
JSON_PATCH = "application/json-patch+json"

STATUS_WRITES = When(method="PATCH", path="/status")
CALLS = When(watch=False)
CHANGES = When(path="/monitors", watch=True)

DOWN = b'{"status": "down", "message": "disk full"}'


@dataclass
class Stage:
    """Where a scenario takes place.

    Attributes:
        cluster: as its administrator sees it, with nothing in between.
        namespace: that of this test.
        proxy: between the exporter and the API server.
        home: of the exporter.
        time: by which it lives.
        roles: that were given to it.
    """

    cluster: Cluster
    namespace: str
    proxy: FaultProxy
    home: Home
    time: PassingTime
    roles: list[Object] = field(default_factory=list)

    @asynccontextmanager
    async def exporter(self, *, wait_ready: bool = True) -> AsyncIterator["Running"]:
        """Run the exporter until the end of the block."""
        async with exporter_here(self.home, self.time, wait_ready=wait_ready) as client:
            yield Running(client, self)

    async def apply(self, *documents: str | Mapping[str, Any]) -> None:
        """Have these objects be as they are given."""
        for document in documents:
            wanted = yaml.safe_load(document) if isinstance(document, str) else document
            status, answer = await self.cluster.request(
                "PATCH",
                path_of(wanted),
                wanted,
                content_type=APPLY_PATCH,
                query={"fieldManager": "test", "force": "true"},
            )
            assert status in (200, 201), answer

    async def create(self, document: Mapping[str, Any]) -> None:
        """Create an object as a client does that asks for no validation."""
        status, answer = await self.cluster.request(
            "POST",
            path_of(document).rpartition("/")[0],
            document,
            query={"fieldValidation": "Ignore"},
        )
        assert status == 201, answer

    async def declare(self, *names: str, **spec: Any) -> None:
        """Declare monitors with these names, or one named backup, and the Secret of all."""
        await self.apply(
            secret_yaml(namespace=self.namespace),
            *(
                monitor_yaml(name, namespace=self.namespace, **spec)
                for name in (names or ("backup",))
            ),
        )

    async def delete(self, kind: str, name: str) -> None:
        """Delete an object of the test's namespace."""
        version = "v1" if kind == "Secret" else "monitoring.yuptime.io/v1"
        metadata = {"namespace": self.namespace, "name": name}
        path = path_of({"apiVersion": version, "kind": kind, "metadata": metadata})
        status, answer = await self.cluster.request("DELETE", path)
        assert status == 200, answer

    async def patch(
        self, name: str, body: object, *, subresource: str = "", content_type: str = MERGE_PATCH
    ) -> None:
        """Patch a Monitor."""
        status, answer = await self.cluster.request(
            "PATCH", self.monitor_path(name) + subresource, body, content_type=content_type
        )
        assert status == 200, answer

    async def monitor(self, name: str = "backup") -> Object:
        """Return a Monitor as it is."""
        status, found = await self.cluster.request("GET", self.monitor_path(name))
        assert status == 200, found
        return dict(found)

    def status(self, name: str = "backup") -> Callable[[], Awaitable[Object]]:
        """Return how to ask for the status of a Monitor, for `eventually`."""

        async def ask() -> Object:
            return dict((await self.monitor(name)).get("status", {}))

        return ask

    async def condition(
        self, kind: str, holds: str, reason: str = "", name: str = "backup"
    ) -> Object:
        """Return a condition once it holds, or does not, for this reason."""

        def found(status: Object) -> Object | None:
            return next(
                (
                    one
                    for one in status.get("conditions", ())
                    if (one["type"], one["status"]) == (kind, holds)
                    and reason in ("", one["reason"])
                ),
                None,
            )

        condition = found(await eventually(self.status(name), found))
        assert condition is not None
        return condition

    async def state(self, wanted: str, name: str = "backup") -> Object:
        """Return the status of a Monitor once it says this state."""
        return await eventually(
            self.status(name), lambda status: status.get("lastResult", {}).get("state") == wanted
        )

    async def grant(self, *roles: Object) -> None:
        """Give the exporter these rights; return when they are in force."""
        await self.apply(*roles)
        self._note(*roles)
        for role in roles:
            for rule in role.get("rules", ()):
                namespace = role["metadata"].get("namespace", self.namespace)
                await self._wait_until(rule, namespace, allowed=True)

    async def take_away(self, resource: str) -> Object:
        """Remove the rules about a resource from the Role; return the Role before."""
        before = next(
            role
            for role in self.roles
            if any(resource in rule["resources"] for rule in role.get("rules", ()))
        )
        rule = next(rule for rule in before["rules"] if resource in rule["resources"])
        reduced = without(before, resource)
        await self.apply(reduced)
        self._note(reduced)
        await self._wait_until(rule, self.namespace, allowed=False)
        return before

    async def revoke(self, role: Object) -> None:
        """Delete a Role or a binding; return when its rights are gone."""
        status, answer = await self.cluster.request("DELETE", path_of(role))
        assert status == 200, answer
        self.roles.remove(role)
        for rule in role.get("rules", ()):
            await self._wait_until(rule, role["metadata"]["namespace"], allowed=False)

    def _note(self, *roles: Object) -> None:
        paths = {path_of(role) for role in roles}
        self.roles = [role for role in self.roles if path_of(role) not in paths] + [*roles]

    async def skip(self, seconds: float) -> None:
        """Skip time in which nothing but watches is under way."""
        quiet = 0

        async def ask() -> int:
            nonlocal quiet
            quiet = 0 if await self.proxy.waiting(CALLS)() else quiet + 1
            return quiet

        await eventually(ask, lambda count: count >= 3)
        self.time.skip(seconds)

    async def end_watches(self) -> None:
        """End the watches that are open, as the API server itself does every some minutes."""
        await self.skip(1.0)  # one that ends sooner counts as failed
        open_watches = await self.proxy.waiting(WATCHES)()
        cut = self.proxy.apply(Cut(How.END), when=WATCHES, times=open_watches)
        await eventually(cut.strikes, lambda count: count == open_watches)

    async def _wait_until(self, rule: Mapping[str, Any], namespace: str, *, allowed: bool) -> None:
        resource, _, subresource = rule["resources"][0].partition("/")
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview",
            "spec": {
                "user": f"system:serviceaccount:{self.namespace}:{ACCOUNT}",
                "resourceAttributes": {
                    "group": rule["apiGroups"][0],
                    "resource": resource,
                    "subresource": subresource,
                    "name": rule.get("resourceNames", [""])[0],
                    "namespace": namespace,
                    "verb": rule["verbs"][-1],
                },
            },
        }

        async def ask() -> bool:
            path = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
            _, answer = await self.cluster.request("POST", path, review)
            return bool(answer["status"]["allowed"])

        await eventually(ask, lambda answer: answer is allowed)

    def monitor_path(self, name: str) -> str:
        """Return the path of a Monitor."""
        return f"/apis/monitoring.yuptime.io/v1/namespaces/{self.namespace}/monitors/{name}"


@dataclass
class Running:
    """The requests of jobs and Prometheus to the exporter, for the namespace of the test."""

    client: Client
    stage: Stage

    async def push(self, name: str = "backup", **options: Any) -> Answer:
        """Push to a monitor."""
        options.setdefault("namespace", self.stage.namespace)
        return await self.client.push(name, **options)

    async def accepted(self, name: str = "backup", **options: Any) -> None:
        """Push until that is accepted, and insist that it will be."""

        async def ask() -> int:
            return (await self.push(name, **options)).status

        await eventually(ask, lambda status: status == 200)

    async def samples(self) -> dict[str, float]:
        """Scrape."""
        return await self.client.samples()

    async def known(self) -> set[str]:
        """Return the names of the monitors that are exposed."""
        prefix = "yuptime_monitor_expire_seconds{"
        return {
            sample.partition('monitor="')[2].partition('"')[0]
            for sample in await self.samples()
            if sample.startswith(prefix)
        }

    async def reads(self, name: str, until: Callable[[float], object]) -> float:
        """Return the value of a sample once it is good."""

        async def ask() -> float:
            return (await self.samples())[name]

        return await eventually(ask, until)

    async def skip(self, seconds: float) -> None:
        """Skip time in which the exporter notes in its database that pushes can be received.

        More than two intervals of these notes at once would be an outage on a busy machine.
        """
        await self.stage.skip(seconds)
        skipped = self.stage.time()
        await self.reads(
            "yuptime_store_last_commit_timestamp_seconds", lambda moment: moment >= skipped
        )


@asynccontextmanager
async def stage_in(
    cluster: Cluster, folder: Path, time: PassingTime, *, overlay: str
) -> AsyncIterator[Stage]:
    """Set a stage with the rights of an overlay."""
    namespace = await cluster.create_namespace("scenario")
    token = await cluster.service_account_token(namespace, ACCOUNT)
    async with fault_proxy(cluster.url, cluster.ca_file, folder=folder / "proxy") as proxy:
        home = Home(folder, kubeconfig=proxy.kubeconfig(token))
        config = folder / "config.yaml"
        config.write_text("limits: {push_rate: {interval: 0s}}\n")
        home.flags = [f"--config.file={config}", "--web.enable-lifecycle"]
        if overlay != "cluster-wide":
            home.flags.append(f"--kubernetes.namespace={namespace}")
        stage = Stage(cluster, namespace, proxy, home, time)
        await stage.grant(*shipped(overlay, namespace))
        yield stage


def path_of(wanted: Mapping[str, Any]) -> str:
    """Return the path of an object."""
    version, metadata = wanted["apiVersion"], wanted["metadata"]
    root = f"/apis/{version}" if "/" in version else f"/api/{version}"
    namespace = f"/namespaces/{metadata['namespace']}" if "namespace" in metadata else ""
    return f"{root}{namespace}/{wanted['kind'].lower()}s/{metadata['name']}"

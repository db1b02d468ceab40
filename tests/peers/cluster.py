"""A real Kubernetes cluster for tests.

    with control_plane(tmp_path) as plane:
        async with connected(plane, tmp_path) as cluster:
            await cluster.apply(monitor)
            assert "up" in await cluster.kubectl("get", "monitors", "-A")

The fixtures `cluster` and `own_cluster` (tests/conftest.py) contain the first two lines.
"""

import asyncio
import json
import os
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
import yaml

from tests.peers.control_plane import ADMIN_TOKEN, ControlPlane, control_plane
from tests.peers.existing_cluster import ExistingCluster, existing_cluster, uses_existing_cluster
from tests.peers.programs import Generation, require
from tests.waiting import eventually
from yuptime_exporter.core.model import API_VERSION

__all__ = [
    "ADMIN_TOKEN",
    "CRD",
    "MERGE_PATCH",
    "Cluster",
    "ControlPlane",
    "ExistingCluster",
    "connected",
    "control_plane",
    "existing_cluster",
    "kubeconfig_text",
    "uses_existing_cluster",
]

CRD = Path(__file__).parents[2] / "deploy" / "crd" / "monitors.yaml"
MERGE_PATCH = "application/merge-patch+json"

_numbers = count(1)


@dataclass
class Cluster:
    """A connection to a cluster, by kubectl and by HTTP.

    Attributes:
        folder: for kubeconfigs.
        plane: the processes of the cluster; None if the tests did not start the cluster.
    """

    url: str
    ca_file: Path
    admin_token: str
    folder: Path
    session: aiohttp.ClientSession = field(repr=False)
    plane: ControlPlane | None = None

    def kubeconfig(self, token: str | None = None) -> Path:
        """Write a kubeconfig with the token; by default with the administrator's token."""
        path = self.folder / f"kubeconfig-{next(_numbers)}"
        path.touch(mode=0o600)  # helm warns about files that others may read
        path.write_text(kubeconfig_text(self.url, self.ca_file, token or self.admin_token))
        return path

    async def kubectl(
        self, *arguments: str | Path, token: str | None = None, stdin: str | None = None
    ) -> str:
        """Return the output of kubectl without its warnings.

        Raises:
            AssertionError: kubectl failed.
        """
        code, printed, complaints = await self._run(arguments, token, stdin)
        said = f"{printed}{complaints}"
        assert code == 0, f"kubectl {' '.join(map(str, arguments))} ended with {code}: {said}"
        return printed

    async def try_kubectl(
        self, *arguments: str | Path, token: str | None = None, stdin: str | None = None
    ) -> tuple[int, str]:
        """Return the exit code of kubectl, and its output with warnings and errors."""
        code, printed, complaints = await self._run(arguments, token, stdin)
        return code, printed + complaints

    async def _run(
        self, arguments: tuple[str | Path, ...], token: str | None, stdin: str | None
    ) -> tuple[int, str, str]:
        process = await asyncio.create_subprocess_exec(
            require("kubectl", Generation.NEWEST),
            f"--kubeconfig={self.kubeconfig(token)}",
            f"--cache-dir={self.folder / 'kubectl-cache'}",
            *arguments,
            env={**os.environ, "KUBERC": "off"},  # personal settings must not count
            stdin=asyncio.subprocess.PIPE if stdin is not None else asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            said = await process.communicate(stdin.encode() if stdin is not None else None)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        assert process.returncode is not None
        return process.returncode, said[0].decode(), said[1].decode()

    async def request(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        token: str | None = None,
        content_type: str = "application/json",
        query: Mapping[str, str] | None = None,
    ) -> tuple[int, Any]:
        """Return the status and the JSON of an answer; an answer without JSON as text."""
        headers = {
            "Authorization": f"Bearer {token or self.admin_token}",
            "Content-Type": content_type,
        }
        data = None if body is None else json.dumps(body, ensure_ascii=False)
        async with self.session.request(
            method, self.url + path, data=data, headers=headers, params=query
        ) as response:
            text = await response.text()
            try:
                return response.status, json.loads(text)
            except ValueError:
                return response.status, text

    async def apply(self, *documents: str | Path | Mapping[str, object]) -> str:
        """Apply objects, YAML texts, files or kustomizations with server-side apply."""
        said = []
        for document in documents:
            if isinstance(document, Path):
                option = "-k" if (document / "kustomization.yaml").exists() else "-f"
                said.append(await self.kubectl(*_APPLY, option, document))
            else:
                text = document if isinstance(document, str) else json.dumps(document)
                said.append(await self.kubectl(*_APPLY, "-f", "-", stdin=text))
        return "".join(said)

    async def create_namespace(self, prefix: str = "test", **labels: str) -> str:
        """Create a namespace with a unique name, and return the name."""
        name = f"{prefix}-{uuid4().hex[:12]}"
        body = {"metadata": {"name": name, "labels": labels}}
        status, answer = await self.request("POST", "/api/v1/namespaces", body)
        assert status == 201, answer
        return name

    async def service_account_token(self, namespace: str, name: str, *, seconds: int = 3600) -> str:
        """Return a token of the ServiceAccount, which is created if missing."""
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts"
        status, answer = await self.request("POST", path, {"metadata": {"name": name}})
        assert status in (201, 409), answer
        wanted = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {"expirationSeconds": seconds},
        }
        status, answer = await self.request("POST", f"{path}/{name}/token", wanted)
        assert status == 201, answer
        token: str = answer["status"]["token"]
        return token

    async def install_crd(self, path: Path = CRD) -> None:
        """Install the definition of Monitors; return as soon as the API server serves Monitors."""
        await self.apply(path)
        await self.serves("/apis/monitoring.yuptime.io/v1/monitors")

    async def serves(self, path: str, *, token: str | None = None) -> None:
        """Return as soon as the API server serves the objects at this path.

        A definition, or a right, is active some time after it is stored. `kubectl wait` fails where
        the definition has no conditions yet.

        Args:
            path: of the objects.
            token: of the client; None: the administrator's.
        """

        async def status() -> int:
            return (await self.request("GET", path, token=token))[0]

        await eventually(status, lambda status: status == 200)

    async def creates_pushes(self, spec: Mapping[str, object], *, kept: bool = True) -> None:
        """Return as soon as Monitors are created by a definition that has push fields, or not.

        A replaced definition stays in use for a moment. In the step to the new one the API server
        answers 503 "apiserver is shutting down".

        Args:
            spec: of a Monitor that is tried, and not stored.
            kept: whether the definition has `spec.target.push`; without it the field is dropped.
        """
        path = f"/apis/{API_VERSION}/namespaces/default/monitors"
        monitor = {
            "apiVersion": API_VERSION,
            "kind": "Monitor",
            "metadata": {"name": "probe"},
            "spec": spec,
        }
        query = {"dryRun": "All", "fieldValidation": "Ignore"}

        async def found() -> bool | str:
            status, answer = await self.request("POST", path, monitor, query=query)
            return "push" in answer["spec"]["target"] if status == 201 else f"{status}: {answer}"

        await eventually(found, lambda found: found is kept)


_APPLY = ("apply", "--server-side", "--force-conflicts")


@asynccontextmanager
async def connected(place: ControlPlane | ExistingCluster, folder: Path) -> AsyncIterator[Cluster]:
    """Give a connection to a cluster for the length of the block.

    Args:
        place: the cluster.
        folder: for kubeconfigs; made if missing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    context = ssl.create_default_context(cafile=place.ca_file)
    connector = aiohttp.TCPConnector(ssl=context, limit=0)
    limit = aiohttp.ClientTimeout(total=60)
    plane = place if isinstance(place, ControlPlane) else None
    async with aiohttp.ClientSession(connector=connector, timeout=limit) as session:
        yield Cluster(place.url, place.ca_file, place.admin_token, folder, session, plane)


def kubeconfig_text(url: str, ca_file: Path, token: str) -> str:
    """Return a kubeconfig in YAML with one cluster and one user."""
    cluster = {"server": url, "certificate-authority": str(ca_file)}
    return yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "cluster", "cluster": cluster}],
            "users": [{"name": "user", "user": {"token": token}}],
            "contexts": [{"name": "context", "context": {"cluster": "cluster", "user": "user"}}],
            "current-context": "context",
        }
    )

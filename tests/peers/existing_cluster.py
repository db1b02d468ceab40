"""The cluster of the kubeconfig, for test runs with USE_EXISTING_CLUSTER=true.

The tests create a service account with all rights, and remove the service account at the end. Any
login of the kubeconfig works, since only kubectl uses the login.
"""

import base64
import json
import os
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.peers.programs import Generation, require

LIMIT_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class ExistingCluster:
    """Address, certificate authority, and a token with all rights."""

    url: str
    ca_file: Path
    admin_token: str


def uses_existing_cluster() -> bool:
    """Whether USE_EXISTING_CLUSTER=true."""
    return os.environ.get("USE_EXISTING_CLUSTER", "").lower() == "true"


@contextmanager
def existing_cluster(folder: Path) -> Iterator[ExistingCluster]:
    """Give the cluster of the kubeconfig, with an administrator for the length of the block."""
    config = json.loads(_kubectl("config", "view", "--raw", "--minify", "--flatten", "-o", "json"))
    at = config["clusters"][0]["cluster"]
    folder.mkdir(parents=True, exist_ok=True)
    ca_file = folder / "ca.crt"
    ca_file.write_bytes(base64.b64decode(at["certificate-authority-data"]))
    name = f"yuptime-tests-{secrets.token_hex(4)}"
    administrator = json.dumps(_administrator(name))
    _kubectl("apply", "-f", "-", stdin=administrator)
    try:
        token = _kubectl("create", "token", "admin", "-n", name, "--duration=12h").strip()
        yield ExistingCluster(at["server"], ca_file, token)
    finally:
        _kubectl("delete", "--ignore-not-found", "--wait=false", "-f", "-", stdin=administrator)


def _administrator(name: str) -> dict[str, object]:
    account = {"kind": "ServiceAccount", "name": "admin", "namespace": name}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"}
    return {
        "apiVersion": "v1",
        "kind": "List",
        "items": [
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}},
            {
                "apiVersion": "v1",
                "kind": "ServiceAccount",
                "metadata": {"name": "admin", "namespace": name},
            },
            {
                "apiVersion": "rbac.authorization.k8s.io/v1",
                "kind": "ClusterRoleBinding",
                "metadata": {"name": name},
                "roleRef": role,
                "subjects": [account],
            },
        ],
    }


def _kubectl(*arguments: str, stdin: str = "") -> str:
    ended = subprocess.run(
        [require("kubectl", Generation.NEWEST), *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        check=False,
    )
    assert ended.returncode == 0, f"kubectl {' '.join(arguments)}: {ended.stderr}"
    return ended.stdout

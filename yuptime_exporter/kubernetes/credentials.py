"""API server address, trusted certificates, and client credentials.

They come from a pod's service account or from a kubeconfig, as for every client of Kubernetes.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from yuptime_exporter.core.errors import SourceUnusable
from yuptime_exporter.kubernetes.access import Access, Credentials, header_value
from yuptime_exporter.kubernetes.kubeconfig import REMEDY, Kubeconfig

# kubernetes.io/docs/tasks/run-application/access-api-from-pod
SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
SERVICE_HOST = "KUBERNETES_SERVICE_HOST"
_SERVICE_PORT = "KUBERNETES_SERVICE_PORT"

# client-go, tools/clientcmd/client_config.go, Namespace: deployments set this variable by the
# downward API, and it precedes the file.
_POD_NAMESPACE = "POD_NAMESPACE"


def credentials(kubeconfig: Path | None, service_account: Path) -> Credentials:
    """Return the credentials of a kubeconfig, of this pod, or of kubectl on this machine."""
    if kubeconfig is None and os.environ.get(SERVICE_HOST):
        return ServiceAccount(service_account, os.environ)
    default = os.environ.get("KUBECONFIG") or str(Path("~/.kube/config").expanduser())
    return Kubeconfig(str(kubeconfig or default))


def pod_namespace(service_account: Path) -> str | None:
    """Return the namespace of the pod; None outside a pod."""
    if named := os.environ.get(_POD_NAMESPACE):
        return named
    try:
        return (service_account / "namespace").read_text(encoding="utf-8").strip() or None
    except OSError:
        return None


class ServiceAccount:
    """The credentials of the pod."""

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        self._folder = folder
        self._environ = environ

    async def load(self, *, force: bool) -> Access:  # noqa: ARG002  nothing is cached
        """Return the present access; the kubelet replaces both files while the pod runs."""
        host, port = self._environ.get(SERVICE_HOST), self._environ.get(_SERVICE_PORT) or "443"
        ca_file = self._folder / "ca.crt"
        try:
            token = header_value(self._read("token"), f"{self._folder / 'token'}")
            if not token or not self._read("ca.crt").strip():
                raise SourceUnusable(f"kubernetes: {self._folder}: a file is empty; {REMEDY}")
        except (OSError, ValueError) as error:
            raise SourceUnusable(f"kubernetes: {error}; {REMEDY}") from error
        host = f"[{host}]" if host and ":" in host else host
        return Access(f"https://{host}:{port}", f"Bearer {token}", ca_file=str(ca_file))

    def _read(self, name: str) -> str:
        return (self._folder / name).read_text()

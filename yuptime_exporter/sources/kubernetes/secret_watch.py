"""Secrets that are watched, `--kubernetes.secrets=watch`: a change is active within a second."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, NoReturn

from yuptime_exporter.core.clock import Clock
from yuptime_exporter.core.model import TokenProblem
from yuptime_exporter.kubernetes.api import Api
from yuptime_exporter.kubernetes.collection import Collection, ObjectName
from yuptime_exporter.kubernetes.mirror import Mirror
from yuptime_exporter.metrics.kubernetes import KubernetesMetrics
from yuptime_exporter.resource.objects import SecretKey
from yuptime_exporter.sources.kubernetes import remedies
from yuptime_exporter.sources.kubernetes.limits import SourceLimits
from yuptime_exporter.sources.kubernetes.secret_tokens import HeldSecret, References, read_secret

# Types of Secrets that hold no push token; the releases of Helm alone are most of the Secrets of a
# cluster. A token in a Secret of one of these types needs --kubernetes.secrets=get.
_OTHER_TYPES = (
    "helm.sh/release.v1",
    "kubernetes.io/service-account-token",
    "kubernetes.io/dockercfg",
    "kubernetes.io/dockerconfigjson",
    "kubernetes.io/tls",
    "bootstrap.kubernetes.io/token",
)
_SELECTOR = ",".join(f"type!={other}" for other in _OTHER_TYPES)


class SecretWatch:
    """The Secrets of some namespaces; only those that Monitors name are kept."""

    def __init__(
        self,
        api: Api,
        namespaces: Sequence[str],
        *,
        on_change: Callable[[SecretKey], None],
        metrics: KubernetesMetrics,
        clock: Clock,
        limits: SourceLimits | None = None,
    ) -> None:
        """Watch nothing yet.

        Args:
            api: the API server.
            namespaces: the namespaces to watch; empty: all.
            on_change: called with each Secret after its tokens have changed.
            metrics: counts lists, watches, events and errors.
            clock: the wall clock.
            limits: None: the defaults.
        """
        self._on_change = on_change
        self._retry_seconds = (limits or SourceLimits()).secret_retry_seconds
        self._keys: dict[SecretKey, frozenset[str]] = {}
        self._unread: set[SecretKey] = set()
        self._begun = asyncio.Event()
        self._mirrors: dict[str | None, Mirror[HeldSecret]] = {
            namespace: Mirror(
                api,
                Collection("secrets", _secrets_path(namespace), _SELECTOR, remedies.SECRETS),
                decode=self._decode,
                on_change=self._changed,
                metrics=metrics,
                clock=clock,
            )
            for namespace in (namespaces or (None,))
        }

    def begin(self, tasks: asyncio.TaskGroup) -> list[asyncio.Task[NoReturn]]:
        """Begin to watch after the first `want`, since unwanted Secrets are not kept."""
        mirrors = self._mirrors.values()
        return [
            *(tasks.create_task(self._run(mirror), name="mirror Secrets") for mirror in mirrors),
            tasks.create_task(self._retry_forever(), name="read Secrets again"),
        ]

    async def want(self, references: References) -> None:
        """Hold exactly these entries of these Secrets; return when the new ones were read."""
        new = []
        for secret, keys in references.items():
            if not keys:
                if self._keys.pop(secret, None):
                    await self._mirror(secret).forget(ObjectName(*secret))
                continue
            if not keys <= self._keys.get(secret, frozenset()):
                new.append(secret)
            self._keys[secret] = keys
        if not self._begun.is_set():
            self._begun.set()
            for mirror in self._mirrors.values():
                await mirror.synced.wait()
            return
        for secret in new:
            await self._read(secret)

    def held(self, secret: SecretKey) -> HeldSecret | TokenProblem:
        """Return the tokens of a Secret, or why there are none."""
        found = self._mirror(secret).objects.get(ObjectName(*secret))
        return found if found is not None else TokenProblem.SECRET_NOT_FOUND

    def renew(self, secret: SecretKey) -> Awaitable[None] | None:  # noqa: ARG002
        """Return None: the watch keeps all Secrets up to date."""
        return None

    async def _run(self, mirror: Mirror[HeldSecret]) -> NoReturn:
        await self._begun.wait()
        await mirror.run()

    async def _read(self, secret: SecretKey) -> None:
        if await self._mirror(secret).reread(ObjectName(*secret)):
            self._unread.discard(secret)
        else:
            self._unread.add(secret)

    async def _retry_forever(self) -> NoReturn:
        """Read Secrets again that could not be read when a Monitor first named them."""
        while True:
            await asyncio.sleep(self._retry_seconds)
            self._unread &= self._keys.keys()
            for secret in tuple(self._unread):
                await self._read(secret)

    def _mirror(self, secret: SecretKey) -> Mirror[HeldSecret]:
        return self._mirrors.get(secret.namespace) or self._mirrors[None]

    def _decode(self, raw: Mapping[str, Any]) -> HeldSecret | None:
        metadata = raw["metadata"]
        keys = self._keys.get(SecretKey(metadata["namespace"], metadata["name"]))
        return read_secret(raw, keys) if keys else None

    def _changed(
        self, name: ObjectName, before: HeldSecret | None, after: HeldSecret | None
    ) -> None:
        if before != after:
            self._on_change(SecretKey(*name))


def _secrets_path(namespace: str | None) -> str:
    return "/api/v1/secrets" if namespace is None else f"/api/v1/namespaces/{namespace}/secrets"

"""Secrets that are watched, `--kubernetes.secrets=watch`: a change is in force within a second."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, NoReturn

from yuptime_exporter.core.clock import Clock
from yuptime_exporter.core.model import TokenTrouble
from yuptime_exporter.kubernetes.api import Api
from yuptime_exporter.kubernetes.mirror import Collection, Mirror, ObjectName
from yuptime_exporter.metrics.kubernetes import KubernetesMetrics
from yuptime_exporter.resource.objects import SecretKey
from yuptime_exporter.sources.kubernetes.secret_tokens import HeldSecret, References, read_secret

log = logging.getLogger(__name__)

# Types that hold no token of ours: the releases of Helm alone are most of what a cluster keeps in
# Secrets. Whoever keeps a token in one of these types uses --kubernetes.secrets=get.
_OTHER_TYPES = (
    "helm.sh/release.v1",
    "kubernetes.io/service-account-token",
    "kubernetes.io/dockercfg",
    "kubernetes.io/dockerconfigjson",
    "kubernetes.io/tls",
    "bootstrap.kubernetes.io/token",
)
# How long after a Secret could not be read it is tried again: the watch tells only of changes.
RETRY_SECONDS = 5.0

_SELECTOR = ",".join(f"type!={other}" for other in _OTHER_TYPES)


class SecretWatch:
    """The Secrets of some namespaces; of those that no Monitor names nothing is kept."""

    def __init__(
        self,
        api: Api,
        namespaces: Sequence[str],
        *,
        on_change: Callable[[SecretKey], None],
        metrics: KubernetesMetrics,
        clock: Clock,
    ) -> None:
        """Take what is watched; `on_change` is called with each Secret whose tokens changed."""
        self._on_change = on_change
        self._keys: dict[SecretKey, frozenset[str]] = {}
        self._unread: set[SecretKey] = set()
        self._begun = asyncio.Event()
        self._mirrors: dict[str | None, Mirror[HeldSecret]] = {
            namespace: Mirror(
                api,
                Collection("secrets", _secrets_path(namespace), field_selector=_SELECTOR),
                decode=self._decode,
                on_change=self._changed,
                metrics=metrics,
                clock=clock,
            )
            for namespace in (namespaces or (None,))
        }

    @property
    def trouble(self) -> str | None:
        """What keeps Secrets from being watched at present, in words; None: nothing."""
        mirrors = self._mirrors.values()
        return next((mirror.trouble for mirror in mirrors if mirror.trouble), None)

    def begin(self, tasks: asyncio.TaskGroup) -> list[asyncio.Task[NoReturn]]:
        """Begin to watch once it is known what is wanted: what is not is not kept."""
        mirrors = self._mirrors.values()
        return [
            *(tasks.create_task(self._run(mirror), name="mirror Secrets") for mirror in mirrors),
            tasks.create_task(self._read_unread_forever(), name="read Secrets again"),
        ]

    async def want(self, references: References) -> None:
        """Hold just these entries of these Secrets; return when what is new was looked at."""
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

    def held(self, secret: SecretKey) -> HeldSecret | TokenTrouble:
        """Return what is known of a Secret."""
        found = self._mirror(secret).objects.get(ObjectName(*secret))
        return found if found is not None else TokenTrouble.SECRET_NOT_FOUND

    def renew(self, secret: SecretKey) -> Awaitable[None] | None:  # noqa: ARG002
        """Return None: what the API server has is known already."""
        return None

    async def _run(self, mirror: Mirror[HeldSecret]) -> NoReturn:
        await self._begun.wait()
        await mirror.run()

    async def _read(self, secret: SecretKey) -> None:
        if await self._mirror(secret).reconsider(ObjectName(*secret)):
            self._unread.discard(secret)
        else:
            self._unread.add(secret)

    async def _read_unread_forever(self) -> NoReturn:
        while True:
            await asyncio.sleep(RETRY_SECONDS)
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

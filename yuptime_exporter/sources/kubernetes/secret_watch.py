"""Secrets that are watched, `--kubernetes.secrets=watch`: a change is active within a second."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any, NoReturn

from yuptime_exporter.core.clock import Clock
from yuptime_exporter.core.model import TokenProblem
from yuptime_exporter.kubernetes.api import Api
from yuptime_exporter.kubernetes.collection import Collection, ObjectName
from yuptime_exporter.kubernetes.mirror import Mirror
from yuptime_exporter.metrics.kubernetes import KubernetesMetrics
from yuptime_exporter.resource.objects import SecretKey
from yuptime_exporter.resource.secret_types import UNWATCHED_TYPES
from yuptime_exporter.sources.kubernetes import remedies
from yuptime_exporter.sources.kubernetes.limits import SourceLimits
from yuptime_exporter.sources.kubernetes.secret_tokens import HeldSecret, References, read_secret

log = logging.getLogger(__name__)

_SELECTOR = ",".join(f"type!={other}" for other in UNWATCHED_TYPES)


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
        limits = limits or SourceLimits()
        self._retry_seconds = limits.secret_retry_seconds
        self._unseen_seconds = limits.secret_unseen_seconds
        self._keys: dict[SecretKey, frozenset[str]] = {}
        self._unread: set[SecretKey] = set()
        self._refused_types: dict[SecretKey, str] = {}
        self._decoded: set[SecretKey] = set()
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
        """Hold exactly these entries of these Secrets; return when the new ones were read.

        The Secrets of a namespace that may not be listed are read with its first list.
        """
        new = []
        for secret, keys in references.items():
            if not keys:
                self._refused_types.pop(secret, None)
                if self._keys.pop(secret, None):
                    await self._mirror(secret).forget(ObjectName(*secret))
                continue
            if not keys <= self._keys.get(secret, frozenset()):
                new.append(secret)
            self._keys[secret] = keys
        if self._begun.is_set():
            for secret in filter(self._is_read, new):
                await self._read(secret)
            return
        self._begun.set()
        for mirror in self._mirrors.values():
            await mirror.first_list.answered.wait()
        await self._read_unseen()

    def call_when_listed(self, call: Callable[[str | None], None]) -> None:
        """Call this with each namespace once its Secrets were listed; with None: all of them."""
        for namespace, mirror in self._mirrors.items():
            mirror.first_list.then(partial(call, namespace))

    async def refresh(self) -> None:
        """List the Secrets of those namespaces now that were not listed yet."""
        for mirror in self._mirrors.values():
            if self._begun.is_set() and not mirror.synced.is_set():
                await mirror.refresh()

    def is_listed(self, namespace: str | None) -> bool:
        """Tell whether the Secrets of a namespace were listed."""
        return self._mirrors[namespace].synced.is_set()

    def is_forbidden(self, namespace: str | None) -> bool:
        """Tell whether the exporter may not list the Secrets of a namespace."""
        return self._mirrors[namespace].first_list.forbidden

    def held(self, secret: SecretKey) -> HeldSecret | TokenProblem:
        """Return the tokens of a Secret, or why there are none."""
        found = self._mirror(secret).objects.get(ObjectName(*secret))
        if found is not None:
            return found
        refused_type = self._refused_types.get(secret)
        return HeldSecret({}, refused_type) if refused_type else TokenProblem.SECRET_NOT_FOUND

    def renew(self, secret: SecretKey) -> Awaitable[None] | None:  # noqa: ARG002
        """Return None: the watch keeps all Secrets up to date."""
        return None

    async def _run(self, mirror: Mirror[HeldSecret]) -> NoReturn:
        await self._begun.wait()
        await mirror.run()

    async def _read(self, secret: SecretKey) -> bool:
        before = self.held(secret)
        self._decoded.discard(secret)
        read = await self._mirror(secret).reread(ObjectName(*secret))
        if read and secret not in self._decoded:  # there is no such Secret
            self._refused_types.pop(secret, None)
        if read:
            self._unread.discard(secret)
        else:
            self._unread.add(secret)
        if self.held(secret) != before:
            self._on_change(secret)
        return read

    async def _read_unseen(self) -> None:
        """Read the Secrets that the watch does not show: it leaves out those of some types."""
        unseen = [
            secret
            for secret in self._keys
            if self._is_read(secret) and ObjectName(*secret) not in self._mirror(secret).objects
        ]
        for number, secret in enumerate(unseen):
            if not await self._read(secret):
                self._unread.update(unseen[number:])
                return

    async def _retry_forever(self) -> NoReturn:
        """Read Secrets again that could not be read, or that the watch does not show."""
        await self._begun.wait()
        loop = asyncio.get_running_loop()
        looked_seconds = loop.time()
        while True:
            await asyncio.sleep(self._retry_seconds)
            self._unread &= self._keys.keys()
            for secret in tuple(self._unread):
                await self._read(secret)
            if loop.time() - looked_seconds >= self._unseen_seconds:
                await self._read_unseen()
                looked_seconds = loop.time()

    def _is_read(self, secret: SecretKey) -> bool:
        """Tell whether single Secrets may be read, since those of the namespace were listed."""
        return self._mirror(secret).synced.is_set()

    def _mirror(self, secret: SecretKey) -> Mirror[HeldSecret]:
        return self._mirrors.get(secret.namespace) or self._mirrors[None]

    def _decode(self, raw: Mapping[str, Any]) -> HeldSecret | None:
        metadata = raw["metadata"]
        secret = SecretKey(metadata["namespace"], metadata["name"])
        keys = self._keys.get(secret)
        if not keys:
            return None
        self._decoded.add(secret)
        if raw.get("type") in UNWATCHED_TYPES:
            self._refuse(secret, raw["type"])
            return None
        self._refused_types.pop(secret, None)
        return read_secret(raw, keys)

    def _refuse(self, secret: SecretKey, refused_type: str) -> None:
        if self._refused_types.get(secret) != refused_type:
            log.warning(
                "a Secret with tokens has a type that is not watched; "
                "use the type Opaque, or --kubernetes.secrets=get",
                extra={"secret": str(secret), "type": refused_type},
            )
        self._refused_types[secret] = refused_type

    def _changed(
        self, name: ObjectName, before: HeldSecret | None, after: HeldSecret | None
    ) -> None:
        if before != after:
            self._on_change(SecretKey(*name))


def _secrets_path(namespace: str | None) -> str:
    return "/api/v1/secrets" if namespace is None else f"/api/v1/namespaces/{namespace}/secrets"

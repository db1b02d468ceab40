"""Monitor sets from the Kubernetes API: watched Monitors with the tokens of their Secrets."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, NoReturn

from yuptime_exporter.concurrency.refreshes import Refreshes
from yuptime_exporter.concurrency.turns import Turn
from yuptime_exporter.core.clock import Clock
from yuptime_exporter.core.declared import MonitorSet
from yuptime_exporter.core.model import Monitor, MonitorKey
from yuptime_exporter.kubernetes.api import Api
from yuptime_exporter.kubernetes.collection import Collection, ObjectName
from yuptime_exporter.kubernetes.mirror import Mirror
from yuptime_exporter.metrics.kubernetes import KubernetesMetrics
from yuptime_exporter.resource.monitor_object import MonitorObject, monitors_path
from yuptime_exporter.resource.monitor_reading import (
    lacks_fields,
    monitor_key,
    read_monitor_object,
)
from yuptime_exporter.resource.objects import SecretKey, secret_key_of
from yuptime_exporter.sources.kubernetes import remedies
from yuptime_exporter.sources.kubernetes.limits import SourceLimits
from yuptime_exporter.sources.kubernetes.monitor_set import ActiveMonitors
from yuptime_exporter.sources.kubernetes.secret_tokens import TokenSecrets, tokens_in


class KubernetesSource:
    """The monitors that Monitor objects declare. Used from the thread of the event loop only."""

    def __init__(
        self,
        api: Api,
        namespaces: Sequence[str],
        *,
        on_shown: Callable[[MonitorKey, MonitorObject], None],
        metrics: KubernetesMetrics,
        clock: Clock,
        limits: SourceLimits | None = None,
    ) -> None:
        """Follow nothing yet.

        Args:
            api: the API server.
            namespaces: the namespaces of the Monitors; empty: all.
            on_shown: called with each new or changed Monitor once its spec is active.
            metrics: counts lists, watches, events and errors.
            clock: the wall clock.
            limits: None: the defaults.
        """
        self._on_shown = on_shown
        self._limits = limits or SourceLimits()
        self._mirrors = {
            namespace: Mirror(
                api,
                Collection("monitors", monitors_path(namespace), remedies=remedies.MONITORS),
                decode=self._decode,
                on_change=self._changed,
                metrics=metrics,
                clock=clock,
            )
            for namespace in (namespaces or (None,))
        }
        for namespace, mirror in self._mirrors.items():
            mirror.first_list.then(partial(self._look_again, namespace))
        for namespace in namespaces:
            metrics.expose_unlisted(namespace, partial(self._is_unlisted, namespace))
        self._any_listed = asyncio.Event()
        self._secrets: TokenSecrets | None = None
        self._active = ActiveMonitors()
        self._entries: dict[SecretKey, dict[MonitorKey, str]] = {}
        self._touched: set[MonitorKey] = set()
        self._woken = asyncio.Event()
        self._refreshes = Refreshes()

    @property
    def failure(self) -> str | None:
        """The failure that keeps Monitors from being followed now; None: there is none."""
        return next(filter(None, (mirror.failure for mirror in self._mirrors.values())), None)

    def begin(
        self, tasks: asyncio.TaskGroup, secrets: TokenSecrets
    ) -> list[asyncio.Task[NoReturn]]:
        """Begin to follow Monitors, with these tokens; return the tasks to cancel at the end."""
        self._secrets = secrets
        secrets.call_when_listed(self._look_again)
        return [
            *(
                tasks.create_task(mirror.run(), name="mirror Monitors")
                for mirror in self._mirrors.values()
            ),
            tasks.create_task(self._reread_pruned_forever(), name="reread pruned Monitors"),
        ]

    async def listed(self) -> None:
        """Return when all Monitors were listed, except where that is forbidden.

        A permission that is missing in all namespaces is awaited: a cluster that forbids everything
        for a moment must not look as if it had no monitors.
        """
        for mirror in self._mirrors.values():
            await mirror.first_list.answered.wait()
        await self._any_listed.wait()

    def forbidden(self) -> str:
        """Return which rights are missing to know the monitors, for operators; empty: none."""
        secrets = self._secrets
        return remedies.missing_rights(
            monitors=[name for name, one in self._mirrors.items() if one.first_list.forbidden],
            secrets=[name for name in self._mirrors if secrets and secrets.is_forbidden(name)],
        )

    def objects(self) -> Iterable[tuple[MonitorKey, MonitorObject]]:
        """Return all Monitors of type push, in no particular order."""
        for mirror in self._mirrors.values():
            for name, found in mirror.objects.items():
                if found.other_type is None:
                    yield MonitorKey(*name), found

    def object(self, key: MonitorKey) -> MonitorObject | None:
        """Return a Monitor of type push; None: there is none with this name."""
        mirror = self._mirrors.get(key.namespace) or self._mirrors.get(None)
        found = mirror.objects.get(ObjectName(*key)) if mirror else None
        return found if found is not None and found.other_type is None else None

    def secret_changed(self, secret: SecretKey) -> None:
        """Include the new tokens of a Secret in the next set."""
        self._touched.update(self._entries.get(secret, ()))
        self._woken.set()

    def renew_tokens(self, key: MonitorKey) -> Awaitable[None] | None:
        """Read the tokens of a monitor again; None: there would be nothing newer."""
        monitor = self._active.get(key)
        if monitor is None or self._secrets is None:
            return None
        return self._secrets.renew(secret_key_of(monitor))

    def check_tokens(self, key: MonitorKey, *, resolved: bool | None) -> bool:
        """Read the tokens of a monitor again if another replica has found otherwise.

        Args:
            key: the monitor.
            resolved: whether the other replica has found tokens; None: it does not know.

        Returns:
            Whether a read has begun.
        """
        monitor = self._active.get(key)
        if monitor is None or resolved in (None, monitor.token_problem is None):
            return False
        return self.renew_tokens(key) is not None

    async def watch(self) -> AsyncGenerator[MonitorSet, None]:
        """Yield the complete set once everything is listed, and again after each change, forever.

        Namespaces that may not be listed are named in the set; one at least is listed.
        """
        await self.listed()
        shown: MonitorSet | None = None
        loop = asyncio.get_running_loop()
        while True:
            self._woken.clear()
            self._refreshes.begin_pass()
            touched, self._touched = self._touched, set()
            await self._resolve(touched)
            unlisted = frozenset(filter(self._is_unlisted, self._mirrors))
            found = self._active.as_set(unlisted=frozenset(map(str, unlisted)))
            if found != shown and len(unlisted) < len(self._mirrors):
                await self._show(
                    key for key in touched if shown and key.namespace in shown.unlisted
                )
                yield found
                shown = found
            await self._show(touched)
            self._refreshes.end_pass()
            made_seconds = loop.time()
            await self._woken.wait()
            if not self._refreshes.waiting:
                left_seconds = made_seconds + self._limits.between_sets_seconds - loop.time()
                await asyncio.sleep(max(self._limits.gather_seconds, left_seconds))

    async def refresh(self) -> None:
        """List all Monitors now; return when the result is active."""
        for mirror in self._mirrors.values():
            await mirror.refresh()
        if self._secrets is not None:
            await self._secrets.refresh()
        done = self._refreshes.request()
        self._woken.set()
        await done

    async def _reread_pruned_forever(self) -> NoReturn:
        """Read Monitors with dropped fields again, some at a time."""
        begin, at_once = 0, self._limits.pruned_at_once
        while True:
            await asyncio.sleep(self._limits.pruned_interval_seconds)
            pruned = [
                (mirror, name)
                for mirror in self._mirrors.values()
                for name, found in mirror.objects.items()
                if lacks_fields(found)
            ]
            for mirror, name in (pruned[begin:] + pruned[:begin])[:at_once]:
                await mirror.reread(name)
            begin = (begin + at_once) % max(len(pruned), 1)

    async def _show(self, keys: Iterable[MonitorKey]) -> None:
        turn = Turn()
        for key in keys:
            found = self.object(key)
            if found is not None:
                self._on_shown(key, found)
            if turn.is_over():
                await turn.pass_on()

    async def _resolve(self, touched: Iterable[MonitorKey]) -> None:
        """Update the monitors that may have changed, tokens included."""
        assert self._secrets is not None  # noqa: S101  `begin` came first
        declared = []
        secrets = set()
        for key in touched:
            found, before = self.object(key), self._active.get(key)
            if before is not None:
                secrets.add(secret_key_of(before))
                self._entries.get(secret_key_of(before), {}).pop(key, None)
            if found is None or found.declared is None:
                self._active.remove(key)
                continue
            declared.append(found.declared)
            secrets.add(secret_key_of(found.declared))
            entries = self._entries.setdefault(secret_key_of(found.declared), {})
            entries[key] = found.declared.token_ref.secret_key
        await self._secrets.want(
            {secret: frozenset(self._entries.get(secret, {}).values()) for secret in secrets}
        )
        await self._complete(declared)

    async def _complete(self, declared: Iterable[Monitor]) -> None:
        """Add the tokens to declared monitors."""
        turn = Turn()
        for monitor in declared:
            if turn.is_over():
                await turn.pass_on()
            if not self._is_unlisted(monitor.key.namespace):
                self._active.put(self._with_tokens(monitor))

    def _with_tokens(self, monitor: Monitor) -> Monitor:
        assert self._secrets is not None  # noqa: S101
        held = self._secrets.held(secret_key_of(monitor))
        found = tokens_in(held, monitor.token_ref.secret_key)
        return monitor._replace(
            token_digests=found.digests,
            token_problem=found.problem,
            secret_type=found.secret_type,
        )

    def _is_unlisted(self, namespace: str | None) -> bool:
        """Tell whether the Monitors of a namespace are not known yet, or their tokens are not."""
        listed = namespace if namespace in self._mirrors else None
        return not self._mirrors[listed].synced.is_set() or not (
            self._secrets is not None and self._secrets.is_listed(listed)
        )

    def _look_again(self, namespace: str | None) -> None:
        """Examine a namespace after its Monitors or Secrets were listed first; None: all."""
        mirror = self._mirrors[namespace]
        if mirror.synced.is_set():
            self._any_listed.set()
        self._touched.update(MonitorKey(*name) for name in mirror.objects)
        self._woken.set()

    def _changed(
        self, name: ObjectName, before: MonitorObject | None, after: MonitorObject | None
    ) -> None:
        key = MonitorKey(*name)
        self._active.note_unusable(key, after)
        if (
            before is not None
            and after is not None
            and (before.uid, before.generation) == (after.uid, after.generation)
            and before.spec_problem == after.spec_problem
        ):
            if after.other_type is None:
                self._on_shown(key, after)
            return
        self._touched.add(key)
        self._woken.set()

    def _decode(self, raw: Mapping[str, Any]) -> MonitorObject:
        return read_monitor_object(raw, self.object(monitor_key(raw)))

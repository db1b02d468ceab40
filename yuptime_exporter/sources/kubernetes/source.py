"""Monitor sets from the Kubernetes API: Monitors as they are watched, with the tokens of Secrets."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NoReturn

from yuptime_exporter.concurrency.turns import Turn
from yuptime_exporter.core.clock import Clock
from yuptime_exporter.core.model import (
    Monitor,
    MonitorKey,
    MonitorSet,
    Problem,
    TokenTrouble,
)
from yuptime_exporter.kubernetes.api import Api
from yuptime_exporter.kubernetes.mirror import Collection, Mirror, ObjectName
from yuptime_exporter.metrics.kubernetes import KubernetesMetrics
from yuptime_exporter.resource.monitor_object import MonitorObject, monitors_path
from yuptime_exporter.resource.monitor_reading import (
    lacks_fields,
    monitor_key,
    read_monitor_object,
)
from yuptime_exporter.resource.objects import SecretKey, secret_key_of
from yuptime_exporter.sources.kubernetes.secret_tokens import TokenSecrets, digests_in

# Changes that come together are put into force together. A lone one waits for a moment only; where
# they go on and on, a set of 10,000 monitors costs some 70 ms, of which pushes notice a part, and is
# made once in this time.
GATHER_SECONDS = 0.05
BETWEEN_SETS_SECONDS = 0.5

# What a definition hides is there again when that is replaced, and nobody is told: the objects have
# not changed, and a watch that is going on shows them by the old definition for some seconds more.
# So some of them are looked at now and then.
PRUNED_SECONDS = 60.0
_PRUNED_AT_ONCE = 100


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
    ) -> None:
        """Take what is followed.

        Args:
            api: the API server.
            namespaces: whose Monitors; empty: of all.
            on_shown: called with each Monitor that is new or has changed, once its spec is in
                force; for a change of its status that is at once.
            metrics: what is counted.
            clock: gives the moment.
        """
        self._on_shown = on_shown
        self._mirrors = tuple(
            Mirror(
                api,
                Collection("monitors", monitors_path(namespace)),
                decode=self._decode,
                on_change=self._changed,
                metrics=metrics,
                clock=clock,
            )
            for namespace in (namespaces or (None,))
        )
        self._by_namespace = dict(zip(namespaces, self._mirrors, strict=False))
        self._secrets: TokenSecrets | None = None
        self._monitors: dict[MonitorKey, Monitor] = {}
        self._order: list[MonitorKey] = []  # empty: to be sorted anew
        self._other_types: dict[MonitorKey, str] = {}
        self._problems: dict[MonitorKey, tuple[Problem, ...]] = {}
        self._entries: dict[SecretKey, dict[MonitorKey, str]] = {}
        self._touched: set[MonitorKey] = set()
        self._woken = asyncio.Event()
        self._refreshes: list[asyncio.Future[None]] = []

    @property
    def trouble(self) -> str | None:
        """What keeps Monitors from being followed at present, in words; None: nothing."""
        return next((mirror.trouble for mirror in self._mirrors if mirror.trouble), None)

    def begin(
        self, tasks: asyncio.TaskGroup, secrets: TokenSecrets
    ) -> list[asyncio.Task[NoReturn]]:
        """Begin to follow Monitors; the tokens come from these Secrets."""
        self._secrets = secrets
        return [
            *(tasks.create_task(mirror.run(), name="mirror Monitors") for mirror in self._mirrors),
            tasks.create_task(self._look_at_pruned_forever(), name="look at pruned Monitors"),
        ]

    async def listed(self) -> None:
        """Return when all Monitors are known."""
        for mirror in self._mirrors:
            await mirror.synced.wait()

    def objects(self) -> Iterable[tuple[MonitorKey, MonitorObject]]:
        """Return all Monitors of type push that are known, in no particular order."""
        for mirror in self._mirrors:
            for name, found in mirror.objects.items():
                if found.other_type is None:
                    yield MonitorKey(*name), found

    def object(self, key: MonitorKey) -> MonitorObject | None:
        """Return a Monitor of type push; None: there is none of this name."""
        mirror = self._by_namespace.get(key.namespace) if self._by_namespace else self._mirrors[0]
        found = mirror.objects.get(ObjectName(*key)) if mirror else None
        return found if found is not None and found.other_type is None else None

    def secret_changed(self, secret: SecretKey) -> None:
        """Note that the tokens of a Secret have changed."""
        self._touched.update(self._entries.get(secret, ()))
        self._woken.set()

    def renew_tokens(self, key: MonitorKey) -> Awaitable[None] | None:
        """Read the tokens of a monitor again; None: there would be nothing newer."""
        monitor = self._monitors.get(key)
        if monitor is None or self._secrets is None:
            return None
        return self._secrets.renew(secret_key_of(monitor))

    async def watch(self) -> AsyncGenerator[MonitorSet, None]:
        """Yield the complete set once everything is listed, and again after each change, forever."""
        await self.listed()
        shown: MonitorSet | None = None
        loop = asyncio.get_running_loop()
        while True:
            self._woken.clear()
            refreshes, self._refreshes = self._refreshes, []
            touched, self._touched = self._touched, set()
            await self._resolve(touched)
            found = self._monitor_set()
            if found != shown:
                yield found
                shown = found
            await self._show(touched)
            for done in refreshes:
                if not done.done():  # else whoever asked has left
                    done.set_result(None)
            made = loop.time()
            await self._woken.wait()
            if not self._refreshes:
                left_seconds = made + BETWEEN_SETS_SECONDS - loop.time()
                await asyncio.sleep(max(GATHER_SECONDS, left_seconds))

    async def refresh(self) -> None:
        """List everything anew; return when what was found is in force."""
        for mirror in self._mirrors:
            await mirror.refresh()
        done = asyncio.get_running_loop().create_future()
        self._refreshes.append(done)
        self._woken.set()
        await done

    async def _look_at_pruned_forever(self) -> NoReturn:
        """Look again at Monitors whose fields the definition dropped, a few at a time."""
        begin = 0
        while True:
            await asyncio.sleep(PRUNED_SECONDS)
            pruned = [
                (mirror, name)
                for mirror in self._mirrors
                for name, found in mirror.objects.items()
                if lacks_fields(found)
            ]
            for mirror, name in (pruned[begin:] + pruned[:begin])[:_PRUNED_AT_ONCE]:
                await mirror.reconsider(name)
            begin = (begin + _PRUNED_AT_ONCE) % max(len(pruned), 1)

    async def _show(self, keys: Iterable[MonitorKey]) -> None:
        turn = Turn()
        for key in keys:
            found = self.object(key)
            if found is not None:
                self._on_shown(key, found)
            if turn.is_over():
                await turn.pass_on()

    async def _resolve(self, touched: Iterable[MonitorKey]) -> None:
        """Bring the monitors that may have changed up to date, tokens included."""
        assert self._secrets is not None  # noqa: S101  `begin` came first
        declared = {}
        secrets = set()
        for key in touched:
            found, before = self.object(key), self._monitors.get(key)
            if before is not None:
                secrets.add(secret_key_of(before))
                self._entries.get(secret_key_of(before), {}).pop(key, None)
            if found is None or found.declared is None:
                if self._monitors.pop(key, None) is not None:
                    self._order = []
                continue
            declared[key] = found.declared
            secrets.add(secret_key_of(found.declared))
            entries = self._entries.setdefault(secret_key_of(found.declared), {})
            entries[key] = found.declared.token_ref.secret_key
        await self._secrets.want(
            {secret: frozenset(self._entries.get(secret, {}).values()) for secret in secrets}
        )
        await self._complete(declared)

    async def _complete(self, declared: Mapping[MonitorKey, Monitor]) -> None:
        """Put the tokens to what is declared."""
        turn = Turn()
        for key, monitor in declared.items():
            if turn.is_over():
                await turn.pass_on()
            resolved = self._with_tokens(monitor)
            if key not in self._monitors:
                self._order = []
            if self._monitors.get(key) != resolved:
                self._monitors[key] = resolved

    def _with_tokens(self, monitor: Monitor) -> Monitor:
        assert self._secrets is not None  # noqa: S101
        held = self._secrets.held(secret_key_of(monitor))
        found = digests_in(held, monitor.token_ref.secret_key)
        if isinstance(found, TokenTrouble):
            return replace(monitor, token_trouble=found)
        return replace(monitor, token_digests=found)

    def _monitor_set(self) -> MonitorSet:
        if not self._order:
            self._order = sorted(self._monitors)
        types = Counter(self._other_types.values())
        problems = [problem for problems in self._problems.values() for problem in problems]
        return MonitorSet(
            monitors=tuple(self._monitors[key] for key in self._order),
            ignored_types=dict(sorted(types.items())),
            problems=tuple(sorted(problems, key=str)),
        )

    def _changed(
        self, name: ObjectName, before: MonitorObject | None, after: MonitorObject | None
    ) -> None:
        key = MonitorKey(*name)
        self._note_unusable(key, after)
        if (
            before is not None
            and after is not None
            and (before.uid, before.generation) == (after.uid, after.generation)
            and before.refusal == after.refusal
        ):
            if after.other_type is None:
                self._on_shown(key, after)
            return
        self._touched.add(key)
        self._woken.set()

    def _note_unusable(self, key: MonitorKey, found: MonitorObject | None) -> None:
        """Remember of what is no monitor of ours as much as is told of it: few are not."""
        self._other_types.pop(key, None)
        self._problems.pop(key, None)
        if found is not None and found.other_type is not None:
            self._other_types[key] = found.other_type
        if found is not None and found.problems:
            self._problems[key] = found.problems

    def _decode(self, raw: Mapping[str, Any]) -> MonitorObject:
        return read_monitor_object(raw, self.object(monitor_key(raw)))

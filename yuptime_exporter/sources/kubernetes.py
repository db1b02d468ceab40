"""Monitor sets from the Kubernetes API: Monitors as they are watched, with the tokens of Secrets."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NoReturn

from yuptime_exporter.core.conditions import CROSS_NAMESPACE
from yuptime_exporter.core.kubernetes_metrics import KubernetesMetrics
from yuptime_exporter.core.model import (
    Monitor,
    MonitorKey,
    MonitorSet,
    Problem,
    TokenTrouble,
)
from yuptime_exporter.core.ports import Clock
from yuptime_exporter.core.status import Refusal
from yuptime_exporter.kubernetes.api import Api
from yuptime_exporter.kubernetes.mirror import Collection, Mirror, ObjectName
from yuptime_exporter.kubernetes.objects import MonitorObject, monitors_path, status_json_of
from yuptime_exporter.moments import timestamp_of
from yuptime_exporter.sources.declarations import secret_key_of
from yuptime_exporter.sources.manifest import (
    Declared,
    OtherMonitor,
    Refused,
    SecretKey,
    read_object,
)
from yuptime_exporter.sources.secret_tokens import TokenSecrets, digests_in

# Changes that come together are put into force together: a set of 10,000 monitors costs some
# milliseconds, which pushes should not wait for more often than this.
GATHER_SECONDS = 0.25

# What a definition hides is there again when that is replaced, and nobody is told: the objects have
# not changed, and a watch that is going on shows them by the old definition for some seconds more.
# So some of them are looked at now and then.
PRUNED_SECONDS = 60.0
_PRUNED_AT_ONCE = 100

FIELDS_PRUNED = "FieldsPruned"
_PRUNED = (
    "the CustomResourceDefinition that is installed has no spec.target.push and drops it; "
    "install the one of yuptime-exporter: kubectl apply --server-side -f deploy/crd/monitors.yaml"
)


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

    async def watch(self) -> AsyncGenerator[MonitorSet, None]:
        """Yield the complete set once everything is listed, and again after each change, forever."""
        await self.listed()
        shown: MonitorSet | None = None
        while True:
            self._woken.clear()
            refreshes, self._refreshes = self._refreshes, []
            touched, self._touched = self._touched, set()
            await self._resolve(touched)
            found = self._monitor_set()
            if found != shown:
                yield found
                shown = found
            self._show(touched)
            for done in refreshes:
                if not done.done():  # else whoever asked has left
                    done.set_result(None)
            await self._woken.wait()
            if not self._refreshes:
                await asyncio.sleep(GATHER_SECONDS)

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
                if _lacks_fields(found)
            ]
            for mirror, name in (pruned[begin:] + pruned[:begin])[:_PRUNED_AT_ONCE]:
                await mirror.reconsider(name)
            begin = (begin + _PRUNED_AT_ONCE) % max(len(pruned), 1)

    def _show(self, keys: Iterable[MonitorKey]) -> None:
        for key in keys:
            found = self.object(key)
            if found is not None:
                self._on_shown(key, found)

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
                self._monitors.pop(key, None)
                continue
            declared[key] = found.declared
            secrets.add(secret_key_of(found.declared))
            entries = self._entries.setdefault(secret_key_of(found.declared), {})
            entries[key] = found.declared.token_ref.secret_key
        await self._secrets.want(
            {secret: frozenset(self._entries.get(secret, {}).values()) for secret in secrets}
        )
        for key, monitor in declared.items():
            resolved = self._with_tokens(monitor)
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
        types: Counter[str] = Counter()
        problems: list[Problem] = []
        for mirror in self._mirrors:
            for found in mirror.objects.values():
                if found.other_type is not None:
                    types[found.other_type] += 1
                problems += found.problems
        return MonitorSet(
            monitors=tuple(self._monitors[key] for key in sorted(self._monitors)),
            ignored_types=dict(sorted(types.items())),
            problems=tuple(sorted(problems, key=str)),
        )

    def _changed(
        self, name: ObjectName, before: MonitorObject | None, after: MonitorObject | None
    ) -> None:
        key = MonitorKey(*name)
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

    def _decode(self, raw: Mapping[str, Any]) -> MonitorObject:
        metadata = raw["metadata"]
        key = MonitorKey(metadata.get("namespace", ""), metadata["name"])
        uid, generation = metadata.get("uid", ""), metadata.get("generation", 0)
        spec = raw.get("spec")
        if isinstance(spec, dict) and spec.get("type") != "push":
            return self._other(raw, key)
        before = self.object(key)
        version, status = metadata.get("resourceVersion", ""), status_json_of(raw)
        known = before is not None and (before.uid, before.generation) == (uid, generation)
        if before is not None and known and not _lacks_fields(before):
            return replace(before, resource_version=version, status_json=status)
        read = MonitorObject(uid, version, generation, status_json=status)
        last_good = before.declared if before is not None and before.uid == uid else None
        found = read_object(raw, f"Monitor {key}")
        if isinstance(found, Declared) and isinstance(found.value, Monitor):
            return replace(read, declared=_of_cluster(found.value, metadata))
        problems = found.problems if isinstance(found, Refused) else ()
        hidden = False
        if _is_pruned(spec):
            hidden = _was_declared(metadata)
            refusal = Refusal(FIELDS_PRUNED, _PRUNED)
            problems = (Problem(f"Monitor {key}", "spec.target.push", _PRUNED),)
        else:
            refusal = _refusal(problems)
        return replace(read, declared=last_good, refusal=refusal, problems=problems, hidden=hidden)

    def _other(self, raw: Mapping[str, Any], key: MonitorKey) -> MonitorObject:
        found = read_object({**raw, "kind": "Monitor"}, f"Monitor {key}")
        kind = found.type if isinstance(found, OtherMonitor) else "unknown"
        metadata = raw["metadata"]
        return MonitorObject(
            metadata.get("uid", ""), generation=metadata.get("generation", 0), other_type=kind
        )


def _of_cluster(monitor: Monitor, metadata: Mapping[str, Any]) -> Monitor:
    created = timestamp_of(metadata.get("creationTimestamp"))
    return replace(monitor, source="kubernetes", created_timestamp=created)


def _is_pruned(spec: object) -> bool:
    """Tell whether `spec.target.push` is missing, which our CRD refuses and others drop."""
    target = spec.get("target") if isinstance(spec, dict) else None
    return not isinstance(target, dict) or target.get("push") is None


def _was_declared(metadata: Mapping[str, Any]) -> bool:
    """Tell whether `spec.target.push` was ever stored, by what says who set which field."""
    for manager in metadata.get("managedFields") or ():
        fields = manager.get("fieldsV1") or {}
        if "f:push" in (fields.get("f:spec", {}).get("f:target") or {}):
            return True
    return False


def _lacks_fields(found: MonitorObject) -> bool:
    return found.refusal is not None and found.refusal.reason == FIELDS_PRUNED


def _refusal(problems: Sequence[Problem]) -> Refusal:
    where = {problem.field.rpartition(".")[2] for problem in problems}
    crosses = where == {"namespace"} and "secret" in problems[0].field.lower()
    text = "; ".join(": ".join(part for part in (one.field, one.text) if part) for one in problems)
    return Refusal(CROSS_NAMESPACE if crosses else "SpecInvalid", text[:1000])

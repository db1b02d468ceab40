"""Monitor sets from files and directories, and a new set after each change of a file."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from watchfiles import Change, awatch

from yuptime_exporter.concurrency.refreshes import Refreshes
from yuptime_exporter.core.declared import MonitorSet, Problem
from yuptime_exporter.core.errors import SourceUnusable
from yuptime_exporter.failure_log import FailureLog
from yuptime_exporter.resource.defaults import NO_DEFAULTS, Defaults
from yuptime_exporter.sources.manifests.declarations import declarations
from yuptime_exporter.sources.manifests.files import Identity, Look, ManifestFiles
from yuptime_exporter.sources.manifests.limits import WatchLimits
from yuptime_exporter.sources.manifests.warnings import warnings_of

log = logging.getLogger(__name__)

# So many monitors are named when all of them disappear; a longer line is hard to read.
_NAMED = 10


class DirectorySource:
    """The monitors in the manifests of some files and directories."""

    def __init__(
        self,
        paths: Sequence[Path],
        *,
        defaults: Callable[[], Defaults] = lambda: NO_DEFAULTS,
        limits: WatchLimits | None = None,
    ) -> None:
        """Read nothing yet.

        Args:
            paths: files and directories.
            defaults: gives the fields of `spec` for each Monitor that does not have them.
            limits: of the watch; None: the defaults.
        """
        self._paths = tuple(paths)
        self._limits = limits or WatchLimits()
        self._files = ManifestFiles(paths, defaults=defaults)
        self._look: Look | None = None
        self._found = MonitorSet(())
        self._removal_confirmed = False
        self._requested = asyncio.Event()
        self._refreshes = Refreshes()

    @property
    def files_parsed_total(self) -> int:
        """Number of times that a file was parsed: once, and again after each of its changes."""
        return self._files.parsed_total

    async def watch(self) -> AsyncGenerator[MonitorSet, None]:
        """Yield the complete set first, and again after each change, forever.

        Raises:
            SourceUnusable: a given path does not exist or cannot be read; only before the first
                set. Later its last good monitors are kept.
        """
        changes = _Changes(self._requested, self._limits)
        shown: MonitorSet | None = None
        try:
            while True:
                self._requested.clear()
                self._refreshes.begin_pass()
                found = await asyncio.to_thread(self._look_again)
                if found != shown:
                    yield found
                    shown = found
                self._refreshes.end_pass()
                await changes.wait(self._look.directories if self._look else {})
        finally:
            self._refreshes.cancel()
            await changes.close()

    async def refresh(self) -> None:
        """Look for changes now; return when the monitors that were found are active.

        A refresh confirms that all monitors are removed, if none is declared any more.
        """
        self._removal_confirmed = True
        done = self._refreshes.request()
        self._requested.set()
        await done

    def _look_again(self) -> MonitorSet:
        look = self._files.look()
        if self._look is None:
            self._check_usable(look)
        confirmed, self._removal_confirmed = self._removal_confirmed, False
        if look != self._look or (confirmed and self._found.notice):
            found = declarations(look)
            self._files.keep(found.files)
            self._look = replace(look, files=found.files)
            declared = replace(found.as_monitor_set(), warnings=warnings_of(found))
            self._found = declared if confirmed else self._unless_all_are_gone(declared)
        return self._found

    def _unless_all_are_gone(self, declared: MonitorSet) -> MonitorSet:
        """Keep the monitors if all of them disappear at once: a wrong directory is mounted.

        Removing all of them on purpose is rare, and is confirmed by a reload.
        """
        kept = self._found.monitors
        if declared.monitors or not kept:
            return declared
        names = ", ".join(str(monitor.key) for monitor in kept[:_NAMED])
        more = f" and {len(kept) - _NAMED} more" if len(kept) > _NAMED else ""
        notice = (
            f"all {len(kept)} monitors disappeared from the manifests at once; they stay active "
            f"until a reload (SIGHUP or POST /-/reload) confirms it: {names}{more}"
        )
        problem = Problem(", ".join(map(str, self._paths)), "", notice)
        return replace(
            declared, monitors=kept, problems=(*declared.problems, problem), notice=notice
        )

    def _check_usable(self, look: Look) -> None:
        for path in self._paths:
            problem = look.problems.get(str(path))
            if problem:
                raise SourceUnusable(f"manifests: {problem}; name a file or a directory")


class _Changes:
    """Waits until a file in some directories may have changed."""

    def __init__(self, requested: asyncio.Event, limits: WatchLimits) -> None:
        self._requested = requested
        self._limits = limits
        self._watcher: AsyncGenerator[set[tuple[Change, str]], None] | None = None
        self._directories: Mapping[str, Identity] = {}
        self._ticks_until_retry = 0
        self._log = FailureLog(
            log,
            "file changes are not announced; files are read every second; "
            "the limits of inotify may be too low (sysctl fs.inotify)",
            "file changes are announced again",
        )

    async def wait(self, directories: Mapping[str, Identity]) -> None:
        """Return after a change, on request, and in any case after some seconds."""
        if self._ticks_until_retry:
            self._ticks_until_retry -= 1
            await self._wait_a_tick()
            return
        ticks = self._limits.ticks_per_look
        if self._watcher is None or directories != self._directories:
            await self.close()
            self._watcher, self._directories = self._started(directories), directories
            ticks = 1  # read soon again: changes before the watcher began were not announced
        try:
            await self._wait_for_change(self._watcher, ticks)
            self._log.recovered()
        except (OSError, RuntimeError) as error:  # watchfiles' own error is a RuntimeError
            self._log.failed(error)
            self._ticks_until_retry = self._limits.ticks_per_retry
            await self.close()

    async def close(self) -> None:
        """Stop watching."""
        watcher, self._watcher = self._watcher, None
        if watcher is not None:
            await watcher.aclose()

    def _started(
        self, directories: Mapping[str, Identity]
    ) -> AsyncGenerator[set[tuple[Change, str]], None]:
        return awatch(
            *directories,
            watch_filter=None,
            debounce=self._limits.debounce_ms,
            step=self._limits.step_ms,
            stop_event=self._requested,
            rust_timeout=round(self._limits.tick_seconds * 1000),
            yield_on_timeout=True,
            recursive=False,  # the list has all directories, also those behind symlinks
            ignore_permission_denied=True,
        )

    async def _wait_for_change(
        self, watcher: AsyncGenerator[set[tuple[Change, str]], None], ticks: int
    ) -> None:
        for _ in range(ticks):
            try:
                if await anext(watcher):
                    return
            except StopAsyncIteration:  # on request
                self._watcher = None
                return

    async def _wait_a_tick(self) -> None:
        try:
            async with asyncio.timeout(self._limits.tick_seconds):
                await self._requested.wait()
        except TimeoutError:
            pass

"""Watches that die, stutter or deliver nonsense, between a real API server and the exporter."""

import json

import pytest

from tests.exporters import series
from tests.fakes.fault_answers import expired_event
from tests.fakes.faults import (
    At,
    Cut,
    EmptyLines,
    Fault,
    How,
    Inject,
    Join,
    Pad,
    Silence,
    Split,
    When,
)
from tests.manifests import monitor_yaml, secret_yaml
from tests.scenarios.kubernetes.stage import CHANGES, Running, Stage
from tests.waiting import eventually
from yuptime_exporter.kubernetes.backoff import FIRST_SECONDS
from yuptime_exporter.kubernetes.reflector import INACTIVITY_SECONDS

pytestmark = pytest.mark.peer

LISTS = 'yuptime_kubernetes_lists_total{resource="monitors"}'
BROKEN = 'yuptime_kubernetes_errors_total{reason="broken",resource="monitors"}'

UNREACHABLE = 'yuptime_kubernetes_errors_total{reason="unreachable",resource="monitors"}'

# With characters of one, two, three and four bytes.
NAME_OF_THE_TEAM = "aé€𝄞"


async def bookmarked(stage: Stage) -> None:
    """Send the exporter a bookmark, as the API server does within a minute."""
    monitor = await stage.monitor()
    version = monitor["metadata"]["resourceVersion"]
    bookmark = {
        "type": "BOOKMARK",
        "object": {"kind": "Monitor", "metadata": {"resourceVersion": version}},
    }
    applied = stage.proxy.apply(Inject(json.dumps(bookmark).encode() + b"\n"), when=CHANGES)
    await eventually(applied.strikes)
    applied.lift()


async def test_a_watch_that_is_dead_without_a_sign_is_replaced(stage: Stage) -> None:
    await stage.declare()
    async with stage.exporter() as exporter:
        await bookmarked(stage)
        before = len(stage.proxy.seen(CHANGES))
        silence = stage.proxy.apply(Silence(), when=CHANGES, times=1)
        await eventually(silence.strikes)
        await stage.declare("second")
        await stage.delete("Monitor", "backup")

        assert (await exporter.push()).status == 200  # the change is not known yet
        await stage.skip(INACTIVITY_SECONDS)
        await eventually(exporter.known, lambda known: known == {"second"})
        assert len(stage.proxy.seen(CHANGES)) > before


FAULTS: dict[str, tuple[Fault, When]] = {
    "a frame of 5 MB": (Pad(5_000_000), CHANGES),
    "a frame in single bytes": (Split(every_bytes=1), CHANGES),
    "two frames at once": (Join(2), CHANGES),
    "empty lines": (EmptyLines(3), CHANGES),
}


@pytest.mark.parametrize("name", FAULTS)
async def test_frames_may_come_in_any_form(name: str, stage: Stage) -> None:
    await stage.declare()
    async with stage.exporter() as exporter:
        fault, when = FAULTS[name]
        applied = stage.proxy.apply(fault, when=when)
        await stage.declare("second", labels={"team": NAME_OF_THE_TEAM})
        await stage.declare("third", labels={"team": NAME_OF_THE_TEAM})
        await eventually(exporter.known, lambda known: known == {"backup", "second", "third"})

        samples = await exporter.samples()
        assert applied.struck
        assert samples[LISTS] == 1
        assert samples[BROKEN] == 0
        assert any(f'team="{NAME_OF_THE_TEAM}"' in sample for sample in samples)


# The fault, and the reason under which it is counted; None: a cut is counted only if the watch had not
# worked before.
ENDS: dict[str, tuple[Fault, str | None]] = {
    "bytes that are no frame": (Inject(b'{"type":"MODIFIED","obj\n'), "broken"),
    "a page of HTML": (Inject(b"<html>\n"), "broken"),
    "a frame that breaks off": (Cut(How.RESET, at=At.MID_FRAME), None),
    "an end that is no end": (Cut(How.HALF_CLOSE, at=At.MID_FRAME), None),
    "a version that has expired": (expired_event(), "expired"),
}


@pytest.mark.parametrize("name", ENDS)
async def test_nothing_is_lost_with_a_watch(name: str, stage: Stage) -> None:
    await stage.declare("backup", "second")
    async with stage.exporter() as exporter:
        fault, reason = ENDS[name]
        applied = stage.proxy.apply(fault, when=CHANGES, times=1)
        await stage.apply(monitor_yaml(namespace=stage.namespace, expire=77))
        await eventually(applied.strikes)
        await stage.delete("Monitor", "second")
        await stage.declare("third")
        if reason is not None:
            errors = f'yuptime_kubernetes_errors_total{{reason="{reason}",resource="monitors"}}'
            await exporter.reads(errors, lambda count: count == 1)
        await stage.skip(2 * FIRST_SECONDS)

        await eventually(exporter.known, lambda known: known == {"backup", "third"})
        await expires_after(exporter, 77)


CUTS = {name: fault for name, (fault, reason) in ENDS.items() if reason is None}


@pytest.mark.parametrize("name", CUTS)
@pytest.mark.parametrize(("cuts", "counted"), [(1, 0), (2, 1)], ids=["worked", "began"])
async def test_a_cut_is_counted_only_if_the_watch_had_not_delivered_anything(
    cuts: int, counted: int, name: str, stage: Stage
) -> None:
    """The first cut ends a watch that has delivered a bookmark, and the second the next at once."""
    await stage.declare()
    async with stage.exporter() as exporter:
        await bookmarked(stage)
        applied = stage.proxy.apply(CUTS[name], when=CHANGES, times=cuts)
        await stage.apply(monitor_yaml(namespace=stage.namespace, expire=77))
        await eventually(applied.strikes, lambda strikes: strikes == cuts)
        await stage.skip(2 * FIRST_SECONDS)
        await expires_after(exporter, 77)

        samples = await exporter.samples()

    assert samples[UNREACHABLE] == counted
    assert samples[BROKEN] == 0
    assert samples[LISTS] == 1


async def expires_after(exporter: Running, seconds: float) -> None:
    await exporter.reads(
        series("expire_seconds", namespace=exporter.stage.namespace),
        lambda value: value == seconds,
    )


async def test_a_secret_that_changes_during_a_broken_watch_is_read(stage: Stage) -> None:
    await stage.declare()
    async with stage.exporter() as exporter:
        secrets = When(path="/secrets", watch=True)
        applied = stage.proxy.apply(Cut(How.RESET), when=secrets, times=1)
        await eventually(applied.strikes)
        await stage.apply(secret_yaml(namespace=stage.namespace, tokens=("another-token",)))
        await exporter.reads(
            'yuptime_kubernetes_errors_total{reason="unreachable",resource="secrets"}',
            lambda count: count == 1,
        )
        await stage.skip(2 * FIRST_SECONDS)

        await exporter.accepted(token="another-token")
        assert (await exporter.push()).status == 401

"""The settings of the interpreter, which are settings of the whole process."""

import gc
import platform
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.waiting import eventually
from yuptime_exporter.wiring.interpreter import (
    GC_THRESHOLDS,
    SWITCH_SECONDS,
    collect_garbage_rarely,
    exempt_listed_monitors,
    new_event_loop,
    return_large_blocks,
    shorten_thread_switches,
)


@pytest.fixture(autouse=True)
def _restore_interpreter() -> Iterator[None]:
    thresholds, switch_seconds = gc.get_threshold(), sys.getswitchinterval()
    gc.set_threshold(700, 10, 10)
    gc.unfreeze()
    yield
    gc.enable()
    gc.unfreeze()
    gc.set_threshold(*thresholds)
    sys.setswitchinterval(switch_seconds)


def test_threads_wait_half_a_millisecond_for_the_lock_of_python() -> None:
    shorten_thread_switches()

    assert sys.getswitchinterval() == pytest.approx(SWITCH_SECONDS)


async def test_garbage_is_collected_rarely_once_the_monitors_are_listed_and_never_before() -> None:
    collect_garbage_rarely()
    before = gc.isenabled()

    exempt_listed_monitors()

    assert (before, gc.isenabled()) == (False, True)
    assert gc.get_threshold() == GC_THRESHOLDS


async def test_garbage_is_collected_after_a_while_even_if_no_monitor_can_be_listed() -> None:
    collect_garbage_rarely(max_pause_seconds=0.0)

    async def enabled() -> bool:
        return gc.isenabled()

    await eventually(enabled)


def test_objects_that_exist_at_the_first_call_are_exempt_from_collections() -> None:
    exempt_listed_monitors()

    assert gc.get_freeze_count() > 0


def test_a_later_call_exempts_no_further_objects() -> None:
    exempt_listed_monitors()
    before = gc.get_freeze_count()
    added = [[number] for number in range(10_000)]

    exempt_listed_monitors()

    assert gc.get_freeze_count() <= before
    assert len(added) == 10_000


def test_the_event_loop_is_that_of_uvloop_where_it_is_installed() -> None:
    with closing(new_event_loop()) as loop:
        assert type(loop).__module__ == "uvloop"


# Large blocks with a small one behind each that stays, as dictionaries grow at the start.
GROWING = """
from yuptime_exporter.wiring.interpreter import return_large_blocks

def resident_bytes():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096

{settings}
largest = b"x" * (8 << 20)
del largest
blocks, staying, before = [], [], resident_bytes()
for size_bytes in [4 << 20] * 10:
    blocks.append(b"x" * size_bytes)
    staying.append(b"x" * (256 << 10))
del blocks
print(resident_bytes() - before - sum(map(len, staying)))
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="mallopt is a function of glibc")
def test_memory_of_large_blocks_that_are_free_goes_back_to_the_system() -> None:
    kept, returned = (
        int(subprocess.check_output([sys.executable, "-c", GROWING.format(settings=settings)]))
        for settings in ("", f"{return_large_blocks.__name__}()")
    )

    assert returned < 1 << 20
    assert kept > 20 << 20

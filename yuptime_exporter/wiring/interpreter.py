"""The Python interpreter, tuned for pushes that wait for neither threads nor the garbage collector.

The settings are those of the whole process. The path of a push may be compiled (docs/adr/0029).
"""

import asyncio
import ctypes
import gc
import sys
from importlib import import_module
from importlib.util import find_spec

from yuptime_exporter.core import evaluation

# The time after which a waiting thread asks for Python's lock; Python's own is 5 ms. The store's
# thread and the event loop hand each push to one another, and each hand-over waits for that time
# beside a busy loop. Measured with 32 and 256 connections: the p99 of pushes is a sixth and a quarter
# lower than with 0.5 ms.
SWITCH_SECONDS = 0.00005

# Number of new objects before a collection, and number of collections before one of the next older
# generation. Python's own are 700, 10 and 10, which a busy watch reaches every second.
GC_THRESHOLDS = (10_000, 10, 1_000)

# Parameters of glibc's mallopt(3), and their values. A block of at least this size is memory of its own,
# which the system has back once the block is free. glibc's own limit grows to the size of the largest
# free block; the dictionaries that grow with 100,000 monitors then leave 20 MB that are never used
# again. Smaller blocks are parts of the heap, of which so much stays for the next scrape: with
# 128 KiB, glibc's own, each scrape would ask the system for 35 MB again.
MMAP_THRESHOLD, MMAP_THRESHOLD_BYTES = -3, 1 << 20
TRIM_THRESHOLD, TRIM_THRESHOLD_BYTES = -1, 4 << 20

# Longest time without collections at the start.
MAX_PAUSE_SECONDS = 60.0


def is_compiled() -> bool:
    """Whether the path of a push is compiled, as in the image, or is plain Python."""
    return not evaluation.__file__.endswith(".py")


def new_event_loop() -> asyncio.AbstractEventLoop:
    """Return uvloop's event loop where it is installed, and otherwise asyncio's.

    uvloop reads and writes sockets in C, which is a good part of the time of a push.
    """
    if find_spec("uvloop") is None:
        return asyncio.new_event_loop()
    loop: asyncio.AbstractEventLoop = import_module("uvloop").new_event_loop()
    return loop


def shorten_thread_switches() -> None:
    """Let a thread that waits for Python's lock have it within 50 microseconds."""
    sys.setswitchinterval(SWITCH_SECONDS)


def return_large_blocks() -> None:
    """Return large blocks of memory to the system as soon as they are free, where glibc has them.

    Other C libraries, such as musl, do so by themselves.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(MMAP_THRESHOLD, MMAP_THRESHOLD_BYTES)
        mallopt(TRIM_THRESHOLD, TRIM_THRESHOLD_BYTES)


def collect_garbage_rarely(*, max_pause_seconds: float = MAX_PAUSE_SECONDS) -> None:
    """Visit new objects less often, and none before the monitors are listed; call it in the loop.

    Nearly all objects of the start live as long as the process: with 100,000 monitors, visiting
    them again and again takes a tenth of the start.

    Args:
        max_pause_seconds: time after which collections begin in any case. Where the monitors
            cannot be listed, each attempt leaves garbage.
    """
    gc.set_threshold(*GC_THRESHOLDS)
    gc.disable()
    asyncio.get_running_loop().call_later(max_pause_seconds, gc.enable)


def exempt_listed_monitors() -> None:
    """Exempt the objects that exist now from garbage collection; the first call counts.

    The objects of monitors live as long as the process. Each collection that visits 10,000
    monitors delays pushes by 150 ms. Objects that are added later and stay are therefore visited
    1,000 times less often. Garbage in cycles that the start has left stays, too: to find it, a
    collection would visit all monitors.
    """
    if not gc.get_freeze_count():
        gc.freeze()
    gc.enable()

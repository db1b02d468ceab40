"""Compare the fast ways with aiohttp's way; as a program, with new random pushes until the time is over.

python -m tests.web.servers.comparing --seconds 60
"""

import argparse
import asyncio
import secrets
import time
from collections.abc import Iterable

from tests.web.servers.pushes_on_the_wire import cases
from tests.web.servers.ways import Exchanged, Kind, Outcome, outcome

BATCH = 250


async def compare(seeds: Iterable[int]) -> tuple[int, int]:
    """Assert that all ways agree; return the number of cases, and of those that stayed fast."""
    compared = stayed_fast = 0
    for seed in seeds:
        batch = list(cases(seed, BATCH))
        slow = await outcome(batch, Kind.SLOW)
        bare = await outcome(batch, Kind.BARE)
        assert bare == slow, _differences(seed, batch, bare, slow)
        fast = await outcome(batch, Kind.FAST)
        assert fast == slow, _differences(seed, batch, fast, slow)
        compared += len(batch)
        stayed_fast += fast.stayed_fast
    return compared, stayed_fast


def _differences(seed: int, batch: list[Exchanged], fast: Outcome, slow: Outcome) -> str:
    lines = [f"seed {seed}"]
    for case, one, other in zip(batch, fast.effects, slow.effects, strict=True):
        if one != other:
            lines += [str(case), f"fast: {one}", f"slow: {other}"]
    lines.append(f"counters: {set(fast.counters.items()) ^ set(slow.counters.items())}")
    lines.append(f"log: {set(fast.logged) ^ set(slow.logged)}")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=300.0)
    until = time.monotonic() + parser.parse_args().seconds
    compared = 0
    while time.monotonic() < until:
        compared += asyncio.run(compare([secrets.randbits(32)]))[0]
    print(f"{compared} cases, and no difference")  # noqa: T201


if __name__ == "__main__":
    main()

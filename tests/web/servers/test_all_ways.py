"""The fast ways and aiohttp's way cannot be told apart by a client, a table, a counter or the log."""

import pytest

from tests.web.servers.comparing import compare


async def test_the_same_bytes_have_the_same_answers_and_effects_in_all_ways() -> None:
    compared, stayed_fast = await compare(range(4))

    assert stayed_fast > compared / 10


@pytest.mark.peer  # takes a minute and more
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "part", [pytest.param(part, marks=[pytest.mark.hot] if part < 4 else []) for part in range(16)]
)
async def test_many_more_bytes_have_the_same_answers_and_effects_in_all_ways(part: int) -> None:
    compared, stayed_fast = await compare(range(1000 + 50 * part, 1000 + 50 * (part + 1)))

    assert compared == 12_500
    assert stayed_fast > compared / 10

"""The time that a person waits for the pages of many monitors, in a real Chromium.

Each round opens a new page, and does what a person does: load the list, search, filter by a
namespace and by a state, turn to the next page, and open a monitor. A
time ends when the new rows can be seen, and includes that of the browser.
"""

import argparse
import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Page

from benchmarks import http_pushes, targets
from benchmarks.load import generator
from benchmarks.tables import Row, median, print_table
from tests.web.pages.browsing import browsing

HEADERS = ("until shown", "median ms", "slowest ms")


class Stopwatch:
    """The seconds of each step, by its name."""

    def __init__(self) -> None:
        self.seconds: dict[str, list[float]] = defaultdict(list)

    @asynccontextmanager
    async def step(self, name: str) -> AsyncIterator[None]:
        """Measure a step."""
        began = time.perf_counter()
        yield
        self.seconds[name].append(time.perf_counter() - began)

    def rows(self) -> list[Row]:
        """Return the rows of the table."""
        return [(name, 1e3 * median(some), 1e3 * max(some)) for name, some in self.seconds.items()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--monitors", type=int, default=10_000)
    options = parser.parse_args()
    watch = Stopwatch()
    with generator() as send, targets.folder() as home:
        targets.declare(home, options.monitors)
        requests = http_pushes.exporter_requests(options.monitors)
        with targets.exporter(home) as server:
            targets.fill_by_pushing(server, send, requests)
            for _ in range(options.rounds):
                asyncio.run(_visit(f"http://127.0.0.1:{server.port}", watch, options.monitors))
    print_table("browser", HEADERS, watch.rows())


async def _visit(url: str, watch: Stopwatch, monitors: int) -> None:
    """Use the pages as a person does who looks for a job."""
    last = targets.names(monitors)[-1]
    async with browsing() as page:
        async with watch.step("first row of the list"):
            await page.goto(url, wait_until="commit")
            await _shown(page, "rows() > 0")
        async with watch.step("all rows, and live"):
            await _shown(page, "rows() === 100 && document.getElementById('live').textContent")
        async with watch.step("search"):
            await page.get_by_label("Search").fill(last)
            await page.get_by_label("Search").press("Enter")
            await _shown(page, "rows() === 1")
        await page.goto(url)
        async with watch.step("filter by namespace"):
            await page.get_by_label("Namespace").select_option(targets.NAMESPACE)
            await page.get_by_role("button", name="Filter").click()
            await _shown(page, "location.search.includes('namespace=b') && rows() === 100")
        async with watch.step("filter by state"):
            await page.locator("a.count.up").click()
            await _shown(page, "location.search.includes('state=up') && rows() === 100")
        async with watch.step("next page"):
            await page.get_by_role("link", name="Next →").click()
            await _shown(page, "location.search.includes('page=2') && rows() === 100")
        async with watch.step("list of 1,000"):
            await page.goto(f"{url}/?limit=1000", wait_until="commit")
            await _shown(page, f"rows() === {min(1_000, monitors)}")
        async with watch.step("page of a monitor"):
            await page.goto(f"{url}/monitors/{targets.NAMESPACE}/{last}", wait_until="commit")
            await _shown(page, "document.querySelector('.lead')")


async def _shown(page: Page, condition: str) -> None:
    """Return when a condition holds in the page, looked at before each frame."""
    rows = "const rows = () => document.querySelectorAll('tr[data-monitor]').length;"
    await page.wait_for_function(f"() => {{ {rows} return document.body && ({condition}); }}")


if __name__ == "__main__":
    main()

"""A real browser that reads the pages of an exporter, and fails the test for any error on them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal

from playwright.async_api import HttpCredentials, Page, async_playwright, expect

from tests.peers.programs import Generation, require
from tests.waiting import LIMIT_SECONDS

PHONE = (390, 780)
SCREEN = (1200, 800)

Theme = Literal["light", "dark"]

LIMIT_MILLISECONDS = 1000 * LIMIT_SECONDS
expect.set_options(timeout=LIMIT_MILLISECONDS)


@asynccontextmanager
async def browsing(
    *,
    theme: Theme = "light",
    size: tuple[int, int] = SCREEN,
    javascript: bool = True,
    complaints: list[str] | None = None,
    credentials: HttpCredentials | None = None,
) -> AsyncIterator[Page]:
    """Give a page of a headless Chromium.

    Args:
        theme: the preference of the reader.
        size: width and height of the window, in pixels.
        javascript: whether scripts run.
        complaints: takes the errors of pages, violations of their policy included; None: an error
            fails the test.
        credentials: of a user; certificates of any authority are then accepted, too.
    """
    chromium = require("chromium", Generation.DEBIAN)
    found: list[str] = [] if complaints is None else complaints
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        width, height = size
        context = await browser.new_context(
            color_scheme=theme,
            viewport={"width": width, "height": height},
            java_script_enabled=javascript,
            http_credentials=credentials,
            ignore_https_errors=credentials is not None,
        )
        page = await context.new_page()
        page.set_default_timeout(LIMIT_MILLISECONDS)
        page.on("console", lambda line: found.append(line.text) if line.type == "error" else None)
        page.on("pageerror", lambda error: found.append(str(error)))
        page.on(
            "requestfailed", lambda request: found.append(_failed(request.url, request.failure))
        )
        yield page
        await browser.close()
    if complaints is None:
        assert [one for one in found if one] == []


def _failed(url: str, failure: str | None) -> str:
    """Return what failed; a stream that ends because its page is left is no failure."""
    return "" if "/events" in url or failure == "net::ERR_ABORTED" else f"{url}: {failure}"

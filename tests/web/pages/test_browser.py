"""The pages in a real browser."""

import json
from pathlib import Path
from typing import get_args

import pytest
from axe_playwright_python.async_playwright import Axe  # type: ignore[import-untyped]
from playwright.async_api import Page, expect

from tests.exporters import Client, Home, StandingClock, exporter_here
from tests.manifests import monitor_yaml, secret_yaml
from tests.web.pages.browsing import PHONE, Theme, browsing

pytestmark = pytest.mark.peer

HOSTILE = (
    "</td></table><script>document.title='owned'</script><img src=x onerror=alert(1)>"
    "\"'&amp;{{7*7}} \u05d0\u05d1\u05d2 \u202eabc 🐟\u200d💥 javascript:alert(1)"
)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path)
    made.declare(
        monitor_yaml("alpha", labels={"team": "red"}),
        monitor_yaml("beta"),
        monitor_yaml("gamma", namespace="shop"),
        secret_yaml(),
        secret_yaml(namespace="shop"),
    )
    return made


async def names(page: Page) -> list[str]:
    return [str(await row.get_attribute("data-monitor")) for row in await rows(page)]


async def rows(page: Page):
    return await page.locator("tr[data-monitor]").all()


async def push(client: Client, name: str, status: str, message: str = "") -> None:
    body = json.dumps({"status": status, "message": message}).encode()
    assert (await client.push(name, body=body)).status == 200


async def test_a_push_is_shown_without_loading_the_page_again(
    home: Home, clock: StandingClock
) -> None:
    async with exporter_here(home, clock) as client, browsing() as page:
        await page.goto(client.url)
        await expect(page.locator("#live")).to_have_text("live")
        await page.evaluate("window.stillHere = true")
        await push(client, "beta", "down", "disk full")
        row = page.locator('tr[data-monitor="jobs/beta"]')
        await expect(row.locator(".state")).to_have_text("down")
        await expect(row.locator(".message")).to_have_text("disk full")
        await expect(page.locator("tr[data-monitor]").first).to_have_attribute(
            "data-monitor", "jobs/beta"
        )
        await expect(page.locator('[data-count="down"]')).to_have_text("1")
        await expect(page).to_have_title("(1 down) Monitors · yuptime-exporter")

        assert await page.evaluate("window.stillHere")


async def test_a_deadline_that_passes_and_a_new_monitor_are_shown(
    home: Home, clock: StandingClock
) -> None:
    async with exporter_here(home, clock) as client, browsing() as page:
        await push(client, "alpha", "up")
        await page.goto(client.url)
        await expect(page.locator("#live")).to_have_text("live")
        clock.advance(330)
        await expect(page.locator('[data-monitor="jobs/alpha"] .state')).to_have_text("late")
        home.declare(monitor_yaml("delta"), file_name="more.yaml")
        await expect(page.locator('[data-monitor="jobs/delta"]')).to_be_visible()


async def test_the_page_of_a_monitor_follows_its_pushes(home: Home, clock: StandingClock) -> None:
    async with exporter_here(home, clock) as client, browsing() as page:
        await page.goto(f"{client.url}/monitors/jobs/alpha")
        await expect(page.locator("#live")).to_have_text("live")
        await page.locator("#snippet-wget summary").click()
        await push(client, "alpha", "down", "exit code 3")
        await expect(page.locator("#last-message")).to_have_text("exit code 3")
        await expect(page.locator("h1 .state")).to_have_text("down")
        await expect(page.locator("#snippet-wget pre")).to_be_visible()  # still unfolded


async def test_filters_are_in_the_address_and_the_back_button_returns(
    home: Home, clock: StandingClock
) -> None:
    async with exporter_here(home, clock) as client, browsing() as page:
        await page.goto(client.url)
        await page.get_by_label("Search").fill("a")
        await page.get_by_label("Namespace").select_option("shop")
        await page.get_by_role("button", name="Filter").click()
        await expect(page.locator("tr[data-monitor]")).to_have_count(1)
        assert "search=a&namespace=shop" in page.url
        deep_link = page.url
        await page.go_back()
        await expect(page.locator("tr[data-monitor]")).to_have_count(3)
        await page.get_by_role("link", name="team=red").click()
        await expect(page.locator("tr[data-monitor]")).to_have_count(1)
        await page.goto(deep_link)

        assert await names(page) == ["shop/gamma"]
        assert await page.get_by_label("Namespace").input_value() == "shop"


async def test_the_monitors_of_the_next_page_and_a_state_are_one_click_away(
    home: Home, clock: StandingClock
) -> None:
    async with exporter_here(home, clock) as client, browsing() as page:
        await page.goto(f"{client.url}/?limit=2")
        await page.get_by_role("link", name="Next →").click()
        await expect(page.locator("tr[data-monitor]")).to_have_count(1)
        await page.get_by_role("link", name="3 pending").click()
        await expect(page.get_by_role("link", name="3 pending")).to_have_attribute(
            "aria-current", "true"
        )


async def test_messages_are_text_whatever_they_contain(home: Home, clock: StandingClock) -> None:
    async with exporter_here(home, clock) as client, browsing() as page:
        await push(client, "alpha", "down", HOSTILE)
        shown = HOSTILE.replace("\u202e", "\ufffd")
        await page.goto(client.url)
        assert await page.locator(".message").first.inner_text() == shown
        await push(client, "alpha", "up", HOSTILE)
        await expect(page.locator('[data-monitor="jobs/alpha"] .state')).to_have_text("up")
        assert await page.locator('[data-monitor="jobs/alpha"] .message').inner_text() == shown
        await page.goto(f"{client.url}/monitors/jobs/alpha")
        assert await page.locator("#last-message").inner_text() == shown
        assert await page.title() == "up: jobs/alpha · yuptime-exporter"


async def test_without_javascript_there_is_a_table(home: Home, clock: StandingClock) -> None:
    async with exporter_here(home, clock) as client, browsing(javascript=False) as page:
        await push(client, "alpha", "down", "disk full")
        await page.goto(client.url)
        assert await names(page) == ["jobs/alpha", "jobs/beta", "shop/gamma"]
        await page.get_by_role("link", name="alpha").click()
        await expect(page.locator(".lead")).to_contain_text("said down")


async def test_of_ten_thousand_monitors_a_page_is_loaded_and_filtered(
    tmp_path: Path, clock: StandingClock
) -> None:
    home = Home(tmp_path)
    home.declare(*(monitor_yaml(f"job-{n:05}") for n in range(10_000)), secret_yaml())
    async with exporter_here(home, clock) as client, browsing() as page:
        await page.goto(client.url)
        await expect(page.locator("tr[data-monitor]")).to_have_count(100)
        await expect(page.locator("#live")).to_have_text("live")
        await push(client, "job-09999", "down")
        await expect(page.locator("tr[data-monitor]").first).to_have_attribute(
            "data-monitor", "jobs/job-09999"
        )
        await page.get_by_label("Search").fill("job-0777")
        await page.get_by_label("Search").press("Enter")
        await expect(page.locator("tr[data-monitor]")).to_have_count(10)


@pytest.mark.parametrize("theme", get_args(Theme))
async def test_axe_finds_no_violation_on_any_page(
    home: Home, clock: StandingClock, theme: Theme
) -> None:
    home.declare("kind: Monitor", file_name="broken.yaml")
    async with exporter_here(home, clock) as client, browsing(theme=theme) as page:
        await push(client, "alpha", "down", "disk full")
        await push(client, "beta", "up", "done")
        await client.push(body=b"status=sideways")
        clock.advance(330)
        for path in ("/", "/?limit=1", "/?search=nothing", "/monitors/jobs/alpha"):
            await page.goto(client.url + path)
            found = await Axe().run(page)
            assert found.violations_count == 0, found.generate_report()


async def test_axe_finds_no_violation_where_there_is_no_monitor(
    tmp_path: Path, clock: StandingClock
) -> None:
    home = Home(tmp_path)
    home.manifests.mkdir()
    async with exporter_here(home, clock) as client, browsing() as page:
        await page.goto(client.url)
        found = await Axe().run(page)
        assert found.violations_count == 0, found.generate_report()


async def test_on_a_phone_the_further_filters_are_folded_until_one_is_used(
    home: Home, clock: StandingClock
) -> None:
    async with exporter_here(home, clock) as client, browsing(size=PHONE) as page:
        await page.goto(client.url)
        await expect(page.get_by_label("Search")).to_be_visible()
        await expect(page.locator("select[name=namespace]")).to_be_hidden()
        await page.get_by_text("Namespace and label").click()
        await page.locator("select[name=namespace]").select_option("shop")
        await page.get_by_role("button", name="Filter").click()
        await expect(page.locator("tr[data-monitor]")).to_have_count(1)
        await expect(page.locator("select[name=namespace]")).to_be_visible()


@pytest.mark.parametrize("path", ["/", "/monitors/jobs/alpha"])
async def test_on_a_phone_nothing_is_wider_than_the_window(
    home: Home, clock: StandingClock, path: str
) -> None:
    async with exporter_here(home, clock) as client, browsing(size=PHONE) as page:
        await push(client, "alpha", "down", "x" * 5000)
        await client.push("alpha", body=b"status=sideways")
        await page.goto(client.url + path)
        found = await Axe().run(page)

        assert await page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]
        assert found.violations_count == 0, found.generate_report()

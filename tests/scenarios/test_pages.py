"""Pages for people."""

import pytest

from tests.exporters import Client, Home, StandingClock, exporter_here
from tests.manifests import monitor_yaml, secret_yaml


async def page(client: Client, path: str) -> str:
    answer = await client.request("GET", path)
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    return answer.body.decode()


async def test_without_a_monitor_the_page_says_how_to_add_one(
    home: Home, clock: StandingClock
) -> None:
    home.manifests.mkdir()
    async with exporter_here(home, clock) as client:
        text = await page(client, "/")

    assert "No monitors yet" in text
    assert "kind: Monitor" in text
    assert f"curl --fail-with-body -X POST {client.url}/api/push/jobs/nightly-backup" in text
    assert 'href="metrics"' in text  # relative: a proxy may serve the page below a path


async def test_the_list_shows_the_urgent_first_with_their_counts(
    home: Home, clock: StandingClock
) -> None:
    home.declare(
        monitor_yaml("a-up"), monitor_yaml("b-silent"), monitor_yaml("c-down"), secret_yaml()
    )
    async with exporter_here(home, clock) as client:
        await client.push("a-up")
        await client.push("c-down", body=b'{"status": "down", "message": "disk full"}')
        text = await page(client, "/")

    assert text.index("c-down</a>") < text.index("b-silent</a>") < text.index("a-up</a>")
    assert '<strong data-count="down">1</strong> down' in text
    assert "reported down" in text
    assert "disk full" in text


async def test_the_list_is_filtered_by_state_namespace_label_and_text(
    home: Home, clock: StandingClock
) -> None:
    home.declare(
        monitor_yaml("alpha", labels={"team": "red"}),
        monitor_yaml("beta", namespace="shop"),
        secret_yaml(),
        secret_yaml(namespace="shop"),
    )
    async with exporter_here(home, clock) as client:
        shown = {
            query: [
                name for name in ("alpha", "beta") if f"{name}</a>" in await page(client, query)
            ]
            for query in (
                "/",
                "/?state=up",
                "/?namespace=shop",
                "/?label=team%3Dred",
                "/?search=BET",
            )
        }

    assert shown == {
        "/": ["alpha", "beta"],
        "/?state=up": [],
        "/?namespace=shop": ["beta"],
        "/?label=team%3Dred": ["alpha"],
        "/?search=BET": ["beta"],
    }


async def test_the_list_has_pages(home: Home, clock: StandingClock) -> None:
    home.declare(*(monitor_yaml(f"job-{n}") for n in range(5)), secret_yaml())
    async with exporter_here(home, clock) as client:
        second = await page(client, "/?limit=2&page=2")
        beyond = await page(client, "/?page=9")

    assert "job-2</a>" in second
    assert "job-1</a>" not in second
    assert "Page 2 of 3, 5 monitors" in second
    assert "There is no page 9" in beyond


async def test_a_query_that_cannot_be_read_is_explained(home: Home, clock: StandingClock) -> None:
    async with exporter_here(home, clock) as client:
        answer = await client.request("GET", "/?state=broken")

    assert answer.status == 400
    assert b"state: expected one of pending, up, late, down, paused" in answer.body


async def test_the_page_of_a_monitor_shows_its_state_and_its_last_push(
    home: Home, clock: StandingClock
) -> None:
    home.declare(monitor_yaml(labels={"severity": "page"}), secret_yaml())
    async with exporter_here(home, clock) as client:
        before = await page(client, "/monitors/jobs/backup")
        await client.push(body=b'{"status": "down", "message": "disk full"}')
        after = await page(client, "/monitors/jobs/backup")

    assert "No push has come yet" in before
    assert "The last push, at 2023-11-14 22:13:20 UTC, said down." in after
    assert "disk full" in after
    assert "<bdi>severity</bdi>=<bdi>page</bdi>" in after
    assert f"{client.url}/api/push/jobs/backup" in after


async def test_the_pages_show_what_is_wrong_with_the_exporter_itself(
    home: Home, clock: StandingClock
) -> None:
    home.declare(monitor_yaml(), "apiVersion: v1\nkind: Secret\nmetadata: 7\n")
    async with exporter_here(home, clock) as client:
        text = await page(client, "/")

    assert "problem" in text
    assert "expected a token under the key token" in text


async def test_the_page_of_a_monitor_shows_its_last_rejections_and_no_secret(
    home: Home, clock: StandingClock
) -> None:
    async with exporter_here(home, clock) as client:
        before = (await client.request("GET", "/monitors/jobs/backup")).body.decode()
        await client.push(token="guessed-by-a-stranger")
        await client.push(body=b'{"status": "sideways"}')
        after = (await client.request("GET", "/monitors/jobs/backup")).body.decode()

    assert "None since the start of the exporter" in before
    assert after.index("<td>malformed") < after.index("<td>unauthorized")  # the newest first
    assert "the token is none of the monitor" in after
    assert "guessed" not in after
    assert "sideways" not in after


async def test_a_message_cannot_add_anything_to_the_page(home: Home, clock: StandingClock) -> None:
    body = b'{"status": "up", "message": "<script>alert(1)</script>&\\"\'"}'
    async with exporter_here(home, clock) as client:
        await client.push(body=body)
        answer = await client.request("GET", "/monitors/jobs/backup")

    assert b"<script>" not in answer.body
    assert b"&lt;script&gt;alert(1)&lt;/script&gt;&amp;&#34;&#39;" in answer.body
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


async def test_a_monitor_that_is_not_declared_has_no_page(home: Home, clock: StandingClock) -> None:
    async with exporter_here(home, clock) as client:
        assert (await client.request("GET", "/monitors/jobs/unknown")).status == 404


async def test_the_page_of_a_monitor_shows_its_last_pushes_and_its_availability(
    home: Home, clock: StandingClock
) -> None:
    async with exporter_here(home, clock) as client:
        await client.push(body=b"status=down", content_type=None)
        clock.advance(3)
        await client.push(body=b'{"status": "up", "message": "first line\\nsecond line"}')
        clock.advance(9)
        text = await page(client, "/monitors/jobs/backup")

    assert "<summary><bdi>first line</bdi> …</summary>" in text
    assert "75 %" in text
    assert "The last 1 d: down once, for 3 s." in text
    assert 'class="down" x="' in text
    assert "127.0.0.1<" not in text
    assert "survive a restart" in text


async def test_client_addresses_and_messages_are_shown_as_the_flags_say(
    home: Home, clock: StandingClock
) -> None:
    home.flags = ["--web.show-client-addresses", "--web.hide-messages"]
    async with exporter_here(home, clock) as client:
        await client.push(body=b'{"status": "down", "message": "disk full"}')
        texts = [
            await page(client, "/"),
            await page(client, "/monitors/jobs/backup"),
            (await client.request("GET", "/api/v1/monitors")).body.decode(),
            (await client.request("GET", "/api/v1/monitors/jobs/backup")).body.decode(),
        ]

    assert [text for text in texts if "disk full" in text] == []
    assert "<td>127.0.0.1</td>" in texts[1]
    assert '"clientAddress": "127.0.0.1"' in texts[3]


@pytest.mark.parametrize(
    ("path", "location"),
    [("/", "jobs/yuptime/"), ("/jobs/yuptime", "yuptime/"), ("/jobs/yuptime/", None)],
)
async def test_the_root_and_a_prefix_without_a_slash_lead_to_the_list(
    home: Home, clock: StandingClock, path: str, location: str | None
) -> None:
    """prometheus/alertmanager#2235, prometheus/pushgateway#190."""
    home.flags = ["--web.route-prefix=/jobs/yuptime"]
    async with exporter_here(home, clock, ready_path="/jobs/yuptime/-/ready") as client:
        answer = await client.request("GET", path, allow_redirects=False)

    assert answer.status == (302 if location else 200)
    assert answer.headers.get("Location") == location

"""Pages for people."""

from tests.exporters import Home, StandingClock, exporter_here
from tests.manifests import monitor_yaml, secret_yaml


async def test_the_landing_page_says_how_to_push(home: Home, clock: StandingClock) -> None:
    async with exporter_here(home, clock) as client:
        answer = await client.request("GET", "/")

    text = answer.body.decode()
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert f"curl -X POST {client.url}/api/push/NAMESPACE/NAME" in text
    assert 'href="metrics"' in text  # relative: a proxy may serve the page below a path


async def test_the_page_of_a_monitor_shows_its_state_and_its_last_push(
    home: Home, clock: StandingClock
) -> None:
    home.declare(monitor_yaml(labels={"severity": "page"}), secret_yaml())
    async with exporter_here(home, clock) as client:
        before = (await client.request("GET", "/monitors/jobs/backup")).body.decode()
        await client.push(body=b'{"status": "down", "message": "disk full"}')
        after = (await client.request("GET", "/monitors/jobs/backup")).body.decode()

    assert "pending (awaiting_first_push)" in before
    assert "<td>never</td>" in before
    assert "down (reported_down)" in after
    assert "disk full" in after
    assert "2023-11-14 22:13:20 UTC" in after
    assert "severity=page" in after


async def test_the_page_of_a_monitor_shows_its_last_rejections_and_no_secret(
    home: Home, clock: StandingClock
) -> None:
    async with exporter_here(home, clock) as client:
        before = (await client.request("GET", "/monitors/jobs/backup")).body.decode()
        await client.push(token="guessed-by-a-stranger")
        await client.push(body=b'{"status": "sideways"}')
        after = (await client.request("GET", "/monitors/jobs/backup")).body.decode()

    assert "Rejected pushes" not in before
    assert after.index("malformed") < after.index("unauthorized")  # the newest first
    assert "the token is none of the monitor" in after
    assert "guessed" not in after
    assert "sideways" not in after


async def test_a_message_cannot_add_anything_to_the_page(home: Home, clock: StandingClock) -> None:
    body = b'{"status": "up", "message": "<script>alert(1)</script>&\\"\'"}'
    async with exporter_here(home, clock) as client:
        await client.push(body=body)
        answer = await client.request("GET", "/monitors/jobs/backup")

    assert b"<script>" not in answer.body
    assert b"&lt;script&gt;alert(1)&lt;/script&gt;&amp;&quot;&#x27;" in answer.body
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


async def test_a_monitor_that_is_not_declared_has_no_page(home: Home, clock: StandingClock) -> None:
    async with exporter_here(home, clock) as client:
        assert (await client.request("GET", "/monitors/jobs/unknown")).status == 404

"""Push URLs of Uptime Kuma as its users and their programs call them."""

from collections.abc import Mapping

import pytest

from tests.field.pinging import Outcome, Ping, check, replayed

ROUTER = "louislam/uptime-kuma server/routers/api-router.js"
JSON = "Content-Type: application/json"
OK = b'{"ok": true}'
REFUSED = b'"ok": false'

PINGS = [
    Ping("The push URL as Kuma's page offers it today.", ROUTER, "GET /api/push/{own}?status=up&msg=OK&ping=", recorded=("up", "OK"), answers=OK),
    Ping("The push URL as Kuma's page offered it in 1.15 says status=true, which Kuma read as down.", "louislam/uptime-kuma#1613", "GET /api/push/{own}?status=true&msg=OK&ping=", status=404, answers=REFUSED),
    Ping("A wrong word for the status changes nothing in either direction.", "louislam/uptime-kuma#1593", "GET /api/push/{own}?status=ok", status=404, answers=b"expected up or down"),
    Ping("Without a status a push is up.", ROUTER, "GET /api/push/{own}", recorded=("up", ""), answers=OK),
    Ping("Only a message and a time is up.", "louislam/uptime-kuma#679", "GET /api/push/{own}?msg=OK&ping=100", recorded=("up", "OK")),
    Ping("A POST to a URL with a slash before the query.", "louislam/uptime-kuma#4440", "POST /api/push/{own}/?status=down&msg=disk%20space%2093%25&ping=", recorded=("down", "disk space 93%")),
    Ping("A message of a failure is kept.", "louislam/uptime-kuma#3218", "GET /api/push/{own}?status=down&msg=3%20devices%20offline", recorded=("down", "3 devices offline")),
    Ping("An unquoted & in the shell sends only the status.", "louislam/uptime-kuma#4992", "GET /api/push/{own}?status=down", recorded=("down", "")),
    Ping("An unquoted & and an empty variable send an empty status, which Kuma reads as up.", "louislam/uptime-kuma#4992", "GET /api/push/{own}?status=", status=404, answers=REFUSED),
    Ping("An empty message is no message.", "favonia/cloudflare-ddns#615", "GET /api/push/{own}?status=down&msg=&ping=", recorded=("down", "")),
    Ping("Another program's own reading of the URL ignored the query, so that down was up.", "0xfurai/peekaping#290", "GET /api/push/{own}?status=down&msg=failed&ping=500", recorded=("down", "failed")),
    Ping("Users send the status as JSON, which Kuma ignores: down was up.", "louislam/uptime-kuma#6964", "POST /api/push/{own}", (JSON,), b'{"status": "down", "msg": "UPS on battery"}', recorded=("down", "UPS on battery")),
    Ping("Users send the status as JSON in capitals.", "louislam/uptime-kuma#6964", "POST /api/push/{own}", (JSON,), b'{"status": "UP", "msg": "UPS on battery"}', status=404, answers=REFUSED),
    Ping("A webhook of another program posts its own JSON, which says nothing about up.", "", "POST /api/push/{own}", (JSON,), b'{"state": "failed", "text": "x"}', status=404, answers=REFUSED),
    Ping("Measurements hang on the URL as further fields.", "louislam/uptime-kuma#7492", "GET /api/push/{own}?status=up&msg=OK&measurement=21&threshold=30", recorded=("up", "OK")),
    Ping("An info about a start is no status of Kuma, and none here.", "louislam/uptime-kuma#1605", "GET /api/push/{own}?status=info&msg=started", status=404, answers=REFUSED),
    Ping("A token that does not exist.", "maxxoverclocker/uptimekuma-pfsense-gw-status#9", "GET /api/push/XXXXXXXXXX?status=up&msg=OK&ping=0", status=404, answers=b"Monitor not found or not active."),
    Ping("Go's client sends GET with three fields.", "favonia/cloudflare-ddns#442", "GET /api/push/{own}?msg=Up+to+date&ping=&status=up", ("User-Agent: Go-http-client/1.1", "Accept-Encoding: gzip"), recorded=("up", "Up to date")),
    Ping("borgmatic sends the state of the backup.", "borgmatic-collective/borgmatic borgmatic/hooks/monitoring/uptime_kuma.py", "GET /api/push/{own}?status=down&msg=fail", ("User-Agent: borgmatic", "Accept: */*"), recorded=("down", "fail")),
    Ping("A percent sign stands in a message as it is.", "louislam/uptime-kuma#819", "GET /api/push/{own}?status=down&msg=Disk%20usage%20is%20high:93%", recorded=("down", "Disk usage is high:93%")),
    Ping("An & in a message ends it, and costs no status behind it.", "", "GET /api/push/{own}?msg=R&D%20failed&status=down", recorded=("down", "R")),
    Ping("wget --spider sends HEAD.", "", "HEAD /api/push/{own}?status=up", ("User-Agent: Wget/1.21.4",), recorded=("up", "")),
    Ping("A status twice says nothing.", ROUTER, "GET /api/push/{own}?status=up&status=down", status=404, answers=b"got twice"),
    Ping("A misspelt name of the status is not up.", "", "GET /api/push/{own}?Status=down", status=404, answers=REFUSED),
    Ping("A token of several monitors says nothing about which is meant.", "", "GET /api/push/{shared}?status=up", status=404, answers=REFUSED),
    Ping("A preflight of a browser is no push.", "", "OPTIONS /api/push/{own}?status=up", status=405),
    Ping("A base URL that has the whole query already gets a second one behind it.", "tobias-carlbom/uptime-kuma-agent#2", "GET /api/push/{own}?status=up&msg=OK&ping=?status=up&msg=OK&ping=0.235", recorded=("up", "OK"), answers=OK),
    Ping("A time that is a word is no time, and costs no push.", "louislam/uptime-kuma#3343", "GET /api/push/{own}?status=up&msg=OK&ping=rainy", recorded=("up", "OK"), answers=OK),
    Ping("A time of two hours is too large for a column of Kuma.", "fscorrupt/posterizarr#162", "GET /api/push/{own}?status=up&msg=OK&ping=6941333", recorded=("up", "OK"), answers=OK),
    Ping("Another program's push URL wants 1 for up, which is no word of Kuma.", "0xfurai/peekaping#227", "GET /api/push/{own}?status=1&msg=OK&ping=123", status=404, answers=REFUSED),
    Ping("A field that Kuma was asked for says that the job failed.", "louislam/uptime-kuma#961", "GET /api/push/{own}?set_health=false", status=404, answers=REFUSED),
]  # fmt: skip


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Outcome]:
    return replayed(PINGS, tmp_path_factory.mktemp("field"))


@pytest.mark.parametrize("ping", PINGS, ids=str)
def test_only_up_is_up_and_only_down_is_down(ping: Ping, outcomes: Mapping[str, Outcome]) -> None:
    check(ping, outcomes[ping.sentence])

"""Pushes in the query, and methods other than POST."""

from collections.abc import Mapping

import pytest

from tests.field.replaying import Case, Outcome, check, replayed, sent
from tests.field.running import FORM, JSON

QUERIES = [
    Case(
        "Scripts report a failure in the query of a POST without a body, as Kuma's push URL taught them.",
        "louislam/uptime-kuma#4440",
        sent(query=b"?status=down&message=disk%20space%2093%25"),
        recorded=("down", "disk space 93%"),
    ),
    Case(
        "The push URL that Kuma's own page offers says status=true.",
        "louislam/uptime-kuma#1613",
        sent(query=b"?status=true&msg=OK&ping="),
        status=400,
        says=("status, message, runId",),
    ),
    Case(
        "An unquoted & in the shell sends only the first parameter; the rest of the URL runs as background commands.",
        "louislam/uptime-kuma#4992",
        sent(query=b"?status=down"),
        recorded=("down", ""),
    ),
    Case(
        "A percent sign in a message is put into the URL as it is.",
        "louislam/uptime-kuma#819",
        sent(query=b"?status=down&message=Disk%20usage%20is%20high:93%"),
        recorded=("down", "Disk usage is high:93%"),
    ),
    Case(
        "A pinger's URL says status=ok (Sentry's word) and nothing else.",
        "getsentry/sentry#105192",
        sent(query=b"?status=ok"),
        status=400,
        says=('"up", "down", "start" or "log"',),
    ),
    Case(
        "A script gives the status in the query and in the body to be sure, because the docs are unclear.",
        "getsentry/sentry#68161",
        sent(b"status=down", FORM, query=b"?status=up"),
        status=400,
        says=("twice",),
    ),
    Case(
        "Query and body agree, each with its own field: status in the URL, log as the body field.",
        "getsentry/sentry#68161",
        sent(b"message=exit+2", FORM, query=b"?status=down"),
        recorded=("down", "exit 2"),
    ),
    Case(
        "Measurements are hung onto the push URL as further parameters.",
        "louislam/uptime-kuma#7492",
        sent(query=b"?status=up&message=OK&measurement=21&threshold=30"),
        status=400,
        says=("status, message, runId",),
    ),
    Case(
        "The status is misspelt in the query (state=down), so the request looks as if it had no status.",
        "louislam/uptime-kuma#1613",
        sent(query=b"?state=down"),
        status=400,
        says=('did you mean "status"',),
    ),
    Case(
        "A wrapper gives the exit state as success=false, which is Gatus' way.",
        "",
        sent(query=b"?success=false&error=timeout"),
        status=400,
        says=("status, message, runId",),
    ),
    Case(
        "A semicolon stands in a message, and other servers cut the value there.",
        "tornadoweb/tornado#2712",
        sent(query=b"?status=down&message=face;book"),
        recorded=("down", "face;book"),
    ),
    Case(
        "A percent sign stands before a space and a letter, which is no escape.",
        "adnanh/webhook#598",
        sent(query=b"?status=down&message=disk+at+93%+above+90%+a"),
        recorded=("down", "disk at 93% above 90% a"),
    ),
    Case(
        "Python writes spaces as plus signs in a query.",
        "qbittorrent/qBittorrent#10606",
        sent(query=b"?status=up&message=delete+after+upload"),
        recorded=("up", "delete after upload"),
    ),
    Case(
        "Encoded special characters are no end of the value.",
        "n8n-io/n8n#5163",
        sent(query=b"?message=job%20%234%20100%25%20%2A%20%26%20done&status=up"),
        recorded=("up", "job #4 100% * & done"),
    ),
    Case(
        "A client encodes plus and semicolon, since servers read them in different ways.",
        "rabbitmq/hop#662",
        sent(query=b"?status=down&message=a%2Bb%3Bc"),
        recorded=("down", "a+b;c"),
    ),
    Case(
        "The same parameter stands twice in the query, from a template that appends.",
        "",
        sent(query=b"?status=up&status=down"),
        status=400,
        says=("twice",),
    ),
    Case(
        "The token is put into the query and the status beside it.",
        "",
        sent(query=b"?status=down&token=x"),
        status=400,
        says=("status, message, runId",),
    ),
    Case(
        "A variable is empty, so the query ends in status=.",
        "louislam/uptime-kuma#4992",
        sent(query=b"?status=&message=x"),
        status=400,
        says=('"up", "down", "start" or "log"',),
    ),
    Case(
        "A cache buster is appended by the HTTP library (?_=1700000000).",
        "",
        sent(query=b"?_=1700000000"),
        status=400,
        says=("status, message, runId",),
    ),
    Case(
        "The URL ends in a bare question mark.",
        "",
        sent(query=b"?"),
        recorded=("up", ""),
    ),
    Case(
        "The script appends the query after a trailing slash of the URL.",
        "louislam/uptime-kuma#4440",
        sent(query=b"/?status=down&message=x"),
        status=404,
        says=("/api/push/",),
    ),
    Case(
        "The message in the query is Latin-1, percent-encoded by a shell in that locale.",
        "healthchecks/healthchecks#574",
        sent(query=b"?status=down&message=Espace%20disque%20lib%E9r%E9"),
        recorded=("down", "Espace disque lib�r�"),
    ),
    Case(
        "Raw UTF-8 bytes stand in the query, unencoded.",
        "homematic-community/hm-watchdog#14",
        sent(query=b"?status=down&message=Gr\xc3\xb6\xc3\x9fe"),
        status=400,
    ),
]

METHODS = [
    Case(
        "A GET pinger, as healthchecks and Kuma take it, with the status in the query.",
        "mcguirepr89/BirdNET-Pi#598",
        sent(query=b"?status=down", method=b"GET"),
        status=405,
    ),
    Case(
        "HEAD from wget --spider.",
        "instill-ai/instill-core#1277",
        sent(method=b"HEAD"),
        status=405,
    ),
    Case(
        "PUT, the default of Pushgateway clients and of curl -T.",
        "cloudfoundry-community/slack-notification-resource#64",
        sent(b"status=down\n", method=b"PUT"),
        status=405,
    ),
    Case(
        "An OPTIONS preflight of a browser must not count as a push.",
        "",
        sent(method=b"OPTIONS"),
        status=405,
    ),
    Case(
        "A redirect by a proxy turns POST into GET and drops the body.",
        "espressif/arduino-esp32#8300",
        sent(b"", JSON, headers=b"Content-Length: 0\r\n", method=b"GET"),
        status=405,
    ),
]


CASES = [*QUERIES, *METHODS]


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Outcome]:
    return replayed(CASES, tmp_path_factory.mktemp("field"))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_query_is_read_like_a_form(case: Case, outcomes: Mapping[str, Outcome]) -> None:
    check(case, outcomes[case.sentence])

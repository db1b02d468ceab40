"""Pings of healthchecks.io as curl, wget, libraries and wrappers send them."""

from collections.abc import Mapping

import pytest

from tests.field.pinging import Outcome, Ping, check, replayed

TESTS = "healthchecks/healthchecks hc/api/tests/test_ping.py"
SLUG_TESTS = "healthchecks/healthchecks hc/api/tests/test_ping_by_slug.py"
RUN = "1fd3a0a8-2c1f-4d4e-9d0c-7a1c7b6f3a11"
CURL = ("User-Agent: curl/8.5.0", "Accept: */*")
URLLIB = ("User-Agent: Python-urllib/3.11", "Accept-Encoding: identity")
FORM = "Content-Type: application/x-www-form-urlencoded"

UP, DOWN, STARTED = ("up", ""), ("down", ""), ("None", "")

PINGS = [
    Ping("curl -fsS -m 10 --retry 5 is the ping of every example.", "healthchecks/healthchecks#429", "GET /ping/{own}", CURL, recorded=UP, answers=b"\r\n\r\nOK"),
    Ping("A GET counts, and pages in browsers may read the answer.", TESTS, "GET /ping/{own}", recorded=UP, answers=b"Access-Control-Allow-Origin: *"),
    Ping("Clients read from the answer how much of their log is kept.", "bdd/runitor internal/api.go", "GET /ping/{own}", recorded=UP, answers=b"Ping-Body-Limit: 10000"),
    Ping("No proxy may keep the answer.", TESTS, "GET /ping/{own}", recorded=UP, answers=b"Cache-Control: no-store"),
    Ping("A POST of text is a success with a log.", TESTS, "POST /ping/{own}", ("Content-Type: text/plain",), b"hello world", recorded=("up", "hello world")),
    Ping("A HEAD counts, as wget --spider sends it.", TESTS, "HEAD /ping/{own}", ("User-Agent: Wget/1.21.4",), recorded=UP),
    Ping("A PUT counts, as curl -T sends a log.", "", "PUT /ping/{own}", CURL, b"log", recorded=("up", "log")),
    Ping("A preflight of a browser is no ping, otherwise every failure would begin with a success.", "", "OPTIONS /ping/{own}", ("Origin: https://x.example", "Access-Control-Request-Method: POST"), status=405),
    Ping("An unknown UUID is not found.", TESTS, "GET /ping/07c2f548-9850-4b27-af5d-6c9dc157ec02", status=404, answers=b"\r\n\r\nnot found"),
    Ping("A UUID without dashes is another token.", TESTS, "GET /ping/07c2f54898504b27af5d6c9dc157ec02/", status=404),
    Ping("The hosted service answers 200 for a UUID that does not exist, which hides a typing error.", "healthchecks/healthchecks#741", "GET /ping/{own}x", CURL, status=404),
    Ping("A slash at the end of the URL is a habit of proxies and people.", TESTS, "GET /ping/{own}/", CURL, recorded=UP),
    Ping("A client that keeps the slash makes two of it before its word, and must not succeed.", "", "GET /ping/{own}//fail", status=404),
    Ping("The host of the hosted service has no /ping before the UUID.", "Aterfax/pbs-client-docker#25", "GET /{own}", status=404),
    Ping("/fail is down.", TESTS, "GET /ping/{own}/fail", CURL, recorded=DOWN),
    Ping("/start leaves status and last push alone.", TESTS, "GET /ping/{own}/start", CURL, recorded=STARTED),
    Ping("Exit code 0 is a success.", TESTS, "GET /ping/{own}/0", CURL, recorded=UP),
    Ping("A script ends with curl URL/$? and nothing else.", "healthchecks/healthchecks#429", "GET /ping/{own}/123", CURL, recorded=DOWN),
    Ping("255 is what ssh ends with.", "", "GET /ping/{own}/255", CURL, recorded=DOWN),
    Ping("An exit code above 255 is refused.", TESTS, "GET /ping/{own}/256", status=400, answers=b"invalid url format"),
    Ping("Windows exits with codes of 32 bits, which are refused and not read as a name.", "", "GET /ping/{own}/3221225786", status=400, answers=b"from 0 to 255"),
    Ping("A negative exit code of Python's subprocess is no monitor's name.", "", "GET /ping/{own}/-9", status=404),
    Ping("An empty variable for the exit code is a success, as in the original: the URL is the same.", "", "GET /ping/{own}/", CURL, recorded=UP),
    Ping("A word with capitals is refused.", "", "GET /ping/{own}/FAIL", status=400, answers=b"invalid url format"),
    Ping("A word that does not exist is not found, and nothing turns green.", "", "GET /ping/{own}/failed", status=404),
    Ping("/log changes nothing.", "healthchecks/healthchecks templates/docs/http_api.md", "POST /ping/{own}/log", CURL, b"half done", recorded=STARTED),
    Ping("A ping key and a name.", SLUG_TESTS, "GET /ping/{shared}/{name}", CURL, recorded=UP, answers=b"Access-Control-Allow-Origin: *"),
    Ping("A ping key and a name, with POST.", SLUG_TESTS, "POST /ping/{shared}/{name}", ("Content-Type: text/plain",), b"hello world", recorded=("up", "hello world")),
    Ping("A ping key and a name, with HEAD.", SLUG_TESTS, "HEAD /ping/{shared}/{name}", recorded=UP),
    Ping("A ping key and a name, with /fail.", SLUG_TESTS, "GET /ping/{shared}/{name}/fail", recorded=DOWN),
    Ping("A ping key and a name, with /start.", SLUG_TESTS, "GET /ping/{shared}/{name}/start", recorded=STARTED),
    Ping("A ping key and a name, with exit code 0.", SLUG_TESTS, "GET /ping/{shared}/{name}/0", recorded=UP),
    Ping("A ping key and a name, with exit code 123.", SLUG_TESTS, "GET /ping/{shared}/{name}/123", recorded=DOWN),
    Ping("A name that the key does not have is not found.", SLUG_TESTS, "GET /ping/{shared}/bar", status=404, answers=b"\r\n\r\nnot found"),
    Ping("A wrong ping key is not found.", SLUG_TESTS, "GET /ping/rrrrrrrrrrrrrrrrrrrrrr/{name}", status=404, answers=b"\r\n\r\nnot found"),
    Ping("A key that several monitors have does not say which is meant.", SLUG_TESTS, "GET /ping/{shared}", status=409, answers=b"\r\n\r\nambiguous slug"),
    Ping("A name in capitals is refused before it is looked for.", "healthchecks/healthchecks hc/api/views.py", "GET /ping/{shared}/FOO", status=400, answers=b"invalid url format"),
    Ping("?create=1 makes no monitor, and a ping to an existing one counts.", "borgmatic-collective/borgmatic borgmatic/hooks/monitoring/healthchecks.py", "POST /ping/{shared}/{name}?create=1", recorded=UP),
    Ping("?create=1 of a monitor that is not declared is not found.", "healthchecks/healthchecks templates/docs/http_api.md", "POST /ping/{shared}/nonesuch?create=1", status=404),
    Ping("A run id is a UUID.", "healthchecks/healthchecks templates/docs/http_api.md", f"GET /ping/{{own}}/start?rid={RUN}", recorded=STARTED),
    Ping("A run id in capitals, as uuidgen of macOS writes it.", "", f"GET /ping/{{own}}?rid={RUN.upper()}", CURL, recorded=UP),
    Ping("A run id that is a number is refused.", "healthchecks/healthchecks hc/api/views.py", "GET /ping/{own}?rid=4711", status=400, answers=b"invalid uuid format"),
    Ping("An empty variable for the run id is refused.", "", "GET /ping/{own}/start?rid=", status=400, answers=b"invalid uuid format"),
    Ping("runitor posts the start.", "bdd/runitor internal/api.go", f"POST /ping/{{own}}/start?rid={RUN}", ("User-Agent: runitor/v1.4.1", "Content-Type: text/plain", "Accept-Encoding: gzip", "Content-Length: 0"), recorded=STARTED),
    Ping("runitor posts the exit code with the end of the output.", "bdd/runitor internal/api.go", f"POST /ping/{{own}}/1?rid={RUN}", ("User-Agent: runitor/v1.4.1", "Content-Type: text/plain", "Accept-Encoding: gzip"), b"cannot stat 'x'\n", recorded=("down", "cannot stat 'x'\n")),
    Ping("runitor posts a success as exit code 0.", "bdd/runitor internal/api.go", "POST /ping/{shared}/{name}/0", ("User-Agent: runitor/v1.4.1", "Content-Type: text/plain"), b"ok", recorded=("up", "ok")),
    Ping("healthchecks-decorator posts a traceback as if it were a form.", "danidelvalle/healthchecks-decorator", "POST /ping/{own}/fail", (*URLLIB, FORM), b'Traceback: x = "a&b=%"', recorded=("down", 'Traceback: x = "a&b=%"')),
    Ping("PowerShell's Invoke-RestMethod gets the URL.", "healthchecks/healthchecks#66", "GET /ping/{own}", ("User-Agent: Mozilla/5.0 (Windows NT; Windows NT 10.0; de-DE) WindowsPowerShell/5.1.19041.4648",), recorded=UP),
    Ping("PowerShell's Invoke-RestMethod posts text as a form, with line ends of Windows.", "healthchecks/healthchecks#575", "POST /ping/{own}/fail", ("User-Agent: Mozilla/5.0 (Windows NT; Windows NT 10.0; en-US) WindowsPowerShell/5.1.19041.4648", FORM), b"line 1\r\nline 2", recorded=("down", "line 1\nline 2")),
    Ping("The output of PowerShell 5 is UTF-16 with a byte order mark.", "", "POST /ping/{own}/1", CURL, "\ufeffFehler: Größe".encode("utf-16-le"), recorded=("down", "Fehler: Größe")),
    Ping("A declared charset is honoured.", "", "POST /ping/{own}/1", ("Content-Type: text/plain; charset=iso-8859-1",), "Größe".encode("latin-1"), recorded=("down", "Größe")),
    Ping("A log with NUL bytes stays readable.", "", "POST /ping/{own}/1", CURL, b"a\0b\0c", recorded=("down", "a\ufffdb\ufffdc")),
    Ping("A log with colours of a terminal cannot control the reader's.", "", "POST /ping/{own}/1", CURL, b"\x1b[31mfailed\x1b[0m", recorded=("down", "\ufffd[31mfailed\ufffd[0m")),
    Ping("JSON that says down is a log: the path says the status.", "", "POST /ping/{own}", ("Content-Type: application/json",), b'{"status":"down"}', recorded=("up", '{"status":"down"}')),
    Ping("curl -F sends a form of several parts, which is a log like any other.", "", "POST /ping/{own}/fail", ("Content-Type: multipart/form-data; boundary=x",), b"--x--", recorded=("down", "--x--")),
    Ping("A compressed log costs the words and not the status.", "", "POST /ping/{own}/fail", ("Content-Encoding: gzip", "Content-Type: text/plain"), b"\x1f\x8b", recorded=("down", "\ufffd\ufffd")),
    Ping("A library gives every GET a Content-Type and no body.", "", "GET /ping/{own}", ("Content-Type: application/json",), recorded=UP),
    Ping("A query that is for another program is ignored.", "", "GET /ping/{own}?_=1700000000&utm_source=mail", recorded=UP),
    Ping("A token with escapes is the same token.", "", "GET /ping/%7Bown%7D", status=404),
    Ping("More segments than a ping has are not found.", "", "GET /ping/{shared}/{name}/start/now", status=404),
    Ping("A script posts the end of its log with --data-raw, to a URL with /fail behind it.", "healthchecks/healthchecks#315", "POST /ping/{own}/fail", (*CURL, FORM), b"renew: 100% of a&b\nfailed", recorded=("down", "renew: 100% of a&b\nfailed")),
    Ping("A log that is cut off while it is piped into curl is no success.", "ironicbadger/ansible-role-snapraid#9", "POST /ping/{own}", (*CURL, "Transfer-Encoding: chunked"), cut=b"5\r\nhello\r\n", status=400),
    Ping("A base URL that ends in a slash makes two of them before the UUID, and must not succeed.", "KenKundert/emborg#45", "GET /ping//{own}/start", CURL, status=404),
    Ping("The base URL of a self-hosted server has /ping at its end.", "qdm12/ddns-updater#721", "GET /ping/{own}/start", ("User-Agent: Go-http-client/1.1",), recorded=STARTED),
    Ping("A client that takes every answer for an accepted ping gets no 2xx for a wrong URL.", "p2pool-starter-stack/pithead#560", "GET /ping/00000000-0000-0000-0000-000000000000/start", ("User-Agent: python-requests/2.32",), status=404),
]  # fmt: skip


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Outcome]:
    return replayed(PINGS, tmp_path_factory.mktemp("field"))


@pytest.mark.parametrize("ping", PINGS, ids=str)
def test_a_ping_says_by_its_path_how_the_job_ended(
    ping: Ping, outcomes: Mapping[str, Outcome]
) -> None:
    check(ping, outcomes[ping.sentence])

"""Bodies of pushes, as jobs, scripts and libraries send them: forms and JSON."""

from collections.abc import Mapping

import pytest

from tests.field.replaying import Case, Outcome, check, replayed, sent
from tests.field.running import FORM, JSON

FORMS = [
    Case(
        "A body from a file or from echo ends in a newline, so the last value does.",
        "louislam/uptime-kuma#819",
        sent(b"status=down\n", FORM),
        recorded=("down", ""),
    ),
    Case(
        "wget --post-file sends the file's last newline with it.",
        "rmyorston/busybox-w32#232",
        sent(
            b"status=down\n",
            FORM,
            headers=b"User-Agent: Wget/1.21.3\r\nAccept: */*\r\nAccept-Encoding: identity\r\n",
        ),
        recorded=("down", ""),
    ),
    Case(
        "PowerShell pipes a line with CRLF at its end.",
        "prometheus/pushgateway#722",
        sent(b"status=down\r\n", FORM),
        recorded=("down", ""),
    ),
    Case(
        "A DOS-edited file has one field per line instead of &.",
        "prometheus/pushgateway#147",
        sent(b"status=down\r\nmessage=disk full\r\n", FORM),
        status=400,
        says=('"up", "down", "start" or "log"', "separated by &"),
    ),
    Case(
        "wget --post-data sends a space unencoded.",
        "openwrt/packages#5032",
        sent(b"status=down&message=a b", FORM),
        recorded=("down", "a b"),
    ),
    Case(
        "A plus sign of the message is read as a space by every form decoder.",
        "postmanlabs/postman-app-support#8849",
        sent(b"status=down&message=a+b%2Bc", FORM),
        recorded=("down", "a b+c"),
    ),
    Case(
        "An unencoded % stands in a form message: curl -d 'message=disk at 93%'.",
        "louislam/uptime-kuma#819",
        sent(b"status=down&message=disk at 93% full", FORM),
        recorded=("down", "disk at 93% full"),
    ),
    Case(
        "An unencoded & in a form message makes a further field out of the rest.",
        "auanasgheps/snapraid-aio-script#98",
        sent(b"status=down&message=rsync a & b failed", FORM),
        status=400,
        says=("&", "%26"),
    ),
    Case(
        "The message holds an = and a base64 tail.",
        "",
        sent(b"status=down&message=key=abc==", FORM),
        recorded=("down", "key=abc=="),
    ),
    Case(
        'The status variable was empty: -d "status=$status".',
        "louislam/uptime-kuma#4992",
        sent(b"status=", FORM),
        status=400,
        says=("status",),
    ),
    Case(
        "A string builder leaves an empty last pair: status=down&.",
        "",
        sent(b"status=down&", FORM),
        recorded=("down", ""),
    ),
    Case(
        "Fields are separated by semicolons, as old CGI libraries do.",
        "",
        sent(b"status=down;message=x", FORM),
        status=400,
        says=("separated by &",),
    ),
    Case(
        "The form gives a field twice.",
        "",
        sent(b"status=up&status=down", FORM),
        status=400,
        says=("twice",),
    ),
    Case(
        "Kuma's names are used in the form: msg instead of message.",
        "louislam/uptime-kuma#4440",
        sent(b"status=down&msg=OK&ping=12", FORM),
        status=400,
        says=('did you mean "message"',),
    ),
    Case(
        "Upper case: status=DOWN.",
        "",
        sent(b"status=DOWN", FORM),
        status=400,
        says=('spelling of "down"',),
    ),
    Case(
        "The value has a space at its end: 'status=down '.",
        "",
        sent(b"status=down ", FORM),
        status=400,
        says=('spelling of "down"',),
    ),
    Case(
        "A form with a byte order mark in front, from an editor on Windows.",
        "1024XEngineer/bytemind#458",
        sent(b"\xef\xbb\xbfstatus=down", FORM),
        recorded=("down", ""),
    ),
    Case(
        "A form in a declared charset other than UTF-8.",
        "pallets/werkzeug#910",
        sent(
            b"status=down&message=\xb4\xc5\xc5\xcc\xc2\xfa",
            b"application/x-www-form-urlencoded; charset=GBK",
        ),
        recorded=("down", "磁盘满"),
    ),
    Case(
        "The exit code is sent as the whole body: curl -d $?.",
        "louislam/uptime-kuma#3155",
        sent(b"1", FORM),
        status=400,
    ),
    Case(
        "A log is sent as the whole body, as healthchecks takes it.",
        "healthchecks/healthchecks#571",
        sent(b"rsync: write failed: No space left on device (28)\n", FORM),
        status=400,
    ),
    Case(
        "A form without the status: message only.",
        "",
        sent(b"message=disk full", FORM),
        status=400,
        says=("status",),
    ),
    Case(
        "Eleven fields, more than the parser's limit.",
        "",
        sent(b"status=down&x0=1&x1=1&x2=1&x3=1&x4=1&x5=1&x6=1&x7=1&x8=1&x9=1&x10=1&x11=1", FORM),
        status=400,
        says=("unknown field",),
    ),
]

JSON_BODIES = [
    Case(
        "The same name stands twice in a JSON object, because a template merges defaults.",
        "kubernetes/kubernetes#99286",
        sent(b'{"status":"down","status":"up"}', JSON),
        status=400,
        says=("twice",),
    ),
    Case(
        "A multi-line log is pasted into JSON by the shell, newlines raw.",
        "Red5d/pushbullet-bash#50",
        sent(b'{"status":"down","message":"line 1\nline 2"}', JSON),
        recorded=("down", "line 1\nline 2"),
    ),
    Case(
        "curl's progress output (CR and tabs) ends up in a JSON string unescaped.",
        "tmknight/docker-autoheal#114",
        sent(
            b'{"status":"down","message":"  % Total\t% Received\r  0  0\r100 2\ncurl: (7) Failed to connect"}',
            JSON,
        ),
        recorded=("down", "  % Total\t% Received�  0  0�100 2\ncurl: (7) Failed to connect"),
    ),
    Case(
        "A Windows path is put into JSON without doubling its backslashes.",
        "ericferon/glpi-webhook#45",
        sent(b'{"status": "down",\n "message": "C:\\Users\\bernard\\log.txt missing"}', JSON),
        status=400,
        says=("line 2, column 16", "backslash"),
    ),
    Case(
        "The names of a webhook's template have no quotes.",
        "healthchecks/healthchecks#262",
        sent(b'{ status: "down", message: "backup went down" }', JSON),
        status=400,
        says=("line 1, column 3", "double quotes"),
    ),
    Case(
        "An example escapes the quotes although single quotes of the shell surround it.",
        "MicrosoftDocs/msteams-docs#1546",
        sent(rb"{\"status\": \"down\"}", JSON),
        status=400,
        says=("line 1, column 2",),
    ),
    Case(
        "A multi-line text is put into the body of a webhook's template as it is.",
        "louislam/uptime-kuma#7060",
        sent(b'{ "status": "down", "message": "Server DOWN\nping: 10ms\nstatus: offline" }', JSON),
        recorded=("down", "Server DOWN\nping: 10ms\nstatus: offline"),
    ),
    Case(
        "A text in HTML has attributes with double quotes.",
        "ericferon/glpi-webhook#15",
        sent(b'{"status": "down",\n"message": "<p class="x">1</p>"}', JSON),
        status=400,
        says=("line 2, column 23", "double quote"),
    ),
    Case(
        "A heredoc without an encoder puts a quoted word of the user into JSON.",
        "TinyAGI/tinyagi#98",
        sent(b'{\n  "message": "say "Hello"",\n  "status": "up"\n}\n', JSON),
        status=400,
        says=("line 2",),
    ),
    Case(
        "A double quote of the log ends the JSON string early.",
        "jellyfin/jellyfin-plugin-webhook#44",
        sent(b'{"status":"down","message":"cannot open "/dev/sda""}', JSON),
        status=400,
        says=("line 1, column 42", "double quote"),
    ),
    Case(
        "cmd.exe keeps single quotes and drops the double ones.",
        "curl/curl#4737",
        sent(b"'{status:down}'", JSON),
        status=400,
        says=("{",),
    ),
    Case(
        "PowerShell's curl strips the inner quotes: {status:down}.",
        "oreilly/couchdb-guide#533",
        sent(b"{status:down}", JSON),
        status=400,
        says=("line 1, column 2", "double quotes"),
    ),
    Case(
        'In single quotes the shell does not replace the variable: {"status":"$status"}.',
        "digitalocean/openapi#588",
        sent(b'{"status":"$status"}', JSON),
        status=400,
        says=("up", "down"),
    ),
    Case(
        "axios sends the text null for a body of null.",
        "axios/axios#4063",
        sent(b"null", JSON),
        status=400,
        says=("object", "null"),
    ),
    Case(
        "json=json.dumps(x) encodes twice: the body is a JSON string.",
        "oliver-zehentleitner/unicorn-binance-local-depth-cache#60",
        sent(b'"{\\"status\\": \\"down\\"}"', JSON),
        status=400,
        says=("object", "a string"),
    ),
    Case(
        "The body is a list with one object, as bulk APIs and PowerShell's ConvertTo-Json of an array make it.",
        "",
        sent(b'[{"status":"down"}]', JSON),
        status=400,
        says=("object", "a list"),
    ),
    Case(
        "The status is a boolean.",
        "louislam/uptime-kuma#1613",
        sent(b'{"status": false}', JSON),
        status=400,
        says=("up", "down"),
    ),
    Case(
        "The status is the exit code as a number.",
        "prometheus/pushgateway#83",
        sent(b'{"status": 1}', JSON),
        status=400,
        says=("up", "down"),
    ),
    Case(
        "The status is null, since jq found nothing.",
        "",
        sent(b'{"status": null, "message": "x"}', JSON),
        status=400,
        says=("up", "down"),
    ),
    Case(
        "Sentry's vocabulary: error.",
        "getsentry/sentry#47951",
        sent(b'{"status": "error"}', JSON),
        status=400,
        says=("up", "down"),
    ),
    Case(
        "Sentry's in_progress at the start of a job.",
        "getsentry/sentry#43017",
        sent(b'{"status": "in_progress"}', JSON),
        status=400,
        says=("up", "down"),
    ),
    Case(
        'The message is a number: {"message": 137}.',
        "",
        sent(b'{"status":"down","message":137}', JSON),
        recorded=("down", "137"),
    ),
    Case(
        "The message is null, since the variable was empty in jq.",
        "axios/axios#4099",
        sent(b'{"status":"down","message":null}', JSON),
        recorded=("down", ""),
    ),
    Case(
        "The message is a nested object, such as the error as Node serialises it.",
        "",
        sent(b'{"status":"down","message":{"code":"ENOSPC","errno":-28}}', JSON),
        recorded=("down", '{"code": "ENOSPC", "errno": -28}'),
    ),
    Case(
        "The message is a list of lines.",
        "",
        sent(b'{"status":"down","message":["a","b"]}', JSON),
        recorded=("down", '["a", "b"]'),
    ),
    Case(
        "A trailing comma.",
        "",
        sent(b'{"status":"down",}', JSON),
        status=400,
        says=("line 1", "column"),
    ),
    Case(
        "Comments in JSON.",
        "",
        sent(b'{\n  // failed\n  "status":"down"\n}', JSON),
        status=400,
        says=("line 2", "column"),
    ),
    Case(
        "Python's repr is sent instead of JSON.",
        "",
        sent(b"{'status': 'down'}", JSON),
        status=400,
        says=("line 1", "column"),
    ),
    Case(
        "A BOM stands before the JSON, from Set-Content -Encoding utf8.",
        "1024XEngineer/bytemind#458",
        sent(b'\xef\xbb\xbf{"status":"down"}', JSON),
        recorded=("down", ""),
    ),
    Case(
        "UTF-16 with BOM and the charset declared.",
        "fluxcd/flux2#1126",
        sent(
            b'\xff\xfe{\x00"\x00s\x00t\x00a\x00t\x00u\x00s\x00"\x00:\x00"\x00d\x00o\x00w\x00n\x00"\x00,\x00"\x00m\x00e\x00s\x00s\x00a\x00g\x00e\x00"\x00:\x00"\x00\xe9\x00"\x00}\x00',
            b"application/json; charset=utf-16",
        ),
        recorded=("down", "é"),
    ),
    Case(
        "Latin-1 bytes in JSON; Invoke-RestMethod encodes so unless charset is said.",
        "yzwijsen/chatgpt-powershell#4",
        sent(b'{"status":"down","message":"d\xe9j\xe0 vu"}', JSON),
        recorded=("down", "d�j� vu"),
    ),
    Case(
        "PowerShell 6/7 sends ? for characters outside Latin-1.",
        "PowerShell/PowerShell#10971",
        sent(b'{"status":"down","message":"????????"}', JSON),
        recorded=("down", "????????"),
    ),
    Case(
        "An empty object, from axios or a template without values.",
        "axios/axios#250",
        sent(b"{}", JSON),
        status=400,
        says=('"up", "down", "start" or "log"',),
    ),
    Case(
        "Only white space as the body, since the variable with the JSON was empty.",
        "",
        sent(b" \n", JSON),
        status=400,
        says=("white space",),
    ),
    Case(
        "Alertmanager's webhook JSON is pointed at the push URL.",
        "healthchecks/healthchecks#543",
        sent(
            b'{"receiver":"x","status":"firing","alerts":[{"status":"firing","labels":{"alertname":"Watchdog"}}],"version":"4"}',
            JSON,
        ),
        status=400,
    ),
    Case(
        "A name with other case: Status.",
        "kyverno/kyverno#2253",
        sent(b'{"Status":"down"}', JSON),
        status=400,
        says=('did you mean "status"',),
    ),
    Case(
        "Two JSON documents, one per line (an NDJSON sink of Vector or fluent-bit).",
        "fluent/fluent-bit#688",
        sent(b'{"status":"up"}\n{"status":"down"}\n', JSON),
        status=400,
        says=("line 2, column 1",),
    ),
    Case(
        "JSON with white space and a newline at its end.",
        "",
        sent(b'\r\n {"status" : "down"}\r\n', JSON),
        recorded=("down", ""),
    ),
    Case(
        "JSON sent under a form's type: curl -d and Java's URLConnection.",
        "spring-guides/gs-accessing-data-rest#11",
        sent(b'{"status":"down"}', FORM),
        recorded=("down", ""),
    ),
    Case(
        "JSON without any content type (Node's http.request).",
        "mdhiggins/ESP8266-HTTP-IR-Blaster#33",
        sent(b'{"status":"down"}'),
        recorded=("down", ""),
    ),
    Case(
        "A form's content without any content type.",
        "",
        sent(b"status=down"),
        recorded=("down", ""),
    ),
    Case(
        "fetch with a string body says text/plain;charset=UTF-8.",
        "axios/axios#250",
        sent(b'{"status":"down","message":"x"}', b"text/plain;charset=UTF-8"),
        recorded=("down", "x"),
    ),
    Case(
        "text/json, as old .NET and legacy services say.",
        "",
        sent(b'{"status":"down"}', b"text/json"),
        recorded=("down", ""),
    ),
    Case(
        "A vendor type that ends in +json.",
        "",
        sent(b'{"status":"down"}', b"application/vnd.acme.v3+json"),
        recorded=("down", ""),
    ),
    Case(
        "The content type is misspelt: applictaion/json.",
        "axios/axios#1067",
        sent(b'{"status":"down"}', b"applictaion/json"),
        status=415,
        says=("application/json",),
    ),
    Case(
        "The content type holds spaces and a charset that is no such: application / json; charset=Shift_JIS.",
        "axios/axios#3097",
        sent(b'{"status":"down"}', b"application / json; charset=Shift_JIS"),
        status=415,
    ),
    Case(
        "multipart/form-data from curl -F or FormData.",
        "humangenome/WindrosePlus#108",
        sent(
            b'------------------------3f8edd6e1b6b2eb1\r\nContent-Disposition: form-data; name="status"\r\n\r\ndown\r\n------------------------3f8edd6e1b6b2eb1--\r\n',
            b"multipart/form-data; boundary=----------------------3f8edd6e1b6b2eb1",
        ),
        status=415,
        says=("multipart", "--data-urlencode"),
    ),
    Case(
        "A gzip body with Content-Encoding, the default of OTLP and many log shippers.",
        "Metabuilder-Labs/tokenjam#365",
        sent(
            b"\x1f\x8b\x08\x00\xbe\xcd\x07k\x02\xff\xabV*.I,)-V\xb2RJ\xc9/\xcfS\xaa\x05\x00`\xd5\x06_\x11\x00\x00\x00",
            JSON,
            headers=b"Content-Encoding: gzip\r\n",
        ),
        status=415,
        says=("Content-Encoding",),
    ),
    Case(
        "A gzip body without Content-Encoding: gzip | curl --data-binary @-.",
        "prometheus/pushgateway#509",
        sent(
            b"\x1f\x8b\x08\x00\xbe\xcd\x07k\x02\xff\xabV*.I,)-V\xb2RJ\xc9/\xcfS\xaa\x05\x00`\xd5\x06_\x11\x00\x00\x00",
            FORM,
        ),
        status=400,
    ),
    Case(
        "zstd bodies from Vector.",
        "openobserve/openobserve#13726",
        sent(b"(\xb5/\xfd\x04\x00", JSON, headers=b"Content-Encoding: zstd\r\n"),
        status=415,
        says=("Content-Encoding",),
    ),
    Case(
        "The status is 'down' with a newline inside JSON.",
        "",
        sent(b'{"status":"down\\n"}', JSON),
        status=400,
        says=("up", "down"),
    ),
    Case(
        "NaN stands in an extra field, as Python's json writes it.",
        "",
        sent(b'{"status":"down","duration":NaN}', JSON),
        status=400,
    ),
    Case(
        "JSON nested 5,000 deep, by accident of a serializer or to hurt.",
        "",
        sent(b'{"status":"down","message":' + b"[" * 5000 + b"]" * 5000 + b"}", JSON),
        status=400,
    ),
    Case(
        "XML (Prometheus users know another format) is sent as application/xml.",
        "",
        sent(b"<status>down</status>", b"application/xml"),
        status=415,
        says=("application/json",),
    ),
    Case(
        "Pushgateway's text format is sent: curl --data-binary 'backup_ok 0'.",
        "prometheus/pushgateway#722",
        sent(b"backup_ok 0\n", FORM),
        status=400,
    ),
]


CASES = [*FORMS, *JSON_BODIES]


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Outcome]:
    return replayed(CASES, tmp_path_factory.mktemp("field"))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_body_is_read_without_turning_a_failure_into_a_success(
    case: Case, outcomes: Mapping[str, Outcome]
) -> None:
    check(case, outcomes[case.sentence])

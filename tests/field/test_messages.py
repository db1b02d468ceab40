"""Messages of pushes: encodings, characters that do harm, and lengths."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.exporters import Home, StandingClock, exporter_here, exporter_process
from tests.fakes.alertmanager import fake_alertmanager
from tests.field.replaying import Case, Outcome, check, replayed, sent
from tests.field.running import FORM, JSON
from tests.waiting import eventually
from yuptime_exporter.core.messages import SHOWN_CHARS

MIB = 1024 * 1024

MESSAGES = [
    Case(
        "Colours of a tool's output (ESC sequences) reach pages, mails and terminals.",
        "acmesh-official/acme.sh#913",
        sent(
            b"status=down&message=%1B%5B1%3B31%3B32m%3D%3D%3DStarting+cron%3D%3D%3D%1B%5B0m", FORM
        ),
        recorded=("down", "�[1;31;32m===Starting cron===�[0m"),
    ),
    Case(
        "A NUL in the message, escaped in JSON.",
        "getsentry/sentry#109559",
        sent(b'{"status":"down","message":"a\\u0000b"}', JSON),
        recorded=("down", "a�b"),
    ),
    Case(
        "A raw NUL byte in a form.",
        "brianc/node-postgres#2080",
        sent(b"status=down&message=a%00b", FORM),
        recorded=("down", "a�b"),
    ),
    Case(
        "A raw NUL byte inside a JSON string.",
        "kubernetes/kubernetes#58073",
        sent(b'{"status":"down","message":"a\x00b"}', JSON),
        recorded=("down", "a�b"),
    ),
    Case(
        "ESC stands raw inside a JSON string.",
        "benleb/ad-ench#16",
        sent(b'{"status":"down","message":"\x1b[1mlow battery\x1b[0m"}', JSON),
        recorded=("down", "�[1mlow battery�[0m"),
    ),
    Case(
        "Half an emoji, cut by a tool that counts UTF-16 units.",
        "UKGovernmentBEIS/inspect_ai#3802",
        sent(b'{"status":"down","message":"failed \\ud83d"}', JSON),
        recorded=("down", "failed �"),
    ),
    Case(
        "A lone low surrogate, from Python's surrogateescape of a file name.",
        "manatlan/reqman#12",
        sent(b'{"status":"down","message":"caf\\udce9.txt"}', JSON),
        recorded=("down", "caf�.txt"),
    ),
    Case(
        "An emoji as a pair of escapes.",
        "agent0ai/agent-zero#1773",
        sent(b'{"status":"down","message":"\\ud83c\\udf78"}', JSON),
        recorded=("down", "🍸"),
    ),
    Case(
        "Latin-1 in a form, percent-encoded: runitor's users on French Windows.",
        "bdd/runitor#28",
        sent(b"status=down&message=Espace%20disque%20lib%E9r%E9%20%3A%200", FORM),
        recorded=("down", "Espace disque lib�r� : 0"),
    ),
    Case(
        'Latin-1 raw in a form without charset (PowerShell -Body "…é").',
        "healthchecks/healthchecks#574",
        sent(b"status=down&message=ABCD\xe9e", FORM),
        recorded=("down", "ABCD�e"),
    ),
    Case(
        "cp850 of a Windows console (0x82 is é).",
        "healthchecks/healthchecks#574",
        sent(b"status=down&message=lib\x82r\x82", FORM),
        recorded=("down", "lib�r�"),
    ),
    Case(
        "JSON with charset=ISO-8859-1 declared, as Apache HttpClient 4.3 and TeamCity's hooks do.",
        "tcplugins/tcWebHooks#92",
        sent(b'{"status":"down","message":"\xdcberlauf"}', b"application/json; charset=ISO-8859-1"),
        recorded=("down", "Überlauf"),
    ),
    Case(
        "JSON in GBK with charset declared.",
        "owasp-modsecurity/ModSecurity#3347",
        sent(
            b'{"status":"down","message":"\xb4\xc5\xc5\xcc\xd2\xd1\xc2\xfa"}',
            b"application/json; charset=GBK",
        ),
        recorded=("down", "磁盘已满"),
    ),
    Case(
        "A charset that does not exist.",
        "pretix/pretix#6314",
        sent(b'{"status":"down","message":"\xc3\xa9"}', b"application/json; charset=utf-99"),
        recorded=("down", "é"),
    ),
    Case(
        "The charset's name stands in quotes and capitals.",
        "StackStorm/st2#2506",
        sent(b'{"status":"down","message":"\xc3\xa9"}', b'application/json; charset="UTF-8"'),
        recorded=("down", "é"),
    ),
    Case(
        "A charset that is a codec of Python and no charset (rot13, base64, unicode_escape).",
        "",
        sent(b'{"status":"down","message":"x"}', b"application/json; charset=rot13"),
        recorded=("down", "x"),
    ),
    Case(
        "charset=utf-7, a known way around filters.",
        "",
        sent(b'{"status":"down","message":"+ADw-script+AD4-"}', b"application/json; charset=utf-7"),
        recorded=("down", "+ADw-script+AD4-"),
    ),
    Case(
        "UTF-16LE without BOM and without charset: PowerShell's pipe into curl.exe.",
        "kubernetes/kubernetes#39007",
        sent(
            b'{\x00"\x00s\x00t\x00a\x00t\x00u\x00s\x00"\x00:\x00"\x00d\x00o\x00w\x00n\x00"\x00}\x00',
            JSON,
        ),
        recorded=("down", ""),
    ),
    Case(
        "UTF-8 cut in the middle of a character, by head -c.",
        "borgmatic-collective/docker-borgmatic#468",
        sent(b'{"status":"down","message":"4095 bytes \xc3"}', JSON),
        recorded=("down", "4095 bytes �"),
    ),
    Case(
        "A file name in another encoding within borg's output.",
        "borgbackup/borg#8183",
        sent(b'{"status":"down","message":"kokosnu\xc3.txt: skipped"}', JSON),
        recorded=("down", "kokosnu�.txt: skipped"),
    ),
    Case(
        "A database dump's bytes in the log (0xd5).",
        "YunoHost/yunohost#2316",
        sent(b"status=down&message=INSERT INTO x VALUES (\xd5\x01)", FORM),
        recorded=("down", "INSERT INTO x VALUES (��)"),
    ),
    Case(
        "Overlong and invalid UTF-8 (C0 80).",
        "",
        sent(b'{"status":"down","message":"a\xc0\x80b"}', JSON),
        recorded=("down", "a��b"),
    ),
    Case(
        "A surrogate encoded in UTF-8 (CESU-8, Java's modified UTF-8).",
        "",
        sent(b'{"status":"down","message":"\xed\xa0\xbd\xed\xb1\x8d"}', JSON),
        recorded=("down", "������"),
    ),
    Case(
        "A right-to-left override in a file name makes exe.txt of txt.exe.",
        "",
        sent(b"status=down&message=backup+of+%E2%80%AEtxt.exe+failed", FORM),
        recorded=("down", "backup of \ufffdtxt.exe failed"),
    ),
    Case(
        "Bidirectional isolates (U+2066-2069), the other half of the same trick.",
        "",
        sent(b"status=down&message=a%E2%81%A6b%E2%81%A9c", FORM),
        recorded=("down", "a\ufffdb\ufffdc"),
    ),
    Case(
        "C1 control characters (0x9b is CSI for some terminals).",
        "",
        sent(b"status=down&message=a%C2%9B31mred", FORM),
        recorded=("down", "a�31mred"),
    ),
    Case(
        "DEL and backspaces of a progress bar.",
        "",
        sent(b"status=down&message=10%25%08%08%0820%25%7F", FORM),
        recorded=("down", "10%���20%�"),
    ),
    Case(
        "Carriage returns of a progress bar overwrite the line in a terminal.",
        "tmknight/docker-autoheal#114",
        sent(b"status=down&message=++0%25%0D+50%25%0D100%25+failed", FORM),
        recorded=("down", "  0%� 50%�100% failed"),
    ),
    Case(
        "CRLF line ends.",
        "webhooksite/webhook.site#85",
        sent(b"status=down&message=line+1%0D%0Aline+2", FORM),
        recorded=("down", "line 1\nline 2"),
    ),
    Case(
        "Tabs and newlines are kept.",
        "webhooksite/webhook.site#85",
        sent(b"status=down&message=a%09b%0Ac", FORM),
        recorded=("down", "a\tb\nc"),
    ),
    Case(
        "The error stands last in 2,000 lines of log: FATAL: disk full.",
        "healthchecks/healthchecks#939",
        sent(
            b"status=down&message=start+of+run%0A"
            + b"copied+file%0A" * 3000
            + b"FATAL%3A+disk+full",
            FORM,
        ),
        recorded=(
            "down",
            (
                ("start of run\n" + "copied file\n" * 100)[:995]
                + " […] "
                + ("copied file\n" * 1000 + "FATAL: disk full")[-9000:]
            ),
        ),
    ),
    Case(
        "A log of 20 kB: the default limit of healthchecks is 10 kB and keeps the head.",
        "bdd/runitor#62",
        sent(b"status=down&message=" + b"H" * 10_000 + b"T" * 10_000, FORM),
        recorded=("down", "H" * 995 + " […] " + "T" * 9000),
    ),
    Case(
        "70 kB of log.",
        "healthchecks/healthchecks#571",
        sent(b"status=down&message=" + b"x" * 70_000, FORM),
        recorded=("down", "x" * 995 + " […] " + "x" * 9000),
    ),
    Case(
        "90 kB, the size of a real diagnostic log.",
        "bryanthaboi/gen1recomp#1382",
        sent(b'{"status":"down","message":"' + b"y" * 90_000 + b'"}', JSON),
        recorded=("down", "y" * 995 + " […] " + "y" * 9000),
    ),
    Case(
        "Just under 1 MiB.",
        "natlas/natlas#93",
        sent((b"status=down&message=").ljust(MIB, b"z"), FORM),
        recorded=("down", "z" * 995 + " […] " + "z" * 9000),
    ),
    Case(
        "More than 1 MiB: a core dump was attached.",
        "matomo-org/matomo#8240",
        sent((b"status=down&message=").ljust(MIB + 1000, b"z"), FORM),
        status=413,
    ),
    Case(
        "The status stands behind 900 kB of message.",
        "kube-HPC/hkube#20",
        sent(b"message=" + b"z" * 900_000 + b"&status=down", FORM),
        recorded=("down", "z" * 995 + " […] " + "z" * 9000),
    ),
    Case(
        "A message of 1,100 characters loses its end, where the exit code stands.",
        "lemonsaurus/blackbox#155",
        sent(b"status=down&message=" + b"e" * 1090 + b"+exit%3D137", FORM),
        recorded=("down", "e" * 1090 + " exit=137"),
    ),
    Case(
        "A cut falls into an emoji or a combining sequence.",
        "getsentry/sentry#122361",
        sent(("status=down&message=" + "é" * 1023 + "👩‍👩‍👧" + "x" * 20_000).encode(), FORM),
        recorded=("down", "é" * 995 + " […] " + "x" * 9000),
    ),
    Case(
        "HTML in the message.",
        "vsolovyov/webpack-error-notification#4",
        sent(
            b"status=down&message=%3Cscript%3Ealert%281%29%3C%2Fscript%3E%3Cb%3Ex%3C%2Fb%3E", FORM
        ),
        recorded=("down", "<script>alert(1)</script><b>x</b>"),
    ),
    Case(
        "Go template braces in the message, {{ .Labels }}.",
        "prometheus/alertmanager#307",
        sent(b"status=down&message=%7B%7B+.Labels.severity+%7D%7D+%7B%7B+range+%7D%7D", FORM),
        recorded=("down", "{{ .Labels.severity }} {{ range }}"),
    ),
    Case(
        "Quotes, backslashes and % in a form.",
        "prometheus-net/prometheus-net#33",
        sent(b"status=down&message=say+%22no%22+%5C+100%25+%7Ba%3D%22b%22%7D", FORM),
        recorded=("down", 'say "no" \\ 100% {a="b"}'),
    ),
    Case(
        "U+2028 and U+2029 break lines in JavaScript and logs.",
        "encode/django-rest-framework#6895",
        sent(b"status=down&message=a%E2%80%A8b%E2%80%A9c", FORM),
        recorded=("down", "a\u2028b\u2029c"),
    ),
    Case(
        "Zero-width and byte order characters inside the text.",
        "dotnet/tye#402",
        sent(b"status=down&message=%EF%BB%BFdisk%E2%80%8Bfull", FORM),
        recorded=("down", "\ufeffdisk\u200bfull"),
    ),
    Case(
        "Only white space as the message.",
        "",
        sent(b"status=down&message=+++%0A", FORM),
        recorded=("down", "   \n"),
    ),
    Case(
        "A mention of everybody in a chat: @here <!channel>.",
        "target/goalert#4369",
        sent(b"status=down&message=%40here+%3C%21channel%3E+failed", FORM),
        recorded=("down", "@here <!channel> failed"),
    ),
    Case(
        "A percent sign that begins no escape, at the very end.",
        "louislam/uptime-kuma#819",
        sent(b"status=down&message=disk at 100%", FORM),
        recorded=("down", "disk at 100%"),
    ),
    Case(
        "An up with a message.",
        "louislam/uptime-kuma#4992",
        sent(b"status=up&message=OK", FORM),
        recorded=("up", "OK"),
    ),
    Case(
        "The message holds a token or password of the job's command line.",
        "",
        sent(b"status=down&message=curl+-H+%27Authorization%3A+Bearer+s3cr3t%27+failed", FORM),
        recorded=("down", "curl -H 'Authorization: Bearer s3cr3t' failed"),
    ),
    Case(
        "A message in UTF-32 with charset declared.",
        "",
        sent(
            b'\xff\xfe\x00\x00{\x00\x00\x00"\x00\x00\x00s\x00\x00\x00t\x00\x00\x00a\x00\x00\x00t\x00\x00\x00u\x00\x00\x00s\x00\x00\x00"\x00\x00\x00:\x00\x00\x00"\x00\x00\x00d\x00\x00\x00o\x00\x00\x00w\x00\x00\x00n\x00\x00\x00"\x00\x00\x00,\x00\x00\x00"\x00\x00\x00m\x00\x00\x00e\x00\x00\x00s\x00\x00\x00s\x00\x00\x00a\x00\x00\x00g\x00\x00\x00e\x00\x00\x00"\x00\x00\x00:\x00\x00\x00"\x00\x00\x00\xe9\x00\x00\x00"\x00\x00\x00}\x00\x00\x00',
            b"application/json; charset=utf-32",
        ),
        recorded=("down", "é"),
    ),
    Case(
        "A BOM within a form's message value and UTF-8 percent-encoded text around it.",
        "1024XEngineer/bytemind#458",
        sent(b"status=down&message=%EF%BB%BFFehler%3A%20Gr%C3%B6%C3%9Fe", FORM),
        recorded=("down", "\ufeffFehler: Gr\xf6\xdfe"),
    ),
    Case(
        "Vertical tab and form feed, from man pages and printer output.",
        "",
        sent(b"status=down&message=a%0Bb%0Cc", FORM),
        recorded=("down", "a�b�c"),
    ),
    Case(
        "Raw tab in JSON, from a table of df.",
        "louislam/uptime-kuma#819",
        sent(b'{"status":"down","message":"/dev/sda1\t93%\t/"}', JSON),
        recorded=("down", "/dev/sda1\t93%\t/"),
    ),
    Case(
        "A JSON string with an escape that JSON does not have (\\x1b, \\e, \\').",
        "ncarlier/webhookd#32",
        sent(b'{"status":"down","message":"it\\\'s broken"}', JSON),
        status=400,
        says=("line 1", "column"),
    ),
]


CASES = [*MESSAGES]


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Outcome]:
    return replayed(CASES, tmp_path_factory.mktemp("field"))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_message_costs_no_status_and_does_no_harm(
    case: Case, outcomes: Mapping[str, Outcome]
) -> None:
    check(case, outcomes[case.sentence])


class Place(NamedTuple):
    """A message, and the texts that the places that show it contain and lack."""

    message: str
    shown: str
    never: str = "\x1b"


PLACES = {
    "ESC sequences (acmesh-official/acme.sh#913, whamcloud/integrated-manager-for-lustre#1736)": Place(
        "\x1b[1;31mfailed\x1b[0m", "\ufffd[1;31mfailed\ufffd[0m"
    ),
    "a bidirectional override": Place(
        "backup of \u202etxt.exe", "backup of \ufffdtxt.exe", "\u202e"
    ),
    "a NUL (brianc/node-postgres#2080)": Place("a\0b", "a\ufffdb", "\0"),
    "a log that ends with its cause (healthchecks/healthchecks#939)": Place(
        "start of run\n" + "copied file\n" * 3000 + "FATAL: disk full", "FATAL: disk full"
    ),
}


@pytest.mark.parametrize("case", PLACES)
async def test_an_alert_and_a_page_show_a_harmless_message_with_its_end(
    case: str, tmp_path: Path
) -> None:
    message, shown, never = PLACES[case]
    home = Home(tmp_path)
    async with fake_alertmanager() as alertmanager:
        home.flags = [f"--alertmanager.url={alertmanager.url}"]
        async with exporter_here(home, StandingClock(datetime.now(UTC).timestamp())) as client:
            body = json.dumps({"status": "down", "message": message}).encode()
            assert (await client.push(body=body)).status == 200
            await eventually(alertmanager.firing)
            page = (await client.request("GET", "/monitors/jobs/backup")).body.decode()
    annotation = alertmanager.alerts()["backup"].annotations["message"]

    for place in (annotation, page):
        assert shown in place
        assert never not in place
    assert len(annotation) <= SHOWN_CHARS


async def test_html_in_a_message_is_text_on_the_page(tmp_path: Path) -> None:
    # vsolovyov/webpack-error-notification#4
    async with exporter_here(Home(tmp_path), StandingClock()) as client:
        await client.push(body=b'{"status": "down", "message": "<script>alert(1)</script>"}')
        page = (await client.request("GET", "/monitors/jobs/backup")).body.decode()

    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script>alert" not in page


@pytest.mark.peer  # starts a process
async def test_no_log_line_contains_a_message(tmp_path: Path) -> None:
    home = Home(tmp_path, flags=["--log.level=debug"])
    async with exporter_process(home) as exporter:
        await exporter.push(body=b'{"status": "down", "message": "Authorization: Bearer s3cr3t"}')
        await exporter.push(body=b'{"status": "s3cr3t", "message": "s3cr3t"}')
        await exporter.stop()

    assert not [line for line in exporter.log if "s3cr3t" in line]

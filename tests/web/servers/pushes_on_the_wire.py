"""Pushes as clients, careless clients and attackers send them: well-formed ones, and mutants."""

import random
from collections.abc import Iterator

from tests.web.servers.ways import NAMESPACE, TOKEN, Exchanged

_BODIES = (
    b'{"status": "up"}',
    b'{"status": "down", "message": "disk full"}',
    b"status=up&message=done",
    b"status=down",
    b"",
    b'{"status": "sideways"}',
    b'{"status": ',
    b"\xff\xfe",
    b"status=up&status=down",
)
_TYPES = (b"application/json", b"application/x-www-form-urlencoded", b"text/plain", b"image/png")
_QUERIES = (b"", b"", b"", b"?status=down", b"?message=a%20b")
_ODD_QUERIES = (b"?", b"?x=1", b"?status=up#f", b"?a b", b"??", b"?status=%zz", b"?status=up\xff")
_TOKENS = (TOKEN.encode(),) * 6 + (b"wrong", b"")
_AGENTS = (
    b"User-Agent: curl/8.5.0\r\nAccept: */*\r\n",
    b"user-agent: python-requests/2.32\r\nAccept-Encoding: gzip, deflate\r\naccept: */*\r\n",
    b"X-Request-ID: 7\r\nX-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: https\r\n",
    b"x-envoy-attempt-count: 1\r\nx-forwarded-for:192.0.2.1 \r\ntraceparent: 00-1-2-01\r\n",
    b"CF-RAY: 1-SJC\r\nCDN-Loop: cloudflare\r\nX-Forwarded-For: 192.0.2.1, 192.0.2.2\r\n",
    b"sec-fetch-mode: cors\r\naccept-language: *\r\nX-Empty:\r\n",
    b"",
)

# Heads that servers are known to read in different ways. The kinds are those of the public lists:
# portswigger.net/research/http-desync-attacks, RFC 9112 sections 2.2, 5.1, 6.1 and 6.3,
# nodejs/llhttp (tests of invalid and lenient requests) and aio-libs/aiohttp#8074.
_DOUBTFUL_LINES = (
    b"Transfer-Encoding: chunked\r\n",
    b"Transfer-Encoding: xchunked\r\n",
    b"Transfer-Encoding : chunked\r\n",
    b"Transfer-Encoding:\tchunked\r\n",
    b"Transfer-Encoding:\x0bchunked\r\n",
    b" Transfer-Encoding: chunked\r\n",
    b"X: x\nTransfer-Encoding: chunked\r\n",
    b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
    b"Transfer-Encoding\r\n : chunked\r\n",
    b"Content-Length: 5\r\n",
    b"Content-Length: +5\r\n",
    b"Content-Length: 0x5\r\n",
    b"Content-Length: 1_0\r\n",
    b"Content-Length: 5, 5\r\n",
    b"Content-Length : 5\r\n",
    b"Content-Length: -1\r\n",
    b"Content_Length: 5\r\n",
    b"Content-Length\x00: 5\r\n",
    b"Content-Encoding: gzip\r\n",
    b"Expect: 100-continue\r\n",
    b"Expect: 200-ok\r\n",
    b"Connection: close\r\n",
    b"Connection: keep-alive\r\n",
    b"Connection: Upgrade\r\nUpgrade: websocket\r\n",
    b"Connection: close, Content-Length\r\n",
    b"Host: other\r\n",
    b"Host:\r\n",
    b"Authorization: Bearer other\r\n",
    b"Content-Type: text/plain\r\n",
    b"Accept: a\r\n folded\r\n",
    b"Accept: a\rb\r\n",
    b"Accept: \x7f\r\n",
    b"Accept: \xc3\xa4\r\n",
    b"Accept: a\x00b\r\n",
    b"X-Forwarded-For: 192.0.2.1\r\nx-forwarded-for: 192.0.2.2\r\n",
    b"X-A : b\r\n",
    b"X-A\r\n",
    b"X-A_B: c\r\n",
    b"X-A: \tb\r\n",
    b"X-A: b\r\n folded\r\n",
    b"X-A: b\nTransfer-Encoding: chunked\r\n",
    b"X-A: b\rTransfer-Encoding: chunked\r\n",
    b"X-: b\r\n",
    b"X-Authorization: Bearer other\r\n",
    b"X-HTTP-Method-Override: PUT\r\n",
    b"Trailer: Content-Length\r\n",
    b": empty\r\n",
    b"no-colon\r\n",
    b"\r\n",
)
_LINES = (
    (b"POST", b"HTTP/1.0"),
    (b"POST", b"HTTP/2.0"),
    (b"POST", b"http/1.1"),
    (b"PUT", b"HTTP/1.1"),
    (b"GET", b"HTTP/1.1"),
    (b"post", b"HTTP/1.1"),
    (b"POST ", b"HTTP/1.1"),
)
_HOSTS = (b"Host: exporter:10091\r\n", b"Host: 192.0.2.3\r\n", b"host: [::1]\r\n")
_ODD_HOSTS = (b"Host: a b\r\n", b"Host: \r\n", b"Host: a,b\r\n", b"Host: a:99999\r\n", b"")
_PINGS = (b"/ping/%s", b"/ping/%s/fail", b"/ping/%s/7", b"/ping/%s/start", b"/api/push/%s")
_HEAD = ("head",) * 4


def cases(seed: int, number: int) -> Iterator[Exchanged]:
    """Give as many cases, the same for each seed; the names of their monitors differ."""
    chance = random.Random(seed)  # noqa: S311
    for index in range(number):
        kind = "full" if chance.random() < 0.05 else "job"
        name = f"{kind}-{index * 7919:012}"  # of which no mutant is the name of another case
        data = b"".join(_request(chance, name) for _ in range(chance.choice((1, 1, 1, 1, 2, 3))))
        if chance.random() < 0.3:
            data = _mutated(chance, data)
        yield Exchanged(name, _split(chance, data))


def _request(chance: random.Random, name: str) -> bytes:
    """Return a push that is usual, or unusual in one way."""
    oddity = chance.choice((*[None] * 12, "line", "name", "query", "host", "length", *_HEAD))
    method, version = chance.choice(_LINES) if oddity == "line" else (b"POST", b"HTTP/1.1")
    if oddity == "name":
        name = chance.choice(("unknown", "", ".", "..", "a%2fb", f"{name}/", f"{name}%00"))
    body = chance.choice(_BODIES)
    query = chance.choice(_ODD_QUERIES if oddity == "query" else _QUERIES)
    length = chance.randrange(30) if oddity == "length" else len(body)
    lines = [
        chance.choice(_ODD_HOSTS if oddity == "host" else _HOSTS),
        b"Authorization: Bearer " + chance.choice(_TOKENS) + b"\r\n",
        chance.choice(_AGENTS),
    ]
    if chance.random() < 0.7:
        lines.append(b"Content-Type: " + chance.choice(_TYPES) + b"\r\n")
    if body or chance.random() < 0.8:
        lines.append(b"Content-Length: %d\r\n" % length)
    if oddity == "head":
        lines.append(chance.choice(_DOUBTFUL_LINES))
    chance.shuffle(lines)
    if chance.random() < 0.1:
        lines.append(chance.choice((b"Connection: close\r\n", b"connection: Keep-Alive\r\n")))
    path = f"/api/push/{NAMESPACE}/{name}".encode()
    if chance.random() < 0.15:  # the token of a monitor is its name, too
        method = b"GET" if method == b"POST" else method
        path = chance.choice(_PINGS) % name.encode()
    return b"%s %s%s %s\r\n%s\r\n%s" % (method, path, query, version, b"".join(lines), body)


def _mutated(chance: random.Random, data: bytes) -> bytes:
    """Return bytes with one of them changed, lost, doubled or put in."""
    place = chance.randrange(len(data))
    odd = bytes([chance.choice(b"\r\n\x00\t :;,/%#?\x7f\xff0aZ")])
    before, at, after = data[:place], data[place : place + 1], data[place + 1 :]
    return before + chance.choice((odd, b"", at * 2, odd + at)) + after


def _split(chance: random.Random, data: bytes) -> tuple[bytes, ...]:
    """Return the bytes in one segment, as they are mostly sent, or in several."""
    shape = chance.random()
    if shape < 0.4:
        return (data,)
    if shape < 0.7:  # one request in each segment
        starts = [
            place for place in range(1, len(data)) if data.startswith((b"POST /", b"GET /"), place)
        ]
    else:
        starts = sorted(chance.sample(range(1, len(data)), chance.choice((1, 2, 3))))
    return tuple(
        data[start:end] for start, end in zip([0, *starts], [*starts, len(data)], strict=True)
    )

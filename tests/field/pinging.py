"""Pings of other programs' clients, replayed as literal bytes on one running exporter."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.field.running import NAMESPACE, RawAnswer, own_token, recorded, running_exporter
from tests.manifests import TOKEN

DIALECTS = "--push.dialects=healthchecks,uptime-kuma,gatus,alertmanager"


@dataclass(frozen=True)
class Ping:
    """A request as clients of another monitor send it.

    Attributes:
        sentence: the peculiarity of the request; names the test.
        source: the public report, test or document, as `owner/repo#number` or `owner/repo path`;
            empty: found by trying.
        sends: the request line without the version, in which `{own}` is the token that only the
            monitor has, `{shared}` one that all monitors have, `{name}` the monitor.
        headers: further lines of the head.
        body: sent with its length, if there is one.
        cut: a body without a length, which ends with the connection.
        status: of the answer.
        recorded: status and message of the last push; the status of a start and of a log is `None`. None:
            nothing is stored.
        answers: a part of the answer, head included.
    """

    sentence: str
    source: str
    sends: str
    headers: tuple[str, ...] = ()
    body: bytes = b""
    cut: bytes = b""
    status: int = 200
    recorded: tuple[str, str] | None = None
    answers: bytes = b""

    def __str__(self) -> str:
        return self.sentence

    def request(self, name: str) -> bytes:
        """Return the request for one monitor."""
        lines = [f"{self.sends} HTTP/1.1", "Host: hc-ping.com", "Connection: close", *self.headers]
        if self.body:
            lines.append(f"Content-Length: {len(self.body)}")
        head = "\r\n".join(lines).replace("{own}", own_token(name)).replace("{shared}", TOKEN)
        head = head.replace("{namespace}", NAMESPACE).replace("{name}", name)
        return head.encode() + b"\r\n\r\n" + self.body + self.cut


@dataclass(frozen=True)
class Outcome:
    """The answer to a ping, and the stored status and message."""

    answer: RawAnswer
    recorded: tuple[str, str] | None


def replayed(pings: Sequence[Ping], folder: Path) -> Mapping[str, Outcome]:
    """Send each ping to a monitor of its own, and return the outcomes by the pings' sentences."""
    names = [f"m{number:03}" for number in range(len(pings))]
    with running_exporter(folder, names, DIALECTS, own_tokens=True) as running:
        answers = [
            running.send(one.request(name), half_close=bool(one.cut))
            for one, name in zip(pings, names, strict=True)
        ]
    stored = recorded(folder)
    return {
        one.sentence: Outcome(answer, stored.get(name))
        for one, name, answer in zip(pings, names, answers, strict=True)
    }


def check(ping: Ping, outcome: Outcome) -> None:
    """Assert that the outcome is the expected one."""
    assert outcome.answer.status == ping.status, outcome.answer.received
    assert outcome.recorded == ping.recorded
    assert ping.answers in outcome.answer.received

"""Cases from the field, replayed as literal bytes on one running exporter."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.field.running import RawAnswer, recorded, request, running_exporter


@dataclass(frozen=True)
class Case:
    """A push as clients send it.

    Attributes:
        sentence: the peculiarity of the push; names the test.
        source: the public report, as `owner/repo#number`; empty: found by trying.
        push: returns the request for a monitor, by its name.
        status: of the answer.
        recorded: status and message that are stored; None: nothing is.
        says: parts of the problem's detail.
    """

    sentence: str
    source: str
    push: Callable[[str], bytes]
    status: int = 200
    recorded: tuple[str, str] | None = None
    says: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.sentence


@dataclass(frozen=True)
class Outcome:
    """The answer to a push, and the stored status and message."""

    answer: RawAnswer
    recorded: tuple[str, str] | None


def sent(
    body: bytes = b"", content_type: bytes | None = None, **more: bytes
) -> Callable[[str], bytes]:
    """Return a push for `Case.push`; see `running.request`."""
    return partial(request, body=body, content_type=content_type, **more)  # type: ignore[arg-type]


def replayed(cases: Sequence[Case], folder: Path, *flags: str) -> Mapping[str, Outcome]:
    """Send each case to a monitor of its own, and return the outcomes by the cases' sentences."""
    names = [f"m{number:03}" for number in range(len(cases))]
    with running_exporter(folder, names, *flags) as running:
        answers = [running.send(case.push(name)) for case, name in zip(cases, names, strict=True)]
    stored = recorded(folder)
    return {
        case.sentence: Outcome(answer, stored.get(name))
        for case, name, answer in zip(cases, names, answers, strict=True)
    }


def check(case: Case, outcome: Outcome) -> None:
    """Assert that the outcome is the expected one."""
    assert outcome.answer.status == case.status, outcome.answer.received
    assert outcome.recorded == case.recorded
    for part in case.says:
        assert part in outcome.answer.detail

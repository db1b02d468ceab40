"""The answer to a native push, written without an encoder."""

import json
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.examples import row
from yuptime_exporter.core.model import LastPush, Push, PushKind, Reason, State, Verdict
from yuptime_exporter.engine.receiver import Receipt
from yuptime_exporter.moments import rfc3339
from yuptime_exporter.web.pushes.native import NATIVE

MOMENTS = st.floats(0, 4_000_000_000)


@given(
    state=st.sampled_from(State),
    received=MOMENTS,
    due=MOMENTS | st.just(inf),
    deadline=MOMENTS | st.just(inf),
    truncated=st.booleans(),
)
def test_the_answer_is_json_with_the_moments_of_the_verdict(
    state: State, received: float, due: float, deadline: float, truncated: bool
) -> None:
    verdict = Verdict(state, Reason.REPORTED_UP, received, due, deadline)
    last_push = LastPush(PushKind.UP, received_timestamp=received, pushes_total=1)
    receipt = Receipt(row(last_push), verdict)

    answer = NATIVE.answer(receipt, Push(PushKind.UP, received, message_truncated=truncated))

    expected: dict[str, object] = {
        "monitor": str(receipt.row.monitor.key),
        "state": state.value,
        "receivedAt": rfc3339(received),
        "expiresAt": None if due == inf else rfc3339(due),
        "deadline": None if deadline == inf else rfc3339(deadline),
    }
    if truncated:
        expected["messageTruncated"] = True
    assert json.loads(answer.body) == expected
    assert answer.content_type == "application/json; charset=utf-8"


@pytest.mark.parametrize("name", ['quote"', "back\\slash", "ä"])
def test_a_name_that_json_escapes_is_escaped(name: str) -> None:
    receipt = Receipt(
        row(LastPush(PushKind.UP, pushes_total=1), name=name),
        Verdict(State.UP, Reason.REPORTED_UP, 0.0, 1.0, 2.0),
    )

    answer = NATIVE.answer(receipt, Push(PushKind.UP, 0.0))

    assert json.loads(answer.body)["monitor"].endswith(f"/{name}")

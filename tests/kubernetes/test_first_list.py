"""The wait for a first list, which a missing permission ends and other failures do not."""

import pytest

from yuptime_exporter.kubernetes.errors import ApiError, ApiStatusError, ApiUnreachable
from yuptime_exporter.kubernetes.first_list import FirstList


def refused(status: int) -> ApiStatusError:
    return ApiStatusError(status, reason="", message="no")


def test_each_listener_is_called_once_at_the_first_complete_list() -> None:
    first_list, calls = FirstList(), []
    first_list.then(lambda: calls.append("one"))
    first_list.then(lambda: calls.append("other"))

    first_list.succeeded()
    first_list.succeeded()

    assert calls == ["one", "other"]
    assert first_list.complete.is_set()
    assert first_list.answered.is_set()


def test_a_list_that_is_forbidden_is_answered_and_not_complete() -> None:
    first_list = FirstList()

    first_list.failed(refused(403))

    assert first_list.answered.is_set()
    assert not first_list.complete.is_set()


@pytest.mark.parametrize(
    "error", [refused(401), refused(404), refused(500), ApiUnreachable("no answer")]
)
def test_a_failure_that_passes_by_itself_is_no_answer(error: ApiError) -> None:
    first_list = FirstList()

    first_list.failed(error)

    assert not first_list.answered.is_set()

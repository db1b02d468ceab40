"""The fields of a push that concern a run: its id, its duration, its exit code.

Numbers may also be strings, since the values of a form or a query are, and since shells quote what
they insert into JSON.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

from yuptime_exporter.core.errors import MalformedPush
from yuptime_exporter.core.model import RESULTS, PushKind
from yuptime_exporter.web.pushes.fields import kind_of

# A UUID, the uid of a pod, or the name of a run in Airflow or Jenkins; 16 of them fit into an object.
MAX_RUN_ID_CHARS = 128

# Ten years, as for the fields of a Monitor: a longer duration is a moment or in another unit.
MAX_DURATION_SECONDS = 315_360_000

# POSIX has 0 to 255, a signal is negative in Python, and Windows has 32 bits, signed or not.
MIN_EXIT_CODE, MAX_EXIT_CODE = -(2**31), 2**32 - 1

_RUN_ID = re.compile(rf"[!-~]{{1,{MAX_RUN_ID_CHARS}}}")
_NUMBER = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?")
_WHOLE_NUMBER = re.compile(r"-?[0-9]{1,10}")

_NUMBERS = (int, float)  # a union would be made anew for each push

_EXPECTED_RUN_ID = f"runId: expected at most {MAX_RUN_ID_CHARS} visible characters of ASCII"
_EXPECTED_DURATION = (
    f"durationSeconds: expected a number of seconds from 0 to {MAX_DURATION_SECONDS}"
)
_EXPECTED_EXIT_CODE = f"exitCode: expected a whole number from {MIN_EXIT_CODE} to {MAX_EXIT_CODE}"


class RunFields(NamedTuple):
    """The fields of a push about its run: as in `model.Push`."""

    run_id: str
    duration_seconds: float | None
    exit_code: int | None


NO_RUN_FIELDS = RunFields("", None, None)


def run_fields(given: Mapping[str, object], kind: PushKind) -> RunFields:
    """Return the fields about the run of a push of this kind; a null means that a field is missing.

    Raises:
        MalformedPush: a value has another form, or contradicts the status: a run that starts has
            neither a duration nor an exit code, and a run that failed is not up.
    """
    given_duration, given_code = given.get("durationSeconds"), given.get("exitCode")
    duration = None if given_duration is None else _duration_seconds(given_duration)
    exit_code = None if given_code is None else _exit_code(given_code)
    if kind not in RESULTS:
        for name, value in (("durationSeconds", duration), ("exitCode", exit_code)):
            if value is not None:
                raise MalformedPush(f'{name}: expected only with the status "up" or "down"')
    if kind is PushKind.UP and exit_code:
        raise MalformedPush(
            'exitCode: expected 0 with the status "up", got another (a failed run is "down")'
        )
    return RunFields(_run_id(given.get("runId")), duration, exit_code)


def _run_id(value: object) -> str:
    if value is None or value == "":
        return ""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)  # as GitHub Actions number their runs
    if not isinstance(value, str):
        raise MalformedPush(f"{_EXPECTED_RUN_ID}, got {kind_of(value)}")
    if len(value) > MAX_RUN_ID_CHARS:
        raise MalformedPush(f"{_EXPECTED_RUN_ID}, got {len(value)}")
    if not _RUN_ID.fullmatch(value):
        got = "a space (a + in a form is written %2B)" if " " in value else "others"
        raise MalformedPush(f"{_EXPECTED_RUN_ID}, got {got}")
    return value


def _duration_seconds(value: object) -> float:
    if isinstance(value, str):
        if not _NUMBER.fullmatch(value):
            raise MalformedPush(f"{_EXPECTED_DURATION}, got {_flaw(value)}")
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, _NUMBERS):
        raise MalformedPush(f"{_EXPECTED_DURATION}, got {kind_of(value)}")
    if not 0 <= value <= MAX_DURATION_SECONDS:  # false for NaN, too
        got = "a negative one" if value < 0 else "another (a moment, or milliseconds?)"
        raise MalformedPush(f"{_EXPECTED_DURATION}, got {got}")
    return abs(float(value))  # -0.0 is 0


def _exit_code(value: object) -> int:
    if isinstance(value, str):
        if not _WHOLE_NUMBER.fullmatch(value):
            raise MalformedPush(f"{_EXPECTED_EXIT_CODE}, got {_flaw(value)}")
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise MalformedPush(f"{_EXPECTED_EXIT_CODE}, got {_kind_of_number(value)}")
    if not MIN_EXIT_CODE <= value <= MAX_EXIT_CODE:
        raise MalformedPush(f"{_EXPECTED_EXIT_CODE}, got another number")
    return value


def _kind_of_number(value: object) -> str:
    return "a fraction" if isinstance(value, float) else kind_of(value)


def _flaw(text: str) -> str:
    """Name the flaw of a number without repeating it."""
    if not text:
        return "an empty one"
    if re.fullmatch(r"-?[0-9]+,[0-9]+", text):
        return "a comma (the decimal separator is .)"
    return "a text" + (" (without a unit)" if text[0].isdigit() else "")

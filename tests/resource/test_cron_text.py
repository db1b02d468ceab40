"""What is wrong with a cron expression."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yuptime_exporter.resource.cron_text import expression_problem, plain_expression

GOOD = (
    "30 2 * * 1-5",
    "*/15 * * * *",
    "00 02 * * *",
    "0 0 * * 7",
    "0 0 * jan,JUL sun",
    "0 0 L * *",
    "0 0 LW * *",
    "0 0 * * 5L",
    "0 0 * * 2#3",
    "0 0 ? * ?",
    "0 0 29 2 *",
    "0 0 30 2 1",
    "*/90 * * * *",
    "5/20 * * * *",
    "  0\t2 *  * * \n",
    "@daily",
    "@Hourly",
)


@pytest.mark.parametrize("expression", GOOD)
def test_a_good_expression_has_no_problem(expression: str) -> None:
    assert expression_problem(expression) is None


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("60 * * * *", 'a minute from 0 to 59, .* a range such as 1-5.* got "60" at character 1$'),
        ("0 24 * * *", 'an hour from 0 to 23.* got "24" at character 3$'),
        ("0 0 32 * *", 'a day of the month from 1 to 31.* got "32" at character 5$'),
        ("0 0 1 13 *", 'a month from 1 to 12 or JAN to DEC.* got "13" at character 7$'),
        ("0 0 * * 8", 'a day of the week from 0 to 7 or SUN to SAT.* got "8" at character 9$'),
        ("0  0 *  * x", 'got "x" at character 11$'),
        ("5,,7 * * * *", "got nothing at character 3$"),
        ("*/0 * * * *", 'a step of at least 1, got "\\*/0" at character 1$'),
        ("0 22-2 * * *", 'lower to a higher value, such as "22-23,0-2", got "22-2"'),
        ("0 0 * * FRI-MON", 'such as "5-6,0-1", got "FRI-MON"'),
        ("0 0 * * sat-sun", 'such as "6-7", got "sat-sun"'),
        ("0 0 30 2 *", 'a day that comes within 50 years, got day of month "30" in month "2"'),
        ("* * */20 * 1L", "a day that comes within 50 years"),
        (
            "0 0 2 * * *",
            'expected 5 fields .* got 6; did you mean "0 2 \\* \\* \\*", without seconds',
        ),
        ("0 2 * * * /bin/x", 'got 6; did you mean "0 2 \\* \\* \\*", without the command'),
        ("0 2 * * * Asia/Tokyo", 'did you mean "0 2 .*" with the timeZone Asia/Tokyo'),
        ("0 2 * *", "expected 5 fields .* got 4$"),
        ("1 1 1 1 1 1 1 1 1", "got 9; there are no seconds and no years"),
        ("", "a cron expression of five fields .* got an empty string"),
        ("CRON_TZ=UTC 0 2 * * *", 'got "CRON_TZ=UTC" at character 1; .*spec.schedule.timeZone'),
        ("@every 5m", "set spec.target.push.expireSeconds: 300"),
        ("@every often", "set spec.target.push.expireSeconds$"),
        ("@reboot", "a start of the machine has no scheduled time"),
        ("@dayly", "did you mean @daily"),
        ("@now", 'got "@now"$'),
    ],
)
def test_a_problem_names_what_was_expected_what_was_found_and_where(
    expression: str, said: str
) -> None:
    problem = expression_problem(expression)

    assert problem is not None
    assert problem.startswith("expected ")
    assert re.search(said, problem), problem


@given(st.text(max_size=300) | st.text("0123456789*/,-?LW#@ abJANSUN\t\n", max_size=40))
def test_any_text_is_a_good_expression_or_has_a_problem_of_one_short_line(text: str) -> None:
    problem = expression_problem(text)

    if problem is not None:
        assert problem.isprintable()
        assert len(problem) < 700


def test_an_expression_is_kept_with_single_spaces_and_a_nickname_in_lower_case() -> None:
    assert plain_expression(" 0\t2  * * MON ") == "0 2 * * MON"
    assert plain_expression("@Daily ") == "@daily"

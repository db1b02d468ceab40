"""Lines of the log: one event each, for any text."""

import json
import logging
from collections.abc import Callable

import pytest

from yuptime_exporter.logs import JsonFormatter, LogfmtFormatter


def record(message: str, **fields: object) -> logging.LogRecord:
    made = logging.makeLogRecord({"msg": message, "levelname": "WARNING", "created": 1.5})
    made.__dict__.update(fields)
    return made


def test_a_line_of_logfmt_has_the_format_of_prometheus() -> None:
    line = LogfmtFormatter().format(
        record("store fails", err='disk "a" is full', count=3, ready=False, name_="jobs/backup")
    )

    assert line.startswith("time=1970-01-01T00:00:01.500Z level=WARN source=")
    assert line.endswith(
        'msg="store fails" err="disk \\"a\\" is full" count=3 ready=false name_=jobs/backup'
    )


@pytest.mark.parametrize(
    "hostile", ["a\nlevel=ERROR msg=forged", "\x1b[2J", "\r", "\x00", "\u2028"]
)
@pytest.mark.parametrize("formatter", [LogfmtFormatter, JsonFormatter])
def test_no_value_can_begin_a_line_or_move_a_cursor(
    hostile: str, formatter: Callable[[], logging.Formatter]
) -> None:
    line = formatter().format(record("told", message_of_job=hostile))

    assert line.isprintable()


def test_a_value_in_any_script_stays_readable() -> None:
    assert 'größe="Größe 中"' in LogfmtFormatter().format(record("told", größe="Größe 中"))


def test_an_empty_value_is_written_as_empty_quotes() -> None:
    assert LogfmtFormatter().format(record("told", err="")).endswith('err=""')


def test_a_very_long_value_is_cut() -> None:
    assert len(LogfmtFormatter().format(record("told", err="x" * 100_000))) < 5000


def test_json_has_the_same_fields_as_logfmt() -> None:
    event = json.loads(JsonFormatter().format(record("told", count=3, err="a\nb")))

    assert event["level"] == "WARN"
    assert event["msg"] == "told"
    assert (event["count"], event["err"]) == (3, "a\nb")

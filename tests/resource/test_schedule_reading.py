"""The schedule of a Monitor, read from its spec."""

from typing import Any

from tests.core.examples import KEY
from yuptime_exporter.core.model import API_VERSION, Monitor
from yuptime_exporter.core.schedules import Cron, Every
from yuptime_exporter.resource.objects import Declared, Invalid, read_object
from yuptime_exporter.resource.schedule_reading import unused_fields


def resource(schedule: object = None, **push: object) -> dict[str, Any]:
    token_ref = {"name": "tokens", "key": "token"}
    spec = {"type": "push", "target": {"push": {"tokenSecretRef": token_ref, **push}}}
    return {
        "apiVersion": API_VERSION,
        "kind": "Monitor",
        "metadata": {"namespace": KEY.namespace, "name": KEY.name},
        "spec": spec if schedule is None else {**spec, "schedule": schedule},
    }


def read(schedule: object = None, **push: object) -> Monitor:
    found = read_object(resource(schedule, **push), "here")
    assert isinstance(found, Declared)
    assert isinstance(found.value, Monitor)
    return found.value


def problems(schedule: object) -> list[str]:
    found = read_object(resource(schedule), "here")
    assert isinstance(found, Invalid)
    return [str(problem) for problem in found.problems]


def test_a_cron_expression_decides_and_expire_seconds_does_not() -> None:
    monitor = read({"cron": " 30 2  * * 1-5", "timeZone": "Europe/Berlin"}, expireSeconds=60)

    assert isinstance(monitor.schedule, Cron)
    assert str(monitor.schedule) == "30 2 * * 1-5 (Europe/Berlin)"


def test_the_zone_of_an_expression_is_utc_unless_it_is_given() -> None:
    schedule = read({"cron": "@Daily"}).schedule

    assert str(schedule) == "@daily (UTC)"


def test_without_an_expression_the_schedule_is_an_interval() -> None:
    assert read({"timeZone": "Europe/Berlin", "cron": None}, expireSeconds=60).schedule == Every(60)


def test_monitors_with_one_expression_and_zone_share_its_times() -> None:
    one, other = (read({"cron": "7 2 * * *", "timeZone": "Asia/Tokyo"}).schedule for _ in "ab")

    assert isinstance(one, Cron)
    assert isinstance(other, Cron)
    assert one.times is other.times
    assert one is not other


def test_all_problems_with_a_schedule_are_named_with_their_fields() -> None:
    expression, zone = problems({"cron": "0 25 * * *", "timeZone": "europe/berlin"})

    assert expression.startswith("here: spec.schedule.cron: expected an hour from 0 to 23")
    assert zone == (
        "here: spec.schedule.timeZone: expected the name of a time zone such as Europe/Berlin or UTC, "
        'got "europe/berlin"; did you mean Europe/Berlin?'
    )


def test_an_expression_and_a_zone_are_strings() -> None:
    assert problems({"cron": 5}) == [
        (
            "here: spec.schedule.cron: expected a cron expression of five fields such as "
            '"30 2 * * 1-5", or a nickname such as "@daily", got 5 (a whole number); put the value in quotes'
        )
    ]
    (zone,) = problems({"cron": "@daily", "timeZone": True})
    assert "got true (a boolean)" in zone


def test_an_empty_expression_and_an_empty_zone_are_problems() -> None:
    assert len(problems({"cron": "", "timeZone": ""})) == 2


def test_expire_seconds_beside_an_expression_and_a_zone_without_one_are_not_used() -> None:
    beside = resource({"cron": "@daily"}, expireSeconds=60)
    alone = resource({"timeZone": "UTC"}, expireSeconds=60)

    assert [str(one) for one in unused_fields(beside, "here")] == [
        (
            "here: spec.target.push.expireSeconds: not used, since spec.schedule.cron says when a push "
            "is due; remove one of the two"
        )
    ]
    assert [str(one) for one in unused_fields(alone, "here")] == [
        "here: spec.schedule.timeZone: not used without spec.schedule.cron"
    ]
    assert not list(unused_fields(resource({"cron": "@daily"}), "here"))
    assert not list(unused_fields("no object", "here"))

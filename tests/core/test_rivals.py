"""Mistakes of other receivers of pushes, each as a rule that holds here.

GA: TwiN/gatus, UK: louislam/uptime-kuma, HC: healthchecks/healthchecks, PG:
prometheus/pushgateway, CH: containeroo/heartbeats, KH: kuberhealthy/kuberhealthy, YU: the
original briansunter/yuptime. Rules of the push route are tested with the route.
"""

import pytest
from prometheus_client.metrics_core import Metric

from tests.core.examples import DOWN, KEY, UP, Life, monitor, monitor_families, push, row
from yuptime_exporter.core.identity import AlertDefaults
from yuptime_exporter.core.model import MonitorKey, Reason, State

HOUR, DAY = 3600, 86_400


def exposed(life: Life, *, at: float) -> list[Metric]:
    return list(monitor_families(life.table.judged(now_timestamp=at), AlertDefaults()))


def monitors_exposed(life: Life, *, at: float) -> set[str]:
    return {s.labels["monitor"] for family in exposed(life, at=at) for s in family.samples}


def value(life: Life, name: str, *, at: float) -> float:
    [found] = [s.value for family in exposed(life, at=at) for s in family.samples if s.name == name]
    return found


def test_yu_0_4_expire_seconds_decides_when_a_push_expires() -> None:
    # There expireSeconds was declared and never read.
    life = Life(monitor(expire_seconds=DAY))
    life.push(UP, at=1000)

    assert life.state(at=1000 + DAY - 1) is State.UP
    assert life.state(at=1000 + DAY) is State.LATE


def test_yu_0_4_a_grace_of_zero_is_zero() -> None:
    # There `gracePeriodSeconds || 300` made 300 of it.
    life = Life(monitor(grace_seconds=0))
    life.push(UP, at=1000)

    assert life.deadline(at=1000) == 1300


def test_yu_0_5_looking_does_not_refresh_what_is_looked_at() -> None:
    # There each check wrote the time that the next check read as the last push: up forever.
    life = Life()
    life.push(UP, at=1000)

    looked = [life.state(at=at) for at in range(1000, 3000)]
    assert looked[300:360] == [State.LATE] * 60
    assert looked[360:] == [State.DOWN] * 1640


def test_yu_0_8_up_is_one_or_zero() -> None:
    # There the state gauge could read 0.5.
    life = Life()
    before = value(life, "yuptime_monitor_up", at=1000)
    life.push(UP, at=1000)

    assert before == 0
    assert [value(life, "yuptime_monitor_up", at=at) for at in (1000, 1330, 9000)] == [1, 1, 1]


def test_ga_1237_a_restart_does_not_delay_a_deadline() -> None:
    # There the ticker restarted a full interval: backups of 25 h were healthy after 30 h.
    life = Life(monitor(expire_seconds=25 * HOUR))
    life.push(UP, at=1000)
    for hour in range(1, 25):
        life.restart(at=1000 + hour * HOUR)

    assert life.deadline(at=1000 + 25 * HOUR) == 1000 + 25 * HOUR + 60
    assert life.state(at=1000 + 25 * HOUR + 60) is State.DOWN


def test_ga_1765_being_found_down_is_not_taken_for_a_push() -> None:
    # There the failure it wrote itself counted as a push, so that each second look was healthy
    # and the alert was sent again with every tick of the heartbeat.
    life = Life()
    life.push(UP, at=1000)

    verdicts = {life.verdict(at=at) for at in range(1360, 10_000, 300)}
    assert len(verdicts) == 1
    assert value(life, "yuptime_monitor_pushes_total", at=10_000) == 1


def test_ga_heartbeat_ticker_a_miss_is_noticed_at_the_deadline_and_not_an_interval_later() -> None:
    # There a fixed ticker asked "any push in the last interval?": noticed up to 2 intervals late.
    life = Life(monitor(grace_seconds=0))
    life.push(UP, at=1001)

    assert life.state(at=1300.999) is State.UP
    assert life.verdict(at=1301).since_timestamp == 1301


def test_uk_6866_a_monitor_with_more_than_a_day_to_expire_goes_down_however_often_restarted() -> (
    None
):
    # There the timer restarted with the server, so that intervals above 24 h never ended.
    life = Life(monitor(expire_seconds=7 * DAY, grace_seconds=0))
    life.push(UP, at=1000)
    for day in range(1, 8):
        life.restart(at=999 + day * DAY)

    assert life.state(at=999 + 7 * DAY) is State.UP
    assert life.state(at=1000 + 7 * DAY) is State.DOWN


def test_uk_1159_the_receiver_s_own_downtime_is_not_blamed_on_the_jobs() -> None:
    # There every push monitor alarmed when the receiver came back after two minutes.
    life = Life(monitor(expire_seconds=60, grace_seconds=30), monitor("other"))
    life.push(UP, at=1000)
    life.outage(1030, 1150)
    life.restart(at=1150)

    assert life.state(at=1150) is State.LATE
    assert life.deadline(at=1150) == 1090 + 120
    assert life.state(at=1210) is State.DOWN


def test_uk_1159_a_daily_job_gains_minutes_and_not_a_day() -> None:
    # Restarting every clock after a downtime is the opposite mistake.
    life = Life(monitor(expire_seconds=DAY, grace_seconds=0))
    life.push(UP, at=1000)
    life.outage(1000 + DAY - HOUR, 1000 + DAY - HOUR + 600)

    assert life.deadline(at=1000 + DAY) == 1000 + DAY + 600


def test_uk_5639_silence_after_a_reported_down_adds_no_second_incident() -> None:
    # There an explicit down was followed by a false "No heartbeat in the time window".
    life = Life()
    life.push(UP, at=1000)
    life.push(DOWN, at=1100)

    verdicts = {
        (verdict.state, verdict.reason, verdict.since_timestamp)
        for verdict in (life.verdict(at=at) for at in range(1100, 10_000, 30))
    }
    assert verdicts == {(State.DOWN, Reason.REPORTED_DOWN, 1100)}


def test_uk_7482_a_renamed_monitor_leaves_the_metrics_at_once() -> None:
    # There renamed and deleted monitors stayed in /metrics until a restart; so they did in YU 0.8.
    life = Life(monitor("old"))
    life.push(UP, at=1000, key=MonitorKey("prod", "old"))
    life.declare(monitor("new"), at=1100)

    assert monitors_exposed(life, at=1100) == {"new"}


def test_uk_7482_a_push_on_its_way_does_not_bring_a_deleted_monitor_back() -> None:
    life = Life(monitor("old"))
    life.declare(monitor("new"), at=1100)
    life.table.record_pushes([(MonitorKey("prod", "old"), push(UP, at=1099))])

    assert monitors_exposed(life, at=1101) == {"new"}


def test_uk_6470_a_new_label_shows_without_a_restart() -> None:
    # There the tags of a monitor were fixed when the server started.
    life = Life()
    life.declare(monitor(alert_labels=(("team", "storage"),)), at=1100)

    teams = {s.labels.get("team") for f in exposed(life, at=1100) for s in f.samples}
    assert teams == {None, "storage"}


def test_uk_2220_a_monitor_that_never_pushed_has_all_its_series() -> None:
    # There a monitor had no series before its first push, so that its absence could not alert.
    life = Life()
    before = {s.name for family in exposed(life, at=1000) for s in family.samples}
    life.push(UP, at=1000)

    assert before == {s.name for family in exposed(life, at=1000) for s in family.samples}
    assert len(before) == 15


def test_uk_6022_the_end_of_a_pause_is_not_the_beginning_of_an_incident() -> None:
    # There a push monitor went down at the moment in which its maintenance ended.
    life = Life()
    life.push(UP, at=1000)
    life.declare(monitor(enabled=False), at=1100)
    life.declare(monitor(), at=90_000)

    assert life.state(at=90_000) is State.UP
    assert life.deadline(at=90_000) == 90_360


def test_hc_new_a_check_that_never_reported_goes_down() -> None:
    # There "new" counts as up in the metrics and never alerts.
    life = Life()

    assert life.verdict(at=1360).reason is Reason.NEVER_PUSHED
    assert value(life, "yuptime_monitor_up", at=1360) == 0


def test_hc_959_the_last_success_is_not_the_last_push() -> None:
    # There one time stood for both, so that a failing job looked as fresh as a good one.
    life = Life()
    life.push(UP, at=1000)
    life.push(DOWN, at=1100)

    assert value(life, "yuptime_monitor_last_success_timestamp_seconds", at=1100) == 1000
    assert value(life, "yuptime_monitor_last_push_timestamp_seconds", at=1100) == 1100


def test_hc_815_a_day_is_a_day_where_clocks_change_to_summer_time() -> None:
    # There checks failed after the change. Here all time is Unix seconds.
    before_the_change = 1_743_217_200  # 29 March 2025, 03:00 UTC; Europe changes a day later
    life = Life(monitor(expire_seconds=DAY, grace_seconds=0), at=before_the_change)
    life.push(UP, at=before_the_change)

    assert life.deadline(at=before_the_change) == before_the_change + DAY


@pytest.mark.parametrize("restarts", [1, 5])
def test_ch_restart_a_monitor_that_never_pushed_still_has_its_first_deadline(
    restarts: int,
) -> None:
    # There a restart made every heartbeat "never", and none of them alerted until the next push.
    life = Life()
    for restart in range(restarts):
        life.restart(at=1001 + restart)

    assert life.state(at=1359) is State.PENDING
    assert life.verdict(at=1360).reason is Reason.NEVER_PUSHED


def test_ch_restart_a_monitor_that_pushed_is_still_known_to_have_pushed() -> None:
    life = Life()
    life.push(UP, at=1000)
    life.restart(at=1010)

    assert life.state(at=1010) is State.UP
    assert life.verdict(at=1360).reason is Reason.OVERDUE


def test_pg_83_a_job_that_dies_does_not_look_well_forever() -> None:
    # There the last pushed exit status 0 is served for as long as the gateway runs.
    life = Life()
    life.push(UP, at=1000)

    assert life.state(at=1360) is State.DOWN
    assert value(life, "yuptime_monitor_deadline_timestamp_seconds", at=1360) == 1360


def test_kh_error_label_no_message_makes_a_series() -> None:
    # There the error text is a label: a new series with every new message.
    messages = ["no space left on device", "connection refused"]
    life = Life()
    series = set()
    for message in messages:
        life.table.record_pushes([(KEY, push(DOWN, message=message))])
        series |= {
            (s.name, tuple(sorted(s.labels.items())))
            for family in exposed(life, at=1000)
            for s in family.samples
        }

    assert len(series) == 15


def test_an_example_row_is_what_a_life_begins_with() -> None:
    assert Life().table.rows() == (row(),)

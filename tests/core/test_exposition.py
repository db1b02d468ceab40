"""The exposition of monitors, byte by byte and through two strict parsers."""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as parse_openmetrics,
)
from prometheus_client.parser import text_string_to_metric_families as parse_text
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

from tests.core.examples import DOWN, START, UP, judged, monitor_families, push, pushed, row
from yuptime_exporter.core.cron_times import CronTimes
from yuptime_exporter.core.exposition import process_families
from yuptime_exporter.core.exposition_text import label_text, own_label_text
from yuptime_exporter.core.families import TARGET_LABELS
from yuptime_exporter.core.identity import AlertDefaults
from yuptime_exporter.core.model import Judged, LastPush, MonitorKey, Row
from yuptime_exporter.core.schedules import Cron

NO_DEFAULTS = AlertDefaults()

FAMILIES = {
    "yuptime_monitor_last_push_timestamp_seconds": "gauge",
    "yuptime_monitor_last_success_timestamp_seconds": "gauge",
    "yuptime_monitor_expire_seconds": "gauge",
    "yuptime_monitor_grace_seconds": "gauge",
    "yuptime_monitor_armed_timestamp_seconds": "gauge",
    "yuptime_monitor_deadline_timestamp_seconds": "gauge",
    "yuptime_monitor_due_timestamp_seconds": "gauge",
    "yuptime_monitor_down": "gauge",
    "yuptime_monitor_up": "gauge",
    "yuptime_monitor_pushes": "counter",
    "yuptime_monitor_pushes_down": "counter",
    "yuptime_monitor_pushes_rejected": "counter",
    "yuptime_monitor_alert_labels": "gauge",
    "yuptime_monitor_info": "gauge",
    "yuptime_monitor_schedule_info": "gauge",
    "yuptime_monitor_annotations_info": "gauge",
    "yuptime_monitor_last_event_timestamp_seconds": "gauge",
    "yuptime_monitor_last_start_timestamp_seconds": "gauge",
    "yuptime_monitor_run_start_timestamp_seconds": "gauge",
    "yuptime_monitor_runs_open": "gauge",
    "yuptime_monitor_max_runtime_seconds": "gauge",
    "yuptime_monitor_last_duration_seconds": "gauge",
    "yuptime_monitor_last_exit_code": "gauge",
    "yuptime_monitor_starts": "counter",
    "yuptime_monitor_runs_abandoned": "counter",
    "yuptime_monitor_run_duration_seconds": "summary",
}


class Scraped(Collector):
    """The smallest collector that answers a scrape with given families."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = tuple(families)

    def collect(self) -> Iterator[Metric]:
        yield from self._families


def families(*rows: Row, defaults: AlertDefaults = NO_DEFAULTS, at: float = 2000) -> list[Metric]:
    return list(monitor_families([Judged(r, judged(r, at=at)) for r in rows], defaults))


def registry(metrics: Iterable[Metric]) -> CollectorRegistry:
    scraped = CollectorRegistry()
    scraped.register(Scraped(metrics))
    return scraped


def text(metrics: Iterable[Metric]) -> str:
    return generate_latest(registry(metrics)).decode()


def openmetrics(metrics: Iterable[Metric]) -> str:
    encoded: bytes = generate_openmetrics(registry(metrics))  # type: ignore[no-untyped-call]
    return encoded.decode()


def samples(metrics: Iterable[Metric]) -> list[Sample]:
    return [sample for family in metrics for sample in family.samples]


def values(metrics: Iterable[Metric]) -> dict[str, float]:
    return {sample.name: sample.value for sample in samples(metrics)}


def labels_of(name: str, metrics: Iterable[Metric]) -> list[dict[str, str]]:
    return [sample.labels for sample in samples(metrics) if sample.name == name]


REPORTED_DOWN = row(
    push(
        DOWN,
        at=1_700_000_100.25,
        message="disk full",
        last_success_timestamp=1_700_000_000.5,
        pushes_total=12,
        pushes_down_total=2,
    ),
    armed=1_600_000_000,
    alert_labels=(("severity", "page"),),
)

EXPECTED_TEXT = """\
# HELP yuptime_monitor_last_push_timestamp_seconds Unix time of the last accepted push, 0 before the first.
# TYPE yuptime_monitor_last_push_timestamp_seconds gauge
yuptime_monitor_last_push_timestamp_seconds{monitor="backup",namespace="prod"} 1.70000010025e+09
yuptime_monitor_last_push_timestamp_seconds{monitor="report",namespace="prod"} 0.0
# HELP yuptime_monitor_last_success_timestamp_seconds Unix time of the last push that reported up, 0 before the first.
# TYPE yuptime_monitor_last_success_timestamp_seconds gauge
yuptime_monitor_last_success_timestamp_seconds{monitor="backup",namespace="prod"} 1.7000000005e+09
yuptime_monitor_last_success_timestamp_seconds{monitor="report",namespace="prod"} 0.0
# HELP yuptime_monitor_expire_seconds Time after a push at which the next one is due.
# TYPE yuptime_monitor_expire_seconds gauge
yuptime_monitor_expire_seconds{monitor="backup",namespace="prod"} 300.0
yuptime_monitor_expire_seconds{monitor="report",namespace="prod"} 86400.0
# HELP yuptime_monitor_grace_seconds Time past expiry before the monitor counts as down.
# TYPE yuptime_monitor_grace_seconds gauge
yuptime_monitor_grace_seconds{monitor="backup",namespace="prod"} 60.0
yuptime_monitor_grace_seconds{monitor="report",namespace="prod"} 0.0
# HELP yuptime_monitor_armed_timestamp_seconds Unix time from which the first push is awaited.
# TYPE yuptime_monitor_armed_timestamp_seconds gauge
yuptime_monitor_armed_timestamp_seconds{monitor="backup",namespace="prod"} 1.6e+09
yuptime_monitor_armed_timestamp_seconds{monitor="report",namespace="prod"} 1.700000001e+09
# HELP yuptime_monitor_deadline_timestamp_seconds Unix time at which silence makes the monitor down.
# TYPE yuptime_monitor_deadline_timestamp_seconds gauge
yuptime_monitor_deadline_timestamp_seconds{monitor="backup",namespace="prod"} 1.70000046025e+09
yuptime_monitor_deadline_timestamp_seconds{monitor="report",namespace="prod"} 1.700086401e+09
# HELP yuptime_monitor_due_timestamp_seconds Unix time at which the next push is due.
# TYPE yuptime_monitor_due_timestamp_seconds gauge
yuptime_monitor_due_timestamp_seconds{monitor="backup",namespace="prod"} 1.70000040025e+09
yuptime_monitor_due_timestamp_seconds{monitor="report",namespace="prod"} 1.700086401e+09
# HELP yuptime_monitor_down Whether the monitor is down for any reason, judged at the scrape.
# TYPE yuptime_monitor_down gauge
yuptime_monitor_down{monitor="backup",namespace="prod"} 1.0
yuptime_monitor_down{monitor="report",namespace="prod"} 0.0
# HELP yuptime_monitor_up Whether the last push reported up, 0 before the first; silence is not folded in.
# TYPE yuptime_monitor_up gauge
yuptime_monitor_up{monitor="backup",namespace="prod"} 0.0
yuptime_monitor_up{monitor="report",namespace="prod"} 0.0
# HELP yuptime_monitor_pushes_total Accepted pushes.
# TYPE yuptime_monitor_pushes_total counter
yuptime_monitor_pushes_total{monitor="backup",namespace="prod"} 12.0
yuptime_monitor_pushes_total{monitor="report",namespace="prod"} 0.0
# HELP yuptime_monitor_pushes_down_total Accepted pushes that reported down.
# TYPE yuptime_monitor_pushes_down_total counter
yuptime_monitor_pushes_down_total{monitor="backup",namespace="prod"} 2.0
yuptime_monitor_pushes_down_total{monitor="report",namespace="prod"} 0.0
# HELP yuptime_monitor_pushes_rejected_total Pushes with a valid token that were refused: malformed, too large or too many.
# TYPE yuptime_monitor_pushes_rejected_total counter
yuptime_monitor_pushes_rejected_total{monitor="backup",namespace="prod"} 0.0
yuptime_monitor_pushes_rejected_total{monitor="report",namespace="prod"} 0.0
# HELP yuptime_monitor_alert_labels Labels of the alerts of the monitor; absent while it is paused.
# TYPE yuptime_monitor_alert_labels gauge
yuptime_monitor_alert_labels{app_kubernetes_io_component="",app_kubernetes_io_instance="",app_kubernetes_io_managed_by="",app_kubernetes_io_name="",app_kubernetes_io_part_of="",app_kubernetes_io_version="",cluster="eu",container="",endpoint="",helm_sh_chart="",monitor="backup",namespace="prod",node="",pod="",pod_template_hash="",service="",severity="page"} 1.0
# HELP yuptime_monitor_info Information about the monitor.
# TYPE yuptime_monitor_info gauge
yuptime_monitor_info{monitor="backup",namespace="prod",paused="false",source="manifests"} 1.0
yuptime_monitor_info{monitor="report",namespace="prod",paused="true",source="kubernetes"} 1.0
# HELP yuptime_monitor_schedule_info When pushes are due: an interval, or a cron expression in a time zone.
# TYPE yuptime_monitor_schedule_info gauge
yuptime_monitor_schedule_info{kind="interval",monitor="backup",namespace="prod",schedule="every 300 s",time_zone=""} 1.0
yuptime_monitor_schedule_info{kind="interval",monitor="report",namespace="prod",schedule="every 86400 s",time_zone=""} 1.0
# HELP yuptime_monitor_annotations_info Texts of the team for the alerts of the monitor; absent where it gives none.
# TYPE yuptime_monitor_annotations_info gauge
# HELP yuptime_monitor_last_event_timestamp_seconds Unix time of the last push, start or arming: of several replicas, the newest decides.
# TYPE yuptime_monitor_last_event_timestamp_seconds gauge
# HELP yuptime_monitor_last_start_timestamp_seconds Unix time of the last start of a run, 0 before the first.
# TYPE yuptime_monitor_last_start_timestamp_seconds gauge
# HELP yuptime_monitor_run_start_timestamp_seconds Unix time of the start of the oldest open run, 0 while none is open.
# TYPE yuptime_monitor_run_start_timestamp_seconds gauge
# HELP yuptime_monitor_runs_open Runs that have started and have not ended, at most 16.
# TYPE yuptime_monitor_runs_open gauge
# HELP yuptime_monitor_max_runtime_seconds Time after the start of a run at which the monitor is down, 0 without a limit.
# TYPE yuptime_monitor_max_runtime_seconds gauge
# HELP yuptime_monitor_last_duration_seconds Duration of the run that the last push ended; absent where it is unknown.
# TYPE yuptime_monitor_last_duration_seconds gauge
# HELP yuptime_monitor_last_exit_code Exit code that the last push reported; absent where it reported none.
# TYPE yuptime_monitor_last_exit_code gauge
# HELP yuptime_monitor_starts_total Accepted starts of runs.
# TYPE yuptime_monitor_starts_total counter
# HELP yuptime_monitor_runs_abandoned_total Runs that are no longer watched although their end was not reported.
# TYPE yuptime_monitor_runs_abandoned_total counter
# HELP yuptime_monitor_run_duration_seconds Durations of the runs that ended.
# TYPE yuptime_monitor_run_duration_seconds summary
"""


class TestWhatAScrapeReads:
    def test_two_monitors_are_exposed_in_exactly_these_bytes(self) -> None:
        paused = row(
            armed=1_700_000_001,
            paused=1_700_000_002,
            name="report",
            expire_seconds=86_400,
            grace_seconds=0,
            source="kubernetes",
        )
        defaults = AlertDefaults((("severity", "warning"),), (("cluster", "eu"),))

        assert text(families(REPORTED_DOWN, paused, defaults=defaults)) == EXPECTED_TEXT

    def test_a_cron_monitor_shows_its_expression_and_its_zone_and_a_time_to_its_next_push(
        self,
    ) -> None:
        schedule = Cron("0 * * * *", "UTC", CronTimes("0 * * * *", UTC))
        exposed = families(row(push(UP, at=1000), schedule=schedule))
        values = {sample.name: sample.value for sample in samples(exposed)}

        assert labels_of("yuptime_monitor_schedule_info", exposed) == [
            {
                "namespace": "prod",
                "monitor": "backup",
                "kind": "cron",
                "schedule": "0 * * * *",
                "time_zone": "UTC",
            }
        ]
        assert values["yuptime_monitor_due_timestamp_seconds"] == 3600
        assert values["yuptime_monitor_expire_seconds"] == 2600

    def test_a_schedule_that_never_comes_again_has_an_infinite_deadline(self) -> None:
        never = "* * */20 * 1L"
        schedule = Cron(never, "UTC", CronTimes(never, UTC))

        assert (
            'yuptime_monitor_deadline_timestamp_seconds{monitor="backup",namespace="prod"} +Inf\n'
            in text(families(row(schedule=schedule)))
        )

    def test_every_monitor_has_exactly_its_fifteen_series(self) -> None:
        exposed = samples(families(row(name="a"), row(push(UP), name="b")))

        assert len(exposed) == 2 * 15
        for name in ("a", "b"):
            own = [sample.name for sample in exposed if sample.labels["monitor"] == name]
            assert len(own) == len(set(own)) == 15

    def test_the_families_are_the_same_with_no_monitors_at_all(self) -> None:
        assert {family.name: family.type for family in families()} == FAMILIES
        assert samples(families()) == []

    @pytest.mark.parametrize("name", FAMILIES)
    def test_a_family_without_monitors_still_has_help_and_type(self, name: str) -> None:
        exposed = f"{name}_total" if FAMILIES[name] == "counter" else name

        assert f"# HELP {exposed} " in text(families())
        assert f"# TYPE {exposed} {FAMILIES[name]}\n" in text(families())

    def test_only_counters_have_names_that_end_in_total(self) -> None:
        for family in families(REPORTED_DOWN):
            for sample in family.samples:
                assert sample.name.endswith("_total") == (family.type == "counter")

    def test_a_monitor_without_a_push_has_zeros_for_pushes_and_successes(self) -> None:
        exposed = values(families(row()))

        assert exposed["yuptime_monitor_last_push_timestamp_seconds"] == 0
        assert exposed["yuptime_monitor_last_success_timestamp_seconds"] == 0
        assert exposed["yuptime_monitor_up"] == 0
        assert exposed["yuptime_monitor_pushes_total"] == 0
        assert exposed["yuptime_monitor_pushes_down_total"] == 0

    def test_a_monitor_without_a_push_has_its_armed_and_deadline_timestamps(self) -> None:
        exposed = values(families(row()))

        assert exposed["yuptime_monitor_armed_timestamp_seconds"] == 1000
        assert exposed["yuptime_monitor_deadline_timestamp_seconds"] == 1360

    def test_up_is_the_status_of_the_last_push_however_old_it_is(self) -> None:
        exposed = values(families(row(push(UP, at=1000)), at=1e9))

        assert exposed["yuptime_monitor_up"] == 1

    def test_a_down_push_moves_the_last_push_and_not_the_last_success(self) -> None:
        exposed = values(families(row(push(DOWN, at=1100, last_success_timestamp=1050))))

        assert exposed["yuptime_monitor_last_push_timestamp_seconds"] == 1100
        assert exposed["yuptime_monitor_last_success_timestamp_seconds"] == 1050

    def test_the_message_of_a_push_is_never_exposed(self) -> None:
        assert "disk full" not in text(families(REPORTED_DOWN))


class TestAlertLabels:
    def exposed(self, *rows: Row, defaults: AlertDefaults = NO_DEFAULTS) -> list[dict[str, str]]:
        return labels_of("yuptime_monitor_alert_labels", families(*rows, defaults=defaults))

    def test_a_paused_monitor_has_no_alert_labels(self) -> None:
        assert self.exposed(row(paused=1100)) == []

    def test_a_paused_monitor_has_all_its_other_series(self) -> None:
        exposed = samples(families(row(paused=1100)))

        assert len({sample.name for sample in exposed}) == 14
        assert labels_of("yuptime_monitor_info", families(row(paused=1100))) == [
            {"namespace": "prod", "monitor": "backup", "source": "manifests", "paused": "true"}
        ]

    def test_labels_that_prometheus_gives_to_targets_are_exposed_as_empty(self) -> None:
        [labels] = self.exposed(row())

        assert labels == {
            "namespace": "prod",
            "monitor": "backup",
            **dict.fromkeys(TARGET_LABELS, ""),
        }
        assert {"container", "pod", "pod_template_hash", "helm_sh_chart"} <= set(TARGET_LABELS)

    @pytest.mark.parametrize("label", TARGET_LABELS)
    def test_a_target_label_that_the_user_sets_keeps_the_users_value(self, label: str) -> None:
        [labels] = self.exposed(row(alert_labels=((label, "mine"),)))

        assert {name: labels[name] for name in TARGET_LABELS} == {
            name: "mine" if name == label else "" for name in TARGET_LABELS
        }

    @pytest.mark.parametrize("label", TARGET_LABELS)
    def test_a_target_label_can_be_set_for_all_monitors(self, label: str) -> None:
        [labels] = self.exposed(row(), defaults=AlertDefaults(((label, "ours"),)))

        assert labels[label] == "ours"

    def test_alert_labels_of_one_monitor_are_not_exposed_for_another(self) -> None:
        with_team, without = self.exposed(row(name="a", alert_labels=(("team", "x"),)), row())

        assert with_team["team"] == "x"
        assert "team" not in without


class TestTheExporterItself:
    def test_the_families_of_the_exporter_are_exposed_in_exactly_these_bytes(self) -> None:
        metrics = process_families(
            monitors_by_type={"push": 3, "http": 2}, now_timestamp=1_700_000_000.5
        )

        assert text(metrics) == (
            "# HELP yuptime_time_seconds Unix time by the clock that judges.\n"
            "# TYPE yuptime_time_seconds gauge\n"
            "yuptime_time_seconds 1.7000000005e+09\n"
            "# HELP yuptime_monitors Declared monitors; only type push is judged.\n"
            "# TYPE yuptime_monitors gauge\n"
            'yuptime_monitors{type="http"} 2.0\n'
            'yuptime_monitors{type="push"} 3.0\n'
        )

    def test_the_families_of_the_exporter_have_help_and_type_without_monitors(self) -> None:
        metrics = process_families(monitors_by_type={}, now_timestamp=1000)

        assert "# TYPE yuptime_monitors gauge\n" in text(metrics)


def read_text(metrics: Iterable[Metric]) -> list[Metric]:
    return list(parse_text(text(metrics)))


def read_openmetrics(metrics: Iterable[Metric]) -> list[Metric]:
    return list(parse_openmetrics(openmetrics(metrics)))  # type: ignore[no-untyped-call]


Reader = Callable[[Iterable[Metric]], list[Metric]]
in_both_formats = pytest.mark.parametrize("read", [read_text, read_openmetrics])


def meant(metrics: Iterable[Metric]) -> list[tuple[str, dict[str, str], float]]:
    return [(sample.name, sample.labels, sample.value) for sample in samples(metrics)]


RAN = row(
    pushed(
        row(pushed(row(armed=1000), START, at=1010, run_id="7"), max_runtime_seconds=3600),
        DOWN,
        at=1052.5,
        run_id="7",
        exit_code=2,
    ),
    max_runtime_seconds=3600,
)
RUNNING = row(pushed(row(armed=1000), START, at=1010), max_runtime_seconds=3600)
LIMITED = row(max_runtime_seconds=3600)


class TestRuns:
    def test_a_run_that_ended_has_a_duration_and_an_exit_code(self) -> None:
        exposed = values(families(RAN))

        assert {name: exposed[f"yuptime_monitor_{name}"] for name in RUN_SERIES} == {
            "last_event_timestamp_seconds": 1052.5,
            "last_start_timestamp_seconds": 1010,
            "run_start_timestamp_seconds": 0,
            "runs_open": 0,
            "max_runtime_seconds": 3600,
            "last_duration_seconds": 42.5,
            "last_exit_code": 2,
            "starts_total": 1,
            "runs_abandoned_total": 0,
            "run_duration_seconds_count": 1,
            "run_duration_seconds_sum": 42.5,
        }

    def test_an_open_run_has_its_start(self) -> None:
        exposed = values(families(RUNNING))

        assert exposed["yuptime_monitor_run_start_timestamp_seconds"] == 1010
        assert exposed["yuptime_monitor_runs_open"] == 1
        assert "yuptime_monitor_last_duration_seconds" not in exposed
        assert "yuptime_monitor_last_exit_code" not in exposed

    def test_a_monitor_with_a_maximum_runtime_has_the_series_of_runs_from_the_beginning(
        self,
    ) -> None:
        assert values(families(LIMITED))["yuptime_monitor_starts_total"] == 0

    def test_a_monitor_without_runs_has_no_series_of_runs(self) -> None:
        exposed = values(families(row(push(UP))))

        assert not {f"yuptime_monitor_{name}" for name in RUN_SERIES} & exposed.keys()


RUN_SERIES = (
    "last_event_timestamp_seconds",
    "last_start_timestamp_seconds",
    "run_start_timestamp_seconds",
    "runs_open",
    "max_runtime_seconds",
    "last_duration_seconds",
    "last_exit_code",
    "starts_total",
    "runs_abandoned_total",
    "run_duration_seconds_count",
    "run_duration_seconds_sum",
)


class TestStrictParsers:
    @in_both_formats
    @pytest.mark.parametrize(
        "rows",
        [
            pytest.param([], id="no monitors"),
            pytest.param([REPORTED_DOWN], id="one monitor"),
            pytest.param([RAN], id="runs"),
            pytest.param([REPORTED_DOWN, row(name="b"), row(name="c", paused=1100)], id="three"),
        ],
    )
    def test_both_formats_read_back_to_the_same_samples(
        self, read: Reader, rows: list[Row]
    ) -> None:
        metrics = families(*rows)

        assert meant(read(metrics)) == meant(metrics)

    @in_both_formats
    def test_both_formats_read_back_to_the_same_types(self, read: Reader) -> None:
        metrics = families(REPORTED_DOWN)

        assert {family.name: family.type for family in read(metrics)} == FAMILIES

    @in_both_formats
    @pytest.mark.parametrize(
        "value",
        [
            'say "hi"',
            "C:\\temp\\new",
            "two\nlines",
            "\\n is not a newline",
            'ends with \\"',
            "\\",
            '"} 1\nforged_metric{a="b',
            "# HELP forged",
            "名前 🙂",
            "carriage\rreturn",
            "line\u2028separator\x85next",
            "nul\x00",
        ],
    )
    def test_a_hostile_label_value_reads_back_unchanged(self, read: Reader, value: str) -> None:
        metrics = families(row(alert_labels=(("team", value),)))

        assert labels_of("yuptime_monitor_alert_labels", metrics)[0]["team"] == value
        assert meant(read(metrics)) == meant(metrics)

    @given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40))
    def test_any_label_value_reads_back_unchanged(self, value: str) -> None:
        metrics = families(row(alert_labels=(("team", value),)))

        assert meant(read_text(metrics)) == meant(metrics)
        assert meant(read_openmetrics(metrics)) == meant(metrics)

    def test_the_families_of_the_exporter_read_back(self) -> None:
        metrics = list(process_families(monitors_by_type={"push": 3}, now_timestamp=1000))

        assert meant(read_text(metrics)) == meant(metrics)
        assert meant(read_openmetrics(metrics)) == meant(metrics)


class TestTextsOfAlerts:
    def test_only_monitors_with_texts_of_their_team_have_that_series(self) -> None:
        exposed = families(
            row(name="plain"),
            row(name="described", alert_description="Call us."),
            row(name="documented", alert_runbook_url="https://wiki.example.com/a"),
        )

        assert labels_of("yuptime_monitor_annotations_info", exposed) == [
            {
                "namespace": "prod",
                "monitor": "described",
                "description": "Call us.",
                "runbook_url": "",
            },
            {
                "namespace": "prod",
                "monitor": "documented",
                "description": "",
                "runbook_url": "https://wiki.example.com/a",
            },
        ]

    def test_no_message_is_exposed_unless_asked_for(self) -> None:
        assert "disk full" not in text(families(REPORTED_DOWN))

    def test_only_the_message_of_a_job_that_reported_down_is_exposed(self) -> None:
        rows = (
            REPORTED_DOWN,
            row(push(UP, message="fine"), name="up"),
            row(push(UP, at=0, message="was fine"), name="silent"),
            row(push(DOWN, message=""), name="wordless"),
            row(push(DOWN, message="down, too"), name="resting", paused=1100),
        )
        judged_rows = [Judged(one, judged(one, at=2000)) for one in rows]

        exposed = list(monitor_families(judged_rows, NO_DEFAULTS, messages=True))

        assert labels_of("yuptime_monitor_message_info", exposed) == [
            {"namespace": "prod", "monitor": "backup", "message": "disk full"}
        ]

    @pytest.mark.parametrize(
        ("last", "at", "down"),
        [
            (push(UP, at=1000), 1359, 0),
            (push(UP, at=1000), 1360, 1),
            (push(DOWN, at=1000), 1000, 1),
            (None, 1360, 1),
            (None, 1359, 0),
        ],
    )
    def test_the_gauge_of_down_is_1_for_whatever_reason(
        self, last: LastPush | None, at: float, down: int
    ) -> None:
        assert values(families(row(last), at=at))["yuptime_monitor_down"] == down


# Often the characters that a line has to escape, and those that it looks like.
label_values = st.text(st.sampled_from('\\n"{}, =äñ') | st.characters(exclude_categories=["Cs"]))


class TestOwnLines:
    """The lines that are written without prometheus-client have the labels that are meant."""

    @given(st.dictionaries(st.from_regex(r"[a-z]{1,8}", fullmatch=True), label_values, min_size=1))
    def test_any_label_value_reads_back_as_it_was(self, labels: dict[str, str]) -> None:
        (family,) = parse_text(f"a_metric{{{label_text(labels.items())}}} 1.0\n")

        assert [sample.labels for sample in family.samples] == [labels]

    @given(label_values, label_values)
    def test_any_name_of_a_monitor_reads_back_as_it_was(self, namespace: str, name: str) -> None:
        own_labels = own_label_text(MonitorKey(namespace, name))

        (family,) = parse_text(f"a_metric{{{own_labels}}} 1.0\n")

        assert [sample.labels for sample in family.samples] == [
            {"namespace": namespace, "monitor": name}
        ]

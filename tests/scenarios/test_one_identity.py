"""One identity of an alert on both paths: the exposed labels are the labels that are sent."""

import re
from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from tests.core.examples import DOWN, judged, monitor, monitor_families, push, row
from yuptime_exporter.core.alerting import AlertFeed, AlertSettings, alert_of, fingerprint
from yuptime_exporter.core.families import TARGET_LABELS
from yuptime_exporter.core.identity import (
    ALERT_NAME,
    MAX_LABELS,
    RESERVED_LABELS,
    AlertDefaults,
    label_problems,
)
from yuptime_exporter.core.model import Judged, Monitor, Row
from yuptime_exporter.resource.objects import Declared, Invalid, read_object
from yuptime_exporter.sinks.alertmanager.body import ExporterUrl, alert_body

BY_DEFAULT = AlertSettings()


def encodable(max_size: int) -> st.SearchStrategy[str]:
    return st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=max_size)


def good_labels() -> st.SearchStrategy[dict[str, str]]:
    """Label sets that pass validation, the labels of scrape targets among them."""
    names = st.sampled_from([*TARGET_LABELS, "team", "severity", "cluster"]) | st.from_regex(
        r"[a-zA-Z_][a-zA-Z0-9_]{0,8}", fullmatch=True
    ).filter(lambda name: name not in RESERVED_LABELS and not name.startswith("__"))
    return st.dictionaries(names, encodable(20), max_size=6)


def sorted_items(labels: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(labels.items()))


def any_defaults() -> st.SearchStrategy[AlertDefaults]:
    return st.builds(
        AlertDefaults, good_labels().map(sorted_items), good_labels().map(sorted_items)
    )


def any_monitors() -> st.SearchStrategy[Monitor]:
    names = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,6}[a-z0-9])?", fullmatch=True)
    labels = good_labels().map(sorted_items)
    return st.builds(
        lambda name, namespace, own: monitor(name, namespace, alert_labels=own),
        names,
        names,
        labels,
    )


def exposed_labels(down_row: Row, defaults: AlertDefaults) -> dict[str, str]:
    """Return the labels of the gauge as Prometheus' rule sees them, with the name of the alert."""
    [family] = [
        family
        for family in monitor_families([Judged(down_row, judged(down_row, at=1000))], defaults)
        if family.name == "yuptime_monitor_alert_labels"
    ]
    [sample] = family.samples
    kept = {name: value for name, value in sample.labels.items() if value}
    assert sample.labels.keys() - kept.keys() <= set(TARGET_LABELS)
    return {**kept, "alertname": ALERT_NAME}


@given(any_monitors(), any_defaults())
def test_the_exposed_labels_are_the_sent_labels(declared: Monitor, defaults: AlertDefaults) -> None:
    down_row = row(
        push(DOWN),
        name=declared.key.name,
        namespace=declared.key.namespace,
        alert_labels=declared.alert_labels,
    )
    settings = AlertSettings(defaults=defaults)
    alert = alert_of(down_row, judged(down_row, at=1000), settings)
    assert alert is not None
    [outgoing] = AlertFeed().due({alert.labels: alert}, settings, now_timestamp=1000)

    exposed = exposed_labels(down_row, defaults)
    sent = alert_body(outgoing, exporter=ExporterUrl("http://yuptime"))["labels"]

    assert sent == exposed
    assert fingerprint(alert.labels) == fingerprint(exposed.items())


@given(
    st.dictionaries(
        st.sampled_from([*RESERVED_LABELS, "__name__", "te-am", "", "team", "a b", "é"])
        | st.text(max_size=4)
        | st.from_regex(r"[a-z_]{1,4}", fullmatch=True),
        st.text(max_size=4),
        max_size=4,
    )
)
def test_labels_that_a_manifest_must_not_give_make_it_invalid(labels: dict[str, str]) -> None:
    manifest = {
        "apiVersion": "monitoring.yuptime.io/v1",
        "kind": "Monitor",
        "metadata": {"name": "backup", "namespace": "prod"},
        "spec": {
            "type": "push",
            "target": {"push": {"tokenSecretRef": {"name": "tokens", "key": "token"}}},
            "alerting": {"labels": labels},
        },
    }

    read = read_object(manifest, "jobs.yaml")

    harmless = all(
        re.fullmatch("[a-zA-Z_][a-zA-Z0-9_]*", name)
        and not name.startswith("__")
        and name not in RESERVED_LABELS
        and value
        and not re.search("[\ud800-\udfff]", value)
        for name, value in labels.items()
    )
    assert isinstance(read, Declared if harmless else Invalid)
    assert bool(label_problems(labels)) is not harmless
    if isinstance(read, Declared):
        assert isinstance(read.value, Monitor)
        assert dict(read.value.alert_labels) == labels


def test_the_largest_label_set_is_the_same_on_both_paths() -> None:
    own = tuple((f"label_{number:02}", "x" * 1024) for number in range(MAX_LABELS))
    down_row = row(push(DOWN), alert_labels=own)

    alert = alert_of(down_row, judged(down_row, at=1000), BY_DEFAULT)

    assert alert is not None
    assert dict(alert.labels) == exposed_labels(down_row, AlertDefaults())


def test_a_paused_monitor_is_on_neither_path() -> None:
    paused = row(push(DOWN), paused=1000)
    judged_rows = [Judged(paused, judged(paused, at=1000))]

    families = {family.name: family for family in monitor_families(judged_rows, AlertDefaults())}

    assert families["yuptime_monitor_alert_labels"].samples == []
    assert alert_of(*judged_rows[0], BY_DEFAULT) is None

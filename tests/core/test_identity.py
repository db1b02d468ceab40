"""Which labels an alert has, and which a user may give it."""

import pytest

from yuptime_exporter.core.identity import (
    MAX_LABEL_VALUE_BYTES,
    MAX_LABELS,
    RESERVED_LABELS,
    AlertDefaults,
    alert_labels,
    label_problems,
)
from yuptime_exporter.core.model import MonitorKey

KEY = MonitorKey("prod", "backup")
NO_DEFAULTS = AlertDefaults()


class TestAlertLabels:
    def test_an_alert_has_only_the_labels_of_its_monitor_by_default(self) -> None:
        assert alert_labels(KEY, (), NO_DEFAULTS) == {"namespace": "prod", "monitor": "backup"}

    def test_the_labels_of_a_monitor_are_added_to_its_alert(self) -> None:
        labels = alert_labels(KEY, (("team", "storage"),), NO_DEFAULTS)

        assert labels == {"namespace": "prod", "monitor": "backup", "team": "storage"}

    def test_labels_of_a_monitor_win_over_default_labels_and_those_over_external_labels(
        self,
    ) -> None:
        defaults = AlertDefaults(
            default_labels=(("a", "default"), ("b", "default")),
            external_labels=(("a", "external"), ("b", "external"), ("c", "external")),
        )

        labels = alert_labels(KEY, (("a", "own"),), defaults)

        assert (labels["a"], labels["b"], labels["c"]) == ("own", "default", "external")

    @pytest.mark.parametrize("label", ["namespace", "monitor"])
    def test_no_label_can_replace_the_name_of_the_monitor(self, label: str) -> None:
        forged = ((label, "forged"),)

        labels = alert_labels(KEY, forged, AlertDefaults(forged, forged))

        assert labels == {"namespace": "prod", "monitor": "backup"}

    def test_the_order_in_which_labels_are_declared_does_not_matter(self) -> None:
        labels = (("team", "storage"), ("severity", "page"))

        assert alert_labels(KEY, labels, NO_DEFAULTS) == alert_labels(
            KEY, labels[::-1], NO_DEFAULTS
        )


class TestLabelNames:
    @pytest.mark.parametrize("name", ["team", "_team", "Team2", "a", "_", "container", "pod"])
    def test_a_label_name_of_the_classic_form_has_no_problem(self, name: str) -> None:
        assert label_problems({name: "x"}) == []

    @pytest.mark.parametrize(
        "name", ["", "2team", "te-am", "te.am", "te am", "équipe", "team\n", "te:am"]
    )
    def test_a_label_name_of_another_form_is_a_problem(self, name: str) -> None:
        assert label_problems({name: "x"}) == [
            (name, "expected a label name that matches [a-zA-Z_][a-zA-Z0-9_]*")
        ]

    @pytest.mark.parametrize(
        "name", ["alertname", "namespace", "monitor", "instance", "job", "alertstate"]
    )
    def test_a_reserved_label_name_is_a_problem_that_lists_all_of_them(self, name: str) -> None:
        [(label, text)] = label_problems({name: "x"})

        assert label == name
        assert all(reserved in text for reserved in RESERVED_LABELS)

    @pytest.mark.parametrize("name", ["__", "__name__", "__team"])
    def test_a_label_name_with_two_leading_underscores_is_a_problem(self, name: str) -> None:
        [(label, text)] = label_problems({name: "x"})

        assert label == name
        assert "__" in text


class TestLabelValues:
    def test_an_empty_label_value_is_a_problem(self) -> None:
        [(label, text)] = label_problems({"team": ""})

        assert label == "team"
        assert "empty" in text

    @pytest.mark.parametrize("value", ["x" * MAX_LABEL_VALUE_BYTES, "ü" * 512, "🙂" * 256])
    def test_a_label_value_of_the_largest_size_has_no_problem(self, value: str) -> None:
        assert label_problems({"team": value}) == []

    @pytest.mark.parametrize("value", ["x" * (MAX_LABEL_VALUE_BYTES + 1), "ü" * 513, "🙂" * 257])
    def test_a_label_value_above_the_largest_size_is_a_problem_that_names_its_bytes(
        self, value: str
    ) -> None:
        [(label, text)] = label_problems({"team": value})

        assert label == "team"
        assert str(len(value.encode())) in text
        assert str(MAX_LABEL_VALUE_BYTES) in text

    @pytest.mark.parametrize("value", ['say "hi"', "C:\\temp", "two\nlines", "名前", " "])
    def test_any_text_can_be_a_label_value(self, value: str) -> None:
        assert label_problems({"team": value}) == []

    def test_a_label_value_that_cannot_be_written_as_utf8_is_a_problem(self) -> None:
        # In YAML, "\ud800" has this value; one of them would make every scrape fail.
        [(label, _)] = label_problems({"team": "\ud800"})

        assert label == "team"


class TestTheNumberOfLabels:
    def test_the_largest_number_of_labels_has_no_problem(self) -> None:
        assert label_problems({f"l{n}": "x" for n in range(MAX_LABELS)}) == []

    def test_one_label_too_many_is_a_problem(self) -> None:
        problems = label_problems({f"l{n}": "x" for n in range(MAX_LABELS + 1)})

        assert problems == [("", "expected at most 64 labels, got 65")]

    def test_problems_are_in_the_order_of_the_labels(self) -> None:
        problems = label_problems({"job": "x", "fine": "x", "team": ""})

        assert [label for label, _ in problems] == ["job", "team"]

"""Plain values from YAML, read as Kubernetes reads it."""

import json
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.sources.manifests.reading import problems, values
from yuptime_exporter.sources.manifests.documents import read_documents

# A slow machine does not break a law.
LAW = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def test_json_with_tabs_is_read():
    value = {"kind": "x", "list": [1, 2.5, True, None, "a\tb"], "empty": {}}

    assert values(json.dumps(value, indent="\t")) == [value]


def test_windows_line_ends_are_read():
    assert values("a: 1\r\nb: x\r\n") == [{"a": 1, "b": "x"}]


def test_values_are_read_as_kubernetes_reads_them():
    text = "a: 10:30\nb: 2024-02-31\nc: 0x_\nd: yes\n1: e\ntrue: f\ng: 1e3\n"

    assert values(text) == [
        {"a": "10:30", "b": "2024-02-31", "c": "0x_", "d": True, "1": "e", "true": "f", "g": 1000.0}
    ]


def test_aliases_and_merge_keys_are_followed():
    text = "a: &a {x: 1, y: 2}\nb: *a\nc: {<<: *a, y: 3}\nd: {<<: [{x: 4}, *a]}\n"

    assert values(text) == [
        {
            "a": {"x": 1, "y": 2},
            "b": {"x": 1, "y": 2},
            "c": {"x": 1, "y": 3},
            "d": {"x": 4, "y": 2},
        }
    ]


def test_a_key_given_twice_is_a_problem_that_names_both_lines():
    (found,) = problems("spec:\n  target:\n    push: 1\n    push: 2\n")

    place = "a.yaml, document 1 (line 1): spec.target.push"
    assert found == f"{place}: expected one value, got two, on lines 3 and 4"


@pytest.mark.parametrize(
    "level",
    ["[{aliases}]", "{{<<: [{aliases}]}}", "{{kind: List, items: [{aliases}]}}"],
    ids=["lists", "merge keys", "Lists"],
)
def test_aliases_that_expand_to_billions_of_values_cost_little(level):
    levels = [f"- &a{i + 1} " + level.format(aliases=", ".join([f"*a{i}"] * 9)) for i in range(30)]
    started = time.process_time()

    found = problems("\n".join(["- &a0 {kind: List, items: [x, x, x]}", *levels]))

    assert "with the targets of aliases" in found[0]
    assert time.process_time() - started < 2


def test_no_problem_quotes_a_value():
    for text in ("t: *hunter2", "t: !hunter2 x", "t: 'hunter2", "t: {hunter2", "t: !h!hunter2 x"):
        found = problems(text)

        assert found
        assert "hunter2" not in "".join(found)


# JSON does not fold line breaks as YAML does, so that the law has none of those.
VISIBLE = st.characters(codec="utf-8", exclude_categories=["Cc", "Zl", "Zp"])
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(VISIBLE),
    lambda inner: st.lists(inner) | st.dictionaries(st.text("abc", min_size=1), inner),
    max_leaves=10,
)


@LAW
@given(value=st.dictionaries(st.text("abc", min_size=1), PLAIN, min_size=1))
def test_a_value_written_as_json_is_read_back(value):
    text = json.dumps(value, ensure_ascii=False)
    documents, found = read_documents(text.encode(), "a.json")

    if not found:  # YAML does not allow all of JSON's characters
        assert [document.value for document in documents] == [value]

import json
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from yuptime_exporter.sources.manifests.documents import MAX_FILE_BYTES, read_documents
from yuptime_exporter.sources.manifests.yaml_values import MAX_DEPTH

# A slow machine is not a broken law.
LAW = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def values(text: str) -> list[object]:
    documents, problems = read_documents(text.encode(), "a.yaml")
    assert problems == []
    return [document.value for document in documents]


def problems(data: str | bytes) -> list[str]:
    raw = data if isinstance(data, bytes) else data.encode()
    return [str(problem) for problem in read_documents(raw, "a.yaml")[1]]


def test_each_document_knows_its_number_and_its_line():
    text = "# the first\na: 1\n---\n\n\nb: 2\n---\n---\nc: 3\n"

    documents, _ = read_documents(text.encode(), "jobs/a.yaml")

    assert [document.where for document in documents] == [
        "jobs/a.yaml, document 1 (line 2)",
        "jobs/a.yaml, document 2 (line 6)",
        "jobs/a.yaml, document 4 (line 9)",
    ]


@pytest.mark.parametrize("kind", ["List", "MonitorList", "SecretList"])
def test_the_items_of_a_list_are_documents(kind):
    text = f"kind: {kind}\nitems:\n- a: 1\n- kind: List\n  items: [b, c]\n- d: 4\n"

    documents, _ = read_documents(text.encode(), "a.yaml")

    place = "a.yaml, document 1 (line 1)"
    assert [(document.where, document.value) for document in documents] == [
        (f"{place}, items[0]", {"a": 1}),
        (f"{place}, items[1], items[0]", "b"),
        (f"{place}, items[1], items[1]", "c"),
        (f"{place}, items[2]", {"d": 4}),
    ]


@pytest.mark.parametrize("text", ["", "\n\n", "---", "---\n---\n", "# a comment\n", "\ufeff"])
def test_a_file_without_content_has_no_documents(text):
    assert values(text) == []


def test_json_with_tabs_is_read():
    value = {"kind": "x", "list": [1, 2.5, True, None, "a\tb"], "empty": {}}

    assert values(json.dumps(value, indent="\t")) == [value]


def test_a_byte_order_mark_is_skipped():
    assert values("\ufeffa: 1\n") == [{"a": 1}]


def test_windows_line_ends_are_read():
    assert values("a: 1\r\nb: x\r\n") == [{"a": 1, "b": "x"}]


def test_values_are_read_as_kubernetes_reads_them():
    text = "a: 10:30\nb: 2024-02-31\nc: 0x_\nd: yes\n1: e\ntrue: f\ng: 1e3\n"

    assert values(text) == [
        {"a": "10:30", "b": "2024-02-31", "c": "0x_", "d": True, "1": "e", "true": "f", "g": "1e3"}
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


def test_a_document_with_a_problem_does_not_hide_the_others():
    documents, found = read_documents(b"a: 1\na: 2\n---\nb: 1\n", "a.yaml")

    assert [document.value for document in documents] == [{"b": 1}]
    assert len(found) == 1


def test_documents_before_a_syntax_error_are_read():
    documents, found = read_documents(b"a: 1\n---\nb: [\n---\nc: 1\n", "a.yaml")

    assert [document.value for document in documents] == [{"a": 1}]
    assert [problem.where for problem in found] == ["a.yaml, line 4"]


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("a:\n\t- b\n", "a.yaml, line 2: not YAML: found character that cannot start any token"),
        (
            "a: b\n\0",
            "a.yaml, line 2: expected characters that YAML allows, got the character U+0000",
        ),
        (b"a: b\nc: \xff", "a.yaml, line 2: expected UTF-8, got other bytes"),
        ("a: x\nb: y: z", "a.yaml, line 2: not YAML: mapping values are not allowed"),
        ("? [a]\n: b", "expected text as the key on line 1, got a mapping or a list"),
        ("a: *b", "the alias on line 1 has no anchor before it"),
        ("a: &a [*a]", "the alias on line 1 has no anchor before it"),
        ("a: !b c", "expected a value without a tag on line 1"),
        ("<<: 1", "<<: expected a mapping"),
        ("[" * 10_000, f"expected at most {MAX_DEPTH} levels of nesting"),
        ("- " * 10_000, f"expected at most {MAX_DEPTH} levels of nesting"),
        ("{a: " * 10_000, f"expected at most {MAX_DEPTH} levels of nesting"),
        (b"#" * (MAX_FILE_BYTES + 1), f"expected a file of at most {MAX_FILE_BYTES} bytes"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_problem(data, text):
    found = problems(data)

    assert len(found) == 1
    assert text in found[0]


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


@LAW
@given(st.binary(max_size=200))
def test_no_bytes_raise_anything(data):
    read_documents(data, "a.yaml")


@LAW
@given(st.text(alphabet="ab01:-[]{},&*!<?|>'\"#%@ \n\t.", max_size=60))
def test_no_text_raises_anything(text):
    read_documents(text.encode(), "a.yaml")


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

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.sources.manifests.reading import problems, values
from yuptime_exporter.sources.manifests.documents import MAX_FILE_BYTES, read_documents
from yuptime_exporter.sources.manifests.yaml_values import MAX_DEPTH

# A slow machine is not a broken law.
LAW = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def test_each_document_knows_its_number_and_its_line():
    text = "# the first\na: 1\n---\n\n\nb: 2\n---\n---\nc: 3\n"

    documents, _ = read_documents(text.encode(), "jobs/a.yaml")

    assert [str(document.place) for document in documents] == [
        "jobs/a.yaml, document 1 (line 2)",
        "jobs/a.yaml, document 2 (line 6)",
        "jobs/a.yaml, document 4 (line 9)",
    ]


@pytest.mark.parametrize("kind", ["List", "MonitorList", "SecretList"])
def test_the_items_of_a_list_are_documents(kind):
    text = f"kind: {kind}\nitems:\n- a: 1\n- kind: List\n  items: [b, c]\n- d: 4\n"

    documents, _ = read_documents(text.encode(), "a.yaml")

    place = "a.yaml, document 1 (line 1)"
    assert [(str(document.place), document.value) for document in documents] == [
        (f"{place}, items[0]", {"a": 1}),
        (f"{place}, items[1], items[0]", "b"),
        (f"{place}, items[1], items[1]", "c"),
        (f"{place}, items[2]", {"d": 4}),
    ]


@pytest.mark.parametrize("text", ["", "\n\n", "---", "---\n---\n", "# a comment\n", "\ufeff"])
def test_a_file_without_content_has_no_documents(text):
    assert values(text) == []


def test_a_byte_order_mark_is_skipped():
    assert values("\ufeffa: 1\n") == [{"a": 1}]


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
        ("a:\n\t- b\n", "a.yaml, line 2: not YAML: expected spaces for the indentation, got a tab"),
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


@LAW
@given(st.binary(max_size=200))
def test_no_bytes_raise_anything(data):
    read_documents(data, "a.yaml")


@LAW
@given(st.text(alphabet="ab01:-[]{},&*!<?|>'\"#%@ \n\t.", max_size=60))
def test_no_text_raises_anything(text):
    read_documents(text.encode(), "a.yaml")

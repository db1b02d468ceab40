"""The quick reader gives the result of the full one, or none at all."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.laws import examples
from tests.manifests import monitor_yaml
from yuptime_exporter.sources.manifests.plain_yaml import MAX_DEPTH, MAX_LINES, read_plain
from yuptime_exporter.sources.manifests.yaml_values import YamlReader

keys = st.sampled_from(
    ["name", "a.b/c", "spec", "true", "null", "x-y", "y", "1", "'q'", "a b", "<<"]
)
scalars = st.sampled_from(
    [
        "", " ", "true", "false", "True", "yes", "NO", "off", "null", "~", "Null", "y", "n", "nan", "inf",
        "0", "300", "007", "0x1f", "1_000", "1e+06", "1.5", "-1", "+1", "10:30", "2024-01-01", "9" * 15,
        "9" * 16, "backup", "a b", "a  b", "a: b", "a:b", "a:", "a :b", "https://x.example/y?z", "a #b",
        "a#b", "# c", "a,b", "[a]", "{a: b}", "- a", "a - b", "a-", "&x a", "*x", "!t a", "| ", ">", "%a",
        "@a", "`a", '"a"', '"a b: c #d"', '"a\\n"', '"a', "'a'", "'a''b'", "'a: \"b\"'", "''", '""', "é",
        '"é"', "a\t", "\ta", "dG9rZW4=", "a+b", "a=b", "(a)", "a (b)", "a. b", "...", "---", '"a" b',
        "text/plain; q=1", "a\\b", "'a' # c", "null-ish", "on-call", "trueish", "No way",
    ]
)  # fmt: skip
indents = st.sampled_from(["", "", "  ", "  ", "    ", "      ", " ", "\t"])
lines = st.one_of(
    st.builds(lambda i, k, g, v: f"{i}{k}:{g}{v}", indents, keys, st.sampled_from([" ", "  ", ""]), scalars),
    st.builds(lambda i, k: f"{i}{k}:", indents, keys),
    st.sampled_from(
        ["---", "---", "--- ", "--- a", "...", "", "  ", "# c", "  # c", "%YAML 1.1", "- a", "  - a: b", "text",
         "  text", "\t", "\ufeff", "a: b\r", "---\r", "? a", ": b", "}", "\x85", "\u2028a: b"]
    ),
)  # fmt: skip
files = st.lists(lines, max_size=12).map("\n".join)


def full(text: str) -> object:
    return YamlReader(text, "x.yaml").read()


def quick(text: str) -> object:
    return read_plain(text, "x.yaml"), []


@settings(max_examples=examples(500))
@given(files)
@example("a:\n  b: 1\n c: 2\n")
@example("a: b\n  c: d\n")
@example("a:\n\n  # c\n  b: c\n---\n# only a comment\n---\nd: e")
@example("# c\n---\na: b\n---\n")
@example("a:\nb: c\n")
def test_what_the_quick_reader_reads_is_what_the_full_reader_reads(text: str) -> None:
    documents = read_plain(text, "x.yaml")

    if documents is not None:
        assert quick(text) == full(text)
        assert [type_tree(one.value) for one in documents] == [
            type_tree(one.value) for one in YamlReader(text, "x.yaml").read()[0]
        ]


def type_tree(value: object) -> object:
    """Return the types in a value: 1 equals True otherwise."""
    if isinstance(value, dict):
        return {key: type_tree(held) for key, held in value.items()}
    return type(value)


@settings(max_examples=examples(200))
@given(st.text(alphabet="ab:# -'\"\n\t0t{[&*!|>%.~", max_size=40))
def test_any_short_text_is_read_alike_or_left_to_the_full_reader(text: str) -> None:
    if read_plain(text, "x.yaml") is not None:
        assert quick(text) == full(text)


@pytest.mark.parametrize(
    "text",
    [
        monitor_yaml(),
        monitor_yaml(labels={"team": "platform"}),
        "kind: Secret\ndata:\n  token: dG9rZW4tdG9rZW4=\n",
        f"{monitor_yaml('a')}---\n# the second\n{monitor_yaml('b')}",
        """\
spec:  # of databases
  alerting:
    description: Call the DBA team (weekdays). # please
    runbookUrl: https://wiki.example.com/db/backup
    note: "it's # text"
""",
    ],
)
def test_common_manifests_are_read_quickly(text: str) -> None:
    assert quick(text) == full(text)


@pytest.mark.parametrize(
    "text",
    [
        "a: 1\na: 2\n",
        "".join(f"{' ' * depth}a:\n" for depth in range(MAX_DEPTH + 2)),
        "\n" * (MAX_LINES + 1),
        "a: [1, 2]\n",
        "a: &x b\nc: *x\n",
        "a: |\n  text\n",
        "a: yes\n",
        "a: b\r\n",
        " a: b\n",
    ],
)
def test_other_files_are_left_to_the_full_reader(text: str) -> None:
    assert read_plain(text, "x.yaml") is None


metadata_lines = st.sampled_from(
    ["  name: job-{}", "  name: job-{}-x", "  name: nightly-{} # c", '  name: "job-000{}"', "  name:",
     "    name: job-000{}", "  namespace: jobs", "  labels:", "  labels: # name: job-000{}", "name: job-000{}",
     "  name: job-000{}", "  name: job-000{}", "  name: job-000{}-", "  # name: job-000{}", "metadata:"]
)  # fmt: skip
bodies = st.lists(metadata_lines, min_size=1, max_size=4).map(
    lambda lines: "\n".join(["kind: Monitor", "metadata:", *lines, "spec:", "  enabled: true", ""])
)


@settings(max_examples=examples(300))
@given(
    st.lists(bodies, min_size=1, max_size=2), st.lists(st.integers(0, 12), min_size=1, max_size=6)
)
def test_documents_that_differ_in_their_names_are_read_as_by_the_full_reader(
    bodies: list[str], numbers: list[int]
) -> None:
    text = "---\n".join(bodies[n % len(bodies)].replace("{}", str(n)) for n in numbers)

    if read_plain(text, "x.yaml") is not None:
        assert quick(text) == full(text)

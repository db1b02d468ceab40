"""Monitors that differ in their names are read once, and are what reading each of them gives."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.laws import examples
from tests.manifests import monitor_yaml
from yuptime_exporter.core.model import Monitor
from yuptime_exporter.resource.place import Place
from yuptime_exporter.sources.manifests.manifest import Manifest, ManifestReader
from yuptime_exporter.sources.manifests.twins import MAX_KINDS

# A file with such a comment is left to the full reader, which knows no twins.
COMMENT = "\n# \u00e9\n"


def read_without_twins(text: str) -> Manifest:
    return ManifestReader().read(f"{text}{COMMENT}".encode(), "a.yaml")


metadata_lines = st.sampled_from(
    ["  name: job-{}", "  name: job-{}-x", "  name: nightly-{} # c", '  name: "job-000{}"', "  name:",
     "    name: job-000{}", "  namespace: jobs", "  namespace: job-000{}", "  labels:", "name: job-000{}",
     "  labels: # name: job-000{}", "  owner: job-000{}", "  name: job-000{}", "  name: job-000{}",
     "  name: job-000{}-", "  # name: job-000{}", "metadata:"]
)  # fmt: skip
odd_bodies = st.lists(metadata_lines, min_size=1, max_size=4).map(
    lambda lines: monitor_yaml().replace("  name: backup\n  namespace: jobs", "\n".join(lines), 1)
)
bodies = st.one_of(
    odd_bodies,
    st.sampled_from(
        [
            monitor_yaml("nightly-{}", namespace="jobs"),
            monitor_yaml("nightly-{}", namespace="jobs", expire=-300),
            monitor_yaml("nightly-{}").replace("expireSeconds", "expireSecond"),
            monitor_yaml("nightly-{}").replace("type: push", "type: http"),
            monitor_yaml("nightly-{}").replace("kind: Monitor", "kind: ConfigMap"),
            "",
            "# a comment",
            "kind: Monitor",
        ]
    ),
)
files = st.lists(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 12)), min_size=1, max_size=5),
    min_size=1,
    max_size=3,
)


@settings(max_examples=examples(300))
@given(st.lists(bodies, min_size=3, max_size=3), files)
def test_files_after_others_are_read_as_by_a_reader_that_knows_no_twins(
    kinds: list[str], files: list[list[tuple[int, int]]]
) -> None:
    reader = ManifestReader()
    for file in files:
        text = "---\n".join(kinds[kind].replace("{}", str(number)) for kind, number in file)

        assert reader.read(text.encode(), "a.yaml") == read_without_twins(text)


def test_a_twin_in_another_file_has_its_own_name_and_place_and_is_not_validated() -> None:
    reader = ManifestReader()
    earlier = "---\n".join(map(monitor_yaml, ("nightly-backup", "nightly-report")))
    known = reader.read(earlier.encode(), "a.yaml").declared[0].value
    texts = [monitor_yaml(name) for name in ("daily-report", "report", "weekly-report")]

    found = reader.read("---\n".join(texts).encode(), "b.yaml").declared

    assert [one.where for one in found] == [Place("b.yaml", n + 1, 1 + 17 * n) for n in range(3)]
    assert [one.value.key.name for one in found] == ["daily-report", "report", "weekly-report"]
    twin = found[0].value
    assert isinstance(known, Monitor)
    assert isinstance(twin, Monitor)
    assert twin.token_ref is known.token_ref  # validating makes another


def test_more_kinds_than_are_remembered_are_read_all_the_same() -> None:
    texts = [monitor_yaml("nightly-backup", expire=n + 1) for n in range(MAX_KINDS + 2)]
    reader = ManifestReader()

    for text in texts[-3:] + texts[:2]:
        assert reader.read(text.encode(), "a.yaml") == read_without_twins(text)

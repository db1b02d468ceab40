"""Equal specs of a file are read once; nothing else about their monitors is shared."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.laws import examples
from tests.manifests import monitor_yaml
from yuptime_exporter.core.declared import Problem
from yuptime_exporter.core.model import Monitor
from yuptime_exporter.resource.defaults import NO_DEFAULTS, Defaults
from yuptime_exporter.sources.manifests.manifest import Manifest, read_manifest


def monitors(manifest: Manifest) -> list[Monitor]:
    return [one.value for one in manifest.declared if isinstance(one.value, Monitor)]


def alone(*texts: str) -> list[Monitor]:
    return [one for text in texts for one in monitors(read_manifest(text.encode(), "a.yaml"))]


def test_monitors_with_equal_specs_are_read_as_if_each_were_alone() -> None:
    texts = [
        monitor_yaml("a", namespace="x", labels={"team": "db"}),
        monitor_yaml("b", namespace="x", labels={"team": "db"}),
        monitor_yaml("a", namespace="y", labels={"team": "db"}),
        monitor_yaml("c", namespace="x", labels={"team": "web"}),
    ]

    found = monitors(read_manifest("---\n".join(texts).encode(), "a.yaml"))

    assert found == alone(*texts)
    assert found[0].alert_labels is found[1].alert_labels


def test_an_equal_spec_that_names_a_secret_of_the_first_namespace_is_invalid_in_the_second() -> (
    None
):
    text = monitor_yaml("a", namespace="x").replace(
        "key: token", "key: token\n        namespace: x"
    )

    manifest = read_manifest(
        f"{text}---\n{text.replace('namespace: x', 'namespace: y', 1)}".encode(), "a.yaml"
    )

    assert [one.key.namespace for one in monitors(manifest)] == ["x"]
    assert ["cross-namespace" in problem.text for problem in manifest.problems] == [True]


def test_an_unknown_field_of_equal_specs_is_a_warning_for_each() -> None:
    text = monitor_yaml("a").replace("expireSeconds", "expireSecond")

    manifest = read_manifest(f"{text}---\n{text}---\n{monitor_yaml('b')}".encode(), "a.yaml")

    assert [warning.field for warning in manifest.warnings] == ["spec.target.push.expireSecond"] * 2
    assert manifest.warnings[0].where != manifest.warnings[1].where


KINDS = (
    monitor_yaml("nightly-0", labels={"team": "db"}),
    monitor_yaml("nightly-0", namespace="y"),
    monitor_yaml("nightly-0").replace("expireSeconds", "expireSecond"),
    monitor_yaml("nightly-0").replace("300", "-300"),
    monitor_yaml("nightly-0").replace("metadata:", "metadata:\n  owner: dba"),
    monitor_yaml("nightly-0").replace("type: push", "type: http"),
    monitor_yaml("nightly-0").replace("kind: Monitor", "kind: ConfigMap"),
)


def said(problems: tuple[Problem, ...]) -> list[tuple[str, str]]:
    return [(one.field, one.text) for one in problems]


@settings(max_examples=examples(100))
@given(
    st.lists(st.tuples(st.sampled_from(KINDS), st.integers(0, 9)), min_size=1, max_size=8),
    st.sampled_from([NO_DEFAULTS, {"target": {"push": {"gracePeriodSeconds": 7}}}]),
)
def test_documents_of_one_file_are_read_as_if_each_were_alone(
    documents: list[tuple[str, int]], defaults: Defaults
) -> None:
    texts = [kind.replace("nightly-0", f"nightly-{number}") for kind, number in documents]
    each = [read_manifest(text.encode(), "a.yaml", defaults=defaults) for text in texts]

    whole = read_manifest("---\n".join(texts).encode(), "a.yaml", defaults=defaults)

    assert monitors(whole) == [one for manifest in each for one in monitors(manifest)]
    assert said(whole.problems) == [one for manifest in each for one in said(manifest.problems)]
    assert said(whole.warnings) == [one for manifest in each for one in said(manifest.warnings)]
    assert whole.ignored_documents == sum(manifest.ignored_documents for manifest in each)
    assert len(whole.ignored_types) == sum(len(manifest.ignored_types) for manifest in each)

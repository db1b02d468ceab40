"""The index of tokens: what it says after changes is what a look at all monitors would say."""

from hypothesis import given
from hypothesis import strategies as st

from tests.core.examples import monitor, replace_monitors
from tests.engine.parts import table_of
from yuptime_exporter.core.model import Monitor, MonitorKey
from yuptime_exporter.core.token_index import TokenIndex

DIGESTS = (b"a" * 32, b"b" * 32, b"c" * 32)
KEYS = [MonitorKey(namespace, name) for namespace in ("dev", "prod") for name in ("x", "y")]

declared = st.dictionaries(
    st.sampled_from(KEYS), st.lists(st.sampled_from(DIGESTS), max_size=3).map(tuple)
)


def monitors(digests: dict[MonitorKey, tuple[bytes, ...]]) -> list[Monitor]:
    return [monitor(key.name, key.namespace, token_digests=digests[key]) for key in sorted(digests)]


@given(st.lists(declared, min_size=1, max_size=5))
def test_after_any_changes_each_token_has_the_monitors_that_name_it(
    steps: list[dict[MonitorKey, tuple[bytes, ...]]],
) -> None:
    table = table_of(*monitors(steps[0]) or [monitor()], at=1000.0)
    index = TokenIndex(table)
    for step in steps:
        replace_monitors(table, monitors(step), now_timestamp=1000.0)

    for digest in DIGESTS:
        holders = {key for key, digests in steps[-1].items() if digest in digests}
        assert set(index.keys(digest)) == holders
        for name in ("x", "y"):
            assert set(index.keys(digest, name)) == {key for key in holders if key.name == name}

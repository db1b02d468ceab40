import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yuptime_exporter.kubernetes.lists import ListBody, ListMalformed

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=8,
)
OBJECTS = st.lists(st.dictionaries(st.text(max_size=4), JSON, max_size=3), max_size=5)


def read(body: bytes) -> tuple[list[Any], str, str]:
    found = ListBody(body)
    items = list(found.items())
    return items, found.resource_version, found.continue_token


@given(OBJECTS, st.permutations(["apiVersion", "items", "kind", "metadata"]), st.booleans())
def test_objects_are_read_as_json_reads_them_wherever_they_stand(
    items: list[dict[str, Any]], order: list[str], spaced: bool
) -> None:
    # Of custom resources the items come first, of Secrets last.
    parts = {
        "apiVersion": "v1",
        "items": items,
        "kind": "List",
        "metadata": {"resourceVersion": "7", "continue": "next"},
    }
    body = {name: parts[name] for name in order}
    text = json.dumps(body, indent=2) if spaced else json.dumps(body, separators=(",", ":"))

    assert read(text.encode()) == (items, "7", "next")


@pytest.mark.parametrize("items", ['"items":null,', ""])
def test_no_items_are_none(items: str) -> None:
    # Go writes an empty list as null.
    body = "{" + items + '"metadata":{"resourceVersion":"7"}}'

    assert read(body.encode()) == ([], "7", "")


@given(OBJECTS, st.data())
def test_a_list_that_is_cut_short_is_no_list(
    items: list[dict[str, Any]], data: st.DataObject
) -> None:
    body = json.dumps({"items": items, "metadata": {"resourceVersion": "7"}}).encode()
    cut = data.draw(st.integers(0, len(body) - 1))

    with pytest.raises(ListMalformed):
        read(body[:cut])


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>502 Bad Gateway</html>",
        b"[]",
        b"{}",
        b'{"items":[1],"metadata":{"resourceVersion":"7"}}',
        b'{"items":[{} {}],"metadata":{"resourceVersion":"7"}}',
        b'{"items":[{},],"metadata":{"resourceVersion":"7"}}',
        b'{"items":[],"metadata":{}}',
        b'{"items":[],"metadata":[]}',
        b'{"items":["\xff"]}',
        b"{1:2}",
        b'{"a" 2}',
        b'{"a":' + b"[" * 100_000,
    ],
)
def test_what_is_no_list_is_an_error(body: bytes) -> None:
    with pytest.raises(ListMalformed):
        read(body)

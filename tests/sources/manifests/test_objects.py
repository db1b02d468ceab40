"""The objects of a file take little memory, and have their places all the same."""

import tracemalloc

from tests.manifests import monitor_yaml, secret_yaml
from yuptime_exporter.resource.objects import Declared
from yuptime_exporter.resource.place import Place
from yuptime_exporter.sources.manifests.manifest import ManifestReader, read_manifest
from yuptime_exporter.sources.manifests.objects import Objects

# Of a monitor without its name: its key, its fields, and its place. Measured on Python 3.11.
BYTES_A_MONITOR = 257

LIST = """\
apiVersion: v1
kind: List
items:
  - apiVersion: v1
    kind: Secret
    metadata: {name: first}
  - apiVersion: v1
    kind: Secret
    metadata: {name: second}
"""


def test_objects_are_in_the_order_of_their_documents_and_items() -> None:
    text = "---\n".join([monitor_yaml("backup"), LIST, secret_yaml()])

    declared = read_manifest(text.encode(), "a.yaml").declared

    assert [one.where for one in declared] == [
        Place("a.yaml", 1, 1),
        Place("a.yaml", 2, 18, (0,)),
        Place("a.yaml", 2, 18, (1,)),
        Place("a.yaml", 3, 28),
    ]
    assert [one.value.key.name for one in declared] == ["backup", "first", "second", "push-token"]
    assert declared[1] == list(declared)[1]


def test_objects_with_other_values_are_in_the_same_places() -> None:
    one, other = (read_manifest(monitor_yaml(name).encode(), "a").declared for name in "ab")

    assert one.with_values(one.values) is one
    assert list(one.with_values(other.values)) == [Declared(one[0].where, other[0].value)]
    assert len(Objects()) == 0


def test_a_monitor_of_a_file_takes_little_memory_beside_its_name() -> None:
    reader, number = ManifestReader(), 1_000
    names = [f"job-{index:05}" for index in range(number)]
    data = "---\n".join(map(monitor_yaml, names)).encode()
    reader.read(data, "a.yaml")

    tracemalloc.start()
    manifest = reader.read(data, "a.yaml")
    size_bytes = tracemalloc.get_traced_memory()[0] - sum(map(_bytes_of_a_name, names))
    tracemalloc.stop()

    assert len(manifest.declared) == number
    assert size_bytes / number <= 1.1 * BYTES_A_MONITOR


def _bytes_of_a_name(name: str) -> int:
    return name.__sizeof__()

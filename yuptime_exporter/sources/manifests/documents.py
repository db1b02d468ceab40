"""Bytes of a file in, documents out: plain values, each with its place in the file.

The result is documents and problems for any bytes, within bounds.
"""

from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterator

import yaml

from yuptime_exporter.core.declared import Problem
from yuptime_exporter.resource.text import printable
from yuptime_exporter.sources.manifests.plain_yaml import read_plain
from yuptime_exporter.sources.manifests.yaml_values import Document, YamlReader

# 20,000 monitors of 400 bytes each. One object in Kubernetes has at most 1.5 MiB (etcd).
MAX_FILE_BYTES = 8 * 1024 * 1024

_LISTS = ("List", "MonitorList", "SecretList")

# https://yaml.org/spec/1.1/#c-printable; PyYAML's own pattern, so that both loaders agree.
_UNPRINTABLE = yaml.reader.Reader.NON_PRINTABLE
_PLAIN_BYTES = b"\n" + bytes(range(ord(" "), ord("~") + 1))


def read_documents(data: bytes, name: str) -> tuple[list[Document], list[Problem]]:
    """Return the documents of a file, with the items of lists one by one.

    Empty documents are left out. After a syntax error, the rest of the file is not read.

    Args:
        data: the whole file.
        name: the name of the file, for problems.
    """
    text = text_of(data, name)
    return ([], [text]) if isinstance(text, Problem) else documents_of(text, name)


def text_of(data: bytes, name: str) -> str | Problem:
    """Return the text of a file; or the problem, if the file cannot be YAML or is too large."""
    name = printable(name)
    if len(data) > MAX_FILE_BYTES:
        text = f"expected a file of at most {MAX_FILE_BYTES} bytes, got a larger one: split it"
        return Problem(name, "", text)
    if not data.translate(None, _PLAIN_BYTES):  # what nearly all files consist of
        return data.decode("ascii")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        got = "UTF-16" if data.startswith((BOM_UTF16_LE, BOM_UTF16_BE)) else "other bytes"
        return Problem(f"{name}, line {line}", "", f"expected UTF-8, got {got}")
    unprintable = _UNPRINTABLE.search(text)
    if unprintable:
        line = text.count("\n", 0, unprintable.start()) + 1
        got = f"got the character U+{ord(unprintable[0]):04X}"
        return Problem(f"{name}, line {line}", "", f"expected characters that YAML allows, {got}")
    return text


def documents_of(text: str, name: str) -> tuple[list[Document], list[Problem]]:
    """Return the documents in the text of a file, and its problems; see `read_documents`."""
    name = printable(name)
    documents, problems = read_plain(text, name), list[Problem]()
    if documents is None:
        documents, problems = YamlReader(text, name).read()
    return [one for document in documents for one in _single_objects(document)], problems


def _single_objects(document: Document) -> Iterator[Document]:
    waiting = [document]
    while waiting:
        document = waiting.pop()
        items = _items(document.value)
        if items is None:
            yield document
        else:
            waiting += reversed(
                [
                    Document(document.place._replace(items=(*document.place.items, i)), item)
                    for i, item in enumerate(items)
                ]
            )


def _items(value: object) -> list[object] | None:
    if not isinstance(value, dict) or value.get("kind") not in _LISTS:
        return None
    items = value.get("items")
    return items if isinstance(items, list) else None

"""A YAML text, read by the tests: its values, or its problems."""

from yuptime_exporter.sources.manifests.documents import read_documents


def values(text: str) -> list[object]:
    """Return the values of a text without problems."""
    documents, found = read_documents(text.encode(), "a.yaml")
    assert found == []
    return [document.value for document in documents]


def problems(data: str | bytes) -> list[str]:
    """Return the problems of a file as lines."""
    raw = data if isinstance(data, bytes) else data.encode()
    return [str(problem) for problem in read_documents(raw, "a.yaml")[1]]

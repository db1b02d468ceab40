"""The documents for developers agree with the code."""

import re
import tomllib

import pytest

from tests.docs.documents import CHECKOUT
from tests.docs.prose import LIMIT_PER_1000_WORDS, VAGUE_WORDS

DOCUMENTS = ("CONTRIBUTING.md", "benchmarks/README.md")


def text_of(document: str) -> str:
    return (CHECKOUT / document).read_text()


def section(title: str) -> str:
    found = re.search(
        rf"^## {title}\n(.*?)(?=^## )", text_of("CONTRIBUTING.md"), re.MULTILINE | re.DOTALL
    )
    assert found, title
    return found[1]


def test_the_layers_in_contributing_are_those_that_import_linter_enforces() -> None:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())
    contract = project["tool"]["importlinter"]["contracts"][0]
    shown = re.findall(r"^```text\n(.*?)^```$", section("Layers"), re.MULTILINE | re.DOTALL)

    assert shown[0].replace(" · ", " | ").splitlines() == contract["layers"]


def test_the_vague_words_in_contributing_are_those_that_make_prose_counts() -> None:
    said = section("Plain English").rpartition("counts the words")[2]

    assert set(re.findall(r"`([a-z]+)`", said)) == VAGUE_WORDS
    assert f"Above {LIMIT_PER_1000_WORDS:.0f} in 1,000 words" in said


@pytest.mark.parametrize("document", DOCUMENTS)
def test_documents_for_developers_name_make_targets_that_exist(document: str) -> None:
    targets = re.findall(r"^([a-z-]+):.*## ", text_of("Makefile"), re.MULTILINE)
    commands = re.findall(r"(?:`|^)make ((?:[a-z-]+ ?)+)", text_of(document), re.MULTILINE)

    named = {word for command in commands for word in command.split()}
    assert named
    assert named - set(targets) == set()


@pytest.mark.parametrize("document", DOCUMENTS)
def test_documents_for_developers_link_to_files_that_exist(document: str) -> None:
    folder = (CHECKOUT / document).parent

    for link in re.findall(r"\]\(([^)#]+)", text_of(document)):
        assert (folder / link).exists(), link


def test_the_readme_of_the_benchmarks_names_every_benchmark_and_no_other() -> None:
    text = text_of("benchmarks/README.md")
    files = {path.name for path in (CHECKOUT / "benchmarks").glob("[a-z]*.py")}

    assert set(re.findall(r"`(\w+\.py)`", text)) == files
    assert {f"{name}.py" for name in re.findall(r"-m benchmarks\.(\w+)", text)} <= files

"""The page about the architecture shows the house as it is: rooms, arrows, files and functions."""

import ast
import re
import tomllib
from functools import cache
from pathlib import Path

import pytest

from tests.docs.documents import CHECKOUT, blocks_of, rows_of, text_of

PAGE = "docs/architecture.md"
PACKAGE = CHECKOUT / "yuptime_exporter"

_CODE = re.compile(r"`([^`\n]+)`")
_FLOWS = ("push", "scrape", "changed manifest", "alert", "status", "receiving log")


def layers() -> list[set[str]]:
    """The layers of the rooms, highest first, as import-linter enforces them."""
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = project["tool"]["importlinter"]["contracts"]
    (contract,) = [one for one in contracts if one.get("containers") == ["yuptime_exporter"]]
    return [set(re.split(r" \| ", layer)) for layer in contract["layers"]]


def code_spans() -> list[str]:
    return _CODE.findall(text_of(PAGE))


def files() -> list[str]:
    """The files that the page names."""
    return sorted({span for span in code_spans() if span.endswith(".py")})


def stops() -> list[tuple[str, str]]:
    """Each stop of a flow: its file, and a function in it."""
    return [
        (_CODE.findall(row[1])[0], name)
        for row in rows_of(PAGE)
        if len(row) == 3 and row[1].endswith(".py`")
        for name in _CODE.findall(row[2])
    ]


@cache
def names_in(file: str) -> frozenset[str]:
    """The functions and classes of a file; methods as `Class.method`."""
    found = set()
    for node in ast.parse((PACKAGE / file).read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        if isinstance(node, ast.ClassDef):
            found |= {
                f"{node.name}.{part.name}"
                for part in node.body
                if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef)
            }
    return frozenset(found)


def test_the_rooms_are_shown_in_the_layers_that_are_enforced() -> None:
    (shown,) = [block for block in blocks_of(PAGE) if block.language == "text"]

    assert [set(line.split(" · ")) for line in shown.text.splitlines()] == layers()


def test_every_room_is_described_and_no_other() -> None:
    described = {
        room for row in rows_of(PAGE) if row[0].startswith("`") for room in _CODE.findall(row[0])
    }

    assert described == set[str]().union(*layers())


@pytest.mark.parametrize("file", files())
def test_every_file_that_the_page_names_exists(file: str) -> None:
    assert (PACKAGE / file).is_file() or (CHECKOUT / file).is_file()


@pytest.mark.parametrize("folder", [span for span in code_spans() if span.endswith("/")])
def test_every_folder_that_the_page_names_exists(folder: str) -> None:
    assert (PACKAGE / folder).is_dir() or (CHECKOUT / folder).is_dir()


@pytest.mark.parametrize(("file", "name"), stops())
def test_every_stop_of_a_flow_names_a_function_of_its_file(file: str, name: str) -> None:
    assert name in names_in(file)


@pytest.mark.parametrize("flow", _FLOWS)
def test_every_flow_has_its_stops(flow: str) -> None:
    (section,) = [
        part
        for part in re.split(r"^### ", text_of(PAGE), flags=re.MULTILINE)[1:]
        if flow in part.partition("\n")[0].lower()
    ]

    assert len(re.findall(r"^\| .*\.py`", section, re.MULTILINE)) >= 2


def test_records_name_only_files_that_exist_unless_they_are_superseded() -> None:
    missing = [
        f"{record.name}: {file}"
        for record in sorted((CHECKOUT / "docs" / "adr").glob("0*.md"))
        if not is_superseded(record)
        for file in _CODE.findall(record.read_text(encoding="utf-8"))
        if re.fullmatch(r"[a-z_/]+/[a-z_]+\.py", file)
        and not (PACKAGE / file).is_file()
        and not (CHECKOUT / file).is_file()
    ]

    assert missing == []


def is_superseded(record: Path) -> bool:
    return "superseded by [" in record.read_text(encoding="utf-8").partition("## ")[0].lower()


def test_every_record_is_listed_with_its_title() -> None:
    listed = text_of("docs/adr/README.md")

    for record in (CHECKOUT / "docs" / "adr").glob("0*.md"):
        title = record.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ")
        assert f"[{title}]({record.name})" in listed
        assert is_superseded(record) == bool(
            re.search(rf"\({re.escape(record.name)}\).*superseded by", listed)
        )

import re
import subprocess
from pathlib import Path

import pytest

from tests.compiled.prepare import CHECKOUT, PACKAGE, main, prepare, require_compiler

# A package of two modules, of which mypyc compiles one.
FILES = {
    f"{PACKAGE}/__init__.py": "",
    f"{PACKAGE}/hot.py": "def twice(number: int) -> int:\n    return 2 * number\n",
    f"{PACKAGE}/cold.py": "",
    "tests/test_hot.py": "",
    "README.md": "",
    "LICENSE": "",
    ".gitignore": "/build/\n",
    "pyproject.toml": f"""
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[project]
name = "{PACKAGE}"
version = "1"
[tool.hatch.build.targets.wheel.hooks.mypyc]
enable-by-default = false
include = ["/{PACKAGE}/hot.py"]
""",
}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    require_compiler()
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    return tmp_path


def names(folder: Path) -> set[str]:
    """The files in a folder, compiled ones without the names of Python and the machine."""
    files = [str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()]
    return {re.sub(r"\.cpython-.*(?=\.so)", "", file) for file in files if ".git/" not in file}


@pytest.mark.peer  # compiles
def test_the_copy_has_each_file_of_the_checkout_and_compiled_modules_and_is_kept_up_to_date(
    checkout: Path,
) -> None:
    compiled = checkout / "build" / "compiled"
    before = names(checkout)

    assert prepare(checkout, compiled)
    assert {name for name in names(checkout) if not name.startswith("build/")} == before
    assert names(compiled) >= before | {f"{PACKAGE}/hot.so"}
    assert f"{PACKAGE}/cold.so" not in names(compiled)

    (checkout / "README.md").write_text("changed")
    (checkout / "tests" / "test_new.py").touch()
    (checkout / "tests" / "test_hot.py").unlink()
    assert not prepare(checkout, compiled), "the package is the same"
    assert (compiled / "README.md").read_text() == "changed"
    assert names(compiled / "tests") == {"test_new.py"}

    (checkout / PACKAGE / "cold.py").write_text("changed = True\n")
    assert prepare(checkout, compiled)
    assert (compiled / PACKAGE / "cold.py").read_text() == "changed = True\n"


@pytest.mark.peer  # compiles
def test_a_source_that_mypy_refuses_is_an_error_with_its_output(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (checkout / PACKAGE / "hot.py").write_text("number: int = 'one'\n")

    assert main([], checkout=checkout, compiled=checkout / "build" / "compiled") == 1
    assert "hot.py:1: error: Incompatible types in assignment" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("ci", "arguments", "code", "effect"),
    [
        ("", [], 0, "its tests are skipped"),
        ("", ["--needed"], 1, "a failure"),
        ("true", [], 1, "a failure"),
    ],
    ids=["at home", "where it is needed", "in CI"],
)
def test_without_a_compiler_the_remedy_is_printed_and_an_old_copy_is_removed(
    *,
    ci: str,
    arguments: list[str],
    code: int,
    effect: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("CI", ci)
    monkeypatch.setenv("CC", "no-such-compiler -O2")
    compiled = tmp_path / "compiled"
    compiled.mkdir()

    assert main(arguments, checkout=CHECKOUT, compiled=compiled) == code
    assert not compiled.exists()
    said = capsys.readouterr().err
    assert f"compiled: not available, {effect}; expected the C compiler no-such-compiler" in said
    assert "apt install gcc python3-dev" in said

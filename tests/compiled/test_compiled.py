"""The compiled package, where these tests run on build/compiled; the plain package elsewhere."""

import importlib
import sys
import tomllib
from pathlib import Path

import pytest

from tests.compiled.prepare import CHECKOUT, IS_COMPILED
from tests.exporters import Home, StandingClock, exporter_here, exporter_process

COMMANDS = [
    (sys.executable, "-m", "yuptime_exporter"),
    (str(Path(sys.executable).parent / "yuptime-exporter"),),
]


def hot_modules() -> list[str]:
    """The modules that pyproject.toml names for compilation."""
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())
    hook = project["tool"]["hatch"]["build"]["targets"]["wheel"]["hooks"]["mypyc"]
    return [
        ".".join(Path(path.removeprefix("/")).with_suffix("").parts) for path in hook["include"]
    ]


@pytest.mark.parametrize("name", hot_modules())
def test_a_module_of_the_hot_path_is_compiled_in_the_compiled_copy_only(name: str) -> None:
    file = importlib.import_module(name).__file__ or ""

    assert Path(file).suffix == (".so" if IS_COMPILED else ".py")
    assert Path(file).is_relative_to(CHECKOUT / "yuptime_exporter")


def test_the_checkout_has_no_compiled_files() -> None:
    found = [*CHECKOUT.glob("*.so"), *(CHECKOUT / "yuptime_exporter").rglob("*.so")]

    assert bool(found) == IS_COMPILED


async def test_the_build_info_says_whether_the_package_is_compiled(tmp_path: Path) -> None:
    async with exporter_here(Home(tmp_path), StandingClock()) as client:
        samples = await client.samples()

    (info,) = [name for name in samples if name.startswith("yuptime_build_info{")]
    assert f'compiled="{str(IS_COMPILED).lower()}"' in info


@pytest.mark.peer  # starts a process
@pytest.mark.hot
@pytest.mark.parametrize("program", COMMANDS, ids=["module", "script"])
async def test_the_first_line_of_the_log_says_whether_the_package_is_compiled(
    program: tuple[str, ...], tmp_path: Path
) -> None:
    async with exporter_process(Home(tmp_path), program=program) as exporter:
        first = exporter.log[0]

    assert 'msg="starting yuptime-exporter"' in first
    assert f"compiled={str(IS_COMPILED).lower()}" in first

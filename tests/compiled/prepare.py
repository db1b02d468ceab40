"""Make build/compiled: this checkout with the compiled package, for tests and benchmarks.

    python -m tests.compiled.prepare            `make compiled`
    python -m tests.compiled.prepare --needed   a missing C compiler is an error

The package is unpacked from a wheel that is built as for the image, so the tests run on the files
that ship. The wheel is built again only if the package, pyproject.toml or a tool changed. Programs
that run in build/compiled use its package, and the checkout itself has no compiled file.

Without a C compiler the folder is removed and one line says the remedy, as for a missing peer. With
CI=true that is an error, too.
"""

import filecmp
import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.peers.programs import in_ci

CHECKOUT = Path(__file__).parents[2]
COMPILED = CHECKOUT / "build" / "compiled"
MARK = ".made-from"
IS_COMPILED = (CHECKOUT / MARK).exists()
"""Whether this file is that of build/compiled, and not that of the checkout."""

PACKAGE = "yuptime_exporter"
COMPILED_FROM = (PACKAGE, "pyproject.toml")
SOURCES = (*COMPILED_FROM, "README.md", "LICENSE")  # the last two are metadata of the wheel
TOOLS = ("hatch-mypyc", "hatchling", "mypy", "setuptools")
SWITCH = "HATCH_BUILD_HOOK_ENABLE_MYPYC"
"""The variable that makes hatchling compile."""


def lacking() -> str:
    """Return the part of a C compiler that this machine lacks, with the remedy, or nothing."""
    compiler = (os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc").split()[0]
    header = Path(sysconfig.get_path("include"), "Python.h")
    remedy = "(on Debian: apt install gcc python3-dev)"
    if shutil.which(compiler) is None:
        return f"expected the C compiler {compiler} on PATH {remedy}"
    if not header.exists():
        return f"expected Python's headers in {header.parent} {remedy}"
    return ""


def require_compiler() -> None:
    """Skip the test on a machine without a C compiler, or fail the test if CI=true."""
    if lack := lacking():
        (pytest.fail if in_ci() else pytest.skip)(lack)


def prepare(checkout: Path, compiled: Path) -> bool:
    """Bring the folder up to date; return whether the package was compiled again.

    Raises:
        RuntimeError: the wheel was not built; the text is the output of hatchling.
    """
    files = _files(checkout)
    mark, key = compiled / MARK, _key(checkout, files)
    is_new = not mark.exists() or mark.read_text() != key
    if is_new:
        mark.unlink(missing_ok=True)
        _say("compiling the package, which takes a minute ...")
        _build(checkout, files, compiled)
    _copy(checkout, [file for file in files if file.parts[0] != PACKAGE], compiled)
    mark.write_text(key)
    return is_new


def built_wheel(folder: Path, *, into: Path) -> Path:
    """Build the compiled wheel of a folder, in which files are written; return the wheel.

    Raises:
        RuntimeError: the wheel was not built; the text is the output of hatchling.
    """
    ended = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", into],
        cwd=folder,
        env=os.environ | {SWITCH: "true"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if ended.returncode != 0:
        raise RuntimeError(ended.stdout)
    (wheel,) = into.glob("*.whl")
    return wheel


def _files(checkout: Path) -> list[Path]:
    """Return the files of a checkout that Git does not ignore, relative to the checkout."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=checkout,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout
    files = sorted({Path(name) for name in listed.split("\0") if name})
    return [file for file in files if (checkout / file).exists()]


def _key(checkout: Path, files: list[Path]) -> str:
    """Return a hash of everything that the compiled package is made from."""
    hashed = hashlib.sha256(sys.version.encode())
    for tool in TOOLS:
        hashed.update(f"\0{tool} {version(tool)}".encode())
    for file in files:
        if file.parts[0] in COMPILED_FROM:
            hashed.update(f"\0{file}\0".encode())
            hashed.update((checkout / file).read_bytes())
    return hashed.hexdigest()


def _build(checkout: Path, files: list[Path], compiled: Path) -> None:
    """Build the wheel from copies, and put its package into the folder."""
    with TemporaryDirectory() as folder:
        source, wheels = Path(folder, "source"), Path(folder, "wheels")
        _copy(checkout, [file for file in files if file.parts[0] in SOURCES], source)
        wheel = built_wheel(source, into=wheels)
        shutil.rmtree(compiled / PACKAGE, ignore_errors=True)
        for library in compiled.glob("*.so"):
            library.unlink()
        with zipfile.ZipFile(wheel) as packed:
            names = [name for name in packed.namelist() if ".dist-info/" not in name]
            packed.extractall(compiled, names)


def _copy(checkout: Path, files: list[Path], target: Path) -> None:
    """Copy the files that are new or changed, and remove those that no longer exist."""
    for file in files:
        copy = target / file
        if not copy.exists() or not filecmp.cmp(checkout / file, copy, shallow=False):
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(checkout / file, copy, follow_symlinks=False)
    kept = {target / file for file in files}
    for folder in {file.parts[0] for file in files if len(file.parts) > 1}:
        for copy in (target / folder).rglob("*"):
            if copy.is_file() and copy not in kept and copy.parent.name != "__pycache__":
                copy.unlink()


def main(arguments: Sequence[str], *, checkout: Path, compiled: Path) -> int:
    """Make the folder; return the exit code."""
    if lack := lacking():
        shutil.rmtree(compiled, ignore_errors=True)
        is_failure = in_ci() or "--needed" in arguments
        _say(f"not available, {'a failure' if is_failure else 'its tests are skipped'}; {lack}")
        return 1 if is_failure else 0
    try:
        is_new = prepare(checkout, compiled)
    except RuntimeError as failure:
        _say(f"expected a wheel, got this output of hatchling\n{failure}")
        return 1
    _say(f"ready: {compiled.relative_to(checkout)}, {'compiled again' if is_new else 'unchanged'}")
    return 0


def _say(line: str) -> None:
    sys.stderr.write(f"compiled: {line}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], checkout=CHECKOUT, compiled=COMPILED))

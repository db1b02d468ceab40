"""Remove the files that no run of the exporter needs from its virtual environment.

    python slim.py /opt/yuptime

Three kinds of files are removed: scripts of dependencies, files that only developers need, and the
classes of kubernetes_asyncio for every kind of object in Kubernetes. The exporter only reads
kubeconfigs with that library, and decodes objects itself (docs/adr/0011).

An import of a removed module anywhere in the environment is an error, and fails the build.
"""

import ast
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

SCRIPTS = re.compile(r"python[\d.]*|yuptime(-exporter)?")

# METADATA and the licences stay: scanners of images and licences need both.
FOR_DEVELOPERS = (
    "**/__pycache__",
    "*.dist-info/RECORD",  # names the removed files, too
    "*.dist-info/INSTALLER",
    "*.dist-info/REQUESTED",
    "*.dist-info/direct_url.json",
    "**/*.pyi",
    "**/*.pyx",
    "**/*.pxd",
    "**/*.pxi",
    "**/*.h",
    "*/**/README.md",
    "kubernetes_asyncio/**/*_test.py",
)

CLIENT = "kubernetes_asyncio/client"
GENERATED = re.compile(
    r"^from kubernetes_asyncio\.client\.(?:api|models)\.(?P<module>\w+) import (?P<name>\w+)\n",
    re.MULTILINE,
)


def slim(environment: Path) -> set[str]:
    """Remove the files; return the removed modules and names, such as `package.module.Class`."""
    for script in (environment / "bin").iterdir():
        if not SCRIPTS.fullmatch(script.name):
            script.unlink()
    packages = packages_of(environment)
    removed = {path for pattern in FOR_DEVELOPERS for path in packages.glob(pattern)}
    modules = {module_of(path, packages) for path in removed if path.suffix == ".py"}
    for path in removed:
        _remove(path)
    return modules | _remove_generated(packages)


def broken_imports(packages: Path, removed: set[str]) -> Iterator[str]:
    """Yield each import of a removed module or name, as `file:line: module`."""
    for path in sorted(packages.rglob("*.py")):
        package = module_of(path.parent / "__init__.py", packages).split(".")
        for node in ast.walk(ast.parse(path.read_bytes())):
            for name in _imported(node, package):
                if name in removed:
                    yield f"{path.relative_to(packages)}:{node.lineno}: {name}"


def packages_of(environment: Path) -> Path:
    """Return the only site-packages of an environment."""
    (packages,) = environment.glob("lib/python3.*/site-packages")
    return packages


def module_of(path: Path, packages: Path) -> str:
    """Return the dotted name of the module in a file."""
    parts = path.relative_to(packages).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _remove_generated(packages: Path) -> set[str]:
    """Remove the classes of the API, and the lines that import them into their packages."""
    client = packages / CLIENT
    removed = set()
    for init in (client / "__init__.py", client / "models" / "__init__.py"):
        text = init.read_text()
        names = {match["name"] for match in GENERATED.finditer(text)}
        if not names:
            raise SystemExit(f"slim: {init}: expected imports of generated classes, got none")
        removed |= {f"{module_of(init, packages)}.{name}" for name in names}
        init.write_text(GENERATED.sub("", text))
    # The packages stay, since kubernetes_asyncio.client.api_client imports `models`.
    for path in (*client.glob("api/*.py"), *client.glob("models/*.py")):
        if path.name != "__init__.py":
            removed.add(module_of(path, packages))
            path.unlink()
    (client / "api" / "__init__.py").write_text("")
    return removed


def _imported(node: ast.AST, package: list[str]) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        above = package[: len(package) - node.level + 1] if node.level else []
        module = ".".join([*above, *([node.module] if node.module else [])])
        yield module
        yield from (f"{module}.{alias.name}" for alias in node.names)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def main(environment: Path) -> None:
    """Slim the environment; exit with the broken imports, if there are any."""
    removed = slim(environment)
    if broken := list(broken_imports(packages_of(environment), removed)):
        raise SystemExit("slim: these imports need a removed module:\n" + "\n".join(broken))


if __name__ == "__main__":
    main(Path(sys.argv[1]))

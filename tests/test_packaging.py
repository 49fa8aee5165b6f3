"""The package's shape, which no single module can be asked about."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import requires
from pathlib import Path
from types import ModuleType

import pytest
from packaging.requirements import Requirement

import actors
import supervision

MAX_MODULE_LINES = 400
MAX_FUNCTION_LINES = 30
VAGUE_NAMES = {
    "abstract",
    "base",
    "common",
    "core",
    "handler",
    "helpers",
    "impl",
    "manager",
    "misc",
    "shared",
    "types",
    "utils",
}

PACKAGES = [actors, supervision]
MODULES = [path for package in PACKAGES for path in sorted(Path(package.__path__[0]).rglob("*.py"))]

each_package = pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.__name__)
each_module = pytest.mark.parametrize("module", MODULES, ids=lambda path: "/".join(path.parts[-2:]))


@each_package
def test_all_names_everything_public(package: ModuleType) -> None:
    # Names may be imported when they are looked up, so they are before what is there is listed. Those with an @ are of
    # pytest, which rewrites the assertions of whatever is installed with a plugin.
    offered = submodules_offered(package)
    public = {
        name
        for name, value in vars(package).items()
        if not name.startswith(("_", "@")) and not is_submodule(value, package)
    }

    assert public == {name for name in package.__all__ if name not in offered}


def is_submodule(value: object, package: ModuleType) -> bool:
    return isinstance(value, ModuleType) and value.__name__.startswith(f"{package.__name__}.")


def submodules_offered(package: ModuleType) -> set[str]:
    """Return the names in ``__all__`` that are modules, such as `actors.inspect`."""
    return {name for name in package.__all__ if is_submodule(getattr(package, name, None), package)}


@each_package
def test_all_names_only_what_is_there(package: ModuleType) -> None:
    assert [name for name in package.__all__ if not hasattr(package, name)] == []


@each_package
def test_says_that_it_is_typed(package: ModuleType) -> None:
    assert (Path(package.__path__[0]) / "py.typed").is_file()


@pytest.mark.slow
@each_package
def test_importing_it_loads_only_core_dependencies(package: ModuleType) -> None:
    program = f"import sys; before = set(sys.modules); import {package.__name__}\n"
    program += "print(*set(sys.modules) - before)"

    finished = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    loaded = {name.partition(".")[0] for name in finished.stdout.split()}
    foreign = {name for name in loaded - sys.stdlib_module_names if not name.startswith("_")}
    assert foreign <= core_import_names() | {"actors", "supervision"}


def core_import_names() -> set[str]:
    """Return what `pip install trio-actors` makes importable, without any extra."""
    names, todo = set(), ["trio-actors"]
    while todo:
        distribution = todo.pop()
        for line in requires(distribution) or []:
            requirement = Requirement(line)
            if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
                continue
            if requirement.name not in names:
                names.add(requirement.name)
                todo.append(requirement.name)
    return names | {"attr", "cython_runtime"}  # attrs has two names, and msgpack is compiled with Cython


@each_module
def test_module_is_not_too_long(module: Path) -> None:
    assert len(module.read_text(encoding="utf-8").splitlines()) <= MAX_MODULE_LINES


@each_module
def test_functions_are_not_too_long(module: Path) -> None:
    tree = ast.parse(module.read_text(encoding="utf-8"))

    long = {name: lines for name, lines in function_lengths(tree) if lines > MAX_FUNCTION_LINES}

    assert long == {}


def function_lengths(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Yield each function's name and its lines, the docstring and decorators not counted."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            length = node.end_lineno - node.lineno + 1
            if ast.get_docstring(node) is not None:
                docstring = node.body[0]
                assert docstring.end_lineno is not None
                length -= docstring.end_lineno - docstring.lineno + 1
            yield node.name, length


@each_module
def test_module_is_named_after_what_is_in_it(module: Path) -> None:
    assert VAGUE_NAMES.isdisjoint({module.stem, module.parent.name})

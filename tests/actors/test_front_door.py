"""Packages that import their modules when a name of theirs is looked up are otherwise as any other."""

from __future__ import annotations

import ast
import pickle
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import actors.shell
import supervision

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

each_door = pytest.mark.parametrize("package", [actors.shell, supervision], ids=lambda package: package.__name__)


def declared(package: ModuleType) -> Iterator[tuple[str, str]]:
    """Yield each module and name that type checkers are told *package* imports."""
    assert package.__file__ is not None
    tree = ast.parse(Path(package.__file__).read_text(encoding="utf-8"))
    for branch in tree.body:
        for statement in branch.body if isinstance(branch, ast.If) else ():
            assert isinstance(statement, ast.ImportFrom)
            assert statement.module is not None
            yield from ((statement.module, alias.name) for alias in statement.names)


def said_by(program: str) -> str:
    """Return what *program* prints in a process of its own."""
    finished = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=25)
    return finished.stdout.strip()


@each_door
def test_a_name_is_what_type_checkers_are_told_it_is(package: ModuleType) -> None:
    told = {name: module for module, name in declared(package)}

    assert sorted(told) == sorted(package.__all__)
    assert [it for it in told if getattr(package, it) is not getattr(import_module(told[it]), it)] == []


@each_door
def test_dir_and_a_star_show_what_all_names(package: ModuleType) -> None:
    namespace: dict[str, object] = {}
    exec(f"from {package.__name__} import *", namespace)  # noqa: S102 -- a star may stand at the top of a module only

    assert set(package.__all__) <= set(dir(package))
    assert namespace.keys() - {"__builtins__"} == set(package.__all__)


@pytest.mark.slow
@each_door
def test_dir_knows_the_names_before_one_is_looked_up(package: ModuleType) -> None:
    name = package.__name__

    said = said_by(f"import {name}; print(set({name}.__all__) <= set(dir({name})), *vars({name}))").split()

    assert said[0] == "True"
    assert set(package.__all__).isdisjoint(said)


def test_what_is_behind_it_can_be_pickled() -> None:
    spec = supervision.SupervisorSpec([])

    assert pickle.loads(pickle.dumps(spec)) == spec  # noqa: S301 -- it was pickled here
    assert pickle.loads(pickle.dumps(supervision.ChildSpec)) is supervision.ChildSpec  # noqa: S301 -- as above


@each_door
def test_a_name_that_it_does_not_offer_is_no_attribute(package: ModuleType) -> None:
    with pytest.raises(AttributeError, match=f"^module '{package.__name__}' has no attribute 'nobody'$"):
        package.nobody  # noqa: B018 -- looking is what fails


@pytest.mark.slow
def test_a_module_of_it_is_an_attribute_without_the_others() -> None:
    said = said_by("import sys, supervision; print(supervision.report, 'supervision.launcher' in sys.modules)")

    assert said.startswith("<module 'supervision.report'")
    assert said.endswith("False")


@pytest.mark.slow
def test_importing_a_module_imports_no_others() -> None:
    said = said_by("from supervision import delays; import sys; print('supervision.spec' in sys.modules)")

    assert said == "False"


@pytest.mark.slow
def test_what_was_put_in_the_place_of_a_name_stays_there() -> None:
    said = said_by("import supervision as s; s.launch = 1; s.Supervisor; print(s.launch)")

    assert said == "1"


def test_what_a_module_raises_is_raised_at_every_look_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "shop_with_a_door"
    package.mkdir()
    (package / "__init__.py").write_text(
        "from actors.front_door import open_on_use\n__getattr__, __dir__ = open_on_use(__name__, 'till')\n"
        "__all__ = ['sell']\n"
    )
    (package / "till.py").write_text("1 / 0\n")
    monkeypatch.syspath_prepend(tmp_path)

    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            import_module("shop_with_a_door").sell  # noqa: B018 -- looking is what fails
    (package / "till.py").write_text("sell = 'bread'\n")

    assert import_module("shop_with_a_door").sell == "bread"

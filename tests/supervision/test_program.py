"""What ``FILE:TREE`` names."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from actors import IGNORE
from supervision import SupervisorSpec
from supervision.program import Program, ProgramError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return a folder for programs; what importing them changes is undone."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "argv", ["actors"])
    monkeypatch.chdir(tmp_path)
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


def write(folder: Path, name: str, body: str) -> None:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"from actors import IGNORE\nfrom supervision import SupervisorSpec\n{body}\n")


@pytest.mark.parametrize("text", ["", "shop.py", "shop.py:", ":tree", "shop.py:a b", "shop.py:a.b"])
def test_what_is_no_file_and_tree_is_refused(text: str) -> None:
    with pytest.raises(ProgramError, match="names no tree: FILE:TREE is a Python file or module, a colon, and"):
        Program.parse(text)


def test_a_path_may_hold_a_colon() -> None:
    assert Program.parse("C:/shop.py:tree") == Program("C:/shop.py", "tree")


def test_a_specification_is_the_tree(folder: Path) -> None:
    write(folder, "shop.py", "tree = SupervisorSpec(intensity=7)")

    assert Program("shop.py", "tree").load() == SupervisorSpec(intensity=7)


def test_a_callable_is_called_once_to_see_that_it_makes_a_tree_and_again_when_asked_again(folder: Path) -> None:
    write(
        folder, "shop.py", "made = []\ndef tree():\n    made.append(1)\n    return SupervisorSpec(intensity=len(made))"
    )

    source = Program("shop.py", "tree").load()

    assert callable(source)
    assert [source(), source(), source()] == [SupervisorSpec(intensity=n) for n in (1, 2, 3)]


def test_a_callable_may_choose_not_to_start(folder: Path) -> None:
    write(folder, "shop.py", "def tree():\n    return IGNORE")

    source = Program("shop.py", "tree").load()

    assert callable(source)
    assert source() is IGNORE


def test_a_file_finds_what_lies_beside_it(folder: Path) -> None:
    write(folder, "shops/beside.py", "intensity = 3")
    write(folder, "shops/shop.py", "import beside\ntree = SupervisorSpec(intensity=beside.intensity)")

    assert Program("shops/shop.py", "tree").load() == SupervisorSpec(intensity=3)
    assert sys.argv == [str(folder / "shops" / "shop.py")]


def test_a_module_of_a_package_is_found_from_the_working_directory(folder: Path) -> None:
    write(folder, "shops/__init__.py", "")
    write(folder, "shops/till.py", "tree = SupervisorSpec(intensity=4)")

    assert Program("shops.till", "tree").load() == SupervisorSpec(intensity=4)


def test_a_file_that_is_called_as_a_module_hides_it_from_nobody(folder: Path) -> None:
    write(folder, "types.py", "tree = SupervisorSpec()")
    types = sys.modules["types"]

    assert Program("types.py", "tree").load() == SupervisorSpec()
    assert sys.modules["types"] is types


def test_what_a_program_cannot_import_is_not_taken_for_the_program(folder: Path) -> None:
    write(folder, "shop.py", "import nowhere_to_be_found")

    with pytest.raises(ProgramError, match="shop cannot be imported: ModuleNotFoundError: No module named 'nowhere"):
        Program("shop", "tree").load()


def test_a_wrong_name_suggests_what_the_program_itself_defines(folder: Path) -> None:
    write(folder, "shop.py", "from actors import abandoned_threads\ndef made():\n    return SupervisorSpec()")

    with pytest.raises(ProgramError) as raised:
        Program("shop.py", "nowhere").load()

    assert str(raised.value) == "shop.py has no 'nowhere'; did you mean made?"

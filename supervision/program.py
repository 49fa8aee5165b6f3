"""Program: a Python file or module that describes a tree, as ``FILE:TREE`` names it."""

from __future__ import annotations

import importlib
import inspect
import sys
from difflib import get_close_matches
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING, Final

import attrs

from actors import IGNORE, ActorError
from supervision.spec import SupervisorSpec

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from actors.result import Signal
    from supervision.spec import TreeSource

FORM: Final = "FILE:TREE is a Python file or module, a colon, and the name of a tree in it"


class ProgramError(ActorError):
    """There is no such program, or no such tree in it."""

    kind = "invalid_message"


@attrs.frozen
class Program:
    """Where a tree is described."""

    file: str
    """A path that ends in ``.py``, or the dotted name of a module."""
    tree: str

    @classmethod
    def parse(cls, text: str) -> Program:
        """Return what *text* names. Raises `ProgramError`.

        >>> Program.parse("shops/till.py:tree")
        Program(file='shops/till.py', tree='tree')
        """
        file, _, tree = text.rpartition(":")
        if not file or not tree.isidentifier():
            raise ProgramError(f"{text!r} names no tree: {FORM}, as in shop.py:tree")
        return cls(file, tree)

    @property
    def _is_path(self) -> bool:
        return self.file.endswith(".py") or "/" in self.file

    def load(self) -> TreeSource:
        """Import the program and return its tree; a callable is called once here, to see that it makes one.

        The program's folder comes first in ``sys.path``, as when Python runs it. Raises `ProgramError`; what the
        program itself raises is its cause, and ``SystemExit`` goes through.
        """
        module = self._import()
        if module.__file__ is not None:
            sys.argv[0] = module.__file__
        try:
            source = vars(module)[self.tree]
        except KeyError:
            known = [name for name, value in vars(module).items() if _may_be_tree(name, value, module)]
            near = get_close_matches(self.tree, known, n=3) or known
            meant = f"; did you mean {' or '.join(near)}?" if near else ""
            raise ProgramError(f"{self.file} has no {self.tree!r}{meant}") from None
        if isinstance(source, SupervisorSpec):
            return source
        if not callable(source):
            raise ProgramError(self._wrong("is of class", source))
        return _after(self._call(source), source)

    def _import(self) -> ModuleType:
        if self._is_path and not Path(self.file).is_file():
            raise ProgramError(f"{self.file}: no such file")
        try:
            return self._import_file() if self._is_path else self._import_module()
        except ProgramError:
            raise
        except Exception as error:
            raise ProgramError(f"{self.file} cannot be imported: {type(error).__name__}: {error}") from error

    def _import_file(self) -> ModuleType:
        path = Path(self.file).resolve()
        sys.path.insert(0, str(path.parent))
        # As its own name it would hide a module that is there already, such as the library's `types`.
        name = path.stem if path.stem not in sys.modules else f"program_{path.stem}"
        spec = spec_from_file_location(name, path)
        if spec is None or spec.loader is None:
            raise ProgramError(f"{self.file} is no Python file: its name does not end in .py")
        module = sys.modules[name] = module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    def _import_module(self) -> ModuleType:
        sys.path.insert(0, str(Path.cwd()))
        try:
            return importlib.import_module(self.file)
        except ModuleNotFoundError as error:
            if error.name is None or not f"{self.file}.".startswith(f"{error.name}."):
                raise
            raise ProgramError(f"{self.file}: no such module, and no file, whose name would end in .py") from None

    def _call(self, source: Callable[[], object]) -> SupervisorSpec | Signal:
        try:
            made = source()
        except Exception as error:
            raise ProgramError(f"{self.file}:{self.tree} failed: {type(error).__name__}: {error}") from error
        if isinstance(made, SupervisorSpec):
            return made
        if made is IGNORE:
            return IGNORE
        if inspect.iscoroutine(made):
            made.close()
        raise ProgramError(self._wrong("returned an object of class", made))

    def _wrong(self, verb: str, value: object) -> str:
        kind = type(value).__name__
        return f"{self.file}:{self.tree} {verb} {kind}; a tree is a SupervisorSpec, or a callable that returns one"


def _after(made: SupervisorSpec | Signal, source: Callable[[], SupervisorSpec | Signal]) -> TreeSource:
    """Return what makes the tree that was *made* already, and whatever *source* makes from the second time on."""
    first = [made]
    return lambda: first.pop() if first else source()


def _may_be_tree(name: str, value: object, module: ModuleType) -> bool:
    if name.startswith("_"):
        return False
    if inspect.isfunction(value):
        return value.__module__ == module.__name__ and not inspect.signature(value).parameters
    return isinstance(value, SupervisorSpec)

"""The packages without their looks for listeners: what a program would execute if nothing could be listened to.

A look is ``X.listeners`` in what an ``if`` asks, or ``X.listened_to`` of several spans; ``X`` is in capitals. It is
taken to be false, and what depends on that is gone with it. So a new one is found without being named here, and one
that asks in another way is refused.
"""

from __future__ import annotations

import ast
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import actors
import supervision

if TYPE_CHECKING:
    from collections.abc import Sequence

PACKAGES: Final = [Path(*package.__path__) for package in (actors, supervision)]
IGNORED: Final = shutil.ignore_patterns("__pycache__")


def copy_without_looks(to: Path) -> list[str]:
    """Copy the packages into the folder *to* without looks; return whose listeners were looked for, look by look."""
    found: list[str] = []
    for package in PACKAGES:
        shutil.copytree(package, to / package.name, ignore=IGNORED)
        for file in sorted((to / package.name).rglob("*.py")):
            source = file.read_text(encoding="utf-8")
            without, names = without_looks(source, f"{file.relative_to(to)}")
            if names:
                file.write_text(without, encoding="utf-8")
            found += names
    return found


def without_looks(source: str, name: str = "it") -> tuple[str, list[str]]:
    """Return *source* without looks, and whose listeners it has looked for.

    >>> without_looks("if SOLD.listeners:\\n    SOLD.emit({}, {})\\ntotal += 1")
    ('total += 1', ['SOLD'])
    >>> without_looks("if LOST.listeners or size > 9:\\n    pass")
    ('if size > 9:\\n    pass', ['LOST'])
    """
    without = _WithoutLooks()
    tree = ast.fix_missing_locations(without.visit(ast.parse(source)))
    for node in ast.walk(tree):
        if getattr(node, "body", None) == [] and not isinstance(node, ast.Module):
            node.body = [ast.Pass()]  # type: ignore[attr-defined]
        assert not _is_look(node), (
            f"{name}, line {getattr(node, 'lineno', 0)}: {ast.unparse(node)} is not what an `if` asks"
        )
    return ast.unparse(tree), without.found


def _is_look(node: ast.AST) -> bool:
    match node:
        case ast.Attribute(value=ast.Name(id=name), attr="listeners" | "listened_to"):
            return name.isupper()
        case _:
            return False


class _WithoutLooks(ast.NodeTransformer):
    """Works out what a look decides."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def visit_If(self, node: ast.If) -> Any:
        answer = self._answer(node.test)
        self.generic_visit(node)
        if isinstance(answer, ast.expr):
            node.test = answer
            return node
        return node.body if answer else node.orelse

    def visit_IfExp(self, node: ast.IfExp) -> Any:
        answer = self._answer(node.test)
        self.generic_visit(node)
        if isinstance(answer, ast.expr):
            node.test = answer
            return node
        return node.body if answer else node.orelse

    def _answer(self, test: ast.expr) -> ast.expr | bool:
        """Return what is left of *test*, or what it comes to."""
        match test:
            case ast.Attribute(value=ast.Name(id=name)) if _is_look(test):
                self.found.append(name)
                return False
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                answer = self._answer(operand)
                return ast.UnaryOp(ast.Not(), answer) if isinstance(answer, ast.expr) else not answer
            case ast.BoolOp(op=op, values=values):
                return self._of_several(op, [self._answer(value) for value in values])
            case _:
                return test

    def _of_several(self, op: ast.boolop, answers: Sequence[ast.expr | bool]) -> ast.expr | bool:
        decides = isinstance(op, ast.Or)
        if any(answer is decides for answer in answers):
            return decides
        left = [answer for answer in answers if isinstance(answer, ast.expr)]
        if not left:
            return not decides
        return left[0] if len(left) == 1 else ast.BoolOp(op, left)

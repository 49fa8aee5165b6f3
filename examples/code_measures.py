"""Measures of one Python file: its functions, its unused imports, what it leaves undocumented.

Everything is read off the syntax tree with loops, never by recursion, so that a file Python can
parse is a file that can be measured. One that it cannot parse raises what `ast.parse` raises:
`SyntaxError`, `ValueError`, `MemoryError` or `RecursionError`.
"""

import ast
import re
import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from attrs import frozen

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef
Definition = FunctionNode | ast.ClassDef


@frozen
class Function:
    """One function or method, wherever it is defined; a lambda is part of what is around it."""

    name: str
    """Qualified by what surrounds it: ``Till.total`` or ``outer.inner``."""
    line: int
    lines: int
    """From ``def`` to the last line, both included; decorators are not."""
    complexity: int


@frozen
class Measures:
    """What one file holds."""

    lines: int
    functions: tuple[Function, ...]
    unused_imports: tuple[str, ...]
    undocumented: tuple[str, ...]


def measure(source: bytes, filename: str = "<source>") -> Measures:
    """Measure the file *filename*, whose content is *source*.

    What an ``__init__.py`` imports is what its package offers, so none of it counts as unused.
    """
    tree = parsed(source, filename)
    return Measures(
        lines=len(source.splitlines()),
        functions=functions(tree),
        unused_imports=() if filename.endswith("__init__.py") else unused_imports(tree),
        undocumented=undocumented(tree),
    )


def parsed(source: bytes, filename: str = "<source>") -> ast.Module:
    """Parse *source* by the encoding it declares, without Python's remarks (``SyntaxWarning``)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(source, filename)


def functions(tree: ast.Module) -> tuple[Function, ...]:
    """Return every function of the file, nested ones and methods included.

    >>> [f.name for f in functions(parsed(b"class Till:\\n  def total(self): ..."))]
    ['Till.total']
    """
    return tuple(
        Function(name, node.lineno, lines_of(node), complexity(node))
        for name, node in definitions(tree)
        if isinstance(node, FunctionNode)
    )


def definitions(tree: ast.Module, *, inside: Any = Definition) -> Iterator[tuple[str, Definition]]:
    """Yield the functions and classes with their qualified names, and those *inside* such nodes."""
    waiting: list[tuple[str, ast.AST]] = [("", tree)]
    while waiting:
        prefix, parent = waiting.pop()
        for node in statements(parent):
            if isinstance(node, Definition):
                yield prefix + node.name, node
                if isinstance(node, inside):
                    waiting.append((f"{prefix}{node.name}.", node))


def statements(parent: ast.AST) -> Iterator[ast.AST]:
    """Yield the statements of *parent* and of its blocks, but none from inside a definition."""
    waiting = [parent]
    while waiting:
        block = waiting.pop()
        for field in ("body", "handlers", "cases", "orelse", "finalbody"):
            for node in getattr(block, field, ()):
                yield node
                if not isinstance(node, Definition):
                    waiting.append(node)


def lines_of(function: FunctionNode) -> int:
    """Return how many lines *function* has, from ``def`` to its end."""
    return (function.end_lineno or function.lineno) - function.lineno + 1


def complexity(function: FunctionNode) -> int:
    """Return the cyclomatic complexity of *function*: 1, and 1 for every decision (McCabe, 1976).

    Decisions are: ``if``, ``elif``, a conditional expression, a loop (also ``async for``, and each
    ``for`` of a comprehension), each ``and``, ``or`` and comprehension ``if``, each ``except``
    clause, each ``case`` that can fail to match, and the guard of a ``case``. None are ``else``,
    ``finally``, ``with``, ``assert`` and ``case _``. A lambda's decisions belong to the function
    around it, those of a nested function to that one alone.

    >>> complexity(parsed(b"def f(a, b):\\n  return a if a and b else [x for x in b if x]").body[0])
    5
    """
    return 1 + sum(DECISIONS[type(node)](node) for node in own_nodes(function) if type(node) in DECISIONS)


def _one(_node: ast.AST) -> int:
    return 1


DECISIONS: dict[type[ast.AST], Callable[[Any], int]] = {
    ast.If: _one,
    ast.IfExp: _one,
    ast.For: _one,
    ast.AsyncFor: _one,
    ast.While: _one,
    ast.ExceptHandler: _one,
    ast.BoolOp: lambda node: len(node.values) - 1,
    ast.comprehension: lambda node: 1 + len(node.ifs),
    ast.match_case: lambda node: (not always_matches(node.pattern)) + (node.guard is not None),
}
"""How many decisions a node of each kind is."""


def always_matches(pattern: ast.pattern) -> bool:
    """Say whether *pattern* is ``_`` or a name, which Python calls irrefutable."""
    return isinstance(pattern, ast.MatchAs) and pattern.pattern is None


def own_nodes(function: FunctionNode) -> Iterator[ast.AST]:
    """Yield what runs when *function* does; of a nested one, only its decorators and defaults."""
    waiting: list[ast.AST] = list(function.body)
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, FunctionNode):
            waiting += [
                *node.decorator_list,
                *node.args.defaults,
                *filter(None, node.args.kw_defaults),
            ]
        else:
            waiting += ast.iter_child_nodes(node)


def unused_imports(tree: ast.Module) -> tuple[str, ...]:
    """Return the names that an import binds and that nothing else in the file mentions, sorted.

    A name is judged once for the whole file: used in one function, it hides an unused import of it
    in another. A name in ``__all__`` or in a quoted annotation is mentioned, and so is one that is
    bound again, as after ``except ImportError``. ``from x import y as y`` is an explicit re-export.

    >>> unused_imports(parsed(b"import os.path, re\\nos.getcwd()"))
    ('re',)
    """
    return tuple(sorted(imported(tree) - mentioned(tree) - set(exported(tree))))


def imported(tree: ast.Module) -> set[str]:
    """Return the names that imports bind, but for those in a class body: they are attributes."""
    scopes = [tree, *(node for _, node in definitions(tree) if isinstance(node, FunctionNode))]
    return {
        name
        for scope in scopes
        for statement in statements(scope)
        if isinstance(statement, ast.Import | ast.ImportFrom)
        for name in bound_by(statement)
    }


def bound_by(statement: ast.Import | ast.ImportFrom) -> Iterator[str]:
    """Yield the names that *statement* binds for use in this file: ``a`` for ``import a.b``."""
    if isinstance(statement, ast.ImportFrom) and statement.module == "__future__":
        return
    for alias in statement.names:
        if alias.name not in ("*", alias.asname):
            yield alias.asname or alias.name.partition(".")[0]


def mentioned(tree: ast.Module) -> set[str]:
    """Return the names in code and in quoted annotations."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            names.add(node.id)
        elif isinstance(node, ast.arg | ast.AnnAssign):
            names.update(quoted_names(node.annotation))
        elif isinstance(node, FunctionNode):
            names.update(quoted_names(node.returns))
    return names


def exported(tree: ast.Module) -> Iterator[str]:
    """Yield the strings in every top-level statement that names ``__all__``."""
    for statement in statements(tree):
        if isinstance(statement, ast.Assign | ast.AugAssign | ast.AnnAssign | ast.Expr):
            nodes = list(ast.walk(statement))
            if any(isinstance(node, ast.Name) and node.id == "__all__" for node in nodes):
                yield from strings(nodes)


def quoted_names(annotation: ast.expr | None) -> Iterator[str]:
    """Yield the names in the quoted parts of *annotation*: ``Path`` for ``list["Path"]``."""
    if annotation is not None:
        for text in strings(ast.walk(annotation)):
            yield from re.findall(r"[^\W\d]\w*", text)


def strings(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """Yield the string literals among *nodes*."""
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def undocumented(tree: ast.Module) -> tuple[str, ...]:
    """Return the public functions, classes and methods that have no docstring, sorted.

    Public is what has no leading underscore, in a class that is public. A name that is defined
    several times (a property and its setter, overloads) is documented when one of them is.

    >>> undocumented(parsed(b"class Till:\\n  'Counts.'\\n  def total(self): ..."))
    ('Till.total',)
    """
    public: set[str] = set()
    documented: set[str] = set()
    for name, node in definitions(tree, inside=ast.ClassDef):
        if not name.startswith("_") and "._" not in name:
            public.add(name)
            if ast.get_docstring(node):
                documented.add(name)
    return tuple(sorted(public - documented))

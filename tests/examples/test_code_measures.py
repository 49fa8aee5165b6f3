"""What the code audit measures of one file."""

import doctest
from textwrap import dedent
from types import ModuleType

import pytest

import code_measures
import code_report
from code_measures import Function, Measures, measure


def measured(source: str, filename: str = "till.py") -> Measures:
    return measure(dedent(source).encode(), filename)


def complexity(body: str) -> int:
    (function,) = measured(f"def total(a, b):\n    {body}\n").functions
    return function.complexity


def test_lists_functions_methods_and_nested_functions_by_qualified_name() -> None:
    found = measured("""
        def outer():
            def inner(): ...
        class Till:
            async def total(self): ...
        if True:
            def fallback(): ...
    """)

    names = {function.name for function in found.functions}
    assert names == {"outer", "outer.inner", "Till.total", "fallback"}


def test_counts_the_lines_of_a_function_from_def_to_its_end_without_decorators() -> None:
    found = measured("""\
        @cached
        def total(
            prices,
        ):
            return sum(
                prices
            )

        x = 1
    """)

    assert found.functions == (Function("total", line=2, lines=6, complexity=1),)
    assert found.lines == 9


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("pass", 1),
        ("if a: pass", 2),
        ("if a: pass\n    elif b: pass\n    else: pass", 3),
        ("return a if b else 0", 2),
        ("for x in a: pass\n    else: pass", 2),
        ("while a: break", 2),
        ("return a and b and a", 3),
        ("return a and b or a", 3),
        ("return [x for x in a]", 2),
        ("return {x for y in a if y if b for x in y}", 5),
        ("try: pass\n    except KeyError: pass\n    except OSError: pass\n    else: pass\n    finally: pass", 3),
        ("try: pass\n    except* OSError: pass", 2),
        ("match a:\n        case 1: pass\n        case 2 if b: pass\n        case _: pass", 4),
        ("match a:\n        case (1 | 2) as x: pass\n        case x: pass", 2),
        ("match a:\n        case _ if b: pass\n        case other: pass", 2),
        ("with a: pass", 1),
        ("assert a, b", 1),
        ("return lambda x: x or b", 2),
    ],
)
def test_counts_one_and_one_more_for_each_decision(body: str, expected: int) -> None:
    assert complexity(body) == expected


def test_counts_asynchronous_loops() -> None:
    found = measured("""
        async def total(a):
            async for x in a:
                pass
            return [x async for x in a if x]
    """)

    assert [function.complexity for function in found.functions] == [4]


def test_counts_the_decisions_of_a_nested_function_to_that_function_alone() -> None:
    found = measured("""
        def outer(a):
            if a: pass
            class Local:
                if a: pass
                def method(self):
                    for x in self: pass
            @(cached if a else shared)
            def inner(b=a or 1, *, c=a or 1):
                while b: pass
    """)

    by_name = {function.name: function.complexity for function in found.functions}
    assert by_name == {"outer": 6, "outer.Local.method": 2, "outer.inner": 2}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import os", ("os",)),
        ("import os\nos.getcwd()", ()),
        ("import os.path\nos.path.join()", ()),
        ("import os.path, re", ("os", "re")),
        ("import numpy as np\nnumpy = 1", ("np",)),
        ("from a import b, c as d\nb()", ("d",)),
        ("from a import *", ()),
        ("from __future__ import annotations", ()),
        ("from a import b as b", ()),
        ("from a import b\n__all__ = ['b']", ()),
        ("from a import b, c\n__all__ = []\n__all__ += ['b']\n__all__.append('c')", ()),
        ("from a import b\nif b.c:\n    pass", ()),
        ("from a import b\nx = 'b'", ("b",)),
        ("from a import b\ndef f(x: 'list[b]'): ...", ()),
        ("from a import b\ndef f() -> 'b': ...", ()),
        ("from a import b\nx: 'b.C'", ()),
        ("from a import b\n@b\ndef f(): ...", ()),
        ("from a import b\ndel b", ()),
        ("def f():\n    import os", ("os",)),
        ("class C:\n    from a import method", ()),
        ("try:\n    import ssl\nexcept ImportError:\n    ssl = None", ()),
        ("if a:\n    import os\nelse:\n    import re", ("os", "re")),
    ],
)
def test_finds_the_imports_that_nothing_mentions(source: str, expected: tuple[str, ...]) -> None:
    assert measured(source).unused_imports == expected


def test_takes_what_a_package_imports_as_what_it_offers() -> None:
    assert measured("from a import b", "till/__init__.py").unused_imports == ()


def test_finds_public_functions_classes_and_methods_without_a_docstring() -> None:
    found = measured("""
        def sell():
            def inside(): ...
        def _private(): ...
        class Till:
            def total(self): ...
            def documented(self): "Do."
            def __len__(self): ...
            class Drawer:
                "Holds."
                def open(self): ...
        class _Private:
            def method(self): ...
        try:
            def fallback(): ...
        except ImportError:
            pass
    """)

    assert found.undocumented == ("Till", "Till.Drawer.open", "Till.total", "fallback", "sell")


def test_takes_a_name_as_documented_when_one_of_its_definitions_is() -> None:
    found = measured("""
        class Till:
            "Counts."
            @property
            def total(self): "What it holds."
            @total.setter
            def total(self, value): ...
    """)

    assert found.undocumented == ()


def test_reads_a_file_in_the_encoding_that_it_declares() -> None:
    source = "# -*- coding: latin-1 -*-\ndef zähle(): ...\n".encode("latin-1")

    assert measure(source).undocumented == ("zähle",)


def test_keeps_python_from_remarking_on_a_file() -> None:
    assert measured(r"x = '\d'").lines == 1


def test_measures_a_file_that_is_nested_too_deeply_for_recursion() -> None:
    source = "def total(): return " + "1 + " * 1_500 + "1"

    assert [function.name for function in measured(source).functions] == ["total"]


@pytest.mark.parametrize("module", [code_measures, code_report])
def test_the_examples_in_docstrings_hold(module: ModuleType) -> None:
    result = doctest.testmod(module)

    assert result.attempted > 0
    assert result.failed == 0

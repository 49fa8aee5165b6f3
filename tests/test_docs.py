"""The pages show the examples and their output as they are, and name tests that exist.

A fenced block under the comment ``<!-- examples/hello.py -->`` holds that file, and under one that ends in
``from class Till to if`` the lines between the first that begins so and the next that does.
``python tests/test_docs.py`` rewrites such blocks.
"""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
SHOWN_FILE = re.compile(r"(<!-- (\S+)(?: from (.+?) to (.+?))? -->\n```\w*\n)(.*?)(^```$)", re.DOTALL | re.MULTILINE)
NAMED_TEST = re.compile(r"`(tests/[\w/]+\.py)(?:::(test_\w+)(\*?))?`")
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")


def with_files_shown(text: str) -> str:
    def shown(match: re.Match[str]) -> str:
        content = (ROOT / match[2]).read_text(encoding="utf-8")
        if match[3]:
            content = content[content.index(f"\n{match[3]}") + 1 :]
            content = content[: content.index(f"\n{match[4]}")].rstrip() + "\n"
        return match[1] + content + match[6]

    return SHOWN_FILE.sub(shown, text)


@cache
def names_of_tests(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name for node in ast.walk(tree) if isinstance(node, functions)}


def has_test(path: Path, test: str, *, begins: bool) -> bool:
    names = names_of_tests(path)
    return any(name.startswith(test) for name in names) if begins else test in names


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_shows_files_as_they_are(page: Path) -> None:
    text = page.read_text(encoding="utf-8")

    assert with_files_shown(text) == text


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_names_tests_that_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")

    missing = [
        f"{file}::{test}{star}"
        for file, test, star in NAMED_TEST.findall(text)
        if not (ROOT / file).is_file() or (test and not has_test(ROOT / file, test, begins=bool(star)))
    ]

    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_links_to_pages_that_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")

    dead = [target for target in LINK.findall(text) if not (page.parent / target).exists()]

    assert dead == []


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 120


if __name__ == "__main__":
    for path in PAGES:
        path.write_text(with_files_shown(path.read_text(encoding="utf-8")), encoding="utf-8")

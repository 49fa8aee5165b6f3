"""Every command, whoever adds one: it has examples in its help, an entry in the docs with real output, and a test."""

from __future__ import annotations

import ast
import re
from functools import cache
from itertools import dropwhile, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
import pytest
from click.testing import CliRunner

from actors.shell.commands.catalogue import COMMANDS
from supervision.commands import check, config, run

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ROOT: Final = Path(__file__).parents[4]

ON_A_SCREEN: Final = {"shell", "top"}
"""What these show is no answer to a line, but a screen."""

UNKNOWN: Final = "?"
"""What stands for a word that only the running test knows."""

NO_ANSWER: Final = {"run"}
"""What this prints is the program's."""


def leaves(commands: Iterable[click.Command], before: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the words of each command that does something, so of no group."""
    for command in commands:
        words = (*before, str(command.name))
        if isinstance(command, click.Group):
            yield from leaves(command.commands.values(), words)
        else:
            yield words


EVERY: Final = {" ".join(words): words for words in leaves((*COMMANDS, run, check, config))}


def command_of(words: tuple[str, ...]) -> click.Command:
    """Return the command of these words."""
    found: click.Command = click.Group("actors", {str(it.name): it for it in (*COMMANDS, run, check, config)})
    for word in words:
        assert isinstance(found, click.Group)
        found = found.commands[word]
    return found


def short(words: tuple[str, ...]) -> tuple[str, ...]:
    """Return the fewest words that mean the same: the first command of a group is meant where none is named."""
    while len(words) > 1:
        group = command_of(words[:-1])
        if not isinstance(group, click.Group) or next(iter(group.commands)) != words[-1]:
            return words
        words = words[:-1]
    return words


def begins(line: tuple[str, ...], words: tuple[str, ...]) -> bool:
    """Tell whether *line* is of the command of *words*: `queue --json` is one of `queue recipients`."""
    least = short(words)
    if line[: len(words)] == words:
        return True
    if line[: len(least)] != least:
        return False
    # Of a group, whatever command follows is meant.
    rest = line[len(least) :]
    others = getattr(command_of(least), "commands", {})
    return not rest or rest[0] not in others


@cache
def lines_in_tests() -> tuple[tuple[str, ...], ...]:
    """Return the texts that stand beside each other in a test: the words of command lines are among them."""
    found: list[tuple[str, ...]] = []
    for file in sorted((ROOT / "tests").rglob("*.py")):
        if file == Path(__file__):
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                # A `Machine` runs the program that it is given with the options that follow.
                runs = isinstance(node.func, ast.Attribute) and node.func.attr == "running"
                found += _lines(([ast.Constant("run")] if runs else []) + node.args)
            elif isinstance(node, ast.Tuple | ast.List):
                found += _lines(node.elts)
    return tuple(found)


def _lines(nodes: list[ast.expr]) -> Iterator[tuple[str, ...]]:
    texts = [str(it.value) if isinstance(it, ast.Constant) else UNKNOWN for it in nodes]
    texts = list(dropwhile(UNKNOWN.__eq__, texts))  # such as the interpreter
    if texts:
        yield tuple(texts)
        yield tuple(texts[0].split())  # what is typed in a shell


@cache
def lines_in_docs() -> tuple[tuple[tuple[str, ...], str], ...]:
    """Return each command line of the docs as its words, with the line that follows it: what it printed."""
    found: list[tuple[tuple[str, ...], str]] = []
    for page in sorted((ROOT / "docs").rglob("*.md")):
        for block in re.findall(r"^```\w*\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL):
            lines = [*block.splitlines(), ""]
            for line, following in pairwise(lines):
                typed = re.match(r"(?:\S+> |\$ actors )(.*)", line)
                if typed is not None:
                    found.append((tuple(typed[1].split()), following))
    return tuple(found)


@pytest.mark.parametrize("words", EVERY)
def test_every_command_has_an_example_in_its_help(words: str) -> None:
    helped = CliRunner().invoke(command_of(EVERY[words]), ["--help"]).output
    examples = re.findall(r"(?:^ +|\| )actors (.*)", helped.partition("Examples:")[2], re.MULTILINE)

    assert [it for it in examples if begins(tuple(it.split()), EVERY[words])]


@pytest.mark.parametrize("words", [it for it in EVERY if it not in ON_A_SCREEN | NO_ANSWER])
def test_every_command_is_in_the_docs_with_what_it_prints(words: str) -> None:
    shown = [printed for line, printed in lines_in_docs() if begins(line, EVERY[words])]

    assert [printed for printed in shown if printed and not printed.startswith("$")]


@pytest.mark.parametrize("words", sorted(ON_A_SCREEN | NO_ANSWER))
def test_every_command_with_a_screen_has_a_chapter(words: str) -> None:
    page = (ROOT / "docs" / "shell.md").read_text(encoding="utf-8")

    assert f"\n## actors {words}\n" in page


@pytest.mark.parametrize("words", EVERY)
def test_every_command_is_used_in_a_test(words: str) -> None:
    assert [line for line in lines_in_tests() if begins(line, EVERY[words])]


@pytest.mark.parametrize("words", EVERY)
def test_every_option_of_a_command_is_used_in_a_test_and_explained(words: str) -> None:
    options = [it for it in command_of(EVERY[words]).params if isinstance(it, click.Option)]
    used = {text.partition("=")[0] for line in lines_in_tests() if begins(line, EVERY[words]) for text in line}
    # Every command has these in common; each is tested with some.
    common = {"--node", "--seconds", "--json", "--help"}

    assert [it.opts[0] for it in options if not it.help] == []
    assert [it.opts[0] for it in options if not used.union(common).intersection([*it.opts, *it.secondary_opts])] == []


@pytest.mark.parametrize("words", EVERY)
def test_every_command_that_prints_has_json(words: str) -> None:
    options = {name for it in command_of(EVERY[words]).params for name in it.opts}

    assert "--json" in options or words in ON_A_SCREEN | NO_ANSWER

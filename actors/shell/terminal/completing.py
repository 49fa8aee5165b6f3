"""Completion of what is typed in the shell: commands, their options, and the names of actors and nodes.

It runs in a thread of its own, and a node that says nothing is not waited for again and again.
"""

from __future__ import annotations

import shlex
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import click
from prompt_toolkit.completion import Completer, Completion

from actors.shell import directory
from actors.shell.errors import ShellError
from actors.shell.terminal.command_line import WithDefault
from actors.shell.terminal.phrases import printable
from actors.shell.terminal.words import typed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from prompt_toolkit.completion import CompleteEvent
    from prompt_toolkit.document import Document

    from actors.shell.client.aim import Aim

KNOWN_SECONDS: Final = 3.0
"""For so long the names of actors are not asked for again."""

NODE_SECONDS: Final = 1.0
"""So long a node is waited for."""

MOST: Final = 200
"""So many completions are shown."""

OF_ACTORS: Final = frozenset({"actor", "name", "to"})
"""The parameters that are the name of an actor."""


class Names:
    """What the actors of a node are called, as far as that is known."""

    def __init__(self, aim: Aim) -> None:
        self._aim = aim
        self._known: list[str] = []
        self._until = 0.0

    def __call__(self) -> list[str]:
        """Return the names; those of before, if the node says nothing."""
        if time.monotonic() >= self._until:
            # Whoever types is told what is wrong with the node when the command runs.
            with suppress(ShellError), self._aim.connect(NODE_SECONDS) as connection:
                self._known = sorted(set(connection.ask("names").rows))
            self._until = time.monotonic() + KNOWN_SECONDS
        return self._known


class ShellCompleter(Completer):
    """Completes the last word."""

    def __init__(self, commands: Mapping[str, click.Command], words: Mapping[str, str], aim: Aim) -> None:
        self._commands = commands
        self._words = words
        """Those that the shell has beside the commands, and what they take."""
        self._names = Names(aim)

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterator[Completion]:
        """Yield what the last word may become."""
        before = typed(document.text_before_cursor)
        found = [it for it in self._candidates(before.words, before.word) if it.startswith(before.word)]
        for text in found[:MOST]:
            yield Completion(shlex.quote(text), -before.length, display=printable(text))

    def _candidates(self, words: Sequence[str], word: str) -> Iterable[str]:
        if not words:
            return sorted([*self._commands, *self._words])
        first, *rest = words
        if first in self._words:
            return self._after(self._words[first], rest)
        command = self._commands.get(first)
        return () if command is None else self._of(command, rest, word)

    def _after(self, takes: str, rest: Sequence[str]) -> Iterable[str]:
        if rest:
            return ()
        return node_names() if takes == "node" else sorted(self._commands) if takes == "command" else ()

    def _of(self, command: click.Command, words: Sequence[str], word: str) -> Iterable[str]:
        """Return what may follow *words* of *command*."""
        if isinstance(command, click.Group):
            return self._of_group(command, words, word)
        options = {name: it for it in command.params if isinstance(it, click.Option) for name in it.opts}
        last = options.get(words[-1]) if words else None
        if last is not None and not last.is_flag:
            return self._values(last)
        if word.startswith("-"):
            return [*sorted(options), "--help"]
        arguments = [it for it in command.params if isinstance(it, click.Argument)]
        given = _arguments_in(words, options)
        return self._values(arguments[min(given, len(arguments) - 1)]) if arguments else ()

    def _of_group(self, group: click.Group, words: Sequence[str], word: str) -> Iterable[str]:
        if words and words[0] in group.commands:
            return self._of(group.commands[words[0]], words[1:], word)
        if isinstance(group, WithDefault) and (words or word.startswith("-")):
            return self._of(next(iter(group.commands.values())), words, word)
        return sorted(group.commands) if not words else ()

    def _values(self, parameter: click.Parameter) -> Iterable[str]:
        if isinstance(parameter.type, click.Choice):
            return [str(it) for it in parameter.type.choices]
        if parameter.name in OF_ACTORS:
            return self._names()
        return node_names() if parameter.name == "node" else ()


def node_names() -> list[str]:
    """Return the nodes that run."""
    try:
        return [name for name, _ in directory.sockets()]
    except ShellError:
        return []


def _arguments_in(words: Sequence[str], options: Mapping[str, click.Option]) -> int:
    """Return how many of *words* are neither options nor their values."""
    count, is_value = 0, False
    for word in words:
        option = options.get(word)
        count += option is None and not is_value
        is_value = option is not None and not option.is_flag
    return count

"""Session: what a shell does with one line after the other. None of them ends it but `exit`."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any, Final

import click

from actors.shell.client.connection import nearest
from actors.shell.errors import NoNodeError, SeveralNodesError, ShellError
from actors.shell.terminal.command_line import INTERRUPTED, USAGE, say_error, show_misuse

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from actors.shell.client.aim import Aim

NOT_HERE: Final = frozenset({"run", "shell"})
"""The commands that are none of a shell: they would take its place."""

WORDS: Final[Mapping[str, str]] = {"exit": "", "help": "command", "quit": "", "use": "node"}
"""What a shell knows beside the commands, and what each takes."""


class Ended(Exception):  # noqa: N818 -- no error: it was asked for
    """Somebody has typed `exit`."""


class Signalled(SystemExit):
    """A signal has ended the shell, also in the middle of a command."""


class Session:
    """The commands of *group*, which look at the node of *aim* unless another is named."""

    def __init__(self, group: click.Group, aim: Aim) -> None:
        self.commands = {name: it for name, it in group.commands.items() if name not in NOT_HERE}
        self.aim = aim
        self.status = 0
        """What the last line would have exited with."""

    def look(self) -> None:
        """Look for the node, and say which it is, or why there is none."""
        try:
            click.echo(f"node {self.aim.find()[0]}; type help for the commands")
        except SeveralNodesError as error:
            say_error(f"{error} with use NAME:", error.names)
        except ShellError as error:
            say_error(str(error))

    def run(self, line: str) -> None:
        """Do what *line* says, and say what is wrong with it. Raises `Ended`."""
        try:
            words = shlex.split(line)
        except ValueError as error:
            self.status = USAGE
            say_error(f"{str(error).lower()}: {line.strip()}")
            return
        if words:
            try:
                self.status = self._do(words)
            except KeyboardInterrupt:
                click.echo()
                self.status = INTERRUPTED

    def _do(self, words: Sequence[str]) -> int:
        match words:
            case ["exit" | "quit"]:
                raise Ended
            case ["help"]:
                return self._help()
            case ["help", *others]:
                return self._invoke([*others, "--help"])
            case ["use", name]:
                return self._use(name)
            case ["exit" | "quit" | "use", *_]:
                say_error(f"it is written {words[0]}{' NAME' if words[0] == 'use' else ''}, and nothing else")
                return USAGE
            case _:
                return self._invoke(words)

    def _help(self) -> int:
        for name, command in sorted(self.commands.items()):
            click.echo(f"  {name:14}{command.get_short_help_str(80)}")
        click.echo("  help COMMAND  Show what a command takes.")
        click.echo("  use NODE      Look at another node from now on.")
        click.echo("  exit          End, as Ctrl-D does.")
        return 0

    def _use(self, name: str) -> int:
        aim = type(self.aim)(name)
        try:
            click.echo(f"node {aim.find()[0]}")
        except ShellError as error:
            say_error(str(error))
            return 1
        # Whoever completes names has this very one.
        self.aim.wanted, self.aim.name = aim.wanted, aim.name
        return 0

    def _invoke(self, words: Sequence[str]) -> int:
        name, *arguments = words
        command = self.commands.get(name)
        if command is None:
            here = f"{name} is no command of the shell" if name in NOT_HERE else f"there is no command {name!r}"
            say_error(f"{here}{nearest(name, [*self.commands, *WORDS])}")
            return USAGE
        return self._try(command, name, arguments)

    def _try(self, command: click.Command, name: str, arguments: list[str]) -> int:
        gone = self._find()
        try:
            return self._main(command, name, arguments)
        except (Signalled, BrokenPipeError):
            raise  # it is not the command that ends: of the second, nobody reads what is printed, and nobody will
        except click.ClickException as error:
            return show_misuse(error)
        except SystemExit as error:
            return error.code if isinstance(error.code, int) else 1
        except click.Abort:
            raise KeyboardInterrupt from None
        except NoNodeError as error:
            say_error(str(error if gone is None or "--node" in arguments else gone))
        except SeveralNodesError as error:
            say_error(f"{error} with --node, or use NAME:", error.names)
        except ShellError as error:
            say_error(str(error))
        except OSError as error:
            say_error(f"{name} failed: {error}")
        except Exception as error:  # noqa: BLE001 -- a fault of a command is not to take the shell along
            say_error(f"{name} failed, which is a bug: {type(error).__name__}: {error}")
        return 1

    def _find(self) -> ShellError | None:
        """Look for the node, which may have been started again; return why it is not there."""
        try:
            self.aim.find()
        except ShellError as error:
            return error
        return None

    def _main(self, command: click.Command, name: str, arguments: list[str]) -> int:
        node = self.aim.name or self.aim.wanted
        defaults = {} if node is None else _with_node(command, node)
        context = command.make_context(f"actors {name}", arguments, default_map=defaults, **SETTINGS)
        with context:
            try:
                command.invoke(context)
            except click.exceptions.Exit as error:
                return error.exit_code
        return 0


SETTINGS: Final[Mapping[str, Any]] = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


def _with_node(command: click.Command, node: str) -> dict[str, Any]:
    """Return the defaults of *command*, and of those in it, that have it look at *node*."""
    defaults: dict[str, Any] = {}
    if any(it.name == "node" for it in command.params):
        defaults["node"] = node
    if isinstance(command, click.Group):
        defaults |= {name: _with_node(it, node) for name, it in command.commands.items()}
    return defaults

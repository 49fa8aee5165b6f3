"""A page that walks through a running node: its commands, in their order, and what they print to a person.

Each block of the page that begins with ``$ actors`` is a terminal, in which every command is run as it stands there.
What differs from run to run (times, process ids, how much was done meanwhile) is the same for `steady`; all else has
to be as the page shows it.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

import attrs

from tests.actors.shell.machine import ACTORS, Machine
from tests.actors.shell.pseudo_terminal import PATIENCE, Terminal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from types import TracebackType

ROOT: Final = Path(__file__).parents[2]
HOME: Final = "/home/ann/desk"
"""Where the page has what is in `ROOT`."""

BLOCK: Final = re.compile(r"(?<=^```\n)\$ actors .*?(?=^```$)", re.DOTALL | re.MULTILINE)
COLUMNS: Final = 120
LINES: Final = 40
DURATION: Final = r"[\d.,]+ (?:µs|ms|s|min|h|d)\b"
"""How `actors.shell.terminal.phrases.duration` shows seconds."""

COUNTING: Final = ("ps", "stats", "top")
"""Commands that show how much was done; all their numbers but those of actors are volatile."""


@attrs.frozen
class Told:
    """A command, and what it printed."""

    command: str
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        """What stands in the page."""
        return "".join(f"{line}\n" for line in (f"$ actors {self.command}", *self.lines))

    @property
    def steady(self) -> list[str]:
        """What is the same in every run."""
        return [steady(line, self.command) for line in self.lines if not is_foreign(line, self.command)]


def is_foreign(line: str, command: str) -> bool:
    """Tell whether *line* is about a node of somebody else, who runs some beside us."""
    return command == "nodes" and not line.startswith(("node ", "incident."))


def steady(line: str, command: str) -> str:
    """Return *line* without what differs from run to run.

    >>> steady("12.3 s  <budget #5>   ███▁", "waits")
    'TIME <budget #5> ▁'
    >>> steady("#7  summariser  running for at most 3.1 s     41     4  12 ms    0", "ps")
    '#7 summariser running for at most TIME N N N'
    """
    word = command.partition(" ")[0]
    line = re.sub(r"\b\d\d-\d\d \d\d:\d\d:\d\d\.\d+", "TIME", line)
    line = re.sub(r"incident\.\d+ +\d+ ", "incident.PID PID ", line)
    line = re.sub(r"incident\.\d+", "incident.PID", line)
    line = re.sub(r"\b3\.\d+\.\d+\w*", "VERSION", line)
    if word != "tree" or line.startswith("node "):
        line = re.sub(DURATION, "TIME", line)
    if word in COUNTING and "restarted" not in line:
        line = re.sub(r"(?<![#:\w.])[\d.,]+k?(?!\w)", "N", line)
        # One message in 64 is timed, so these cells are filled sooner or later.
        line = re.sub(r"(?<!for)(?<!most) +TIME(?= )", "", line) if line.lstrip().startswith("#") else line
    return " ".join(re.sub("[▁-█]+", "▁", line).split())


def blocks(page: str) -> list[list[Told]]:
    """Return the commands of each block of *page*, with what they print there."""
    return [_told(block) for block in BLOCK.findall(page)]


def _told(block: str) -> list[Told]:
    commands = re.split(r"^\$ actors ", block, flags=re.MULTILINE)[1:]
    return [Told(lines[0], tuple(lines[1:])) for lines in map(str.splitlines, commands)]


@attrs.define
class Walk:
    """A person at a machine who does what a page says."""

    machine: Machine
    before: Mapping[str, Callable[[Walk], bool]]
    """What a person waits for before a command, since it takes a moment."""
    _stack: ExitStack = attrs.field(factory=ExitStack)
    _watching: list[tuple[Told, Terminal]] = attrs.field(factory=list)
    """What goes on in a terminal of its own during the next command, and has to show as much as in the page."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stack.close()

    def take(self, page: str) -> list[list[Told]]:
        """Do all that *page* says, and return what was printed instead of what it shows."""
        seen: dict[str, Told] = {}
        done: list[list[Told]] = []
        for block in blocks(page):
            done.append([])
            for step in block:
                watching, self._watching = self._watching, []
                done[-1].append(self._step(step))
                seen |= {shown.command: self._seen(shown, terminal) for shown, terminal in watching}
        return [[seen.get(step.command, step) for step in block] for block in done]

    def _step(self, step: Told) -> Told:
        if step.command in self.before:
            patiently(lambda: self.before[step.command](self))
        word = step.command.split()[0]
        if word == "run":
            self._stack.enter_context(running(self.machine, *shlex.split(step.command)))
            return step
        terminal = self._open(step.command)
        if word == "trace":
            terminal.see("tracing ")
            self._watching.append((step, terminal))
            return step
        if word == "top":
            terminal.wait_for(lambda seen: re.search(r"summariser .* [▁-▇][▁-█]{4,}█ ", seen))
            shown = terminal.shown
            terminal.type("q")
            terminal.end()
            return Told(step.command, tuple(line for line in shown if line))
        if word == "shell":
            self._type(step, terminal)
        terminal.end()
        return Told(step.command, _lines(terminal))

    def _open(self, command: str) -> Terminal:
        node = [] if command == "nodes" else ["--node", str(self.machine.pid)]
        environment = self.machine.environment | {"XDG_STATE_HOME": str(self.machine.folder / "state")}
        terminal = Terminal([*ACTORS, *shlex.split(command), *node], environment, COLUMNS, LINES)
        self._stack.callback(terminal.close)
        return terminal

    def _type(self, step: Told, terminal: Terminal) -> None:
        prompt = f"incident.{self.machine.pid}>"
        typed = [line.partition("> ")[2] for line in step.lines if re.match(r"incident\.\d+> ", line)]
        for count, line in enumerate(typed, 1):
            self._see_prompts(terminal, prompt, count)
            terminal.type(f"{line}\r")

    def _see_prompts(self, terminal: Terminal, prompt: str, count: int) -> None:
        terminal.wait_for(lambda _: sum(line.startswith(prompt) for line in terminal.shown) >= count)

    def _seen(self, step: Told, terminal: Terminal) -> Told:
        terminal.wait_for(lambda _: len(_lines(terminal)) >= len(step.lines))
        terminal.type("\x03")
        terminal.end()
        return Told(step.command, tuple(line for line in _lines(terminal) if line != "^C"))


@contextmanager
def running(machine: Machine, *command: str) -> Iterator[subprocess.Popen[str]]:
    """Run a node until it is left, and be there when it can be looked at."""
    with (machine.folder / "node.log").open("w") as log:
        node = subprocess.Popen(
            [*ACTORS, *command], cwd=ROOT, env=machine.environment, stdout=log, stderr=log, text=True
        )
    machine.pid = node.pid
    try:
        patiently(lambda: [*machine.folder.rglob(f"*.{node.pid}.sock")])
        yield node
    finally:
        machine.pid = None
        node.kill()
        node.wait()


def patiently(is_so: Callable[[], object]) -> None:
    """Look again and again until it is so."""
    end = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < end, f"it is not so within {PATIENCE} s"
        time.sleep(0.05)


def _lines(terminal: Terminal) -> tuple[str, ...]:
    """Return what is on a screen, as the page shows it."""
    text = terminal.text.replace(str(ROOT), HOME).rstrip()
    return tuple(text.splitlines())

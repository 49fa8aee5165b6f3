"""A terminal with a person in front of it: a command in a pseudo-terminal, and the screen as it would be seen."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pyte

from tests.actors.shell.machine import ACTORS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.actors.shell.machine import Machine

PATIENCE = 30.0


class Terminal:
    """A command that runs in a terminal of some size."""

    def __init__(self, command: list[str], environment: dict[str, str], columns: int, lines: int) -> None:
        self.screen = pyte.HistoryScreen(columns, lines, history=1000)
        # Who asks where the cursor is waits for the answer.
        self.screen.write_process_input = self.type  # type: ignore[method-assign]
        self._stream = pyte.ByteStream(self.screen)
        self.received = b""
        """All that was written to it, escapes included."""
        self._own, self._its = pty.openpty()
        self._resize(columns, lines)
        self._before = termios.tcgetattr(self._own)
        self.restored = False
        """Whether the terminal was as it was before when the command had ended."""
        self.process = subprocess.Popen(
            command,
            env=environment | {"TERM": "xterm-256color"},
            stdin=self._its,
            stdout=self._its,
            stderr=self._its,
            start_new_session=True,
            preexec_fn=_take_terminal,  # noqa: PLW1509 -- nothing else makes it the one that Ctrl-C comes from
        )

    @property
    def shown(self) -> list[str]:
        """The lines on the screen, without what is blank at their ends."""
        return [line.rstrip() for line in self.screen.display]

    @property
    def text(self) -> str:
        """All lines on the screen."""
        return "\n".join(self.shown)

    @property
    def line_by_line(self) -> bool:
        """Whether keys are no longer taken one by one, as long as a line is edited: a command runs."""
        modes: int = termios.tcgetattr(self._own)[3]
        return bool(modes & termios.ICANON)

    def type(self, data: str) -> None:
        """Press keys."""
        os.write(self._own, data.encode())

    def resize(self, columns: int, lines: int) -> None:
        """Make it of another size, and tell the command so."""
        self.screen.resize(lines, columns)
        self._resize(columns, lines)
        self.process.send_signal(signal.SIGWINCH)

    def wait_for(self, seen: Callable[[str], object], seconds: float = PATIENCE) -> str:
        """Read what is written until the screen shows what is to be seen, and return the screen."""
        end = time.monotonic() + seconds
        while not seen(self.text):
            assert time.monotonic() < end, f"not seen within {seconds} s; the screen is:\n{self.text}"
            self._read(0.05)
        return self.text

    def see(self, text: str) -> str:
        """Wait until the screen shows *text*."""
        return self.wait_for(lambda shown: text in shown)

    def end(self, seconds: float = PATIENCE) -> int:
        """Read what is written until the command has ended, and return its exit status."""
        end = time.monotonic() + seconds
        while self.process.poll() is None:
            assert time.monotonic() < end, f"it has not ended within {seconds} s; the screen is:\n{self.text}"
            self._read(0.05)
        self._read(0.0)
        self.restored = self._is_restored()
        assert self.process.returncode is not None
        return self.process.returncode

    def close(self) -> None:
        """Let go of everything."""
        self.process.kill()
        self.process.wait()
        os.close(self._own)
        os.close(self._its)

    def _is_restored(self) -> bool:
        alternate = self.received.count(b"\x1b[?1049h") - self.received.count(b"\x1b[?1049l")
        hidden = self.received.rfind(b"\x1b[?25l") > self.received.rfind(b"\x1b[?25h")
        return termios.tcgetattr(self._own) == self._before and alternate == 0 and not hidden

    def _read(self, seconds: float) -> None:
        while select.select([self._own], [], [], seconds)[0]:
            written = os.read(self._own, 65536)
            self.received += written
            self._stream.feed(written)
            seconds = 0.0

    def _resize(self, columns: int, lines: int) -> None:
        fcntl.ioctl(self._own, termios.TIOCSWINSZ, struct.pack("4H", lines, columns, 0, 0))


def _take_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


@contextmanager
def terminal(machine: Machine, *arguments: str, columns: int = 100, lines: int = 24) -> Iterator[Terminal]:
    """Run a command of *machine* in a terminal."""
    it = Terminal([*ACTORS, *arguments], machine.environment, columns, lines)
    try:
        yield it
    finally:
        it.close()

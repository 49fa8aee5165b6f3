"""Screen: the terminal of `actors top`, which is as it was when this has ended."""

from __future__ import annotations

import asyncio
import signal
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from prompt_toolkit.application import Application
from prompt_toolkit.key_binding import KeyBindings
from prompt_toolkit.layout import FormattedTextControl, Layout, Window

from actors.shell.client.watching import Looks
from actors.shell.terminal.board import Board
from actors.shell.terminal.orders import ORDERS
from actors.shell.terminal.trend import BARS, PLAIN_BARS

if TYPE_CHECKING:
    from collections.abc import Callable

    from prompt_toolkit.formatted_text import StyleAndTextTuples
    from prompt_toolkit.key_binding import KeyPressEvent

    from actors.shell.client.aim import Aim
    from actors.shell.client.connection import Answer

ENDING: Final = (signal.SIGTERM, signal.SIGHUP)

SCROLLS: Final = {"up": -1, "down": 1, "pageup": -10, "pagedown": 10, "home": -(10**9), "end": 10**9}


class Screen:
    """The terminal, and what is shown on it."""

    def __init__(self, aim: Aim, seconds: float, interval: float, order: str) -> None:
        self._board = Board(order=order, bars=BARS if _can_show(BARS) else PLAIN_BARS)
        self._looks = Looks(aim, seconds, interval, self._seen_in_thread)
        self._loop: asyncio.AbstractEventLoop | None = None
        control = FormattedTextControl(self._text, show_cursor=False)
        self._app: Application[int] = Application(
            layout=Layout(Window(control, wrap_lines=False)), key_bindings=self._keys(), full_screen=True
        )

    def run(self) -> int:
        """Show the node until a key or a signal ends that; return the exit status."""
        try:
            return self._app.run(pre_run=self._begin)
        except (EOFError, KeyboardInterrupt):
            return 0
        finally:
            self._looks.stop()

    def _begin(self) -> None:
        self._loop = asyncio.get_running_loop()
        for number in ENDING:
            self._loop.add_signal_handler(number, self._end, 128 + number)
        self._looks.start()

    def _end(self, status: int = 0) -> None:
        if self._app.is_running and not self._app.is_done:
            self._app.exit(result=status)

    # -- what is seen

    def _seen_in_thread(self, found: Answer | str, time: float) -> None:
        assert self._loop is not None
        # The loop is closed if this has ended meanwhile.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._seen, found, time)

    def _seen(self, found: Answer | str, time: float) -> None:
        if isinstance(found, str):
            self._board.problem = f"{found}; looking for it again, q ends"
        else:
            self._board.seen(found, time)
        self._app.invalidate()

    def _text(self) -> StyleAndTextTuples:
        size = self._app.output.get_size()
        lines = self._board.lines(size.columns, size.rows)
        return [(style, text if place == len(lines) - 1 else f"{text}\n") for place, (style, text) in enumerate(lines)]

    # -- keys

    def _keys(self) -> KeyBindings:
        keys, board = KeyBindings(), self._board

        def on(key: str, action: Callable[[], object]) -> None:
            @keys.add(key)
            def act(_event: KeyPressEvent) -> None:
                action()

        for key in ("q", "Q", "c-c", "<sigint>"):
            on(key, self._end)
        for order in ORDERS:
            on(order[0], lambda order=order: board.sort(order))  # type: ignore[misc]
        for key, rows in SCROLLS.items():
            on(key, lambda rows=rows: board.scroll(rows))  # type: ignore[misc]
        on("r", lambda: setattr(board, "reverse", not board.reverse))
        on(" ", lambda: setattr(board, "paused", not board.paused))
        return keys


def _can_show(text: str) -> bool:
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True

"""The signals that ask a program to stop, as its event loop hears of them, and what they do where it cannot hear.

A handler that never yields keeps the loop from everything, signals too. So one that comes when another has waited for
the loop for a second is Ctrl-C to that handler.
"""

from __future__ import annotations

import os
import signal
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

import trio

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from types import FrameType

STOPPING: Final = (signal.SIGINT, signal.SIGTERM)

STDERR: Final = 2

UNHEARD_SECONDS: Final = 1.0
"""A signal that the loop has not come to after so long has found it blocked."""


class StopSignals:
    """The signals as they come, for one task to go through."""

    def __init__(self, heard: AsyncIterator[int]) -> None:
        self._heard = heard
        self._token = trio.lowlevel.current_trio_token()
        self._unheard_since: float | None = None
        self._tell_trio: dict[int, Any] = {}
        self.struck: signal.Signals | None = None
        """The signal that interrupted whoever blocked the loop."""

    def __aiter__(self) -> AsyncIterator[int]:
        return self._heard

    def listen(self) -> None:
        """Come before trio's own handlers, until those are taken away."""
        for number in STOPPING:
            self._tell_trio[number] = signal.signal(number, self._handle)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self._tell_trio[number](number, frame)
        now = time.monotonic()
        if self._unheard_since is None:
            self._unheard_since = now
            self._token.run_sync_soon(self._hear)
        elif now - self._unheard_since >= UNHEARD_SECONDS and not trio.lowlevel.currently_ki_protected():
            self.struck = signal.Signals(number)
            # Not through sys.stderr, in the middle of whose work this may be.
            with suppress(OSError):
                os.write(STDERR, f"{self.struck.name}: the node is blocked; interrupting it\n".encode())
            raise KeyboardInterrupt

    def _hear(self) -> None:
        self._unheard_since = None


@contextmanager
def open_stop_signals() -> Iterator[StopSignals]:
    """Receive SIGINT and SIGTERM instead of what else they would do. In the main thread only.

    One that finds the loop blocked since another came, a second or longer ago, raises ``KeyboardInterrupt`` in the
    callback that blocks it; never in the runtime.
    """
    with trio.open_signal_receiver(*STOPPING) as heard:
        signals = StopSignals(heard)
        signals.listen()
        yield signals

"""Looks: looking at a node again and again in a thread of its own, so that who shows it never waits."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final

from actors.shell.errors import ShellError

if TYPE_CHECKING:
    from collections.abc import Callable

    from actors.shell.client.aim import Aim
    from actors.shell.client.connection import Answer

SHARE: Final = 4
"""There are pauses so many times as long as a look takes, so that a large node is not looked at all the time."""


class Looks:
    """Looks at the node of *aim* until it is told to stop; one that has ended is looked for again and again."""

    def __init__(self, aim: Aim, seconds: float, interval: float, seen: Callable[[Answer | str, float], None]) -> None:
        self._aim = aim
        self._seconds = seconds
        self._interval = interval
        self._seen = seen
        self._stopped = threading.Event()
        # The thread may be waiting for a node that says nothing when everything else is done.
        self._thread = threading.Thread(target=self._run, name="looks", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more; one look may still be under way."""
        self._stopped.set()

    def _run(self) -> None:
        while not self._stopped.is_set():
            began = time.monotonic()
            found: Answer | str
            try:
                with self._aim.connect(self._seconds) as connection:
                    found = connection.actors()
            except ShellError as error:
                found = str(error)
            now = time.monotonic()
            if self._stopped.is_set():
                return
            self._seen(found, now)
            self._stopped.wait(max(self._interval, SHARE * (now - began)))

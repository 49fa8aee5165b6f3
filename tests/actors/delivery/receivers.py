"""Receivers: actors that note what they handle, in a list that outlives them."""

from __future__ import annotations

from typing import Any

import trio

from actors import Actor, Caller


class Receiver(Actor):
    """It notes each message when it has handled it."""

    def __init__(self, notes: list[object]) -> None:
        self.notes = notes

    def handle_cast(self, message: object) -> Any:
        self.notes.append(message)

    def handle_call(self, message: object, caller: Caller) -> object:
        return message


class Fragile(Receiver):
    """It crashes at the first so many messages, which *notes* has as ``crash``."""

    def __init__(self, notes: list[object], crashes: int) -> None:
        super().__init__(notes)
        self.crashes = crashes

    def handle_cast(self, message: object) -> None:
        if self.notes.count("crash") < self.crashes:
            self.notes.append("crash")
            raise RuntimeError(message)
        self.notes.append(message)


class Slow(Receiver):
    """It takes so many seconds over each message."""

    def __init__(self, notes: list[object], seconds: float) -> None:
        super().__init__(notes)
        self.seconds = seconds

    async def handle_cast(self, message: object) -> None:
        await trio.sleep(self.seconds)
        self.notes.append(message)

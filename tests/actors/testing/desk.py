"""A desk that is watched in the tests of what watches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import trio

from actors import Actor, Continue

if TYPE_CHECKING:
    from actors import ActorRef, Caller


class Desk(Actor):
    """Adds up what it is cast, and tells *to* each sum; called with an exception, it crashes with it."""

    def __init__(self, to: ActorRef | None = None) -> None:
        self.to = to
        self.sum = 0

    def handle_cast(self, amount: int) -> None:
        self.sum += amount
        if self.to is not None:
            self.to.cast(self.sum)

    def handle_call(self, message: object, caller: Caller) -> Any:
        if isinstance(message, Exception):
            raise message
        return Continue("told", reply=self.sum) if message == "continue" else self.sum

    def handle_info(self, message: object) -> None:
        self.sum = 0

    def handle_continue(self, argument: str) -> None:
        if self.to is not None:
            self.to.send(argument)


class SlowDesk(Desk):
    """Takes a second for each amount."""

    async def handle_cast(self, amount: int) -> None:  # type: ignore[override]
        await trio.sleep(1)
        self.sum += amount

"""Desks: agents that note what they receive, in a list that outlives them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from actors.agent import Agent, AgentMessage

if TYPE_CHECKING:
    import trio

LARGE = {"text": "x" * 20_000}
"""More than goes by value unless it is said otherwise."""


class Desk(Agent):
    """It notes the data of each message, once it has been told to go on if it has to wait for that."""

    def __init__(self, notes: list[Any] | None = None, go_on: trio.Event | None = None, **parts: Any) -> None:
        super().__init__(**parts)
        self.notes: list[Any] = [] if notes is None else notes
        self.go_on = go_on

    async def handle_cast(self, message: AgentMessage) -> None:
        if self.go_on is not None:
            await self.go_on.wait()
        self.notes.append(await self.receive(message))


class Clumsy(Desk):
    """It crashes when it has received its first so many messages."""

    def __init__(self, notes: list[Any], crashes: int, **parts: Any) -> None:
        super().__init__(notes, **parts)
        self.crashes = crashes

    async def handle_cast(self, message: AgentMessage) -> None:
        await super().handle_cast(message)
        if len(self.notes) <= self.crashes:
            raise RuntimeError("the tea is cold")

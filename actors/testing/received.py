"""What a probe has received: the messages it was told to expect so far, and those that still wait for that."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import attrs
import trio

from actors.show import shown

if TYPE_CHECKING:
    from actors.caller import Caller
    from actors.ref import ActorRef

Kind: TypeAlias = Literal["call", "cast", "info"]

SHOWN: Final = 20
"""So many messages are in an error; of the others, their number."""


@attrs.frozen
class Received:
    """A message that a probe has received."""

    kind: Kind
    message: Any
    sender: ActorRef | None
    """The actor that sent it; None if it came from outside every actor, or from the runtime."""
    time: float
    """When, on trio's clock."""
    caller: Caller | None = None
    """Who waits for the reply, if it is a call."""

    def since(self, moment: float) -> str:
        """Return a line about it, with the seconds since *moment*."""
        sender = "" if self.sender is None else f" from {self.sender}"
        return f"{self.time - moment:+9.3f} s  {self.kind} {shown(self.message)}{sender}"


class Record:
    """All that a probe has received."""

    def __init__(self) -> None:
        self.all: list[Received] = []
        self.waiting: deque[Received] = deque()
        """What no expectation has taken yet, the oldest first."""
        self._grown = trio.Event()

    def add(self, received: Received) -> None:
        """Take *received* in, and wake whoever waits for it."""
        self.all.append(received)
        self.waiting.append(received)
        self._grown.set()

    async def grown(self) -> None:
        """Wait until something is added."""
        if self._grown.is_set():
            self._grown = trio.Event()
        await self._grown.wait()

    def told(self, began: float) -> str:
        """Return what has come, in its order, by the seconds since an expectation *began*."""
        if not self.all:
            return "it has received nothing"
        waiting = set(map(id, self.waiting))
        latest = self.all[-SHOWN:]
        lines = [f"  {one.since(began)}{'' if id(one) in waiting else '  (taken)'}" for one in latest]
        earlier = len(self.all) - len(latest)
        if earlier:
            lines.insert(0, f"  ... {earlier} before")
        return "\n".join(["it has received, by the seconds since it began to expect this:", *lines])

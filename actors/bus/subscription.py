"""Subscription: the messages of one subscriber, one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Self

import trio

from actors.bus.errors import BusClosedError, OutcomeUnknownError, UnknownSubscriptionError
from actors.errors import NoProcessError

if TYPE_CHECKING:
    from types import TracebackType

    from actors.bus.box import StreamBox
    from actors.bus.client import BusClient
    from actors.bus.filters import TopicFilter
    from actors.bus.message import TopicMessage
    from actors.bus.requests import Subscribed

AT_ONCE: Final = 64
"""So many messages are taken between two checkpoints."""


class Subscription:
    """What `BusClient.subscribe` returns: an asynchronous iterator, and a context that ends the subscription.

    It ends when it is closed, when the bus is, and when the actor that made it ends; what was delivered before can
    still be received. A restart of the bus does not end it. One task at a time can wait for it; it raises
    ``NoProcessError`` when there has been no bus for as long as the client is patient, and goes on with the next.
    """

    def __init__(self, client: BusClient, record: Subscribed, box: StreamBox, subscribers: int) -> None:
        self._client = client
        self._record = record
        self._box = box
        self._left = AT_ONCE
        self.subscribers = subscribers
        """How many subscriptions to its pattern there were when it was made, with this one."""

    def __repr__(self) -> str:
        state = "ended" if self.ended else "active"
        return f"<Subscription of {self.agent} to {self.pattern}: {state}, {self.waiting} wait, {self.dropped} dropped>"

    @property
    def id(self) -> str:
        """What the bus knows it by."""
        return self._record.id

    @property
    def agent(self) -> str:
        """Whose it is."""
        return self._record.agent

    @property
    def pattern(self) -> str:
        """Which topics it is for."""
        return self._record.pattern

    @property
    def filter(self) -> TopicFilter | None:
        """Which of their messages."""
        return self._record.filter

    @property
    def created_at(self) -> float:
        """When it was made, in seconds since 1970."""
        return self._record.created_at

    @property
    def waiting(self) -> int:
        """How many messages can be received."""
        return len(self._box.queue)

    @property
    def dropped(self) -> int:
        """How many were dropped so far because the buffer was full: new ones, or old ones by ``drop_oldest``."""
        return self._box.dropped

    @property
    def expired(self) -> int:
        """How many were dropped so far because their time was over when they were to be received."""
        return self._box.expired

    @property
    def ended(self) -> bool:
        """Whether no more will be delivered."""
        return self._box.ended

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> TopicMessage:
        """Return the next message; waits for it. Cancelled, it has taken none."""
        box = self._box
        waited = self._left <= 0
        if waited:
            await trio.lowlevel.checkpoint()
        while (message := box.take()) is None:
            if box.ended:
                if not waited:
                    await trio.lowlevel.checkpoint()
                raise StopAsyncIteration
            if box.gone_since is not None:
                if not waited:
                    await trio.lowlevel.checkpoint()
                raise self._no_bus(box.gone_since)
            await box.wait()
            waited = True
        self._left = AT_ONCE if waited else self._left - 1
        return message

    def receive_nowait(self) -> TopicMessage:
        """Return the next message.

        Raises ``trio.WouldBlock`` if none is there, ``trio.EndOfChannel`` if none will be, and ``NoProcessError`` as
        waiting for one does.
        """
        message = self._box.take()
        if message is not None:
            return message
        if self._box.ended:
            raise trio.EndOfChannel
        if self._box.gone_since is not None:
            raise self._no_bus(self._box.gone_since)
        raise trio.WouldBlock

    async def aclose(self) -> None:
        """End it. Closing again does nothing, nor does closing what the bus has ended."""
        if self._box.gone_since is not None:
            # The next bus lets go of what has ended; nobody need wait for it once more.
            self._box.end()
        if self._box.ended:
            await trio.lowlevel.checkpoint()
            return
        try:
            await self._client.unsubscribe(self.id)
        except (UnknownSubscriptionError, BusClosedError, NoProcessError, OutcomeUnknownError):
            await trio.lowlevel.checkpoint()
        finally:
            self._box.end()

    def _no_bus(self, since: float) -> NoProcessError:
        seconds = trio.current_time() - since
        return NoProcessError(f"{self._client} has had no bus for {seconds:g} s; {self} is told nothing")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with trio.CancelScope(shield=True):
            await self.aclose()

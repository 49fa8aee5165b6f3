"""Probe: an actor through which a test does what only actors can do."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import trio

from actors import Actor

if TYPE_CHECKING:
    from collections.abc import Callable

    from actors import Caller


class Probe(Actor):
    """Does, as one of its handlers, what it is called with, and keeps what it is sent.

    ``await probe.call(lambda me: ref.monitor())`` monitors *ref*, and ``await probe.call(received)`` is everything
    that was sent to it before.
    """

    def __init__(self, *, trap_exit: bool = False) -> None:
        self.trap_exit = trap_exit
        self.received: list[object] = []

    async def handle_call(self, act: Callable[[Probe], Any], caller: Caller) -> Any:
        result = act(self)
        return await result if inspect.isawaitable(result) else result

    def handle_info(self, message: object) -> None:
        self.received.append(message)


def received(probe: Probe) -> list[object]:
    """Return what *probe* was sent."""
    return list(probe.received)


async def busy(probe: Probe) -> None:
    """Keep *probe* busy until it is stopped."""
    await trio.sleep_forever()

"""An actor belongs to one thread; from any other, nothing of it is touched."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
import trio

from actors import KILLED, Actor, ActorRef, ActorSystem, Caller, WrongThreadError, get_statistics

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.actors.kinds import Kind


class Till(Actor):
    def handle_call(self, message: object, caller: Caller) -> object:
        return message

    def handle_cast(self, message: object) -> None:
        """Take anything."""


WAYS: dict[str, Callable[[ActorRef], object]] = {
    "cast": lambda ref: ref.cast("cast"),
    "send": lambda ref: ref.send("info"),
    "deliver": lambda ref: ref.deliver("delivery", lambda _outcome: None),
    "send_request": lambda ref: ref.send_request("request"),
    "send_after": lambda ref: ref.send_after(1.0, "later"),
    "exit": lambda ref: ref.exit(KILLED),
    "kill": lambda ref: ref.kill(),
}


@pytest.mark.parametrize("way", WAYS)
async def test_what_another_thread_asks_is_refused_and_touches_nothing(
    system: ActorSystem, kind: Kind, way: str
) -> None:
    till = await system.start(kind(Till), name="till")

    def ask() -> None:
        with pytest.raises(WrongThreadError, match="till #"):
            WAYS[way](till)

    await trio.to_thread.run_sync(ask)

    assert get_statistics(till).received == 0
    assert await till.call("still here", timeout=None) == "still here"


async def test_a_call_from_the_trio_of_another_thread_is_refused(system: ActorSystem, kind: Kind) -> None:
    till = await system.start(kind(Till))

    async def call() -> None:
        with pytest.raises(WrongThreadError):
            await till.call("hello")

    await trio.to_thread.run_sync(trio.run, call)

    assert get_statistics(till).received == 0


async def test_a_start_from_the_trio_of_another_thread_is_refused_and_touches_nothing(system: ActorSystem) -> None:
    budget = system.dispatcher
    budget.left, budget.slice_end = 0, math.inf  # who may start finds that the slice goes on, and counts anew

    async def start() -> None:
        with pytest.raises(WrongThreadError):
            await system.start(Till)

    await trio.to_thread.run_sync(trio.run, start)

    assert budget.left == 0

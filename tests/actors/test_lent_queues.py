"""Queues that are lent: what one actor is sent is never another's, however few queues there are to go round."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from actors import Actor, dispatcher, replace_state
from tests.actors.recorder import Recorder

if TYPE_CHECKING:
    from actors import ActorSystem, Caller
    from tests.actors.kinds import Kind


@pytest.fixture(autouse=True)
def few_queues(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have queues collected all the time, with the loop's turn after each."""
    monkeypatch.setattr(dispatcher, "MOST_QUEUES", 2)
    monkeypatch.setattr(dispatcher, "COLLECTED_AT_ONCE", 1)


class Waiter(Actor):
    """Sets aside what comes until its state is replaced, and gives itself away."""

    def __init__(self) -> None:
        self.log: list[object] = []
        self.open = False

    def handle_call(self, message: object, caller: Caller) -> Waiter:
        return self

    def handle_cast(self, message: object) -> Any:
        if not self.open:
            return self.stash()
        self.log.append(message)
        return None

    def handle_info(self, message: object) -> None:
        self.log.append(type(message).__name__)

    def get_state(self) -> bool:
        return self.open

    def set_state(self, state: bool) -> None:  # noqa: FBT001 -- the state is one
        self.open = state
        self.unstash()


async def collect(system: ActorSystem) -> None:
    """Have many idle queues, until they are taken away and lent anew; nobody else's message is in them."""
    log: list[object] = []
    others = [await system.start(Recorder, log) for _ in range(8)]
    for turn in range(3):
        for ref in others:
            ref.cast(turn)
        await wait_all_tasks_blocked()
    assert sorted(log, key=str) == [0] * 8 + [1] * 8 + [2] * 8


async def test_what_is_put_back_while_its_actor_is_idle_is_handled_by_that_actor_at_once(
    system: ActorSystem, kind: Kind
) -> None:
    waiter = await system.start(kind(Waiter))
    waiter.cast("set aside")
    await wait_all_tasks_blocked()

    await replace_state(waiter, lambda _state: True)
    await wait_all_tasks_blocked()
    await collect(system)

    assert (await waiter.call("you")).log == ["set aside"]


async def test_an_idle_timeout_of_zero_that_is_set_from_outside_a_handler_reaches_its_actor_at_once(
    system: ActorSystem, kind: Kind
) -> None:
    waiter = await system.start(kind(Waiter))
    waiter.cast("set aside")
    actor = await waiter.call("you")

    actor.timeout_after(0)
    await wait_all_tasks_blocked()
    await collect(system)

    assert actor.log == ["Timeout"]


async def test_whoever_has_a_message_does_not_wait_until_all_queues_are_collected(system: ActorSystem) -> None:
    log: list[object] = []
    recorders = [await system.start(Recorder, log) for _ in range(100)]
    for recorder in recorders:
        recorder.cast("first")
    while len(log) < 100:
        await trio.lowlevel.checkpoint()

    for _ in range(3):
        await trio.lowlevel.checkpoint()
    recorders[0].cast("second")
    for _ in range(5):
        await trio.lowlevel.checkpoint()

    assert log.count("second") == 1


class Slow(Actor):
    """Waits within a handler until it may go on."""

    def __init__(self, gate: trio.Event) -> None:
        self.gate = gate
        self.log: list[object] = []

    async def handle_cast(self, message: object) -> None:
        await self.gate.wait()
        self.log.append(message)

    def handle_call(self, message: object, caller: Caller) -> list[object]:
        return self.log


async def test_those_that_are_in_the_middle_of_a_handler_keep_their_queues(system: ActorSystem) -> None:
    gate = trio.Event()
    slow = [await system.start(Slow, gate) for _ in range(8)]
    for ref in slow:
        ref.cast("first")
    await wait_all_tasks_blocked()

    await collect(system)
    for ref in reversed(slow):
        ref.cast(ref)
    gate.set()
    await wait_all_tasks_blocked()

    assert [await ref.call("log") for ref in slow] == [["first", ref] for ref in slow]

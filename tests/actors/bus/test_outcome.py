"""What is said when the bus has not answered: what it was asked, and nothing of how."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from actors import NO_REPLY, Actor, ActorExitedError, CallTimeoutError
from actors.bus import BusClient, OutcomeUnknownError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from actors import ActorSystem, Caller

SECRET = "s" * 5_000

CHANGES: dict[str, Callable[[BusClient], Awaitable[object]]] = {
    "whether message '7' was published to 'orders'": lambda bus: bus.publish(
        "orders", SECRET, id="7", metadata={"secret": SECRET}
    ),
    "whether 'shop' has subscribed to 'orders.*'": lambda bus: bus.subscribe("orders.*"),
    "whether subscription '7' was ended": lambda bus: bus.unsubscribe("7"),
    "whether the wake-up of subscription '7' was set": lambda bus: bus.unregister_wake_up("7"),
    "whether the bus was closed": lambda bus: bus.close(),
}

LOOKS: dict[str, Callable[[BusClient], Awaitable[object]]] = {
    "topics": lambda bus: bus.topics(),
    "subscriptions": lambda bus: bus.subscriptions(),
    "topic_statistics": lambda bus: bus.topic_statistics("orders"),
    "statistics": lambda bus: bus.statistics(),
    "wake_up_of": lambda bus: bus.wake_up_of("7"),
}


class Silent(Actor):
    """A bus that never answers."""

    def init(self) -> None:
        self.callers: list[Caller] = []

    def handle_call(self, message: object, caller: Caller) -> Any:
        self.callers.append(caller)
        return NO_REPLY

    def handle_cast(self, message: object) -> None:
        """Ignore that a subscriber has given up."""


@pytest.fixture
async def bus(system: ActorSystem, caplog: pytest.LogCaptureFixture) -> BusClient:
    """Start a bus that never answers."""
    caplog.set_level(logging.CRITICAL, "actors")
    await system.start(Silent, name="bus")
    return BusClient(system.named("bus"), agent="shop", patience=1.0)


async def kill_what_was_asked(system: ActorSystem) -> None:
    await wait_all_tasks_blocked()
    system.named("bus").kill()


@pytest.mark.parametrize("said", CHANGES)
async def test_a_change_that_was_not_answered_is_named_by_what_it_is(bus: BusClient, said: str) -> None:
    with pytest.raises(OutcomeUnknownError) as told:
        await CHANGES[said](bus)

    assert str(told.value) == f"{said} is not known: no answer came within 5 s"


@pytest.mark.parametrize("said", CHANGES)
async def test_a_change_that_the_bus_ended_by_is_named_by_what_it_is(
    system: ActorSystem, bus: BusClient, said: str
) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(kill_what_was_asked, system)
        with pytest.raises(OutcomeUnknownError) as told:
            await CHANGES[said](bus)

    assert str(told.value) == f"{said} is not known: who was asked exited before it answered: killed"


@pytest.mark.parametrize("look", LOOKS)
async def test_of_what_changes_nothing_no_outcome_is_unknown(system: ActorSystem, bus: BusClient, look: str) -> None:
    with pytest.raises(CallTimeoutError, match="did not answer"):
        await LOOKS[look](bus)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(kill_what_was_asked, system)
        with pytest.raises(ActorExitedError, match="killed"):
            await LOOKS[look](bus)

"""Context: every handler runs in its own actor's context, wherever it runs, and `current` says whose it is."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import pytest
import trio

from actors import Actor, ActorRef, ActorSystem, Caller, Continue, OutsideActorError, open_system
from tests.actors.deaths import VICTIMS, Blow, Victim
from tests.actors.probe import Probe

if TYPE_CHECKING:
    from collections.abc import Callable

    from actors import ExitReason
    from tests.actors.kinds import Kind

color: ContextVar[str] = ContextVar("color", default="none")


@pytest.fixture(params=VICTIMS)
def victim(request: pytest.FixtureRequest) -> type[Victim]:
    return VICTIMS[request.param]


def acting(act: Callable[[Victim], Any]) -> Blow:
    """Return a message that has the victim do *act*."""
    return Blow(act, ValueError)


def paint(name: str) -> Blow:
    """Return a message that has the victim set its color."""

    def act(victim: Victim) -> None:
        color.set(name)

    return acting(act)


async def test_a_handler_does_not_see_what_its_caller_has_set(system: ActorSystem, victim: type[Victim]) -> None:
    ref = await system.start(victim)
    color.set("callers")

    assert await ref.call(acting(lambda me: color.get())) == "none"


async def test_a_caller_does_not_see_what_a_handler_has_set(system: ActorSystem, victim: type[Victim]) -> None:
    ref = await system.start(victim)

    await ref.call(paint("handlers"))
    await ref.call(paint("handlers"))

    assert color.get() == "none"


async def test_an_actor_does_not_see_what_the_actor_it_calls_has_set(system: ActorSystem, victim: type[Victim]) -> None:
    async def call(me: Probe) -> str:
        await ref.call(paint("callees"))
        return color.get()

    ref = await system.start(victim)
    probe = await system.start(Probe)

    assert await probe.call(call) == "none"


@pytest.mark.parametrize("deal", ["call", "cast", "send"])
async def test_the_next_handler_sees_what_the_last_has_set(
    system: ActorSystem, victim: type[Victim], deal: str
) -> None:
    ref = await system.start(victim)

    sent = getattr(ref, deal)(paint("first"))
    if deal == "call":
        await sent
    seen = [await ref.call(acting(lambda me: color.get()))]
    ref.cast(acting(lambda me: seen.append(color.get())))
    ref.send(acting(lambda me: seen.append(color.get())))
    await ref.call("barrier")

    assert seen == ["first"] * 3


async def test_a_context_survives_every_turn_between_waiting_and_not_waiting(
    system: ActorSystem, victim: type[Victim]
) -> None:
    async def slowly(me: Victim) -> None:
        await trio.lowlevel.checkpoint()
        color.set(color.get() + ".")

    def quickly(me: Victim) -> None:
        color.set(color.get() + "-")

    ref = await system.start(victim)
    await ref.call(paint(""))

    for act in (slowly, quickly, quickly, slowly, slowly, quickly):
        ref.cast(acting(act))
    for act in (quickly, slowly):
        await ref.call(acting(act))

    assert await ref.call(acting(lambda me: color.get())) == ".--..--."


async def test_all_callbacks_of_an_actor_share_one_context(system: ActorSystem, kind: Kind) -> None:
    class Painter(Actor):
        def __init__(self) -> None:
            self.step("constructor")

        def step(self, name: str) -> None:
            seen.append((color.get(), self.__class__.__name__))
            color.set(name)

        def init(self) -> None:
            self.step("init")

        def handle_call(self, message: object, caller: Caller) -> Continue:
            self.step("call")
            return Continue(reply="reply")

        def handle_continue(self, argument: object) -> None:
            self.step("continue")

        def handle_cast(self, message: object) -> None:
            self.step("cast")

        def handle_info(self, message: object) -> None:
            self.step("info")

        def terminate(self, reason: ExitReason) -> None:
            self.step("terminate")

    seen: list[tuple[str, str]] = []
    ref = await system.start(kind(Painter))

    await ref.call("call")
    ref.cast("cast")
    ref.send("info")
    await ref.stop()

    assert [before for before, _ in seen] == ["none", "constructor", "init", "call", "continue", "cast", "info"]
    assert color.get() == "none"


async def test_current_is_the_actor_whose_handler_runs(system: ActorSystem, victim: type[Victim]) -> None:
    ref = await system.start(victim)
    seen: list[ActorRef | None] = []

    seen.append(await ref.call(acting(lambda me: system.current)))
    ref.cast(acting(lambda me: seen.append(system.current)))
    await ref.call("barrier")

    assert seen == [ref, ref]
    assert system.current is None


async def test_current_is_the_caller_again_after_a_call(system: ActorSystem, victim: type[Victim]) -> None:
    async def call(me: Probe) -> list[ActorRef | None]:
        before = system.current
        during = await ref.call(acting(lambda me: system.current))
        return [before, during, system.current]

    ref = await system.start(victim)
    probe = await system.start(Probe)

    assert await probe.call(call) == [probe, ref, probe]


async def test_current_is_the_caller_again_after_a_call_that_failed(system: ActorSystem, victim: type[Victim]) -> None:
    def fail(me: Victim) -> None:
        raise ValueError("boom")

    async def call(me: Probe) -> ActorRef | None:
        try:
            await ref.call(acting(fail), timeout=None)
        finally:
            return system.current  # noqa: B012 -- whatever it raised

    ref = await system.start(victim)
    probe = await system.start(Probe)

    assert await probe.call(call) is probe


async def test_current_is_the_actor_in_the_tasks_that_its_handler_starts(system: ActorSystem) -> None:
    async def gather(me: Probe) -> list[ActorRef | None]:
        seen = []

        async def child() -> None:
            await trio.lowlevel.checkpoint()
            seen.append(system.current)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(child)
            nursery.start_soon(child)
        return seen

    probe = await system.start(Probe)

    assert await probe.call(gather) == [probe, probe]


async def test_the_sender_is_the_actor_that_calls_also_from_a_task_of_its_handler(
    system: ActorSystem, victim: type[Victim]
) -> None:
    class Asked(victim):  # type: ignore[misc, valid-type] # each kind is a class of its own
        def do(self, message: object, caller: Caller | None = None) -> ActorRef | None:
            assert caller is not None
            return caller.sender

    async def gather(me: Probe) -> list[ActorRef | None]:
        seen = [await ref.call("who")]

        async def child() -> None:
            seen.append(await ref.call("who"))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(child)
        return seen

    ref = await system.start(Asked)
    probe = await system.start(Probe)

    assert await probe.call(gather) == [probe, probe]
    assert await ref.call("who") is None


async def test_current_is_nobody_in_a_task_that_outlives_no_handler(system: ActorSystem, victim: type[Victim]) -> None:
    seen: list[ActorRef | None] = []

    async def look_on() -> None:
        for _ in range(20):
            seen.append(system.current)
            await trio.lowlevel.checkpoint()

    ref = await system.start(victim)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(look_on)
        for _ in range(20):
            ref.cast("message")
            await ref.call("question")

    assert set(seen) == {None}


async def test_current_is_nobody_where_a_timer_of_the_user_fires(system: ActorSystem, victim: type[Victim]) -> None:
    ref = await system.start(victim)
    ref.send_after(1.0, paint("timers"))

    await trio.sleep(2.0)

    assert system.current is None
    assert await ref.call(acting(lambda me: color.get())) == "timers"


async def test_only_an_actor_can_link_and_monitor(system: ActorSystem, victim: type[Victim]) -> None:
    ref = await system.start(victim)
    await ref.call("question")

    with pytest.raises(OutsideActorError):
        ref.monitor()
    with pytest.raises(OutsideActorError):
        ref.link()


async def test_an_actor_sees_what_was_set_before_its_system_was_opened(
    autojump_clock: trio.abc.Clock, victim: type[Victim]
) -> None:
    color.set("outside")

    async with open_system() as system:
        color.set("inside")
        ref = await system.start(victim)

        assert await ref.call(acting(lambda me: color.get())) == "outside"

"""Zombies: handlers that outlive the kill of their actor. Everybody else goes on, and they reach nobody."""

from __future__ import annotations

import gc
import inspect
import logging
import weakref
from typing import TYPE_CHECKING, Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from actors import (
    KILLED,
    NO_REPLY,
    SHUTDOWN,
    Actor,
    ActorExitedError,
    ActorRef,
    ActorSystem,
    Caller,
    Continue,
    Crash,
    Down,
    ExitReason,
    NoProcessError,
    NothingToStashError,
    Stop,
    WrongThreadError,
    ZombieError,
    get_state,
    get_statistics,
    get_status,
    replace_state,
    resume,
    run_blocking,
    suspend,
)
from supervision import ChildSpec, Supervisor, SupervisorSpec
from tests.actors.probe import Probe, received

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.actors.kinds import Kind

HIDDEN = 10.0
"""Seconds that a handler hides from its end."""

Act = Any
"""What a zombie does: takes the actor, and may have to be waited for."""


class Till(Actor):
    """Somebody a zombie would like to reach."""

    def __init__(self) -> None:
        self.seen: list[object] = []
        self.held: list[Caller] = []

    def handle_call(self, message: object, caller: Caller) -> object:
        if message == "hold":
            self.held.append(caller)
            return NO_REPLY
        return message

    def handle_cast(self, message: object) -> None:
        self.seen.append(message)

    def handle_info(self, message: object) -> None:
        self.seen.append(message)


class Told(list[object]):
    """What the act of a zombie led to."""

    def __init__(self) -> None:
        self.over = trio.Event()


async def hide(actor: Actor, act: Act, told: Told) -> None:
    """Hide until everybody has gone on, do *act*, and tell what it led to."""
    with trio.CancelScope(shield=True):
        await trio.sleep(HIDDEN)
        try:
            result = act(actor)
            told.append(await result if inspect.isawaitable(result) else result)
        except Exception as error:  # noqa: BLE001 -- which one it is, is the question
            told.append(error)
    told.over.set()


class HidingInCast(Actor):
    def __init__(self, act: Act, told: Told) -> None:
        self.act, self.told = act, told

    async def handle_cast(self, message: object) -> None:
        await hide(self, self.act, self.told)


class HidingInCall(HidingInCast):
    async def handle_call(self, message: object, caller: Caller) -> str:
        await hide(self, self.act, self.told)
        return "too late"

    def handle_cast(self, message: object) -> None:  # type: ignore[override] # both kinds are allowed
        """Have somebody call."""
        asker = self.system.start_soon
        asker(ask, self.ref)


class HidingInInfo(HidingInCast):
    async def handle_info(self, message: object) -> None:
        await hide(self, self.act, self.told)

    def handle_cast(self, message: object) -> None:  # type: ignore[override] # both kinds are allowed
        self.ref.send(message)


class HidingInContinue(HidingInCast):
    def handle_cast(self, message: object) -> Any:
        return Continue()

    async def handle_continue(self, argument: object) -> None:
        await hide(self, self.act, self.told)


class HidingInTerminate(HidingInCast):
    def handle_cast(self, message: object) -> Any:
        return Stop()

    async def terminate(self, reason: ExitReason) -> None:
        await hide(self, self.act, self.told)


async def ask(ref: ActorRef) -> None:
    with pytest.raises(ActorExitedError):
        await ref.call("question", timeout=None)


PLACES = {
    "cast": HidingInCast,
    "call": HidingInCall,
    "info": HidingInInfo,
    "continue": HidingInContinue,
    "terminate": HidingInTerminate,
}


@pytest.fixture(params=PLACES)
def place(request: pytest.FixtureRequest) -> type[HidingInCast]:
    """Run the test with a zombie in each callback."""
    return PLACES[request.param]


def nothing(_me: Actor) -> None:
    """Do nothing."""


async def make_zombie(
    system: ActorSystem, act: Act = nothing, place: type[HidingInCast] = HidingInCast, **options: Any
) -> tuple[ActorRef, Told]:
    """Have an actor left behind; return it, and where what its *act* leads to will be told."""
    told = Told()
    ref = await system.start(place, act, told, **options)
    ref.cast("hide")
    await wait_all_tasks_blocked()
    ref.kill()
    await ref.wait()
    return ref, told


# -- everybody else goes on


async def test_whoever_waits_for_it_goes_on_when_the_grace_is_over(
    system: ActorSystem, place: type[HidingInCast], caplog: pytest.LogCaptureFixture
) -> None:
    zombie, _ = await make_zombie(system, place=place, name="till")

    assert (zombie.alive, zombie.reason) == (False, KILLED)
    assert system.whereis("till") is None
    assert trio.current_time() == system.kill_grace == 1.0
    assert [ref.ref for ref in system.zombies] == [zombie]
    assert "<till #2> is still running 1.0 s after it was cancelled; it is left behind" in caplog.messages


async def test_its_supervisor_restarts_it_within_the_grace(system: ActorSystem, place: type[HidingInCast]) -> None:
    child = ChildSpec("till", place, args=(nothing, Told()), name="till")
    await system.start(Supervisor, SupervisorSpec([child]))
    name = system.named("till")
    first = name.whereis()
    assert first is not None
    first.cast("hide")
    await wait_all_tasks_blocked()

    first.kill()
    await first.wait()
    await wait_all_tasks_blocked()

    assert name.whereis() not in {None, first}
    assert trio.current_time() == 1.0
    assert len(system.zombies) == 1


async def test_its_caller_and_its_watchers_are_told_and_its_late_reply_reaches_nobody(system: ActorSystem) -> None:
    probe = await system.start(Probe)
    zombie = await system.start(HidingInCall, nothing, Told())
    monitor = await probe.call(lambda _me: zombie.monitor())
    request = zombie.send_request("question")
    await wait_all_tasks_blocked()

    zombie.kill()
    await zombie.wait()

    with pytest.raises(ActorExitedError):
        request.check()
    await trio.sleep(2 * HIDDEN)
    with pytest.raises(ActorExitedError, match="killed"):
        request.check()
    assert await probe.call(received) == [Down(zombie, KILLED, monitor)]


async def test_nobody_reaches_it(system: ActorSystem, place: type[HidingInCast]) -> None:
    zombie, _ = await make_zombie(system, place=place)

    zombie.cast("late")
    zombie.exit(SHUTDOWN)
    zombie.kill()

    with pytest.raises(NoProcessError):
        await zombie.call("question")
    with pytest.raises(NoProcessError):
        await get_state(zombie)
    with pytest.raises(NoProcessError):
        await zombie.stop()
    assert [letter.message for letter in system.dead_letters] == ["late"]


async def test_an_init_that_hides_is_left_behind_and_its_starter_goes_on(system: ActorSystem) -> None:
    told = Told()

    class HidingInInit(Actor):
        async def init(self) -> None:
            await hide(self, lambda me: me.system.root.cast("hello"), told)

    with pytest.raises(TimeoutError, match=r"took longer than 2\.0 s"):
        await system.start(HidingInInit, name="till", init_timeout=2.0)
    (zombie,) = system.zombies
    await trio.sleep(HIDDEN)

    assert zombie.reason == KILLED
    assert system.whereis("till") is None
    assert isinstance(told[0], ZombieError)
    assert not system.zombies


# -- it reaches nobody


async def in_a_child_task(_me: Actor, till: ActorRef) -> None:
    errors: list[ZombieError] = []

    async def child() -> None:
        try:
            till.cast("from a zombie")
        except ZombieError as error:
            errors.append(error)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(child)
    raise errors[0]


WAYS: dict[str, Callable[[Any, ActorRef], Any]] = {
    "cast": lambda _me, till: till.cast("from a zombie"),
    "send": lambda _me, till: till.send("from a zombie"),
    "call": lambda _me, till: till.call("from a zombie"),
    "send_request": lambda _me, till: till.send_request("from a zombie"),
    "deliver": lambda _me, till: till.deliver("from a zombie", lambda _outcome: None),
    "cast_wait": lambda _me, till: till.cast_wait("from a zombie"),
    "monitor": lambda _me, till: till.monitor(),
    "link": lambda _me, till: till.link(),
    "unlink": lambda _me, till: till.unlink(),
    "exit": lambda _me, till: till.exit(Crash("from a zombie")),
    "kill": lambda _me, till: till.kill(),
    "stop": lambda _me, till: till.stop(),
    "wait": lambda _me, till: till.wait(),
    "shut_down": lambda _me, till: till.shut_down(),
    "send_after": lambda _me, till: till.send_after(0.5, "from a zombie"),
    "send_every": lambda _me, till: till.send_every(0.5, "from a zombie"),
    "from_thread": lambda _me, till: till.from_thread.cast("from a zombie"),
    "from a thread of its own": lambda _me, till: run_blocking(till.from_thread.cast, "from a zombie"),
    "call from a thread of its own": lambda _me, till: run_blocking(till.from_thread.call, "from a zombie"),
    "from a task of its own": in_a_child_task,
    "cast by name": lambda me, _till: me.system.named("till").cast("from a zombie"),
    "call by name": lambda me, _till: me.system.named("till").call("from a zombie"),
    "cast to nobody": lambda me, _till: me.system.named("nobody").cast("from a zombie"),
    "send to nobody": lambda me, _till: me.system.named("nobody").send("from a zombie"),
    "deliver to nobody": lambda me, _till: me.system.named("nobody").deliver("from a zombie", lambda _outcome: None),
    "start": lambda me, _till: me.system.start(Till, name="new"),
    "start_link": lambda me, _till: me.start_link(Till, name="new"),
    "get_state": lambda _me, till: get_state(till),
    "get_status": lambda _me, till: get_status(till),
    "replace_state": lambda _me, till: replace_state(till, lambda _state: {"seen": ["from a zombie"]}),
    "suspend": lambda _me, till: suspend(till),
    "resume": lambda _me, till: resume(till),
}


@pytest.mark.parametrize("way", WAYS)
async def test_what_it_asks_for_is_refused_and_touches_nothing(system: ActorSystem, kind: Kind, way: str) -> None:
    till = await system.start(kind(Till), name="till")
    before = list(system.processes)
    _, told = await make_zombie(system, lambda me: WAYS[way](me, till))

    await told.over.wait()

    (error,) = told
    assert isinstance(error, ZombieError)
    assert str(error).startswith("<HidingInCast #3> was killed and left behind; it asked for something of ")
    assert not error.retryable
    assert till.alive
    assert await get_state(till) == {"seen": [], "held": []}
    assert get_statistics(till).received == 0
    assert list(system.processes) == before
    assert system.dead_letters.count == 0


async def test_in_whichever_callback_it_hides_it_is_refused(system: ActorSystem, place: type[HidingInCast]) -> None:
    till = await system.start(Till)
    _, told = await make_zombie(system, lambda _me: till.cast("from a zombie"), place)

    await trio.sleep(HIDDEN)

    assert isinstance(told[0], ZombieError)
    assert get_statistics(till).received == 0


@pytest.mark.parametrize(
    "act", [lambda caller: caller.reply("from a zombie"), lambda caller: caller.refuse(ValueError("from a zombie"))]
)
async def test_it_cannot_answer_a_caller_that_waits_for_somebody_else(
    system: ActorSystem, kind: Kind, act: Callable[[Caller], None]
) -> None:
    till = await system.start(kind(Till))
    request = till.send_request("hold")
    await wait_all_tasks_blocked()
    (caller,) = (await get_state(till))["held"]
    _, told = await make_zombie(system, lambda _me: act(caller))

    await trio.sleep(HIDDEN)

    assert isinstance(told[0], ZombieError)
    assert not request.answered
    caller.reply("from the living")
    assert await request.wait() == "from the living"


async def test_it_cannot_take_a_name(system: ActorSystem) -> None:
    _, told = await make_zombie(system, lambda me: me.system.names.register("till", me.ref))

    await trio.sleep(HIDDEN)
    till = await system.start(Till, name="till")

    assert isinstance(told[0], NoProcessError)
    assert system.whereis("till") is till


async def test_it_cannot_replay_a_dead_letter(system: ActorSystem) -> None:
    till = await system.start(Till, name="till")
    system.named("nobody").cast("letter")
    (letter,) = system.dead_letters
    _, told = await make_zombie(system, lambda me: me.system.dead_letters.replay(letter, to=till))

    await trio.sleep(HIDDEN)

    assert isinstance(told[0], ZombieError)
    assert list(system.dead_letters) == [letter]


async def test_it_cannot_set_its_message_aside_and_nothing_comes_back(system: ActorSystem) -> None:
    _, told = await make_zombie(system, lambda me: me.stash())
    _, told_too = await make_zombie(system, lambda me: me.unstash())

    await trio.sleep(2 * HIDDEN)

    assert isinstance(told[0], NothingToStashError)
    assert told_too == [0]
    assert system.dead_letters.count == 0


async def test_an_idle_timeout_that_it_sets_never_comes(system: ActorSystem) -> None:
    _, told = await make_zombie(system, lambda me: me.timeout_after(0))

    await trio.sleep(2 * HIDDEN)

    assert told == [None]
    assert system.dead_letters.count == 0


async def test_what_it_returns_and_raises_at_last_leads_to_nothing(system: ActorSystem) -> None:
    class Returning(HidingInCast):
        async def handle_cast(self, message: object) -> Any:
            await hide(self, self.act, self.told)
            return Continue("on") if message == "hide" else None

        async def handle_continue(self, argument: object) -> None:
            self.told.append("went on")

        def terminate(self, reason: ExitReason) -> None:
            self.told.append("terminated")

    _, told = await make_zombie(system, nothing, Returning)

    await trio.sleep(2 * HIDDEN)

    assert told == [None]


async def test_what_it_raises_at_last_is_logged(system: ActorSystem, caplog: pytest.LogCaptureFixture) -> None:
    class Raising(HidingInCast):
        async def handle_cast(self, message: object) -> None:
            await hide(self, self.act, self.told)
            raise ValueError("at last")

    zombie, _ = await make_zombie(system, nothing, Raising)

    await trio.sleep(2 * HIDDEN)

    assert zombie.reason == KILLED
    assert f"{zombie} raised while it was cancelled" in caplog.messages


# -- the living, beside zombies


async def test_the_living_do_all_they_could_before(system: ActorSystem, kind: Kind) -> None:
    await make_zombie(system)
    till = await system.start(kind(Till), name="till")
    probe = await system.start(Probe)

    system.named("till").cast("cast")
    till.send("info")
    await till.cast_wait("waiting cast")
    till.send_after(0.5, "tick")
    await trio.sleep(1.0)
    answers = [await till.call("a"), await probe.call(lambda _me: till.call("b")), await till.send_request("c").wait()]
    monitor = await probe.call(lambda _me: till.monitor())
    seen = (await get_state(till))["seen"]
    await till.stop()

    assert len(system.zombies) == 1
    assert answers == ["a", "b", "c"]
    assert seen == ["cast", "info", "waiting cast", "tick"]
    assert await probe.call(received) == [Down(till, await till.wait(), monitor)]


async def test_another_thread_is_refused_beside_a_zombie_as_without(system: ActorSystem) -> None:
    till = await system.start(Till)
    await make_zombie(system)

    with pytest.raises(WrongThreadError, match="Till #2"):
        await trio.to_thread.run_sync(till.cast, "from a thread")

    assert get_statistics(till).received == 0


async def test_another_thread_is_let_in_beside_a_zombie(system: ActorSystem) -> None:
    till = await system.start(Till)
    await make_zombie(system)

    answer = await trio.to_thread.run_sync(till.from_thread.call, "question")

    assert answer == "question"


async def test_the_looser_check_is_back_when_the_zombie_has_ended(
    system: ActorSystem, place: type[HidingInCast]
) -> None:
    await make_zombie(system, place=place)
    beside = system.open_to

    await trio.sleep(HIDDEN)

    assert beside != system.thread
    assert system.open_to == system.thread
    assert not system.zombies


async def test_the_looser_check_is_back_only_when_the_last_of_two_has_ended(system: ActorSystem) -> None:
    till = await system.start(Till)
    first, told = await make_zombie(system, lambda _me: till.cast("from the first"))
    await trio.sleep(5.0)
    second, told_too = await make_zombie(system, lambda _me: till.cast("from the second"))
    both = [process.ref for process in system.zombies]

    await trio.sleep(4.5)
    one = [process.ref for process in system.zombies]
    beside_one = system.open_to
    await trio.sleep(HIDDEN)

    assert (both, one) == ([first, second], [second])
    assert beside_one != system.thread
    assert system.open_to == system.thread
    assert [type(error) for error in (*told, *told_too)] == [ZombieError, ZombieError]


async def test_nothing_keeps_a_zombie_that_has_ended(
    system: ActorSystem, place: type[HidingInCast], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)  # a record of the log would
    till = await system.start(Till)
    zombie, told = await make_zombie(system, lambda _me: till.cast("from a zombie"), place)
    kept = weakref.ref(zombie)

    await trio.sleep(2 * HIDDEN)
    told.clear()
    del zombie
    # The last timer and the last message are remembered until there is another.
    till.send_after(1.0, "tick")
    await trio.sleep(2.0)
    await till.stop()
    gc.collect()

    assert kept() is None

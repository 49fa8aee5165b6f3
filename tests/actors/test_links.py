"""Links and exit signals: whom the end of one actor takes along, and who is told of it instead."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from actors import (
    KILLED,
    NOPROC,
    NORMAL,
    SHUTDOWN,
    Actor,
    ActorExitedError,
    ActorRef,
    ActorSystem,
    Caller,
    Crash,
    Exit,
    ExitReason,
    Killed,
    Normal,
    OutsideActorError,
    Shutdown,
    Stop,
)
from tests.actors.probe import Probe

if TYPE_CHECKING:
    from tests.actors.kinds import Kind

REASONS = [SHUTDOWN, Shutdown("moved"), Crash("broke"), KILLED]


class Till(Actor):
    """Links itself to whom it is cast, and keeps what it sees."""

    def __init__(self, seen: list[object] | None = None, *, trap_exit: bool = False) -> None:
        self.trap_exit = trap_exit
        self.seen = [] if seen is None else seen

    def handle_call(self, message: object, caller: Caller) -> Any:
        if message == "boom":
            raise ValueError(message)
        return message

    def handle_cast(self, message: object) -> Any:
        match message:
            case ("link", ActorRef() as ref):
                ref.link()
            case ("unlink", ActorRef() as ref):
                ref.unlink()
            case ("exit", ActorRef() as ref, Normal() | Shutdown() | Killed() | Crash() as reason):
                ref.exit(reason)
            case ("exit self", Normal() | Shutdown() | Crash() as reason):
                self.ref.exit(reason)
            case ("untrap",):
                self.trap_exit = False
            case Stop():
                return message
            case _:
                self.seen.append(message)
        return None

    def handle_info(self, message: object) -> None:
        self.seen.append(message)

    def terminate(self, reason: ExitReason) -> None:
        self.seen.append(("terminate", reason))


class Slow(Till):
    """Takes a second over every message."""

    async def handle_cast(self, message: object) -> None:
        try:
            await trio.sleep(1)
        except trio.Cancelled:
            self.seen.append("cancelled")
            raise
        self.seen.append(message)


async def linked(one: ActorRef, other: ActorRef) -> None:
    """Link two tills."""
    one.cast(("link", other))
    await wait_all_tasks_blocked()


@pytest.mark.parametrize("reason", REASONS, ids=str)
async def test_a_link_takes_the_other_along(system: ActorSystem, kind: Kind, reason: ExitReason) -> None:
    one, other = await system.start(kind(Till)), await system.start(kind(Till))
    await linked(one, other)

    one.cast(Stop(reason))

    assert await one.wait() == reason
    assert await other.wait() == reason
    assert trio.current_time() == 0


async def test_a_link_works_in_both_directions(system: ActorSystem, kind: Kind) -> None:
    one, other = await system.start(kind(Till)), await system.start(kind(Till))
    await linked(one, other)

    other.cast(Stop(Crash("broke")))

    assert await one.wait() == Crash("broke")
    assert trio.current_time() == 0


async def test_a_normal_end_leaves_the_other_alone(system: ActorSystem, kind: Kind) -> None:
    seen: list[object] = []
    one, other = await system.start(kind(Till)), await system.start(kind(Till), seen)
    await linked(one, other)

    await one.stop()

    assert await other.call("alive", timeout=None) == "alive"
    assert seen == []


async def test_a_kill_reaches_the_other_as_killed_and_runs_its_terminate(system: ActorSystem, kind: Kind) -> None:
    one_seen: list[object] = []
    other_seen: list[object] = []
    one, other = await system.start(kind(Till), one_seen), await system.start(kind(Till), other_seen)
    await linked(one, other)

    one.kill()

    assert await other.wait() == KILLED
    assert one_seen == []
    assert other_seen == [("terminate", KILLED)]
    assert trio.current_time() == 0


@pytest.mark.parametrize("reason", [NORMAL, *REASONS], ids=str)
async def test_a_trapping_actor_gets_the_end_of_the_other_as_a_message(
    system: ActorSystem, kind: Kind, reason: ExitReason
) -> None:
    seen: list[object] = []
    one, other = await system.start(kind(Till)), await system.start(kind(Till), seen, trap_exit=True)
    await linked(one, other)

    one.cast(Stop(reason))
    await one.wait()

    assert await other.call("alive", timeout=None) == "alive"
    assert seen == [Exit(one, reason)]
    assert trio.current_time() == 0


async def test_trap_exit_may_be_set_in_init(system: ActorSystem, kind: Kind) -> None:
    class Trapping(Till):
        def init(self) -> None:
            self.trap_exit = True

    seen: list[object] = []
    one, other = await system.start(kind(Till)), await system.start(kind(Trapping), seen)
    await linked(one, other)

    one.kill()

    assert await other.call("alive", timeout=None) == "alive"
    assert seen == [Exit(one, KILLED)]


async def test_trap_exit_may_be_taken_back(system: ActorSystem, kind: Kind) -> None:
    one, other = await system.start(kind(Till)), await system.start(kind(Till), trap_exit=True)
    await linked(one, other)
    other.cast(("untrap",))
    await wait_all_tasks_blocked()

    one.kill()

    assert await other.wait() == KILLED
    assert trio.current_time() == 0


async def test_a_chain_of_links_dies_of_one_end(system: ActorSystem, kind: Kind) -> None:
    chain = [await system.start(kind(Till)) for _ in range(20)]
    for i in range(1, 20):
        chain[i].cast(("link", chain[i - 1]))
    await wait_all_tasks_blocked()

    chain[0].cast(Stop(Crash("broke")))

    assert [await ref.wait() for ref in chain] == [Crash("broke")] * 20
    assert trio.current_time() == 0


async def test_a_ring_of_links_dies_of_one(system: ActorSystem, kind: Kind) -> None:
    ring = [await system.start(kind(Till)) for _ in range(5)]
    for i in range(5):
        ring[i].cast(("link", ring[i - 1]))
    await wait_all_tasks_blocked()

    ring[2].kill()

    assert [await ref.wait() for ref in ring] == [KILLED] * 5
    assert trio.current_time() == 0


async def test_linking_twice_is_linking_once(system: ActorSystem, kind: Kind) -> None:
    seen: list[object] = []
    one, other = await system.start(kind(Till)), await system.start(kind(Till), seen, trap_exit=True)
    await linked(one, other)
    await linked(other, one)

    one.kill()

    await other.call("barrier", timeout=None)
    assert seen == [Exit(one, KILLED)]


async def test_unlink_undoes_a_link_that_either_made(system: ActorSystem, kind: Kind) -> None:
    one, other = await system.start(kind(Till)), await system.start(kind(Till))
    await linked(one, other)
    other.cast(("unlink", one))
    await wait_all_tasks_blocked()

    one.kill()

    assert await one.wait() == KILLED
    assert await other.call("alive", timeout=None) == "alive"


async def test_unlink_without_a_link_does_nothing(system: ActorSystem, kind: Kind) -> None:
    one, other = await system.start(kind(Till)), await system.start(kind(Till))

    one.cast(("unlink", other))
    one.cast(("unlink", one))
    other.kill()
    one.cast(("unlink", other))

    assert await one.call("alive", timeout=None) == "alive"


async def test_a_link_to_a_dead_actor_ends_with_noproc(system: ActorSystem, kind: Kind) -> None:
    one, other = await system.start(kind(Till)), await system.start(kind(Till))
    await other.stop()

    one.cast(("link", other))

    assert await one.wait() == NOPROC
    assert trio.current_time() == 0


async def test_a_trapping_actor_is_told_that_it_linked_to_a_dead_one(system: ActorSystem, kind: Kind) -> None:
    seen: list[object] = []
    one, other = await system.start(kind(Till), seen, trap_exit=True), await system.start(kind(Till))
    await other.stop()

    await linked(one, other)

    assert await one.call("alive", timeout=None) == "alive"
    assert seen == [Exit(other, NOPROC)]


async def test_a_link_to_itself_changes_nothing(system: ActorSystem, kind: Kind) -> None:
    till = await system.start(kind(Till))

    await linked(till, till)

    assert await till.call("alive", timeout=None) == "alive"
    await till.stop()


async def test_the_link_between_parent_and_child_can_be_undone(system: ActorSystem, kind: Kind) -> None:
    probe = await system.start(Probe)
    till: ActorRef = await probe.call(lambda me: me.start_link(kind(Till)))
    till.cast(("unlink", probe))
    await wait_all_tasks_blocked()

    probe.kill()

    assert await probe.wait() == KILLED
    assert await till.call("alive", timeout=None) == "alive"


async def test_the_link_between_parent_and_child_can_be_restored(system: ActorSystem, kind: Kind) -> None:
    probe = await system.start(Probe)
    till: ActorRef = await probe.call(lambda me: me.start_link(kind(Till)))
    await probe.call(lambda me: till.unlink())
    await probe.call(lambda me: till.link())

    till.cast(Stop(Crash("broke")))

    assert await probe.wait() == Crash("broke")
    assert trio.current_time() == 0


@pytest.mark.parametrize("reason", REASONS, ids=str)
async def test_the_end_of_a_parent_is_an_order_to_a_trapping_child(
    system: ActorSystem, kind: Kind, reason: ExitReason
) -> None:
    seen: list[object] = []
    probe = await system.start(Probe)
    child: ActorRef = await probe.call(lambda me: me.start_link(kind(Till), seen, trap_exit=True))

    probe.exit(reason)

    assert await child.wait() == reason
    assert seen == [("terminate", reason)]
    assert trio.current_time() == 0


async def test_the_normal_end_of_a_parent_is_an_order_to_a_trapping_child(system: ActorSystem, kind: Kind) -> None:
    seen: list[object] = []
    probe = await system.start(Probe)
    child: ActorRef = await probe.call(lambda me: me.start_link(kind(Till), seen, trap_exit=True))

    await probe.stop()

    assert await child.wait() == NORMAL
    assert seen == [("terminate", NORMAL)]


async def test_the_normal_end_of_a_parent_leaves_a_child_that_does_not_trap_alone(
    system: ActorSystem, kind: Kind
) -> None:
    probe = await system.start(Probe)
    child: ActorRef = await probe.call(lambda me: me.start_link(kind(Till)))

    await probe.stop()

    assert await child.call("alive", timeout=None) == "alive"


async def test_the_order_of_a_parent_comes_in_its_place_among_the_messages(system: ActorSystem, kind: Kind) -> None:
    seen: list[object] = []
    probe = await system.start(Probe)
    child: ActorRef = await probe.call(lambda me: me.start_link(kind(Till), seen, trap_exit=True))

    def cast_and_order(me: Probe) -> None:
        for number in range(3):
            child.cast(number)
        child.exit(SHUTDOWN)
        child.cast("too late")

    await probe.call(cast_and_order)

    assert await child.wait() == SHUTDOWN
    assert seen == [0, 1, 2, ("terminate", SHUTDOWN)]
    assert [letter.message for letter in system.dead_letters] == ["too late"]


async def test_the_exit_signal_of_a_stranger_is_a_message_to_a_trapping_actor(system: ActorSystem, kind: Kind) -> None:
    seen: list[object] = []
    one, other = await system.start(kind(Till)), await system.start(kind(Till), seen, trap_exit=True)

    for reason in (NORMAL, SHUTDOWN, KILLED, Crash("broke")):
        one.cast(("exit", other, reason))
    await wait_all_tasks_blocked()

    assert await other.call("alive", timeout=None) == "alive"
    assert seen == [Exit(one, NORMAL), Exit(one, SHUTDOWN), Exit(one, KILLED), Exit(one, Crash("broke"))]


async def test_an_exit_signal_from_outside_names_nobody(system: ActorSystem, kind: Kind) -> None:
    seen: list[object] = []
    till = await system.start(kind(Till), seen, trap_exit=True)

    till.exit(SHUTDOWN)

    assert await till.call("alive", timeout=None) == "alive"
    assert seen == [Exit(None, SHUTDOWN)]


@pytest.mark.parametrize("reason", REASONS, ids=str)
async def test_an_exit_signal_ends_an_actor_that_does_not_trap(
    system: ActorSystem, kind: Kind, reason: ExitReason
) -> None:
    seen: list[object] = []
    one, other = await system.start(kind(Till)), await system.start(kind(Till), seen, name="other")

    one.cast(("exit", other, reason))

    assert await other.wait() == reason
    assert seen == [("terminate", reason)]
    assert system.whereis("other") is None
    assert one.alive
    assert trio.current_time() == 0


async def test_an_exit_signal_overtakes_the_messages_that_wait(system: ActorSystem, kind: Kind) -> None:
    seen: list[object] = []
    till = await system.start(kind(Till), seen)
    till.cast("unread")

    till.exit(SHUTDOWN)

    assert await till.wait() == SHUTDOWN
    assert seen == [("terminate", SHUTDOWN)]
    assert [letter.message for letter in system.dead_letters] == ["unread"]


async def test_a_normal_exit_signal_of_a_stranger_is_ignored(system: ActorSystem, kind: Kind) -> None:
    one, other = await system.start(kind(Till)), await system.start(kind(Till))

    one.cast(("exit", other, NORMAL))
    other.exit(NORMAL)
    await wait_all_tasks_blocked()

    assert await other.call("alive", timeout=None) == "alive"


@pytest.mark.parametrize("reason", [NORMAL, SHUTDOWN, Crash("broke")], ids=str)
async def test_an_actor_may_send_itself_an_exit_signal(system: ActorSystem, kind: Kind, reason: ExitReason) -> None:
    till = await system.start(kind(Till))

    till.cast(("exit self", reason))

    assert await till.wait() == reason
    assert trio.current_time() == 0


async def test_an_exit_signal_to_a_dead_actor_does_nothing(system: ActorSystem, kind: Kind) -> None:
    till = await system.start(kind(Till))
    await till.stop()

    till.exit(SHUTDOWN)
    till.kill()

    assert till.reason == NORMAL
    assert system.dead_letters.count == 0


async def test_the_first_of_two_exit_signals_holds(system: ActorSystem, kind: Kind) -> None:
    till = await system.start(kind(Till))

    till.exit(SHUTDOWN)
    till.exit(Crash("broke"))

    assert await till.wait() == SHUTDOWN


async def test_an_exit_signal_cuts_off_the_running_handler(system: ActorSystem) -> None:
    seen: list[object] = []
    slow = await system.start(Slow, seen)
    slow.cast("work")
    await wait_all_tasks_blocked()

    slow.exit(Crash("broke"))

    assert await slow.wait() == Crash("broke")
    assert seen == ["cancelled", ("terminate", Crash("broke"))]
    assert trio.current_time() == 0


async def test_an_order_lets_the_running_handler_of_a_trapping_actor_finish(system: ActorSystem) -> None:
    seen: list[object] = []
    probe = await system.start(Probe)
    slow: ActorRef = await probe.call(lambda me: me.start_link(Slow, seen, trap_exit=True))
    slow.cast("work")
    await wait_all_tasks_blocked()

    probe.kill()

    assert await slow.wait() == KILLED
    assert seen == ["work", ("terminate", KILLED)]
    assert trio.current_time() == 1


async def test_a_kill_cannot_be_trapped(system: ActorSystem, kind: Kind) -> None:
    seen: list[object] = []
    till = await system.start(kind(Till), seen, trap_exit=True)

    till.kill()

    assert await till.wait() == KILLED
    assert seen == []
    assert trio.current_time() == 0


@pytest.mark.parametrize("message", ["boom", Stop(Crash("broke")), Stop(Crash("broke"), reply="bye")], ids=str)
async def test_a_caller_that_dies_of_its_link_sees_neither_the_reply_nor_the_error(
    system: ActorSystem, kind: Kind, message: object
) -> None:
    went_on: list[object] = []
    till = await system.start(kind(Till))
    probe = await system.start(Probe)

    async def call(me: Probe) -> None:
        till.link()
        try:
            went_on.append(await till.call(message, timeout=None))
        except ActorExitedError as error:
            went_on.append(error)

    with pytest.raises(ActorExitedError):
        await probe.call(call, timeout=None)

    reason = await probe.wait()
    assert reason == till.reason
    assert isinstance(reason, Crash)
    assert went_on == []
    assert trio.current_time() == 0


async def test_a_caller_that_is_told_to_exit_by_whom_it_calls_sees_no_reply(system: ActorSystem, kind: Kind) -> None:
    class Bouncer(Actor):
        def handle_call(self, message: object, caller: Caller) -> str:
            assert caller.sender is not None
            caller.sender.exit(Crash("out"))
            return "welcome"

    went_on: list[object] = []
    bouncer, probe = await system.start(kind(Bouncer)), await system.start(Probe)

    async def call(me: Probe) -> None:
        went_on.append(await bouncer.call("enter", timeout=None))

    with pytest.raises(ActorExitedError):
        await probe.call(call, timeout=None)

    assert await probe.wait() == Crash("out")
    assert went_on == []
    assert bouncer.alive
    assert trio.current_time() == 0


async def test_links_are_made_by_actors_only(system: ActorSystem) -> None:
    till = await system.start(Till)

    with pytest.raises(OutsideActorError, match="only an actor can link to another"):
        till.link()
    with pytest.raises(OutsideActorError, match="only an actor can unlink from another"):
        till.unlink()


@pytest.mark.parametrize("reason", [None, "shutdown", ValueError("boom"), Crash], ids=repr)
async def test_a_bad_exit_reason_is_refused(system: ActorSystem, kind: Kind, reason: Any) -> None:
    till = await system.start(kind(Till))

    with pytest.raises(TypeError, match="reason") as exit_error:
        till.exit(reason)
    with pytest.raises(TypeError, match="reason") as stop_error:
        await till.stop(reason)
    with pytest.raises(TypeError, match="reason") as return_error:
        Stop(reason)

    assert all(repr(reason) in str(caught.value) for caught in (exit_error, stop_error, return_error))
    assert till.alive

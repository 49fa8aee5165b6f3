"""Monitors: one Down for each, and none for one that was cancelled."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from actors import (
    KILLED,
    NOPROC,
    NORMAL,
    SHUTDOWN,
    Actor,
    ActorRef,
    ActorSystem,
    Crash,
    Down,
    ExitReason,
    Monitor,
    OutsideActorError,
    Shutdown,
    Stop,
)
from tests.actors.probe import Probe, busy, received

if TYPE_CHECKING:
    from tests.actors.kinds import Kind


class Till(Actor):
    def handle_cast(self, message: object) -> object:
        if isinstance(message, Stop):
            return message
        raise ValueError(message)


@pytest.mark.parametrize("reason", [NORMAL, SHUTDOWN, Shutdown("moved"), Crash("broke")], ids=str)
async def test_a_monitor_tells_the_reason_once(system: ActorSystem, kind: Kind, reason: ExitReason) -> None:
    till, probe = await system.start(kind(Till)), await system.start(Probe)
    monitor = await probe.call(lambda me: till.monitor())

    till.cast(Stop(reason))
    await till.wait()

    assert await probe.call(received) == [Down(till, reason, monitor)]
    assert trio.current_time() == 0


async def test_a_monitor_tells_of_a_crash(system: ActorSystem, kind: Kind) -> None:
    till, probe = await system.start(kind(Till)), await system.start(Probe)
    monitor = await probe.call(lambda me: till.monitor())

    till.cast("boom")

    reason = await till.wait()
    assert isinstance(reason, Crash)
    assert await probe.call(received) == [Down(till, reason, monitor)]


async def test_a_monitor_tells_of_a_kill(system: ActorSystem, kind: Kind) -> None:
    till, probe = await system.start(kind(Till)), await system.start(Probe)
    monitor = await probe.call(lambda me: till.monitor())

    till.kill()

    assert await probe.call(received) == [Down(till, KILLED, monitor)]


async def test_a_monitor_of_a_dead_actor_tells_noproc_at_once(system: ActorSystem, kind: Kind) -> None:
    till, probe = await system.start(kind(Till)), await system.start(Probe)
    await till.stop(Crash("broke"))

    monitor = await probe.call(lambda me: till.monitor())

    assert await probe.call(received) == [Down(till, NOPROC, monitor)]
    assert trio.current_time() == 0


async def test_each_of_several_monitors_tells(system: ActorSystem, kind: Kind) -> None:
    till, probe, other = await system.start(kind(Till)), await system.start(Probe), await system.start(Probe)
    first = await probe.call(lambda me: till.monitor())
    second = await probe.call(lambda me: till.monitor())
    third = await other.call(lambda me: till.monitor())

    till.kill()

    assert await probe.call(received) == [Down(till, KILLED, first), Down(till, KILLED, second)]
    assert await other.call(received) == [Down(till, KILLED, third)]


async def test_a_monitor_does_not_tie_the_watcher_to_the_watched(system: ActorSystem, kind: Kind) -> None:
    till, probe = await system.start(kind(Till)), await system.start(Probe)
    await probe.call(lambda me: till.monitor())

    probe.kill()
    await probe.wait()

    assert till.alive
    till.kill()
    assert await till.wait() == KILLED
    assert system.dead_letters.count == 0


async def test_a_cancelled_monitor_tells_nothing(system: ActorSystem, kind: Kind) -> None:
    till, probe = await system.start(kind(Till)), await system.start(Probe)
    monitor = await probe.call(lambda me: till.monitor())

    monitor.cancel()
    till.kill()

    assert await till.wait() == KILLED
    assert await probe.call(received) == []


async def test_cancelling_one_monitor_leaves_another(system: ActorSystem, kind: Kind) -> None:
    till, probe = await system.start(kind(Till)), await system.start(Probe)
    first = await probe.call(lambda me: till.monitor())
    second = await probe.call(lambda me: till.monitor())

    first.cancel()
    till.kill()

    assert await probe.call(received) == [Down(till, KILLED, second)]


@pytest.mark.parametrize(("flush", "downs"), [(False, 1), (True, 0)])
async def test_only_a_flush_takes_back_a_down_that_waits(
    system: ActorSystem, kind: Kind, *, flush: bool, downs: int
) -> None:
    till, probe = await system.start(kind(Till)), await system.start(Probe)

    async def watch(me: Probe) -> None:
        monitor = till.monitor()
        till.kill()
        await till.wait()
        monitor.cancel(flush=flush)

    await probe.call(watch, timeout=None)

    assert len(await probe.call(received)) == downs
    assert trio.current_time() == 0


async def test_a_flush_takes_back_the_noproc_of_a_dead_actor(system: ActorSystem, kind: Kind) -> None:
    till, probe = await system.start(kind(Till)), await system.start(Probe)
    await till.stop()

    await probe.call(lambda me: till.monitor().cancel(flush=True))

    assert await probe.call(received) == []


async def test_a_flush_takes_back_no_other_message(system: ActorSystem, kind: Kind) -> None:
    till, probe = await system.start(kind(Till)), await system.start(Probe)

    async def watch(me: Probe) -> Monitor:
        first, second = till.monitor(), till.monitor()
        me.ref.send("before")
        till.kill()
        await till.wait()
        me.ref.send("after")
        first.cancel(flush=True)
        return second

    second = await probe.call(watch, timeout=None)

    assert await probe.call(received) == ["before", Down(till, KILLED, second), "after"]


async def test_cancelling_a_monitor_again_does_nothing(system: ActorSystem, kind: Kind) -> None:
    till, probe = await system.start(kind(Till)), await system.start(Probe)
    monitor = await probe.call(lambda me: till.monitor())
    till.kill()
    assert len(await probe.call(received)) == 1

    monitor.cancel()
    monitor.cancel(flush=True)

    assert len(await probe.call(received)) == 1


async def test_a_monitor_says_whether_it_is_active(system: ActorSystem, kind: Kind) -> None:
    till, probe = await system.start(kind(Till), name="till"), await system.start(Probe)
    monitor = await probe.call(lambda me: till.monitor())
    before = repr(monitor)

    till.kill()

    assert (before, repr(monitor)) == ("<Monitor of <till #2>: active>", "<Monitor of <till #2>: ended>")
    assert monitor.ref is till


async def test_a_down_waits_its_turn_in_the_mailbox(system: ActorSystem, kind: Kind) -> None:
    till, probe = await system.start(kind(Till)), await system.start(Probe)
    await probe.call(lambda me: till.monitor())
    probe.send_request(busy)
    await wait_all_tasks_blocked()
    probe.send("before")

    till.kill()
    probe.send("after")
    probe.exit(SHUTDOWN)

    assert await probe.wait() == SHUTDOWN
    assert [letter.message for letter in system.dead_letters] == ["before", "after"]


async def test_an_actor_may_monitor_itself_in_vain(system: ActorSystem) -> None:
    probe = await system.start(Probe)
    await probe.call(lambda me: me.ref.monitor())

    await probe.stop()

    assert probe.reason == NORMAL
    assert system.dead_letters.count == 0


async def test_a_parent_may_monitor_its_child_as_well(system: ActorSystem, kind: Kind) -> None:
    probe = await system.start(Probe)
    child: ActorRef = await probe.call(lambda me: me.start_link(kind(Till)))
    monitor = await probe.call(lambda me: child.monitor())

    await child.stop()

    assert await probe.call(received) == [Down(child, NORMAL, monitor)]


async def test_monitors_are_set_by_actors_only(system: ActorSystem) -> None:
    till = await system.start(Till)

    with pytest.raises(OutsideActorError, match="only an actor can monitor another"):
        till.monitor()

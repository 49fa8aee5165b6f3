"""Deaths, as monitors, links, parents, names, dead letters and reports see them: at once, and with the reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import trio

from actors import ActorSystem, CrashReport, Down, Exit, ExitReason, NameTakenError, Normal, is_clean
from tests.actors.deaths import BLOWS, VICTIMS, Blow, Victim
from tests.actors.probe import Probe, received

if TYPE_CHECKING:
    from collections.abc import Callable

    from actors import ActorRef, Monitor


@pytest.fixture(params=VICTIMS)
def victim(request: pytest.FixtureRequest) -> type[Victim]:
    return VICTIMS[request.param]


@pytest.fixture(params=BLOWS, ids=lambda blow: blow.__name__)
async def blow(request: pytest.FixtureRequest) -> Blow:
    made: Blow = await request.param()
    return made


async def test_whoever_waits_gets_the_reason(system: ActorSystem, victim: type[Victim], blow: Blow) -> None:
    ref = await system.start(victim)
    reasons: list[ExitReason] = []

    async def wait() -> None:
        reasons.append(await ref.wait())

    async with trio.open_nursery() as nursery:
        for _ in range(5):
            nursery.start_soon(wait)
        ref.cast(blow)

    assert reasons == [ref.reason] * 5
    assert blow.explains(ref.reason)
    assert trio.current_time() == 0.0


async def test_a_monitor_sends_one_down(system: ActorSystem, victim: type[Victim], blow: Blow) -> None:
    ref = await system.start(victim)
    probe = await system.start(Probe)
    monitor: Monitor = await probe.call(lambda me: ref.monitor())

    ref.cast(blow)
    reason = await ref.wait()

    assert await probe.call(received, timeout=None) == [Down(ref, reason, monitor)]
    assert blow.explains(reason)
    assert trio.current_time() == 0.0


async def test_a_monitor_of_the_dead_sends_noproc(system: ActorSystem, victim: type[Victim], blow: Blow) -> None:
    ref = await system.start(victim)
    probe = await system.start(Probe)
    ref.cast(blow)
    await ref.wait()

    await probe.call(lambda me: ref.monitor())

    [down] = await probe.call(received, timeout=None)
    assert str(down.reason) == "noproc"
    assert trio.current_time() == 0.0


async def test_a_linked_actor_that_traps_exits_gets_one_exit(
    system: ActorSystem, victim: type[Victim], blow: Blow
) -> None:
    ref = await system.start(victim)
    probe = await system.start(Probe, trap_exit=True)
    await probe.call(lambda me: ref.link())

    ref.cast(blow)
    reason = await ref.wait()

    assert await probe.call(received, timeout=None) == [Exit(ref, reason)]
    assert blow.explains(reason)
    assert trio.current_time() == 0.0


async def test_a_linked_actor_dies_too_unless_the_end_was_normal(
    system: ActorSystem, victim: type[Victim], blow: Blow
) -> None:
    ref = await system.start(victim)
    other = await system.start(victim)
    probe = await system.start(Probe)
    for end in (ref, other):
        await probe.call(lambda me, end=end: end.link())

    ref.cast(blow)
    await ref.wait()

    if isinstance(ref.reason, Normal):
        assert await probe.call(received, timeout=None) == []
    else:
        assert await probe.wait() == ref.reason
        assert await other.wait() == ref.reason
    assert trio.current_time() == 0.0


async def test_an_unlinked_actor_is_left_alone(system: ActorSystem, victim: type[Victim], blow: Blow) -> None:
    ref = await system.start(victim)
    probe = await system.start(Probe)
    await probe.call(lambda me: ref.link())
    await probe.call(lambda me: ref.unlink())

    ref.cast(blow)
    await ref.wait()

    assert await probe.call(received, timeout=None) == []
    assert trio.current_time() == 0.0


async def test_a_parent_that_traps_exits_gets_one_exit(system: ActorSystem, victim: type[Victim], blow: Blow) -> None:
    parent = await system.start(Probe, trap_exit=True)
    ref: ActorRef = await parent.call(lambda me: me.start_link(victim))

    ref.cast(blow)
    reason = await ref.wait()

    assert await parent.call(received, timeout=None) == [Exit(ref, reason)]
    assert blow.explains(reason)
    assert trio.current_time() == 0.0


async def test_a_child_dies_with_its_parent(system: ActorSystem, victim: type[Victim], blow: Blow) -> None:
    class Parent(victim):  # type: ignore[misc, valid-type] # each kind is a class of its own
        async def init(self) -> None:
            children.append(await self.start_link(victim))

    children: list[ActorRef] = []
    ref = await system.start(Parent)

    ref.cast(blow)
    reason = await ref.wait()

    if not isinstance(reason, Normal):
        assert await children[0].wait() == reason
    assert trio.current_time() == 0.0


async def test_the_name_is_free_when_the_end_is_known(system: ActorSystem, victim: type[Victim], blow: Blow) -> None:
    ref = await system.start(victim, name="till")
    with pytest.raises(NameTakenError):
        await system.start(victim, name="till")

    ref.cast(blow)
    await ref.wait()

    assert system.whereis("till") is None
    assert await system.start(victim, name="till") is system.whereis("till")
    assert trio.current_time() == 0.0


async def test_a_parent_can_start_the_next_one_when_the_exit_arrives(
    system: ActorSystem, victim: type[Victim], blow: Blow
) -> None:
    class Parent(Probe):
        async def handle_info(self, message: object) -> None:  # type: ignore[override] # both kinds are allowed
            self.received.append(await self.start_link(victim, name="till"))

    parent = await system.start(Parent, trap_exit=True)
    first: ActorRef = await parent.call(lambda me: me.start_link(victim, name="till"))

    first.cast(blow)
    await first.wait()

    [second] = await parent.call(received, timeout=None)
    assert system.whereis("till") is second
    assert second is not first
    assert trio.current_time() == 0.0


async def test_unread_messages_are_dead_letters_in_order(system: ActorSystem, victim: type[Victim], blow: Blow) -> None:
    ref = await system.start(victim)
    ref.cast(blow)
    ref.cast("first")
    ref.send("second")
    request = ref.send_request("a call is told, and is no dead letter")
    ref.cast("third")

    reason = await ref.wait()
    ref.cast("fourth")

    letters = [(letter.message, letter.target, letter.reason) for letter in system.dead_letters]
    assert letters == [(message, ref, reason) for message in ("first", "second", "third", "fourth")]
    assert system.dead_letters.count == 4
    assert request.answered
    assert trio.current_time() == 0.0


async def test_terminate_runs_once_with_the_reason_unless_it_was_killed(
    system: ActorSystem, victim: type[Victim], blow: Blow
) -> None:
    ends: list[ExitReason] = []
    ref = await system.start(victim, ends)

    ref.cast(blow)
    reason = await ref.wait()

    if str(reason) == "killed":
        assert ends == []
    elif str(reason) == "ValueError: last words":
        assert [str(end) for end in ends] == ["normal"]
    else:
        assert ends == [reason]
    assert trio.current_time() == 0.0


async def test_a_failure_of_its_own_is_reported_once(
    system: ActorSystem, victim: type[Victim], blow: Blow, crash_reports: Callable[[], list[CrashReport]]
) -> None:
    ref = await system.start(victim)

    ref.cast(blow)
    reason = await ref.wait()

    expected = [] if is_clean(reason) or str(reason) == "killed" else [(ref, reason)]
    assert [(report.ref, report.reason) for report in crash_reports()] == expected
    assert trio.current_time() == 0.0


async def test_nothing_runs_as_the_dead_actor_afterwards(system: ActorSystem, victim: type[Victim], blow: Blow) -> None:
    ref = await system.start(victim)
    timer = ref.send_every(1.0, "tick")

    ref.cast(blow)
    await ref.wait()

    assert system.current is None
    assert not ref.alive
    await trio.sleep(10.0)
    timer.cancel()
    assert [letter.message for letter in system.dead_letters] == []


async def test_the_others_carry_on(system: ActorSystem, victim: type[Victim], blow: Blow) -> None:
    ref = await system.start(victim)
    other = await system.start(victim)

    ref.cast(blow)
    await ref.wait()

    assert await other.call("question", timeout=None) is None
    assert trio.current_time() == 0.0

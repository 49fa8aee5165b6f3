"""What becomes of unread messages when a supervisor restarts their actor, with mailboxes that have rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from actors import (
    ActorSystem,
    Backoff,
    Mailbox,
    MailboxFullError,
    NameRef,
    NoProcessError,
    Priority,
    get_statistics,
    open_system,
    suspend,
)
from supervision import ChildSpec, Supervisor, SupervisorSpec, reconfigure
from tests.actors.kinds import KINDS, Kind
from tests.actors.probe import Probe
from tests.actors.recorder import Gated, Recorder, does, drained

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from trio.testing import MockClock

    from actors import ActorRef


BOUNDED = Mailbox(max_messages=1, overflow="wait", keep=True)
RULES = {"plain": Mailbox(keep=True), "bounded": BOUNDED, "priority": Mailbox(priority=True, keep=True)}


@pytest.fixture
async def system(autojump_clock: MockClock) -> AsyncIterator[ActorSystem]:
    """Open a system, on a clock that jumps."""
    async with open_system() as system:
        yield system


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> Kind:
    """Run the test with each kind of callbacks."""
    return KINDS[request.param]


def crash(_me: Recorder) -> None:
    raise ValueError("crash")


async def supervise(
    system: ActorSystem, actor: type[Recorder], rules: Mailbox, *, delay: float | None = None
) -> tuple[NameRef, ActorRef, list[Any]]:
    """Start a recorder under a supervisor; return its name, its first incarnation, suspended, and its log.

    Its second restart, and those that follow, are delayed by *delay*.
    """
    log: list[Any] = []
    backoff = None if delay is None else Backoff(first=delay, reset_after=1000)
    child = ChildSpec("recorder", actor, args=(log,), name="recorder", mailbox=rules, backoff=backoff)
    await system.start(Supervisor, SupervisorSpec([child], intensity=10), name="supervisor")
    name = system.named("recorder")
    if delay is not None:
        name.cast(crash)
        await wait_all_tasks_blocked()
    first = name.whereis()
    assert first is not None
    await suspend(first)
    return name, first, log


async def test_who_waits_for_room_waits_for_the_next_incarnation(system: ActorSystem, kind: Kind) -> None:
    rules = Mailbox(max_messages=2, overflow="wait", keep=True)
    name, first, log = await supervise(system, kind(Recorder), rules)
    first.cast(crash)
    first.cast(1)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(first.cast_wait, 2)
        await wait_all_tasks_blocked()
        await drained(first)

    assert log == [1, 2]
    assert get_statistics(name).received == get_statistics(name).handled == 2
    assert system.dead_letters.count == 0


async def test_who_waits_gets_the_room_that_the_calls_of_the_dead_leave(system: ActorSystem, kind: Kind) -> None:
    rules = Mailbox(max_messages=1, overflow="wait", keep=True)
    name, first, log = await supervise(system, kind(Recorder), rules)
    request = first.send_request("unread")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(first.cast_wait, 1)
        await wait_all_tasks_blocked()
        first.kill()
        await wait_all_tasks_blocked()

    assert request.answered
    assert log == [1]
    assert get_statistics(name).handled == 1


async def test_the_rules_hold_while_nobody_is_there(system: ActorSystem, kind: Kind) -> None:
    rules = Mailbox(max_messages=2, overflow="reject", keep=True)
    name, first, log = await supervise(system, kind(Recorder), rules, delay=5)
    first.kill()
    await wait_all_tasks_blocked()

    name.cast(1)
    name.cast(2)
    with pytest.raises(MailboxFullError):
        name.cast(3)
    waiting = list(log)
    await trio.sleep(6)

    assert (waiting, log) == ([], [1, 2])


async def test_what_is_kept_keeps_its_priority_and_its_sender(system: ActorSystem, kind: Kind) -> None:
    ada, joe = await system.start(Probe), await system.start(Probe)
    name, first, _log = await supervise(system, kind(Recorder), Mailbox(priority=True, keep=True), delay=5)

    await does(ada, lambda _me: first.cast("normal"))
    await does(joe, lambda _me: first.cast("high", priority=Priority.HIGH))
    first.kill()
    await wait_all_tasks_blocked()
    await does(joe, lambda _me: name.cast("low", priority=Priority.LOW))
    supervisor = system.whereis("supervisor")
    assert supervisor is not None
    await supervisor.stop()

    letters = [(letter.message, letter.sender) for letter in system.dead_letters]
    assert letters == [("high", joe), ("normal", ada), ("low", joe)]


async def test_what_comes_after_an_order_to_stop_is_kept_by_its_priority(system: ActorSystem, kind: Kind) -> None:
    _name, first, log = await supervise(system, kind(Recorder), Mailbox(priority=True, keep=True))
    await drained(first)

    def send_late(_me: Recorder) -> None:
        first.cast("low", priority=Priority.LOW)
        first.cast("late")
        first.cast("later but critical", priority=Priority.CRITICAL)

    first.cast(send_late)
    await first.stop()
    await wait_all_tasks_blocked()

    assert log == ["later but critical", "late", "low"]


@pytest.mark.parametrize("rules", [Mailbox(keep=True), Mailbox(max_messages=9, priority=True, keep=True)])
async def test_the_senders_of_what_is_kept_are_not_those_of_calls_that_fail(
    system: ActorSystem, kind: Kind, rules: Mailbox
) -> None:
    ada, joe = await system.start(Probe), await system.start(Probe)
    name, first, _log = await supervise(system, kind(Recorder), rules, delay=5)
    await does(ada, lambda _me: first.cast(1))
    first.kill()
    await wait_all_tasks_blocked()

    def call(_me: Probe) -> None:
        with pytest.raises(NoProcessError):
            first.send_request("refused").check()

    await does(joe, call)
    await does(ada, lambda _me: name.cast(2))
    await does(joe, call)
    await does(joe, lambda _me: name.send(3))
    supervisor = system.whereis("supervisor")
    assert supervisor is not None
    await supervisor.stop()

    assert [(letter.message, letter.sender) for letter in system.dead_letters] == [(1, ada), (2, ada), (3, joe)]


@pytest.mark.parametrize("rules", [Mailbox(keep=True), Mailbox(max_messages=9, priority=True, keep=True)])
async def test_what_was_set_aside_is_kept_ahead_of_what_waits(system: ActorSystem, kind: Kind, rules: Mailbox) -> None:
    class Forgetful(Gated):
        def init(self) -> None:
            self.opened = bool(self.log)

    name, first, log = await supervise(system, kind(Forgetful), rules)
    await drained(first)
    first.cast(1)
    first.cast(2)
    await wait_all_tasks_blocked()
    log.append("restarted")
    first.cast(crash)
    first.cast(3)
    await wait_all_tasks_blocked()

    assert log == ["restarted", 1, 2, 3]
    assert get_statistics(name).length == 0


@pytest.mark.parametrize("later", RULES.values(), ids=RULES)
@pytest.mark.parametrize("sooner", RULES.values(), ids=RULES)
async def test_what_is_kept_outlives_a_change_of_the_rules(
    system: ActorSystem, kind: Kind, sooner: Mailbox, later: Mailbox
) -> None:
    ada = await system.start(Probe)
    name, first, log = await supervise(system, kind(Recorder), sooner)
    spec = ChildSpec("recorder", kind(Recorder), args=(log,), name="recorder", mailbox=later)
    await does(ada, lambda _me: first.cast(1))

    async with trio.open_nursery() as nursery:
        if sooner is BOUNDED:
            nursery.start_soon(first.cast_wait, 2)
        await reconfigure(system.named("supervisor"), SupervisorSpec([spec], intensity=10))
        await wait_all_tasks_blocked()
        first.kill()
        await wait_all_tasks_blocked()

    assert log == ([1, 2] if sooner is BOUNDED else [1])
    known = get_statistics(name)
    assert (known.received, known.handled, known.length) == (len(log), len(log), 0)


async def test_what_was_kept_is_dead_letters_when_the_rules_keep_nothing_any_more(
    system: ActorSystem, kind: Kind
) -> None:
    name, first, log = await supervise(system, kind(Recorder), Mailbox(keep=True))
    spec = ChildSpec("recorder", kind(Recorder), args=(log,), name="recorder")
    first.cast(1)

    await reconfigure(system.named("supervisor"), SupervisorSpec([spec], intensity=10))
    first.kill()
    await wait_all_tasks_blocked()

    assert [letter.message for letter in system.dead_letters] == [1]
    assert get_statistics(name).received == 0


async def test_what_comes_while_nobody_is_there_is_kept_though_nothing_waited_before(
    system: ActorSystem, kind: Kind
) -> None:
    name, first, log = await supervise(system, kind(Recorder), Mailbox(keep=True), delay=1.0)

    first.kill()
    await wait_all_tasks_blocked()
    name.cast("sent meanwhile")
    with pytest.raises(NoProcessError):
        await first.call("a question", timeout=None)
    name.cast("and this")
    await trio.sleep(2.0)

    assert log == ["sent meanwhile", "and this"]

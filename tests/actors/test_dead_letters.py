"""What nobody will handle: looked at, sent again, thrown away."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from actors import (
    KILLED,
    NOPROC,
    NORMAL,
    Actor,
    ActorSystem,
    Caller,
    Crash,
    DeadLetter,
    Mailbox,
    MailboxFull,
    MailboxFullError,
    NoProcessError,
    get_statistics,
    open_system,
    suspend,
)
from supervision import ChildSpec, Supervisor, SupervisorSpec
from tests.actors.probe import Probe

if TYPE_CHECKING:
    from collections.abc import Callable

    from actors import ActorRef
    from tests.actors.kinds import Kind


class Till(Actor):
    """Keeps what it got."""

    def __init__(self) -> None:
        self.casts: list[object] = []
        self.infos: list[object] = []

    def handle_call(self, message: object, caller: Caller) -> object:
        if message == "fail":
            raise ValueError(message)
        return {"casts": list(self.casts), "infos": list(self.infos)}

    def handle_cast(self, message: object) -> None:
        self.casts.append(message)

    def handle_info(self, message: object) -> None:
        self.infos.append(message)


class Nasty:
    """A message that fails at everything it is asked for."""

    def __repr__(self) -> str:
        raise ValueError("no repr")

    def __eq__(self, other: object) -> bool:
        raise ValueError("no equality")

    __hash__ = None  # type: ignore[assignment]


async def start_dead(system: ActorSystem, actor: type[Actor], name: str | None = None) -> ActorRef:
    """Start an actor and stop it."""
    ref = await system.start(actor, name=name)
    await ref.stop()
    return ref


def the_letter(system: ActorSystem) -> DeadLetter:
    """Return the only dead letter."""
    (letter,) = system.dead_letters
    return letter


# -- what a letter tells


@pytest.mark.parametrize(("way", "kept_as"), [("cast", "cast"), ("send", "info")])
async def test_a_letter_tells_what_was_sent_to_the_dead_by_whom_and_when(
    system: ActorSystem, kind: Kind, way: str, kept_as: Any
) -> None:
    till = await start_dead(system, kind(Till))
    probe = await system.start(Probe)
    await trio.sleep(3.0)

    await probe.call(lambda _me: getattr(till, way)("sale"))

    assert the_letter(system) == DeadLetter("sale", kept_as, probe, till, NORMAL, 3.0)


async def test_a_letter_from_outside_every_actor_has_no_sender(system: ActorSystem) -> None:
    till = await start_dead(system, Till)

    till.cast("sale")

    assert the_letter(system).sender is None


async def test_unread_messages_are_letters_with_the_senders_they_came_from(system: ActorSystem, kind: Kind) -> None:
    one, other = await system.start(Probe), await system.start(Probe)
    till = await system.start(kind(Till))
    await suspend(till)
    for probe, message in ((one, "a"), (one, "b"), (other, "c"), (one, "d")):
        await probe.call(lambda _me, message=message: till.cast(message))
    till.send("e")

    await trio.sleep(2.0)
    till.kill()

    assert [(letter.message, letter.sender) for letter in system.dead_letters] == [
        ("a", one),
        ("b", one),
        ("c", other),
        ("d", one),
        ("e", None),
    ]
    assert {(letter.target, letter.reason, letter.time) for letter in system.dead_letters} == {(till, KILLED, 2.0)}


async def test_the_letters_of_a_crash_tell_its_reason(system: ActorSystem, kind: Kind) -> None:
    till = await system.start(kind(Till))
    request = till.send_request("fail")
    till.cast("sale")

    reason = await till.wait()

    assert isinstance(reason, Crash)
    assert the_letter(system).reason == reason
    assert request.answered


async def test_a_letter_for_a_name_that_nobody_has_is_for_the_name(system: ActorSystem) -> None:
    till = system.named("till")

    till.send("sale")

    assert the_letter(system) == DeadLetter("sale", "info", None, till, NOPROC, 0.0)


async def test_what_a_full_mailbox_drops_is_a_letter_with_its_own_sender(system: ActorSystem, kind: Kind) -> None:
    one, other = await system.start(Probe), await system.start(Probe)
    till = await system.start(kind(Till), mailbox=Mailbox(max_messages=1, overflow="drop_oldest"))
    await suspend(till)

    await one.call(lambda _me: till.cast("old"))
    await other.call(lambda _me: till.send("new"))

    assert the_letter(system) == DeadLetter("old", "cast", one, till, MailboxFull(1), 0.0)


async def test_what_was_set_aside_is_a_letter_too(system: ActorSystem, kind: Kind) -> None:
    class Setting(Till):
        def handle_cast(self, message: object) -> Any:
            return self.stash()

    till = await system.start(kind(Setting))
    till.cast("one")
    till.send("info")
    till.cast("two")
    await wait_all_tasks_blocked()

    till.kill()

    assert [letter.message for letter in system.dead_letters] == ["one", "two"]


async def test_calls_and_deliveries_are_no_letters(system: ActorSystem, kind: Kind) -> None:
    till = await system.start(kind(Till))
    await suspend(till)
    requests = [till.send_request("unread")]
    till.deliver("unread", lambda _outcome: None)

    till.kill()
    requests.append(till.send_request("for the dead"))
    till.deliver("for the dead", lambda _outcome: None)

    assert all(request.answered for request in requests)
    assert system.dead_letters.count == 0


async def test_what_the_runtime_itself_sends_is_no_letter(system: ActorSystem, kind: Kind) -> None:
    class Watcher(Till):
        def init(self) -> None:
            self.trap_exit = True
            till.monitor()
            till.link()
            self.timeout_after(1.0)

    till = await system.start(Till)
    watcher = await system.start(kind(Watcher))
    await suspend(watcher)
    await till.stop()
    watcher.exit(KILLED)
    await trio.sleep(1.0)
    waiting = get_statistics(watcher).length

    watcher.kill()

    assert waiting == 3
    assert system.dead_letters.count == 0


async def test_an_unread_tick_of_a_timer_is_a_letter_without_a_sender(system: ActorSystem, kind: Kind) -> None:
    till = await system.start(kind(Till))
    probe = await system.start(Probe)
    await suspend(till)
    await probe.call(lambda _me: till.send_after(1.0, "tick"))
    await trio.sleep(2.0)

    till.kill()
    await trio.sleep(2.0)

    assert the_letter(system) == DeadLetter("tick", "info", None, till, KILLED, 2.0)


def test_a_letter_that_is_written_when_trio_has_ended_has_no_time() -> None:
    async def main() -> tuple[ActorSystem, ActorRef]:
        async with open_system() as system:
            return system, await system.start(Till)

    system, till = trio.run(main)

    till.cast("late")

    assert (the_letter(system).message, the_letter(system).time) == ("late", math.inf)


# -- how many


async def test_the_latest_1000_are_kept_and_all_are_counted(system: ActorSystem) -> None:
    till = await start_dead(system, Till)

    for number in range(1500):
        till.cast(number)

    assert [letter.message for letter in system.dead_letters] == list(range(500, 1500))
    assert (len(system.dead_letters), system.dead_letters.count) == (1000, 1500)
    assert repr(system.dead_letters) == "<DeadLetters: 1500, 1000 kept>"


@pytest.mark.parametrize("mixed", [False, True], ids=["casts", "casts and an info"])
async def test_of_a_long_mailbox_the_latest_1000_are_kept_with_their_senders(
    system: ActorSystem, kind: Kind, *, mixed: bool
) -> None:
    def cast_many(probe: Probe, first: int) -> None:
        for number in range(first, first + 700):
            till.cast(number)

    one, other = await system.start(Probe), await system.start(Probe)
    till = await system.start(kind(Till))
    await suspend(till)
    await one.call(lambda me: cast_many(me, 0))
    await other.call(lambda me: cast_many(me, 700))
    if mixed:
        till.send(1400)

    till.kill()

    first = 401 if mixed else 400
    letters = list(system.dead_letters)
    assert [letter.message for letter in letters] == list(range(first, first + 1000))
    assert [letter.sender for letter in letters[:700]] == [one] * (700 - first) + [other] * first
    assert system.dead_letters.count == 1400 + mixed


# -- sent again


async def test_a_letter_goes_to_the_next_incarnation_of_the_name(system: ActorSystem, kind: Kind) -> None:
    await start_dead(system, kind(Till), name="till")
    old = await start_dead(system, kind(Till), name="till")
    old.cast("sale")
    old.send("note")
    till = await system.start(kind(Till), name="till")

    for letter in system.dead_letters:
        system.dead_letters.replay(letter)

    assert await till.call("what?") == {"casts": ["sale"], "infos": ["note"]}
    assert (len(system.dead_letters), system.dead_letters.count) == (0, 2)


async def test_a_letter_for_a_restarted_child_goes_to_its_next_incarnation(system: ActorSystem, kind: Kind) -> None:
    await system.start(Supervisor, SupervisorSpec([ChildSpec("till", kind(Till), name="till")]))
    name = system.named("till")
    old = name.whereis()
    assert old is not None
    old.kill()
    old.cast("sale")
    await wait_all_tasks_blocked()

    system.dead_letters.replay(the_letter(system))

    assert (await name.call("what?"))["casts"] == ["sale"]


async def test_a_letter_for_a_name_goes_to_whoever_has_it_now(system: ActorSystem, kind: Kind) -> None:
    system.named("till").cast("sale")
    till = await system.start(kind(Till), name="till")

    system.dead_letters.replay(the_letter(system))

    assert (await till.call("what?"))["casts"] == ["sale"]


async def test_a_letter_of_a_full_mailbox_goes_to_the_same_actor_with_or_without_a_name(
    system: ActorSystem, kind: Kind
) -> None:
    till = await system.start(kind(Till), mailbox=Mailbox(max_messages=1, overflow="drop_newest"))
    till.cast("handled")
    till.cast("dropped")
    await wait_all_tasks_blocked()

    system.dead_letters.replay(the_letter(system))
    await wait_all_tasks_blocked()

    assert (await till.call("what?"))["casts"] == ["handled", "dropped"]


@pytest.mark.parametrize("by_name", [False, True], ids=["ref", "name"])
async def test_a_letter_goes_to_whom_it_is_sent(system: ActorSystem, kind: Kind, *, by_name: bool) -> None:
    dead = await start_dead(system, kind(Till))
    dead.cast("sale")
    till = await system.start(kind(Till), name="till")

    system.dead_letters.replay(the_letter(system), to=system.named("till") if by_name else till)

    assert (await till.call("what?"))["casts"] == ["sale"]
    assert list(system.dead_letters) == []


async def test_a_replayed_letter_comes_from_the_actor_that_replays_it(system: ActorSystem) -> None:
    dead = await start_dead(system, Till)
    dead.cast("sale")
    probe = await system.start(Probe)
    other = await system.start(Till)
    await suspend(other)

    await probe.call(lambda _me: system.dead_letters.replay(the_letter(system), to=other))
    other.kill()

    letter = the_letter(system)
    assert (letter.message, letter.sender, letter.target) == ("sale", probe, other)


@pytest.mark.parametrize("to", ["nobody given", "the dead", "a free name"])
async def test_a_letter_that_nobody_can_take_is_kept(system: ActorSystem, to: str) -> None:
    till = await start_dead(system, Till, name="till")
    till.cast("sale")
    letter = the_letter(system)
    receivers = {"nobody given": None, "the dead": till, "a free name": system.named("nobody")}

    with pytest.raises(NoProcessError, match="is dead; say whom to send the message to"):
        system.dead_letters.replay(letter, to=receivers[to])

    assert (list(system.dead_letters), system.dead_letters.count) == ([letter], 1)


async def test_a_letter_that_a_full_mailbox_refuses_is_kept(system: ActorSystem, kind: Kind) -> None:
    dead = await start_dead(system, kind(Till))
    dead.cast("sale")
    letter = the_letter(system)
    till = await system.start(kind(Till), mailbox=Mailbox(max_messages=1))
    await suspend(till)
    till.cast("full")

    with pytest.raises(MailboxFullError):
        system.dead_letters.replay(letter, to=till)

    assert list(system.dead_letters) == [letter]


async def test_a_replayed_letter_that_is_dropped_is_a_new_letter(system: ActorSystem, kind: Kind) -> None:
    dead = await start_dead(system, kind(Till))
    dead.cast("sale")
    till = await system.start(kind(Till), mailbox=Mailbox(max_messages=1, overflow="drop_newest"))
    await suspend(till)
    till.cast("full")

    system.dead_letters.replay(the_letter(system), to=till)

    assert (the_letter(system).message, the_letter(system).target) == ("sale", till)
    assert system.dead_letters.count == 2


async def test_the_oldest_of_1000_letters_can_be_replayed_into_a_mailbox_that_drops_it(system: ActorSystem) -> None:
    dead = await start_dead(system, Till)
    for number in range(1000):
        dead.cast(number)
    till = await system.start(Till, mailbox=Mailbox(max_messages=1, overflow="drop_newest"))
    await suspend(till)
    till.cast("full")

    system.dead_letters.replay(next(iter(system.dead_letters)), to=till)

    assert [letter.message for letter in system.dead_letters] == [*range(1, 1000), 0]


@pytest.mark.parametrize(
    "act", [lambda letters, letter: letters.replay(letter), lambda letters, letter: letters.discard(letter)]
)
async def test_a_letter_that_is_not_kept_any_more_is_named(
    system: ActorSystem, act: Callable[[Any, DeadLetter], None]
) -> None:
    dead = await start_dead(system, Till, name="till")
    dead.cast("sale")
    letter = the_letter(system)
    till = await system.start(Till, name="till")
    system.dead_letters.replay(letter)

    with pytest.raises(LookupError, match=r"message='sale'.* is not, or no longer, one of the 0 dead letters"):
        act(system.dead_letters, letter)

    assert (await till.call("what?"))["casts"] == ["sale"]


async def test_a_discarded_letter_is_gone_and_still_counted(system: ActorSystem) -> None:
    dead = await start_dead(system, Till)
    for message in ("a", "b", "c"):
        dead.cast(message)

    system.dead_letters.discard(list(system.dead_letters)[1])

    assert [letter.message for letter in system.dead_letters] == ["a", "c"]
    assert system.dead_letters.count == 3


async def test_letters_may_be_replayed_and_discarded_while_they_are_looked_through(system: ActorSystem) -> None:
    dead = await start_dead(system, Till)
    for number in range(6):
        dead.cast(number)
    till = await system.start(Till)

    for letter in system.dead_letters:
        if letter.message == 3:
            system.dead_letters.discard(letter)
        else:
            system.dead_letters.replay(letter, to=till)

    assert (await till.call("what?"))["casts"] == [0, 1, 2, 4, 5]
    assert list(system.dead_letters) == []


# -- messages that misbehave


async def test_a_nasty_message_is_a_letter_that_can_be_replayed_and_discarded(system: ActorSystem, kind: Kind) -> None:
    dead = await start_dead(system, kind(Till))
    messages = [Nasty(), Nasty(), Nasty()]
    for message in messages:
        dead.cast(message)
    till = await system.start(kind(Till))
    first, second, third = system.dead_letters

    system.dead_letters.replay(second, to=till)
    system.dead_letters.discard(first)
    with pytest.raises(LookupError, match="one of the 1 dead letters"):
        system.dead_letters.discard(first)
    with pytest.raises(NoProcessError):
        system.dead_letters.replay(third)

    (got,) = (await till.call("what?"))["casts"]
    assert got is messages[1]
    assert the_letter(system) is third


async def test_unread_nasty_messages_are_letters(system: ActorSystem, kind: Kind) -> None:
    till = await system.start(kind(Till))
    await suspend(till)
    nasty = Nasty()
    till.cast(nasty)
    till.send(nasty)

    till.kill()

    assert [letter.kind for letter in system.dead_letters] == ["cast", "info"]
    assert all(letter.message is nasty for letter in system.dead_letters)
    assert ["Nasty whose repr raised ValueError" in repr(letter) for letter in system.dead_letters] == [True, True]

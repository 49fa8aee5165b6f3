"""Mailboxes that are kept: what a child leaves unread goes to its next incarnation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from actors import (
    Actor,
    ActorExitedError,
    ActorRef,
    ActorSystem,
    Caller,
    Down,
    Mailbox,
    MailboxFullError,
    NameRef,
    NoProcessError,
    Priority,
    get_statistics,
    open_system,
    resume,
    suspend,
)
from supervision import (
    ChildSpec,
    DynamicSupervisor,
    Supervisor,
    SupervisorSpec,
    start_child,
    terminate_child,
    which_children,
)
from tests.actors.kinds import KINDS, Kind

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

CRASH = "crash"


@attrs.define
class Book:
    """What all incarnations of a child have handled, and the failures that its next starts are to have."""

    handled: list[object] = attrs.field(factory=list)
    begun: list[object] = attrs.field(factory=list)
    failures: int = 0
    starts: int = 0


class Clerk(Actor):
    """Writes everything into the book, and crashes when told to."""

    def __init__(self, book: Book, ticks: float | None = None) -> None:
        self.book = book
        self.ticks = ticks

    def init(self) -> None:
        self.book.starts += 1
        if self.book.failures:
            self.book.failures -= 1
            raise RuntimeError("no start")
        if self.ticks is not None and self.book.starts == 1:
            self.ref.send_every(self.ticks, "tick")

    def handle_cast(self, message: object) -> None:
        self.book.begun.append(message)
        if message == CRASH or (isinstance(message, int) and message % 10 == 9 and message < 1000):
            raise RuntimeError("crashed")
        self.book.handled.append(message)

    def handle_info(self, message: object) -> None:
        self.book.handled.append(type(message) if isinstance(message, Down) else message)

    def handle_call(self, message: object, caller: Caller) -> object:
        return message


@pytest.fixture
async def system(autojump_clock: MockClock) -> AsyncIterator[ActorSystem]:
    async with open_system() as opened:
        yield opened


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> Kind:
    return KINDS[request.param]


async def desk(system: ActorSystem, kind: Kind, book: Book, **options: Any) -> tuple[ActorRef, NameRef]:
    """Start a supervisor with a clerk whose mailbox is kept; return it, and the clerk's name."""
    limits = {"intensity": options.pop("intensity", 1000), "strategy": options.pop("strategy", "one_for_one")}
    args = (book, options.pop("ticks", None))
    spec = ChildSpec("clerk", kind(Clerk), args, name="clerk", **{"mailbox": "keep"} | options)
    shop = await system.start(Supervisor, SupervisorSpec([spec], **limits), name="shop")
    return shop, system.named("clerk")


async def test_unread_casts_and_infos_go_to_the_next_incarnation_in_their_order(
    system: ActorSystem, kind: Kind
) -> None:
    book = Book()
    shop, clerk = await desk(system, kind, book)

    for message in ("one", CRASH, "two"):
        clerk.cast(message)
    clerk.send("three")
    clerk.cast("four")
    await wait_all_tasks_blocked()
    await which_children(shop)

    assert await clerk.call("settled") == "settled"
    assert book.handled == ["one", "two", "three", "four"]
    assert (book.starts, system.dead_letters.count) == (2, 0)


async def test_unread_calls_fail_at_once_and_are_not_handled(system: ActorSystem, kind: Kind) -> None:
    book = Book()
    shop, clerk = await desk(system, kind, book)
    first = clerk.whereis()
    assert first is not None

    clerk.cast(CRASH)
    unread = first.send_request("unread")
    clerk.cast("kept")
    await wait_all_tasks_blocked()

    with pytest.raises(ActorExitedError):
        unread.check()
    await which_children(shop)
    assert await clerk.call("answered") == "answered"
    assert book.handled == ["kept"]


class Slow(Actor):
    """Takes ten seconds to start; while it does, its supervisor restarts nobody."""

    async def init(self) -> None:
        await trio.sleep(10)


async def test_what_is_sent_between_two_incarnations_is_kept_and_a_call_fails(system: ActorSystem, kind: Kind) -> None:
    book = Book()
    shop, clerk = await desk(system, kind, book)
    first = clerk.whereis()
    assert first is not None
    async with trio.open_nursery() as nursery:
        nursery.start_soon(start_child, shop, ChildSpec("slow", Slow))
        await wait_all_tasks_blocked()
        clerk.cast(CRASH)
        await wait_all_tasks_blocked()
        assert not first.alive
        assert not clerk.alive

        clerk.cast("by name")
        first.cast("to the dead one")
        clerk.send("info")
        with pytest.raises(NoProcessError):
            await clerk.call("call")
        with pytest.raises(NoProcessError):
            await first.call("call")
    await wait_all_tasks_blocked()  # `start_child` is answered before the supervisor hears of the crash

    assert await clerk.call("settled") == "settled"
    assert book.handled == ["by name", "to the dead one", "info"]
    first.cast("too late")
    assert [letter.message for letter in system.dead_letters] == ["too late"]


@pytest.mark.slow
async def test_across_100_crashes_under_load_every_cast_is_handled_or_was_being_handled_at_a_crash(
    system: ActorSystem, kind: Kind
) -> None:
    book = Book()
    _, clerk = await desk(system, kind, book)

    async def load(numbers: range) -> None:
        for number in numbers:
            clerk.cast(number)
            await trio.sleep(0.001)

    async with trio.open_nursery() as nursery:
        for sender in range(10):
            nursery.start_soon(load, range(sender * 100, sender * 100 + 100))
    clerk.cast("last")
    await trio.sleep(1.0)

    crashed = [number for number in range(1000) if number % 10 == 9]
    assert book.starts == 1 + len(crashed)
    assert sorted(book.begun[:-1]) == list(range(1000))  # type: ignore[type-var]
    assert sorted(book.handled[:-1]) == [number for number in range(1000) if number not in crashed]  # type: ignore[type-var]
    for sender in range(10):
        own = [number for number in book.begun if isinstance(number, int) and number // 100 == sender]
        assert own == sorted(own)
    assert system.dead_letters.count == 0


async def test_when_the_supervisor_gives_up_what_was_kept_is_dead_letters(system: ActorSystem, kind: Kind) -> None:
    book = Book()
    shop, clerk = await desk(system, kind, book, intensity=1)

    for message in (CRASH, CRASH, "one", "two"):
        clerk.cast(message)
    await shop.wait()
    clerk.cast("three")

    assert [letter.message for letter in system.dead_letters] == ["one", "two", "three"]
    assert book.handled == []


async def test_when_the_supervisor_is_killed_what_is_kept_is_dead_letters(system: ActorSystem, kind: Kind) -> None:
    book = Book()
    shop, clerk = await desk(system, kind, book)

    await suspend(shop)
    for message in (CRASH, "one"):
        clerk.cast(message)
    await wait_all_tasks_blocked()
    clerk.cast("two")
    assert system.dead_letters.count == 0
    shop.kill()
    await shop.wait()

    assert [letter.message for letter in system.dead_letters] == ["one", "two"]
    assert not system.kept


async def test_after_terminate_child_what_was_unread_is_dead_letters(system: ActorSystem, kind: Kind) -> None:
    book = Book()
    shop, clerk = await desk(system, kind, book)
    first = clerk.whereis()
    assert first is not None

    await suspend(first)
    clerk.cast("one")
    await terminate_child(shop, "clerk")
    clerk.cast("two")

    assert [letter.message for letter in system.dead_letters] == ["one", "two"]


async def test_what_is_kept_outlives_starts_that_fail(system: ActorSystem, kind: Kind) -> None:
    book = Book()
    shop, clerk = await desk(system, kind, book)
    book.failures = 5

    for message in (CRASH, "one", "two"):
        clerk.cast(message)
    while book.starts < 7:
        await which_children(shop)

    assert await clerk.call("settled") == "settled"
    assert book.handled == ["one", "two"]


async def test_timers_and_what_they_have_sent_end_with_the_incarnation(system: ActorSystem, kind: Kind) -> None:
    book = Book()
    shop, clerk = await desk(system, kind, book, ticks=1.0)
    first = clerk.whereis()
    assert first is not None

    await suspend(first)
    await trio.sleep(2.5)  # two ticks wait
    clerk.cast(CRASH)
    clerk.cast("one")
    first.kill()
    await wait_all_tasks_blocked()
    await which_children(shop)
    await trio.sleep(10)

    assert book.begun == [CRASH, "one"]
    assert book.handled == ["one"]


@pytest.mark.parametrize("strategy", ["one_for_all", "rest_for_one"])
async def test_siblings_that_are_restarted_as_well_keep_theirs(system: ActorSystem, kind: Kind, strategy: Any) -> None:
    books = {name: Book() for name in ("first", "second")}
    specs = [ChildSpec(name, kind(Clerk), (book,), name=name, mailbox="keep") for name, book in books.items()]
    shop = await system.start(Supervisor, SupervisorSpec(specs, strategy=strategy))
    second = system.named("second")
    held = second.whereis()
    assert held is not None

    await suspend(held)
    second.cast("one")
    system.named("first").cast(CRASH)
    await wait_all_tasks_blocked()
    await which_children(shop)

    assert await second.call("settled") == "settled"
    assert books["second"].handled == ["one"]
    assert books["second"].starts == 2


async def test_a_child_of_a_dynamic_supervisor_keeps_its_mailbox_too(system: ActorSystem, kind: Kind) -> None:
    book = Book()
    pool = await system.start(DynamicSupervisor)
    await start_child(pool, ChildSpec("clerk", kind(Clerk), (book,), name="clerk", mailbox="keep"))
    clerk = system.named("clerk")

    for message in ("one", CRASH, "two"):
        clerk.cast(message)
    await wait_all_tasks_blocked()
    await which_children(pool)

    assert await clerk.call("settled") == "settled"
    assert book.handled == ["one", "two"]


async def test_a_temporary_child_leaves_its_messages_to_nobody(system: ActorSystem, kind: Kind) -> None:
    book = Book()
    shop, clerk = await desk(system, kind, book, restart="temporary")

    for message in (CRASH, "one"):
        clerk.cast(message)
    await wait_all_tasks_blocked()
    await which_children(shop)

    assert [letter.message for letter in system.dead_letters] == ["one"]


async def test_what_was_set_aside_is_kept_ahead_of_the_rest(system: ActorSystem, kind: Kind) -> None:
    class Hesitant(Clerk):
        def handle_cast(self, message: object) -> Any:
            if self.book.starts == 1 and message != CRASH:
                return self.stash()
            return super().handle_cast(message)

    book = Book()
    shop = await system.start(
        Supervisor, SupervisorSpec([ChildSpec("clerk", kind(Hesitant), (book,), name="clerk", mailbox="keep")])
    )
    clerk = system.named("clerk")

    for message in ("one", "two", CRASH, "three"):
        clerk.cast(message)
    await wait_all_tasks_blocked()
    await which_children(shop)

    assert await clerk.call("settled") == "settled"
    assert book.handled == ["one", "two", "three"]


async def test_a_bounded_mailbox_keeps_its_bound_and_a_priority_mailbox_its_order(
    system: ActorSystem, kind: Kind
) -> None:
    book = Book()
    rules = Mailbox(max_messages=3, priority=True, keep=True)
    shop, clerk = await desk(system, kind, book, mailbox=rules)
    first = clerk.whereis()
    assert first is not None

    await suspend(first)
    clerk.cast("low", priority=Priority.LOW)
    clerk.cast("normal")
    await suspend(shop)
    first.kill()
    await wait_all_tasks_blocked()
    clerk.cast("critical", priority=Priority.CRITICAL)
    with pytest.raises(MailboxFullError):
        clerk.cast("one too many")
    await resume(shop)
    await which_children(shop)

    assert await clerk.call("settled", priority=Priority.LOW) == "settled"
    assert book.handled == ["critical", "normal", "low"]


async def test_who_waits_for_room_is_let_in_by_the_next_incarnation(system: ActorSystem, kind: Kind) -> None:
    book = Book()
    shop, clerk = await desk(system, kind, book, mailbox=Mailbox(max_messages=1, overflow="wait", keep=True))
    first = clerk.whereis()
    assert first is not None

    await suspend(first)
    clerk.cast("one")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(clerk.cast_wait, "two")
        await wait_all_tasks_blocked()
        first.kill()
        await which_children(shop)

    assert await clerk.call("settled") == "settled"
    assert book.handled == ["one", "two"]


async def test_statistics_begin_anew_with_what_was_kept(system: ActorSystem, kind: Kind) -> None:
    book = Book()
    shop, clerk = await desk(system, kind, book)
    for message in ("one", CRASH, "two"):
        clerk.cast(message)
    await wait_all_tasks_blocked()
    await which_children(shop)
    await clerk.call("settled")

    known = get_statistics(clerk)

    assert (known.received, known.handled, known.length) == (2, 2, 0)


async def test_senders_are_known_across_incarnations(system: ActorSystem, kind: Kind) -> None:
    class Sender(Actor):
        def handle_call(self, message: Callable[[], object], caller: Caller) -> object:
            return message()

    book = Book()
    shop, clerk = await desk(system, kind, book, intensity=1)
    one, other = await system.start(Sender), await system.start(Sender)
    first = clerk.whereis()
    assert first is not None

    await suspend(first)
    await one.call(lambda: clerk.cast(CRASH))
    await one.call(lambda: clerk.cast(CRASH))
    await one.call(lambda: clerk.cast("one"))
    await other.call(lambda: clerk.cast("other"))
    clerk.cast("nobody")
    await resume(first)
    await shop.wait()

    assert [(letter.message, letter.sender) for letter in system.dead_letters] == [
        ("one", one),
        ("other", other),
        ("nobody", None),
    ]


@pytest.mark.parametrize("mailbox", ["kept", True, 5])
def test_what_is_no_mailbox_is_refused(mailbox: Any) -> None:
    with pytest.raises(ValueError, match=r"mailbox is .*; allowed is a Mailbox, 'keep' or None"):
        ChildSpec("clerk", Clerk, mailbox=mailbox)

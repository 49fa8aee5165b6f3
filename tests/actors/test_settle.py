"""Messages that settle: who sent one is told once what became of it."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, Any

import attrs
import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
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
    BadReturnError,
    Caller,
    Continue,
    Crash,
    Failed,
    Handled,
    Lost,
    Mailbox,
    MailboxFull,
    MailboxFullError,
    Outcome,
    Priority,
    Stop,
    get_statistics,
    open_system,
    resume,
    suspend,
)
from supervision import ChildSpec, Supervisor, SupervisorSpec
from tests.actors.kinds import KINDS
from tests.actors.probe import Probe

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.actors.kinds import Kind


class Ledger:
    """Notes what became of messages, in the order in which it was told."""

    def __init__(self) -> None:
        self.entries: list[tuple[object, Outcome]] = []

    def deliver(self, ref: Any, message: object, **options: Any) -> None:
        ref.deliver(message, partial(self._note, message), **options)

    def _note(self, message: object, outcome: Outcome) -> None:
        self.entries.append((message, outcome))

    def of(self, message: object) -> list[Outcome]:
        return [outcome for settled, outcome in self.entries if settled is message]


class Till(Actor):
    """Returns what a message makes of it."""

    def __init__(self) -> None:
        self.open = False
        self.seen: list[object] = []

    def handle_cast(self, message: object) -> Any:
        self.seen.append(message)
        if callable(message):
            return message(self)
        return None

    def handle_continue(self, argument: object) -> Any:
        self.seen.append(argument)
        if callable(argument):
            return argument(self)
        return None

    def handle_call(self, message: object, caller: Caller) -> object:
        return message(self) if callable(message) else message


class Hiding(Till):
    async def handle_cast(self, message: object) -> Any:
        with trio.CancelScope(shield=True):
            await trio.sleep(60.0)


class Waiting(Till):
    async def handle_cast(self, message: object) -> Any:
        await trio.sleep(60.0)


def fail(_till: Till) -> None:
    raise ValueError("boom")


def set_aside(till: Till) -> Any:
    return None if till.open else till.stash()


def open_up(till: Till) -> int:
    till.open = True
    return till.unstash()


# -- handled


@pytest.mark.parametrize(
    "result", [None, Continue("on"), Stop(), Stop(Crash("because"))], ids=["None", "Continue", "Stop", "Stop(Crash)"]
)
async def test_a_message_whose_handler_has_returned_is_handled_once(
    system: ActorSystem, kind: Kind, result: object
) -> None:
    ledger = Ledger()
    till = await system.start(kind(Till))

    ledger.deliver(till, lambda _till: result)
    await wait_all_tasks_blocked()
    till.kill()
    await till.wait()

    assert [outcome for _, outcome in ledger.entries] == [Handled()]


async def test_it_settles_when_the_handler_has_returned_and_not_before(system: ActorSystem) -> None:
    told: list[float] = []
    till = await system.start(Waiting)

    till.deliver("sale", lambda _outcome: told.append(trio.current_time()))
    await till.call("barrier", timeout=None)

    assert told == [60.0]


async def test_messages_settle_in_the_order_in_which_they_are_handled(system: ActorSystem, kind: Kind) -> None:
    ledger = Ledger()
    till = await system.start(kind(Till), mailbox=Mailbox(priority=True))
    await suspend(till)
    ledger.deliver(till, "low", priority=Priority.LOW)
    ledger.deliver(till, "normal")
    ledger.deliver(till, "high", priority=Priority.HIGH)

    await resume(till)
    await wait_all_tasks_blocked()

    assert ledger.entries == [("high", Handled()), ("normal", Handled()), ("low", Handled())]


async def test_a_crash_in_handle_continue_leaves_the_message_handled(system: ActorSystem, kind: Kind) -> None:
    ledger = Ledger()
    till = await system.start(kind(Till))

    ledger.deliver(till, lambda _till: Continue(fail))
    await till.wait()

    assert [outcome for _, outcome in ledger.entries] == [Handled()]


async def test_a_name_delivers_to_whoever_has_it(system: ActorSystem, kind: Kind) -> None:
    ledger = Ledger()
    await system.start(kind(Till), name="till")

    ledger.deliver(system.named("till"), "sale")
    await wait_all_tasks_blocked()

    assert ledger.entries == [("sale", Handled())]


# -- failed


async def test_a_message_whose_handler_raised_has_failed_once(system: ActorSystem, kind: Kind) -> None:
    ledger = Ledger()
    till = await system.start(kind(Till))

    ledger.deliver(till, fail)
    reason = await till.wait()

    assert isinstance(reason, Crash)
    assert ledger.entries == [(fail, Failed(reason))]


async def test_a_bad_return_is_a_failure(system: ActorSystem, kind: Kind) -> None:
    ledger = Ledger()
    till = await system.start(kind(Till))

    ledger.deliver(till, lambda _till: 7)
    await till.wait()

    (outcome,) = (outcome for _, outcome in ledger.entries)
    assert isinstance(outcome, Failed)
    assert isinstance(outcome.reason, Crash)
    assert isinstance(outcome.reason.cause, BadReturnError)


@pytest.mark.parametrize("end", [lambda ref: ref.exit(SHUTDOWN), lambda ref: ref.kill()], ids=["exit", "kill"])
async def test_a_message_whose_handler_was_cut_off_has_failed(
    system: ActorSystem, end: Callable[[ActorRef], None]
) -> None:
    ledger = Ledger()
    till = await system.start(Waiting)
    ledger.deliver(till, "sale")
    await wait_all_tasks_blocked()

    end(till)
    reason = await till.wait()

    assert ledger.entries == [("sale", Failed(reason))]
    assert trio.current_time() == 0.0


async def test_an_actor_that_kills_itself_has_failed_at_its_message(system: ActorSystem, kind: Kind) -> None:
    ledger = Ledger()
    till = await system.start(kind(Till))

    ledger.deliver(till, lambda till: till.ref.kill())
    await till.wait()

    assert [outcome for _, outcome in ledger.entries] == [Failed(KILLED)]


async def test_what_a_zombie_was_handling_has_failed_when_it_is_left_behind_and_never_settles_again(
    system: ActorSystem,
) -> None:
    ledger = Ledger()
    till = await system.start(Hiding)
    ledger.deliver(till, "sale")
    await wait_all_tasks_blocked()

    till.kill()
    await till.wait()
    left_behind = list(ledger.entries)
    await trio.sleep(100.0)

    assert left_behind == ledger.entries == [("sale", Failed(KILLED))]


# -- lost


@pytest.mark.parametrize(
    ("end", "reason"),
    [(lambda ref: ref.kill(), KILLED), (lambda ref: ref.exit(SHUTDOWN), SHUTDOWN)],
    ids=["kill", "exit"],
)
async def test_messages_that_were_not_handled_are_lost_in_their_order(
    system: ActorSystem, kind: Kind, end: Callable[[ActorRef], None], reason: object
) -> None:
    ledger = Ledger()
    till = await system.start(kind(Till))
    await suspend(till)
    ledger.deliver(till, "one")
    till.cast("no delivery")
    ledger.deliver(till, "two")

    end(till)
    await till.wait()

    assert ledger.entries == [("one", Lost(reason)), ("two", Lost(reason))]  # type: ignore[arg-type]
    assert [letter.message for letter in system.dead_letters] == ["no delivery"]


async def test_what_is_behind_the_message_that_fails_is_lost(system: ActorSystem, kind: Kind) -> None:
    ledger = Ledger()
    till = await system.start(kind(Till))

    ledger.deliver(till, "handled")
    ledger.deliver(till, fail)
    ledger.deliver(till, "behind")
    reason = await till.wait()

    assert ledger.entries == [("handled", Handled()), (fail, Failed(reason)), ("behind", Lost(reason))]


async def test_a_message_for_the_dead_is_lost_at_once_and_no_dead_letter(system: ActorSystem, kind: Kind) -> None:
    ledger = Ledger()
    till = await system.start(kind(Till))
    await till.stop()

    ledger.deliver(till, "sale")

    assert ledger.entries == [("sale", Lost(NORMAL))]
    assert system.dead_letters.count == 0


async def test_a_message_for_a_name_that_nobody_has_is_lost_at_once_and_no_dead_letter(system: ActorSystem) -> None:
    ledger = Ledger()

    ledger.deliver(system.named("nobody"), "sale")

    assert ledger.entries == [("sale", Lost(NOPROC))]
    assert system.dead_letters.count == 0


async def test_a_message_that_a_full_mailbox_drops_is_lost(system: ActorSystem, kind: Kind) -> None:
    ledger = Ledger()
    newest = await system.start(kind(Till), mailbox=Mailbox(max_messages=1, overflow="drop_newest"))
    oldest = await system.start(kind(Till), mailbox=Mailbox(max_messages=1, overflow="drop_oldest"))
    await suspend(newest)
    await suspend(oldest)

    for till in (newest, oldest):
        ledger.deliver(till, f"first of {till.id}")
        ledger.deliver(till, f"second of {till.id}")

    full = Lost(MailboxFull(1))
    assert ledger.entries == [(f"second of {newest.id}", full), (f"first of {oldest.id}", full)]
    assert system.dead_letters.count == 0


@pytest.mark.parametrize("overflow", ["reject", "wait"])
async def test_a_full_mailbox_that_drops_nothing_refuses_a_delivery_and_never_settles_it(
    system: ActorSystem, kind: Kind, overflow: Any
) -> None:
    ledger = Ledger()
    till = await system.start(kind(Till), mailbox=Mailbox(max_messages=1, overflow=overflow))
    await suspend(till)
    ledger.deliver(till, "first")

    with pytest.raises(MailboxFullError):
        ledger.deliver(till, "second")
    await resume(till)
    await till.stop()

    assert ledger.entries == [("first", Handled())]


async def test_a_settle_that_delivers_again_to_a_full_mailbox_leaves_its_count_right(
    system: ActorSystem, kind: Kind
) -> None:
    ledger = Ledger()
    till = await system.start(kind(Till), mailbox=Mailbox(max_messages=2, overflow="drop_oldest"))
    await suspend(till)
    till.deliver("again", lambda outcome: ledger.deliver(till, "once more"))
    ledger.deliver(till, "second")

    ledger.deliver(till, "third")
    waiting = get_statistics(till).length
    await resume(till)
    await till.stop()

    assert waiting == 2
    assert sorted(str(message) for message, _ in ledger.entries) == ["once more", "second", "third"]
    assert [outcome for _, outcome in ledger.entries].count(Handled()) == 2


# -- set aside


async def test_what_is_set_aside_settles_when_it_is_handled_at_last(system: ActorSystem, kind: Kind) -> None:
    ledger = Ledger()
    till = await system.start(kind(Till))
    ledger.deliver(till, set_aside)
    await till.call("barrier", timeout=None)
    before = list(ledger.entries)

    await till.call(open_up, timeout=None)
    await till.call("barrier", timeout=None)

    assert before == []
    assert ledger.entries == [(set_aside, Handled())]


async def test_what_is_set_aside_and_taken_back_at_once_settles_when_it_is_handled_again(
    system: ActorSystem, kind: Kind
) -> None:
    ledger = Ledger()
    turns: list[int] = []

    def twice(till: Till) -> None:
        turns.append(len(ledger.entries))
        if len(turns) == 1:
            till.stash()
            till.unstash()

    till = await system.start(kind(Till))

    ledger.deliver(till, twice)
    await wait_all_tasks_blocked()

    assert turns == [0, 0]
    assert ledger.entries == [(twice, Handled())]


@pytest.mark.parametrize("later", [0, 1], ids=["last", "not last"])
async def test_what_is_set_aside_is_lost_with_its_actor(system: ActorSystem, kind: Kind, later: int) -> None:
    ledger = Ledger()
    till = await system.start(kind(Till))
    ledger.deliver(till, set_aside)
    for _ in range(later):
        till.cast("other")
    await wait_all_tasks_blocked()

    till.kill()
    await till.wait()

    assert ledger.entries == [(set_aside, Lost(KILLED))]


# -- kept


class Shop(Till):
    """A till with a mailbox that outlives it."""


def shop(kind: Kind) -> SupervisorSpec:
    child = ChildSpec("till", kind(Shop), name="till", mailbox="keep")
    return SupervisorSpec([child], intensity=100)


async def test_what_is_kept_settles_with_what_the_next_incarnation_makes_of_it(system: ActorSystem, kind: Kind) -> None:
    ledger = Ledger()
    await system.start(Supervisor, shop(kind))
    name = system.named("till")
    first = name.whereis()
    assert first is not None
    ledger.deliver(name, "before")
    ledger.deliver(name, fail)
    ledger.deliver(name, "kept")

    await first.wait()
    await wait_all_tasks_blocked()

    failed = ledger.of(fail)
    assert ledger.of("before") == ledger.of("kept") == [Handled()]
    assert failed == [Failed(first.reason)]  # type: ignore[arg-type]
    assert name.whereis() is not first


async def test_what_was_set_aside_and_is_kept_does_not_settle_with_the_first_incarnation(
    system: ActorSystem, kind: Kind
) -> None:
    ledger = Ledger()
    await system.start(Supervisor, shop(kind))
    name = system.named("till")
    ledger.deliver(name, set_aside)
    await wait_all_tasks_blocked()

    name.kill()
    await wait_all_tasks_blocked()
    between = list(ledger.entries)
    await name.call(open_up, timeout=None)
    await name.call("barrier", timeout=None)

    assert between == []
    assert ledger.entries == [(set_aside, Handled())]


async def test_what_is_kept_is_lost_when_the_supervisor_ends(system: ActorSystem, kind: Kind) -> None:
    ledger = Ledger()
    supervisor = await system.start(Supervisor, shop(kind))
    name = system.named("till")
    till = name.whereis()
    assert till is not None
    await suspend(till)
    ledger.deliver(till, "sale")

    await supervisor.stop()

    assert ledger.entries == [("sale", Lost(SHUTDOWN))]


# -- the order of what is told


async def test_whoever_watches_is_told_before_the_message_settles(system: ActorSystem) -> None:
    order: list[str] = []
    probe = await system.start(Probe)
    till = await system.start(Till)
    await probe.call(lambda _me: till.monitor())
    await suspend(till)
    till.deliver(fail, lambda outcome: order.append(f"{type(outcome).__name__} {get_statistics(probe).received}"))
    till.deliver("behind", lambda outcome: order.append(f"{type(outcome).__name__} {get_statistics(probe).received}"))
    before = get_statistics(probe).received

    await resume(till)
    await till.wait()

    assert order == [f"Failed {before + 1}", f"Lost {before + 1}"]


async def test_a_caller_is_answered_before_the_message_settles(system: ActorSystem, kind: Kind) -> None:
    told: list[object] = []
    till = await system.start(kind(Till))
    await suspend(till)
    till.deliver(fail, lambda outcome: told.append(request.answered))
    request = till.send_request("behind")

    await resume(till)
    reason = await till.wait()

    assert told == [True]
    with pytest.raises(ActorExitedError) as caught:
        request.check()
    assert caught.value.reason == reason


# -- a settle that misbehaves


@pytest.mark.parametrize("error", [ValueError("boom"), SystemExit(3), GeneratorExit()], ids=repr)
async def test_a_settle_that_raises_is_logged_and_harms_nobody(
    system: ActorSystem, kind: Kind, error: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    ledger = Ledger()
    till = await system.start(kind(Till))

    def settle(_outcome: Outcome) -> None:
        raise error

    till.deliver("sale", settle)
    ledger.deliver(till, "next")
    await till.call("barrier", timeout=None)

    assert till.alive
    assert ledger.entries == [("next", Handled())]
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert record.getMessage() == "settling 'sale' as Handled() failed"
    assert record.exc_info is not None
    assert record.exc_info[1] is error


async def test_a_settle_that_raises_at_the_end_keeps_nobody_else_from_being_told(
    system: ActorSystem, kind: Kind, caplog: pytest.LogCaptureFixture
) -> None:
    ledger = Ledger()
    till = await system.start(kind(Till))

    def settle(_outcome: Outcome) -> None:
        raise SystemExit(3)

    till.deliver(fail, settle)
    till.deliver("unread", settle)
    ledger.deliver(till, "last")
    till.cast("letter")
    reason = await till.wait()

    assert ledger.entries == [("last", Lost(reason))]
    assert [letter.message for letter in system.dead_letters] == ["letter"]
    assert sum("settling" in record.getMessage() for record in caplog.records) == 2


async def test_a_settle_that_is_async_def_is_refused_in_the_log(
    system: ActorSystem, kind: Kind, caplog: pytest.LogCaptureFixture
) -> None:
    till = await system.start(kind(Till))

    async def settle(_outcome: Outcome) -> None:
        await trio.sleep(1.0)

    till.deliver("sale", settle)
    await till.call("barrier", timeout=None)

    (record,) = caplog.records
    assert record.exc_info is not None
    assert "must be def" in str(record.exc_info[1])


class Nasty:
    """A message that fails at everything it is asked for."""

    def __repr__(self) -> str:
        raise ValueError("no repr")

    def __eq__(self, other: object) -> bool:
        raise ValueError("no equality")

    __hash__ = None  # type: ignore[assignment]


class NastyError(Exception):
    def __repr__(self) -> str:
        raise ValueError("no repr")

    __str__ = __repr__


async def test_a_nasty_message_and_a_nasty_reason_settle_like_others(
    system: ActorSystem, kind: Kind, caplog: pytest.LogCaptureFixture
) -> None:
    outcomes: list[Outcome] = []

    def settle(outcome: Outcome) -> None:
        outcomes.append(outcome)
        raise NastyError

    class Failing(Actor):
        def handle_cast(self, message: object) -> None:
            raise NastyError

    caplog.set_level(logging.CRITICAL)
    till = await system.start(kind(Failing))

    till.deliver(Nasty(), settle)
    await till.wait()
    till.deliver(Nasty(), settle)

    assert [type(outcome) for outcome in outcomes] == [Failed, Lost]


async def test_a_settle_may_deliver_the_next_message_itself(system: ActorSystem, kind: Kind) -> None:
    ledger = Ledger()
    till = await system.start(kind(Till))

    till.deliver("one", lambda _outcome: till.deliver("two", lambda _outcome: ledger.deliver(till, "three")))
    await wait_all_tasks_blocked()

    assert ledger.entries == [("three", Handled())]


async def test_a_settle_may_kill_the_actor_that_has_handled_its_message(system: ActorSystem, kind: Kind) -> None:
    ledger = Ledger()
    till = await system.start(kind(Till))

    till.deliver("one", lambda _outcome: till.kill())
    ledger.deliver(till, "two")
    reason = await till.wait()

    assert reason == KILLED
    assert ledger.entries == [("two", Lost(KILLED))]


# -- never twice


@attrs.frozen
class Step:
    """What a script does next."""

    act: str
    seconds: float = 0.0


ACTS = ("none", "stash", "continue", "stop", "fail", "bad", "wait", "hide", "kill", "exit", "open", "ask", "pause")
STEPS = st.builds(Step, st.sampled_from(ACTS), st.sampled_from([0.0, 0.5, 2.0]))
RULES = [
    Mailbox(),
    Mailbox(keep=True),
    Mailbox(priority=True, keep=True),
    Mailbox(max_messages=2, overflow="drop_oldest", keep=True),
    Mailbox(max_messages=2, overflow="drop_newest"),
]


class Actress(Till):
    """Does what the messages of a script say; some wait, some hide from being killed."""

    async def wait(self, step: Step) -> None:
        await trio.sleep(step.seconds)

    async def hide(self, step: Step) -> None:
        with trio.CancelScope(shield=True):
            await trio.sleep(step.seconds)

    def handle_cast(self, message: object) -> Any:
        assert isinstance(message, Step)
        match message.act:
            case "stash":
                return set_aside(self)
            case "continue":
                return Continue("on")
            case "stop":
                return Stop()
            case "fail":
                raise ValueError("boom")
            case "bad":
                return 7
        return None


class WaitingActress(Actress):
    async def handle_cast(self, message: object) -> Any:
        assert isinstance(message, Step)
        if message.act == "wait":
            await self.wait(message)
        elif message.act == "hide":
            await self.hide(message)
        return super().handle_cast(message)


SCRIPTED: dict[str, type[Actor]] = {
    "def": Actress,
    "async": KINDS["async"](Actress),
    "waiting": KINDS["waiting"](Actress),
    "hiding": WaitingActress,
}


async def play(ledger: Ledger, name: Any, step: Step) -> int:
    """Do *step*; return how many messages were delivered by it."""
    ref = name.whereis()
    match step.act:
        case "kill" if ref is not None:
            ref.kill()
        case "exit" if ref is not None:
            ref.exit(SHUTDOWN)
        case "open" if ref is not None:
            ref.send_request(open_up)
        case "ask" if ref is not None:
            ref.send_request("question")
        case "pause":
            await trio.sleep(step.seconds)
        case _:
            ledger.deliver(name, attrs.evolve(step))
            return 1
    return 0


@pytest.mark.parametrize("actress", SCRIPTED)
@pytest.mark.parametrize("rules", RULES, ids=str)
@settings(max_examples=25, deadline=None)
@given(script=st.lists(STEPS, max_size=12))
async def test_whatever_happens_every_message_settles_once(actress: str, rules: Mailbox, script: list[Step]) -> None:
    ledger = Ledger()
    delivered = 0
    async with open_system() as system:
        child = ChildSpec("till", SCRIPTED[actress], name="till", mailbox=rules)
        await system.start(Supervisor, SupervisorSpec([child], intensity=6))
        name = system.named("till")
        for step in script:
            delivered += await play(ledger, name, step)
        await trio.sleep(100.0)

    assert len(ledger.entries) == delivered
    assert len({id(message) for message, _ in ledger.entries}) == delivered
    handled = {message.act for message, outcome in ledger.entries if isinstance(outcome, Handled)}  # type: ignore[attr-defined]
    assert handled.isdisjoint({"fail", "bad"})

"""Mailboxes of every kind do what a model of plain lists does, whatever is sent, handled, set aside or cancelled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, get_args

import attrs
import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import wait_all_tasks_blocked

from actors import (
    Actor,
    ActorExitedError,
    ActorRef,
    ActorSystem,
    Caller,
    Continue,
    Mailbox,
    MailboxFullError,
    Priority,
    Timeout,
    get_statistics,
    open_system,
    resume,
    suspend,
)
from tests.actors.kinds import KINDS
from tests.actors.probe import Probe
from tests.actors.recorder import KINDS_OF_MAILBOX, does

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

ROOM = 3
SENDERS = ("nobody", "ada", "joe", "stepper")

Way = Literal["cast", "send", "cast_wait", "call"]
Action = Literal["take", "stash", "unstash", "idle", "continue", "echo", "echo and stash", "unstash and stash"]

RULES = {
    name: attrs.evolve(rules, max_messages=min(rules.max_messages, ROOM)) for name, rules in KINDS_OF_MAILBOX.items()
}


@attrs.frozen
class Sending:
    way: Way
    sender: str
    priority: Priority


@attrs.frozen
class Handling:
    action: Action


@attrs.frozen
class Cancelling:
    """Cancel one of those that wait for room."""

    which: int


Step = Sending | Handling | Cancelling

SENDINGS = st.builds(
    Sending,
    st.sampled_from(["cast", "cast", "send", "cast_wait", "call"]),
    st.sampled_from(SENDERS[:3]),
    st.sampled_from(Priority),
)
ACTIONS = st.sampled_from(("take", *get_args(Action)))
SCRIPTS = st.lists(
    st.one_of(SENDINGS, SENDINGS, st.builds(Handling, ACTIONS), st.builds(Cancelling, st.integers(0, 3))),
    min_size=12,
    max_size=40,
)


@attrs.frozen
class Letter:
    """A message as the model knows it: a number, or what the runtime itself sends."""

    content: Any
    way: Way | None
    sender: str
    priority: Priority


class Model:
    """A mailbox of plain lists, and what became of what was sent."""

    def __init__(self, rules: Mailbox) -> None:
        self.rules = rules
        self.first: list[Letter] = []
        self.waiting: list[Letter] = []
        self.stash: list[Letter] = []
        self.held: list[Letter] = []
        self.handled: list[Any] = []
        self.dead: list[tuple[Any, str]] = []
        self.outcomes: dict[Any, str] = {}
        self.dropped = 0

    @property
    def full(self) -> bool:
        counted = [letter for letter in (*self.first, *self.waiting, *self.stash) if letter.way is not None]
        return 0 < self.rules.max_messages <= len(counted)

    def send(self, letter: Letter) -> None:
        overflow = self.rules.overflow
        if not self.full:
            self._enter(letter)
        elif overflow == "drop_newest" or (overflow == "drop_oldest" and not self._make_room(letter)):
            self._drop(letter)
            self._note(letter, "sent" if letter.way == "cast_wait" else "full")
        elif overflow == "drop_oldest":
            self._enter(letter)
        elif overflow == "wait" and letter.way in {"cast_wait", "call"}:
            self.held.append(letter)
        else:
            self._note(letter, "full")

    def _enter(self, letter: Letter) -> None:
        self.waiting.append(letter)
        if letter.way == "cast_wait":
            self._note(letter, "sent")

    def _note(self, letter: Letter, outcome: str) -> None:
        if letter.way in {"cast_wait", "call"}:
            self.outcomes[letter.content] = outcome

    def _make_room(self, letter: Letter) -> bool:
        level = (lambda one: one.priority) if self.rules.priority else (lambda _one: Priority.LOW)
        victims = sorted((one for one in self.waiting if level(one) <= level(letter)), key=level)
        if not victims:
            return False
        self.waiting.remove(victims[0])
        self._drop(victims[0])
        return True

    def _drop(self, letter: Letter) -> None:
        self.dropped += 1
        if letter.way == "call":
            self._note(letter, "full")
        else:
            self.dead.append((letter.content, letter.sender))

    def in_order(self) -> list[Letter]:
        if not self.rules.priority:
            return [*self.first, *self.waiting]
        return [*self.first, *sorted(self.waiting, key=lambda letter: -letter.priority)]

    def handle(self, action: Action, echo: Any) -> None:
        if not (ready := self.in_order()):
            return
        letter = ready[0]
        (self.first or self.waiting).remove(letter)
        while self.held and not self.full:
            self._enter(self.held.pop(0))
        if letter.way is None:
            self.handled.append(letter.content)
            return
        if action.startswith("echo"):
            self.send(Letter(echo, "cast", "stepper", Priority.NORMAL))
        if action.startswith("unstash and"):
            self._unstash()
        if action.endswith(" stash") or action == "stash":
            self.stash.append(letter)
        else:
            self._take(letter, action)

    def _take(self, letter: Letter, action: Action) -> None:
        self.handled.append(letter.content)
        if letter.way == "call":
            self.outcomes[letter.content] = "answered"
        if action == "unstash":
            self._unstash()
        elif action == "idle":
            self.first.insert(0, Letter(Timeout(), None, "nobody", Priority.NORMAL))
        elif action == "continue":
            self.first.insert(0, Letter("continued", None, "nobody", Priority.NORMAL))

    def _unstash(self) -> None:
        self.first[:0] = self.stash
        self.stash.clear()

    def cancel(self, letter: Letter) -> None:
        self.held.remove(letter)
        self._note(letter, "cancelled")

    def die(self) -> None:
        for letter in [*self.stash, *self.in_order(), *self.held]:
            if letter.way == "call":
                self.outcomes[letter.content] = "exited"
            elif letter.way is not None:
                self.dead.append((letter.content, letter.sender))
                self._note(letter, "sent")


class Stepper(Actor):
    """Handles one message whenever it is resumed, and does with it what it was told to."""

    def __init__(self) -> None:
        self.handled: list[Any] = []
        self.action: Action = "take"
        self.echo: Any = None

    def _step(self, message: Any, *, call: bool = False) -> Any:
        process = self._process
        process.suspended = process.attention = True
        if message in (Timeout(), "continued"):
            return self.handled.append(message)
        if self.action.startswith("echo"):
            self._echo()
        if self.action == "unstash and stash":
            self.unstash()
        if self.action.endswith(" stash") or self.action == "stash":
            return self.stash()
        self.handled.append(message)
        if self.action == "unstash":
            self.unstash()
        elif self.action == "idle":
            self.timeout_after(0)
        elif self.action == "continue":
            return Continue("continued", reply=None) if call else Continue("continued")
        return None

    def _echo(self) -> None:
        try:
            self.ref.cast(self.echo)
        except MailboxFullError:
            self.echo = None

    def handle_cast(self, message: Any) -> Any:
        return self._step(message)

    def handle_info(self, message: Any) -> Any:
        return self._step(message)

    def handle_continue(self, argument: Any) -> Any:
        return self._step(argument)

    def handle_call(self, message: Any, caller: Caller) -> Any:
        return self._step(message, call=True)


class Script:
    """One run of a script, on a real actor and on the model."""

    def __init__(self, system: ActorSystem, stepper: ActorRef, rules: Mailbox, nursery: trio.Nursery) -> None:
        self.system = system
        self.stepper = stepper
        self.model = Model(rules)
        self.nursery = nursery
        self.senders: dict[str, ActorRef] = {"stepper": stepper}
        self.scopes: dict[Any, trio.CancelScope] = {}
        self.outcomes: dict[Any, str] = {}
        self.numbers = iter(range(1_000_000))

    async def perform(self, step: Step) -> None:
        if isinstance(step, Sending):
            await self.send(step)
        elif isinstance(step, Handling):
            await self.handle(step.action)
        elif step.which < len(self.model.held):
            letter = self.model.held[step.which]
            self.scopes[letter.content].cancel()
            self.model.cancel(letter)
        await wait_all_tasks_blocked()

    async def send(self, sending: Sending) -> None:
        number = next(self.numbers)
        waits = sending.way in {"cast_wait", "call"}
        sender = "nobody" if waits else sending.sender
        self.model.send(Letter(number, sending.way, sender, sending.priority))
        method = getattr(self.stepper, sending.way)
        if waits:
            self.nursery.start_soon(self._wait_for, number, lambda: method(number, **self._options(sending)))
        else:
            await self._send_as(sender, lambda: method(number, priority=sending.priority))

    def _options(self, sending: Sending) -> dict[str, Any]:
        timeout = {"timeout": None} if sending.way == "call" else {}
        return {"priority": sending.priority} | timeout

    async def _send_as(self, sender: str, send: Callable[[], None]) -> None:
        def attempt(_probe: object) -> None:
            try:
                send()
            except MailboxFullError:
                assert self.model.full

        if sender == "nobody":
            attempt(None)
            return
        if sender not in self.senders:
            self.senders[sender] = await self.system.start(Probe)
        await does(self.senders[sender], attempt)

    async def _wait_for(self, number: int, start: Callable[[], Awaitable[object]]) -> None:
        outcome = "cancelled"
        with trio.CancelScope() as self.scopes[number]:
            try:
                await start()
            except MailboxFullError:
                outcome = "full"
            except ActorExitedError:
                outcome = "exited"
            else:
                outcome = "done"
        self.outcomes[number] = outcome

    async def handle(self, action: Action) -> None:
        echo = next(self.numbers)
        actor = self.stepper._process.actor
        assert isinstance(actor, Stepper)
        actor.action, actor.echo = action, echo
        if len(self.model.in_order()):
            self.model.handle(action, echo)
            await resume(self.stepper)
            await wait_all_tasks_blocked()

    def check(self) -> None:
        model, known = self.model, get_statistics(self.stepper)
        actor = self.stepper._process.actor
        assert isinstance(actor, Stepper)
        assert actor.handled == model.handled
        sent = [letter for letter in [*model.in_order(), *model.stash] if letter.content != "continued"]
        assert (known.length, known.dropped) == (len(sent), model.dropped)
        assert known.received == known.handled + known.length + known.dropped
        assert self.outcomes == {number: told(outcome) for number, outcome in model.outcomes.items()}

    def check_dead_letters(self) -> None:
        names = {ref: name for name, ref in self.senders.items()} | {None: "nobody"}
        letters = [(letter.message, names[letter.sender]) for letter in self.system.dead_letters]
        assert letters == self.model.dead
        assert self.outcomes == {number: told(outcome) for number, outcome in self.model.outcomes.items()}


def told(outcome: str) -> str:
    """Return what a sender sees of *outcome*."""
    return "done" if outcome in {"sent", "answered"} else outcome


@pytest.mark.slow
@pytest.mark.parametrize("rules", RULES.values(), ids=RULES)
@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
@settings(max_examples=120)
@given(script=SCRIPTS, drains=st.booleans())
async def test_every_mailbox_does_what_the_model_does(
    kind: Any, rules: Mailbox, script: list[Step], *, drains: bool
) -> None:
    async with open_system() as system, trio.open_nursery() as nursery:
        stepper = await system.start(kind(Stepper), mailbox=rules)
        await suspend(stepper)
        run = Script(system, stepper, rules, nursery)

        for step in script:
            await run.perform(step)
            run.check()
        while drains and run.model.in_order():
            await run.perform(Handling("unstash"))
            run.check()
        run.model.die()
        stepper.kill()
        await wait_all_tasks_blocked()

        run.check_dead_letters()

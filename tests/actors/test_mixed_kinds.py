"""Mixed kinds: whichever callbacks are ``def`` and whichever ``async def``, a random script does what a model says.

The model is thirty lines that know neither tasks nor time: it takes one message after the other from a queue.
"""

from __future__ import annotations

import itertools
from collections import deque
from typing import TYPE_CHECKING, Any

import attrs
import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import wait_all_tasks_blocked

from actors import (
    IGNORE,
    KILLED,
    NO_REPLY,
    NORMAL,
    SHUTDOWN,
    Actor,
    ActorError,
    ActorRef,
    ActorSystem,
    BadReturnError,
    Caller,
    Continue,
    Crash,
    ExitReason,
    Stop,
    open_system,
    resume,
    suspend,
)
from tests.actors.kinds import CALLBACKS, with_wait, without_wait

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

BOOM = ValueError("boom")
HOWS = ("call", "cast", "send")
ENDS: dict[str, ExitReason | type[BadReturnError]] = {
    "crash": Crash(BOOM),
    "stop": SHUTDOWN,
    "stop badly": Crash("tired"),
    "answer nonsense": BadReturnError,
    "kill": KILLED,
    "exit": Crash("enough"),
    "continue and crash": Crash(BOOM),
    "continue and stop": SHUTDOWN,
}
"""What ends the actor, and the reason with which it does."""
ACTIONS = ("note", "note", "note", "continue", "hold", "release", "cast to itself", *ENDS)
RESULTS = {"stop": Stop(SHUTDOWN), "stop badly": Stop(Crash("tired")), "answer nonsense": IGNORE}
DEAD = "dead"


@attrs.frozen
class Step:
    """One message of a script."""

    number: int
    how: str
    action: str


class Subject(Actor):
    """Does what the steps say, and keeps a log."""

    def __init__(self, log: list[tuple[str, object]]) -> None:
        self.log = log
        self.held: list[Caller] = []

    def init(self) -> None:
        self.log.append(("init", None))

    def handle_call(self, message: Step, caller: Caller) -> Any:
        return self.take("call", message, caller)

    def handle_cast(self, message: Step) -> Any:
        return self.take("cast", message)

    def handle_info(self, message: Step) -> Any:
        return self.take("send", message)

    def handle_continue(self, argument: Step) -> Any:
        self.log.append(("continue", argument.number))
        if argument.action == "continue and crash":
            raise BOOM.with_traceback(None)
        return Stop(SHUTDOWN) if argument.action == "continue and stop" else None

    def terminate(self, reason: ExitReason) -> None:
        self.log.append(("terminate", type(reason)))

    def take(self, how: str, step: Step, caller: Caller | None = None) -> Any:
        self.log.append((how, step.number))
        result = self.act(step, caller)
        return step.number if result is None and caller is not None else result

    def act(self, step: Step, caller: Caller | None) -> Any:
        match step.action:
            case "crash":
                raise BOOM.with_traceback(None)
            case "stop" | "stop badly" | "answer nonsense":
                return RESULTS[step.action]
            case "kill":
                self.ref.kill()
            case "exit":
                self.ref.exit(Crash("enough"))
            case "cast to itself":
                self.ref.cast(Step(-step.number, "cast", "note"))
            case "hold" if caller is not None:
                self.held.append(caller)
                return NO_REPLY
            case "release":
                self.release()
            case "continue" | "continue and crash" | "continue and stop":
                return Continue(step, reply=NO_REPLY if caller is None else step.number)
        return None

    def release(self) -> None:
        for held in self.held:
            held.reply(held.message.number)  # type: ignore[attr-defined] # all calls are steps


@attrs.define
class Outcome:
    """What a script has led to."""

    log: list[tuple[str, object]] = attrs.field(factory=list)
    replies: dict[int, object] = attrs.field(factory=dict)
    reason: ExitReason | type[BadReturnError] = NORMAL
    buried: list[int] = attrs.field(factory=list)


def expected(script: Iterable[Step]) -> Outcome:
    """Return what *script* leads to, if one message is handled after the other."""
    outcome = Outcome([("init", None)])
    queue = deque(script)
    held: list[int] = []
    ended = False
    while queue and not ended:
        step = queue.popleft()
        outcome.log.append((step.how, step.number))
        ended = step.action in ENDS
        if step.action == "cast to itself":
            queue.append(Step(-step.number, "cast", "note"))
        elif step.action.startswith("continue"):
            outcome.log.append(("continue", step.number))
        elif step.action == "release":
            outcome.replies.update({number: number for number in held})
            held.clear()
        if step.how == "call":
            outcome.replies[step.number] = step.number
            if step.action == "hold":
                held.append(step.number)
            if step.action == "hold" or (
                ended and step.action not in {"exit", "continue and crash", "continue and stop"}
            ):
                outcome.replies[step.number] = DEAD
        if ended:
            outcome.reason = ENDS[step.action]
    outcome.replies.update({step.number: DEAD for step in queue if step.how == "call"})
    outcome.buried = [step.number for step in queue if step.how != "call"]
    if outcome.reason != KILLED:
        kind = Crash if outcome.reason is BadReturnError else type(outcome.reason)
        outcome.log.append(("terminate", kind))
    return outcome


async def seen(actor: type[Subject], script: Iterable[Step], *, at_once: bool) -> Outcome:
    """Return what *script* leads to; *at_once* when all of it is sent before any of it is handled."""
    outcome = Outcome()
    async with open_system() as system, trio.open_nursery() as nursery:
        ref = await system.start(actor, outcome.log)

        async def call(step: Step) -> None:
            try:
                outcome.replies[step.number] = await ref.call(step, timeout=None)
            except ActorError:
                outcome.replies[step.number] = DEAD

        if at_once:
            await suspend(ref)
        for step in script:
            if step.how != "call":
                getattr(ref, step.how)(step)
            elif at_once or step.action == "hold":
                nursery.start_soon(call, step)
                await wait_all_tasks_blocked()
            else:
                await call(step)
        outcome.reason = await end(ref)
        outcome.buried = [letter.message.number for letter in system.dead_letters]  # type: ignore[attr-defined]
    return outcome


async def end(ref: ActorRef) -> Any:
    """Let *ref* come to its end, and return the reason, or its class if it differs each time."""
    try:
        await resume(ref)
        await wait_all_tasks_blocked()
        await ref.stop()
    except ActorError:
        pass
    reason = await ref.wait()
    if isinstance(reason, Crash) and isinstance(reason.cause, BadReturnError):
        return BadReturnError
    return reason


def mixed(kinds: Iterable[Callable[..., Any] | None]) -> type[Subject]:
    """Return a subject each of whose callbacks is of its own kind."""
    members = {
        name: make(getattr(Subject, name)) for name, make in zip(CALLBACKS, kinds, strict=True) if make is not None
    }
    return type("Mixed", (Subject,), members)


KINDS = (None, without_wait, with_wait)
ACTORS = [mixed(kinds) for kinds in itertools.product(KINDS, repeat=len(CALLBACKS))]

steps = st.tuples(st.sampled_from(HOWS), st.sampled_from(ACTIONS))


def script_of(drawn: Iterable[tuple[str, str]], *, at_once: bool) -> list[Step]:
    """Return *drawn* as a script; what it casts to itself has no fixed place unless all is sent at once."""
    actions = [(how, "note" if action == "cast to itself" and not at_once else action) for how, action in drawn]
    return [Step(number, how, action) for number, (how, action) in enumerate(actions, 1)]


@pytest.mark.slow
@given(actor=st.sampled_from(ACTORS), drawn=st.lists(steps, max_size=12), at_once=st.booleans())
async def test_every_mix_of_kinds_does_what_the_model_says(
    actor: type[Subject], drawn: list[tuple[str, str]], *, at_once: bool
) -> None:
    script = script_of(drawn, at_once=at_once)

    outcome = await seen(actor, script, at_once=at_once)

    assert outcome == expected(script)
    assert trio.current_time() == 0.0


@pytest.mark.parametrize("action", ENDS)
@pytest.mark.parametrize("how", HOWS)
async def test_every_mix_of_kinds_ends_alike(system: ActorSystem, how: str, action: str) -> None:
    script = [Step(1, "call", "note"), Step(2, how, action), Step(3, "cast", "note"), Step(4, "call", "note")]

    outcomes = [await seen(actor, script, at_once=True) for actor in ACTORS[::7]]

    assert outcomes == [expected(script)] * len(outcomes)
    assert trio.current_time() == 0.0

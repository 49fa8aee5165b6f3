"""Ctrl-C: it stops the system in order, comes out as KeyboardInterrupt, and never leaves the bookkeeping half done."""

from __future__ import annotations

import logging
import random
import signal
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import attrs
import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from actors import (
    SHUTDOWN,
    Actor,
    ActorExitedError,
    ActorRef,
    ActorSystem,
    Caller,
    Continue,
    ExitReason,
    NoProcessError,
    open_system,
)
from actors.current import current_process
from tests.actors.kinds import KINDS, Kind

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> Kind:
    return KINDS[request.param]


@pytest.fixture(autouse=True)
def alarm(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Have the alarm clock press Ctrl-C; a thread would have to wait for its turn.

    Python drops what is raised in a finalizer or in a callback of the garbage collector, and hypothesis has one of
    those: such a Ctrl-C is pressed again.
    """
    report = sys.unraisablehook

    def press_again(dropped: sys.UnraisableHookArgs) -> None:
        if isinstance(dropped.exc_value, KeyboardInterrupt):
            interrupt_after(0.000_1)
        else:
            report(dropped)

    monkeypatch.setattr(sys, "unraisablehook", press_again)
    before = signal.signal(signal.SIGALRM, lambda _signum, _frame: press())
    yield
    signal.signal(signal.SIGALRM, before)


def interrupt_after(seconds: float) -> None:
    """Press Ctrl-C after *seconds* of real time."""
    signal.setitimer(signal.ITIMER_REAL, seconds)


def press(_actor: Actor | None = None) -> None:
    """Press Ctrl-C here and now."""
    signal.raise_signal(signal.SIGINT)


class Clerk(Actor):
    """Does what its messages say, and notes its end."""

    def __init__(self, ends: list[tuple[ActorRef, ExitReason]]) -> None:
        self.ends = ends

    def do(self, message: object) -> Any:
        return message(self) if callable(message) else None

    def handle_call(self, message: object, caller: Caller) -> Any:
        return self.do(message)

    def handle_cast(self, message: object) -> Any:
        return self.do(message)

    def handle_info(self, message: object) -> Any:
        return self.do(message)

    def handle_continue(self, message: object) -> Any:
        return self.do(message)

    def terminate(self, reason: ExitReason) -> None:
        self.ends.append((self.ref, reason))


@attrs.define
class Run:
    """One `trio.run` of a system, and what was left of it."""

    kind: Kind
    ends: list[tuple[ActorRef, ExitReason]] = attrs.field(factory=list)
    refs: list[ActorRef] = attrs.field(factory=list)

    async def start(self, system: ActorSystem) -> ActorRef:
        """Start one more clerk."""
        ref = await system.start(self.kind(Clerk), self.ends)
        self.refs.append(ref)
        return ref


async def call_on(run: Run, system: ActorSystem) -> None:
    ref = await run.start(system)
    while True:
        await ref.call("question", timeout=None)


async def cast_on(run: Run, system: ActorSystem) -> None:
    ref = await run.start(system)
    while True:
        for _ in range(50):
            ref.cast("message")
        await trio.lowlevel.checkpoint()


async def start_and_stop(run: Run, system: ActorSystem) -> None:
    while True:
        ref = await run.start(system)
        await ref.stop()


WORK = {"call": call_on, "cast": cast_on, "start": start_and_stop}


@pytest.mark.slow
@pytest.mark.parametrize("work", WORK)
def test_an_interrupt_at_a_random_instant_stops_everything(kind: Kind, work: str) -> None:
    instants = random.Random(f"{kind} {work}")  # noqa: S311 -- the instants need only differ
    for _ in range(17):
        run = Run(kind)

        async def main(run: Run = run) -> None:
            async with open_system() as system:
                await run.start(system)
                interrupt_after(instants.uniform(0.001, 0.01))
                await WORK[work](run, system)

        with pytest.raises(KeyboardInterrupt):
            trio.run(main)

        assert [ref for ref in run.refs if ref.alive] == []
        assert (run.refs[0], SHUTDOWN) in run.ends
        assert current_process() is None


async def all_answer(refs: list[ActorRef]) -> None:
    """Call everyone who lives; the one that was being stopped may go on stopping instead."""
    with trio.fail_after(10.0):
        for ref in refs:
            with suppress(NoProcessError, ActorExitedError):
                await ref.call("question", timeout=None)


@pytest.mark.slow
@pytest.mark.parametrize("work", WORK)
def test_whoever_survives_an_interrupt_that_is_caught_still_answers(kind: Kind, work: str) -> None:
    instants = random.Random(f"{kind} {work}")  # noqa: S311 -- the instants need only differ
    for _ in range(17):
        run = Run(kind)

        async def main(run: Run = run) -> None:
            async with open_system() as system:
                interrupt_after(instants.uniform(0.001, 0.01))
                try:
                    await WORK[work](run, system)
                except KeyboardInterrupt:
                    assert system.current is None
                    await all_answer(run.refs)

        with suppress(KeyboardInterrupt):
            trio.run(main)

        assert [ref for ref in run.refs if ref.alive] == []


async def by_call(ref: ActorRef) -> None:
    await ref.call(press, timeout=None)


async def by_cast(ref: ActorRef) -> None:
    ref.cast(press)
    await ref.wait()


async def by_info(ref: ActorRef) -> None:
    ref.send(press)
    await ref.wait()


async def by_continue(ref: ActorRef) -> None:
    await ref.call(lambda actor: Continue(press), timeout=None)


@pytest.mark.parametrize("deal", [by_call, by_cast, by_info, by_continue], ids=lambda deal: deal.__name__)
def test_an_interrupt_in_a_handler_stops_the_system_and_is_no_crash(
    kind: Kind, deal: Callable[[ActorRef], Awaitable[None]], caplog: pytest.LogCaptureFixture
) -> None:
    run = Run(kind)

    async def main() -> None:
        async with open_system() as system:
            bystander = await run.start(system)
            struck = await run.start(system)
            await deal(struck)
            await bystander.wait()

    with pytest.raises(KeyboardInterrupt):
        trio.run(main, clock=MockClock(autojump_threshold=0))

    assert sorted((ref.id, str(reason)) for ref, reason in run.ends) == [(2, "shutdown"), (3, "shutdown")]
    assert [ref.reason for ref in run.refs] == [SHUTDOWN, SHUTDOWN]
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


def test_an_interrupt_in_init_stops_the_system(kind: Kind) -> None:
    class Starting(Clerk):
        def init(self) -> None:
            press()

    run = Run(kind)

    async def main() -> None:
        async with open_system() as system:
            await run.start(system)
            await system.start(kind(Starting), run.ends)

    with pytest.raises(KeyboardInterrupt):
        trio.run(main)

    assert [str(reason) for _, reason in run.ends] == ["shutdown"]


def test_an_interrupt_in_terminate_comes_out_when_the_others_are_stopped(kind: Kind) -> None:
    class Leaving(Clerk):
        def terminate(self, reason: ExitReason) -> None:
            super().terminate(reason)
            press()

    run = Run(kind)

    async def main() -> None:
        async with open_system() as system:
            await run.start(system)
            run.refs.append(await system.start(kind(Leaving), run.ends))

    with pytest.raises(KeyboardInterrupt):
        trio.run(main)

    assert [ref for ref, _ in run.ends] == run.refs[::-1]


@pytest.mark.parametrize("deal", ["call", "cast"])
def test_an_interrupt_ends_a_handler_that_never_yields(kind: Kind, deal: str) -> None:
    def spin(actor: Actor) -> None:
        # From here, where it can strike: what is pressed before stays with trio, which never has its turn again.
        interrupt_after(0.05)
        while True:
            pass

    run = Run(kind)

    async def main() -> None:
        async with open_system() as system:
            ref = await run.start(system)
            await run.start(system)
            if deal == "call":
                await ref.call(spin, timeout=None)
            ref.cast(spin)
            await trio.sleep_forever()

    with pytest.raises(KeyboardInterrupt):
        trio.run(main)

    assert [ref.reason for ref in run.refs] == [SHUTDOWN, SHUTDOWN]
    assert len(run.ends) == 2


async def press_from_outside() -> None:
    """Press Ctrl-C when no code of an actor runs: it goes to the main task."""
    trio.lowlevel.current_trio_token().run_sync_soon(press)
    await wait_all_tasks_blocked()


class Stubborn(Clerk):
    """Does not stop by itself."""

    async def terminate(self, reason: ExitReason) -> None:  # type: ignore[override] # both kinds are allowed
        super().terminate(reason)
        await trio.sleep_forever()


def test_an_interrupt_in_the_block_stops_the_actors_in_order(kind: Kind) -> None:
    run = Run(kind)

    async def main() -> None:
        async with open_system() as system:
            for _ in range(3):
                await run.start(system)
            await press_from_outside()
            await trio.sleep_forever()

    with pytest.raises(KeyboardInterrupt):
        trio.run(main, clock=MockClock(autojump_threshold=0))

    assert run.ends == [(ref, SHUTDOWN) for ref in run.refs[::-1]]


def test_a_second_interrupt_kills_what_is_still_stopping() -> None:
    run = Run(lambda actor: actor)
    ended: list[float] = []

    async def press_twice() -> None:
        await press_from_outside()
        await trio.sleep(3.0)
        await press_from_outside()

    async def main() -> None:
        trio.lowlevel.spawn_system_task(press_twice)
        try:
            async with open_system() as system:
                run.refs.append(await system.start(Stubborn, run.ends, shutdown=60.0))
                await trio.sleep_forever()
        finally:
            ended.append(trio.current_time())

    with pytest.raises(KeyboardInterrupt):
        trio.run(main, clock=MockClock(autojump_threshold=0))

    assert str(run.refs[0].reason) == "killed"
    assert ended == [3.0]


def test_an_interrupt_while_the_block_is_left_kills_what_is_still_stopping() -> None:
    run = Run(lambda actor: actor)
    ended: list[float] = []

    async def press_later() -> None:
        await trio.sleep(3.0)
        await press_from_outside()

    async def main() -> None:
        trio.lowlevel.spawn_system_task(press_later)
        try:
            async with open_system() as system:
                run.refs.append(await system.start(Stubborn, run.ends, shutdown=60.0))
        finally:
            ended.append(trio.current_time())

    with pytest.raises(KeyboardInterrupt):
        trio.run(main, clock=MockClock(autojump_threshold=0))

    assert str(run.refs[0].reason) == "killed"
    assert ended == [3.0]


def test_an_interrupt_in_a_handler_wins_over_what_the_block_raises_because_of_it(kind: Kind) -> None:
    run = Run(kind)

    async def main() -> None:
        async with open_system() as system:
            ref = await run.start(system)
            await ref.call(press, timeout=None)

    with pytest.raises(KeyboardInterrupt):
        trio.run(main)

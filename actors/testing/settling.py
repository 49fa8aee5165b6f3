"""Settling: waiting until all actors of a system are idle, without sleeping."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Final

import trio
from trio.testing import wait_all_tasks_blocked

from actors.current import current_process
from actors.envelope import content
from actors.options import seconds_of
from actors.show import shown
from actors.testing.expectation import ExpectationError
from actors.testing.given import check_system

if TYPE_CHECKING:
    from actors.process import Process
    from actors.system import ActorSystem

NAMED: Final = 10
"""So many actors that are not idle are in the error; of the others, their number."""


async def settled(system: ActorSystem, *, timeout: float | None = 5.0) -> None:
    """Wait until no actor of *system* handles anything, and nothing waits in any mailbox.

    A handler that waits, for a second or for another actor, is waited for; in virtual time that takes none. What a
    timer, a thread or a socket will bring later is not. Left out are suspended actors, and the one that asks.

    Raises `ExpectationError` after *timeout* seconds, of trio's clock or, where actors never let it go on, of real
    time; it names who is at work, and on what.
    """
    __tracebackhide__ = True
    check_system("settled", system)
    seconds = seconds_of(timeout)
    end, asking = perf_counter() + seconds, current_process()
    with trio.move_on_after(seconds):
        while True:
            while busy := busy_in(system, asking):
                for process in busy:
                    await _turn_of(process)
                if perf_counter() > end and (busy := busy_in(system, asking)):
                    raise _failure(system, busy, seconds)
            await wait_all_tasks_blocked()
            if not busy_in(system, asking):
                return
    raise _failure(system, busy_in(system, asking), seconds)


def busy_in(system: ActorSystem, asking: Process | None) -> list[Process]:
    """Return who handles something in *system*, or has something to handle, and is not *asking*."""
    return [
        process
        for process in system.processes.values()
        if not (process.idle or process is asking or (process.suspended and not process.running))
    ]


async def _turn_of(process: Process) -> None:
    """Wait until *process* has handled what it is handling, or has had a chance to begin."""
    if process.reason is not None or not process.running:
        await trio.lowlevel.checkpoint()
        return
    over = trio.Event()
    process.inspections = [*(process.inspections or ()), over.set]
    process.attention = True
    await over.wait()


def _failure(system: ActorSystem, busy: list[Process], seconds: float) -> ExpectationError:
    lines = [f"  {doing(process)}" for process in busy[:NAMED]]
    if len(busy) > NAMED:
        lines.append(f"  ... {len(busy) - NAMED} more")
    what = "something that is no actor's is at work"
    if busy:
        what = "\n".join([f"{len(busy)} {'is' if len(busy) == 1 else 'are'} at work:", *lines])
    return ExpectationError(f"{system} has not settled within {seconds:g} s; {what}")


def doing(process: Process) -> str:
    """Return what *process* does, and what waits for it."""
    length = len(process.mailbox)
    waiting = f"{length} {'message waits' if length == 1 else 'messages wait'}"
    if process.ending is not None:
        return f"{process.ref} is ending with {process.ending.reason}"
    if not process.started:
        return f"{process.ref} is in its init"
    if process.running:
        return f"{process.ref} handles {shown(content(process.message))}, and {waiting}"
    return f"{process.ref}: {waiting}"

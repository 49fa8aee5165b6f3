"""The task of an actor whose handlers wait."""

from __future__ import annotations

import math
from time import perf_counter
from types import CoroutineType
from typing import TYPE_CHECKING, Any, Final

import attrs
import trio
from trio.lowlevel import Abort, enable_ki_protection, wait_task_rescheduled

from actors import report
from actors.dispatcher import SLICE_MESSAGES, SLICE_SECONDS
from actors.ending import Grace
from actors.turn import CLOSED, ENVELOPES, complete, fail, fail_in_terminate

if TYPE_CHECKING:
    from collections.abc import Callable

    from actors.process import Process


DEFAULT_SECONDS: Final = 5.0
"""How long `terminate` may take where the actor's time to stop does not say."""


@enable_ki_protection
async def serve(process: Process) -> None:
    """Run *process*: to its end, or, if its message handlers do not wait, for the one callback that does.

    The shield keeps the cancellation of whatever surrounds the system away from its actors, which are stopped
    in their order instead.
    """
    process.task = trio.lowlevel.current_task()
    process.context = process.task.context
    process.running = True
    if process.ending is None:
        await _work(process)
    if process.ending is not None:
        if process.ending.terminate and process.reason is None:
            await _terminate(process)
        process.running = False
        process.finish()
        process.system.bury_zombie(process)
    process.has_task = False
    process.task = None
    if process.reason is None:
        process.release()


async def _work(process: Process) -> None:
    scope = process.scope = trio.CancelScope(shield=True)
    try:
        with scope:
            await _handle_messages(process)
    except BaseException as error:  # noqa: BLE001 -- whatever a handler raises is the end of its actor
        fail(process, error)
    process.scope = None
    if scope.cancelled_caught and process.ending is not None:
        process.ending.reason = attrs.evolve(process.ending.reason, interrupted=True)


async def _handle_messages(process: Process) -> None:
    await _finish_callback(process)
    if not process.callbacks.tasked:
        return
    mailbox = process.mailbox
    handle_cast: Any = process.handle_cast
    process.greatest = max(process.greatest, len(mailbox))
    ended = perf_counter()
    left, slice_end = SLICE_MESSAGES, ended + SLICE_SECONDS
    while not process.attention or (handle_cast := await _goes_on(process)):
        if process.suspended or not mailbox or left <= 0 or ended > slice_end:
            await _pause(process)
            handle_cast = getattr(process, "handle_cast", None)  # the dead have none
            ended = perf_counter()
            left, slice_end = SLICE_MESSAGES, ended + SLICE_SECONDS
            continue
        began = ended
        process.message = item = mailbox.popleft()
        result = process.callbacks.invoke(process, item) if type(item) in ENVELOPES else handle_cast(item)
        if type(result) is CoroutineType:
            result = await result
        if result is not None or type(item) in CLOSED:
            complete(process, item, result)
        process.last_handled = ended = perf_counter()
        if process.sampled or (process.next_mark and process.taken == process.next_mark):
            process.take_sample(began, ended)
        left -= 1


async def _goes_on(process: Process) -> Callable[[Any], Any] | None:
    """Look up between two messages; return what handles a cast from here on, or None if there is to be no other."""
    if process.ending is not None or process.reason is not None:
        return None
    await _finish_callback(process)
    process.answer_inspections()
    return process.handle_cast if process.ending is None else None


async def _finish_callback(process: Process) -> None:
    """Wait for what a callback that was run elsewhere has to wait for."""
    if process.coroutine is not None:
        coroutine, process.coroutine = process.coroutine, None
        complete(process, process.message, await coroutine)


@enable_ki_protection
async def _pause(process: Process) -> None:
    """Wait until there is something to do; if there is, let trio have its turn."""
    if process.mailbox and not process.suspended:
        await trio.lowlevel.checkpoint()
        return
    process.running = False
    process.parked = True
    process.idle = not process.suspended
    await wait_task_rescheduled(_never_aborted)
    process.running = True
    process.greatest = max(process.greatest, len(process.mailbox))


def _never_aborted(_raise_cancel: object) -> Abort:
    return Abort.FAILED


async def _terminate(process: Process) -> None:
    ending = process.ending
    assert ending is not None
    if ending.coroutine is None and not process.callbacks.terminate:
        return
    scope = process.scope = trio.CancelScope(shield=True, deadline=_terminate_by(process))
    try:
        with scope:
            coroutine, ending.coroutine = ending.coroutine, None
            if coroutine is None:
                coroutine = process.actor.terminate(ending.reason)
            if isinstance(coroutine, CoroutineType):
                process.system.timers.add(scope.deadline + process.system.kill_grace, Grace(process))
                await coroutine
    except BaseException as error:  # noqa: BLE001 -- whatever terminate raises is the exit reason
        fail_in_terminate(process, ending, error)
    if scope.cancelled_caught and process.ending is ending:
        report.overran(process)
    process.scope = None


def _terminate_by(process: Process) -> float:
    if process.ordered:
        return math.inf
    seconds = DEFAULT_SECONDS if process.shutdown == "brutal_kill" else float(process.shutdown)
    return trio.current_time() + seconds

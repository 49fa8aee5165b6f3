"""The task of an actor whose handlers wait."""

from __future__ import annotations

import math
from time import perf_counter_ns
from types import CoroutineType
from typing import TYPE_CHECKING, Final

import attrs
import trio
from trio.lowlevel import Abort, disable_ki_protection, enable_ki_protection, wait_task_rescheduled

from actors import report
from actors.caller import Caller
from actors.dispatcher import SLICE_MESSAGES, SLICE_NANOSECONDS
from actors.turn import ENVELOPES, complete, fail, fail_in_terminate, interruptible, invoke

if TYPE_CHECKING:
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


@disable_ki_protection
async def _handle_messages(process: Process) -> None:
    await _finish_callback(process)
    if not process.callbacks.tasked:
        return
    mailbox = process.mailbox
    handle_cast = process.handle_cast
    left, slice_end = SLICE_MESSAGES, perf_counter_ns() + SLICE_NANOSECONDS
    while True:
        if process.attention:
            if process.ending is not None or process.reason is not None:
                return
            await _finish_callback(process)
            process.answer_inspections()
        if process.suspended or not mailbox:
            await _park(process)
            left, slice_end = SLICE_MESSAGES, perf_counter_ns() + SLICE_NANOSECONDS
            continue
        process.message = item = mailbox.popleft()
        process.handled += 1
        result = invoke(process, item) if item.__class__ in ENVELOPES else handle_cast(item)
        if result.__class__ is CoroutineType:
            result = await result
        if result is not None or item.__class__ is Caller:
            complete(process, item, result)
        left -= 1
        if left <= 0 or perf_counter_ns() > slice_end:
            await trio.lowlevel.checkpoint()
            left, slice_end = SLICE_MESSAGES, perf_counter_ns() + SLICE_NANOSECONDS


async def _finish_callback(process: Process) -> None:
    """Wait for what a callback that was run elsewhere has to wait for."""
    if process.coroutine is not None:
        coroutine, process.coroutine = process.coroutine, None
        complete(process, process.message, await coroutine)


@enable_ki_protection
async def _park(process: Process) -> None:
    process.running = False
    process.parked = True
    process.idle = not process.suspended
    await wait_task_rescheduled(_never_aborted)
    process.running = True


def _never_aborted(_raise_cancel: object) -> Abort:
    return Abort.FAILED


async def _terminate(process: Process) -> None:
    ending = process.ending
    assert ending is not None
    scope = process.scope = trio.CancelScope(shield=True, deadline=_terminate_by(process))
    try:
        with scope:
            coroutine, ending.coroutine = ending.coroutine, None
            if coroutine is None and process.callbacks.terminate:
                coroutine = interruptible(process.actor.terminate, ending.reason)
            if isinstance(coroutine, CoroutineType):
                await _interruptible(coroutine)
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


@disable_ki_protection
async def _interruptible(coroutine: CoroutineType[object, object, object]) -> None:
    await coroutine

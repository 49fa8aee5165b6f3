"""The task of an actor whose handlers wait."""

from __future__ import annotations

import math
from time import perf_counter
from types import CoroutineType
from typing import TYPE_CHECKING, Final

import attrs
import trio
from trio.lowlevel import Abort, enable_ki_protection, wait_task_rescheduled

from actors import report
from actors.asking import Asking
from actors.dispatcher import SLICE_MESSAGES, SLICE_SECONDS
from actors.ending import Grace
from actors.spare import is_untouched, watch
from actors.turn import CLOSED, ENVELOPES, complete, fail, fail_in_terminate

if TYPE_CHECKING:
    from actors.process import Process
    from actors.spare import Spare
    from actors.system import ActorSystem


SHARED_SECONDS: Final = 0.75 * SLICE_SECONDS
"""What all that are at work share between two checkpoints; the rest goes into switching between their tasks."""

MOST_SHARING: Final = 20
"""So many have the least part each."""

LONG_SECONDS: Final = 0.000_1
"""A handler that overruns its slice by so much is long."""

LEAST_SECONDS: Final = 0.000_02
"""The least part of a slice: with less, thousands that are at work would switch tasks for each message."""

SHARES: Final = tuple(max(LEAST_SECONDS, SHARED_SECONDS / (1 + 2 * others)) for others in range(MOST_SHARING))
"""The part of a slice, by how many others share it."""

TASK_NAME: Final = "actors.task.serve"
"""What trio calls the tasks of actors; it would make the string anew for each."""

DEFAULT_SECONDS: Final = 5.0
"""How long `terminate` may take where the actor's time to stop does not say."""


@enable_ki_protection
async def serve(process: Process | None, spare: Spare) -> None:
    """Run *process*: to its end, or, if its message handlers do not wait, for the one callback that does.

    A task in which nothing has waited is then the *spare* one, and serves whoever needs one next.

    The shield keeps the cancellation of whatever surrounds the system away from its actors, which are stopped
    in their order instead.
    """
    task = trio.lowlevel.current_task()
    scope = trio.CancelScope(shield=True)
    try:
        with scope:
            while process is not None:
                _begin(process, task, scope)
                try:
                    await _finish_callback(process)
                    if process.callbacks.tasked and (process.mailbox or not is_untouched(task)):
                        await _handle_messages(process)
                except Exception as error:
                    if not is_untouched(task):
                        raise
                    fail(process, error)
                if not is_untouched(task):
                    break
                await _leave(process)
                process = None  # nothing but its own references keep it
                if is_untouched(task):
                    process = await spare.next()
    except BaseException as error:
        if process is None:
            raise  # nobody's: trio itself has broken down
        fail(process, error)
    if process is not None:
        await _leave(process, interrupted=scope.cancelled_caught)


def _begin(process: Process, task: trio.lowlevel.Task, scope: trio.CancelScope) -> None:
    watch(task)
    process.task = task
    process.context = task.context
    process.running = True
    if process.ending is None:
        process.scope = scope


async def _leave(process: Process, *, interrupted: bool = False) -> None:
    """Bring *process* to its end, if it is to end, or give it back."""
    process.scope = None
    if process.ending is not None:
        if interrupted:
            process.ending.reason = attrs.evolve(process.ending.reason, interrupted=True)
        if process.ending.terminate and process.reason is None:
            await _terminate(process)
        process.running = False
        process.finish()
        process.system.bury_zombie(process)
    process.has_task = False
    process.task = None
    if process.reason is None:
        process.release()


async def _handle_messages(process: Process) -> None:
    """Handle what comes. Between two checkpoints the slices of all that are at work are one slice together."""
    mailbox, left = process.mailbox, SLICE_MESSAGES
    ended, slice_end = _begin_slice(process)
    mark: int | None = process.left_at_mark(left)
    while not process.attention or (mark := await _goes_on(process, left)) is not None:
        if process.suspended or not mailbox or left <= 0 or ended > slice_end:
            if process.mailbox and not process.suspended:
                await _let_others_work(process.system, ended - slice_end)
            else:
                _park(process)
                item = result = None
                # Here, and not in a function: idle actors are many, and each frame takes some 200 bytes.
                await wait_task_rescheduled(_never_aborted)
                _resume(process)
            mailbox, left = process.mailbox, SLICE_MESSAGES
            ended, slice_end = _begin_slice(process)
            mark = process.left_at_mark(left) if process.next_mark else -1
            continue
        began = ended
        process.message = item = mailbox.popleft()
        left -= 1
        result = process.callbacks.invoke(process, item) if type(item) in ENVELOPES else process.handle_cast(item)
        if type(result) is CoroutineType:
            result = await result
        if result is not None or type(item) in CLOSED:
            complete(process, item, result)
        process.last_handled = ended = perf_counter()
        if left == mark or process.sampled:
            process.take_sample(began, ended)
            mark = process.left_at_mark(left)


async def _goes_on(process: Process, left: int) -> int | None:
    """Look up between two messages; return `Inbox.left_at_mark`, or None if there is to be no other."""
    if process.ending is not None or process.reason is not None:
        return None
    await _finish_callback(process)
    process.answer_inspections()
    return process.left_at_mark(left) if process.ending is None else None


async def _finish_callback(process: Process) -> None:
    """Wait for what a callback that was run elsewhere has to wait for."""
    if process.coroutine is not None and process.ending is None:
        coroutine, process.coroutine = process.coroutine, None
        complete(process, process.message, await coroutine)


def _park(process: Process) -> None:
    process.running = False
    process.parked = True
    process.idle = not process.suspended
    if type(process.message) is Asking and process.message.answered:
        process.message = process.message.message  # an idle actor shows no more of it


def _resume(process: Process) -> None:
    process.system.runnable -= 1
    process.running = True


async def _let_others_work(system: ActorSystem, late: float) -> None:
    """Let trio have a turn; after a long handler another, in which who waited for its end may work before the next."""
    system.runnable += 1
    try:
        await trio.lowlevel.checkpoint()
        if late > LONG_SECONDS:
            await trio.lowlevel.checkpoint()
    finally:
        system.runnable -= 1


def _begin_slice(process: Process) -> tuple[float, float]:
    """Return when it is, and when the slice ends."""
    length = len(process.mailbox)
    if length > process.greatest:  # noqa: PLR1730 -- a call of max costs four times as much
        process.greatest = length
    system = process.system
    now = perf_counter()
    if now > system.handover.due:
        system.handover.pause(now)
        now = perf_counter()
    return now, now + (SHARES[system.runnable] if system.runnable < MOST_SHARING else LEAST_SECONDS)


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

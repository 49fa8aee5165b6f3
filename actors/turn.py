# ruff: noqa: SLF001 -- a `Caller` is for users, and made here for each call
"""A turn of a process: what runs a callback, and what its result leads to.

`KeyboardInterrupt` may strike a callback, and stops the system; it cannot strike the bookkeeping around it.
"""

from __future__ import annotations

from time import perf_counter
from types import CoroutineType
from typing import TYPE_CHECKING, Any, Final

from trio.lowlevel import enable_ki_protection

from actors import report
from actors.asking import Asking
from actors.caller import Caller
from actors.carried import handle_in_span, is_carrier
from actors.envelope import CARRIERS, ERRANDS, Alarm, Carried, Continuation, Info, Order, Startup, Tick
from actors.errors import BadReturnError, IgnoredError
from actors.exit import NORMAL, SHUTDOWN, Crash
from actors.message import Down, Timeout
from actors.result import IGNORE, NO_REPLY, SPECIAL, Continue, Stop
from actors.settlement import HANDLED, Delivery
from actors.show import shown
from actors.telemetry import MESSAGES

if TYPE_CHECKING:
    from actors.ending import Ending
    from actors.process import Process


CLOSED: Final = frozenset({Asking, Continuation, Delivery})
"""What is not done with just because its callback has returned nothing."""

STARTUP: Final = Startup()
"""The message while `init` runs."""

ENVELOPES: Final = CARRIERS | ERRANDS
"""The classes of what is in a mailbox that is not simply a message that was cast."""


@enable_ki_protection
def handle_messages(process: Process, left: int, slice_end: float) -> int:
    """Handle what waits for *process*: up to so many messages, and until *slice_end*; return how many are left."""
    mailbox = process.mailbox
    handle_cast = process.handle_cast
    length = len(mailbox)
    if length > process.greatest:  # noqa: PLR1730 -- a call of max costs four times as much
        process.greatest = length
    # A clock costs as much as a short handler: only the first message that is timed needs to know when it began.
    mark = process.left_at_mark(left) if process.next_mark else -1
    ended = perf_counter() if mark == left - 1 else 0.0
    plain: type | None = None
    while mailbox:
        began = ended
        process.message = item = mailbox.popleft()
        left -= 1
        kind = type(item)
        if kind is plain or kind not in ENVELOPES:
            plain = kind
            if (result := handle_cast(item)) is not None:
                settle(process, item, result)
        else:
            settle(process, item, process.callbacks.invoke(process, item))
        process.last_handled = ended = perf_counter()
        if left == mark or process.sampled:
            process.take_sample(began, ended)
            mark = process.left_at_mark(left) if process.next_mark else -1
        if ended > slice_end:
            return 0
        if left <= 0 or process.attention:
            break
    return left


@enable_ki_protection
def run_init(process: Process) -> None:
    """Run `init`, if there is one, now, in whatever task this is, though not beyond its first wait."""
    if not process.callbacks.init:
        _go_up(process)
        process.release()
        return
    process.running = True
    process.message = STARTUP
    try:
        result = process.context.run(process.actor.init)
        if result is None and process.ending is None:
            _go_up(process)
        else:
            settle(process, STARTUP, result)
    except BaseException as error:  # noqa: BLE001 -- whatever a handler raises is the end of its actor
        fail(process, error)
    process.release()


@enable_ki_protection
def run_call(process: Process, message: object, sender: Process | None, timeout: float | None) -> Any:
    """Handle a call now, within the call: without the mailbox. Return the answer, or the `Asking` that has it."""
    process.idle = False
    process.received = received = process.received + 1
    process.last_received = began = perf_counter()
    process.running = True
    process.message = message
    process.caller = caller = Caller()
    caller._process, caller._message = process, message
    caller._sender, caller._timeout, caller._asking = sender, timeout, None
    try:
        result = process.context.run(process.handle_call, message, caller)
    except BaseException as error:  # noqa: BLE001 -- whatever a handler raises is the end of its actor
        process.message = result = caller.asking
        fail(process, error)
    else:
        if type(result) in SPECIAL or process.attention or caller._asking is not None:
            result = _complete_inline(process, caller, result)
    process.caller = None
    process.last_handled = ended = perf_counter()
    if received >= process.sample_at:
        process.sample_inline(began, ended)
    budget = process.system.dispatcher
    budget.left = 0 if ended > budget.slice_end else budget.left - 1
    if process.attention or process.mailbox is not process.vacant:
        process.release()
    else:
        process.running = False
        process.idle = True
    return result


def _complete_inline(process: Process, caller: Caller, result: Any) -> Asking:
    process.message = asking = caller.asking
    asking.caller = caller
    settle(process, asking, result)
    return asking


@enable_ki_protection
def run_terminate(process: Process) -> None:
    """Run `terminate`, up to its first wait, and finish if it has none."""
    ending = process.ending
    assert ending is not None
    process.running = True
    try:
        result = process.context.run(process.actor.terminate, ending.reason)
    except BaseException as error:  # noqa: BLE001 -- whatever terminate raises is the exit reason
        fail_in_terminate(process, ending, error)
    else:
        if isinstance(result, CoroutineType):
            ending.coroutine = result
            process.start_task()
            return
    process.running = False
    process.finish()


def invoke(process: Process, item: Any, *, told: bool = False) -> Any:
    """Call the callback that *item* is for; whoever listens is told, if that is not *told* already."""
    if MESSAGES.listened_to and not told and is_carrier(item):
        return handle_in_span(process, item, invoke)
    kind = type(item)
    if kind is Asking:
        caller = Caller().stand_for(item)
        result = process.handle_call(item.message, caller)
        if type(result) in SPECIAL:
            item.caller = caller
        return result
    if kind is Delivery or kind is Carried:
        return process.handle_cast(item.message)
    if kind is Alarm:
        return process.actor.handle_info(Timeout()) if process.idle_timer is item.timer else None
    if kind is Info or kind is Tick:
        message = item.message
        if type(message) is Down and message.monitor.flushed:
            return None
        return process.actor.handle_info(message)
    if kind is Continuation:
        return process.actor.handle_continue(item.argument)
    if kind is Order:
        return Stop(item.reason)
    return process.handle_cast(item)


@enable_ki_protection
def settle(process: Process, item: Any, result: Any) -> None:
    """As `complete`; but what *result* is, if the callback has to wait, its own task will find out."""
    if isinstance(result, CoroutineType):
        process.coroutine = result
        process.attention = True
    else:
        complete(process, item, result)


@enable_ki_protection
def complete(process: Process, item: Any, result: Any) -> None:
    """Do what the *result* of *item*'s callback asks for."""
    if process.reason is not None or (process.ending is not None and not process.ending.terminate):
        return
    if type(item) is Asking:
        if type(result) in SPECIAL:
            _complete_call(process, item, result)
        else:
            item.caller = None
            item.reply(result)
    elif type(item) is Startup:
        _complete_init(process, result)
    else:
        if type(item) is Continuation:
            item.caller = None
        allowed = result is None or _complete_other(process, item, result)
        if allowed and type(item) is Delivery and not process.is_aside(item):
            item.settle(HANDLED)


def _complete_call(process: Process, asking: Asking, result: Any) -> None:
    caller, asking.caller = asking.caller, None
    if isinstance(result, Stop):
        process.end(result.reason, caller=asking, reply=result.reply)
    elif isinstance(result, Continue):
        if result.reply is not NO_REPLY:
            asking.reply(result.reply)
        process.owe(asking, caller)
        process.continue_with(result.argument, caller)
    elif result is NO_REPLY:
        process.owe(asking, caller)
    else:
        _refuse_result(process, "handle_call", result, "a reply, NO_REPLY, Continue and Stop")


def _complete_other(process: Process, item: Any, result: Any) -> bool:
    """Do what *result* asks for; tell whether the callback may return it."""
    if isinstance(result, Stop) and result.reply is NO_REPLY:
        process.end(result.reason)
    elif isinstance(result, Continue) and result.reply is NO_REPLY:
        process.continue_with(result.argument)
    else:
        names = {Alarm: "handle_info", Info: "handle_info", Tick: "handle_info", Continuation: "handle_continue"}
        callback = names.get(type(item), "handle_cast")
        _refuse_result(process, callback, result, "None, and Continue and Stop without a reply")
        return False
    return True


def _complete_init(process: Process, result: Any) -> None:
    if process.ending is not None:
        return
    if result is None or (isinstance(result, Continue) and result.reply is NO_REPLY):
        if result is not None:
            process.continue_with(result.argument)
        _go_up(process)
    elif result is IGNORE:
        process.start_error = IgnoredError(f"{process.ref} chose not to start")
        process.end(NORMAL)
    elif isinstance(result, Stop) and result.reply is NO_REPLY:
        process.end(result.reason)
    else:
        _refuse_result(process, "init", result, "None, Continue, IGNORE and Stop")


def _go_up(process: Process) -> None:
    """Note that `init` is over, and well."""
    report.started(process)
    process.started = True
    if process.starter is not None:
        process.wake_starter()


def _refuse_result(process: Process, callback: str, result: Any, allowed: str) -> None:
    if isinstance(result, CoroutineType):
        result.close()
    msg = f"{callback} of {process.ref} returned {shown(result)}; allowed are {allowed}"
    fail(process, BadReturnError(msg))


@enable_ki_protection
def fail(process: Process, error: BaseException) -> None:
    """End *process* because a callback raised *error*, or the system if it was Ctrl-C."""
    if is_interrupt(error):
        process.system.interrupt(error)
        process.end(SHUTDOWN)
    elif process.ending is not None:
        report.leftover(process, error)
    else:
        if not process.started:
            process.start_error = error
        process.end(Crash(error))


def fail_in_terminate(process: Process, ending: Ending, error: BaseException) -> None:
    """Let *error*, raised by `terminate`, be the exit reason."""
    if is_interrupt(error):
        process.system.interrupt(error)
    else:
        ending.reason = Crash(error)
        ending.should_report = True
        if process.reason is None:
            ending.status = report.status_at(process, ending)


def is_interrupt(error: BaseException) -> bool:
    """Tell whether *error* is Ctrl-C, or a group that holds it."""
    if isinstance(error, BaseExceptionGroup):
        return any(is_interrupt(inner) for inner in error.exceptions)
    return isinstance(error, KeyboardInterrupt)

"""Spans that messages carry: from who sends one to who handles it, while somebody listens."""

from __future__ import annotations

from types import CoroutineType
from typing import TYPE_CHECKING, Any, Final
from weakref import finalize

import trio
from trio.lowlevel import enable_ki_protection, wait_task_rescheduled

from actors.asking import Asking, ask
from actors.envelope import CARRIERS, Carried, Info, Tick, is_news
from actors.settlement import Delivery
from actors.telemetry import ACTOR_CALL, ACTOR_HANDLE, current_span, within

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from actors.message import Priority
    from actors.process import Process
    from actors.telemetry import OpenSpan, SpanContext

CALLBACKS: Final = {Asking: "handle_call", Info: "handle_info", Tick: "handle_info"}


def carry(message: object) -> Carried:
    """Return *message*, to be cast, with the current span."""
    return Carried(message, current_span())


def mark(item: Any) -> None:
    """Have *item*, which is no plain message, carry the current span."""
    item.span = current_span()


@enable_ki_protection
async def call_in_span(
    process: Process, message: object, sender: Process | None, timeout: float | None, priority: Priority
) -> object:
    """Make a call as `ActorRef.call` does, always through the mailbox, and tell of it."""
    with ACTOR_CALL.begin(actor=process.ref, message_type=type(message).__name__):
        asking = ask(process, message, sender, timeout)
        mark(asking)
        process.put(asking, priority)
        if not asking.answered:
            asking.begin_to_wait()
            await wait_task_rescheduled(asking.abandon)
        if sender is not None and sender.ending is not None:
            await trio.lowlevel.checkpoint()
        return asking.result()


def is_carrier(item: Any) -> bool:
    """Tell whether the handling of *item* is a span: somebody has sent it, and not the runtime."""
    return type(item) in CARRIERS and not is_news(item)


def handle_in_span(process: Process, item: Any, invoke: Callable[..., Any]) -> Any:
    """Have *invoke* call the callback that *item* is for, within the span that it carries, and tell of it.

    What a callback returns that has to wait is run by the actor's task, within the same span.
    """
    callback = CALLBACKS.get(type(item), "handle_cast")
    with within(_carried_by(item)):
        span = ACTOR_HANDLE.begin(actor=process.ref, callback=callback, message_type=type(item.message).__name__)
    try:
        with within(span.context):
            result = invoke(process, item, told=True)
    except BaseException as error:
        span.fail(error)
        raise
    if isinstance(result, CoroutineType):
        following = _follow(result, span)
        # If that is never begun, nobody else would close the callback's own.
        finalize(following, _close, result, span).atexit = False
        return following
    span.stop()
    return result


async def _follow(coroutine: Coroutine[Any, Any, Any], span: OpenSpan) -> Any:
    try:
        with within(span.context):
            result = await coroutine
    except BaseException as error:
        span.fail(error)
        raise
    span.stop()
    return result


def _close(coroutine: CoroutineType[Any, Any, Any], span: OpenSpan) -> None:
    if coroutine.cr_frame is not None:
        coroutine.close()
        span.fail(GeneratorExit())


def _carried_by(item: Any) -> SpanContext | None:
    """Return the span that *item* was sent in; None if it was in none, or nobody listened then."""
    span: SpanContext | None = getattr(item, "span", None)
    if span is None and type(item) is Delivery:
        span = getattr(item.origin, "span", None)
    return span

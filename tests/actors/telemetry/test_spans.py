"""Spans tell when they begin and end, how they ended, and what they are a part of."""

from __future__ import annotations

import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
import trio
from attrs import frozen

from actors import Actor
from actors.telemetry import Span, SpanContext, attached, current_span, within

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from trio.testing import MockClock

    from actors import ActorSystem, Caller
    from tests.actors.telemetry.listener import Listener

SALE = Span("test.sale", "A till sells.", metadata=("till",), measured=("cents",), noted=("paid",))


def test_a_span_tells_when_it_begins_and_what_came_of_it(listener: Listener) -> None:
    before = time.time()
    with SALE.begin(till="left") as sale:
        sale.measure(cents=5)
        sale.note(paid=True)

    start, stop = listener.told
    assert start.name == "test.sale.start"
    assert before <= start.measurements["system_time"] <= time.time()
    assert start.metadata == {"till": "left", "span": sale.context}
    assert stop.name == "test.sale.stop"
    assert stop.measurements["latency_us"] > 0
    assert stop.measurements["cents"] == 5
    assert stop.metadata == {**start.metadata, "paid": True, "success": True, "timeout": False, "canceled": False}


@pytest.mark.parametrize(
    ("error", "timeout"),
    [(ValueError("no tea"), False), (TimeoutError("too slow"), True), (trio.TooSlowError(), True)],
    ids=["error", "timeout", "trio's timeout"],
)
def test_a_span_that_fails_tells_the_error_and_not_what_came_of_it(
    error: Exception, *, timeout: bool, listener: Listener
) -> None:
    sale = SALE.begin(till="left")
    sale.note(paid=True)
    with pytest.raises(type(error)), sale:
        raise error

    told = listener.one("test.sale.exception")
    assert set(told.measurements) == {"latency_us"}
    assert told.metadata == {
        "till": "left",
        "span": sale.context,
        "success": False,
        "timeout": timeout,
        "canceled": False,
        "error": error,
    }


async def test_a_span_that_is_cancelled_says_so(listener: Listener, autojump_clock: MockClock) -> None:
    with trio.move_on_after(1), SALE.begin(till="left"):
        await trio.sleep_forever()

    told = listener.one("test.sale.exception").metadata
    assert (told["canceled"], told["timeout"], told["success"]) == (True, False, False)


async def test_a_span_whose_tasks_are_cancelled_together_is_cancelled(
    listener: Listener, autojump_clock: MockClock
) -> None:
    with trio.move_on_after(1), SALE.begin(till="left"):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.sleep_forever)
            nursery.start_soon(trio.sleep_forever)

    told = listener.one("test.sale.exception").metadata
    assert (told["canceled"], told["timeout"]) == (True, False)


@pytest.mark.parametrize(
    ("errors", "timeout"),
    [([trio.TooSlowError()], True), ([TimeoutError(), ValueError("no tea")], False)],
    ids=["timeouts only", "another error beside one"],
)
def test_a_group_of_errors_is_a_timeout_if_there_is_no_other_error(
    errors: list[Exception], *, timeout: bool, listener: Listener
) -> None:
    with pytest.raises(ExceptionGroup), SALE.begin(till="left"):
        raise ExceptionGroup("tills", errors)

    told = listener.one("test.sale.exception").metadata
    assert (told["canceled"], told["timeout"]) == (False, timeout)


def test_a_span_of_a_coroutine_that_is_closed_is_cancelled(listener: Listener) -> None:
    async def sell() -> None:
        with SALE.begin(till="left"):
            await trio.lowlevel.cancel_shielded_checkpoint()

    selling = sell()
    selling.send(None)
    selling.close()

    assert listener.one("test.sale.exception").metadata["canceled"] is True


async def test_a_span_that_is_left_in_another_task_ends_and_harms_neither(listener: Listener) -> None:
    @asynccontextmanager
    async def sale() -> AsyncIterator[SpanContext]:
        with within(None), SALE.begin(till="left") as sale:
            sale.measure(cents=5)
            sale.note(paid=True)
            yield sale.context

    opened = sale()
    context = await opened.__aenter__()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(opened.__aexit__, None, None, None)

    assert listener.one("test.sale.stop").metadata["span"] is context


def test_an_error_that_was_caused_by_a_timeout_is_one(listener: Listener) -> None:
    with pytest.raises(RuntimeError), SALE.begin(till="left"):
        raise RuntimeError("whether it was sold is not known") from TimeoutError("too slow")

    assert listener.one("test.sale.exception").metadata["timeout"] is True


def test_a_span_within_another_is_a_part_of_it() -> None:
    with SALE.begin(till="left") as outer:
        assert current_span() is outer.context
        with SALE.begin(till="right") as inner:
            assert current_span() is inner.context
        assert current_span() is outer.context

    assert current_span() is None
    assert (inner.context.trace_id, inner.context.parent_id) == (outer.context.trace_id, outer.context.span_id)
    assert outer.context.parent_id is None
    assert inner.context.span_id != outer.context.span_id


def test_a_span_that_is_ended_elsewhere_is_nobodys_parent(listener: Listener) -> None:
    sale = SALE.begin(till="left")

    assert current_span() is None
    sale.measure(cents=5)
    sale.note(paid=False)
    sale.stop()

    assert listener.one("test.sale.stop").metadata["span"] is sale.context


@frozen
class Sell:
    span: SpanContext | None


class Till(Actor):
    def handle_call(self, message: Sell, caller: Caller) -> Any:
        assert current_span() is None
        with within(message.span), SALE.begin(till="left") as sale:
            return sale.context


async def test_a_context_travels_in_a_message_from_actor_to_actor(system: ActorSystem) -> None:
    till = await system.start(Till)

    with SALE.begin(till="shop") as sale:
        within_till = await till.call(Sell(current_span()))

    assert within_till.parent_id == sale.context.span_id
    assert within_till.trace_id == sale.context.trace_id


def test_a_context_travels_as_a_text() -> None:
    context = SALE.begin(till="left").context

    back = SpanContext.from_traceparent(context.traceparent)

    assert back == SpanContext(context.trace_id, context.span_id)


@pytest.mark.parametrize(
    "text",
    [
        *("", "00-1-2-01", None, 5),
        "00-" + "0" * 32 + "-" + "1" * 16 + "-01",
        "00-" + "1" * 32 + "-" + "0" * 16 + "-01",
        "ff-" + "1" * 32 + "-" + "1" * 16 + "-01",
        "00-" + "1" * 32 + "-" + "1" * 16 + "-01-more",
        "00-" + "1" * 32 + "-" + "1" * 16 + "-01\n",
        "00-" + "A" * 32 + "-" + "1" * 16 + "-01",
    ],
)
def test_what_is_no_traceparent_means_nothing(text: object) -> None:
    assert SpanContext.from_traceparent(text) is None


def test_a_traceparent_of_a_later_version_may_have_more() -> None:
    context = SpanContext.from_traceparent("01-" + "1" * 32 + "-" + "2" * 16 + "-03-more")

    assert context == SpanContext("1" * 32, "2" * 16)


def test_within_refuses_what_is_no_context() -> None:
    with pytest.raises(TypeError, match="is a SpanContext, or None; got 'a text'"), within("a text"):  # type: ignore[arg-type]
        pass


def test_a_span_has_listeners_as_long_as_one_of_its_events_has() -> None:
    for name in ("start", "stop", "exception"):
        with attached(f"test.sale.{name}", print):
            assert SALE.listeners
        assert not SALE.listeners

    assert repr(SALE) == "<Span test.sale: 0 listeners>"

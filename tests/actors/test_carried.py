"""While somebody listens, messages carry the span that they were sent in to whoever handles them."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from actors import Actor, ActorExitedError, CallingSelfError, Mailbox, open_system
from actors.delivery import DeliveryOptions, Router, RouterConfig, RouterRef
from actors.queue import MemoryStore, Queue, QueueClient, SqliteStore
from actors.settlement import HANDLED
from actors.telemetry import Span, SpanContext, attached, current_span, span_in, within
from tests.actors.telemetry.listener import Listener

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from actors import ActorSystem, Caller

ORDER = Span("test.order", "Somebody orders.", metadata=())


@pytest.fixture
def listener() -> Iterator[Listener]:
    listener = Listener()
    with attached(["actor.call.*", "actor.handle.*", "router.send.*"], listener):
        yield listener


class Quick(Actor):
    """Notes in which span it handles what; its handlers are ``def``."""

    def __init__(self, notes: list[tuple[object, SpanContext | None]]) -> None:
        self.notes = notes

    def handle_call(self, message: object, caller: Caller) -> object:
        self.notes.append((message, current_span()))
        return message

    def handle_cast(self, message: object) -> Any:
        self.notes.append((message, current_span()))

    handle_info = handle_cast


class Slow(Actor):
    """As `Quick`, but its handlers wait."""

    def __init__(self, notes: list[tuple[object, SpanContext | None]]) -> None:
        self.notes = notes

    async def handle_call(self, message: object, caller: Caller) -> object:
        await self.handle_cast(message)
        return message

    async def handle_cast(self, message: object) -> Any:
        await trio.sleep(1)
        self.notes.append((message, current_span()))

    handle_info = handle_cast


@pytest.mark.parametrize("kind", [Quick, Slow])
async def test_every_way_to_send_carries_the_span(
    kind: type[Quick | Slow], system: ActorSystem, listener: Listener
) -> None:
    notes: list[tuple[object, SpanContext | None]] = []
    ref = await system.start(kind, notes)
    outcomes: list[object] = []

    with ORDER.begin() as order:
        await ref.call("call")
        ref.cast("cast")
        await ref.cast_wait("cast_wait")
        ref.send("send")
        ref.deliver("deliver", outcomes.append)
        answer = ref.send_request("request")
        await answer.receive(10)

    spans = dict(notes)
    assert list(spans) == ["call", "cast", "cast_wait", "send", "deliver", "request"]
    assert {span.trace_id for span in spans.values() if span is not None} == {order.context.trace_id}
    parents = [span.parent_id for message, span in spans.items() if span is not None and message != "call"]
    assert parents == [order.context.span_id] * 5
    called, within_call = listener.one("actor.call.start"), spans["call"]
    assert within_call is not None
    assert within_call.parent_id == called.metadata["span"].span_id
    assert outcomes == [HANDLED]
    stops = [(told.metadata["callback"], told.metadata["message_type"]) for told in listener.of("actor.handle.stop")]
    callbacks = ["handle_call", *["handle_cast"] * 2, "handle_info", "handle_cast", "handle_call"]
    assert stops == [(callback, "str") for callback in callbacks]


async def test_a_message_that_is_sent_outside_of_every_span_begins_a_trace(
    system: ActorSystem, listener: Listener
) -> None:
    notes: list[tuple[object, SpanContext | None]] = []
    ref = await system.start(Quick, notes)

    ref.cast(1)
    ref.cast(2)
    await wait_all_tasks_blocked()

    first, second = (span for _, span in notes)
    assert first is not None
    assert second is not None
    assert (first.parent_id, second.parent_id) == (None, None)
    assert first.trace_id != second.trace_id


async def test_a_span_does_not_stay_with_the_actor(system: ActorSystem) -> None:
    notes: list[tuple[object, SpanContext | None]] = []
    quick, slow = await system.start(Quick, notes), await system.start(Slow, notes)
    with attached("actor.handle.*", print), ORDER.begin():
        await quick.call(1)
        await slow.call(1)

    await quick.call(2)
    await slow.call(2)

    assert [message for message, span in notes if span is None] == [2, 2]


async def test_what_was_sent_before_anybody_listened_is_handled_all_the_same(system: ActorSystem) -> None:
    notes: list[tuple[object, SpanContext | None]] = []
    ref = await system.start(Quick, notes)
    ref.cast("cast")
    ref.send("info")
    listener = Listener()

    with attached("actor.handle.*", listener):
        await ref.call("call")

    assert [message for message, _ in notes] == ["cast", "info", "call"]
    assert [told.metadata["callback"] for told in listener.of("actor.handle.stop")] == ["handle_info", "handle_call"]


async def test_what_is_left_when_nobody_listens_any_more_is_handled_as_it_was_sent(system: ActorSystem) -> None:
    notes: list[tuple[object, SpanContext | None]] = []
    ref = await system.start(Quick, notes)
    with attached("actor.handle.*", print):
        ref.cast("cast")
        ref.send("info")

    await ref.call("call")

    assert notes == [("cast", None), ("info", None), ("call", None)]


async def test_a_dead_letter_is_the_message_itself(system: ActorSystem, listener: Listener) -> None:
    ref = await system.start(Slow, [])
    ref.cast("first")
    ref.cast("second")
    await wait_all_tasks_blocked()

    ref.kill()
    await ref.wait()
    ref.cast("third")
    ref.send("fourth")

    letters = [(letter.message, letter.kind) for letter in system.dead_letters]
    assert letters == [("second", "cast"), ("third", "cast"), ("fourth", "info")]


async def test_a_handler_that_is_killed_or_never_begun_ends_its_span(system: ActorSystem, listener: Listener) -> None:
    ref = await system.start(Slow, [])
    ref.cast("begun")
    await wait_all_tasks_blocked()
    ref.kill()
    await ref.wait()
    await wait_all_tasks_blocked()
    other = await system.start(Slow, [])
    other.cast("never begun")
    other.kill()
    await wait_all_tasks_blocked()
    gc.collect()

    begun = [told.metadata["span"] for told in listener.of("actor.handle.start")]
    ended = [told.metadata["span"] for told in listener.told if told.name.endswith((".stop", ".exception"))]
    assert begun == ended
    assert listener.one("actor.handle.exception").metadata["canceled"] is True


async def test_a_call_fails_as_it_does_when_nobody_listens(system: ActorSystem, listener: Listener) -> None:
    class Clumsy(Actor):
        async def handle_call(self, message: object, caller: Caller) -> object:
            if message == "self":
                return await self.ref.call("again")
            raise ValueError(message)

    ref = await system.start(Clumsy)
    with pytest.raises(ActorExitedError) as failed:
        await ref.call("self")

    assert "CallingSelfError" in str(failed.value)
    errors = [type(told.metadata["error"]) for told in listener.told if told.name.endswith(".exception")]
    assert errors == [CallingSelfError, ActorExitedError]


async def test_a_call_that_is_cancelled_says_so(system: ActorSystem, listener: Listener) -> None:
    ref = await system.start(Slow, [])

    with trio.move_on_after(0.5):
        await ref.call("slow", timeout=None)

    assert listener.one("actor.call.exception").metadata["canceled"] is True


async def test_a_message_that_is_set_aside_keeps_its_span(system: ActorSystem, listener: Listener) -> None:
    class Shy(Quick):
        ready = False

        def handle_cast(self, message: object) -> Any:
            if not self.ready and message != "ready":
                return self.stash()
            if not self.ready:
                self.ready = True
                self.unstash()
            return super().handle_cast(message)

    notes: list[tuple[object, SpanContext | None]] = []
    ref = await system.start(Shy, notes)
    with ORDER.begin() as order:
        ref.cast("early")
    ref.cast("ready")
    await wait_all_tasks_blocked()

    spans = dict(notes)
    early = spans["early"]
    assert early is not None
    assert early.parent_id == order.context.span_id


async def test_who_waits_for_room_sends_within_the_span(system: ActorSystem, listener: Listener) -> None:
    class Narrow(Slow):
        mailbox = Mailbox(max_messages=1, overflow="wait")

    notes: list[tuple[object, SpanContext | None]] = []
    ref = await system.start(Narrow, notes)
    with ORDER.begin() as order:
        for number in range(4):
            await ref.cast_wait(number)
        await ref.call("last", timeout=None)

    assert {span.trace_id for _, span in notes if span is not None} == {order.context.trace_id}
    assert [message for message, _ in notes] == [0, 1, 2, 3, "last"]


async def test_a_message_of_a_router_that_waits_keeps_its_span(system: ActorSystem, listener: Listener) -> None:
    notes: list[tuple[object, SpanContext | None]] = []
    await system.start(Router, name="router")

    with ORDER.begin() as order:
        sent = await RouterRef(system).send("late", "tea", DeliveryOptions(max_retries=5))
    await system.start(Quick, notes, name="late")
    await sent.acknowledged()

    ((_, span),) = notes
    assert span is not None
    assert span.trace_id == order.context.trace_id
    assert span.parent_id == listener.one("router.send.start").metadata["span"].span_id


class Told(Quick):
    """Tells when it has handled a message."""

    def __init__(self, notes: list[tuple[object, SpanContext | None]], done: trio.Event) -> None:
        super().__init__(notes)
        self.done = done

    def handle_cast(self, message: object) -> Any:
        super().handle_cast(message)
        self.done.set()


async def test_a_durable_message_keeps_its_span_in_the_file(tmp_path: Path, listener: Listener) -> None:
    config = RouterConfig(database=tmp_path / "router.db")
    async with open_system() as system:
        await system.start(Router, config, name="router")
        with ORDER.begin() as order:
            await RouterRef(system).send("late", "tea", DeliveryOptions(durable=True))

    notes: list[tuple[object, SpanContext | None]] = []
    async with open_system() as system:
        done = trio.Event()
        await system.start(Told, notes, done, name="late")
        await system.start(Router, config, name="router")
        await done.wait()

    ((_, span),) = notes
    assert span is not None
    assert span.trace_id == order.context.trace_id
    assert span.parent_id == listener.one("router.send.start").metadata["span"].span_id


async def test_a_message_of_a_queue_keeps_its_span_in_the_file(tmp_path: Path) -> None:
    listener = Listener()
    with attached("queue.enqueue.*", listener):
        async with open_system() as system:
            await system.start(Queue, SqliteStore(tmp_path / "queue.db"), name="queue")
            with ORDER.begin():
                await QueueClient(system.named("queue")).put("mill", "grind", metadata={"grain": "rye"})

    async with open_system() as system:
        await system.start(Queue, SqliteStore(tmp_path / "queue.db"), name="queue")
        lease = await QueueClient(system.named("queue")).lease("mill")

    put = listener.one("queue.enqueue.start").metadata["span"]
    span = span_in(lease.message.metadata)
    assert span == SpanContext(put.trace_id, put.span_id)
    assert lease.message.metadata["grain"] == "rye"


async def test_a_span_that_the_sender_has_put_into_the_metadata_stays(system: ActorSystem) -> None:
    await system.start(Queue, MemoryStore(), name="queue")
    queue = QueueClient(system.named("queue"))
    text = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

    with attached("queue.enqueue.*", print):
        await queue.put("mill", "grind", metadata={"traceparent": text})

    assert (await queue.lease("mill")).message.metadata == {"traceparent": text}


async def test_nothing_is_carried_while_nobody_listens(system: ActorSystem) -> None:
    notes: list[tuple[object, SpanContext | None]] = []
    ref = await system.start(Quick, notes)

    with within(SpanContext("1" * 32, "2" * 16)):
        ref.cast("cast")
        await ref.call("call")

    assert notes == [("cast", None), ("call", None)]

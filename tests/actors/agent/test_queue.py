"""Agents put messages into queues, pull them, ask and answer through them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import trio

from actors import NoProcessError
from actors.agent import Agent, AgentMessage, MessageMissingError, NotSerialisableError, QueueMissingError
from actors.queue import (
    CorruptMessageError,
    LeaseLostError,
    MessageRefusedError,
    NoAnswerError,
    QueueClient,
    QueueClosedError,
    UnknownRecipientError,
)
from tests.actors.agent.desks import LARGE, Desk

if TYPE_CHECKING:
    from actors import ActorSystem
    from actors.store import StoreClient
    from tests.actors.agent.conftest import StartDesk

SMALL = {"cups": 2}
DAY = 86_400.0

each_way = pytest.mark.parametrize("data", [SMALL, LARGE], ids=["by value", "by reference"])


async def stays(store: StoreClient) -> int:
    """Return how many values are held once everybody has done what there was to do."""
    await trio.testing.wait_all_tasks_blocked()
    await trio.sleep(1)
    return (await store.stats()).active_refs


@each_way
async def test_what_is_queued_is_pulled_and_received(
    desk: Desk, start_desk: StartDesk, store: StoreClient, data: Any
) -> None:
    """L-AGT-9, L-AGT-12."""
    mill = await start_desk("mill")

    message_id = await desk.send_async("mill", "order", data)
    lease = await mill.receive_with_timeout(1)

    assert lease is not None
    message = lease.message
    assert (message.id, message.sender, message.type) == (message_id, "desk", "order")
    assert (message.priority, message.max_retries) == (0, 3)
    assert message.expires_at - message.enqueued_at == DAY
    assert await mill.receive(lease) == await mill.receive(lease.message) == data
    await mill.ack(lease)
    assert await stays(store) == 0


async def test_without_a_queue_nothing_is_queued_or_pulled(start_desk: StartDesk, store: StoreClient) -> None:
    """L-AGT-9, L-AGT-10: nothing is stored either."""
    desk = await start_desk("desk", queue=None)

    for asked in (
        desk.send_async("mill", "order", LARGE),
        desk.send_and_receive("mill", "order", LARGE),
        desk.receive_with_timeout(1),
    ):
        with pytest.raises(QueueMissingError, match=r"<desk #\d+> has no queue: it was started without queue="):
            await asked
    assert (await store.stats()).total_refs == 0


async def test_what_json_cannot_hold_is_not_queued(desk: Desk) -> None:
    """L-AGT-7."""
    with pytest.raises(NotSerialisableError):
        await desk.send_async("mill", "order", object())

    assert await desk.queue.depth("mill") == 0


async def test_what_no_queue_takes_leaves_nothing_in_the_store(start_desk: StartDesk, store: StoreClient) -> None:
    desk = await start_desk("desk", queue="nobody")

    with pytest.raises(NoProcessError, match="nobody has the name 'nobody'"):
        await desk.send_async("mill", "order", LARGE)

    assert await stays(store) == 0


async def test_a_message_is_returned_the_instant_it_comes(desk: Desk, start_desk: StartDesk) -> None:
    """L-AGT-12: the original looked every 100 ms."""
    mill = await start_desk("mill")
    arrived: list[Any] = []

    async def pull() -> None:
        lease = await mill.receive_with_timeout(10)
        assert lease is not None
        arrived.append((trio.current_time() - begin, await mill.receive(lease)))

    begin = trio.current_time()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(pull)
        await trio.sleep(3.217)
        await desk.send_async("mill", "order", SMALL)

    assert arrived == [(pytest.approx(3.217), SMALL)]


async def test_no_message_in_time_is_none(desk: Desk) -> None:
    """L-AGT-12."""
    begin = trio.current_time()

    assert await desk.receive_with_timeout(2.5) is None
    assert trio.current_time() - begin == 2.5


async def test_at_no_time_it_looks_and_does_not_wait(desk: Desk) -> None:
    """L-AGT-12."""
    assert await desk.receive_with_timeout(0) is None
    await desk.send_async("desk", "order", SMALL)

    lease = await desk.receive_with_timeout(0)

    assert lease is not None
    assert await desk.receive(lease) == SMALL


async def test_without_a_limit_it_waits(desk: Desk) -> None:
    """L-AGT-12."""
    with trio.move_on_after(3_600) as scope:
        await desk.receive_with_timeout(None)

    assert scope.cancelled_caught


@pytest.mark.parametrize("timeout", [-1, "soon", float("nan")])
async def test_what_is_no_timeout_is_refused(desk: Desk, timeout: Any) -> None:
    with pytest.raises(ValueError, match="timeout is a number of seconds, 0 or more"):
        await desk.receive_with_timeout(timeout)


async def test_cancelled_it_raises_and_has_taken_nothing(desk: Desk) -> None:
    """L-AGT-12: the end of the caller's time is no end of the agent's."""
    returned = False
    with trio.move_on_after(1) as scope:
        await desk.receive_with_timeout(10)
        returned = True

    await desk.send_async("desk", "order", SMALL)

    assert scope.cancelled_caught
    assert not returned
    assert await desk.queue.depth("desk") == 1


async def test_what_is_not_acknowledged_comes_again(desk: Desk) -> None:
    """L-AGT-12: receiving is not acknowledging."""
    await desk.send_async("desk", "order", LARGE)
    first = await desk.receive_with_timeout(1, lease_seconds=2)
    assert first is not None
    assert await desk.receive(first) == LARGE

    begin = trio.current_time()
    second = await desk.receive_with_timeout(10)

    assert second is not None
    assert trio.current_time() - begin == 2
    assert (second.message.id, second.message.dequeue_count) == (first.message.id, 2)
    assert await desk.receive(second) == LARGE
    with pytest.raises(LeaseLostError):
        await desk.ack(first)
    assert await desk.receive(second) == LARGE


class Mill(Agent):
    """It answers what it pulls, once."""

    def __init__(self, answer: object, **parts: Any) -> None:
        super().__init__(**parts)
        self.answer = answer

    async def handle_cast(self, message: object) -> None:
        request = await self.receive_with_timeout(None)
        assert request is not None
        order = await self.receive(request)
        await self.reply(request, "tool_result", {"of": order, "is": self.answer})
        await self.ack(request)


@each_way
async def test_a_request_is_answered(
    desk: Desk, start_desk: StartDesk, system: ActorSystem, store: StoreClient, data: Any
) -> None:
    """L-AGT-10: both ways by value or by reference."""
    await start_desk("mill", Mill, data)
    system.named("mill").cast("work")

    assert await desk.send_and_receive("mill", "order", data, timeout=5) == {"of": data, "is": data}
    assert await stays(store) == 0


@pytest.mark.parametrize(("timeout", "seconds"), [(2.5, 2.5), (0, 30.0), (None, 30.0)])
async def test_no_answer_in_time_is_an_error(desk: Desk, timeout: float | None, seconds: float) -> None:
    """L-AGT-10: at 0 it waits for 30 s; the request stays, with its value."""
    begin = trio.current_time()

    with pytest.raises(NoAnswerError, match=rf"no reply from mill .* within {seconds} s"):
        await desk.send_and_receive("mill", "order", LARGE, timeout)

    assert trio.current_time() - begin == seconds
    assert [await desk.receive(lease) for lease in await desk.queue.lease_many("mill", 9)] == [LARGE]


async def test_a_late_answer_is_a_message_for_who_asked(desk: Desk, start_desk: StartDesk, store: StoreClient) -> None:
    """L-AGT-10."""
    mill = await start_desk("mill")
    with pytest.raises(NoAnswerError):
        await desk.send_and_receive("mill", "order", SMALL, 1)
    request = await mill.receive_with_timeout(1)
    assert request is not None

    await mill.reply(request, "tool_result", LARGE)
    await mill.ack(request)
    answer = await desk.receive_with_timeout(1)

    assert answer is not None
    assert answer.message.kind == "reply"
    assert await desk.receive(answer) == LARGE
    await desk.ack(answer)
    assert await stays(store) == 0


async def test_an_answer_that_cannot_be_read_takes_no_value_from_who_was_asked(desk: Desk, store: StoreClient) -> None:
    """The request was taken, and who was asked acknowledges it: to let go of its value twice would take another's."""
    asked = desk.queue.send_and_receive

    async def ask_in_vain(*arguments: Any, **options: Any) -> Any:
        with pytest.raises(NoAnswerError):
            await asked(*arguments, **options)
        raise CorruptMessageError("its payload of 7 bytes cannot be read")

    desk.queue.send_and_receive = ask_in_vain  # type: ignore[method-assign] # as on a file that was damaged
    with pytest.raises(CorruptMessageError):
        await desk.send_and_receive("mill", "order", LARGE, 1)

    assert await stays(store) == 1


async def test_an_answer_that_is_no_message_of_an_agent_is_an_error_that_shows_it(
    desk: Desk, system: ActorSystem
) -> None:
    async def answer() -> None:
        queue = QueueClient(system.named("queue"), sender="mill")
        await queue.reply((await queue.lease("mill")).message, {"ground": 250})

    async with trio.open_nursery() as nursery:
        nursery.start_soon(answer)
        with pytest.raises(MessageMissingError, match=r"\{'ground': 250\} is no message of an agent"):
            await desk.send_and_receive("mill", "order", SMALL, 5)


async def test_what_is_no_request_is_not_answered(desk: Desk, store: StoreClient) -> None:
    nothing: Any = None
    await desk.send_async("desk", "order", SMALL)
    message = await desk.receive_with_timeout(1)
    assert message is not None

    with pytest.raises(MessageMissingError, match="None is no Lease"):
        await desk.reply(nothing, "tool_result", LARGE)
    with pytest.raises(MessageRefusedError, match="is no request: its kind is 'message'"):
        await desk.reply(message, "tool_result", LARGE)

    assert await stays(store) == 0


async def test_a_message_that_is_not_of_an_agent_is_acknowledged_all_the_same(desk: Desk) -> None:
    await desk.queue.put("desk", {"kind": "arabica"})
    lease = await desk.receive_with_timeout(1)
    assert lease is not None
    with pytest.raises(MessageMissingError, match="is no message of an agent"):
        await desk.receive(lease)

    await desk.ack(lease)

    assert (await desk.queue.statistics()).acked == 1


async def test_a_recipient_that_is_not_known_is_not_asked(
    start_desk: StartDesk, desk: Desk, store: StoreClient
) -> None:
    """L-AGT-10."""
    queue = (await start_desk("other")).queue
    known = desk.system.whereis("queue")
    options: Any = known._process.actor.options  # type: ignore[union-attr]
    object.__setattr__(options, "known", lambda name: name == "desk")

    with pytest.raises(UnknownRecipientError):
        await desk.send_and_receive("mill", "order", LARGE, 5)

    assert await stays(store) == 0
    assert await queue.depth("mill") == 0


async def test_a_closed_queue_says_so(desk: Desk) -> None:
    await desk.queue.close()

    for asked in (desk.send_async("mill", "order", SMALL), desk.receive_with_timeout(1)):
        with pytest.raises(QueueClosedError):
            await asked


async def test_a_queue_that_is_restarted_meanwhile_is_waited_for(desk: Desk, system: ActorSystem) -> None:
    system.named("queue").kill()
    await desk.send_async("desk", "order", SMALL)
    system.named("queue").kill()

    lease = await desk.receive_with_timeout(5)

    assert lease is not None
    assert isinstance(AgentMessage.from_dict(lease.message.payload), AgentMessage)

"""What a queue does for those who put and lease, besides what the suite of its stores shows."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, cast

import attrs
import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from actors import ActorExitedError, ActorSystem, Backoff, UndefinedHandlerError
from actors.name_ref import process_of
from actors.queue import (
    LeaseLostError,
    MemoryStore,
    MessageRefusedError,
    MessageStatus,
    MessagesWaiting,
    NoAnswerError,
    NoDeadLetterError,
    Queue,
    QueueClient,
    QueueClosedError,
    QueueOptions,
    SqliteStore,
    UnknownRecipientError,
)
from tests.actors.probe import Probe, received

if TYPE_CHECKING:
    from collections.abc import Callable


@attrs.define
class Time:
    """A clock on the wall that a test sets."""

    now: float = 1_000.0

    def __call__(self) -> float:
        return self.now


# -- putting


async def test_a_message_comes_as_it_was_put(queue: QueueClient) -> None:
    """L-QUE-2, 4."""
    message_id = await queue.put(
        "ann", {"cups": [1, 2]}, type="order", metadata={"from": "web"}, correlation_id="c-1", priority=3
    )

    message = (await queue.lease("ann")).message

    assert (message.id, message.recipient, message.sender) == (message_id, "ann", "shop")
    assert (message.payload, message.metadata) == ({"cups": [1, 2]}, {"from": "web"})
    assert (message.type, message.correlation_id, message.priority, message.kind) == ("order", "c-1", 3, "message")
    assert (message.dequeue_count, message.max_retries, message.status) == (1, 3, MessageStatus.IN_FLIGHT)
    assert message.expires_at - message.enqueued_at == 24 * 3600


async def test_what_is_put_is_a_copy(queue: QueueClient) -> None:
    """L-QUE-4."""
    payload = ["tea"]
    await queue.put("ann", payload)

    payload.append("coffee")

    assert (await queue.lease("ann")).message.payload == ["tea"]


async def test_ids_of_one_instant_differ(queue: QueueClient) -> None:
    """L-QUE-38."""
    ids = [await queue.put("ann", number) for number in range(100)]

    assert len(set(ids)) == 100


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"recipient": ""}, "recipient of a message is ''"),
        ({"priority": 1.5}, "priority of a message is 1.5"),
        ({"priority": 2**63}, "priority of a message is 9223372036854775808"),
        ({"delay": -1}, "delay of a message is -1"),
        ({"expires_after": float("inf")}, "expires_after of a message is inf"),
        ({"max_retries": -1}, "max_retries of a message are -1"),
        ({"payload": object()}, "payload of a message must be what MessagePack can hold"),
        ({"metadata": {"a": object()}}, "metadata of a message must be what MessagePack can hold"),
        ({"type": 7}, "'shop', 7 and None"),
        ({"id": ""}, "id of a message is ''"),
        ({"max_retries": 2**63}, "max_retries of a message are 9223372036854775808"),
        ({"metadata": 5}, "metadata of a message are 5; allowed is a mapping"),
        ({"recipient": "caf\udce9"}, r"recipient of a message is 'caf\\udce9', which is no text"),
        ({"sender": "caf\udce9"}, r"sender of a message is 'caf\\udce9', which is no text"),
        ({"correlation_id": "caf\udce9"}, r"correlation_id of a message is 'caf\\udce9', which is no text"),
        ({"id": "caf\udce9"}, r"id of a message is 'caf\\udce9', which is no text"),
    ],
)
async def test_what_is_no_message_is_refused(queue: QueueClient, fields: dict[str, Any], told: str) -> None:
    """L-QUE-6, 12."""
    with pytest.raises(MessageRefusedError, match=told):
        await queue.put(**{"recipient": "ann", "payload": "tea"} | fields)

    assert (await queue.statistics()).enqueued == 0


async def test_an_id_that_is_there_is_not_stored_again(queue: QueueClient) -> None:
    """L-QUE-7."""
    async with trio.open_nursery() as nursery:
        for _ in range(3):
            nursery.start_soon(put_with_id, queue, "mine")
    await put_with_id(queue, "mine")

    assert await queue.depth("ann") == 1
    assert (await queue.statistics()).enqueued == 1


async def put_with_id(queue: QueueClient, message_id: str) -> None:
    assert await queue.put("ann", "tea", id=message_id) == message_id


async def test_an_id_is_free_when_its_message_is_gone(queue: QueueClient) -> None:
    """L-QUE-7."""
    await put_with_id(queue, "mine")
    await queue.ack(await queue.lease("ann"))

    await put_with_id(queue, "mine")

    assert await queue.depth("ann") == 1


async def test_only_send_asks_whether_there_is_the_recipient(system: ActorSystem) -> None:
    """L-QUE-22, 32, X12."""
    await system.start(Queue, MemoryStore(), QueueOptions(known={"ann"}.__contains__), name="queue")
    queue = QueueClient(system.named("queue"), sender="shop")
    await queue.put("joe", "tea")

    with pytest.raises(UnknownRecipientError, match=r"no recipient 'bob'; it has messages for joe") as refused:
        await queue.send("bob", "tea")
    with pytest.raises(UnknownRecipientError):
        await queue.send_and_receive("bob", "tea")
    await queue.send("ann", "tea")

    assert refused.value.known == ("joe",)
    assert [await queue.agent_exists(name) for name in ("ann", "bob")] == [True, False]
    assert await queue.agents_with_pending() == ("ann", "joe")


# -- leasing


async def test_who_waits_is_handed_the_message_and_does_not_poll(
    queue: QueueClient, autojump_clock: trio.testing.MockClock
) -> None:
    """L-QUE-30."""
    leased: list[tuple[float, object]] = []

    async def wait_for_one() -> None:
        lease = await queue.lease("ann")
        leased.append((trio.current_time(), lease.message.payload))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait_for_one)
        await trio.sleep(7)
        await queue.put("bob", "coffee")
        await queue.put("ann", "tea")

    assert leased == [(7.0, "tea")]


async def test_those_who_wait_are_served_in_the_order_they_came(queue: QueueClient) -> None:
    served: list[str] = []

    async def wait_for_one(name: str) -> None:
        await queue.lease("ann")
        served.append(name)

    async with trio.open_nursery() as nursery:
        for name in ("first", "second", "third"):
            nursery.start_soon(wait_for_one, name)
            await wait_all_tasks_blocked()
        for _ in range(3):
            await queue.put("ann", "tea")
            await wait_all_tasks_blocked()

    assert served == ["first", "second", "third"]


async def test_a_wait_that_is_cancelled_leaves_the_queue_as_it_was(queue: QueueClient) -> None:
    with trio.move_on_after(1):
        await queue.lease("ann")

    await queue.put("ann", "tea")

    assert await queue.depth("ann") == 1
    assert (await queue.statistics()).dequeued == 0


async def test_a_delayed_message_comes_at_its_time(queue: QueueClient) -> None:
    begin = trio.current_time()
    await queue.put("ann", "later", delay=5)
    await queue.put("ann", "now")

    leases = [await queue.lease("ann") for _ in range(2)]

    assert [lease.message.payload for lease in leases] == ["now", "later"]
    assert trio.current_time() - begin == pytest.approx(5, abs=0.002)


async def test_a_message_is_alive_at_the_instant_it_expires(system: ActorSystem) -> None:
    """L-QUE-11, Y8."""
    time = Time()
    await system.start(Queue, MemoryStore(), clock=time, name="queue")
    queue = QueueClient(system.named("queue"))
    for _ in range(2):
        await queue.put("ann", "tea", expires_after=10)

    time.now += 10
    at_the_instant = await queue.lease_many("ann", 1)
    time.now += 0.001
    later = await queue.lease_many("ann", 1)

    assert (len(at_the_instant), later) == (1, ())
    assert (await queue.statistics()).expired == 1


async def test_a_nack_waits_longer_each_time(system: ActorSystem) -> None:
    """L-QUE-17, Y5."""
    options = QueueOptions(max_retries=5, backoff=Backoff(0.1, max_seconds=0.3))
    await system.start(Queue, MemoryStore(), options, name="queue")
    queue = QueueClient(system.named("queue"))
    await queue.put("ann", "tea")
    waited = []

    lease = await queue.lease("ann")
    for _ in range(4):
        begin = trio.current_time()
        assert await queue.nack(lease) is MessageStatus.PENDING
        lease = await queue.lease("ann")
        waited.append(trio.current_time() - begin)

    assert waited == pytest.approx([0.1, 0.2, 0.3, 0.3], abs=0.002)


async def test_what_is_nacked_too_often_is_a_dead_letter_with_the_last_error(queue: QueueClient) -> None:
    await queue.put("ann", "tea", max_retries=2)

    first = await queue.nack(await queue.lease("ann"), error="no cup")
    second = await queue.nack(await queue.lease("ann"), error="no water")

    assert (first, second) == (MessageStatus.PENDING, MessageStatus.FAILED)
    assert [(dead.error, dead.message.dequeue_count) for dead in await queue.dead_letters()] == [("no water", 2)]


async def test_a_lease_that_is_extended_lasts(queue: QueueClient) -> None:
    """L-QUE-16."""
    await queue.put("ann", "tea")
    lease = await queue.lease("ann", seconds=10)
    await trio.sleep(8)

    extended = await queue.extend(lease, 10)
    await trio.sleep(8)

    assert extended.until - lease.until == pytest.approx(8)
    await queue.ack(extended)


async def test_what_a_consumer_held_is_pending_when_it_ends(queue: QueueClient, system: ActorSystem) -> None:
    """L-QUE-16."""
    for number in range(3):
        await queue.put("ann", number)
    consumer = await system.start(Probe)
    leases = await consumer.call(lambda _me: queue.lease_many("ann", 2))
    begin = trio.current_time()

    consumer.kill()
    again = [await queue.lease("ann") for _ in range(3)]

    assert trio.current_time() == begin
    assert [lease.message.payload for lease in again] == [0, 1, 2]
    with pytest.raises(LeaseLostError, match=r"is not in flight under this lease, which was the 1. of at most 3"):
        await queue.ack(leases[0])


async def test_what_is_given_back_late_is_not_lost(queue: QueueClient, system: ActorSystem) -> None:
    for number in range(3):
        await queue.put("ann", number)
    consumer = await system.start(Probe)
    first, second, _ = await consumer.call(lambda _me: queue.lease_many("ann", 9, seconds=300))
    await trio.sleep(120)

    await queue.requeue(first)
    await queue.nack(second)
    consumer.kill()
    again = [await queue.lease("ann") for _ in range(3)]

    assert sorted(lease.message.payload for lease in again) == [0, 1, 2]


async def test_of_several_acknowledgements_all_or_none_count(queue: QueueClient) -> None:
    for number in range(2):
        await queue.put("ann", number)
    leases = await queue.lease_many("ann", 2)
    await queue.requeue(leases[0])

    with pytest.raises(LeaseLostError):
        await queue.ack(leases[1], leases[0])

    assert (await queue.statistics()).in_flight == 1


# -- watching


async def test_who_watches_is_told_once_that_something_waits(queue: QueueClient, system: ActorSystem) -> None:
    """L-QUE-30."""
    watcher = await system.start(Probe)
    await watcher.call(lambda _me: queue.watch("ann"))

    for _ in range(3):
        await queue.put("ann", "tea")
    await queue.put("bob", "tea")
    first = await watcher.call(received)
    await queue.lease_many("ann", 3)
    await queue.put("ann", "tea")

    assert first == [MessagesWaiting("ann")]
    assert await watcher.call(received) == [MessagesWaiting("ann")] * 2


async def test_who_watches_no_more_is_told_nothing(queue: QueueClient, system: ActorSystem) -> None:
    watcher = await system.start(Probe)
    await queue.put("ann", "tea")
    await watcher.call(lambda _me: queue.watch("ann"))
    await watcher.call(lambda _me: queue.unwatch("ann"))
    await queue.lease("ann")

    await queue.put("ann", "tea")

    assert await watcher.call(received) == [MessagesWaiting("ann")]


async def test_who_has_ended_is_told_nothing(queue: QueueClient, system: ActorSystem) -> None:
    watcher = await system.start(Probe)
    await watcher.call(lambda _me: queue.watch("ann"))
    await watcher.stop()
    await queue.depth("ann")
    before = system.dead_letters.count

    await queue.put("ann", "tea")

    assert system.dead_letters.count == before


async def test_who_waits_no_longer_is_forgotten_within_a_minute(queue: QueueClient, system: ActorSystem) -> None:
    for _ in range(3):
        with trio.move_on_after(1):
            await queue.lease("ann")
    process = process_of(system.named("queue"))
    assert process is not None
    consumers = cast("Queue", process.actor).consumers
    before = len(consumers._parked["ann"])

    await trio.sleep(61)

    assert (before, consumers._parked) == (3, {})


async def test_what_expires_before_it_is_due_is_a_dead_letter_when_it_has_expired(queue: QueueClient) -> None:
    await queue.put("ann", "tea", delay=100, expires_after=10)
    await trio.sleep(9)
    early = await queue.dead_letters()
    await trio.sleep(2)

    (letter,) = await queue.dead_letters()

    assert (early, letter.message.status) == ((), MessageStatus.EXPIRED)


# -- requests and replies


async def serve(queue: QueueClient, recipient: str, act: Callable[[Any], Any], *, seconds: float = 0) -> None:
    lease = await queue.lease(recipient)
    await trio.sleep(seconds)
    await queue.reply(lease.message, act(lease.message.payload))
    await queue.ack(lease)


async def test_a_reply_goes_to_who_waits_for_it(queue: QueueClient) -> None:
    """L-QUE-23, 24, 25: it is neither queued nor counted, whatever the name of who asked."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve, queue, "ann", lambda cups: cups * 2)
        answer = await queue.send_and_receive("ann", 21, sender="web-shop-1")

    assert answer == 42
    assert await queue.depth("web-shop-1") == 0
    assert (await queue.statistics()).enqueued == 1


async def test_a_request_to_oneself_is_not_its_own_reply(queue: QueueClient) -> None:
    """L-QUE-26."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve, queue, "shop", lambda cups: cups + 1)
        assert await queue.send_and_receive("shop", 1) == 2


async def test_a_late_reply_is_queued_for_who_asked(queue: QueueClient) -> None:
    """L-QUE-27, 28, 29, 37."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(lambda: serve(queue, "ann", str.upper, seconds=3))
        with pytest.raises(NoAnswerError, match=r"no reply from ann to \w+ came within 2 s"):
            await queue.send_and_receive("ann", "tea", timeout=2)

    late = (await queue.lease("shop")).message
    assert (late.payload, late.kind, late.sender) == ("TEA", "reply", "ann")


@pytest.mark.parametrize("timeout", [None, 0])
async def test_a_request_waits_30_s_unless_told_otherwise(queue: QueueClient, timeout: float | None) -> None:
    """X11."""
    begin = trio.current_time()

    with pytest.raises(NoAnswerError, match=r"within 30.0 s"):
        await queue.send_and_receive("ann", "tea", timeout=timeout)

    assert trio.current_time() - begin == 30.0
    with pytest.raises(MessageRefusedError, match="timeout of a request is -1"):
        await queue.send_and_receive("ann", "tea", timeout=-1)


# -- looking, closing, forgetting


async def test_what_waits_can_be_seen_without_being_leased(queue: QueueClient) -> None:
    """L-QUE-18, 31."""
    first = await queue.put("ann", b"x" * 300, type="order")
    await queue.put("ann", "later", delay=60)
    await queue.put("ann", "gone", expires_after=1)
    await trio.sleep(2)

    (info,) = await queue.pending_info("ann")

    assert (info.message_id, info.sender, info.type, info.size_bytes) == (first, "shop", "order", 303)
    assert (await queue.depth("ann"), await queue.depth("nobody")) == (1, 0)
    assert await queue.agents_with_pending() == ("ann",)
    assert (await queue.statistics()).dequeued == 0


async def test_everything_is_counted(queue: QueueClient) -> None:
    """L-QUE-33."""
    for _ in range(4):
        await queue.put("ann", "tea", max_retries=1)
    await queue.put("ann", "tea", expires_after=1)
    leases = await queue.lease_many("ann", 3)
    await queue.ack(leases[0])
    await queue.nack(leases[1])
    await trio.sleep(2)

    counted = await queue.statistics()

    assert (counted.enqueued, counted.dequeued, counted.acked, counted.returned) == (5, 3, 1, 1)
    assert (counted.failed, counted.expired, counted.ready, counted.in_flight) == (1, 1, 1, 1)


async def test_closing_sends_away_who_waits(queue: QueueClient) -> None:
    """L-QUE-34."""
    refused: list[str] = []

    async def wait(what: Callable[[], Any]) -> None:
        with pytest.raises(QueueClosedError) as error:
            await what()
        refused.append(str(error.value))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait, lambda: queue.lease("ann"))
        nursery.start_soon(wait, lambda: queue.send_and_receive("bob", "tea"))
        await wait_all_tasks_blocked()
        await queue.close()

    assert sorted(refused) == [
        "the queue was closed while a lease was waited for",
        "the queue was closed while a reply was waited for",
    ]
    assert await queue.depth("bob") == 1


async def test_dead_letters_are_forgotten_in_time(system: ActorSystem) -> None:
    """L-QUE-21."""
    store = MemoryStore()
    await system.start(Queue, store, QueueOptions(keep_dead=3600, keep_acked=600), name="queue")
    queue = QueueClient(system.named("queue"))
    for message_id in ("acked", "dead"):
        await queue.put("ann", message_id, id=message_id)
    leases = await queue.lease_many("ann", 2)
    await queue.ack(leases[0])
    await queue.reject(leases[1], "no")

    await trio.sleep(60)
    kept = [record.row.id for record in store.fetch([1, 2])]
    await trio.sleep(700)
    later = [record.row.id for record in store.fetch([1, 2])]
    await trio.sleep(3600)

    assert (kept, later, store.fetch([1, 2])) == (["acked", "dead"], ["dead"], [])
    await queue.put("ann", "again", id="dead")
    assert await queue.depth("ann") == 1


async def test_dead_letters_come_page_by_page(queue: QueueClient) -> None:
    ids = [await queue.put("ann", number) for number in range(5)]
    for lease in await queue.lease_many("ann", 5):
        await queue.reject(lease, "no")

    first = await queue.dead_letters(most=3)
    rest = await queue.dead_letters(most=3, after=first[-1])

    assert [dead.message.id for dead in first + rest] == ids
    with pytest.raises(NoDeadLetterError, match="'nothing'"):
        await queue.replay("nothing")


@pytest.mark.parametrize(
    ("method", "arguments", "told"),
    [
        ("lease", ([],), r"recipient of a message is \[\]; allowed is a str that is not empty"),
        ("lease_many", ("ann", 1.5), "most is 1.5; allowed is an int of 1 or more"),
        ("lease_many", ("ann", 0), "most is 0; allowed is an int of 1 or more"),
        ("ack", ("m-1",), "'m-1' is no Lease"),
        ("nack", ("m-1",), "'m-1' is no Lease"),
        ("reject", (None, "broken"), "None is no Lease"),
        ("extend", ("m-1", 5.0), "'m-1' is no Lease"),
        ("depth", (None,), "recipient of a message is None"),
        ("pending_info", ([],), r"recipient of a message is \[\]"),
        ("agent_exists", (5,), "recipient of a message is 5"),
        ("watch", ([],), r"recipient of a message is \[\]"),
        ("unwatch", ([],), r"recipient of a message is \[\]"),
        ("replay", ([],), r"id of a message is \[\]"),
        ("discard", (None,), "id of a message is None"),
        ("reply", (None, "tea"), "None is no QueueMessage"),
    ],
)
async def test_what_makes_no_sense_is_refused_and_does_not_end_the_queue(
    queue: QueueClient, system: ActorSystem, method: str, arguments: tuple[Any, ...], told: str
) -> None:
    before = system.whereis("queue")

    with pytest.raises(MessageRefusedError, match=told):
        await getattr(queue, method)(*arguments)

    await queue.put("ann", "tea")
    assert system.whereis("queue") is before


@pytest.mark.parametrize(
    ("method", "named", "told"),
    [
        ("nack", {"delay": "soon"}, "delay of a message is 'soon'; allowed is a finite number, 0 or more"),
        ("nack", {"delay": -1}, "delay of a message is -1"),
        ("nack", {"delay": float("nan")}, "delay of a message is nan"),
        ("requeue", {"delay": float("inf")}, "delay of a message is inf"),
        ("extend", {"seconds": None}, "a lease of None seconds; allowed is a finite number above 0"),
        ("extend", {"seconds": 0}, "a lease of 0 seconds"),
    ],
)
async def test_a_time_that_makes_no_sense_leaves_the_lease_as_it_was(
    queue: QueueClient, method: str, named: dict[str, Any], told: str
) -> None:
    await queue.put("ann", "tea")
    lease = await queue.lease("ann")

    with pytest.raises(MessageRefusedError, match=told):
        await getattr(queue, method)(lease, **named)

    await queue.ack(lease)
    assert (await queue.statistics()).acked == 1


@pytest.mark.parametrize(
    ("most", "told"),
    [
        (-1, "most is -1; allowed is an int of 1 or more"),
        ("x", "most is 'x'"),
        (2**70, "most is 1180591620717411303424"),
    ],
)
async def test_a_list_has_a_length_that_makes_sense(queue: QueueClient, most: Any, told: str) -> None:
    for listed in (queue.dead_letters, queue.corrupt_rows, partial(queue.pending_info, "ann")):
        with pytest.raises(MessageRefusedError, match=told):
            await listed(most=most)
    with pytest.raises(MessageRefusedError, match="after is 'm-1'; allowed is a DeadMessage, or None"):
        await queue.dead_letters(after="m-1")  # type: ignore[arg-type]  # that is the mistake


@pytest.mark.parametrize("error", [object(), None, 7, "no file caf\udce9"])
async def test_what_went_wrong_may_be_told_by_anything(system: ActorSystem, error: Any) -> None:
    """A name of a file that is no text is in the error about it, and has to be stored."""
    await system.start(Queue, SqliteStore(":memory:"), name="queue")
    queue = QueueClient(system.named("queue"))
    await queue.put("ann", "tea", max_retries=2)

    await queue.nack(await queue.lease("ann"), delay=0, error=error)
    await queue.reject(await queue.lease("ann"), error)

    (dead,) = await queue.dead_letters()
    assert dead.error == str(error).replace("\udce9", r"\udce9")


async def test_the_error_of_a_consumer_is_stored_whatever_it_says(system: ActorSystem) -> None:
    await system.start(Queue, SqliteStore(":memory:"), name="queue")
    queue = QueueClient(system.named("queue"))
    await queue.put("ann", "tea", max_retries=1)
    consumer = await system.start(Probe)

    async def fail(_consumer: Probe) -> None:
        await queue.lease("ann")
        raise OSError("no file caf\udce9")

    with pytest.raises(ActorExitedError):
        await consumer.call(fail)

    (dead,) = await queue.dead_letters()
    assert dead.error.endswith(r"no file caf\udce9")


async def test_a_dict_comes_back_with_the_keys_it_had(queue: QueueClient) -> None:
    for payload in ({1: "a"}, {True: "b", None: "c"}, {(1, 2): "d"}):
        await queue.put("ann", payload)

        assert (await queue.lease("ann")).message.payload == payload


def test_a_queue_needs_a_store_and_options() -> None:
    with pytest.raises(TypeError, match=r"such as SqliteStore\('queue.db'\); got 'queue.db'"):
        Queue("queue.db")  # type: ignore[arg-type]  # that is the mistake
    with pytest.raises(TypeError, match=r"such as .* got <class .*MemoryStore'>"):
        Queue(MemoryStore)  # type: ignore[arg-type]  # as above
    with pytest.raises(TypeError, match=r"are QueueOptions; got \{'max_retries': 2\}"):
        Queue(MemoryStore(), {"max_retries": 2})  # type: ignore[arg-type]  # as above
    with pytest.raises(TypeError, match="path of a SqliteStore is a str or a path, and not empty; got ''"):
        SqliteStore("")


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ({"lease_seconds": 10**400}, "lease_seconds is 1000"),
        ({"keep_dead": -1}, "keep_dead is -1; allowed is a number of seconds, 0 or more"),
        ({"known": "ann"}, "known is 'ann'; allowed is a function, or None"),
        ({"max_retries": 0}, "max_retries is 0; allowed is an int of 1 or more"),
    ],
)
def test_options_that_make_no_sense_are_refused(option: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        QueueOptions(**option)


def test_a_client_needs_a_queue() -> None:
    with pytest.raises(TypeError, match=r"of an ActorRef or a NameRef \(system.named\(...\)\); got 'queue'"):
        QueueClient("queue")  # type: ignore[arg-type]  # that is the mistake


async def test_what_is_no_request_is_refused(queue: QueueClient, system: ActorSystem) -> None:
    with pytest.raises(UndefinedHandlerError, match="is a queue, and knows no 'hello'"):
        await system.named("queue").call("hello")
    with pytest.raises(MessageRefusedError, match="only an actor can watch 'ann'"):
        await queue.watch("ann")


async def test_a_dead_letter_is_shown_in_one_short_line(queue: QueueClient) -> None:
    for payload in ("tea", "x" * 10_000):
        await queue.put("ann", payload, max_retries=1, id=payload[:4])
        await queue.reject(await queue.lease("ann"), "no cups")

    short, long = await queue.dead_letters()

    assert repr(short) == "<DeadMessage 'tea': 'tea' for ann failed after 1 lease: no cups>"
    assert repr(long).endswith("xxx' for ann failed after 1 lease: no cups>")
    assert len(repr(long)) < 1_100


class Unspeakable:
    """A payload that cannot be shown."""

    def __repr__(self) -> str:
        raise ValueError("no repr")


async def test_a_dead_letter_can_be_shown_although_its_payload_cannot(queue: QueueClient) -> None:
    await queue.put("ann", "tea", id="tea")
    await queue.reject(await queue.lease("ann"), "no cups")
    (letter,) = await queue.dead_letters()

    unspeakable = attrs.evolve(letter, message=letter.message._replace(payload=Unspeakable()))

    said = "<Unspeakable whose repr raised ValueError> for ann failed after 1 lease: no cups"
    assert repr(unspeakable) == str(unspeakable) == f"<DeadMessage 'tea': {said}>"

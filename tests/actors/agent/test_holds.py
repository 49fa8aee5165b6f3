"""What goes by reference is there until every receiver is done with it, and then it goes."""

from __future__ import annotations

import gc
import math
from typing import TYPE_CHECKING, Any

import pytest
import trio

from actors.agent import AgentMessage, PayloadNotResolvedError
from actors.delivery import DeliveryOptions, Guarantee, NoRouterError, Router, RouterConfig, RouterRef
from actors.store import MemoryReferenceStore, PolicyManager, ReferenceExpiredError, Store, StoreClient
from supervision import ChildSpec, Supervisor, SupervisorSpec
from tests.actors.agent.desks import LARGE, Clumsy, Desk

if TYPE_CHECKING:
    from actors import ActorRef, ActorSystem
    from tests.actors.agent.conftest import StartDesk

DAY = 86_400.0
KEEP = 8 * DAY
PATIENT = DeliveryOptions(timeout=1_000.0)

each_guarantee = pytest.mark.parametrize("guarantee", Guarantee, ids=lambda guarantee: guarantee.value)


async def stays(store: StoreClient) -> int:
    """Return how many values are there when everybody has done what there was to do, and garbage is collected."""
    await trio.testing.wait_all_tasks_blocked()
    # The timers hold on to what they have served last until they serve something else.
    store._store.send_after(0.5, "time passes")
    await trio.sleep(1)
    gc.collect()
    await trio.sleep(1)
    await store.collect()
    return (await store.stats()).active_refs


async def supervise(system: ActorSystem, name: str, kind: type[Desk], *args: object, **parts: Any) -> ActorRef:
    child = ChildSpec(name, kind, args, {"store": "store"} | parts, name=name)
    return await system.start(Supervisor, SupervisorSpec([child], intensity=1000))


@each_guarantee
async def test_a_value_goes_when_its_message_was_handled_and_not_before(
    desk: Desk, start_desk: StartDesk, store: StoreClient, guarantee: Guarantee
) -> None:
    """The collector of garbage runs while the message waits for its receiver, and finds nothing to take."""
    go_on = trio.Event()
    till = await start_desk("till", Desk, None, go_on)
    for number in range(3):
        await desk.send("till", "order", [number, LARGE], DeliveryOptions(guarantee=guarantee))

    while_waiting = await stays(store)
    go_on.set()

    assert while_waiting == 3
    assert await stays(store) == 0
    assert till.notes == [[number, LARGE] for number in range(3)]


async def test_a_value_goes_when_the_last_of_its_receivers_is_done(
    desk: Desk, start_desk: StartDesk, store: StoreClient
) -> None:
    """The same bytes are one value, however many they are sent to."""
    go_on = {name: trio.Event() for name in ("first", "second", "third")}
    receivers = [await start_desk(name, Desk, None, event) for name, event in go_on.items()]
    for name in go_on:
        await desk.send(name, "order", LARGE, PATIENT)

    there = []
    for event in go_on.values():
        there.append(await stays(store))
        event.set()

    assert there == [1, 1, 1]
    assert await stays(store) == 0
    assert [receiver.notes for receiver in receivers] == [[LARGE]] * 3


async def test_somebody_else_who_holds_the_same_bytes_keeps_them(
    desk: Desk, start_desk: StartDesk, store: StoreClient
) -> None:
    await start_desk("till")
    message = await desk.compose("till", "order", LARGE)

    await desk.send_with_ack("till", "order", LARGE)

    assert await stays(store) == 1
    assert await desk.receive(message) == LARGE


async def test_a_receiver_that_crashes_has_the_value_again(desk: Desk, system: ActorSystem, store: StoreClient) -> None:
    notes: list[Any] = []
    await supervise(system, "till", Clumsy, notes, 2)

    await desk.send_with_ack("till", "order", LARGE)

    assert notes == [LARGE] * 3
    assert await stays(store) == 0


async def test_a_sender_that_is_killed_takes_nothing_along(
    start_desk: StartDesk, system: ActorSystem, store: StoreClient
) -> None:
    go_on = trio.Event()
    till = await start_desk("till", Desk, None, go_on)
    desk = await start_desk("desk")
    await desk.send("till", "order", LARGE, PATIENT)

    system.named("desk").kill()
    after_the_kill = await stays(store)
    go_on.set()

    assert after_the_kill == 1
    assert await stays(store) == 0
    assert till.notes == [LARGE]


@pytest.mark.parametrize("service", ["router", "store"])
async def test_a_service_that_is_killed_takes_nothing_along(
    desk: Desk, start_desk: StartDesk, system: ActorSystem, store: StoreClient, service: str
) -> None:
    go_on = trio.Event()
    till = await start_desk("till", Desk, None, go_on)
    await desk.send("till", "order", LARGE, PATIENT)

    system.named(service).kill()
    after_the_kill = await stays(store)
    go_on.set()
    await trio.testing.wait_all_tasks_blocked()
    system.named(service).kill()

    assert after_the_kill == 1
    assert await stays(store) == 0
    assert till.notes == [LARGE]


async def test_copies_that_were_not_told_of_in_time_have_the_value_too(
    desk: Desk, start_desk: StartDesk, store: StoreClient
) -> None:
    """The first copy is acknowledged while the mailbox still has two; then all are done, and the value goes."""

    class Slow(Desk):
        async def handle_cast(self, message: AgentMessage) -> None:
            if isinstance(message, AgentMessage):
                await trio.sleep(2.5)
                await super().handle_cast(message)

    till = await start_desk("till", Slow)
    await desk.send_with_ack("till", "order", LARGE, 100, DeliveryOptions(timeout=1.0))
    after_the_first = till.notes.copy(), await stays(store)
    await trio.sleep(10)

    till.ref.cast("what follows, so that nobody has the message any more")

    assert after_the_first == ([LARGE], 1)
    assert till.notes == [LARGE] * 3
    assert await stays(store) == 0


async def test_what_expires_in_a_mailbox_still_has_its_value(
    desk: Desk, start_desk: StartDesk, store: StoreClient, system: ActorSystem
) -> None:
    go_on = trio.Event()
    till = await start_desk("till", Desk, None, go_on)
    await desk.send("till", "order", LARGE, DeliveryOptions(expires_after=1.0))
    await trio.sleep(5)
    (letter,) = RouterRef(system).dead_letters
    after_its_time = await stays(store)

    RouterRef(system).dead_letters.discard(letter)
    del letter
    while_the_mailbox_has_it = await stays(store)
    go_on.set()
    await trio.testing.wait_all_tasks_blocked()
    till.ref.cast(await desk.compose("till", "control", "stop"))

    assert (after_its_time, while_the_mailbox_has_it) == (1, 1)
    assert await stays(store) == 0
    assert till.notes == [LARGE, "stop"]


async def test_a_dead_letter_keeps_its_value_until_it_was_replayed(
    desk: Desk, start_desk: StartDesk, store: StoreClient, system: ActorSystem
) -> None:
    await desk.send("till", "order", LARGE)
    await RouterRef(system).drained()
    as_a_dead_letter = await stays(store)
    till = await start_desk("till")

    (receipt,) = RouterRef(system).dead_letters.replay_all()
    await receipt.acknowledged()
    del receipt
    till.ref.cast(await desk.compose("till", "control", "stop"))

    assert as_a_dead_letter == 1
    assert await stays(store) == 0
    assert till.notes == [LARGE, "stop"]


async def test_a_dead_letter_that_is_discarded_takes_its_value_along(
    desk: Desk, store: StoreClient, system: ActorSystem
) -> None:
    await desk.send("nobody", "order", LARGE)
    await RouterRef(system).drained()
    as_a_dead_letter = await stays(store)

    RouterRef(system).dead_letters.discard_all()

    assert as_a_dead_letter == 1
    assert await stays(store) == 0


async def test_what_was_not_sent_leaves_nothing(start_desk: StartDesk, store: StoreClient) -> None:
    desk = await start_desk("desk", router="post")

    with pytest.raises(NoRouterError):
        await desk.send("till", "order", LARGE)

    assert await stays(store) == 0


async def test_what_was_sent_twice_and_is_handled_once_leaves_nothing(
    desk: Desk, start_desk: StartDesk, store: StoreClient
) -> None:
    till = await start_desk("till")
    for _ in range(3):
        await desk.send("till", "order", LARGE, DeliveryOptions(guarantee=Guarantee.EXACTLY_ONCE), id="order 7")

    assert await stays(store) == 0
    assert till.notes == [LARGE]


async def test_what_nobody_lets_go_of_expires_some_time_after_its_message(
    start_desk: StartDesk, store: StoreClient
) -> None:
    """That is the bound where nobody can know that all are done: a sender that is cut off before it has sent."""
    desk = await start_desk("desk", keep=60.0)
    held = await send_and_be_cut_off(desk, DeliveryOptions(expires_after=10.0))

    await trio.sleep(60)
    before = await stays(store), await desk.receive(held)
    await trio.sleep(10)
    with pytest.raises(PayloadNotResolvedError, match="expired") as caught:
        await desk.receive(held)

    assert before == (1, LARGE)
    assert isinstance(caught.value.__cause__, ReferenceExpiredError)
    assert await stays(store) == 0


@pytest.mark.parametrize(
    ("options", "seconds"),
    [
        (None, DAY),
        (DeliveryOptions(expires_after=60.0), 60.0),
        (DeliveryOptions(expires_after=30 * DAY), 30 * DAY),
        (DeliveryOptions(expires_after=math.inf), None),
    ],
)
async def test_a_value_may_stay_8_days_longer_than_its_message(
    desk: Desk, store: StoreClient, options: DeliveryOptions | None, seconds: float | None
) -> None:
    """A queue keeps dead letters for 7 days, and what it replays lives for one more."""
    await send_and_be_cut_off(desk, options)

    (reference,) = await store.list()

    if seconds is None:
        assert reference.expires_at == 0
    else:
        assert reference.expires_at - reference.created_at == pytest.approx(seconds + KEEP)


async def send_and_be_cut_off(desk: Desk, options: DeliveryOptions | None) -> AgentMessage:
    """Return what a sender was about to send when it was cancelled, once the value was stored."""
    taken: list[AgentMessage] = []

    class Slow:
        async def send(self, to: Any, message: Any, *_: Any, **__: Any) -> Any:
            taken.append(message)
            await trio.sleep_forever()

    desk._router = Slow()  # type: ignore[assignment] # it does what is asked for here
    with trio.move_on_after(1):
        await desk.send("till", "order", LARGE, options)
    return taken[0]


async def test_a_value_outlives_whatever_the_router_says_of_its_messages(system: ActorSystem) -> None:
    """The sender did not know, when it stored the value, for how long the message would live."""
    await system.start(Router, RouterConfig(expires_after=10 * DAY, timeout=10 * DAY), name="router")
    await system.start(Store, MemoryReferenceStore(), name="store")
    store = StoreClient(system.named("store"))
    desk, till = [await desk_of(system, name) for name in ("desk", "till")]
    till.go_on = trio.Event()

    await desk.send("till", "order", LARGE)
    await trio.sleep(1)
    (reference,) = await store.list()
    till.go_on.set()

    assert reference.expires_at - reference.created_at == pytest.approx(10 * DAY + KEEP, abs=1)
    assert await stays(store) == 0
    assert till.notes == [LARGE]


async def desk_of(system: ActorSystem, name: str) -> Desk:
    ref = await system.start(Desk, name=name, store="store", policies=PolicyManager())
    desk = ref._process.actor
    assert isinstance(desk, Desk)
    return desk


async def test_a_store_that_is_gone_for_good_ends_nobody(
    desk: Desk, start_desk: StartDesk, system: ActorSystem, caplog: pytest.LogCaptureFixture
) -> None:
    """The value cannot be let go of; that is logged, and the system goes on."""
    go_on = trio.Event()
    till = await start_desk("till", Desk, None, go_on)
    await desk.send("till", "control", "begin")
    await desk.send("till", "order", LARGE, PATIENT)
    resolved = till.store.resolve

    async def resolve_and_close(reference: Any) -> bytes:
        content: bytes = await resolved(reference)
        await till.store.close()
        return content

    till.store.resolve = resolve_and_close  # type: ignore[method-assign] # it is closed in the middle
    go_on.set()
    await trio.testing.wait_all_tasks_blocked()

    assert till.notes == ["begin", LARGE]
    assert "is held for a message that is done with, until it expires: the store" in caplog.text
    assert till.ref.alive


@pytest.mark.slow
async def test_under_random_kills_everything_arrives_and_nothing_stays(
    start_desk: StartDesk, system: ActorSystem, store: StoreClient
) -> None:
    notes: list[Any] = []
    await supervise(system, "till", Desk, notes)
    desk = await start_desk("desk")
    done = trio.Event()

    async def kill() -> None:
        while not done.is_set():
            for name in ("till", "store", "router"):
                await trio.sleep(0.37)
                system.named(name).kill()
                await trio.testing.wait_all_tasks_blocked()

    async def send(first: int) -> None:
        for number in range(first, first + 20):
            await desk.send_with_ack("till", "order", [number, LARGE], 100, DeliveryOptions(max_retries=100))
            await trio.sleep(0.05)

    async with trio.open_nursery() as killers:
        killers.start_soon(kill)
        async with trio.open_nursery() as nursery:
            for first in range(0, 80, 20):
                nursery.start_soon(send, first)
        done.set()

    assert {note[0] for note in notes} == set(range(80))
    assert all(note[1] == LARGE for note in notes)
    system.named("till").cast(await desk.compose("till", "control", [0, LARGE]))
    assert await stays(store) == 0

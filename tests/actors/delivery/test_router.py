"""The router: attempts, acknowledgements, expiry, and what becomes of what cannot be delivered."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import trio

from actors import Actor, ActorExitedError, ActorSystem, Caller, Mailbox, Priority, open_system
from actors.delivery import (
    DeliveryFailedError,
    DeliveryOptions,
    Guarantee,
    MessageExpiredError,
    NoRouterError,
    RouteNotFoundError,
    Router,
    RouterClosedError,
    RouterRef,
    RouteTakenError,
    Routing,
    Status,
    TargetNotFoundError,
)
from tests.actors.delivery.receivers import Fragile, Receiver, Slow

if TYPE_CHECKING:
    from tests.actors.delivery.conftest import StartRouter, Supervise
    from tests.actors.kinds import Kind

AT_MOST_ONCE = DeliveryOptions(guarantee=Guarantee.AT_MOST_ONCE)

each_guarantee = pytest.mark.parametrize("guarantee", Guarantee, ids=lambda guarantee: guarantee.value)


@each_guarantee
async def test_a_message_is_handled_and_acknowledged(
    guarantee: Guarantee, kind: Kind, system: ActorSystem, router: RouterRef
) -> None:
    notes: list[object] = []
    receiver = await system.start(kind(Receiver), notes)

    receipt = await router.send(receiver, "tea", DeliveryOptions(guarantee=guarantee, require_ack=True))
    await receipt.acknowledged()

    assert notes == ["tea"]
    assert (receipt.status, receipt.attempts) == (Status.ACKNOWLEDGED, 1)


async def test_acknowledged_means_handled(system: ActorSystem, router: RouterRef) -> None:
    receiver = await system.start(Slow, [], 3.0)

    receipt = await router.send(receiver, "tea")
    assert receipt.status is Status.DELIVERED
    await receipt.acknowledged()

    assert trio.current_time() == 3.0


async def test_what_is_sent_at_most_once_is_done_when_it_is_sent(system: ActorSystem, router: RouterRef) -> None:
    receiver = await system.start(Slow, [], 3.0)

    receipt = await router.send(receiver, "tea", AT_MOST_ONCE)
    await receipt.acknowledged()

    assert trio.current_time() == 0.0


async def test_a_crash_is_a_failed_attempt_and_the_next_goes_to_the_next_incarnation(
    kind: Kind, supervise: Supervise, router: RouterRef
) -> None:
    notes: list[object] = []
    await supervise(kind(Fragile), notes, 2)

    receipt = await router.send("receiver", "tea")
    await receipt.acknowledged()

    assert notes == ["crash", "crash", "tea"]
    assert receipt.attempts == 3
    assert trio.current_time() == pytest.approx(0.1 + 0.2)


async def test_a_reference_to_a_dead_incarnation_leads_to_the_next(
    supervise: Supervise, system: ActorSystem, router: RouterRef
) -> None:
    notes: list[object] = []
    await supervise(Fragile, notes, 1)
    receiver = system.whereis("receiver")
    assert receiver is not None

    await (await router.send(receiver, "tea")).acknowledged()

    assert notes == ["crash", "tea"]


@pytest.mark.parametrize("guarantee", [Guarantee.AT_LEAST_ONCE, Guarantee.EXACTLY_ONCE])
async def test_attempts_are_counted_in_total(guarantee: Guarantee, supervise: Supervise, router: RouterRef) -> None:
    notes: list[object] = []
    await supervise(Fragile, notes, 100)

    receipt = await router.send("receiver", "tea", DeliveryOptions(guarantee=guarantee, max_retries=4))
    with pytest.raises(DeliveryFailedError, match="'tea' to 'receiver' failed after 4 attempts: RuntimeError: tea"):
        await receipt.acknowledged()

    assert notes == ["crash"] * 4
    assert [fault.attempt for fault in receipt.faults] == [1, 2, 3, 4]


async def test_what_is_sent_at_most_once_is_not_tried_again(supervise: Supervise, router: RouterRef) -> None:
    notes: list[object] = []
    await supervise(Fragile, notes, 100)

    receipt = await router.send("receiver", "tea", DeliveryOptions(guarantee=Guarantee.AT_MOST_ONCE, require_ack=True))
    with pytest.raises(DeliveryFailedError):
        await receipt.acknowledged()
    await trio.sleep(60)

    assert notes == ["crash"]


async def test_what_is_not_acknowledged_in_time_is_sent_again(system: ActorSystem, router: RouterRef) -> None:
    notes: list[object] = []
    receiver = await system.start(Slow, notes, 10.0)

    receipt = await router.send(receiver, "tea", DeliveryOptions(timeout=4.0, max_retries=2))
    with pytest.raises(DeliveryFailedError, match=r"not acknowledged within 4.0 s"):
        await receipt.acknowledged()
    assert trio.current_time() == pytest.approx(4.0 + 0.1 + 4.0)
    await trio.sleep(60)

    assert notes == ["tea", "tea"]
    assert router.statistics().late == 2


async def test_what_is_sent_exactly_once_is_not_sent_again_while_the_receiver_has_it(
    system: ActorSystem, router: RouterRef
) -> None:
    notes: list[object] = []
    receiver = await system.start(Slow, notes, 10.0)

    receipt = await router.send(receiver, "tea", DeliveryOptions(guarantee=Guarantee.EXACTLY_ONCE, timeout=4.0))
    await receipt.acknowledged()
    await trio.sleep(60)

    assert notes == ["tea"]
    assert (receipt.attempts, receipt.acknowledged_at) == (3, 10.0)


async def test_a_name_that_nobody_has_fails_after_all_attempts(router: RouterRef) -> None:
    receipt = await router.send("nobody", "tea")

    with pytest.raises(TargetNotFoundError, match="'tea' to 'nobody' failed after 3 attempts: nobody has the name"):
        await receipt.acknowledged()

    assert trio.current_time() == pytest.approx(0.1 + 0.2)


async def test_a_name_that_somebody_gets_in_time_is_found(system: ActorSystem, router: RouterRef) -> None:
    notes: list[object] = []
    receipt = await router.send("receiver", "tea")
    await trio.sleep(0.25)
    await system.start(Receiver, notes, name="receiver")

    await receipt.acknowledged()

    assert notes == ["tea"]


async def test_the_dead_who_have_no_name_fail_at_once(system: ActorSystem, router: RouterRef) -> None:
    receiver = await system.start(Receiver, [])
    await receiver.stop()

    receipt = await router.send(receiver, "tea")
    with pytest.raises(TargetNotFoundError, match="after 1 attempt: it is dead") as caught:
        await receipt.acknowledged()

    assert trio.current_time() == 0.0
    assert (caught.value.kind, caught.value.retryable) == ("agent_not_found", False)


async def test_a_full_mailbox_is_a_failed_attempt(system: ActorSystem, router: RouterRef) -> None:
    notes: list[object] = []
    receiver = await system.start(Slow, notes, 0.15, mailbox=Mailbox(max_messages=1))
    receipts = [await router.send(receiver, number) for number in range(3)]

    for receipt in receipts:
        await receipt.acknowledged()

    assert sorted(notes) == [0, 1, 2]  # type: ignore[type-var]  # numbers
    assert router.statistics().retries > 0


async def test_a_mailbox_that_has_senders_wait_uses_no_attempt(system: ActorSystem, router: RouterRef) -> None:
    notes: list[object] = []
    receiver = await system.start(Slow, notes, 5.0, mailbox=Mailbox(max_messages=1, overflow="wait"))
    receipts = [await router.send(receiver, number) for number in range(4)]

    for receipt in receipts:
        await receipt.acknowledged()

    assert notes == [0, 1, 2, 3]
    assert [receipt.attempts for receipt in receipts] == [1] * 4


async def test_what_a_mailbox_drops_is_tried_again(system: ActorSystem, router: RouterRef) -> None:
    notes: list[object] = []
    receiver = await system.start(Slow, notes, 0.1, mailbox=Mailbox(max_messages=1, overflow="drop_newest"))
    receipts = [await router.send(receiver, number) for number in range(3)]

    for receipt in receipts:
        await receipt.acknowledged()

    assert sorted(notes) == [0, 1, 2]  # type: ignore[type-var]  # numbers


@pytest.mark.parametrize(("seconds", "handled"), [(2.0, True), (2.001, False)])
async def test_expired_means_strictly_later(
    seconds: float,
    handled: bool,  # noqa: FBT001 -- a parameter of the test
    system: ActorSystem,
    start_router: StartRouter,
) -> None:
    router = await start_router(max_concurrent_per_target=1)
    notes: list[object] = []
    receiver = await system.start(Slow, notes, seconds)
    await router.send(receiver, "first")

    receipt = await router.send(receiver, "tea", DeliveryOptions(expires_after=2.0))
    await trio.sleep(10)

    assert receipt.attempts == handled
    assert ("tea" in notes) is handled
    assert receipt.status is Status.EXPIRED


async def test_an_expired_message_is_a_dead_letter_and_an_error(system: ActorSystem, router: RouterRef) -> None:
    receiver = await system.start(Slow, [], 10.0)

    receipt = await router.send(receiver, "tea", DeliveryOptions(expires_after=3.0))
    with pytest.raises(MessageExpiredError, match="expired after 3 s and 1 attempt"):
        await receipt.acknowledged()

    (letter,) = router.dead_letters
    assert (letter.status, letter.attempts) == (Status.EXPIRED, 1)
    assert letter.time == pytest.approx(3.0)
    assert router.statistics().expired == 1


async def test_what_was_not_acknowledged_in_time_has_expired_if_its_whole_time_is_over_by_then(
    system: ActorSystem, router: RouterRef, autojump_clock: trio.testing.MockClock
) -> None:
    """A loop that is late sees both at once."""
    receiver = await system.start(Slow, [], 100.0)
    receipt = await router.send(receiver, "tea", DeliveryOptions(timeout=5.0, expires_after=6.0, max_retries=1))

    autojump_clock.jump(10.0)
    with pytest.raises(MessageExpiredError):
        await receipt.acknowledged()

    assert (receipt.status, router.statistics().failed) == (Status.EXPIRED, 0)


async def test_dead_letters_are_replayed_with_the_same_id(system: ActorSystem, router: RouterRef) -> None:
    receipt = await router.send("receiver", "tea", id="order 1")
    with pytest.raises(TargetNotFoundError):
        await receipt.acknowledged()
    notes: list[object] = []
    await system.start(Receiver, notes, name="receiver")

    (letter,) = router.dead_letters
    again = router.dead_letters.replay(letter)
    await again.acknowledged()

    assert (notes, again.id, len(router.dead_letters)) == (["tea"], "order 1", 0)


async def test_all_dead_letters_are_replayed_to_another_or_discarded(system: ActorSystem, router: RouterRef) -> None:
    notes: list[object] = []
    receiver = await system.start(Receiver, notes)
    for number in range(3):
        with pytest.raises(TargetNotFoundError):
            await (await router.send("nobody", number)).acknowledged()

    first, *_ = router.dead_letters
    await router.dead_letters.replay(first, receiver).acknowledged()
    count = router.dead_letters.discard_all()

    assert (notes, count, len(router.dead_letters), router.dead_letters.count) == ([0], 2, 0, 3)
    with pytest.raises(LookupError, match="no longer"):
        router.dead_letters.discard(first)


async def test_messages_that_wait_are_sent_by_their_priority(system: ActorSystem, start_router: StartRouter) -> None:
    router = await start_router(max_concurrent_per_target=1)
    notes: list[object] = []
    receiver = await system.start(Slow, notes, 1.0)
    await router.send(receiver, "first")
    for priority in Priority:
        for number in range(2):
            await router.send(receiver, (priority, number), DeliveryOptions(priority=priority))

    await trio.sleep(20)

    assert notes == ["first", *[(priority, number) for priority in sorted(Priority, reverse=True) for number in (0, 1)]]


async def test_a_mailbox_with_priorities_is_told_them(system: ActorSystem, router: RouterRef) -> None:
    notes: list[object] = []
    receiver = await system.start(Slow, notes, 1.0, mailbox=Mailbox(priority=True))
    await router.send(receiver, "first")
    await trio.sleep(0.5)
    await router.send(receiver, "low", DeliveryOptions(priority=Priority.LOW))
    await router.send(receiver, "high", DeliveryOptions(priority=Priority.HIGH))

    await trio.sleep(5)

    assert notes == ["first", "high", "low"]


async def test_a_stuck_target_holds_up_no_other(system: ActorSystem, router: RouterRef) -> None:
    stuck = await system.start(Slow, [], 1_000.0)
    receiver = await system.start(Receiver, [])
    for number in range(500):
        await router.send(stuck, number)

    await (await router.send(receiver, "tea")).acknowledged()

    assert trio.current_time() == 0.0


@pytest.mark.parametrize("limit", [1, 7])
async def test_no_more_than_so_many_are_under_way(limit: int, system: ActorSystem, start_router: StartRouter) -> None:
    router = await start_router(max_concurrent_deliveries=limit)
    receivers = [await system.start(Slow, [], 1.0) for _ in range(10)]
    most = 0

    receipts = [await router.send(receiver, number) for number in range(3) for receiver in receivers]
    for receipt in receipts:
        most = max(most, router.statistics().in_flight)
        await receipt.acknowledged()

    assert most == limit
    assert trio.current_time() >= 30 / limit - 1


async def test_messages_of_one_sender_arrive_in_order(system: ActorSystem, router: RouterRef) -> None:
    notes: list[object] = []
    receiver = await system.start(Receiver, notes)

    receipts = [router.send_nowait(receiver, number) for number in range(1_000)]
    await receipts[-1].acknowledged()

    assert notes == list(range(1_000))


async def test_an_actor_sends_from_a_handler_that_cannot_wait(system: ActorSystem, router: RouterRef) -> None:
    notes: list[object] = []
    receiver = await system.start(Receiver, notes)

    class Sender(Actor):
        def handle_cast(self, message: object) -> None:
            self.receipt = router.send_nowait(receiver, message)

    sender = await system.start(Sender)
    sender.cast("tea")
    await trio.testing.wait_all_tasks_blocked()

    assert notes == ["tea"]


async def test_a_receipt_says_who_sent_it(system: ActorSystem, router: RouterRef) -> None:
    class Sender(Actor):
        def handle_cast(self, message: object) -> None:
            router.send_nowait("nobody", message)

    sender = await system.start(Sender)
    sender.cast("tea")
    receipt = await router.send("nobody", "coffee")
    with pytest.raises(TargetNotFoundError):
        await receipt.acknowledged()

    assert {letter.message: letter.sender for letter in router.dead_letters} == {"tea": sender, "coffee": None}


async def test_everybody_reaches_everybody(system: ActorSystem, router: RouterRef) -> None:
    notes: dict[int, list[object]] = {number: [] for number in range(5)}
    for number, own in notes.items():
        router.register(f"agent {number}", await system.start(Receiver, own))

    receipts = [await router.send(f"agent {to}", number) for number in notes for to in notes if to != number]
    for receipt in receipts:
        await receipt.acknowledged()

    assert all(len(found) == 4 for found in notes.values())
    found = router.statistics()
    assert (found.routed, found.delivered, found.failed, found.active_routes) == (20, 20, 0, 5)


async def test_names_are_registered_once_and_given_up(system: ActorSystem, router: RouterRef) -> None:
    receiver = await system.start(Receiver, [])
    router.register("till", receiver)

    with pytest.raises(RouteTakenError, match="is registered under 'till' already"):
        router.register("till", receiver)
    router.unregister("till")
    with pytest.raises(RouteNotFoundError, match="nobody is registered under 'till'"):
        router.unregister("till")

    assert router.statistics().active_routes == 0


async def test_a_call_goes_through(system: ActorSystem, router: RouterRef) -> None:
    router.register("till", await system.start(Receiver, []))

    assert await router.call("till", "tea") == "tea"


async def test_a_call_waits_for_a_target_that_is_being_restarted(
    supervise: Supervise, system: ActorSystem, router: RouterRef
) -> None:
    await supervise(Receiver, [])
    system.named("receiver").kill()

    assert await router.call("receiver", "tea", timeout=1.0) == "tea"


async def test_a_call_whose_target_dies_of_it_is_not_made_again(supervise: Supervise, router: RouterRef) -> None:
    class Mortal(Receiver):
        def handle_call(self, message: object, caller: Caller) -> object:
            self.notes.append(message)
            raise RuntimeError

    notes: list[object] = []
    await supervise(Mortal, notes)

    with pytest.raises(ActorExitedError):
        await router.call("receiver", "tea")

    assert notes == ["tea"]


async def test_a_call_of_nobody_fails_at_once(router: RouterRef) -> None:
    with pytest.raises(TargetNotFoundError, match="nobody is there for nobody"):
        await router.call("nobody", "tea")

    assert trio.current_time() == 0.0


async def test_another_router_can_take_its_place(system: ActorSystem, router: RouterRef) -> None:
    notes: list[object] = []
    receiver = await system.start(Receiver, notes)

    async def work(routing: Routing) -> None:
        routing.register("till", receiver)
        await (await routing.send("till", "tea")).acknowledged()
        routing.unregister("till")
        routing.close()

    await work(router)

    assert notes == ["tea"]


async def test_without_a_router_nothing_is_accepted(system: ActorSystem) -> None:
    router = RouterRef(system)

    with pytest.raises(NoRouterError, match="no router 'router' runs"):
        await router.send("till", "tea")


async def test_a_closed_router_gives_up_what_it_has_and_takes_nothing(system: ActorSystem, router: RouterRef) -> None:
    receiver = await system.start(Slow, [], 10.0)
    receipt = await router.send(receiver, "tea")

    router.close()
    router.close()

    with pytest.raises(RouterClosedError):
        await receipt.acknowledged()
    with pytest.raises(RouterClosedError):
        await router.send(receiver, "coffee")
    assert router.statistics().routed == 1


async def test_nobody_waits_for_a_receipt_in_vain(autojump_clock: trio.testing.MockClock) -> None:
    async with open_system() as system:
        await system.start(Router, name="router")
        receiver = await system.start(Slow, [], 10.0)
        receipt = await RouterRef(system).send(receiver, "tea")

    with pytest.raises(RouterClosedError):
        await receipt.acknowledged()


async def test_a_thousand_messages_are_counted(system: ActorSystem, router: RouterRef) -> None:
    receiver = await system.start(Receiver, [])
    for guarantee in Guarantee:
        options = DeliveryOptions(guarantee=guarantee)
        receipts = [await router.send(receiver, number, options) for number in range(100)]
        await receipts[-1].acknowledged()

    found = router.statistics()

    assert (found.routed, found.delivered, found.acknowledged, found.pending, found.in_flight) == (300, 300, 300, 0, 0)
    assert {guarantee: one.acknowledged for guarantee, one in found.by_guarantee.items()} == dict.fromkeys(
        Guarantee, 100
    )
    assert (found.success_rate, found.retries) == (1.0, 0)


async def test_a_sender_that_is_ahead_lets_the_receiver_catch_up(system: ActorSystem, router: RouterRef) -> None:
    receiver = await system.start(Receiver, [])
    for number in range(100):
        router.send_nowait(receiver, number)

    receipts = [await router.send(receiver, number) for number in range(100, 132)]

    assert receipts[0].status is Status.ACKNOWLEDGED
    assert Status.PENDING not in {receipt.status for receipt in receipts}


async def test_one_can_wait_until_all_is_done(system: ActorSystem, router: RouterRef) -> None:
    await router.send(await system.start(Slow, [], 3.0), "tea")
    await router.send("nobody", "coffee")

    await router.drained()

    found = router.statistics()
    assert (found.pending, found.acknowledged, found.failed) == (0, 1, 1)
    assert trio.current_time() == 3.0


async def test_what_is_no_target_is_refused(router: RouterRef) -> None:
    with pytest.raises(TypeError, match="a message is for a name, an ActorRef or a NameRef; got 7"):
        await router.send(7, "tea")  # type: ignore[arg-type]  # that is the mistake

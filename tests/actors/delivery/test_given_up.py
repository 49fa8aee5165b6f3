"""What was given up: copies that are handled after that, and the dead letters that are left."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import pytest
import trio

from actors import ActorSystem, Mailbox
from actors.delivery import DeliveryFailedError, DeliveryOptions, Guarantee, Receipt, RouterRef
from tests.actors.delivery.receivers import Receiver, Slow

if TYPE_CHECKING:
    from tests.actors.delivery.conftest import StartRouter

ONCE = DeliveryOptions(guarantee=Guarantee.EXACTLY_ONCE, timeout=1.0, max_retries=1)
"""One attempt, for which it is not waited long."""
ONE_ATTEMPT = DeliveryOptions(max_retries=1)


async def given_up(receipt: Receipt) -> None:
    with pytest.raises(DeliveryFailedError):
        await receipt.acknowledged()


async def test_what_is_handled_after_it_was_given_up_is_not_handled_again(
    system: ActorSystem, router: RouterRef
) -> None:
    notes: list[object] = []
    receiver = await system.start(Slow, notes, 3.0)
    await given_up(await router.send(receiver, "tea", ONCE, id="order 1"))
    await trio.sleep(5)

    again = await router.send(receiver, "tea", ONCE, id="order 1")
    await again.acknowledged()

    assert notes == ["tea"]
    assert (router.statistics().late, router.statistics().repeated) == (1, 1)


async def test_what_was_given_up_and_is_sent_again_is_not_given_to_who_still_has_it(
    system: ActorSystem, router: RouterRef
) -> None:
    notes: list[object] = []
    receiver = await system.start(Slow, notes, 3.0)
    await given_up(await router.send(receiver, "tea", ONCE, id="order 1"))
    (letter,) = router.dead_letters

    await given_up(router.dead_letters.replay(letter))
    again = await router.send(receiver, "tea", attrs.evolve(ONCE, timeout=10.0), id="order 1")
    await again.acknowledged()
    await trio.sleep(10)

    assert notes == ["tea"]
    assert again.acknowledged_at == 3.0


async def test_what_was_given_up_is_given_again_when_who_had_it_has_died(
    system: ActorSystem, router: RouterRef
) -> None:
    notes: list[object] = []
    receiver = await system.start(Slow, notes, 3.0, name="receiver")
    await given_up(await router.send("receiver", "tea", ONCE, id="order 1"))

    receiver.kill()
    await receiver.wait()
    await system.start(Receiver, notes, name="receiver")
    await (await router.send("receiver", "tea", ONCE, id="order 1")).acknowledged()

    assert notes == ["tea"]


async def test_what_a_full_mailbox_refused_is_sent_again_exactly_once(system: ActorSystem, router: RouterRef) -> None:
    notes: list[object] = []
    receiver = await system.start(Slow, notes, 0.15, mailbox=Mailbox(max_messages=1))
    options = DeliveryOptions(guarantee=Guarantee.EXACTLY_ONCE)
    receipts = [await router.send(receiver, number, options) for number in range(3)]

    for receipt in receipts:
        await receipt.acknowledged()

    assert sorted(notes) == [0, 1, 2]  # type: ignore[type-var]  # numbers
    assert trio.current_time() < 1.0


async def test_each_message_has_its_dead_letter_whatever_its_id(router: RouterRef) -> None:
    for name in ("ann", "bob", "bob"):
        await given_up(await router.send(name, "tea", ONE_ATTEMPT, id="order 1"))

    assert [(letter.to, letter.id) for letter in router.dead_letters] == [
        ("ann", "order 1"),
        ("bob", "order 1"),
        ("bob", "order 1"),
    ]
    assert router.dead_letters["order 1"] is list(router.dead_letters)[-1]
    assert router.dead_letters.discard_all() == 3
    with pytest.raises(KeyError, match="order 1"):
        router.dead_letters["order 1"]


async def test_the_oldest_dead_letters_make_room(start_router: StartRouter) -> None:
    router = await start_router(max_dead_letters=2)
    for name in ("ann", "bob", "joe"):
        await given_up(await router.send(name, "tea", ONE_ATTEMPT))

    assert [letter.to for letter in router.dead_letters] == ["bob", "joe"]
    assert router.dead_letters.count == 3


class Unspeakable:
    """A message that cannot be shown."""

    def __repr__(self) -> str:
        raise ValueError("no repr")


async def test_a_dead_letter_can_be_shown_although_its_message_cannot(router: RouterRef) -> None:
    await given_up(await router.send("nobody", Unspeakable(), ONE_ATTEMPT, id="order 1"))
    await given_up(await router.send("nobody", "x" * 10_000, ONE_ATTEMPT, id="order 2"))

    unspeakable, long = router.dead_letters

    said = "<Unspeakable whose repr raised ValueError> to 'nobody' failed after 1 attempt: nobody has the name"
    assert str(unspeakable) == said
    assert repr(unspeakable) == f"<Undelivered 'order 1': {said}>"
    assert len(repr(long)) < 1_100

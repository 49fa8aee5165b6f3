"""Heirlooms: what an incarnation leaves to the next, and who may touch it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from actors import (
    ActorRef,
    ActorSystem,
    Heirloom,
    HeirloomLostError,
    HeirloomStatus,
    HeirloomTakenError,
    WrongThreadError,
    open_system,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.actors.kinds import Kind

from tests.actors.shops import Shop, WaitingShop, appended, content, crash, kill, orders_of, stop


@pytest.mark.parametrize("end", [crash, stop, kill])
async def test_the_next_incarnation_finds_what_the_last_one_left(
    system: ActorSystem, kind: Kind, end: Callable[[ActorRef], Any]
) -> None:
    first = await system.start(kind(Shop))
    await appended(first, "tea", "milk")
    await end(first)

    second = await system.start(kind(Shop))

    assert await content(second) == {0: "tea", 1: "milk", 2: "last"}


async def test_heirlooms_of_different_names_have_different_owners_and_contents(system: ActorSystem) -> None:
    tea = await system.start(Shop, name="tea-shop")
    milk = await system.start(Shop, None, "milk")

    await appended(tea, "tea")

    assert await content(milk) == {}
    assert system.heirlooms["orders"] == HeirloomStatus("orders", tea, 1, 1, 0)
    assert system.heirlooms["milk"] == HeirloomStatus("milk", milk, 0, 2, 0)
    assert list(system.heirlooms) == ["orders", "milk"]


async def test_a_heirloom_whose_owner_is_dead_has_no_owner(system: ActorSystem) -> None:
    shop = await system.start(Shop)
    await stop(shop)

    assert system.heirlooms["orders"] == HeirloomStatus("orders", None, 1, 1, 0)


async def test_a_second_living_actor_is_refused_by_the_owners_name(system: ActorSystem, kind: Kind) -> None:
    owner = await system.start(kind(Shop), name="owner")
    await appended(owner, "tea")

    with pytest.raises(HeirloomTakenError, match=r"'orders' belongs to <owner #2>, which lives; <rival #3>") as caught:
        await system.start(kind(Shop), name="rival")

    assert caught.value.ref == owner
    assert caught.value.retryable
    assert await content(owner) == {0: "tea"}


async def test_a_heirloom_may_be_inherited_by_any_handler_again_and_the_old_handle_is_lost(
    system: ActorSystem, kind: Kind
) -> None:
    shop = await system.start(kind(Shop))
    await appended(shop, "tea")
    old = await orders_of(shop)

    new = await shop.call(lambda shop: shop.inherit("orders"))

    assert (old.epoch, new.epoch) == (1, 2)
    assert new.records == ("tea",)
    with pytest.raises(HeirloomLostError, match=r"<Shop #2> has lost epoch 1 of heirloom 'orders'; epoch 2 is in its"):
        old.append("milk")


@pytest.mark.parametrize("name", ["", 7, None])
async def test_a_heirloom_is_named_by_a_string(system: ActorSystem, name: Any) -> None:
    with pytest.raises(TypeError, match=re.escape(f"a str that is not empty; got {name!r}")):
        await system.start(Shop, None, name)


USES: dict[str, Callable[[Heirloom[Any, Any]], object]] = {
    "append": lambda orders: orders.append("late"),
    "set": lambda orders: orders.__setitem__(0, "late"),
    "delete": lambda orders: orders.__delitem__(0),
    "replace": lambda orders: orders.replace(["late"]),
    "discard": lambda orders: orders.discard(),
    "len": len,
    "iterate": iter,
    "get": lambda orders: orders[0],
    "get or none": lambda orders: orders.get(0),
    "contains": lambda orders: 0 in orders,
    "records": lambda orders: orders.records,
    "keys": lambda orders: list(orders.keys()),
    "values": lambda orders: orders.values(),
    "items": lambda orders: orders.items(),
}


@pytest.mark.parametrize("use", USES)
async def test_a_handle_of_the_dead_does_nothing(system: ActorSystem, use: str) -> None:
    shop = await system.start(Shop)
    await appended(shop, "tea")
    old = await orders_of(shop)
    shop.kill()
    heir = await system.start(Shop)

    with pytest.raises(HeirloomLostError, match=r"<Shop #2> has lost epoch 1 .*; the actor is dead: killed"):
        USES[use](old)

    assert await content(heir) == {0: "tea"}
    assert repr(old) == "<Heirloom orders: lost, epoch 1>"


@pytest.mark.parametrize("use", USES)
async def test_another_thread_is_refused(system: ActorSystem, use: str) -> None:
    shop = await system.start(Shop)
    await appended(shop, "tea")
    orders = await orders_of(shop)

    def ask() -> None:
        with pytest.raises(WrongThreadError, match="heirloom 'orders' belongs to thread"):
            USES[use](orders)

    await trio.to_thread.run_sync(ask)

    assert dict(orders) == {0: "tea"}


@pytest.mark.parametrize("ask", [list, lambda heirlooms: heirlooms.quarantined, lambda heirlooms: heirlooms["orders"]])
async def test_another_thread_sees_nothing_of_the_systems_heirlooms(
    system: ActorSystem, ask: Callable[[object], object]
) -> None:
    await system.start(Shop)

    with pytest.raises(WrongThreadError, match="<Heirlooms: 1, and 0 contents in quarantine> belongs to thread"):
        await trio.to_thread.run_sync(ask, system.heirlooms)


async def test_a_zombie_can_neither_read_nor_write_what_its_successor_has(system: ActorSystem) -> None:
    said: list[object] = []

    async def hide(shop: Shop) -> None:
        with trio.CancelScope(shield=True):
            await trio.sleep(60.0)
        for use in (lambda: shop.orders.append("late"), lambda: shop.orders.records, lambda: shop.inherit("orders")):
            try:
                said.append(use())
            except HeirloomLostError as error:
                said.append(str(error))

    zombie = await system.start(WaitingShop)
    zombie.send_request(hide)
    await wait_all_tasks_blocked()
    zombie.kill()
    await zombie.wait()
    heir = await system.start(Shop)
    await appended(heir, "tea")

    await trio.sleep(60.0)

    lost = "<WaitingShop #2> has lost epoch 1 of heirloom 'orders'; the actor is dead: killed"
    assert said == [lost, lost, "<WaitingShop #2> inherits nothing; it is dead: killed"]
    assert await content(heir) == {0: "tea"}


async def test_a_system_that_is_closed_has_no_good_handles(autojump_clock: MockClock) -> None:
    async with open_system() as system:
        shop = await system.start(Shop)
        orders = await orders_of(shop)

    with pytest.raises(HeirloomLostError, match="the actor is dead: shutdown"):
        orders.append("tea")


async def test_a_heirloom_that_is_discarded_is_gone_and_its_name_free(system: ActorSystem, kind: Kind) -> None:
    shop = await system.start(kind(Shop))
    await appended(shop, "tea")
    old = await orders_of(shop)

    await shop.call(lambda shop: shop.orders.discard())

    assert list(system.heirlooms) == []
    with pytest.raises(HeirloomLostError, match="the heirloom was discarded"):
        old.append("milk")
    assert await content(await system.start(kind(Shop))) == {}


async def test_what_has_no_owner_left_can_be_discarded_by_anybody(system: ActorSystem) -> None:
    shop = await system.start(Shop, name="owner")
    with pytest.raises(HeirloomTakenError, match="belongs to <owner #2>, which lives; it cannot be discarded by"):
        system.heirlooms.discard("orders")
    await stop(shop)

    system.heirlooms.discard("orders")

    assert len(system.heirlooms) == 0
    with pytest.raises(KeyError, match="orders"):
        system.heirlooms.discard("orders")

"""A shop that inherits its orders; what the tests of heirlooms have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from actors import (
    Actor,
    ActorExitedError,
    ActorRef,
    Caller,
    Heirloom,
    HeirloomCheck,
)

if TYPE_CHECKING:
    from collections.abc import Callable


BOOM = ValueError("boom")


class Shop(Actor):
    """Inherits its orders, and does with them what it is told."""

    def __init__(self, check: HeirloomCheck | None = None, name: str = "orders") -> None:
        self.check = check
        self.heirloom = name

    def init(self) -> None:
        self.orders = self.inherit(self.heirloom, self.check)

    def handle_call(self, message: Callable[[Shop], Any], caller: Caller) -> Any:
        return message(self)


class WaitingShop(Shop):
    async def handle_call(self, message: Callable[[Shop], Any], caller: Caller) -> Any:
        return await message(self)


async def orders_of(ref: ActorRef) -> Heirloom[Any, Any]:
    orders: Heirloom[Any, Any] = await ref.call(lambda shop: shop.orders)
    return orders


async def content(ref: ActorRef) -> dict[Any, Any]:
    return dict((await orders_of(ref)).items())


async def appended(ref: ActorRef, *records: object) -> None:
    for record in records:
        await ref.call(lambda shop, record=record: shop.orders.append(record))


async def crash(ref: ActorRef) -> None:
    def fail(shop: Shop) -> None:
        shop.orders.append("last")
        raise BOOM

    with pytest.raises(ActorExitedError):
        await ref.call(fail)


async def stop(ref: ActorRef) -> None:
    await appended(ref, "last")
    await ref.stop()


async def kill(ref: ActorRef) -> None:
    await appended(ref, "last")
    ref.kill()
    await ref.wait()

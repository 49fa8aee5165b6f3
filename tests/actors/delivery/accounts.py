"""Durable accounts: a transfer takes from one and sends to the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import trio
from attrs import frozen

from actors.delivery import DeliveryOptions, DurableActor, Guarantee, RouterRef

if TYPE_CHECKING:
    from actors import Caller

ONCE = DeliveryOptions(guarantee=Guarantee.EXACTLY_ONCE, durable=True)


@frozen
class Transfer:
    amount: int
    to: str
    crash: str = ""
    """Where the account crashes, the first time it comes to that."""


@frozen
class Credit:
    amount: int


class Account(DurableActor):
    """It has 100 to begin with."""

    crashed = False
    """Whether any has crashed: shared by all, so that each script has one crash."""

    def __init__(self) -> None:
        self.balance = 100
        self.handled = 0

    async def handle_cast(self, message: Transfer | Credit) -> None:
        self.handled += 1
        match message:
            case Transfer(amount, to):
                self.crash_at(message, "before the debit")
                self.balance -= amount
                self.crash_at(message, "after the debit")
                await RouterRef(self.system).send(to, Credit(amount), ONCE)
                self.crash_at(message, "after the send")
                await trio.sleep(0.001)
            case Credit(amount):
                self.balance += amount

    def handle_call(self, message: object, caller: Caller) -> Any:
        return self.balance

    def crash_at(self, message: Transfer, place: str) -> None:
        if message.crash == place and not Account.crashed:
            Account.crashed = True
            raise RuntimeError(place)

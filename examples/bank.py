"""Transfers between durable accounts: kill it with ``kill -9`` at any moment, and run it again until it is done.

``python bank.py [FILE [TRANSFERS]]``. The total never changes, and every transfer is applied once.
"""

import random
import sys

import trio
from attrs import frozen

from actors import Call, Caller, open_system
from actors.delivery import DeliveryOptions, DurableActor, Guarantee, Router, RouterConfig, RouterRef
from supervision import ChildSpec, Supervisor, SupervisorSpec

ACCOUNTS = [f"account {number}" for number in range(10)]
OPENING_BALANCE = 100
ONCE = DeliveryOptions(guarantee=Guarantee.EXACTLY_ONCE, durable=True)


@frozen
class Transfer:
    amount: int
    to: str


@frozen
class Credit:
    amount: int


@frozen
class Balance(Call[int]):
    pass


class Account(DurableActor):
    def __init__(self) -> None:
        self.balance = OPENING_BALANCE

    async def handle_cast(self, message: Transfer | Credit) -> None:
        match message:
            case Transfer(amount, to):
                self.balance -= amount
                # It leaves when the debit is on the disk: both are, or neither is.
                await RouterRef(self.system).send(to, Credit(amount), ONCE)
            case Credit(amount):
                self.balance += amount

    async def handle_call(self, message: Balance, caller: Caller) -> int:
        return self.balance


def bank(file: str) -> SupervisorSpec:
    accounts = [ChildSpec(name, Account, name=name) for name in ACCOUNTS]
    return SupervisorSpec([ChildSpec("router", Router, args=(RouterConfig(database=file),), name="router"), *accounts])


async def main(file: str, transfers: int) -> None:
    chance = random.Random(1)  # noqa: S311 -- the same transfers in every run
    async with open_system() as system:
        await system.start(Supervisor, bank(file))
        router = RouterRef(system)
        for number in range(transfers):
            left, right = chance.sample(ACCOUNTS, 2)
            transfer = Transfer(chance.randint(1, 50), right)
            # The number makes it the same transfer in every run: one that was applied is not applied again.
            await router.send(left, transfer, ONCE, id=f"transfer {number}")
        await router.drained()

        balances = [await system.named(name).call(Balance()) for name in ACCOUNTS]
        print(f"{transfers} transfers, {sum(balances)} in {len(balances)} accounts: {balances}")


if __name__ == "__main__":
    file, transfers = [*sys.argv[1:], *["bank.db", "200"][len(sys.argv) - 1 :]]
    trio.run(main, file, int(transfers))

"""A probe stands where a bank would; the test says what it must be sent, and what went wrong is told in order."""

import trio
from attrs import frozen
from trio.testing import MockClock

from actors import Actor, ActorRef, open_system
from actors.testing import ExpectationError, settled, start_probe

LIMIT = 1000


@frozen
class Withdraw:
    cents: int


class Till(Actor):
    def __init__(self, bank: ActorRef) -> None:
        self.bank = bank

    def handle_cast(self, cents: int) -> None:
        self.bank.cast("checking the balance" if cents > LIMIT else Withdraw(cents))
        self.bank.send_after(2.5, Withdraw(cents))


async def main() -> None:
    async with open_system() as system:
        bank = await start_probe(system, name="bank")
        till = await system.start(Till, bank.ref, name="till")

        till.cast(500)
        print("first:", await bank.expect(Withdraw))
        print("after 2.5 s:", await bank.expect(Withdraw(500)))
        await bank.expect_none(3600)
        print("an hour of silence; it is now", trio.current_time())

        till.cast(1500)
        await settled(system)
        try:
            await bank.expect(Withdraw, timeout=1.0)
        except ExpectationError as error:
            print(error)


if __name__ == "__main__":
    trio.run(main, clock=MockClock(autojump_threshold=0))

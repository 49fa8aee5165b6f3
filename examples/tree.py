"""A shop with two tills under one supervisor: one crashes and is replaced, the other goes on."""

import trio
from attrs import frozen

from actors import Actor, ActorExitedError, Call, Caller, open_system
from supervision import ChildSpec, Supervisor, SupervisorSpec, which_children


@frozen
class Sell(Call[int]):
    """Sell for so many cents; the reply is what is in the till then."""

    cents: int


class Till(Actor):
    def __init__(self) -> None:
        self.total = 0

    def handle_call(self, message: Sell, caller: Caller) -> int:
        if message.cents <= 0:
            raise ValueError(f"cannot sell for {message.cents} cents")
        self.total += message.cents
        return self.total


SHOP = SupervisorSpec(
    [ChildSpec("left", Till, name="left"), ChildSpec("right", Till, name="right")],
    strategy="one_for_one",
)


async def main() -> None:
    async with open_system() as system:
        shop = await system.start(Supervisor, SHOP)
        left, right = system.named("left"), system.named("right")
        print(left.whereis(), "has", await left.call(Sell(100)))
        print(right.whereis(), "has", await right.call(Sell(100)))

        try:
            await left.call(Sell(-1))
        except ActorExitedError as error:
            print("left is down:", error.reason)
        # The supervisor heard of the crash before this call, so left is back when it answers.
        await which_children(shop)

        print(left.whereis(), "has", await left.call(Sell(50)))
        print(right.whereis(), "has", await right.call(Sell(50)))


if __name__ == "__main__":
    trio.run(main)

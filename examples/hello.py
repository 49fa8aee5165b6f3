"""An actor that greets, and remembers how many it has greeted."""

import trio
from attrs import frozen

from actors import Actor, Call, Caller, open_system


@frozen
class Greet(Call[str]):
    name: str


class Greeter(Actor):
    def __init__(self) -> None:
        self.greeted = 0

    def handle_call(self, message: Greet, caller: Caller) -> str:
        self.greeted += 1
        return f"Hello {message.name}, you are number {self.greeted}."


async def main() -> None:
    async with open_system() as system:
        greeter = await system.start(Greeter)
        print(await greeter.call(Greet("Ada")))
        print(await greeter.call(Greet("Joe")))


if __name__ == "__main__":
    trio.run(main)

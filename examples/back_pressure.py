"""Four mailboxes with rules: one makes its senders wait, one puts the urgent first, one forgets, one puts off."""

from typing import Any

import trio

from actors import Actor, Mailbox, Priority, get_statistics, open_system


class Press(Actor):
    """A slow worker; who has more for it than it can take has to wait."""

    mailbox = Mailbox(max_messages=3, overflow="wait")

    async def handle_cast(self, page: int) -> None:
        await trio.sleep(0.001)


class Desk(Actor):
    """Takes the most urgent first."""

    mailbox = Mailbox(priority=True)

    def handle_cast(self, letter: str) -> None:
        print(f"  {letter}")


class Gauge(Actor):
    """Cares about the latest readings alone."""

    mailbox = Mailbox(max_messages=2, overflow="drop_oldest")

    def handle_cast(self, reading: float) -> None:
        print(f"  {reading}")


class Shop(Actor):
    """Puts customers off until it is open."""

    mailbox = Mailbox(max_messages=10)
    opened = False

    def handle_cast(self, message: str) -> Any:
        if message == "open":
            self.opened = True
            self.unstash()
        elif self.opened:
            print(f"  {message} is served")
        else:
            return self.stash()
        return None


async def main() -> None:
    async with open_system() as system:
        press = await system.start(Press)
        for page in range(100):
            await press.cast_wait(page)
        known = get_statistics(press)
        print(f"press: {known.received} pages taken in, never more than {known.greatest_length} in wait")

        print("desk:")
        desk = await system.start(Desk)
        desk.cast("an invitation")
        desk.cast("an advertisement", priority=Priority.LOW)
        desk.cast("an alarm", priority=Priority.CRITICAL)
        await desk.stop()

        print("gauge:")
        gauge = await system.start(Gauge)
        for reading in (20.5, 20.7, 21.0, 21.2):
            gauge.cast(reading)
        await gauge.stop()
        for letter in system.dead_letters:
            print(f"  not {letter.message}: {letter.reason}")

        print("shop:")
        shop = await system.start(Shop)
        for message in ("Ada", "Joe", "open", "Eve"):
            shop.cast(message)
        await shop.stop()


if __name__ == "__main__":
    trio.run(main)

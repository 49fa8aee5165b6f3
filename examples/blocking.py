"""Blocking work in threads, a thread that talks to an actor, and a kill that leaves a thread behind."""

import hashlib
from threading import Event, Thread

import trio
from attrs import frozen

from actors import Actor, Call, Caller, FromThread, abandoned_threads, open_system, run_blocking


@frozen
class Count(Call[int]):
    """Answered with the number of readings."""


@frozen
class Hang:
    """Wait for a disk that does not answer."""

    begun: Event
    answered: Event


def slow_hash(password: str) -> str:
    return hashlib.scrypt(password.encode(), salt=b"salt", n=2**14, r=8, p=1).hex()[:8]


def read_bad_disk(hang: Hang) -> None:
    hang.begun.set()
    hang.answered.wait()


class Hasher(Actor):
    async def handle_call(self, message: str, caller: Caller) -> str:
        return await run_blocking(slow_hash, message)

    async def handle_cast(self, message: Hang) -> None:
        await run_blocking(read_bad_disk, message)


class Readings(Actor):
    def __init__(self) -> None:
        self.count = 0

    def handle_cast(self, message: int) -> None:
        self.count += 1

    def handle_call(self, message: Count, caller: Caller) -> int:
        return self.count


def sensor(readings: FromThread) -> None:
    for reading in range(1000):
        readings.cast(reading)
    print("readings:", readings.call(Count()))


async def main() -> None:
    async with open_system() as system:
        hasher = await system.start(Hasher, name="hasher")
        print("hash:", await hasher.call("secret"))

        readings = await system.start(Readings)
        thread = Thread(target=sensor, args=[readings.from_thread])
        thread.start()
        await run_blocking(thread.join)

        hang = Hang(Event(), Event())
        hasher.cast(hang)
        await run_blocking(hang.begun.wait)
        hasher.kill()
        print(
            f"the hasher is {await hasher.wait()}, but still running:", [thread.name for thread in abandoned_threads()]
        )
        hang.answered.set()


if __name__ == "__main__":
    trio.run(main)

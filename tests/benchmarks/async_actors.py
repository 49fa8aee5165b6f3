"""The actors of the benchmark, with handlers that may wait; `sync_actors` has their twins."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Any

import trio

from actors import NO_REPLY, Actor, ActorRef, Caller
from tests.benchmarks.burn import burn
from tests.benchmarks.messages import NOTE, Increment, Note, Produce, Reach

if TYPE_CHECKING:
    from tests.benchmarks.bare_trio import Mailbox
    from tests.benchmarks.tally import Tally


class Counter(Actor):
    def __init__(self) -> None:
        self.count = 0
        self.goal = -1
        self.waiting: Caller | None = None

    async def handle_call(self, message: Increment | Reach, caller: Caller) -> Any:
        if isinstance(message, Increment):
            self.count += 1
            return self.count
        if message.goal <= self.count:
            return self.count
        self.goal, self.waiting = message.goal, caller
        return NO_REPLY

    async def handle_cast(self, message: object) -> None:
        self.count += 1
        if self.count == self.goal and self.waiting is not None:
            self.waiting.reply(self.count)


class Producer(Actor):
    async def handle_cast(self, message: Produce) -> None:
        cast = message.target.cast
        if message.fresh:
            for number in range(message.count):
                cast(Note(number))
        else:
            for _ in range(message.count):
                cast(NOTE)


class Node(Actor):
    def __init__(self, done: trio.Event) -> None:
        self.done = done
        self.following: ActorRef | None = None

    async def handle_call(self, message: ActorRef, caller: Caller) -> None:
        self.following = message

    async def handle_cast(self, hops: int) -> None:
        if hops == 0:
            self.done.set()
        elif self.following is not None:
            self.following.cast(hops - 1)


class Member(Actor):
    """One of many; it marks each message off a tally."""

    def __init__(self, tally: Tally) -> None:
        self.tally = tally

    async def handle_cast(self, message: object) -> None:
        self.tally.mark_off()


class Idle(Actor):
    """It has no `init` of its own."""

    async def handle_cast(self, message: object) -> None:
        pass


class Prepared(Idle):
    async def init(self) -> None:
        self.ready = True


class Fragile(Actor):
    """It crashes at any cast; *starts* gets each of its incarnations."""

    def __init__(self, starts: Mailbox) -> None:
        self.starts = starts

    async def init(self) -> None:
        self.starts.put(self.ref)

    async def handle_cast(self, message: object) -> None:
        raise RuntimeError


class Busy(Actor):
    """It works for so long over each cast."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    async def handle_cast(self, message: object) -> None:
        burn(self.seconds)


class Flooder(Actor):
    """It casts to another, and to itself to do so again, for ever."""

    def __init__(self, target: ActorRef) -> None:
        self.target = target

    async def handle_cast(self, message: object) -> None:
        self.target.cast(NOTE)
        self.ref.cast(message)


class Echo(Actor):
    """It casts whatever it gets back to the actor that it was told of."""

    def __init__(self) -> None:
        self.other: ActorRef | None = None

    async def handle_call(self, message: ActorRef, caller: Caller) -> None:
        self.other = message

    async def handle_cast(self, message: object) -> None:
        if self.other is not None:
            self.other.cast(message)


class Recipient(Actor):
    """It notes how long ago each message was sent, which says when that was."""

    def __init__(self, ages: list[float]) -> None:
        self.ages = ages

    async def handle_cast(self, message: float) -> None:
        self.ages.append(perf_counter() - message)


class Clock(Actor):
    """It sets a timer again and again, and notes how late each came."""

    def __init__(self, seconds: float, late: list[float]) -> None:
        self.seconds = seconds
        self.late = late

    def init(self) -> None:
        self.wind()

    async def handle_info(self, message: float) -> None:
        self.late.append(trio.current_time() - message)
        self.wind()

    def wind(self) -> None:
        self.ref.send_after(self.seconds, trio.current_time() + self.seconds)


class Receiver(Actor):
    """It is cast when that was, notes how long it took, and marks it off a tally."""

    def __init__(self, seconds: list[float], tally: Tally) -> None:
        self.seconds = seconds
        self.tally = tally

    async def handle_cast(self, message: float) -> None:
        self.seconds.append(perf_counter() - message)
        self.tally.mark_off()

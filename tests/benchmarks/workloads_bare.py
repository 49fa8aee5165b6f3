"""The workloads in bare trio, which all others are compared with: ``trio_deque_b64``.

``python -m tests.benchmarks.workloads_bare WORKLOAD SHARE`` runs one, with that share of its usual count.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

import trio
from trio.testing import wait_all_tasks_blocked

from tests.benchmarks.bare_trio import CAST, Mailbox, Reply, counter, note_counter
from tests.benchmarks.measure import Figures, Scales, Stopwatch, publish
from tests.benchmarks.messages import Note

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

CLIENTS: Final = 100
PRODUCERS: Final = 100
BURST: Final = 1_000
RING: Final = 1_000


async def call(count: int) -> Figures:
    async with trio.open_nursery() as nursery:
        mailbox, reply = Mailbox(), Reply()
        nursery.start_soon(counter, mailbox)
        await _calls(mailbox, reply, 1_000)
        with Stopwatch() as watch:
            await _calls(mailbox, reply, count)
        nursery.cancel_scope.cancel()
    return watch.rate(count)


async def _calls(mailbox: Mailbox, reply: Reply, count: int) -> None:
    for _ in range(count):
        mailbox.put((reply, 0))
        await reply.wait()


async def concurrent_call(count: int) -> Figures:
    each = count // CLIENTS
    async with trio.open_nursery() as nursery:
        mailbox = Mailbox()
        nursery.start_soon(counter, mailbox)
        with Stopwatch() as watch:
            async with trio.open_nursery() as clients:
                for _ in range(CLIENTS):
                    clients.start_soon(_calls, mailbox, Reply(), each)
        nursery.cancel_scope.cancel()
    return watch.rate(CLIENTS * each)


async def cast(count: int) -> Figures:
    async with trio.open_nursery() as nursery:
        mailbox, reply = Mailbox(), Reply()
        nursery.start_soon(counter, mailbox)
        await wait_all_tasks_blocked()
        with Stopwatch() as watch:
            for _ in range(count):
                mailbox.put(CAST)
            mailbox.put((reply, count))
            assert await reply.wait() == count
        nursery.cancel_scope.cancel()
    return watch.rate(count)


async def cast_fresh(count: int) -> Figures:
    async with trio.open_nursery() as nursery:
        mailbox, reply = Mailbox(), Reply()
        nursery.start_soon(note_counter, mailbox)
        await wait_all_tasks_blocked()
        with Stopwatch() as watch:
            for number in range(count):
                mailbox.put(Note(number))
            mailbox.put((reply, count))
            assert await reply.wait() == count
        nursery.cancel_scope.cancel()
    return watch.rate(count)


async def fan_in(count: int) -> Figures:
    target = Mailbox()

    def produce() -> None:
        put = target.put
        for _ in range(BURST):
            put(CAST)

    return await _fan_in(count, counter, target, produce)


async def fan_in_fresh(count: int) -> Figures:
    target = Mailbox()

    def produce() -> None:
        put = target.put
        for number in range(BURST):
            put(Note(number))

    return await _fan_in(count, note_counter, target, produce)


async def _fan_in(
    count: int, task: Callable[[Mailbox], Awaitable[None]], target: Mailbox, produce: Callable[[], None]
) -> Figures:
    rounds = max(1, count // (PRODUCERS * BURST))
    reply = Reply()

    async def producer(mailbox: Mailbox) -> None:
        while True:
            await mailbox.get()
            produce()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(task, target)
        producers = [Mailbox() for _ in range(PRODUCERS)]
        for mailbox in producers:
            nursery.start_soon(producer, mailbox)
        await wait_all_tasks_blocked()
        with Stopwatch() as watch:
            for done in range(1, rounds + 1):
                for mailbox in producers:
                    mailbox.put(CAST)
                target.put((reply, done * PRODUCERS * BURST))
                await reply.wait()
        nursery.cancel_scope.cancel()
    return watch.rate(rounds * PRODUCERS * BURST)


async def ring(count: int) -> Figures:
    done = Reply()

    async def node(own: Mailbox, following: Mailbox) -> None:
        while True:
            hops = await own.get()
            if hops == 0:
                done.set(None)
            else:
                following.put(hops - 1)

    async with trio.open_nursery() as nursery:
        mailboxes = [Mailbox() for _ in range(RING)]
        for i in range(RING):
            nursery.start_soon(node, mailboxes[i], mailboxes[(i + 1) % RING])
        await wait_all_tasks_blocked()
        with Stopwatch() as watch:
            mailboxes[0].put(count)
            await done.wait()
        nursery.cancel_scope.cancel()
    return watch.rate(count)


async def spawn(count: int) -> Figures:
    started = 0
    all_started = trio.Event()

    async def idle(mailbox: Mailbox) -> None:
        nonlocal started
        started += 1
        if started == count:
            all_started.set()
        while True:
            await mailbox.get()

    mailboxes = []
    async with trio.open_nursery() as nursery:
        with Stopwatch() as watch:
            for _ in range(count):
                mailbox = Mailbox()
                mailboxes.append(mailbox)
                nursery.start_soon(idle, mailbox)
            await all_started.wait()
        nursery.cancel_scope.cancel()
    return watch.rate(count)


async def restart(count: int) -> Figures:
    """Crash one child again and again, under a loop that starts a new one."""
    exits, starts = Mailbox(), Mailbox()

    async def child(mailbox: Mailbox) -> None:
        starts.put(mailbox)
        while True:
            if await mailbox.get() == "crash":
                raise RuntimeError

    async def guard(mailbox: Mailbox) -> None:
        try:
            await child(mailbox)
        except RuntimeError as error:
            exits.put(error)

    async def supervise() -> None:
        async with trio.open_nursery() as children:
            while True:
                children.start_soon(guard, Mailbox())
                await exits.get()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(supervise)
        mailbox = await starts.get()
        with Stopwatch() as watch:
            for _ in range(count):
                mailbox.put("crash")
                mailbox = await starts.get()
        nursery.cancel_scope.cancel()
    return watch.rate(count)


async def bytes_per_actor(count: int) -> Figures:
    mailboxes = []
    reply = Reply()
    async with trio.open_nursery() as nursery:
        with Scales() as scales:
            for _ in range(count):
                mailbox = Mailbox()
                mailboxes.append(mailbox)
                nursery.start_soon(counter, mailbox)
                mailbox.put(CAST)
                mailbox.put((reply, 0))
                await reply.wait()
        nursery.cancel_scope.cancel()
    return scales.each(count)


WORKLOADS: Final[dict[str, tuple[Callable[[int], Awaitable[Figures]], int]]] = {
    "call": (call, 60_000),
    "concurrent_call": (concurrent_call, 200_000),
    "cast": (cast, 2_000_000),
    "cast_fresh": (cast_fresh, 800_000),
    "fan_in": (fan_in, 2_000_000),
    "fan_in_fresh": (fan_in_fresh, 800_000),
    "ring": (ring, 120_000),
    "spawn": (spawn, 20_000),
    "restart": (restart, 20_000),
    "bytes_per_actor": (bytes_per_actor, 10_000),
}


if __name__ == "__main__":
    run, usual_count = WORKLOADS[sys.argv[1]]
    publish(trio.run(run, round(usual_count * float(sys.argv[2]))))

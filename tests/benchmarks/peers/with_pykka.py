"""The workloads on pykka: a thread for each actor.

``python -m tests.benchmarks.peers.with_pykka WORKLOAD SHARE`` runs one, with that share of its usual count.
"""

from __future__ import annotations

import sys
import threading
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from tests.benchmarks.measure import Figures, Scales, Stopwatch, publish

if TYPE_CHECKING:
    from collections.abc import Callable

pykka: Any = import_module("pykka")

RING: Final = 1_000
CLIENTS: Final = 100
PRODUCERS: Final = 100


class Threaded(pykka.ThreadingActor):  # type: ignore[misc]  # it need not be installed to check the types
    use_daemon_thread = True


class Counter(Threaded):
    def __init__(self) -> None:
        super().__init__()
        self.count = 0
        self.goal = -1
        self.reached = threading.Event()

    def on_receive(self, message: Any) -> int | None:
        if message is None:
            self.count += 1
        elif message == "increment":
            self.count += 1
            return self.count
        else:
            self.goal, self.reached = message
        if self.count == self.goal:
            self.reached.set()
        return None


class Producer(Threaded):
    def on_receive(self, message: tuple[Any, int]) -> None:
        target, count = message
        for _ in range(count):
            target.tell(None)


class Node(Threaded):
    def on_receive(self, message: Any) -> None:
        if isinstance(message, tuple):
            self.following, self.done = message
        elif message == 0:
            self.done.set()
        else:
            self.following.tell(message - 1)


class Prepared(Threaded):
    def __init__(self, started: threading.Semaphore) -> None:
        super().__init__()
        self.started = started

    def on_start(self) -> None:
        self.started.release()


def call(count: int) -> Figures:
    counter = Counter.start()
    _calls(counter, 500)
    with Stopwatch() as watch:
        _calls(counter, count)
    return watch.rate(count)


def _calls(counter: Any, count: int) -> None:
    for _ in range(count):
        counter.ask("increment")


def concurrent_call(count: int) -> Figures:
    each = count // CLIENTS
    counter = Counter.start()
    clients = [threading.Thread(target=_calls, args=(counter, each)) for _ in range(CLIENTS)]
    with Stopwatch() as watch:
        for client in clients:
            client.start()
        for client in clients:
            client.join()
    return watch.rate(CLIENTS * each)


def cast(count: int) -> Figures:
    counter, reached = Counter.start(), threading.Event()
    with Stopwatch() as watch:
        for _ in range(count):
            counter.tell(None)
        counter.tell((count, reached))
        reached.wait()
    return watch.rate(count)


def fan_in(count: int) -> Figures:
    each = count // PRODUCERS
    counter, reached = Counter.start(), threading.Event()
    counter.tell((PRODUCERS * each, reached))
    producers = [Producer.start() for _ in range(PRODUCERS)]
    with Stopwatch() as watch:
        for producer in producers:
            producer.tell((counter, each))
        reached.wait()
    return watch.rate(PRODUCERS * each)


def ring(count: int) -> Figures:
    done = threading.Event()
    nodes = [Node.start() for _ in range(RING)]
    for i in range(RING):
        nodes[i].tell((nodes[(i + 1) % RING], done))
    with Stopwatch() as watch:
        nodes[0].tell(count)
        done.wait()
    return watch.rate(count)


def spawn(count: int) -> Figures:
    refs = []
    started = threading.Semaphore(0)
    with Stopwatch() as watch:
        for _ in range(count):
            refs.append(Prepared.start(started))  # noqa: PERF401 -- as bare trio does it
        for _ in range(count):
            started.acquire()
    return watch.rate(count)


def bytes_per_actor(count: int) -> Figures:
    refs = []
    with Scales() as scales:
        for _ in range(count):
            ref = Counter.start()
            refs.append(ref)
            ref.tell(None)
            ref.ask("increment")
    return scales.each(count)


WORKLOADS: Final[dict[str, tuple[Callable[[int], Figures], int]]] = {
    "call": (call, 10_000),
    "concurrent_call": (concurrent_call, 20_000),
    "cast": (cast, 100_000),
    "fan_in": (fan_in, 100_000),
    "ring": (ring, 20_000),
    "spawn": (spawn, 2_000),
    "bytes_per_actor": (bytes_per_actor, 2_000),
}


if __name__ == "__main__":
    run, usual_count = WORKLOADS[sys.argv[1]]
    publish(run(round(usual_count * float(sys.argv[2]))))

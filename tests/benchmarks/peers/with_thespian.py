"""The workloads on thespian in one process (``simpleSystemBase``), where a receiver runs inside its sender.

``python -m tests.benchmarks.peers.with_thespian WORKLOAD SHARE`` runs one, with that share of its usual count.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from tests.benchmarks.measure import Figures, Stopwatch, publish

if TYPE_CHECKING:
    from collections.abc import Callable

thespian: Any = import_module("thespian.actors")

CLIENTS: Final = 100
PRODUCERS: Final = 100
RING: Final = 1_000
SECONDS: Final = 60


class Counter(thespian.Actor):  # type: ignore[misc]  # it need not be installed to check the types
    def __init__(self) -> None:
        self.count = 0
        self.goal = -1
        self.waiting: Any = None

    def receiveMessage(self, message: Any, sender: Any) -> None:  # noqa: N802 -- thespian's name
        match message:
            case "note":
                self.count += 1
                if self.count == self.goal:
                    self.send(self.waiting, self.count)
            case "increment":
                self.count += 1
                self.send(sender, self.count)
            case ("reach", int(goal)) if self.count >= goal:
                self.send(sender, self.count)
            case ("reach", int(goal)):
                self.goal, self.waiting = goal, sender


class Client(thespian.Actor):  # type: ignore[misc]  # it need not be installed to check the types
    """An actor, because a system is not for many threads."""

    def receiveMessage(self, message: Any, sender: Any) -> None:  # noqa: N802 -- thespian's name
        match message:
            case ("prepare", counter, left, finish):
                self.counter, self.left, self.finish = counter, left, finish
                self.send(sender, "ready")
            case "begin":
                self.send(self.counter, "increment")
            case int():
                self.left -= 1
                self.send(*((self.counter, "increment") if self.left else (self.finish, "note")))


class Producer(thespian.Actor):  # type: ignore[misc]  # it need not be installed to check the types
    def receiveMessage(self, message: Any, sender: Any) -> None:  # noqa: N802 -- thespian's name
        match message:
            case "prepare":
                self.send(sender, "ready")
            case ("produce", target, int(count)):
                for _ in range(count):
                    self.send(target, "note")


class Node(thespian.Actor):  # type: ignore[misc]  # it need not be installed to check the types
    def receiveMessage(self, message: Any, sender: Any) -> None:  # noqa: N802 -- thespian's name
        match message:
            case ("follow", following, finish):
                self.following, self.finish = following, finish
                self.send(sender, "ready")
            case 0:
                self.send(self.finish, "note")
            case int(hops):
                self.send(self.following, hops - 1)


def call(system: Any, count: int) -> Figures:
    counter = system.createActor(Counter)
    with Stopwatch() as watch:
        for _ in range(count):
            system.ask(counter, "increment", SECONDS)
    return watch.rate(count)


def concurrent_call(system: Any, count: int) -> Figures:
    each = count // CLIENTS
    counter, finish = system.createActor(Counter), system.createActor(Counter)
    clients = [system.createActor(Client) for _ in range(CLIENTS)]
    for client in clients:
        system.ask(client, ("prepare", counter, each, finish), SECONDS)
    with Stopwatch() as watch:
        for client in clients:
            system.tell(client, "begin")
        assert system.ask(finish, ("reach", CLIENTS), SECONDS) == CLIENTS
    return watch.rate(CLIENTS * each)


def cast(system: Any, count: int) -> Figures:
    counter = system.createActor(Counter)
    with Stopwatch() as watch:
        for _ in range(count):
            system.tell(counter, "note")
        assert system.ask(counter, ("reach", count), SECONDS) == count
    return watch.rate(count)


def fan_in(system: Any, count: int) -> Figures:
    each = count // PRODUCERS
    counter = system.createActor(Counter)
    producers = [system.createActor(Producer) for _ in range(PRODUCERS)]
    for producer in producers:
        system.ask(producer, "prepare", SECONDS)
    with Stopwatch() as watch:
        for producer in producers:
            system.tell(producer, ("produce", counter, each))
        assert system.ask(counter, ("reach", PRODUCERS * each), SECONDS) == PRODUCERS * each
    return watch.rate(PRODUCERS * each)


def ring(system: Any, count: int) -> Figures:
    finish = system.createActor(Counter)
    nodes = [system.createActor(Node) for _ in range(RING)]
    for i in range(RING):
        system.ask(nodes[i], ("follow", nodes[(i + 1) % RING], finish), SECONDS)
    with Stopwatch() as watch:
        system.tell(nodes[0], count)
        assert system.ask(finish, ("reach", 1), SECONDS) == 1
    return watch.rate(count)


def spawn(system: Any, count: int) -> Figures:
    actors = []
    with Stopwatch() as watch:
        for _ in range(count):
            actors.append(system.createActor(Counter))  # noqa: PERF401 -- as bare trio does it
        for actor in actors:
            system.ask(actor, ("reach", 0), SECONDS)
    return watch.rate(count)


WORKLOADS: Final[dict[str, tuple[Callable[[Any, int], Figures], int]]] = {
    "call": (call, 50_000),
    "concurrent_call": (concurrent_call, 50_000),
    "cast": (cast, 50_000),
    "fan_in": (fan_in, 100_000),
    "ring": (ring, 50_000),
    "spawn": (spawn, 10_000),
}


if __name__ == "__main__":
    run, usual_count = WORKLOADS[sys.argv[1]]
    publish(run(thespian.ActorSystem("simpleSystemBase"), round(usual_count * float(sys.argv[2]))))

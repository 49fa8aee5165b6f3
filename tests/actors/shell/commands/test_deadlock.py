"""A deadlock, as an operator sees it: `actors waits` names the ring while it lasts, and its calls end by timeouts."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from tests.actors.shell.machine import Machine, new_machine

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.slow, pytest.mark.hang_seconds(90)]

TABLE = """
from actors import Actor, CallingSelfError, CallTimeoutError, NO_REPLY
from actors.delivery import RouterRef
from supervision import ChildSpec, SupervisorSpec
from supervision.services import service_tree

class Guest(Actor):
    heard = None

    def init(self):
        self.owed = []

    async def handle_cast(self, order):
        target, how = order
        try:
            await self.ask(target, how)
        except (CallTimeoutError, CallingSelfError) as error:
            self.heard = type(error).__name__

    async def ask(self, target, how):
        if how == "router":
            await RouterRef(self.system).call(target, "salt", timeout=SECONDS)
        elif how == "request":
            await self.system.named(target).send_request("salt").wait(SECONDS)
        else:
            await self.system.named(target).call("salt", timeout=SECONDS)

    async def handle_call(self, message, caller):
        if message == "and?":
            return self.heard
        self.owed.append(caller)
        return NO_REPLY

class Opener(Actor):
    def init(self):
        print("open", flush=True)

    def handle_cast(self, orders):
        for guest, target, how in orders:
            self.system.named(guest).cast((target, how))

NAMES = ("ann", "bob", "cy", "dan", "eve", "fay", "gil", "hal", "ida", "jo")
guests = [ChildSpec(name, Guest, name=name) for name in NAMES]
tree = SupervisorSpec([service_tree(), *guests, ChildSpec("opener", Opener, name="opener")])
"""

SECONDS = 15.0
"""How long a guest waits for an answer: time for two commands on a busy machine."""


@pytest.fixture
def table() -> Iterator[Machine]:
    """Return a machine with a table of guests, who ask each other for the salt when they are told to, in vain."""
    with new_machine() as machine, machine.running(TABLE.replace("SECONDS", str(SECONDS))):
        yield machine


def dine(table: Machine, *orders: tuple[str, str, str]) -> None:
    """Have each guest ask the one beside it in *orders*, in the way that is named there."""
    finished = table.actors("cast", "opener", json.dumps(orders))
    assert finished.status == 0, finished.err


def names(refs: list[str]) -> list[str]:
    """Return the names in texts such as ``<ann #4>``."""
    return [ref[1:].split()[0] for ref in refs]


def turned(ring: list[str], first: str) -> list[str]:
    """Return *ring* as it is when it begins with *first*."""
    place = ring.index(first)
    return ring[place:] + ring[:place]


def heard(table: Machine, guest: str) -> str:
    """Wait until a guest is free again, and return how its question ended."""
    reply: str = table.told("call", guest, '"and?"', "--timeout", "20")["reply"]
    return reply.strip("'")


RINGS = {"call": ["ann", "bob", "cy"], "request": ["dan", "eve", "fay"], "router": ["gil", "hal", "ida"]}


def test_three_in_a_ring_are_named_in_order_and_end_by_their_timeouts(table: Machine) -> None:
    orders = [
        (guest, beside, how)
        for how, ring in RINGS.items()
        for guest, beside in zip(ring, ring[1:] + ring[:1], strict=True)
    ]
    dine(table, *orders, ("jo", "jo", "request"))

    told, shown = table.told("waits"), table.actors("waits")
    ends = {heard(table, guest) for ring in RINGS.values() for guest in ring} | {heard(table, "jo")}
    after = table.told("waits")

    found = {min(names(it["deadlock"])): it for it in told["deadlocks"]}
    assert sorted(found) == ["ann", "dan", "gil", "jo"]
    for ring in (*RINGS.values(), ["jo"]):
        deadlock = found[ring[0]]
        assert turned(names(deadlock["deadlock"]), ring[0]) == ring
        assert turned(names([call["target"] for call in deadlock["calls"]]), ring[0]) == ring
        in_words = " waits for ".join([*deadlock["deadlock"], deadlock["deadlock"][0]])
        [line] = [line for line in shown.lines if line.startswith(f"deadlock: {in_words}; ")]
        assert re.fullmatch(r"the first call gives up in [0-9.]+ m?s", line.rpartition("; ")[2])
    assert ends == {"CallTimeoutError"}
    assert (after["waits"], after["deadlocks"]) == ([], [])


def test_who_waits_for_the_ring_is_no_part_of_it(table: Machine) -> None:
    asked = {"dan": "eve", "eve": "fay", "fay": "ann", "ann": "bob", "bob": "cy", "cy": "bob"}
    dine(table, *((guest, beside, "call") for guest, beside in asked.items()))

    told = table.told("waits")

    assert sorted(names([wait["caller"] for wait in told["waits"]])) == ["ann", "bob", "cy", "dan", "eve", "fay"]
    [deadlock] = told["deadlocks"]
    assert turned(names(deadlock["deadlock"]), "bob") == ["bob", "cy"]


def test_an_actor_that_calls_itself_waits_for_nobody(table: Machine) -> None:
    dine(table, ("ann", "ann", "call"))

    told = table.told("waits")

    assert heard(table, "ann") == "CallingSelfError"
    assert (told["waits"], told["deadlocks"]) == ([], [])

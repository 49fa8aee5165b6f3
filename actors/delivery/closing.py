"""Closing: how a router gives up what it has, a slice at a time."""

from __future__ import annotations

from heapq import heapify, heappop, heapreplace
from typing import TYPE_CHECKING, Final

import trio

from actors.delivery.dead_letters import CLOSED

if TYPE_CHECKING:
    from actors.delivery.ledger import Ledger
    from actors.delivery.plan import Plan


AT_ONCE: Final = 64
"""So many are given up before others have their turn: about a millisecond."""


class Closing:
    """The deadline, now, at which a ledger that was closed gives up the next of what it has."""

    live = True

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def expire(self) -> None:
        """Give them up, and let the others follow after whoever else has something to do."""
        if give_up_some(self._ledger):
            self._ledger.system.timers.add(self._ledger.now(), self)


async def close_with_system(ledger: Ledger) -> None:
    """Close *ledger* when every actor of its system is dead, so that nobody waits for a receipt in vain."""
    with trio.CancelScope(shield=True):
        await ledger.system.stopped.wait()
        ledger.close()
        while give_up_some(ledger):  # the deadlines of a system that has stopped are served no more
            await trio.lowlevel.checkpoint()


def give_up_some(ledger: Ledger) -> bool:
    """Give up a slice of what *ledger* has, in the order it was accepted; return whether there is more."""
    firsts = [(_number_of_first(plan), place, plan) for place, plan in enumerate(ledger.used) if plan.open]
    heapify(firsts)
    for _ in range(AT_ONCE):
        if not firsts:
            break
        _, place, plan = firsts[0]
        ledger.give_up(next(iter(plan.open)), CLOSED)
        if plan.open:
            heapreplace(firsts, (_number_of_first(plan), place, plan))
        else:
            heappop(firsts)
    for _ in range(min(AT_ONCE, len(ledger.delayed))):
        receipt, _ = ledger.delayed.popitem()
        ledger.drop(receipt, CLOSED)
    return bool(firsts or ledger.delayed)


def _number_of_first(plan: Plan) -> int:
    return next(iter(plan.open)).number

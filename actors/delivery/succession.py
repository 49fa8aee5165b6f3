"""Succession: how one incarnation of a router takes over what its ledger has, a slice at a time.

Until everything has found its place nothing is sent, so that what comes meanwhile overtakes nothing.
"""

from __future__ import annotations

import math
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, TypeVar

import trio

from actors.delivery.plan import AT_ONCE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from actors.delivery.exchange import Exchange
    from actors.delivery.receipt import Attempt, Receipt

T = TypeVar("T")


async def take_over(exchange: Exchange) -> None:
    """Find its place in *exchange*, which is the ledger's, for everything that the ledger has; then begin to send.

    What is accepted meanwhile finds its place by itself, and so does what comes back, from a receiver or from a delay.
    """
    returned = exchange.returned = set()
    attempts = list(exchange.ledger.in_flight())
    # The keys of a plain dict take a quarter of the time, and have the same order.
    receipts = [list(dict.keys(plan.open)) for plan in exchange.ledger.used]
    await _each(attempts, partial(_lead, exchange))
    await _each(chain.from_iterable(receipts), partial(_place, exchange, returned))
    exchange.returned = None
    await _each(exchange.open(), exchange.release)
    exchange.pump()


async def _each(items: Iterable[T], act: Callable[[T], object]) -> None:
    for number, item in enumerate(items, 1):
        act(item)
        if number % AT_ONCE == 0:
            await trio.lowlevel.checkpoint()


def _lead(exchange: Exchange, attempt: Attempt) -> None:
    """Count *attempt* among those under way, if its acknowledgement is still waited for."""
    if attempt.live:
        attempt.lane = exchange.lane_of(attempt.ref)
        attempt.lane.begin()


def _place(exchange: Exchange, returned: set[Receipt], receipt: Receipt) -> None:
    """Have *receipt* wait in its lane, unless it is done with, under way or delayed, or waits there already."""
    attempt = receipt.attempt
    is_under_way = attempt is not None and attempt.live
    if not (receipt.final or is_under_way or receipt.due < math.inf or receipt in returned):
        exchange.wait(receipt, exchange.lane_of(receipt.to))

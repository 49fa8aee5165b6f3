"""Ctrl-C leaves no heirloom half changed."""

from __future__ import annotations

import signal
import sys
from itertools import count
from typing import TYPE_CHECKING, Any

import attrs
import pytest
import trio
from trio.testing import MockClock

from actors import (
    heirloom,
    open_system,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import FrameType


from tests.actors.shops import Shop, appended


@attrs.define
class Strike:
    """Presses Ctrl-C at line number *at* of what heirlooms run, counted as they are run."""

    at: int
    lines: int = 0
    struck: bool = False

    def __call__(self, frame: FrameType, event: str, _argument: object) -> Strike | None:
        if frame.f_code.co_filename != heirloom.__file__:
            return None
        self.lines += event == "line"
        if self.lines >= self.at and not self.struck:
            self.struck = True
            sys.settrace(None)
            frame.f_trace = None
            signal.raise_signal(signal.SIGINT)
        return self


COMPLETE = [
    {0: "tea"},
    {0: "tea", 1: "milk"},
    {0: "tea", 1: "milk", "a": "b"},
    {1: "milk", "a": "b"},
    {0: "X", 1: "Y"},
]
"""What there is before and after each change that is struck."""


def change(shop: Shop) -> None:
    shop.orders.append("milk")
    shop.orders["a"] = "b"
    del shop.orders[0]
    shop.orders.replace(["X", "Y"])


def test_an_interrupt_at_any_line_leaves_all_of_a_change_or_nothing() -> None:
    places = 0
    for at in count(1):
        strike = Strike(at)
        left = left_by_changes(strike)
        assert left in COMPLETE
        if not strike.struck:
            break
        places += 1

    assert places > 30


def left_by_changes(strike: Strike) -> dict[Any, Any]:
    """Return what a heirloom holds whose changes were struck."""
    left: dict[Any, Any] = {}

    async def main() -> None:
        async with open_system() as system:
            shop = await system.start(Shop)
            await appended(shop, "tea")
            before = sys.gettrace()
            sys.settrace(strike)
            try:
                await shop.call(change)
            finally:
                sys.settrace(before)
                left.update(system.heirlooms._estates["orders"].records)

    interrupted = False
    try:
        trio.run(main, clock=MockClock(autojump_threshold=0))
    except KeyboardInterrupt:
        interrupted = True
    assert interrupted == strike.struck
    return left


def test_an_interrupt_in_a_check_stops_the_system_and_condemns_nothing() -> None:
    lengths: list[int] = []

    def check(records: Mapping[Any, Any]) -> None:
        signal.raise_signal(signal.SIGINT)

    async def main() -> None:
        async with open_system() as system:
            shop = await system.start(Shop)
            await appended(shop, "tea")
            shop.kill()
            try:
                await system.start(Shop, check)
            finally:
                lengths.extend((system.heirlooms["orders"].length, len(system.heirlooms.quarantined)))

    with pytest.raises(KeyboardInterrupt):
        trio.run(main, clock=MockClock(autojump_threshold=0))

    assert lengths == [1, 0]

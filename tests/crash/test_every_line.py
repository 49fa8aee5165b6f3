"""Debit here, credit there: the account crashes at each line of its handler, and the total is always the same."""

from __future__ import annotations

import inspect
import logging
import sys
from itertools import count
from typing import TYPE_CHECKING, Any, Final

import pytest

from actors import open_system
from actors.delivery import Router, RouterConfig, RouterRef
from actors.sqlite import open_database
from supervision import ChildSpec, Supervisor, SupervisorSpec
from tests.actors.delivery.accounts import ONCE, Account, Transfer

if TYPE_CHECKING:
    from pathlib import Path
    from types import FrameType

    from trio.testing import MockClock

HANDLER: Final = inspect.unwrap(Account.handle_cast).__code__


class Fault:
    """Raises at one of the lines that the handler comes to, in whichever account."""

    def __init__(self, line: int) -> None:
        self._left = line
        self.place: int | None = None
        """The line it raised at."""

    def look(self, frame: FrameType, event: str, _argument: Any) -> Any:
        """Follow the handler, and nothing else (`sys.settrace`)."""
        return self._at_line if frame.f_code is HANDLER else None

    def _at_line(self, frame: FrameType, event: str, _argument: Any) -> Any:
        if event == "line":
            self._left -= 1
            if self._left < 0:
                self.place = frame.f_lineno
                sys.settrace(None)
                raise RuntimeError(f"line {self.place}")
        return self._at_line


async def balances_after(file: Path, fault: Fault) -> list[int]:
    """Make a transfer, and wait until it has come to its end in spite of *fault*."""
    async with open_system() as system:
        await open_database(system, file, inline=True)
        children = [
            ChildSpec("router", Router, (RouterConfig(database=str(file)),), name="router"),
            ChildSpec("left", Account, name="left"),
            ChildSpec("right", Account, name="right"),
        ]
        await system.start(Supervisor, SupervisorSpec(children))
        before = sys.gettrace()
        sys.settrace(fault.look)
        try:
            await RouterRef(system).send("left", Transfer(30, "right"), ONCE)
            await RouterRef(system).drained()
        finally:
            sys.settrace(before)
        return [await system.named(name).call("balance") for name in ("left", "right")]


@pytest.mark.slow
async def test_the_total_is_the_same_whichever_line_the_account_crashes_at(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, autojump_clock: MockClock
) -> None:
    caplog.set_level(logging.CRITICAL)
    places: list[int] = []
    for line in count():
        fault = Fault(line)
        balances = await balances_after(tmp_path / f"{line}.db", fault)

        assert balances == [70, 130], f"after a crash at line {fault.place}"
        if fault.place is None:
            break
        places.append(fault.place)

    # Both come to the first lines of the handler, one after the other.
    assert len(places) > len(set(places)) > 5

"""Ctrl-C at any line of the runtime: places spread over all that a program does, each struck in a run of its own."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import pytest
import trio
from trio._core import _run as trio_scheduler
from trio.testing import MockClock

import actors
from actors import ActorRef, ActorSystem, get_state, open_system, resume, suspend
from actors.current import current_process
from tests.actors.deaths import VICTIMS

if TYPE_CHECKING:
    from types import FrameType

    from tests.actors.deaths import Victim

RUNTIME = str(Path(actors.__file__).parent)
PLACES = 100
"""So many are struck for each kind."""


@attrs.define
class Strike:
    """Presses Ctrl-C when the runtime comes to its line number *at*, counted as they are run."""

    at: float
    lines: int = 0
    place: str = "nowhere"

    def __call__(self, frame: FrameType, event: str, _argument: object) -> Strike | None:
        if not frame.f_code.co_filename.startswith(RUNTIME):
            return None
        self.lines += event == "line"
        if self.lines >= self.at and self.place == "nowhere":
            self.place = f"{frame.f_code.co_qualname}:{frame.f_lineno}"
            sys.settrace(None)
            frame.f_trace = None
            signal.raise_signal(signal.SIGINT)
        return self


@attrs.define
class Life:
    """One `trio.run` of a program that does a bit of everything."""

    actor: type[Victim]
    refs: list[ActorRef] = attrs.field(factory=list)
    systems: list[ActorSystem] = attrs.field(factory=list)

    def run(self, strike: Strike) -> None:
        """Run the program until it is struck."""

        async def main() -> None:
            before = sys.gettrace()
            sys.settrace(strike)
            try:
                await self.live()
            finally:
                sys.settrace(before)

        trio_scheduler._r.seed(0)
        trio.run(main, clock=MockClock(autojump_threshold=0))

    async def live(self) -> None:
        with trio.fail_after(60.0):
            async with open_system() as system:
                self.systems.append(system)
                ref = await self.start(system)
                timer = ref.send_every(0.001, "tick")
                await ref.call("question", timeout=1.0)
                ref.cast("message")
                await ref.send_request("question").receive()
                await (await self.start(system)).stop()
                await (await self.start(system)).shut_down()
                (await self.start(system)).kill()
                await suspend(ref)
                await resume(ref)
                await get_state(ref)
                await trio.sleep(0.01)
                timer.cancel()

    async def start(self, system: ActorSystem) -> ActorRef:
        self.refs.append(await system.start(self.actor))
        return self.refs[-1]


@pytest.mark.slow
@pytest.mark.parametrize("actor", VICTIMS.values(), ids=VICTIMS)
def test_an_interrupt_at_any_line_of_the_runtime_stops_everything(actor: type[Victim]) -> None:
    whole = Strike(float("inf"))
    Life(actor).run(whole)

    struck = 0
    for at in range(1, whole.lines, whole.lines // PLACES):
        life, strike = Life(actor), Strike(at)
        try:
            life.run(strike)
        except KeyboardInterrupt:
            struck += 1
        else:
            # The clock has a say in how many lines there are: a slice may end, or the loop pause for threads.
            assert strike.place == "nowhere", f"lost at {strike.place}"

        assert [ref for ref in life.refs if ref.alive] == [], strike.place
        assert [system for system in life.systems if system.processes] == [], strike.place
        assert current_process() is None, strike.place

    assert struck > 0.9 * PLACES

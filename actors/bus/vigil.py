"""Vigil: what tells the subscribers of a bus that it is gone, and that nobody starts it again.

It waits for the end of the bus, so a message costs nothing for it, nor does a subscriber that waits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from actors.bus.box import StreamBox

if TYPE_CHECKING:
    from actors.bus.ledger import Ledger
    from actors.ref import ActorRef
    from actors.system import ActorSystem


def begin_vigil(ledger: Ledger, bus: ActorRef, system: ActorSystem) -> None:
    """Have those who wait for messages told when *bus* has ended, and no other came for as long as they wait."""
    ledger.end_vigil()
    ledger.bus, ledger.vigil = bus, trio.CancelScope()
    for box in _boxes(ledger):
        box.gone_since = None
    system.context.run(system.start_soon, _keep_vigil, ledger, bus, ledger.vigil)


async def _keep_vigil(ledger: Ledger, bus: ActorRef, vigil: trio.CancelScope) -> None:
    """Wait, but no longer than for the next bus or the end of the system, which waits for this."""
    with vigil:
        await bus.wait()
        since = trio.current_time()
        for patience in sorted({box.patience for box in _boxes(ledger)}):
            await trio.sleep_until(since + patience)
            if ledger.bus is not bus:
                return
            for box in _boxes(ledger):
                if box.patience == patience:
                    box.miss_bus(since)


def _boxes(ledger: Ledger) -> list[StreamBox]:
    return [box for box in ledger.boxes.values() if isinstance(box, StreamBox)]

"""Launching: running a supervision tree as a program, until it is asked to stop."""

from __future__ import annotations

import signal
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

import attrs
import outcome
import trio

from actors import SHUTDOWN, ActorExitedError, NoProcessError, is_clean, open_system
from supervision.errors import TreeGaveUpError
from supervision.supervisor import Supervisor

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from actors import ActorSystem, ExitReason
    from supervision.spec import TreeSource


def launch(tree: TreeSource, *, name: str | None = None) -> None:
    """Run *tree* under a supervisor of its own, called *name*, until it ends or is asked to stop.

    Blocks, and runs trio; call it from the main thread. SIGINT (Ctrl-C) or SIGTERM stops the tree in order, the
    newest child first, each within its own time; one that comes while the tree starts waits until it is up. A
    second one stops waiting: everything that still runs is killed.

    Returns when the tree was asked to stop and did, or ended by its auto_shutdown: the program goes on, and its exit
    status is 0. Raises `TreeGaveUpError` when the tree gave up, and what kept it from starting, such as
    `ChildStartError`; uncaught, that makes the exit status 1. After a second signal it raises ``SystemExit`` with the
    status that shells give to a program that died of the signal: 130 for SIGINT, 143 for SIGTERM.
    """
    trio.run(_launch, tree, name)


@attrs.define
class Launched:
    """What became of a launched tree."""

    stop: trio.CancelScope = attrs.field(factory=trio.CancelScope)
    """Cancelled when it is asked to stop."""
    killed_by: signal.Signals | None = None
    """The signal that made it stop waiting."""
    gave_up: bool = False


class Tree(Supervisor):
    """The supervisor at the top of a program; it notes whether it gave up."""

    def __init__(self, spec: TreeSource, launched: Launched) -> None:
        super().__init__(spec)
        self._launched = launched

    async def terminate(self, reason: ExitReason) -> None:
        """Stop the children as every supervisor does."""
        self._launched.gave_up = self.ended_by == "intensity"
        await super().terminate(reason)


async def _launch(tree: TreeSource, name: str | None) -> None:
    launched = Launched()
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async with trio.open_nursery() as nursery:
            ended = await outcome.acapture(_run, tree, name, launched, signals, nursery)
            nursery.cancel_scope.cancel()
    if launched.killed_by is not None:
        raise SystemExit(128 + launched.killed_by)
    ended.unwrap()


async def _run(
    tree: TreeSource,
    name: str | None,
    launched: Launched,
    signals: AsyncIterator[int],
    nursery: trio.Nursery,
) -> None:
    """Run the tree in a system of its own, and stop it in order when that is asked for."""
    async with open_system() as system:
        nursery.start_soon(_obey, signals, launched, system)
        top = await system.start(Tree, tree, launched, name=name)
        with launched.stop:
            reason = await top.wait()
            if launched.gave_up or not is_clean(reason):
                raise TreeGaveUpError(f"the tree {top} gave up: {reason}", reason)
        # Before the system closes: until it is their turn, children that fail are still restarted.
        with suppress(NoProcessError, ActorExitedError):
            await top.stop(SHUTDOWN)


async def _obey(signals: AsyncIterator[int], launched: Launched, system: ActorSystem) -> None:
    """Stop the tree at the first signal, and stop waiting for it at the second."""
    async for number in signals:
        asked_by = signal.Signals(number)
        if not launched.stop.cancel_called:
            _say(f"{asked_by.name}: stopping; once more, and what still runs is killed")
            launched.stop.cancel()
            continue
        running = len(system.processes) - 1
        _say(f"{asked_by.name} again: no longer waiting, killing {running} actors")
        launched.killed_by = asked_by
        system.kill_all()
        return


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()

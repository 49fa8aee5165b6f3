"""Launching: running a supervision tree as a program, until it is asked to stop."""

from __future__ import annotations

import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import outcome
import trio

from actors import SHUTDOWN, ActorExitedError, NoProcessError, is_clean, open_system
from actors.options import check_seconds
from actors.shell import serve_node
from supervision.configuration import configured_services
from supervision.errors import TreeGaveUpError
from supervision.spec import with_first
from supervision.stop_signals import open_stop_signals
from supervision.supervisor import Supervisor
from supervision.zombies import abandon, say, wait_for_zombies

if TYPE_CHECKING:
    import os

    from actors import ActorSystem, ExitReason
    from actors.shell import Node
    from supervision.configuration import Configuration
    from supervision.spec import TreeSource
    from supervision.stop_signals import StopSignals


def launch(
    tree: TreeSource,
    *,
    name: str | None = None,
    listen: bool = True,
    zombie_seconds: float = 10.0,
    config: Configuration | str | os.PathLike[str] | None = None,
) -> None:
    """Run *tree* under a supervisor of its own, called *name*, until it ends or is asked to stop.

    Blocks, and runs trio; call it from the main thread. SIGINT (Ctrl-C) or SIGTERM stops the tree in order, the
    newest child first, each within its own time; one that comes while the tree starts waits until it is up. A
    second one stops waiting: everything that still runs is killed. One that finds the node blocked by a callback since
    another came, a second or longer ago, is Ctrl-C to that callback.

    Returns when the tree was asked to stop and did, or ended by its auto_shutdown: the program goes on, and its exit
    status is 0. Raises `TreeGaveUpError` when the tree gave up, and what kept it from starting, such as
    `ChildStartError`; uncaught, that makes the exit status 1. After a second signal it raises ``SystemExit`` with the
    status that shells give to a program that died of the signal: 130 for SIGINT, 143 for SIGTERM.

    Once the tree has ended, zombies are waited for: actors that were killed and still run. They are named, in the log
    and on stderr. If one is still there after *zombie_seconds*, or at the next signal, the program ends at once with
    status 70: logs and streams are flushed, and nothing else of it is run.

    The commands `actors ps` and `actors stats` can look at the tree while it runs, as the node *name* (default: the
    program's), unless *listen* is false.

    With *config*, a configuration or its file, the services that it describes are the first child of the tree, called
    ``services``. Raises `actors.config.ConfigError` before anything is started.
    """
    if config is not None:
        tree = with_first(configured_services(config), tree)
    trio.run(_launch, Launched(tree, name, listen, zombie_seconds))


@attrs.define
class Launched:
    """A tree that is launched: how it is to be run, and what became of it."""

    tree: TreeSource
    name: str | None
    listen: bool
    zombie_seconds: float = attrs.field()
    stop: trio.CancelScope = attrs.field(factory=trio.CancelScope)
    """Cancelled when it is asked to stop."""
    killed_by: signal.Signals | None = None
    """The signal that made it stop waiting."""
    gave_up_at: str = ""
    node: Node | None = None
    """Its socket, if it has one."""

    @zombie_seconds.validator
    def _check(self, _: object, seconds: float) -> None:
        check_seconds("zombie_seconds", seconds)

    @property
    def node_name(self) -> str:
        """What the node is called: as the tree, or else as the program."""
        if self.name is not None:
            return self.name
        path = Path(sys.argv[0])
        return path.parent.name if path.stem == "__main__" else path.stem


class Tree(Supervisor):
    """The supervisor at the top of a program; it notes whether it gave up."""

    def __init__(self, spec: TreeSource, launched: Launched) -> None:
        super().__init__(spec)
        self._launched = launched

    async def terminate(self, reason: ExitReason) -> None:
        """Stop the children as every supervisor does."""
        self._launched.gave_up_at = self.gave_up_at
        await super().terminate(reason)


async def _launch(launched: Launched) -> None:
    with open_stop_signals() as signals:
        async with trio.open_nursery() as nursery:
            ended = await outcome.acapture(_run, launched, signals, nursery)
            nursery.cancel_scope.cancel()
    killed_by = launched.killed_by or signals.struck
    if killed_by is not None:
        raise SystemExit(128 + killed_by)
    ended.unwrap()


async def _run(launched: Launched, signals: StopSignals, nursery: trio.Nursery) -> None:
    """Run the tree in a system of its own, and stop it in order when that is asked for.

    What watches over the system runs in *nursery*, beside it, and so until it is closed.
    """
    async with open_system() as system:
        if launched.listen:
            launched.node = await nursery.start(serve_node, system, launched.node_name)
        nursery.start_soon(_obey, signals, launched, system)
        nursery.start_soon(_outlive_zombies, launched, system)
        top = await system.start(Tree, launched.tree, launched, name=launched.name)
        with launched.stop:
            reason = await top.wait()
            if launched.gave_up_at or not is_clean(reason):
                limit = f", at {launched.gave_up_at}" if launched.gave_up_at else ""
                raise TreeGaveUpError(f"the tree {top} gave up: {reason}{limit}", reason)
        # Before the system closes: until it is their turn, children that fail are still restarted.
        with suppress(NoProcessError, ActorExitedError):
            await top.stop(SHUTDOWN)


async def _obey(signals: StopSignals, launched: Launched, system: ActorSystem) -> None:
    """Stop the tree at the first signal, stop waiting for it at the second, and for zombies at the next."""
    async for number in signals:
        asked_by = signal.Signals(number)
        if system.stopped.is_set() and system.zombies:
            say(f"{asked_by.name}: no longer waiting for zombies")
            _abandon(launched)
        elif not launched.stop.cancel_called:
            say(f"{asked_by.name}: stopping; once more, and what still runs is killed")
            launched.stop.cancel()
        elif launched.killed_by is None:
            say(f"{asked_by.name} again: no longer waiting, killing {still_running(system)} actors")
            launched.killed_by = asked_by
            system.kill_all()


def still_running(system: ActorSystem) -> int:
    """Return how many actors there are besides the root, which is gone as well once the system has ended."""
    return max(len(system.processes) - 1, 0)


async def _outlive_zombies(launched: Launched, system: ActorSystem) -> None:
    await system.stopped.wait()
    if await wait_for_zombies(system, launched.zombie_seconds):
        _abandon(launched)


def _abandon(launched: Launched) -> None:
    if launched.node is not None:
        launched.node.remove()
    abandon()

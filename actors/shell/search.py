"""Whom a request means: an actor by its name, by what its supervisor calls it, or by its number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import trio

from actors.shell.errors import CommandError, FrameError
from actors.snapshot import Snapshot

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from actors.process import Process
    from actors.system import ActorSystem

LONGEST_NUMBER: Final = 20


def found(snapshot: Snapshot, arguments: Mapping[str, Any], into: list[Process]) -> Iterator[None]:
    """Put whoever the arguments ``name`` or ``id`` mean *into* a list; zombies too. Each step is a slice at most.

    A name of ``#`` and digits is a number, if somebody has that.

    Raises `FrameError` if neither is there.
    """
    name, number = arguments.get("name"), arguments.get("id")
    if isinstance(name, str) and name[:1] == "#" and name[1:].isdecimal() and len(name) < LONGEST_NUMBER:
        # An actor may be named so, too, which is meant where nobody has the number.
        into += snapshot.find(int(name[1:])) or (yield from snapshot.search(name))
    elif isinstance(name, str):
        into += yield from snapshot.search(name)
    elif isinstance(number, int):
        into += snapshot.find(number)
    else:
        raise FrameError("an actor needs a name or an id", "malformed")


async def find_one(system: ActorSystem, arguments: Mapping[str, Any]) -> Process:
    """Return the one living actor that the arguments ``name`` or ``id`` mean.

    Waits only so that others have their turn. Raises `CommandError` with the code ``no_actor``, or ``several``.
    """
    snapshot = Snapshot(system)
    processes: list[Process] = []
    for _ in found(snapshot, arguments, processes):
        await trio.lowlevel.checkpoint()
    living = [process for process in processes if process.reason is None]
    wanted = arguments["name"] if isinstance(arguments.get("name"), str) else f"#{arguments['id']}"
    if not living:
        what = "is a zombie: it was killed, and nothing reaches it" if processes else "is no actor of this node"
        raise CommandError(f"{wanted} {what}", "zombie" if processes else "no_actor")
    if len(living) > 1:
        numbers = ", ".join(f"#{process.id}" for process in living[:10])
        raise CommandError(f"{len(living)} actors are called {wanted!r}; say which: {numbers}", "several")
    return living[0]

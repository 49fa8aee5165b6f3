"""Offers: the commands that actors answer themselves (`actors.inspect.Commands`), found when they are asked for."""

from __future__ import annotations

from inspect import getdoc
from typing import TYPE_CHECKING, Any

import trio

from actors.shell.errors import CommandError
from actors.shell.search import find_one
from actors.snapshot import SEARCHED_AT_ONCE, Snapshot

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping

    from actors.inspect import Command
    from actors.process import Process
    from actors.shell.node import Node
    from actors.system import ActorSystem


async def find_offer(system: ActorSystem, word: str, actor: object) -> Command:
    """Return the command *word* of the one actor that offers it, or of *actor*: its name, or its number.

    Raises `CommandError` if nobody offers it, or several do and it is not said whose is meant.
    """
    offering = [process async for process in _offering(system, word)]
    if actor is not None:
        wanted = await find_one(system, {"name": actor, "id": actor})
        offering = [process for process in offering if process is wanted]
    if not offering:
        whose = "is offered by no actor here" if actor is None else f"is not offered by {actor}"
        raise CommandError(f"the command {word!r} {whose}", "unknown")
    if len(offering) > 1:
        names = ", ".join(Snapshot(system).label(process) for process in offering[:10])
        raise CommandError(f"{len(offering)} actors offer {word!r}; say whose: {names}", "several")
    return Snapshot(system).commands_of(offering[0])[word]


async def _offering(system: ActorSystem, word: str) -> AsyncIterator[Process]:
    snapshot = Snapshot(system)
    for place, process in enumerate(snapshot.everybody()):
        if word in snapshot.commands_of(process):
            yield process
        if place % SEARCHED_AT_ONCE == SEARCHED_AT_ONCE - 1:
            await trio.lowlevel.checkpoint()


def offers(node: Node, _: Mapping[str, Any]) -> Iterator[Any]:
    """Yield a row for each command that an actor offers."""
    snapshot = Snapshot(node.system)
    for process in snapshot.everybody():
        yield None
        for word, command in snapshot.commands_of(process).items():
            summary = (getdoc(command) or "").partition("\n")[0]
            yield {"command": word, "actor": snapshot.label(process), "id": process.id, "shows": summary}

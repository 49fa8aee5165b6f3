"""Messages to an actor from a command line: called, cast or sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from actors.actor import Actor
from actors.shell.errors import CommandError
from actors.shell.messages import message_from
from actors.shell.plain import plain
from actors.shell.search import find_one
from actors.shell.seconds import seconds_in
from actors.show import shown

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from actors.process import Process
    from actors.shell.node import Node


async def message(node: Node, arguments: Mapping[str, Any]) -> AsyncIterator[dict[str, Any] | None]:
    """Give an actor a message, by ``call``, ``cast`` or ``send``; yield a row with the reply if it was called."""
    process = await find_one(node.system, arguments)
    _check_handler(process, arguments.get("how"))
    made = message_from(arguments.get("message"), type(process.actor))
    ref = process.ref
    row = {"actor": str(ref), "message": shown(made)}
    match arguments.get("how"):
        case "cast":
            ref.cast(made)
            yield row
        case "send":
            ref.send(made)
            yield row
        case "call":
            yield None
            reply = await ref.call(made, timeout=seconds_in(arguments))
            yield row | {"reply": shown(reply), "value": plain(reply)}
        case other:
            raise CommandError(f"a message is given by call, cast or send, not by {shown(other)}", "message")


def _check_handler(process: Process, how: object) -> None:
    """Refuse a message that would crash its receiver, whose class does not handle any of its kind."""
    name = {"call": "handle_call", "cast": "handle_cast"}.get(str(how))
    kind = type(process.actor)
    if name is not None and getattr(kind, name) is getattr(Actor, name):
        raise CommandError(f"{process.ref} has no {name}: its class, {kind.__name__}, defines none", "message")

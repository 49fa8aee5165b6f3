"""Messages to an actor from a command line: called, cast or sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from actors.shell.errors import CommandError
from actors.shell.messages import message_from
from actors.shell.plain import plain
from actors.shell.search import find_one
from actors.shell.seconds import seconds_in
from actors.show import shown

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from actors.shell.node import Node


async def message(node: Node, arguments: Mapping[str, Any]) -> AsyncIterator[dict[str, Any] | None]:
    """Give an actor a message, by ``call``, ``cast`` or ``send``; yield a row with the reply if it was called."""
    process = await find_one(node.system, arguments)
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

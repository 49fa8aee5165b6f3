"""The dead letters of a node: listed, looked at, sent again, or thrown away. Each is known by its number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from actors.errors import NoProcessError
from actors.shell.errors import CommandError
from actors.shell.plain import plain
from actors.shell.search import find_one
from actors.show import shown
from actors.snapshot import printable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping

    from actors.dead_letters import DeadLetter
    from actors.shell.node import Node


def listed(node: Node, arguments: Mapping[str, Any]) -> Iterator[dict[str, Any] | None]:
    """Yield a row for each letter that is kept, the oldest first; with its message, for the one of ``number``."""
    now = node.system.timers.now()
    wanted = arguments.get("number")
    letters = [_letter(node, wanted)] if wanted is not None else node.system.dead_letters
    for letter in letters:
        row = {
            "number": letter.number,
            "seconds_ago": max(0.0, now - letter.time),
            "kind": letter.kind,
            "message": type(letter.message).__name__,
            "target": printable(str(letter.target)),
            "sender": None if letter.sender is None else printable(str(letter.sender)),
            "reason": printable(str(letter.reason)),
        }
        yield row if wanted is None else row | {"text": shown(letter.message), "value": plain(letter.message)}


async def replay(node: Node, arguments: Mapping[str, Any]) -> AsyncIterator[dict[str, Any]]:
    """Send the letter of ``number`` again, or all that are kept, to whoever has the name now, or to ``to``."""
    to = None
    if arguments.get("to") is not None:
        to = (await find_one(node.system, {"name": arguments["to"]})).ref
    for letter in _chosen(node, arguments):
        try:
            node.system.dead_letters.replay(letter, to)
        except NoProcessError as error:
            if arguments.get("number") is not None:
                raise CommandError(f"letter {letter.number}: {error}", "no_receiver") from None
            yield {"number": letter.number, "did": f"is still there: {error}", "done": False}
        except LookupError:
            continue  # a full mailbox made letters meanwhile, and there was no room for this one
        else:
            yield {"number": letter.number, "did": f"was sent to {to or letter.target.successor()}", "done": True}


def discard(node: Node, arguments: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Throw away the letter of ``number``, or all that are kept."""
    for letter in _chosen(node, arguments):
        try:
            node.system.dead_letters.discard(letter)
        except LookupError:
            continue
        yield {"number": letter.number, "did": "was discarded", "done": True}


def _chosen(node: Node, arguments: Mapping[str, Any]) -> list[DeadLetter]:
    number = arguments.get("number")
    if number is None and arguments.get("all") is not True:
        raise CommandError("say which letter is meant, by its number, or that all are")
    return list(node.system.dead_letters) if number is None else [_letter(node, number)]


def _letter(node: Node, number: object) -> DeadLetter:
    for letter in node.system.dead_letters:
        if letter.number == number:
            return letter
    kept = len(node.system.dead_letters)
    raise CommandError(
        f"no dead letter {shown(number)} is kept; there are {kept} of {node.system.dead_letters.count}", "no_letter"
    )

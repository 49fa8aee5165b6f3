"""What a command line does to one actor: look at its state and change it, hold it still, end it, restart it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import trio

from actors import inspect
from actors.errors import ActorExitedError
from actors.exit import SHUTDOWN
from actors.inspect import Restarting
from actors.shell.errors import CommandError
from actors.shell.messages import message_from
from actors.shell.plain import plain
from actors.shell.search import find_one
from actors.shell.seconds import seconds_in
from actors.show import shown
from actors.snapshot import Snapshot, doing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from actors.process import Process
    from actors.ref import ActorRef
    from actors.shell.node import Node

Row = dict[str, Any]


async def state(node: Node, arguments: Mapping[str, Any]) -> AsyncIterator[Row]:
    """Yield the state of an actor, as its `format_status` shows it, after the attributes in ``set`` were given it."""
    process = await find_one(node.system, arguments)
    timeout = seconds_in(arguments)
    changes = arguments.get("set") or {}
    if not isinstance(changes, dict):
        raise CommandError("what is to be set is no mapping by names")
    if changes:
        new = {str(name): message_from(tree, type(process.actor)) for name, tree in changes.items()}
        await inspect.replace_state(process.ref, lambda old: _changed(old, new, process.ref), timeout=timeout)
    status = await inspect.get_status(process.ref, timeout=timeout)
    yield {
        "actor": str(process.ref),
        "class": process.kind,
        "state": plain(status.state),
        "last_message": None if status.message is None else shown(status.message),
        "doing": doing(process)[0],
    }


def _changed(old: Any, new: dict[str, Any], ref: ActorRef) -> Any:
    if not isinstance(old, dict):
        raise CommandError(f"the state of {ref} is a {type(old).__name__}; only attributes can be set by name")
    unknown = [name for name in new if name not in old]
    if unknown:
        raise CommandError(f"the state of {ref} has no {unknown[0]!r}; there are {', '.join(map(str, old)) or 'none'}")
    return old | new


async def suspend(node: Node, arguments: Mapping[str, Any]) -> AsyncIterator[Row]:
    """Have an actor handle no more messages."""
    process = await find_one(node.system, arguments)
    await inspect.suspend(process.ref, timeout=seconds_in(arguments))
    yield _row(process, "is suspended")


async def resume(node: Node, arguments: Mapping[str, Any]) -> AsyncIterator[Row]:
    """Let a suspended actor go on."""
    process = await find_one(node.system, arguments)
    was = process.suspended
    await inspect.resume(process.ref, timeout=seconds_in(arguments))
    yield _row(process, "goes on" if was else "was not suspended")


async def stop(node: Node, arguments: Mapping[str, Any]) -> AsyncIterator[Row]:
    """Have an actor exit as when it is shut down, once it has handled what waits."""
    process = await find_one(node.system, arguments)
    timeout = seconds_in(arguments)
    try:
        await process.ref.stop(SHUTDOWN, timeout=timeout)
    except TimeoutError:
        raise CommandError(f"{process.ref} did not stop within {timeout:g} s, and goes on stopping", "slow") from None
    except ActorExitedError as error:
        yield _row(process, f"exited: {error.reason}")
        return
    yield _row(process, "has stopped")


async def kill(node: Node, arguments: Mapping[str, Any]) -> AsyncIterator[Row]:
    """Kill an actor; `terminate` does not run."""
    process = await find_one(node.system, arguments)
    process.ref.kill()
    with trio.move_on_after(seconds_in(arguments)):
        await process.wait()
    if process.reason is None:
        raise CommandError(f"{process.ref} was killed, and has not ended yet", "slow")
    zombie = process in node.system.zombies
    yield _row(process, "was killed, and is a zombie: it still runs" if zombie else "was killed")


async def restart(node: Node, arguments: Mapping[str, Any]) -> AsyncIterator[Row]:
    """Have the supervisor of an actor stop it and start it again, which counts as no failure.

    Both are asked for at once, so that nothing that becomes of the client leaves it stopped.
    """
    process = await find_one(node.system, arguments)
    timeout = seconds_in(arguments)
    parent = process.parent
    child = None if parent is None else Snapshot(node.system).child_of(parent, process)
    if child is None or parent is None or not isinstance(parent.actor, Restarting):
        raise CommandError(f"{process.ref} has no supervisor, so nobody would start it again")
    requests = parent.actor.restart_requests(process.ref)
    if not requests:
        raise CommandError(
            f"{parent.ref} restarts {child.id!r} only if it fails: kill it, and it is restarted as its spec says"
        )
    answers = [parent.ref.send_request(request) for request in requests]
    result = None
    with trio.move_on_after(timeout) as scope:
        for answer in answers:
            result = await answer.wait(None)
    if scope.cancelled_caught:
        raise CommandError(f"{process.ref} was not restarted within {timeout:g} s; {parent.ref} goes on", "slow")
    yield _row(process, f"was restarted, as {result}") | {"now": getattr(result, "id", None)}


def _row(process: Process, text: str) -> Row:
    return {
        "actor": str(process.ref),
        "id": process.id,
        "name": process.name,
        "did": text,
        "label": Snapshot(process.system).label(process) if process.reason is None else process.name or process.kind,
    }

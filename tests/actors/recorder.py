"""Recorder: an actor that notes what it is given, or does what a test says."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from trio.testing import wait_all_tasks_blocked

from actors import Actor, ActorRef, Mailbox, resume

if TYPE_CHECKING:
    from collections.abc import Callable

    from actors import Caller

ROOM = 6
"""The bound of the bounded mailboxes in `KINDS_OF_MAILBOX`."""

KINDS_OF_MAILBOX = {
    "unbounded": Mailbox(),
    "priority": Mailbox(priority=True),
    "reject": Mailbox(max_messages=ROOM, overflow="reject"),
    "drop_newest": Mailbox(max_messages=ROOM, overflow="drop_newest"),
    "drop_oldest": Mailbox(max_messages=ROOM, overflow="drop_oldest"),
    "wait": Mailbox(max_messages=ROOM, overflow="wait"),
    "reject with priorities": Mailbox(max_messages=ROOM, overflow="reject", priority=True),
    "drop_newest with priorities": Mailbox(max_messages=ROOM, overflow="drop_newest", priority=True),
    "drop_oldest with priorities": Mailbox(max_messages=ROOM, overflow="drop_oldest", priority=True),
    "wait with priorities": Mailbox(max_messages=ROOM, overflow="wait", priority=True),
}


class Recorder(Actor):
    """Appends to *log* what it is cast, sent and called with; of a function it is the result that it returns."""

    def __init__(self, log: list[Any], *, trap_exit: bool = False) -> None:
        self.log = log
        self.trap_exit = trap_exit

    def _take(self, message: Any) -> Any:
        if inspect.isfunction(message):
            return message(self)
        return self.log.append(message)

    def handle_cast(self, message: Any) -> Any:
        return self._take(message)

    def handle_info(self, message: Any) -> Any:
        return self._take(message)

    def handle_call(self, message: Any, caller: Caller) -> Any:
        return self._take(message)

    def handle_continue(self, argument: Any) -> None:
        self.log.append(argument)


class Gated(Recorder):
    """Sets aside all but functions until it is opened, with the function `open_up`."""

    opened = False

    def _take(self, message: Any) -> Any:
        if self.opened or inspect.isfunction(message):
            return super()._take(message)
        return self.stash()


def open_up(gated: Gated) -> None:
    """Have *gated* handle what it set aside, and set nothing more aside."""
    gated.opened = True
    gated.unstash()


async def drained(ref: ActorRef) -> None:
    """Wait until the actor, which may be suspended, has nothing to do any more."""
    await resume(ref)
    await wait_all_tasks_blocked()


async def does(actor: ActorRef, act: Callable[[Any], Any]) -> Any:
    """Have the probe or recorder *actor* do something, as itself."""
    return await actor.call(act, timeout=None)

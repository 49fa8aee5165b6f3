"""Dead letters: messages that nobody will handle."""

from __future__ import annotations

import math
from collections import deque
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import attrs
import trio

from actors.caller import Caller
from actors.errors import NoProcessError
from actors.exit import NOPROC, ExitReason
from actors.message import Alarm, Cast, Continuation, Down, Exit, Info, Order, Startup, Timeout

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from actors.process import Process
    from actors.ref import ActorRef, NameRef

NEWS: Final = frozenset({Down, Exit, Timeout})
ERRANDS: Final = frozenset({Alarm, Continuation, Order, Startup})
"""What only the process that is dead would have cared for."""

ENVELOPES: Final = ERRANDS | {Caller, Cast, Info}
NOTHING: Final = object()

KEPT: Final = 1000
"""So many are kept to be looked at; all are counted."""


@attrs.frozen
class DeadLetter:
    """A message that was sent and will not be handled."""

    message: object
    target: ActorRef | NameRef
    reason: ExitReason
    """How the target ended; noproc if there was none under its name."""
    time: float
    """When it was given up, on trio's clock; infinity if trio did not run any more."""


class DeadLetters:
    """The latest dead letters of a system, oldest first, and how many there were."""

    def __init__(self) -> None:
        self._kept: deque[DeadLetter] = deque(maxlen=KEPT)
        self.count = 0

    def __repr__(self) -> str:
        return f"<DeadLetters: {self.count}, {len(self._kept)} kept>"

    def __iter__(self) -> Iterator[DeadLetter]:
        return iter(tuple(self._kept))

    def __len__(self) -> int:
        return len(self._kept)

    def bury(self, item: object, process: Process) -> None:
        """Take what came to the mailbox of a dead process; a call fails at once."""
        if type(item) is Caller:
            item.refuse(NoProcessError(f"{process.ref} is dead: {process.reason}"))
        else:
            self.bury_all((item,), process)

    def bury_all(self, items: Collection[object], process: Process) -> None:
        """Take what a process left unread; its callers were told of its end."""
        # Nearly always all are plain casts, perhaps a million: looked through without a step of Python for each.
        if not ENVELOPES.isdisjoint(map(type, items)):
            items = [message for message in map(_message_of, items) if message is not NOTHING]
        assert process.reason is not None
        self._keep(items, process.ref, process.reason)

    def bury_unaddressed(self, message: object, target: NameRef) -> None:
        """Take a message for a name that nobody has."""
        self._keep((message,), target, NOPROC)

    def _keep(self, messages: Collection[object], target: ActorRef | NameRef, reason: ExitReason) -> None:
        self.count += len(messages)
        now = trio.current_time() if trio.lowlevel.in_trio_run() else math.inf
        for message in islice(messages, max(0, len(messages) - KEPT), None):
            self._kept.append(DeadLetter(message, target, reason, now))


def _message_of(item: Any) -> object:
    """Return what a handler would have been given, or `NOTHING` if nobody else cares for it."""
    kind = type(item)
    if kind is Cast:
        return item.message
    if kind is Info:
        return NOTHING if type(item.message) in NEWS else item.message
    return NOTHING if kind is Caller or kind in ERRANDS else item

# ruff: noqa: SLF001 -- whether an actor is behind is asked for every change
"""ActorWatch: the changes of some keys, sent to an actor."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

import attrs

from actors.errors import MailboxFullError
from actors.shared_memory.interest import Interest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from actors.ref import ActorRef
    from actors.shared_memory.entry import Entry, Tombstone
    from actors.shared_memory.key import Namespace


@attrs.frozen
class ChangesMissed:
    """So many changes were dropped since the last that the actor was sent; sent to it before the next."""

    namespace: Namespace
    scope: str
    pattern: str
    """As it was given; empty for all keys."""
    count: int


class ActorWatch(Interest):
    """What an actor is sent of the changes of some keys. Made by `SharedMemoryClient.watch_actor`.

    It ends when it is closed, and with the actor.
    """

    def __init__(self, owner: ActorRef, *place: Any, **terms: Any) -> None:
        super().__init__(*place, **terms)
        self.owner: ActorRef = owner
        self._process: Any = owner._process
        self._gap = 0
        self._waiting: deque[Entry | Tombstone] = deque()
        """What has changed while initial values were gathered."""

    def _forget(self) -> None:
        self._waiting.clear()

    def _take_initial(self, values: Sequence[Entry]) -> None:
        for value in values:
            self._send_or_drop(value)

    def _take(self, change: Entry | Tombstone) -> None:
        if self._process.reason is not None:
            self.close()
        elif self._view is not None:
            self._waiting.append(change)
        elif len(self._process.mailbox) >= self.buffer:
            self._drop()
        else:
            self._send_or_drop(change)

    def _begun(self) -> None:
        while self._waiting and not self.closed:
            self._send_or_drop(self._waiting.popleft())

    def _send_or_drop(self, change: Entry | Tombstone) -> None:
        if not self._send(change):
            self._drop()

    def _drop(self) -> None:
        self.dropped += 1
        self._gap += 1

    def _send(self, change: Entry | Tombstone) -> bool:
        """Send *change*, and before it how many were dropped; tell whether there was room."""
        try:
            if self._gap:
                pattern = "" if self.pattern is None else self.pattern.text
                self.owner.send(ChangesMissed(self.namespace, self.scope, pattern, self._gap))
                self._gap = 0
            self.owner.send(change.opened())
        except MailboxFullError:
            return False
        return True

"""What a process that ends has not handled, and who had sent it."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Final

import attrs

from actors.ruled import RuledQueue

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from actors.process import Process


@attrs.frozen
class Unread:
    """Messages nobody has handled, in their order."""

    items: Collection[Any]
    sender_of: Callable[[int], Process | None]
    """Tells who sent the item at that place, counted from 0."""

    def __len__(self) -> int:
        return len(self.items)

    @classmethod
    def of_pairs(cls, pairs: list[tuple[Any, Process | None]]) -> Unread:
        """Make one of items with their senders."""
        return cls([item for item, _ in pairs], lambda place: pairs[place][1])

    @classmethod
    def of(cls, process: Process) -> Unread:
        """Take all that waits for *process*: what it had set aside, then its mailbox.

        A plain mailbox, of perhaps a million messages, is not looked through.
        """
        queue = process.mailbox
        if type(queue) is deque and not process.stash:
            if not queue:
                return NONE
            first, last, senders = process.taken, process.sender, process.senders
            return cls(queue, lambda place: last if senders is None else senders.of(first + place))
        held = queue.close() if isinstance(queue, RuledQueue) else []
        return cls.of_pairs([*process.pairs(), *held])


NONE: Final = Unread((), lambda _place: None)

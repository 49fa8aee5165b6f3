"""The mailbox in front of an actor: what rules it may have, and what the runtime asks of any.

Without rules it is a plain `collections.deque`: nothing is cheaper. A `RuledQueue` has priorities, a bound, or both.
A dead process has a `DeadQueue`, so that no sender needs to ask whether its target is alive.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, Protocol, get_args

import attrs

from actors.overflow import Overflow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from actors.process import Process


@attrs.frozen(kw_only=True)
class Mailbox:
    """The rules of a mailbox: how many messages it holds, what then, in which order, and what outlives a crash.

    Only casts, infos and calls count, those set aside with `Actor.stash` too. `Down`, `Exit`, `Timeout` and orders
    to stop always find room.
    """

    max_messages: int = 0
    """So many messages may wait; 0 means any number."""
    overflow: Overflow = "reject"
    """What happens to a message for a full one.

    ``reject``: `cast`, `send` and `call` raise `MailboxFullError`. ``drop_newest``, ``drop_oldest``: it, or the message
    that has waited longest, of the least urgent if there are priorities, becomes a dead letter; a call that is dropped
    raises `MailboxFullError`. What was set aside once is not dropped. ``wait``: `call` and `cast_wait` wait for room;
    `cast`, `send`, `deliver` and `send_request`, which cannot, raise `MailboxFullError`.

    What a timer or another thread sends becomes a dead letter where others would be refused.
    """
    priority: bool = False
    """Whether messages of a higher `Priority` are handled first; those of one priority in the order they came.

    What the runtime sends is of normal priority. An order to stop comes after everything that was sent before it, and
    ahead of everything that is sent later.
    """
    keep: bool = False
    """Whether unread casts and infos go to the next incarnation when a supervisor restarts the actor.

    Its unread calls fail at once; its timers, and unread `Down`, `Exit` and `Timeout`, end with it.
    """

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.max_messages, int) or isinstance(self.max_messages, bool) or self.max_messages < 0:
            raise ValueError(f"Mailbox: max_messages is {self.max_messages!r}; allowed is an int of 0 or more")
        if self.overflow not in get_args(Overflow):
            allowed = ", ".join(get_args(Overflow))
            raise ValueError(f"Mailbox: overflow is {self.overflow!r}; allowed are {allowed}")
        if self.overflow != "reject" and not self.max_messages:
            raise ValueError(f"Mailbox: overflow is {self.overflow!r}, but without max_messages it is never full")
        for name in ("priority", "keep"):
            if not isinstance(getattr(self, name), bool):
                raise TypeError(f"Mailbox: {name} is {getattr(self, name)!r}; allowed are True and False")

    @property
    def ruled(self) -> bool:
        """Whether it takes more than a deque."""
        return self.priority or self.max_messages > 0


UNBOUNDED: Final = Mailbox()
"""Any number of messages, in the order they come."""

Rules = Mailbox | Literal["keep"]
"""What the rules of a child's mailbox may be given as; ``keep`` is what its class says, and `Mailbox.keep`."""


@attrs.frozen
class MailboxFull:
    """Why a message was dropped."""

    max_messages: int

    def __str__(self) -> str:
        return f"its mailbox was full ({self.max_messages} messages)"


class Queue(Protocol):
    """What the runtime asks of a mailbox."""

    def append(self, item: Any, /) -> None:
        """Take *item* in, behind what is there."""

    def appendleft(self, item: Any, /) -> None:
        """Take *item* in ahead of everything else: the runtime's own, and what was set aside."""

    def popleft(self) -> Any:
        """Remove the next item and return it."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[Any]: ...


class VacantQueue:
    """The mailbox of a process that nothing waits for: a place for a deque, which the first message takes there.

    An empty deque is a third of what an idle process would take in memory.
    """

    __slots__ = ("process",)

    process: Process | None
    """Whose it is, until that is dead."""

    def append(self, item: Any, /) -> None:
        """Take *item* in."""
        process = self.process
        assert process is not None, "the dead have a queue of another kind"
        process.mailbox = queue = process.system.dispatcher.lend_queue(self)
        queue.append(item)

    appendleft = append

    def popleft(self) -> Any:
        """Raise IndexError: there is nothing."""
        raise IndexError("nothing waits")

    def __len__(self) -> int:
        return 0

    def __iter__(self) -> Iterator[Any]:
        return iter(())


class DeadQueue:
    """The mailbox of a dead process: what is put in becomes a dead letter."""

    __slots__ = ("_process",)

    def __init__(self, process: Process) -> None:
        self._process = process

    def append(self, item: Any, /) -> None:
        """Give *item* to the dead letters."""
        self._process.received -= 1  # it is not received
        self._process.system.dead_letters.bury(item, self._process)

    appendleft = append

    def popleft(self) -> Any:
        """Raise IndexError: there is nothing."""
        raise IndexError(f"{self._process.ref} is dead and has no messages")

    def __len__(self) -> int:
        return 0

    def __iter__(self) -> Iterator[Any]:
        return iter(())

"""The queue in front of an actor.

A living process has a plain `collections.deque`: nothing is cheaper. A dead one has a `DeadMailbox`, so that no
sender needs to ask whether its target is alive.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

    from actors.process import Process


class Mailbox(Protocol):
    """What the runtime asks of a mailbox."""

    def append(self, item: Any, /) -> None:
        """Take *item* in, behind what is there."""

    def appendleft(self, item: Any, /) -> None:
        """Take *item* in ahead of everything else: the runtime's own."""

    def popleft(self) -> Any:
        """Remove the next item and return it."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[Any]: ...

    def __contains__(self, item: object, /) -> bool: ...


class DeadMailbox:
    """The mailbox of a dead process: what is put in becomes a dead letter."""

    __slots__ = ("_process",)

    def __init__(self, process: Process) -> None:
        self._process = process

    def append(self, item: Any, /) -> None:
        """Give *item* to the dead letters."""
        self._process.system.dead_letters.bury(item, self._process)

    appendleft = append

    def popleft(self) -> Any:
        """Raise IndexError: there is nothing."""
        msg = f"{self._process.ref} is dead and has no messages"
        raise IndexError(msg)

    def __len__(self) -> int:
        return 0

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    def __contains__(self, item: object, /) -> bool:
        return False

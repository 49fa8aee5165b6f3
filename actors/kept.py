"""Kept: the messages of a supervised actor between two of its incarnations.

The mailbox itself goes from one incarnation to the next. In between it takes in what is sent to the dead one, or to
its name, as it would have before.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from actors.asking import Asking
from actors.current import current_process
from actors.envelope import CARRIERS, ERRANDS, Tick, is_news
from actors.ruled import RuledQueue
from actors.senders import Senders
from actors.unread import Unread

if TYPE_CHECKING:
    from collections.abc import Iterator

    from actors.mailbox import Queue
    from actors.process import Process


def outlives(item: Any) -> bool:
    """Tell whether *item* is for the next incarnation too: casts and infos are, calls and timers are not."""
    return type(item) is not Asking and type(item) is not Tick and not is_news(item)


class KeptQueue:
    """The mailbox of a dead process that will have a successor."""

    __slots__ = ("_process", "queue")

    def __init__(self, process: Process, queue: Queue) -> None:
        self._process = process
        self.queue = queue

    def append(self, item: Any, *priority: Any) -> None:
        """Take in what the successor is to have; a call fails at once."""
        process = self._process
        if not outlives(item):
            process.system.dead_letters.bury(item, process)
            process.received -= 1  # it counts as a message of nobody's
            return
        self.queue.append(item, *priority)
        if not isinstance(self.queue, RuledQueue) and (sender := current_process()) is not process.sender:
            process.note_sender(sender, process.received)

    appendleft = append

    def popleft(self) -> Any:
        """Raise IndexError: the dead handle nothing."""
        raise IndexError(f"{self._process.ref} is dead")

    def __len__(self) -> int:
        return len(self.queue)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.queue)


class Kept:
    """What is kept for one child of a supervisor, which alone knows whether there will be another incarnation."""

    __slots__ = ("closed", "process")

    def __init__(self) -> None:
        self.closed = False
        """Whether the supervisor has ended."""
        self.process: Process | None = None
        """The incarnation that died last, until there is another."""

    def __repr__(self) -> str:
        waiting = 0 if self.process is None else len(self.process.mailbox)
        return f"<Kept: {waiting} messages>"

    def take(self, process: Process) -> Unread:
        """Keep what *process*, which has ended, leaves unread; return what is not kept."""
        self.process = process
        queue = process.mailbox
        rest = _sift_ruled(process, queue) if isinstance(queue, RuledQueue) else _sift_plain(process)
        # A dead process has no place to put a queue into later, as one has that nothing waits for.
        process.mailbox = KeptQueue(process, deque() if process.mailbox is process.vacant else process.mailbox)
        process.stash = None
        if process.name is not None and process.via is None:
            process.system.kept[process.name] = self
        return Unread.of_pairs(rest)

    def hand_on(self, process: Process) -> None:
        """Give *process*, which is about to start, what its predecessor left, and keep what it leaves itself."""
        process.kept = self
        if (parent := process.parent) is not None:
            if parent.keeping is None:
                parent.keeping = {}
            parent.keeping[self] = None
        last = self._let_go()
        if last is None:
            return
        queue = last.mailbox.queue if isinstance(last.mailbox, KeptQueue) else last.mailbox
        if isinstance(queue, RuledQueue) and isinstance(process.mailbox, RuledQueue):
            _hand_on_ruled(queue, process)
        elif isinstance(queue, deque) and not isinstance(process.mailbox, RuledQueue):
            _hand_on_plain(queue, last, process)
        else:
            _hand_on_by_other_rules(queue, last, process)
        last.bar_inbox()

    def give_up(self) -> None:
        """Make dead letters of what is kept: there will be no other incarnation."""
        last = self._let_go()
        if last is None or not isinstance(last.mailbox, KeptQueue):
            return
        if last.parent is not None and last.parent.keeping is not None:
            last.parent.keeping.pop(self, None)
        last.mailbox = last.mailbox.queue
        last.system.dead_letters.bury_all(last.close_inbox(), last)

    def close(self) -> None:
        """Keep nothing any more: the supervisor has ended."""
        self.closed = True
        self.give_up()

    def _let_go(self) -> Process | None:
        last, self.process = self.process, None
        if last is not None and last.name is not None and last.system.kept.get(last.name) is self:
            del last.system.kept[last.name]
        return last


def _hand_on_ruled(queue: RuledQueue, process: Process) -> None:
    assert isinstance(process.mailbox, RuledQueue)
    queue.process, queue.rules, queue.dropped = process, process.mailbox.rules, 0
    process.mailbox = queue
    process.received = len(queue)
    queue.admit()


def _hand_on_plain(queue: Queue, last: Process, process: Process) -> None:
    process.mailbox = queue
    process.received = len(queue)
    process.sender, process.senders = last.sender, last.senders
    if process.senders is not None:
        process.senders.shift(-last.taken)


def _hand_on_by_other_rules(queue: Queue, last: Process, process: Process) -> None:
    # The specification was replaced meanwhile.
    pairs = [*queue.pairs(), *queue.close()] if isinstance(queue, RuledQueue) else last.pairs()
    if isinstance(process.mailbox, RuledQueue):
        process.mailbox.take_over(pairs)
        process.received = len(process.mailbox)
    else:
        process.received = len(pairs)
        _fill(process, pairs)


def _fill(process: Process, pairs: list[tuple[Any, Process | None]]) -> None:
    process.mailbox = deque(item for item, _ in pairs)
    process.senders = Senders.of_each(process.taken, [sender for _, sender in pairs])
    process.sender = pairs[-1][1] if pairs else None


def _sift_ruled(process: Process, queue: RuledQueue) -> list[tuple[Any, Process | None]]:
    for item, sender in reversed(process.stash or ()):
        queue.appendleft(item, sender)
    return queue.sift(outlives)


def _sift_plain(process: Process) -> list[tuple[Any, Process | None]]:
    # Most often all is kept, perhaps a million messages: then without a step of Python for each.
    if not process.stash and (CARRIERS | ERRANDS).isdisjoint(map(type, process.mailbox)):
        return []
    pairs = process.pairs()
    _fill(process, [pair for pair in pairs if outlives(pair[0])])
    return [pair for pair in pairs if not outlives(pair[0])]

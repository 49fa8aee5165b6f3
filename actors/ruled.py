"""A mailbox with rules: priorities, a bound, or both."""

from __future__ import annotations

from collections import deque
from itertools import chain
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

import attrs
from trio.lowlevel import Abort, reschedule

from actors.asking import Asking
from actors.current import current_process
from actors.envelope import Order, Tick, is_news
from actors.errors import MailboxFullError
from actors.mailbox import MailboxFull
from actors.message import NORMAL_PRIORITY, Priority
from actors.overflow import fate
from actors.settlement import Delivery, Lost
from actors.statistics import SAMPLE_EVERY
from actors.woken import WOKEN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeAlias

    import trio

    from actors.mailbox import Mailbox
    from actors.process import Process

Entry: TypeAlias = "tuple[Any, Process | None, float]"
"""An item, its sender, and when it came, on the performance counter; 0.0 unless it is timed."""

LEVELS: Final = tuple(reversed(Priority))

SWEEP_ABOVE: Final = 64
"""So many may wait for room until those that wait no longer are swept out."""


@attrs.define(eq=False)
class Held:
    """A message that waits for room; its sender waits with it."""

    item: Any
    priority: Priority
    sender: Process | None
    task: trio.lowlevel.Task | None = None
    """What waits in `cast_wait`; a call waits for its answer anyway."""
    given_up: bool = False

    @property
    def wanted(self) -> bool:
        """Whether its sender still waits."""
        return not (self.given_up or (type(self.item) is Asking and self.item.answered))

    def give_up(self, _raise_cancel: object) -> Abort:
        """Send nothing: the waiting task was cancelled."""
        self.given_up = True
        self.task = None
        return Abort.SUCCEEDED

    def let_go(self) -> None:
        """Let the sender go on."""
        if self.task is not None:
            task, self.task = self.task, None
            reschedule(task, WOKEN)


class RuledQueue:
    """The messages of one actor, kept by the rules of its `Mailbox`.

    What the runtime sends is never refused, and is of normal priority. An order to stop comes after all that was sent
    before it, whatever its priority, and whatever is sent later comes after the order, so that an actor that is never
    without work stops too.
    """

    __slots__ = (
        "_after_order",
        "_counted",
        "_first",
        "_held",
        "_length",
        "_levels",
        "_ordered",
        "_sweep_at",
        "_until_sample",
        "dropped",
        "process",
        "rules",
        "sender",
    )

    def __init__(self, process: Process, rules: Mailbox) -> None:
        self.process = process
        self.rules = rules
        self.dropped = 0
        self.sender: Process | None = None
        """Who sent what was taken last."""
        self._first: deque[Entry] = deque()
        self._levels: dict[Priority, deque[Entry]] = {level: deque() for level in LEVELS}
        self._after_order: deque[tuple[Priority, Entry]] = deque()
        """What came after an order to stop, which nobody will handle here."""
        self._ordered = False
        self._held: deque[Held] = deque()
        self._sweep_at = SWEEP_ABOVE
        self._length = 0
        self._counted = 0
        """How many wait, or were set aside, that count against the bound."""
        self._until_sample = SAMPLE_EVERY

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[Any]:
        return (item for item, _, _ in self._entries())

    def _entries(self) -> Iterator[Entry]:
        """Yield what waits, in the order in which it will be handled."""
        behind = (entry for _, entry in self._after_order)
        return chain(self._first, chain.from_iterable(self._levels[level] for level in LEVELS), behind)

    def pairs(self) -> list[tuple[Any, Process | None]]:
        """Return what waits with its senders, in the order in which it will be handled."""
        return [(item, sender) for item, sender, _ in self._entries()]

    def append(self, item: Any, priority: Priority = NORMAL_PRIORITY) -> None:
        """Take *item* in behind what is as urgent as it is, or do with it what the rules say.

        Raises `MailboxFullError` before anything is done.
        """
        if type(item) is Order:
            self._enter(item, Priority.LOW, None)
            self._ordered = True
        elif is_news(item):
            self._enter(item, NORMAL_PRIORITY, None)
        elif self.full:
            self._overflow(item, priority)
        else:
            self._counted += 1
            self._enter(item, priority, current_process())

    def appendleft(self, item: Any, sender: Process | None = None) -> None:
        """Take *item* in ahead of everything else: the runtime's own, or what was set aside and counts already."""
        self._length += 1
        self._first.appendleft((item, sender, 0))

    def set_aside(self, item: Any) -> None:
        """Count *item*, which was taken, as before: it waits outside."""
        self._counted += not is_news(item)

    def popleft(self) -> Any:
        """Remove the next item and return it; whoever waits for room gets what this leaves."""
        entries = self._first or next(filter(None, self._levels.values()), self._first)
        item, self.sender, arrived = entries.popleft()
        self._length -= 1
        if arrived:
            self.process.sample_next(arrived)
        if not is_news(item):
            self._counted -= 1
            if self._held:
                self.admit()
        return item

    @property
    def full(self) -> bool:
        """Whether there is no room for another message."""
        most = self.rules.max_messages
        return 0 < most <= self._counted

    @property
    def waits(self) -> bool:
        """Whether a sender that can wait has to."""
        return self.full and self.rules.overflow == "wait"

    def hold(self, item: Any, priority: Priority, task: trio.lowlevel.Task | None) -> Held:
        """Have *item* wait for room, behind all that wait for it already."""
        if len(self._held) >= self._sweep_at:
            self._held = deque(one for one in self._held if one.wanted)
            self._sweep_at = max(SWEEP_ABOVE, 2 * len(self._held))
        held = Held(item, priority, current_process(), task)
        self._held.append(held)
        return held

    def admit(self) -> None:
        """Let in what waits for room, as far as there is room."""
        while self._held and not self.full:
            held = self._held.popleft()
            if held.wanted:
                self._counted += 1
                self._enter(held.item, held.priority, held.sender)
                self.process.received += 1
                held.let_go()

    def take_over(self, pairs: list[tuple[Any, Process | None]]) -> None:
        """Take in what waited elsewhere, with its senders, whether there is room or not."""
        for item, sender in pairs:
            self._counted += 1
            self._enter(item, NORMAL_PRIORITY, sender)

    def sift(self, kept: Callable[[Any], bool]) -> list[tuple[Any, Process | None]]:
        """Remove and return, with its sender, what is not to be *kept*; what waits for room gets what that leaves."""
        removed = []
        self._ordered = False
        while self._after_order:
            priority, entry = self._after_order.popleft()
            self._levels[priority].append(entry)
        for entries in (self._first, *self._levels.values()):
            removed += [(item, sender) for item, sender, _ in entries if not kept(item)]
            staying = [entry for entry in entries if kept(entry[0])]
            entries.clear()
            entries.extend(staying)
        removed += [(one.item, one.sender) for one in self._held if not kept(one.item)]
        self._held = deque(one for one in self._held if kept(one.item))
        self._length = len(self._first) + sum(map(len, self._levels.values()))
        self._counted = self._length  # what is kept counts, all of it
        self.admit()
        return removed

    def close(self) -> list[tuple[Any, Process | None]]:
        """Let go whoever waits for room; return what they sent, with its senders."""
        held, self._held = self._held, deque()
        for one in held:
            one.let_go()
        return [(one.item, one.sender) for one in held if one.wanted]

    def _enter(self, item: Any, priority: Priority, sender: Process | None) -> None:
        self._until_sample -= 1
        arrived = 0.0
        if self._until_sample <= 0:
            self._until_sample = SAMPLE_EVERY
            arrived = perf_counter()
        self._length += 1
        level = priority if self.rules.priority else NORMAL_PRIORITY
        if self._ordered:
            self._after_order.append((level, (item, sender, arrived)))
        else:
            self._levels[level].append((item, sender, arrived))

    def _overflow(self, item: Any, priority: Priority) -> None:
        match fate(self.rules.overflow, can_wait=type(item) is Asking and item.on_answer is None):
            case "refuse" if type(item) is not Tick:
                raise self._refusal()
            case "hold":
                self.hold(item, priority, None)
                self.process.received -= 1  # it counts from when it is let in
            case "drop_oldest" if (victim := self._remove_oldest(priority)) is not None:
                self._drop(victim[0], victim[1])
                self._enter(item, priority, current_process())
            case _:
                self._drop(item, current_process())

    def _remove_oldest(self, at_most: Priority) -> Entry | None:
        """Remove the least urgent message, of these the oldest; none that is more urgent than *at_most*.

        What was set aside once is not removed, nor anything for what came too late to be handled.
        """
        if self._ordered:
            return None
        for level in reversed(LEVELS):
            if level > at_most and self.rules.priority:
                break
            entries = self._levels[level]
            for place, entry in enumerate(entries):
                if not is_news(entry[0]):
                    del entries[place]
                    self._length -= 1
                    return entry
        return None

    def _drop(self, item: Any, sender: Process | None) -> None:
        self.dropped += 1
        refusal = self._refusal()
        if type(item) is Asking:
            item.refuse(refusal)
        elif type(item) is Delivery:
            item.settle(Lost(refusal.reason))
        else:
            self.process.system.dead_letters.bury_dropped(item, sender, refusal)

    def _refusal(self) -> MailboxFullError:
        ref, most = self.process.ref, self.rules.max_messages
        return MailboxFullError(f"the mailbox of {ref} is full ({most} messages)", ref, MailboxFull(most))

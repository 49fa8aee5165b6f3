"""Inbox: what waits for a process, who sent it, and what was set aside."""

from __future__ import annotations

import sys
from collections import deque
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

from actors.asking import Asking
from actors.envelope import Continuation, Startup
from actors.errors import NothingToStashError
from actors.kept import KeptQueue
from actors.mailbox import DeadQueue, VacantQueue
from actors.message import Priority
from actors.result import NO_REPLY
from actors.ruled import RuledQueue
from actors.senders import Senders
from actors.statistics import SAMPLE_EVERY, Samples
from actors.unread import Unread

if TYPE_CHECKING:
    from actors.caller import Caller
    from actors.exit import ExitReason
    from actors.kept import Kept
    from actors.mailbox import Mailbox, Queue
    from actors.process import Process
    from actors.ref import ActorRef

NOT_SENT: Final = frozenset({Continuation, Startup})
"""What a process is running a callback for when it handles no message."""


class Front:
    """What every message touches: the first slots of a process, so that they lie together in memory."""

    __slots__ = (
        "attention",
        "callbacks",
        "caller",
        "context",
        "dispatcher",
        "greatest",
        "handle_call",
        "handle_cast",
        "idle",
        "last_handled",
        "last_received",
        "mailbox",
        "message",
        "next_mark",
        "received",
        "running",
        "sample_at",
        "sampled",
        "sender",
        "system",
        "vacant",
    )


class Inbox(Front):
    """The part of a process that others write to.

    Messages are numbered as they come, from 0; those that wait begin with number `taken`.
    """

    __slots__ = ("aside", "kept", "returned", "samples", "senders", "stash")

    ref: ActorRef
    reason: ExitReason | None
    running: bool
    mailbox: Queue
    message: Any
    """What it handles, or handled last."""
    caller: Caller | None
    """Who called, while a call is handled within the call itself."""
    samples: Samples | None
    stash: list[tuple[Any, Process | None]] | None
    """What was set aside, with its senders."""
    aside: int | None
    """In which turn a message was set aside last."""
    returned: int
    """How many messages that were set aside have been put back."""
    sender: Process | None
    """Who sent the last message."""
    senders: Senders | None
    """Who sent those that wait, if not all are from `sender`."""
    kept: Kept | None
    """Where its unread messages go for its next incarnation."""

    @property
    def whole(self) -> Process:
        """The process that this is a part of."""
        return self  # type: ignore[return-value]

    @property
    def taken(self) -> int:
        """How many messages were taken out of the mailbox, less what was put back ahead of the others."""
        return self.received - len(self.mailbox) - getattr(self.mailbox, "dropped", 0)

    @property
    def turn(self) -> int:
        """The number of the message that is handled, or was last; unlike `taken`, it goes on when one comes again."""
        return self.taken + self.returned

    def open_inbox(self) -> None:
        """Begin, with an empty mailbox without rules."""
        self.mailbox = self.vacant = vacant = VacantQueue()
        vacant.process = self  # type: ignore[assignment]
        self.message = self.caller = None
        self.received = self.returned = self.greatest = 0
        self.aside = None
        self.last_received = self.last_handled = self.sampled = 0.0
        self.next_mark = 0
        self.sample_at = SAMPLE_EVERY
        self.samples = self.stash = self.sender = self.senders = self.kept = None

    def keep_rules(self, rules: Mailbox) -> None:
        """Have a mailbox by *rules*."""
        if rules.ruled:
            self.mailbox = RuledQueue(self.whole, rules)
            self.sample_at = sys.maxsize  # it takes samples itself

    def insert(self, item: object, priority: Priority) -> None:
        """Append *item* to the mailbox, by its *priority* if that has priorities."""
        self.check_priority(priority)
        ruled = self.mailbox.queue if isinstance(self.mailbox, KeptQueue) else self.mailbox
        if isinstance(ruled, RuledQueue):
            self.mailbox.append(item, priority)  # type: ignore[call-arg]
        else:
            self.mailbox.append(item)

    def check_priority(self, priority: object) -> None:
        """Refuse what is no `Priority`."""
        if not isinstance(priority, Priority):
            allowed = ", ".join(level.name for level in Priority)
            raise TypeError(f"the priority of a message to {self.ref} is {priority!r}; allowed is Priority: {allowed}")

    def give_queue_back(self) -> bool:
        """Give a queue that the dispatcher has lent back to it, if this is idle; tell whether it has none."""
        queue = self.mailbox
        if type(queue) is not deque:
            return True
        if queue or not self.whole.idle:
            return False  # whoever handles messages holds on to the queue
        self.mailbox = self.vacant
        self.whole.system.dispatcher.take_back(queue)
        return True

    def close_inbox(self) -> Unread:
        """Have everything that comes become a dead letter; return what waits."""
        unread = Unread.of(self.whole)
        self.bar_inbox()
        return unread

    def bar_inbox(self) -> None:
        """Have everything that comes become a dead letter; what waits is somebody else's already."""
        self.received = self.taken
        self.mailbox = DeadQueue(self.whole)
        self.vacant.process = None  # a list of the dispatcher may have it
        self.sender = self.senders = self.stash = None

    def change_sender(self, sender: Process | None) -> None:
        """Note that the message that came last is from *sender*, and not from the one before."""
        if self.reason is not None:
            return  # its `KeptQueue` does it for what it takes in
        mailbox = self.mailbox
        if type(mailbox) is deque and type(mailbox[-1]) is Asking:
            return  # it becomes no dead letter
        self.note_sender(sender, self.received - 1)

    def note_sender(self, sender: Process | None, number: int) -> None:
        """Note that *sender* sent the last of those that wait, which has this *number*."""
        # The sender of what is being handled counts too: it may be set aside.
        if len(self.mailbox) <= 1 and not self.running:
            self.senders = None
        elif not isinstance(self.mailbox, RuledQueue):
            if self.senders is None:
                self.senders = Senders(self.sender)
            self.senders.change(number, sender, self.taken)
        self.sender = sender

    def sender_of(self, number: int) -> Process | None:
        """Return who sent message *number*, counted from 0, unless it was handled long ago."""
        return self.sender if self.senders is None else self.senders.of(number)

    def pairs(self) -> list[tuple[Any, Process | None]]:
        """Return what was set aside, and what waits, with its senders."""
        aside = self.stash or []
        if isinstance(self.mailbox, RuledQueue):
            return [*aside, *self.mailbox.pairs()]
        return [*aside, *((item, self.sender_of(number)) for number, item in enumerate(self.mailbox, self.taken))]

    @property
    def current_sender(self) -> Process | None:
        """Who sent the message that has just been taken; what is called inline has not been."""
        return self.mailbox.sender if isinstance(self.mailbox, RuledQueue) else self.sender_of(self.taken - 1)

    def set_aside(self) -> Any:
        """Put the message that is being handled into the stash; return what its handler is to return."""
        item = self.message = self.message if self.caller is None else self.caller.asking
        aside = self.aside == self.turn
        nothing = not self.running or self.reason is not None
        if nothing or aside or type(item) in NOT_SENT:
            what = "there is none" if nothing else "it was set aside already" if aside else "it is no message"
            raise NothingToStashError(f"{self.ref} cannot set aside what it is handling: {what}")
        if isinstance(self.mailbox, RuledQueue):
            self.mailbox.set_aside(item)
        self.stash = self.stash or []
        self.stash.append((item, self.current_sender))
        self.aside = self.turn
        return NO_REPLY if type(item) is Asking else None

    def is_aside(self, item: object) -> bool:
        """Tell whether *item* is what is handled, or was handled last, and was set aside by its handler."""
        return self.aside == self.turn and item is self.message

    def take_back(self) -> int:
        """Put the stash ahead of what waits; return how many messages that are."""
        stash, self.stash = self.stash or [], None
        if stash and isinstance(self.mailbox, RuledQueue):
            for item, sender in reversed(stash):
                self.mailbox.appendleft(item, sender)
        elif stash:
            if self.senders is None:
                self.senders = Senders(self.sender)
            self.senders.put_ahead(self.taken, [sender for _, sender in stash])
            for item, _ in reversed(stash):
                self.mailbox.appendleft(item)
        self.returned += len(stash)
        if stash:
            self.whole.wake_if_idle()
        return len(stash)

    def put_first(self, item: object) -> None:
        """Put *item* ahead of everything that waits, as a message that has just come."""
        self.mailbox.appendleft(item)
        self.received += 1
        if self.senders is not None:
            self.senders.make_room(self.taken)
        self.whole.wake_if_idle()

    def continue_with(self, argument: object, caller: Caller | None = None) -> None:
        """Have `handle_continue` run before any message; it is not counted, since it is none."""
        was_aside = self.aside == self.turn
        self.mailbox.appendleft(Continuation(argument, caller))
        self.aside = self.turn if was_aside else None

    def mark(self, number: int, now: float) -> None:
        """Note that message *number* came *now*, so that its waiting and handling will be timed."""
        if self.samples is None:
            self.samples = Samples()
        self.sample_at += SAMPLE_EVERY
        self.next_mark = self.samples.mark(number, now)
        # Who is at work looks up, to see how near the mark is.
        if self.running:
            self.whole.attention = True

    def left_at_mark(self, left: int) -> int:
        """Tell how many of *left* messages will be left when the next timed one was handled; -1 if none is near."""
        if self.samples is None:
            return -1
        taken = self.taken
        self.next_mark = self.samples.first_after(taken)
        return left - (self.next_mark - taken) if self.next_mark else -1

    def sample_next(self, arrived: float) -> None:
        """Time the message that has just been taken, which came when it *arrived*."""
        if self.samples is None:
            self.samples = Samples()
        self.samples.taken_at = perf_counter()
        self.sampled = arrived

    def take_sample(self, began: float, ended: float) -> None:
        """Time the message that was handled from *began* to *ended*."""
        samples = self.samples
        if samples is None:
            return
        if self.sampled:
            samples.add(self.sampled, samples.taken_at, ended)
            self.sampled = 0.0
        else:
            self.next_mark = samples.take(began, ended)

    def sample_inline(self, began: float, ended: float) -> None:
        """Time the call that was handled from *began* to *ended*, without having waited."""
        if self.samples is None:
            self.samples = Samples()
        self.sample_at += SAMPLE_EVERY
        self.samples.add(began, began, ended)

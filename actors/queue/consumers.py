"""Consumers: who leases messages, who waits for some, and what becomes of the leases of those who end."""

from __future__ import annotations

import logging
from collections import deque
from typing import TYPE_CHECKING, Final

import attrs

from actors.queue.checks import told
from actors.queue.errors import CorruptMessageError, LeaseLostError, QueueClosedError
from actors.queue.message import message_of
from actors.queue.requests import Lease, MessagesWaiting
from actors.queue.states import CORRUPT, PENDING
from actors.queue.telling import tell_ack, tell_dequeue
from actors.telemetry import QUEUE_ACK, QUEUE_DEQUEUE

if TYPE_CHECKING:
    from collections.abc import Callable

    from actors.caller import Caller
    from actors.message import Down
    from actors.monitor import Monitor
    from actors.queue.lanes import Box, Entry
    from actors.queue.ledger import Ledger
    from actors.queue.requests import Take
    from actors.ref import ActorRef

logger: Final = logging.getLogger("actors")


@attrs.define(eq=False)
class Consumer:
    """An actor that has leased or watched something."""

    monitor: Monitor
    held: dict[int, Entry] = attrs.field(factory=dict)
    watched: set[str] = attrs.field(factory=set)


@attrs.define(eq=False)
class Parked:
    """Somebody who waits until there is something to lease."""

    caller: Caller
    most: int
    seconds: float


class Consumers:
    """Those who lease from one queue."""

    def __init__(self, ledger: Ledger, epoch: int, clock: Callable[[], float], lease_seconds: float) -> None:
        self._ledger = ledger
        self._epoch = epoch
        self._clock = clock
        self._lease_seconds = lease_seconds
        self._consumers: dict[ActorRef, Consumer] = {}
        self._parked: dict[str, deque[Parked]] = {}
        self._watchers: dict[str, dict[ActorRef, None]] = {}
        self._told: set[str] = set()
        """For whom the watchers know already that something waits."""

    # -- leasing

    def take(self, request: Take, caller: Caller) -> tuple[Lease, ...] | None:
        """Lease what there is; None if there is nothing and the caller waits from now on."""
        seconds = self._lease_seconds if request.seconds is None else request.seconds
        box = self._ledger.boxes.get(request.recipient)
        leases = () if box is None else self._lease(box, request.most, seconds, caller)
        if leases or not request.wait:
            return leases
        self._parked.setdefault(request.recipient, deque()).append(Parked(caller, request.most, seconds))
        return None

    def hand_on(self, box: Box) -> None:
        """Give what waits to those who wait for it, in the order they came."""
        recipient = box.recipient
        parked = self._parked.get(recipient)
        while parked and box.ready:
            first = parked[0]
            if not first.caller.answered:
                leases = self._lease(box, first.most, first.seconds, first.caller)
                if not leases:
                    break
                first.caller.reply(leases)
            parked.popleft()
        if parked is not None and not parked:
            del self._parked[recipient]
        if box.ready and recipient in self._watchers and recipient not in self._told:
            self._tell(recipient)

    def _lease(self, box: Box, most: int, seconds: float, caller: Caller) -> tuple[Lease, ...]:
        now = self._clock()
        until = now + seconds
        sender = caller.sender
        leases: list[Lease] = []
        while len(leases) < most and (entry := self._ledger.lease(box, until, now)) is not None:
            try:
                message = message_of(entry)
            except CorruptMessageError as error:
                self._set_apart(entry, now, error)
                continue
            if sender is not None:
                entry.consumer = holder = self._consumer(sender)
                holder.held[entry.seq] = entry
            leases.append(Lease(message, until, entry.seq, self._epoch))
            if QUEUE_DEQUEUE.listeners:
                tell_dequeue(entry, now)
        if not box.ready:
            self._told.discard(box.recipient)
        return tuple(leases)

    def _set_apart(self, entry: Entry, now: float, error: Exception) -> None:
        self._ledger.release(entry)
        self._ledger.finish(entry, CORRUPT, now, str(error))
        logger.error("message %s for %s is set apart: %s", entry.row.id, entry.row.recipient, error)

    # -- what becomes of leases

    def entry_of(self, lease: Lease) -> Entry:
        """Return what is in flight under *lease*; raises `LeaseLostError` if nothing is."""
        entry = self._ledger.in_flight.get(lease.seq)
        if entry is None or lease.epoch != self._epoch or entry.dequeue_count != lease.message.dequeue_count:
            message = lease.message
            raise LeaseLostError(
                f"message {message.id} for {message.recipient} is not in flight under this lease, "
                f"which was the {message.dequeue_count}. of at most {message.max_retries}",
                message.id,
            )
        return entry

    def ack(self, leases: tuple[Lease, ...]) -> None:
        """Be done with the messages of *leases*; if one is not in flight any more, nothing is done."""
        entries = {entry.seq: entry for entry in map(self.entry_of, leases)}
        now = self._clock()
        for entry in entries.values():
            self._ledger.ack(entry, now)
            if QUEUE_ACK.listeners:
                tell_ack(entry)

    # -- those who watch or end

    def watch(self, recipient: str, ref: ActorRef) -> None:
        """Tell *ref* when something waits for *recipient*."""
        self._consumer(ref).watched.add(recipient)
        self._watchers.setdefault(recipient, {})[ref] = None
        box = self._ledger.boxes.get(recipient)
        if box is not None and box.ready:
            self._told.add(recipient)
            ref.send(MessagesWaiting(recipient))

    def unwatch(self, recipient: str, ref: ActorRef) -> None:
        """Tell it no more."""
        watchers = self._watchers.get(recipient, {})
        watchers.pop(ref, None)
        if not watchers:
            self._watchers.pop(recipient, None)
            self._told.discard(recipient)

    def down(self, down: Down) -> set[Box]:
        """Take back what an actor held that has ended; return for whom something waits because of that."""
        consumer = self._consumers.pop(down.ref, None)
        if consumer is None:
            return set()
        for recipient in consumer.watched:
            self.unwatch(recipient, down.ref)
        now = self._clock()
        held = list(consumer.held.values())
        error = told(f"its consumer {down.ref} ended: {down.reason}")
        return {entry.box for entry in held if self._ledger.give_back(entry, now, 0.0, error) is PENDING}

    def close(self) -> None:
        """Send away those who wait."""
        for parked in self._parked.values():
            for one in parked:
                one.caller.refuse(QueueClosedError("the queue was closed while a lease was waited for"))
        self._parked.clear()
        self._watchers.clear()

    def forget_gone(self) -> None:
        """Let go of those who wait no longer."""
        for recipient, parked in list(self._parked.items()):
            waiting = deque(one for one in parked if not one.caller.answered)
            if waiting:
                self._parked[recipient] = waiting
            else:
                del self._parked[recipient]

    def _consumer(self, ref: ActorRef) -> Consumer:
        consumer = self._consumers.get(ref)
        if consumer is None:
            consumer = self._consumers[ref] = Consumer(ref.monitor())
        return consumer

    def _tell(self, recipient: str) -> None:
        self._told.add(recipient)
        for ref in list(self._watchers[recipient]):
            ref.send(MessagesWaiting(recipient))

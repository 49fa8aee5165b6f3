"""Queue: the actor that stores messages, leases them, and hands them on.

No handler waits for the store. Puts gather until the store is done with the batch before; when it reports a batch,
its messages can be leased and those who put them are answered. Leases and acknowledgements ride along.
"""

from __future__ import annotations

from functools import partial
from math import inf
from typing import TYPE_CHECKING, Any, Final

from actors.actor import Actor
from actors.errors import UndefinedHandlerError
from actors.exit import SHUTDOWN
from actors.message import Down
from actors.queue import requests as ask
from actors.queue import views
from actors.queue.answers import Answers, Asked, find_reply
from actors.queue.checks import check_queue
from actors.queue.commits import Commits, Flush, Ride, Stored, store_now
from actors.queue.consumers import Consumers
from actors.queue.dead import DeadMessages
from actors.queue.errors import MessageRefusedError, QueueClosedError, QueueError
from actors.queue.intake import Intake, Usher
from actors.queue.ledger import Ledger
from actors.queue.message import decode
from actors.queue.offers import QueueOffers
from actors.queue.options import QueueOptions
from actors.queue.recovery import Recovery
from actors.queue.unstored import unstored_of
from actors.result import NO_REPLY
from actors.show import shown
from actors.telemetry import QUEUE_RECOVER
from actors.wall_clock import LOOK_SECONDS, can_be_set, never_back, wall_clock

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from actors.caller import Caller
    from actors.exit import ExitReason
    from actors.inspect import Command
    from actors.queue.behaviour import QueueStore
    from actors.queue.lanes import Box
    from actors.timer import Timer
    from actors.wall_clock import WallClock

DUE: Final = 256
"""So much of what is due is done before others have their turn."""

LEAST_SECONDS: Final = 0.001
"""A timer waits so long at least, so that it does not come again and again for a difference that two clocks have."""

PURGE_SECONDS: Final = 60.0
"""How often the queue looks for what has been kept long enough."""


class Queue(Actor):
    """A queue of messages for recipients with names, which outlive this actor in its *store*.

    At least once: a message that was put stays until it is acknowledged, expires, or was leased as often as it may
    be. Talk to it with a `QueueClient`.
    """

    def __init__(
        self, store: QueueStore, options: QueueOptions | None = None, *, clock: WallClock | None = None
    ) -> None:
        check_queue(store, options)
        self.store = store
        self.options = QueueOptions() if options is None else options
        self.clock = clock
        self.closed = False

    async def init(self) -> None:
        """Find what is in the store; what was in flight is pending again."""
        wall = self.clock or wall_clock()
        self.now: WallClock = never_back(wall, self.system.timers.now) if can_be_set(wall) else wall
        unstored = unstored_of(self.store)
        self.ledger = ledger = Ledger(unstored, keep_acked=self.options.keep_acked > 0)
        self.recovery = Recovery(self.store, ledger)
        self.epoch = await self.store.open(self.system)
        await store_now(self.store, self.epoch, unstored)
        await self._recover()
        self.answers = Answers()
        self.commits = Commits(self.ref, self.store, self.epoch, ledger, self.options.ride_seconds)
        last = self.store.last_seq()
        self.intake = Intake(self.ref, self.commits, ledger, self.answers, self.options, self.now, seq=last)
        if self.system in unstored.closed_in:
            self.closed = True
            self.intake.close()
        self.commits.usher = await self.start_link(Usher, self.ref, self.intake)
        self.consumers = Consumers(ledger, self.epoch, self.now, self.options.lease_seconds)
        self.dead = DeadMessages(self.store, ledger, self.options, self.now)
        self.timer: Timer | None = None
        self.timer_at = inf
        self._handlers: dict[type, Callable[[Any, Caller], Any]] = self._handlers_by_request()
        self.ref.send_every(PURGE_SECONDS, Purge)
        if can_be_set(wall):
            self.ref.send_every(LOOK_SECONDS, Tick)
        self._arm()

    def handle_call(self, message: object, caller: Caller) -> Any:
        """Do what is asked, or refuse with a `QueueError`."""
        handler = self._handlers.get(type(message))
        if handler is None:
            caller.refuse(UndefinedHandlerError(f"{self.ref} is a queue, and knows no {shown(message)}"))
            return NO_REPLY
        if self.closed and type(message) not in WHEN_CLOSED:
            return self._refuse(message, caller)
        try:
            return handler(message, caller)
        except QueueError as error:
            caller.refuse(error)
            return NO_REPLY

    def handle_cast(self, message: object) -> None:
        """Go on with what the store has reported, or give it what has gathered."""
        if type(message) is Stored:
            for box in self.commits.settle(message, self.now(), self.answers):
                self.consumers.hand_on(box)
            self._arm()
        else:
            self.commits.flush()

    def handle_info(self, message: object) -> None:
        """Do what time brings, and what the end of a consumer does."""
        if message is Tick:
            self.timer_at = inf
            self._advance()
        elif message is Purge:
            self._purge()
        elif type(message) is Down:
            self._hand_on(self.consumers.down(message))
        elif message is Flush:
            self.commits.flush()
        elif message is Ride:
            self.commits.ride_alone()

    async def terminate(self, reason: ExitReason) -> None:
        """Store what became of messages; who still waits is told that the queue has ended."""
        if hasattr(self, "commits"):
            await self.commits.finish()
            self.intake.fail(reason)
            self.commits.usher.exit(SHUTDOWN)
        self.store.close()

    def shell_commands(self) -> Mapping[str, Command]:
        """Offer to show what waits, and to do something about dead letters (`actors.inspect.Commands`)."""
        return QueueOffers(self).commands() if hasattr(self, "_handlers") else {}

    def _handlers_by_request(self) -> dict[type, Callable[[Any, Caller], Any]]:
        return {
            ask.Put: self.intake.put,
            ask.Ask: self._ask,
            ask.Take: self._take,
            ask.Ack: self._ack,
            ask.Nack: self._nack,
            ask.Extend: self._extend,
            ask.Depth: self._depth,
            ask.Recipients: self._recipients,
            ask.ListPending: self._list_pending,
            ask.ListDead: self._list_dead,
            ask.FindDead: self._find_dead,
            ask.ListCorrupt: self._list_corrupt,
            ask.Replay: self._replay,
            ask.Discard: self._discard,
            ask.GetStatistics: self._statistics,
            ask.IsKnown: self._is_known,
            ask.Watch: self._watch,
            ask.Close: self._close,
        }

    async def _recover(self) -> None:
        if QUEUE_RECOVER.listeners:
            with QUEUE_RECOVER.begin(actor=self.ref) as span:
                await self.recovery.run(self.now())
                span.measure(recovered_count=self.recovery.found)
        else:
            await self.recovery.run(self.now())

    # -- asking

    def _ask(self, request: ask.Ask, caller: Caller) -> Any:
        put = request.put
        assert put.content.correlation_id is not None
        self.answers.wait(put.content.correlation_id, put.content.sender, caller)
        self.intake.put(put, Asked(caller))
        if put.again:
            # The reply may have come while nobody could wait for it.
            reply = find_reply(self.ledger, self.recovery.thaw, put.content.sender, put.content.correlation_id)
            if reply is not None:
                reply.box.lose(reply)
                self.ledger.unstored.deleted.append(reply.seq)
                reply.due = inf
                return decode(reply.row.payload)
        return NO_REPLY

    # -- leasing

    def _take(self, request: ask.Take, caller: Caller) -> Any:
        leases = self.consumers.take(request, caller)
        if not leases:
            return NO_REPLY if leases is None else ()
        self._arm()
        self.commits.ride()
        return leases

    def _ack(self, request: ask.Ack, _caller: Caller) -> None:
        self.consumers.ack(request.leases)
        self.commits.ride()

    def _nack(self, request: ask.Nack, _caller: Caller) -> Any:
        entry = self.consumers.entry_of(request.lease)
        self.commits.ride()
        if request.final:
            return self.ledger.reject(entry, self.now(), request.error)
        delay = self.options.backoff.seconds(entry.dequeue_count) if request.delay is None else request.delay
        status = self.ledger.give_back(entry, self.now(), delay, request.error)
        if entry.in_lane:
            self.consumers.hand_on(entry.box)
        self._arm()
        return status

    def _extend(self, request: ask.Extend, _caller: Caller) -> ask.Lease:
        until = self.now() + request.seconds
        self.ledger.extend(self.consumers.entry_of(request.lease), until)
        self._arm()
        return request.lease._replace(until=until)

    def _watch(self, request: ask.Watch, caller: Caller) -> None:
        if caller.sender is None:
            raise MessageRefusedError(f"only an actor can watch {request.recipient!r}: others cannot be told")
        if request.stop:
            self.consumers.unwatch(request.recipient, caller.sender)
        else:
            self.consumers.watch(request.recipient, caller.sender)

    # -- looking

    def _depth(self, request: ask.Depth, _caller: Caller) -> int:
        self._advance()
        return views.depth(self.ledger, request.recipient)

    def _recipients(self, _request: ask.Recipients, _caller: Caller) -> tuple[str, ...]:
        self._advance()
        return views.recipients(self.ledger)

    def _list_pending(self, request: ask.ListPending, _caller: Caller) -> tuple[ask.PendingInfo, ...]:
        self._advance()
        return views.pending(self.ledger, self.recovery.thaw, request.recipient, request.most)

    def _statistics(self, _request: ask.GetStatistics, _caller: Caller) -> ask.QueueStatistics:
        self._advance()
        return views.statistics(self.ledger)

    def _is_known(self, request: ask.IsKnown, _caller: Caller) -> bool:
        return self.intake.knows(request.recipient)

    # -- dead letters: they are asked for when everything before is stored

    def _list_dead(self, request: ask.ListDead, caller: Caller) -> Any:
        return self._when_stored(caller, partial(self.dead.listed, request.after, request.most))

    def _find_dead(self, request: ask.FindDead, caller: Caller) -> Any:
        return self._when_stored(caller, partial(self.dead.find, request.message_id))

    def _list_corrupt(self, request: ask.ListCorrupt, caller: Caller) -> Any:
        return self._when_stored(caller, partial(self.dead.corrupt, request.most))

    def _replay(self, request: ask.Replay, caller: Caller) -> Any:
        return self._when_stored(caller, partial(self._replay_now, request.message_id), stored=True)

    def _replay_now(self, message_id: str) -> None:
        self.consumers.hand_on(self.dead.replay(message_id).box)
        self._arm()

    def _discard(self, request: ask.Discard, caller: Caller) -> Any:
        return self._when_stored(caller, partial(self.dead.discard, request.message_id), stored=True)

    def _when_stored(self, caller: Caller, action: Callable[[], Any], *, stored: bool = False) -> Any:
        """Answer with what *action* returns when it is its turn, or when that is *stored* too."""

        def act() -> None:
            try:
                result = action()
            except QueueError as error:
                caller.refuse(error)
                return
            if stored:
                self.commits.when_stored(lambda: caller.reply(result))
            else:
                caller.reply(result)

        self.commits.when_stored(act)
        return NO_REPLY

    # -- closing

    def _refuse(self, message: object, caller: Caller) -> Any:
        """Refuse what a closed queue does not do; who asks for the outcome of a put before that is told."""
        there = self.intake.is_there(message, caller) if type(message) is ask.Put and message.again else None
        if there is None:
            caller.refuse(QueueClosedError(f"the queue {self.ref} is closed"))
            return NO_REPLY
        return there

    def _close(self, _request: ask.Close, caller: Caller) -> Any:
        if self.closed:
            return None
        self.closed = True
        self.ledger.unstored.closed_in.add(self.system)
        self.intake.close()
        self.consumers.close()
        self.answers.close()
        return self._when_stored(caller, lambda: None)

    # -- time

    def _advance(self) -> None:
        """Do what is due, or a part of it, and have the rest done after what waits."""
        now = self.now()
        if self.ledger.agenda.next <= now:
            self._hand_on({entry.box for entry in self.ledger.advance(now, DUE)})
            if self.ledger.agenda.next <= now:
                self.ref.send(Tick)
        self._arm()

    def _hand_on(self, boxes: set[Box]) -> None:
        for box in boxes:
            self.consumers.hand_on(box)
        if self.ledger.unstored:
            self.commits.ride()
        self._arm()

    def _arm(self) -> None:
        """Be woken when something is due."""
        due = self.ledger.agenda.next
        if due < self.timer_at:
            if self.timer is not None:
                self.timer.cancel()
            self.timer_at = due
            self.timer = self.ref.send_after(max(LEAST_SECONDS, due - self.now()), Tick)

    def _purge(self) -> None:
        self.consumers.forget_gone()
        self.ledger.forget_empty_boxes()
        if not self.closed:
            self.commits.when_stored(self._purge_some)

    def _purge_some(self) -> None:
        if self.dead.purge():
            self.commits.when_stored(self._purge_some)
        elif self.ledger.unstored:
            self.commits.ride()


class Tick:
    """Something is due, or the clock on the wall may have been set since the timer was."""


class Purge:
    """It is time to look for what has been kept long enough."""


WHEN_CLOSED: Final = frozenset({ask.Close, ask.Depth, ask.Recipients, ask.ListPending, ask.GetStatistics, ask.IsKnown})
"""What a closed queue still answers."""

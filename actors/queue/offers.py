"""What a queue offers to whoever looks at its node (`actors.inspect.Commands`)."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import attrs

from actors.foremost import AT_ONCE, foremost, most_of, order_of
from actors.queue import requests as ask
from actors.queue import views
from actors.queue.errors import CorruptMessageError, NoDeadLetterError
from actors.show import shown

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping

    from actors.inspect import Command
    from actors.queue.lanes import Box, Entry, Lane
    from actors.queue.queue import Queue

Row = dict[str, Any]

PAGE: Final = 25
"""So many dead letters are read from the store before others have their turn."""

FOR_EVER: Final = (float("-inf"), 0)


class Load(NamedTuple):
    """What waits for one recipient."""

    recipient: str
    ready: int
    in_flight: int


class QueueOffers:
    """The commands of one queue."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue

    def commands(self) -> dict[str, Command]:
        """Return the commands by their names."""
        return {
            "queue.dead_letters": self.dead_letters,
            "queue.discard": self.discard,
            "queue.pending": self.pending,
            "queue.recipients": self.recipients,
            "queue.replay": self.replay,
            "queue.statistics": self.statistics,
        }

    def statistics(self, arguments: Mapping[str, Any]) -> Iterator[Row]:
        """Show what the queue has done and holds, in one row."""
        yield {**attrs.asdict(views.statistics(self._queue.ledger)), "closed": self._queue.closed}

    def recipients(self, arguments: Mapping[str, Any]) -> Iterator[Row | None]:
        """For whom messages wait or are in flight, and how long the oldest has waited."""
        rank, most, wanted = order_of(arguments, ORDERS), most_of(arguments), arguments.get("recipient")
        flying: dict[str, int] = {}
        for place, entry in enumerate(tuple(self._queue.ledger.in_flight.values())):
            flying[entry.row.recipient] = flying.get(entry.row.recipient, 0) + 1
            if place % AT_ONCE == 0:
                yield None
        boxes = self._queue.ledger.boxes
        # A recipient for whom nothing waits may have no box any more, though something is in flight.
        others = [Load(name, 0, count) for name, count in flying.items() if name not in boxes]

        def load(box: Box) -> Load:
            return Load(box.recipient, box.ready, flying.get(box.recipient, 0))

        # What is kept meanwhile is there already: a load or a pair for each would set off the garbage collector.
        meant = (box for box in tuple(boxes.values()) if wanted in (None, box.recipient))
        chosen = (box for box in meant if box.ready or box.recipient in flying)
        found = yield from foremost(chosen, most, lambda box: rank(load(box)))
        # Those that were found may have been emptied between two steps.
        loads = [it for it in map(load, found) if it.ready or it.in_flight]
        loads += [it for it in others if wanted in (None, it.recipient)]
        for recipient, ready, in_flight in sorted(loads, key=rank)[:most]:
            box = boxes.get(recipient)
            oldest = None if box is None or not ready else self._oldest(box)
            age = None if oldest is None else max(0.0, self._queue.now() - oldest)
            yield {"recipient": recipient, "ready": ready, "in_flight": in_flight, "oldest_seconds": age}

    async def pending(self, arguments: Mapping[str, Any]) -> AsyncIterator[Row]:
        """Show what waits for a recipient, in the order of leases, without what is in it."""
        request = ask.ListPending(arguments.get("recipient", ""), most_of(arguments))
        now = self._queue.now()
        for info in await self._queue.ref.call(request, timeout=_timeout(arguments)):
            row = attrs.asdict(info)
            yield row | {"seconds": max(0.0, now - row.pop("enqueued_at"))}

    # -- dead letters

    async def dead_letters(self, arguments: Mapping[str, Any]) -> AsyncIterator[Row | None]:
        """Show what failed for good or expired, the oldest first; with its content, for the one of an id."""
        now = self._queue.now()
        wanted = arguments.get("id")
        if wanted is not None:
            found = await self._queue.ref.call(ask.FindDead(wanted), timeout=_timeout(arguments))
            message = found.message
            yield _row(found, now) | {"metadata": shown(dict(message.metadata)), "payload": shown(message.payload)}
            return
        async for letter in self._dead(arguments, most_of(arguments)):
            yield None if letter is None else _row(letter, now)

    async def replay(self, arguments: Mapping[str, Any]) -> AsyncIterator[Row | None]:
        """Make the dead letter of an id a message that was just put, or all."""
        async for row in self._act(arguments, ask.Replay, "was put again"):
            yield row

    async def discard(self, arguments: Mapping[str, Any]) -> AsyncIterator[Row | None]:
        """Delete the dead letter of an id, or all."""
        async for row in self._act(arguments, ask.Discard, "was discarded"):
            yield row

    async def _act(
        self, arguments: Mapping[str, Any], request: type[ask.Replay | ask.Discard], did: str
    ) -> AsyncIterator[Row | None]:
        wanted, timeout = arguments.get("id"), _timeout(arguments)
        if wanted is None and arguments.get("all") is not True:
            raise ValueError("say which dead letter is meant, by its id, or that all are")
        if wanted is not None:
            await self._queue.ref.call(request(wanted), timeout=timeout)
            yield {"id": wanted, "did": did}
            return
        async for letter in self._dead(arguments, None):
            if letter is None:
                yield None
                continue
            try:
                await self._queue.ref.call(request(letter.message.id), timeout=timeout)
            except (CorruptMessageError, NoDeadLetterError) as error:
                yield {"id": letter.message.id, "did": f"was passed over: {error}"}
            else:
                yield {"id": letter.message.id, "did": did}

    async def _dead(self, arguments: Mapping[str, Any], most: int | None) -> AsyncIterator[ask.DeadMessage | None]:
        """Yield the dead letters that there are now, and None after each page."""
        after, until, left = FOR_EVER, self._queue.now(), most
        while left is None or left > 0:
            request = ask.ListDead(after, PAGE if left is None else min(PAGE, left))
            page = await self._queue.ref.call(request, timeout=_timeout(arguments))
            for letter in page:
                if letter.finished_at > until:
                    return
                yield letter
            if not page:
                return
            yield None
            after = page[-1].finished_at, page[-1].seq
            left = None if left is None else left - len(page)

    # -- the oldest

    def _oldest(self, box: Box) -> float | None:
        times = [time for lane in tuple(box.lanes.values()) if (time := self._first(lane)) is not None]
        return min(times, default=None)

    def _first(self, lane: Lane) -> float | None:
        """Return when the first message of *lane* was put; what was never read is read without being taken in."""
        times = [_first_of(entry for _, entry in lane.returned[:LOOKED_AT]), _first_of(lane.fresh)]
        if lane.cold and lane.cold[0].entries is not None:
            times.append(_first_of(lane.cold[0].entries))
        elif lane.cold:
            records = self._queue.store.fetch(lane.cold[0].seqs[:1])
            times += [record.row.enqueued_at for record in records if isinstance(record.row.enqueued_at, float)]
        return min((time for time in times if time is not None), default=None)


LOOKED_AT: Final = 64
"""So many are looked at to find one that waits: those that have expired may still stand before it."""

ORDERS: Final[dict[str, Callable[[Load], Any]]] = {
    "ready": lambda it: (-it.ready, it.recipient),
    "in_flight": lambda it: (-it.in_flight, it.recipient),
    "name": lambda it: it.recipient,
}


def _first_of(entries: Iterable[Entry]) -> float | None:
    return next((entry.row.enqueued_at for entry in islice(entries, LOOKED_AT) if entry.in_lane), None)


def _timeout(arguments: Mapping[str, Any]) -> float:
    timeout = arguments.get("timeout", 5.0)
    if not isinstance(timeout, int | float) or isinstance(timeout, bool) or not 0 < timeout <= 3600:  # noqa: PLR2004 -- an hour
        raise ValueError(f"the timeout is {timeout!r}; allowed are more than 0 and at most 3600 seconds")
    return float(timeout)


def _row(letter: ask.DeadMessage, now: float) -> Row:
    message = letter.message
    return {
        "id": message.id,
        "recipient": message.recipient,
        "sender": message.sender,
        "type": message.type,
        "status": message.status.name.lower(),
        "leases": message.dequeue_count,
        "error": letter.error,
        "seconds_ago": max(0.0, now - letter.finished_at),
    }

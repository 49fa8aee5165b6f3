"""TopicBus: the actor that gives what is published to whoever has subscribed to it.

What was subscribed is in a heirloom, and the boxes that messages go to are the subscribers' own; so a bus that crashes
loses neither. Everything else it makes anew when it starts.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

import attrs
import trio

from actors.actor import Actor
from actors.bus import requests as ask
from actors.bus import views
from actors.bus.custody import Custody
from actors.bus.errors import BusClosedError, BusError, UnknownSubscriptionError
from actors.bus.index import ROUTES_KEPT, Entry, Index
from actors.bus.ledger import Topic, ledger_of
from actors.bus.message import TopicMessage
from actors.bus.offers import BusOffers
from actors.bus.options import MAX_TOPICS, check_max_topics
from actors.bus.packing import packed
from actors.bus.telling import deliver_told
from actors.bus.topics import segments_of
from actors.bus.vigil import begin_vigil
from actors.errors import UndefinedHandlerError
from actors.message import Down
from actors.name_ref import NameRef
from actors.options import check_name
from actors.pace import Pace, batches
from actors.pattern import PatternError
from actors.ref import ActorRef
from actors.result import NO_REPLY
from actors.show import shown
from actors.store import PolicyManager, Reference, StoreClient
from actors.telemetry import BUS_DELIVER, BUS_FILTER
from actors.wall_clock import wall_clock

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from actors.bus.index import Route
    from actors.bus.ledger import Ledger
    from actors.caller import Caller
    from actors.heirloom import Heirloom
    from actors.inspect import Command
    from actors.monitor import Monitor

AT_ONCE: Final = 64
"""So many subscriptions are taken over before others have their turn: about a millisecond."""


@attrs.define(eq=False)
class Owner:
    """An actor that has subscriptions, which end with it."""

    monitor: Monitor
    ids: dict[str, None] = attrs.field(factory=dict)


class TopicBus(Actor):
    """Topics, their subscriptions, and what goes from one to the other. Talk to it with a `BusClient`.

    At most once: what is published is given to those who have subscribed at that moment and have room, and to nobody
    twice for one subscription. It counts for up to *max_topics* topics, and forgets the oldest beyond.

    With a *store*, given by name, by reference or as a client, a payload that *policies* say so of goes by reference;
    its type is its topic, and without policies it is one of more than 10,240 bytes. What is of note goes to *logger*.
    """

    def __init__(
        self,
        *,
        store: StoreClient | ActorRef | NameRef | str | None = None,
        policies: PolicyManager | None = None,
        logger: logging.Logger | None = None,
        max_topics: int = MAX_TOPICS,
    ) -> None:
        _check_parts(store, policies, logger)
        check_max_topics("TopicBus", max_topics)
        self._store = store
        self._policies = PolicyManager() if policies is None else policies
        self._logger = logging.getLogger("actors") if logger is None else logger
        self.max_topics = max_topics

    async def init(self) -> None:
        """Find the subscriptions that there are, and end those that were begun but not made."""
        name = self.name or f"bus #{self.ref.id}"
        self._ledger = ledger_of(self.system, name)
        self._records: Heirloom[str, ask.Subscribed] = self.inherit(f"{name}: subscriptions", check=_sound)
        self._now = wall_clock()
        self.index = self._empty_index()
        self._owners: dict[ActorRef, Owner] = {}
        self._custody = self._custody_of(self._store)
        self._handlers: dict[type, Callable[[Any, Caller], Any]] = {
            TopicMessage: self._publish if self._custody is None else self._publish_if_small,
            ask.Subscribe: self._subscribe,
            ask.Unsubscribe: self._unsubscribe,
            ask.ListSubscriptions: self._list_subscriptions,
            ask.ListNames: self._list_names,
            ask.WhichActive: self._which_active,
            ask.GetTopicStatistics: self._topic_statistics,
            ask.GetBusStatistics: self._statistics,
            ask.SetWakeUp: self._set_wake_up,
            ask.GetWakeUp: self._get_wake_up,
            ask.GetCustody: self._get_custody,
            ask.CloseBus: self._close,
        }
        if not self._ledger.closed:
            await self._take_over()
            begin_vigil(self._ledger, self.ref, self.system)

    def handle_call(self, message: object, caller: Caller) -> Any:
        """Do what is asked, or refuse with a `BusError`."""
        handler = self._handlers.get(type(message))
        if handler is None:
            caller.refuse(UndefinedHandlerError(f"{self.ref} is a topic bus, and knows no {shown(message)}"))
            return NO_REPLY
        try:
            return handler(message, caller)
        except (BusError, PatternError) as error:
            caller.refuse(error)
            return NO_REPLY

    def handle_cast(self, message: object) -> None:
        """End a subscription whose subscriber has given up waiting for it."""
        if type(message) is ask.Unsubscribe and message.id in self._records:
            self._drop(self._records[message.id])
        elif type(message) is not ask.Unsubscribe:
            self._logger.warning("%s is a topic bus, and was cast %s", self.ref, shown(message))

    async def handle_info(self, message: object) -> None:
        """End the subscriptions of an actor that has ended, in slices: what is asked of the bus waits, nobody else."""
        if type(message) is Down and (owner := self._owners.pop(message.ref, None)) is not None:
            pace = Pace()
            for some in batches(owner.ids):
                for subscription_id in some:
                    self._end(self._records[subscription_id])
                await pace.keep()

    def shell_commands(self) -> Mapping[str, Command]:
        """Offer to show topics and subscriptions (`actors.inspect.Commands`)."""
        return BusOffers(self.index, self._ledger, self._now).commands() if hasattr(self, "_handlers") else {}

    # -- starting

    async def _take_over(self) -> None:
        boxes = self._ledger.boxes
        for number, record in enumerate(self._records.records):
            if number % AT_ONCE == AT_ONCE - 1:
                await trio.lowlevel.checkpoint()
            box = boxes.get(record.id)
            if box is None or box.ended:
                del self._records[record.id]
            else:
                self._add(Entry(record, box))
        for subscription_id in [each for each in boxes if each not in self._records]:
            boxes.pop(subscription_id).end()

    def _empty_index(self) -> Index:
        # What is published to again and again is looked for more often than it takes to be the oldest topic.
        return Index(min(ROUTES_KEPT, max(1, self.max_topics // 2)))

    def _custody_of(self, store: StoreClient | ActorRef | NameRef | str | None) -> Custody | None:
        if store is None:
            return None
        if isinstance(store, str):
            store = self.system.named(store)
        return Custody(self.system, store if isinstance(store, StoreClient) else StoreClient(store))

    # -- publishing

    def _publish_if_small(self, message: TopicMessage, caller: Caller) -> ask.Published | ask.Promote:
        """Publish *message*, or have its payload stored first: the caller does that, for the bus cannot wait."""
        custody = self._custody
        if custody is not None and not isinstance(message.payload, Reference):
            self._refuse_if_closed()
            found = packed(message.payload)
            if found is not None and self._policies.by_reference(message.topic, found.size):
                segments_of(message.topic)
                return ask.Promote(custody, found)
        return self._publish(message, caller)

    def _publish(self, message: TopicMessage, _caller: Caller) -> ask.Published:
        route = self.index.routes.get(message.topic) or self._route_to(message.topic)
        if BUS_DELIVER.listeners or BUS_FILTER.listeners:
            return self._publish_told(message, route.topic)
        delivered = len(route.streams)
        dropped = 0
        for box in route.streams:
            # `StreamBox.offer`, written out where there is room: the call alone would be half of what this costs.
            queue = box.queue
            if len(queue) < box.size:
                queue.append(message)
                if box.alert:
                    box.wake()
            else:
                taken, lost = box.offer(message)
                delivered += taken - 1
                dropped += lost
        for record, other in route.others:
            if record.filter is None or record.filter.passes(message):
                taken, lost = other.offer(message)
                delivered += taken
                dropped += lost
        self._count(route.topic, delivered, dropped)
        return ask.Published(delivered, dropped)

    def _publish_told(self, message: TopicMessage, topic: Topic) -> ask.Published:
        published = deliver_told(self.index.matching(message.topic), message)
        self._count(topic, *published)
        return published

    def _route_to(self, name: str) -> Route:
        self._refuse_if_closed()
        assert len(self.index) == len(self._records), f"{self.index} is not of the {len(self._records)} subscriptions"
        entries = self.index.matching(name)
        return self.index.make_route(self._topic(name), entries)

    def _topic(self, name: str) -> Topic:
        """Return the counts of a topic, which is the youngest from now on; beyond the bound the oldest is forgotten."""
        topics = self._ledger.topics
        topic = topics.pop(name, None) or Topic(name, self._now())
        while len(topics) >= self.max_topics:
            oldest, _ = topics.popitem(last=False)
            self.index.routes.pop(oldest, None)
        topics[name] = topic
        return topic

    def _count(self, topic: Topic, delivered: int, dropped: int) -> None:
        topic.published += 1
        topic.delivered += delivered
        topic.dropped += dropped
        topic.last_publish_at = self._now()
        ledger = self._ledger
        ledger.published += 1
        ledger.delivered += delivered
        ledger.dropped += dropped

    # -- subscribing

    def _subscribe(self, request: ask.Subscribe, _caller: Caller) -> int:
        self._refuse_if_closed()
        record = request.record
        if record.id not in self._records and not request.box.ended:
            self._records[record.id] = record
            self._ledger.boxes[record.id] = request.box
            self._topic(record.pattern)
            self._add(Entry(record, request.box))
        return self.index.count(record.pattern)

    def _add(self, entry: Entry) -> None:
        self.index.add(entry)
        ref = entry.record.owner
        if ref is None:
            return
        if ref not in self._owners:
            self._owners[ref] = Owner(ref.monitor())
        self._owners[ref].ids[entry.record.id] = None

    def _unsubscribe(self, request: ask.Unsubscribe, _caller: Caller) -> ask.Unsubscribed:
        record, box = self._records.get(request.id), self._ledger.boxes.get(request.id)
        if record is not None:
            self._drop(record)
        elif not request.again:
            raise UnknownSubscriptionError(f"the bus {self.ref} has no subscription {request.id!r}", request.id)
        return ask.Unsubscribed(0, 0, 0) if box is None else ask.Unsubscribed(box.waiting, box.dropped, box.expired)

    def _drop(self, record: ask.Subscribed) -> None:
        self._end(record)
        owner = self._owners.get(record.owner) if record.owner is not None else None
        if record.owner is not None and owner is not None:
            del owner.ids[record.id]
            if not owner.ids:
                del self._owners[record.owner]
                owner.monitor.cancel(flush=True)

    def _end(self, record: ask.Subscribed) -> None:
        del self._records[record.id]
        if not self._ledger.closed:
            self.index.remove(record)
            self._ledger.boxes.pop(record.id).end()

    def _set_wake_up(self, request: ask.SetWakeUp, _caller: Caller) -> None:
        if (box := self._ledger.boxes.get(request.id)) is not None:
            box.set_wake_up(request.wake_up)

    def _get_wake_up(self, request: ask.GetWakeUp, _caller: Caller) -> Any:
        box = self._ledger.boxes.get(request.id)
        return None if box is None else box.wake_up

    # -- looking

    def _get_custody(self, _request: ask.GetCustody, _caller: Caller) -> Custody | None:
        return self._custody

    def _list_subscriptions(self, _request: ask.ListSubscriptions, _caller: Caller) -> list[Entry]:
        return list(self.index.entries.values())

    def _list_names(self, _request: ask.ListNames, _caller: Caller) -> ask.Names:
        return views.names(self.index, self._ledger)

    def _which_active(self, request: ask.WhichActive, _caller: Caller) -> list[str]:
        return [name for name in request.names if views.active_subscriptions(self.index, name)]

    def _topic_statistics(self, request: ask.GetTopicStatistics, _caller: Caller) -> ask.TopicStatistics:
        return views.topic_statistics(self.index, self._ledger, request.topic)

    def _statistics(self, _request: ask.GetBusStatistics, _caller: Caller) -> ask.BusStatistics:
        return views.statistics(self.index, self._ledger)

    # -- closing

    def _close(self, _request: ask.CloseBus, _caller: Caller) -> trio.Event:
        ledger = self._ledger
        if ledger.closed:
            return ledger.ended
        ledger.close()
        # By a task of the system: a bus that is killed meanwhile leaves nobody waiting.
        self.system.context.run(self.system.start_soon, _end_all, ledger, self.index)
        self.index = self._empty_index()
        self._logger.info(
            "%s is closed; %d messages were published, %d delivered and %d dropped",
            self.ref,
            ledger.published,
            ledger.delivered,
            ledger.dropped,
        )
        return ledger.ended

    def _refuse_if_closed(self) -> None:
        if self._ledger.closed:
            raise BusClosedError(f"the bus {self.ref} is closed")


async def _end_all(ledger: Ledger, index: Index) -> None:
    """End the subscriptions of a bus that was closed, and let go of what finds them."""
    await ledger.end_boxes()
    await index.dismantle()


def _check_parts(store: object, policies: object, logger: object) -> None:
    """Refuse what a bus cannot work with."""
    if isinstance(store, str):
        check_name(store)
    elif not isinstance(store, StoreClient | ActorRef | NameRef | None):
        raise TypeError(f"the store of a TopicBus is a name, a reference or a StoreClient; got {store!r}")
    if not isinstance(policies, PolicyManager | None):
        raise TypeError(f"the policies of a TopicBus are a PolicyManager; got {policies!r}")
    if policies is not None and store is None:
        raise TypeError(
            f"a TopicBus with policies needs a store as well, for what is to go by reference; got {policies!r}"
        )
    if not isinstance(logger, logging.Logger | None):
        raise TypeError(f"the logger of a TopicBus is a logging.Logger; got {logger!r}")


def _sound(records: Mapping[Any, Any]) -> bool:
    return all(isinstance(record, ask.Subscribed) and record.id == key for key, record in records.items())

"""BusClient: how everybody else publishes and subscribes, also across the restarts of a bus."""

from __future__ import annotations

from itertools import chain, count
from typing import TYPE_CHECKING, Any, Final, TypeVar

import attrs
import trio

from actors.backoff import Backoff
from actors.bus import requests as ask
from actors.bus.box import ActorBox, StreamBox
from actors.bus.clock import message_clock
from actors.bus.custody import KEPT_SECONDS
from actors.bus.errors import BusRequestError
from actors.bus.filters import TopicFilter
from actors.bus.listing import names_in_order, subscription_infos, topic_infos
from actors.bus.message import TopicMessage, new_message_id
from actors.bus.outcome import unknown_outcome
from actors.bus.packing import unpacked
from actors.bus.subscription import Subscription
from actors.bus.topics import pattern_of_topics
from actors.current import current_actor, current_process
from actors.errors import ActorExitedError, CallTimeoutError, NoProcessError
from actors.name_ref import NameRef
from actors.options import check_seconds
from actors.pace import batches
from actors.ref import ActorRef
from actors.show import shown
from actors.store import Reference
from actors.telemetry import BUS_PUBLISH, BUS_SUBSCRIBE, BUS_UNSUBSCRIBE, TRACEPARENT
from actors.wall_clock import wall_clock

if TYPE_CHECKING:
    from collections.abc import Mapping

    from actors.bus.box import Box
    from actors.bus.custody import Custody
    from actors.bus.wake_up import WakeUp
    from actors.message import Call
    from actors.overflow import Overflow

R = TypeVar("R")

BUFFER_SIZE: Final = 100

BETWEEN: Final = Backoff(0.005, max_seconds=0.25)
"""How long to wait before looking again for a bus that is being restarted."""

ACTIVE_AT_ONCE: Final = 32
"""Of so many names the bus is asked at once who has subscribed to them: about half a millisecond."""

UNANSWERED: Final = (NoProcessError, ActorExitedError, CallTimeoutError)


class BusClient:
    """A topic bus as its users see it; made within trio.

    *bus* is best a name (``system.named("bus")``): what is asked while the bus is being restarted then waits for its
    next incarnation, for *patience* seconds. *agent* is who publishes and subscribes, unless that is said; within an
    actor that has a name, it is that by default.

    Every method raises `BusClosedError` for a closed bus that refuses it, ``NoProcessError`` if there is none, and
    `OutcomeUnknownError` where it is not known whether the bus did what it was asked; those that only look raise
    ``CallTimeoutError`` or ``ActorExitedError`` then.
    """

    def __init__(self, bus: ActorRef | NameRef, *, agent: str = "", patience: float = 5.0) -> None:
        if not isinstance(bus, ActorRef | NameRef):
            raise TypeError(f"a BusClient is of an ActorRef or a NameRef (system.named(...)); got {bus!r}")
        if not isinstance(agent, str):
            raise TypeError(f"the agent of a BusClient is a str; got {agent!r}")
        check_seconds("patience", patience)
        self._bus = bus
        self.agent = agent or _current_name()
        self.patience = patience
        self._now = wall_clock()
        self._message_now = message_clock()
        self._custody: Custody | None = None

    def __repr__(self) -> str:
        return f"<BusClient of {self._bus}{f', {self.agent}' if self.agent else ''}>"

    # -- publishing

    async def publish(  # noqa: PLR0913 -- a message has so many fields, each with a default
        self,
        topic: str,
        payload: object,
        *,
        metadata: Mapping[str, str] | None = None,
        ttl: float = 0.0,
        from_agent: str | None = None,
        id: str | None = None,
        time: float | None = None,
    ) -> ask.Published:
        """Give *payload* to all who have subscribed to *topic*, and return how many have it and have missed it.

        Nobody waits for a subscriber. Waits only for the bus, if that is being restarted, and is not always a
        checkpoint. With a *ttl* it is not received later than so many seconds after *time*, which is now. Where the bus
        has a store, a large payload is stored first, and a `Reference` is given in its place: see `resolve`.

        Raises `BadTopicError`, `BusRequestError`, and what `StoreClient.store` does; then nothing was published.
        """
        message = TopicMessage(
            topic,
            payload,
            (self.agent if from_agent is None else from_agent) or self._name_for(topic),
            {} if metadata is None else dict(metadata) if isinstance(metadata, dict) else metadata,
            (self._message_now() if ttl else self._now()) if time is None else time,
            ttl,
            new_message_id() if id is None else id,
        )
        if BUS_PUBLISH.listeners:
            return await self._publish_told(message)
        try:
            published: Any = await self._bus.call(message)
        except UNANSWERED as error:
            published = await self._publish_again(message, error)
        if type(published) is not ask.Published:
            return await self._publish_again(await self._stored(message, published))
        return published

    async def _publish_again(self, message: TopicMessage, error: Exception | None = None) -> ask.Published:
        """Publish what no bus has seen yet, if *error* says so, in the rest of patience."""
        deadline = trio.current_time() + self.patience
        while True:
            if isinstance(error, NoProcessError):
                await self._wait_for_bus(error, deadline)
            elif error is not None:
                raise unknown_outcome(message, error) from error
            try:
                published: Any = await self._bus.call(message)
            except UNANSWERED as latest:
                error = latest
                continue
            if type(published) is ask.Published:
                return published
            message, error = await self._stored(message, published), None

    async def _stored(self, message: TopicMessage, promote: ask.Promote) -> TopicMessage:
        """Store the payload of *message*, and return a message that has a reference in its place."""
        custody, packed = promote
        reference = await custody.store.store(packed.data, content_type=packed.content_type, ttl=KEPT_SECONDS)
        # If the same bytes were stored before as something else, the store has that.
        reference = attrs.evolve(reference, content_type=packed.content_type)
        message = attrs.evolve(message, payload=reference)
        custody.keep(message, reference)
        return message

    def _name_for(self, topic: object) -> str:
        """Return who publishes, where that was not said."""
        name = _current_name()
        if not name:
            raise BusRequestError(f"a message to {shown(topic)} needs the name of an agent; got ''")
        return name

    async def _publish_told(self, message: TopicMessage) -> ask.Published:
        told = {"topic": message.topic, "from_agent": message.from_agent, "message_id": message.id}
        with BUS_PUBLISH.begin(**told) as span:
            if TRACEPARENT not in message.metadata:
                metadata = {**message.metadata, TRACEPARENT: span.context.traceparent}
                message = attrs.evolve(message, metadata=metadata)
            published = await self._publish_again(message)
            span.measure(delivered=published.delivered, dropped=published.dropped)
        return published

    # -- subscribing

    async def subscribe(
        self,
        pattern: str,
        *,
        agent: str | None = None,
        filter: TopicFilter | None = None,  # noqa: A002 -- as the field is named
        buffer_size: int = BUFFER_SIZE,
        overflow: Overflow = "drop_newest",
    ) -> Subscription:
        """Subscribe to the topics that *pattern* stands for, from when this returns; within an actor, until that ends.

        Up to *buffer_size* messages wait to be received (0 or less: 100); of more, the new one is dropped, or the
        oldest. Cancelled, it has subscribed to nothing.

        Raises ``PatternError``, `BusRequestError`.
        """
        process = current_process()
        record = self._record(pattern, agent, filter, buffer_size, overflow)
        record = attrs.evolve(record, owner=None if process is None else process.ref)
        box = StreamBox(record, self._message_now, self.patience)
        return Subscription(self, record, box, await self._subscribe(record, box))

    async def subscribe_actor(
        self,
        pattern: str,
        *,
        agent: str | None = None,
        filter: TopicFilter | None = None,  # noqa: A002 -- as the field is named
        buffer_size: int = BUFFER_SIZE,
    ) -> str:
        """Have the current actor sent each `TopicMessage`, to `handle_info`, until it ends; return the id of that.

        While *buffer_size* messages of whatever kind wait in its mailbox, it is sent none; before the next it is sent
        `MessagesMissed`. A message that was sent does not expire any more.
        """
        ref = current_actor("subscribe and be sent messages as").ref
        record = self._record(pattern, agent, filter, buffer_size, "drop_newest", to=ref)
        await self._subscribe(record, ActorBox(record, ref, self._message_now))
        return record.id

    async def unsubscribe(self, subscription_id: str) -> ask.Unsubscribed:
        """End a subscription, and return what there was of it; what its buffer has can still be received.

        All numbers are 0 where the bus was closed before, or was restarted before it could answer.

        Raises `UnknownSubscriptionError`, also the second time.
        """
        if not isinstance(subscription_id, str) or not subscription_id:
            raise BusRequestError(f"the id of a subscription is a str that is not empty; got {subscription_id!r}")
        request = ask.Unsubscribe(subscription_id)
        if BUS_UNSUBSCRIBE.listeners:
            with BUS_UNSUBSCRIBE.begin(subscription_id=subscription_id):
                return await self._ask(request)
        return await self._ask(request)

    def _record(
        self,
        pattern: str,
        agent: str | None,
        filter: TopicFilter | None,  # noqa: A002 -- as the field is named
        buffer_size: int,
        overflow: Overflow,
        to: ActorRef | None = None,
    ) -> ask.Subscribed:
        pattern_of_topics(pattern)
        if not isinstance(filter, TopicFilter | None):
            raise BusRequestError(f"the filter of a subscription is a TopicFilter, or None; got {filter!r}")
        name = self.agent or _current_name() if agent is None else agent
        if not isinstance(name, str) or not name:
            raise BusRequestError(f"a subscription to {pattern!r} needs the name of an agent; got {name!r}")
        small = isinstance(buffer_size, int) and not isinstance(buffer_size, bool) and buffer_size <= 0
        return ask.Subscribed(
            id=new_message_id(),
            agent=name,
            pattern=pattern,
            filter=filter,
            owner=to,
            to_actor=to is not None,
            buffer_size=BUFFER_SIZE if small else buffer_size,
            overflow=overflow,
            created_at=self._now(),
        )

    async def _subscribe(self, record: ask.Subscribed, box: Box) -> int:
        if BUS_SUBSCRIBE.listeners:
            told = {"topic": record.pattern, "agent": record.agent, "subscription_id": record.id}
            with BUS_SUBSCRIBE.begin(**told, buffer_size=record.buffer_size):
                return await self._make(record, box)
        return await self._make(record, box)

    async def _make(self, record: ask.Subscribed, box: Box) -> int:
        try:
            return await self._ask(ask.Subscribe(record, box))
        except BaseException:
            # The bus may have it all the same: then it lets go of it at once, or when it starts again.
            box.end()
            if self._bus.alive:
                self._bus.cast(ask.Unsubscribe(record.id, again=True))
            raise

    # -- being woken up

    async def register_wake_up(self, subscription_id: str, wake_up: WakeUp) -> None:
        """Have *wake_up* sent the id after each delivery to a subscription, also of another client, and at its end.

        So one task can wait for many. Nobody waits for it: while it is full, one wake-up stands for all. An id that
        is unknown is ignored. It takes the place of the one before, and outlives restarts of the bus.
        """
        if not isinstance(wake_up, trio.MemorySendChannel):
            raise BusRequestError(f"a wake-up is a trio.MemorySendChannel; got {shown(wake_up)}")
        await self._ask(ask.SetWakeUp(subscription_id, wake_up))

    async def wake_up_of(self, subscription_id: str) -> WakeUp | None:
        """Return what was registered for a subscription; None if there is nothing, or no such subscription."""
        return await self._ask(ask.GetWakeUp(subscription_id))

    async def unregister_wake_up(self, subscription_id: str) -> None:
        """Send nothing more to what was registered; an id that is unknown is ignored."""
        await self._ask(ask.SetWakeUp(subscription_id, None))

    # -- what goes by reference

    async def resolve(self, message: TopicMessage) -> Any:
        """Return the payload of *message* as it was published, by value or by reference.

        The value is kept for as long as anybody has the message, but for a day at most. Raises what
        `StoreClient.resolve` does, and `BusRequestError` where the bus has no store.
        """
        if not isinstance(message, TopicMessage):
            raise BusRequestError(f"{shown(message)} is no TopicMessage, which is what a subscription gives")
        reference = message.payload
        if not isinstance(reference, Reference):
            await trio.lowlevel.checkpoint()
            return reference
        if self._custody is None:
            self._custody = await self._ask(ask.GetCustody())
        if self._custody is None:
            raise BusRequestError(f"{self._bus} has no store, and what was published to {message.topic} is {reference}")
        return unpacked(await self._custody.store.resolve(reference), reference.content_type)

    # -- looking

    async def subscriptions(self, agent: str | None = None) -> tuple[ask.SubscriptionInfo, ...]:
        """Return the subscriptions of *agent*, or of all, as they are at one moment; of a closed bus none.

        With many others have their turn meanwhile; what each has dropped is counted until it is looked at.
        """
        return await subscription_infos(await self._ask(ask.ListSubscriptions()), agent)

    async def topics(self, pattern: str = "", *, include_inactive: bool = True) -> tuple[ask.TopicInfo, ...]:
        """Return the names that were published or subscribed to and that *pattern* means, sorted; of a closed bus none.

        They are those of one moment; with many others have their turn meanwhile. Without those that are inactive, only
        such that somebody has subscribed to when they are looked at, some after the others; that takes as long as to
        publish to each. Raises ``PatternError``.
        """
        parsed = None if pattern in ("", "**") else pattern_of_topics(pattern)
        names = await names_in_order(await self._ask(ask.ListNames()), parsed)
        if not include_inactive:
            active = [await self._ask(ask.WhichActive(tuple(some))) for some in batches(names, ACTIVE_AT_ONCE)]
            names = chain.from_iterable(active)
        return await topic_infos(names)

    async def topic_statistics(self, topic: str) -> ask.TopicStatistics:
        """Return what has happened with a topic, or with a pattern; raises `UnknownTopicError`."""
        return await self._ask(ask.GetTopicStatistics(topic))

    async def statistics(self) -> ask.BusStatistics:
        """Return totals, also of a closed bus."""
        return await self._ask(ask.GetBusStatistics())

    async def close(self) -> None:
        """End all subscriptions, and have the bus refuse messages and subscriptions. Closing again does nothing."""
        ended = await self._ask(ask.CloseBus())
        await ended.wait()

    # -- asking

    async def _ask(self, request: Call[R]) -> R:
        """Ask what may be asked twice, until the bus has answered."""
        deadline = trio.current_time() + self.patience
        unknown: Exception | None = None
        while True:
            try:
                return await self._bus.call(request)
            except NoProcessError as error:
                await self._wait_for_bus(unknown or error, deadline)
            except ActorExitedError as error:
                unknown = unknown_outcome(request, error)
                if unknown is not error:
                    unknown.__cause__ = error
                await self._wait_for_bus(unknown, deadline)
                request = _asked_again(request)
            except CallTimeoutError as error:
                raise unknown_outcome(request, error) from error

    async def _wait_for_bus(self, error: Exception, deadline: float) -> None:
        """Wait until somebody has its name; raise *error* if that is no name, or the time is over."""
        for retry in count(1):
            if isinstance(self._bus, ActorRef) or trio.current_time() >= deadline:
                raise error
            if self._bus.alive:
                break
            await trio.sleep(min(BETWEEN.seconds(retry), deadline - trio.current_time()))
        await trio.lowlevel.checkpoint()


def _asked_again(request: Any) -> Any:
    return attrs.evolve(request, again=True) if isinstance(request, ask.Unsubscribe) else request


def _current_name() -> str:
    process = current_process()
    return "" if process is None else process.name or ""

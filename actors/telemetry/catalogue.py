"""The catalogue: all that this library tells, and what each attribute means.

Names come in segments: the part, and what it does. Of a span, the third is start, stop or exception.
"""

from __future__ import annotations

from typing import Final

from actors.telemetry.event import Event
from actors.telemetry.span import Span, Spans

# -- topics

BUS_PUBLISH: Final = Span(
    "bus.publish",
    "A client publishes a message.",
    metadata=("topic", "from_agent", "message_id"),
    measured=("delivered", "dropped"),
)
BUS_SUBSCRIBE: Final = Span(
    "bus.subscribe",
    "A client subscribes to the topics of a pattern.",
    metadata=("topic", "agent", "subscription_id", "buffer_size"),
)
BUS_UNSUBSCRIBE: Final = Span("bus.unsubscribe", "A client ends a subscription.", metadata=("subscription_id",))
BUS_DELIVER: Final = Event(
    "bus.deliver",
    "The bus has offered a message to a subscription, which has taken it, or one was dropped for lack of room.",
    measurements=("delivered", "dropped"),
    metadata=("topic", "from_agent", "message_id", "agent", "subscription_id"),
)
BUS_FILTER: Final = Event(
    "bus.filter",
    "The bus has asked the filter of a subscription whether a message passes.",
    measurements=("latency_us",),
    metadata=("topic", "from_agent", "message_id", "agent", "subscription_id", "passed"),
)

# -- the queue

QUEUE_ENQUEUE: Final = Span(
    "queue.enqueue",
    "A client puts a message, which is stored when this stops.",
    metadata=("recipient", "from_agent", "message_id", "correlation_id", "priority"),
)
QUEUE_SEND_AND_RECEIVE: Final = Span(
    "queue.send_and_receive",
    "A client puts a request, and has the reply when this stops.",
    metadata=("recipient", "from_agent", "message_id", "correlation_id"),
)
QUEUE_DEQUEUE: Final = Event(
    "queue.dequeue",
    "The queue has leased a message to whoever asked for one.",
    measurements=("dequeue_count", "waited_us"),
    metadata=("recipient", "from_agent", "message_id", "correlation_id", "priority"),
)
QUEUE_ACK: Final = Event(
    "queue.ack",
    "A message was acknowledged: the queue is done with it.",
    measurements=("dequeue_count",),
    metadata=("recipient", "from_agent", "message_id", "correlation_id", "priority"),
)
QUEUE_REQUEUE: Final = Event(
    "queue.requeue",
    "A leased message has come back: given back, or its lease ran out, or its consumer ended.",
    measurements=("dequeue_count", "delay"),
    metadata=("recipient", "from_agent", "message_id", "correlation_id", "priority", "status", "reason"),
)
QUEUE_PERSIST: Final = Span(
    "queue.persist",
    "The queue has its store write a batch: messages, and what became of others.",
    metadata=("actor",),
    measured=("count",),
)
QUEUE_RECOVER: Final = Span(
    "queue.recover",
    "A queue that starts finds what is in its store.",
    metadata=("actor",),
    measured=("recovered_count",),
)

# -- shared notes

SHARED_MEMORY_PUT: Final = Span(
    "shared_memory.put",
    "A client stores a value under a key.",
    metadata=("agent", "namespace", "scope", "key"),
    measured=("size",),
    noted=("version", "created", "compressed"),
)
SHARED_MEMORY_GET: Final = Span(
    "shared_memory.get",
    "A client reads an entry.",
    metadata=("agent", "namespace", "scope", "key"),
    noted=("version",),
)
SHARED_MEMORY_DELETE: Final = Span(
    "shared_memory.delete",
    "A client deletes an entry.",
    metadata=("agent", "namespace", "scope", "key"),
    noted=("version",),
)
SHARED_MEMORY_LIST: Final = Span(
    "shared_memory.list",
    "A client lists the keys that a pattern means.",
    metadata=("agent", "namespace", "scope", "pattern"),
    measured=("count",),
)
SHARED_MEMORY_WATCH: Final = Span(
    "shared_memory.watch",
    "A client begins to watch the keys that a pattern means.",
    metadata=("agent", "namespace", "scope", "pattern", "buffer_size"),
)

# -- large payloads

STORE_STORE: Final = Span(
    "store.store",
    "A client stores a value, and holds it.",
    metadata=(),
    measured=("size",),
    noted=("reference_id",),
)
STORE_RESOLVE: Final = Span(
    "store.resolve", "A client fetches and verifies a value.", metadata=("reference_id",), measured=("size",)
)
STORE_RETAIN: Final = Span(
    "store.retain",
    "A client holds a value once more, or several times.",
    metadata=("reference_id",),
    measured=("count",),
)
STORE_RELEASE: Final = Span(
    "store.release", "A client holds a value once less.", metadata=("reference_id",), measured=("holders",)
)
STORE_DELETE: Final = Span(
    "store.delete", "A client removes a value, whoever holds it.", metadata=("reference_id",), noted=("deleted",)
)
STORE_LIST: Final = Span("store.list", "A client lists the references.", metadata=(), measured=("count",))
STORE_COLLECT: Final = Event(
    "store.collect",
    "The store has removed values that expired or that nobody holds, many in several turns.",
    measurements=("count",),
    metadata=("actor",),
)
STORE_QUARANTINE: Final = Event(
    "store.quarantine",
    "The store has set a value apart that is not what was stored.",
    measurements=("size",),
    metadata=("reference_id", "reason"),
)

# -- the router

ROUTER_SEND: Final = Span(
    "router.send",
    "A client sends a message through a router, which has it when this stops; a durable one is stored then.",
    metadata=("router", "target", "message_type"),
    noted=("message_id",),
)
ROUTER_DELIVER: Final = Event(
    "router.deliver",
    "A router has put a message into the mailbox of its receiver.",
    measurements=("attempts",),
    metadata=("router", "target", "message_id", "guarantee"),
)
ROUTER_ACKNOWLEDGE: Final = Event(
    "router.acknowledge",
    "A message that was sent at least once was handled.",
    measurements=("attempts", "delivery_seconds"),
    metadata=("router", "target", "message_id", "guarantee"),
)
ROUTER_GIVE_UP: Final = Event(
    "router.give_up",
    "A router has given a message up: its attempts failed, or its time is over. It is a dead letter.",
    measurements=("attempts", "delivery_seconds"),
    metadata=("router", "target", "message_id", "guarantee", "error"),
)
ROUTER_BREAKER: Final = Event(
    "router.breaker",
    "The circuit breaker of a target has changed its state.",
    measurements=("failures",),
    metadata=("router", "target", "before", "after"),
)

# -- actors

MESSAGES: Final = Spans()
"""The spans of messages: while somebody listens to one of them, messages carry the span that they were sent in."""

ACTOR_CALL: Final = Span(
    "actor.call",
    "Somebody calls an actor, and has its answer when this stops.",
    metadata=("actor", "message_type"),
    together=MESSAGES,
)
ACTOR_HANDLE: Final = Span(
    "actor.handle",
    "An actor handles a call, a cast or an info; a part of the span that this was sent in.",
    metadata=("actor", "callback", "message_type"),
    together=MESSAGES,
)
ACTOR_STARTED: Final = Event("actor.started", "An actor is up: its init has returned.", metadata=("actor", "parent"))
ACTOR_EXITED: Final = Event("actor.exited", "An actor is dead.", metadata=("actor", "parent", "reason"))
SUPERVISOR_RESTARTED: Final = Event(
    "supervisor.restarted",
    "A supervisor has restarted a child, or a sibling along with it.",
    measurements=("restarts",),
    metadata=("actor", "child", "supervisor"),
)

ATTRIBUTES: Final[dict[str, str]] = {
    "actor": "the `ActorRef` it is about",
    "after": "the `BreakerState` it has now",
    "agent": "who subscribes, reads or writes",
    "attempts": "how many attempts were made, this one included",
    "before": "the `BreakerState` it had",
    "buffer_size": "how many messages or changes may wait to be received",
    "callback": "which callback runs",
    "canceled": "whether it ended because whoever waited was cancelled",
    "child": "its id in its supervisor",
    "compressed": "whether the value is compressed where it is stored",
    "correlation_id": "what a request and its reply have in common; None for other messages",
    "count": "how many",
    "created": "whether there was no such entry before",
    "delay": "seconds until it can be leased again",
    "deleted": "whether there was such a value",
    "delivered": "how many subscriptions have the message",
    "delivery_seconds": "how long ago it was sent, on trio's clock",
    "dequeue_count": "how often the message was leased so far",
    "dropped": "how many messages were dropped: this one, or an older one in its place",
    "error": "the exception that ended it",
    "event": "the name of the event that it was called with",
    "failures": "how many failures there were since the last success",
    "from_agent": "who the message is from",
    "guarantee": "the `Guarantee` it was sent with",
    "handler_id": "what it was attached under",
    "holders": "how many still hold the value",
    "key": "the name of the entry",
    "latency_us": "how long it took, in microseconds",
    "message_id": "the id of the message",
    "message_type": "the name of the class of the message",
    "namespace": "the `Namespace` of the key",
    "parent": "the `ActorRef` of the actor that started it; None for the root",
    "passed": "whether the filter let the message pass",
    "pattern": "which keys are meant; empty for all",
    "priority": "the greater, the sooner",
    "reason": "why: an exit reason, or a text",
    "recipient": "who the message is for",
    "recovered_count": "how many messages were found",
    "reference_id": "the SHA-256 of the value",
    "restarts": "how often the child itself has failed and was restarted; a sibling's may be 0",
    "router": "the name of the router",
    "scope": "which part of the namespace",
    "size": "how many bytes the value has; of a put, where it is stored",
    "span": "the `SpanContext`, the same for all three events",
    "status": "the `MessageStatus` it has now",
    "subscription_id": "the id of the subscription",
    "success": "whether it ended well",
    "supervisor": "the `ActorRef` of the supervisor",
    "system_time": "when, in seconds since 1970",
    "target": "whom the message is for: a name, or a reference",
    "timeout": "whether it ended because it took too long",
    "topic": "the topic, or the pattern that is subscribed to",
    "version": "that of the entry; 0 if there is none",
    "waited_us": "how long the message could be leased and was not, in microseconds",
}
"""What each attribute means, wherever it occurs."""

"""What a queue is called with. `QueueClient` has a method for each; the messages are for those who write another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import attrs

from actors.message import Call
from actors.queue import checks
from actors.queue.behaviour import Record
from actors.queue.errors import MessageRefusedError
from actors.queue.states import MessageStatus
from actors.show import shown

if TYPE_CHECKING:
    from actors.queue.message import Content, QueueMessage


class Lease(NamedTuple):
    """One message, hidden from everybody else until a time."""

    message: QueueMessage
    until: float
    """In seconds since 1970."""
    seq: int
    epoch: int
    """The number of the message, and the incarnation of the queue, which together know the lease again."""


@attrs.frozen
class PendingInfo:
    """One message that waits, without its content."""

    message_id: str
    sender: str
    type: str
    enqueued_at: float
    size_bytes: int
    """Of the payload as it is stored."""


@attrs.frozen
class DeadMessage:
    """A message that nobody will lease any more, unless it is replayed."""

    message: QueueMessage
    finished_at: float
    error: str
    seq: int
    """The number of the message."""

    def __repr__(self) -> str:
        message = self.message
        leases = f"{message.dequeue_count} lease{'' if message.dequeue_count == 1 else 's'}"
        what = f"{shown(message.payload)} for {message.recipient} {message.status.name.lower()} after {leases}"
        return f"<DeadMessage {message.id!r}: {what}: {self.error}>"


@attrs.frozen
class QueueStatistics:
    """What a queue has done since it was opened, and how much it holds."""

    enqueued: int
    dequeued: int
    acked: int
    returned: int
    failed: int
    expired: int
    corrupt: int
    ready: int
    """How many can be leased now."""
    in_flight: int
    recipients: int
    """For how many recipients something waits."""


@attrs.frozen
class MessagesWaiting:
    """Something waits for *recipient*, for whom nothing waited before; sent to those who `Watch`."""

    recipient: str


def _is_lease(_request: object, _field: attrs.Attribute[Any], value: object) -> None:
    if not isinstance(value, Lease):
        raise MessageRefusedError(f"{value!r} is no Lease, which is what leasing a message returns")


def _are_leases(_request: object, field: attrs.Attribute[Any], value: tuple[object, ...]) -> None:
    for one in value:
        _is_lease(_request, field, one)


class Put(NamedTuple):
    """Store a message; answered with its id when it is stored. It is a tuple for the sake of speed."""

    id: str
    given: bool
    """Whether the id may be that of a message that is there already, which then counts as this one."""
    recipient: str
    content: Content
    priority: int = 0
    delay: float = 0.0
    expires_after: float | None = None
    max_retries: int | None = None
    check: bool = False
    """Whether the recipient has to be known."""
    again: bool = False
    """Whether this was asked before and the answer did not come."""


@attrs.frozen
class Ask(Call[Any]):
    """Store a request; answered with the payload of the reply to it."""

    put: Put


@attrs.frozen
class Take(Call[tuple[Lease, ...]]):
    """Lease up to so many messages; answered when there is one, or at once if *wait* is false."""

    recipient: str = attrs.field(validator=checks.recipient)
    most: int = attrs.field(default=1, validator=checks.most)
    seconds: float | None = attrs.field(default=None, validator=checks.lease_seconds)
    wait: bool = True


@attrs.frozen
class Ack(Call[None]):
    """Be done with messages: all of them, or none if one is not in flight under its lease."""

    leases: tuple[Lease, ...] = attrs.field(validator=_are_leases)


@attrs.frozen
class Nack(Call[MessageStatus]):
    """Give a message back, to be leased again after a delay; answered with what it is now."""

    lease: Lease = attrs.field(validator=_is_lease)
    delay: float | None = attrs.field(validator=checks.delay)
    """Seconds; None for the backoff of the queue."""
    error: str = attrs.field(converter=checks.told)
    final: bool = False
    """Whether it is to be a dead letter at once."""


@attrs.frozen
class Extend(Call[Lease]):
    """Begin the lease anew."""

    lease: Lease = attrs.field(validator=_is_lease)
    seconds: float = attrs.field(validator=checks.seconds)


@attrs.frozen
class Depth(Call[int]):
    """How many messages of a recipient can be leased now."""

    recipient: str = attrs.field(validator=checks.recipient)


@attrs.frozen
class Recipients(Call[tuple[str, ...]]):
    """For whom messages can be leased now."""


@attrs.frozen
class ListPending(Call[tuple[PendingInfo, ...]]):
    """What can be leased now, in that order, without leasing it."""

    recipient: str = attrs.field(validator=checks.recipient)
    most: int = attrs.field(validator=checks.most)


@attrs.frozen
class ListDead(Call[tuple[DeadMessage, ...]]):
    """Dead letters, the oldest first, that became so after this time and number."""

    after: tuple[float, int]
    most: int = attrs.field(validator=checks.most)


@attrs.frozen
class FindDead(Call[DeadMessage]):
    """The dead letter of an id."""

    message_id: str = attrs.field(validator=checks.message_id)


@attrs.frozen
class ListCorrupt(Call[tuple[Record, ...]]):
    """Rows that could not be read back, as they are stored."""

    most: int = attrs.field(validator=checks.most)


@attrs.frozen
class Replay(Call[None]):
    """Make a dead letter a message that was just put, in its old place."""

    message_id: str = attrs.field(validator=checks.message_id)


@attrs.frozen
class Discard(Call[None]):
    """Delete a dead letter."""

    message_id: str = attrs.field(validator=checks.message_id)


@attrs.frozen
class GetStatistics(Call[QueueStatistics]):
    """Count."""


@attrs.frozen
class IsKnown(Call[bool]):
    """Whether there is such a recipient."""

    recipient: str = attrs.field(validator=checks.recipient)


@attrs.frozen
class Watch(Call[None]):
    """Send the caller, an actor, `MessagesWaiting` now and whenever a recipient has something after having nothing."""

    recipient: str = attrs.field(validator=checks.recipient)
    stop: bool = False


@attrs.frozen
class Close(Call[None]):
    """Refuse everything from now on."""

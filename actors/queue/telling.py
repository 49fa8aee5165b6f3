"""Telling: what listeners are told of the messages of a queue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from actors.telemetry import QUEUE_ACK, QUEUE_DEQUEUE, QUEUE_PERSIST, QUEUE_REQUEUE

if TYPE_CHECKING:
    from actors.queue.behaviour import Done
    from actors.queue.lanes import Entry
    from actors.queue.requests import Put
    from actors.queue.states import MessageStatus
    from actors.ref import ActorRef


def tell_dequeue(entry: Entry, now: float) -> None:
    """Tell that *entry* was leased."""
    waited = max(0.0, now - entry.available_at) * 1e6
    QUEUE_DEQUEUE.emit({"dequeue_count": entry.dequeue_count, "waited_us": waited}, _told(entry))


def tell_ack(entry: Entry) -> None:
    """Tell that the queue is done with *entry*."""
    QUEUE_ACK.emit({"dequeue_count": entry.dequeue_count}, _told(entry))


def tell_requeue(entry: Entry, status: MessageStatus, delay: float, reason: str) -> None:
    """Tell that *entry* has come back, to be leased again or not."""
    measured = {"dequeue_count": entry.dequeue_count, "delay": delay}
    QUEUE_REQUEUE.emit(measured, {**_told(entry), "status": status, "reason": reason})


def persist_told(done: Done, queue: ActorRef, count: int) -> Done:
    """Tell that a batch is on its way to the store, and return what calls *done* and tells how that ended."""
    span = QUEUE_PERSIST.begin(actor=queue)

    def report(error: Exception | None) -> None:
        if error is None:
            span.measure(count=count)
            span.stop()
        else:
            span.fail(error)
        done(error)

    return report


def told_of_request(put: Put) -> dict[str, Any]:
    """Return what is told of a message that somebody puts."""
    return {
        "recipient": put.recipient,
        "from_agent": put.content.sender,
        "message_id": put.id,
        "correlation_id": put.content.correlation_id,
    }


def _told(entry: Entry) -> dict[str, Any]:
    row = entry.row
    return {
        "recipient": row.recipient,
        "from_agent": row.sender,
        "message_id": row.id,
        "correlation_id": row.correlation_id,
        "priority": row.priority,
    }

"""QueueClient: how everybody else puts messages into a queue and leases them, also across its restarts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

import trio

from actors.backoff import Backoff
from actors.errors import ActorExitedError, CallTimeoutError, NoProcessError
from actors.name_ref import NameRef
from actors.options import check_seconds, is_number
from actors.queue import requests as ask
from actors.queue.drafts import carrying, content_of, put_of
from actors.queue.errors import MessageRefusedError, NoAnswerError, OutcomeUnknownError, RetriesExceededError
from actors.queue.intake import intake_of
from actors.queue.message import QueueMessage
from actors.queue.message_id import new_message_id
from actors.queue.requests import DeadMessage
from actors.queue.states import FAILED
from actors.queue.telling import told_of_request
from actors.ref import ActorRef
from actors.show import shown
from actors.telemetry import QUEUE_ENQUEUE, QUEUE_SEND_AND_RECEIVE
from actors.unanswered import deadline_after

if TYPE_CHECKING:
    from collections.abc import Mapping

    from actors.message import Call
    from actors.queue.behaviour import Record
    from actors.queue.requests import Lease, PendingInfo, Put, QueueStatistics
    from actors.queue.states import MessageStatus

R = TypeVar("R")

ANSWER_SECONDS: Final = 30.0
"""How long `send_and_receive` waits unless told otherwise."""

BETWEEN: Final = Backoff(0.005, max_seconds=0.25)
"""How long to wait before looking again for a queue that is being restarted."""


class QueueClient:
    """A queue as its users see it.

    *queue* is best a name (``system.named("queue")``): what is asked while the queue is being restarted is then asked
    again of its next incarnation, for *patience* seconds. A put that was asked twice is stored once. Delivery is at
    least once: whoever leases a message may see it again, if it does not acknowledge it in time.

    Every method raises `QueueClosedError` for a closed queue, ``NoProcessError`` if there is none, and
    `OutcomeUnknownError` where it is not known whether the queue did what it was asked.
    """

    def __init__(self, queue: ActorRef | NameRef, *, sender: str = "", patience: float = 5.0) -> None:
        if not isinstance(queue, ActorRef | NameRef):
            raise TypeError(f"a QueueClient is of an ActorRef or a NameRef (system.named(...)); got {queue!r}")
        if not isinstance(sender, str):
            raise TypeError(f"the sender of a QueueClient is a str; got {sender!r}")
        check_seconds("patience", patience)
        self._queue = queue
        self.sender = sender
        """Who the messages are from, unless that is said with them; where replies go to."""
        self.patience = patience

    def __repr__(self) -> str:
        return f"<QueueClient of {self._queue}{f', {self.sender}' if self.sender else ''}>"

    # -- putting

    async def put(  # noqa: PLR0913 -- a message has so many fields, each with a default
        self,
        recipient: str,
        payload: object,
        *,
        sender: str | None = None,
        type: str = "",  # noqa: A002 -- as the field is named
        metadata: Mapping[str, Any] | None = None,
        correlation_id: str | None = None,
        priority: int = 0,
        delay: float = 0.0,
        expires_after: float | None = None,
        max_retries: int | None = None,
        id: str | None = None,
    ) -> str:
        """Store a message for *recipient*, and return its id once it is stored; who the recipient is does not matter.

        It can be leased in *delay* seconds, and not later than *expires_after* seconds from now. It is leased
        *max_retries* times at most, a greater *priority* first. With an *id* that a message of the queue has already,
        nothing is stored: that one counts.

        Raises `MessageRefusedError` if something is not as it must be, `StoreFailedError` if it cannot be stored.
        Cancelled, it may be stored all the same.
        """
        content = content_of(self.sender if sender is None else sender, type, payload, metadata, correlation_id)
        put = put_of(
            recipient,
            content,
            priority=priority,
            delay=delay,
            expires_after=expires_after,
            max_retries=max_retries,
            message_id=id,
        )
        if QUEUE_ENQUEUE.listeners:
            return await self._put_told(put)
        return await self._put(put)

    async def send(
        self,
        recipient: str,
        payload: object,
        *,
        sender: str | None = None,
        type: str = "",  # noqa: A002 -- as the field is named
        metadata: Mapping[str, Any] | None = None,
    ) -> str:
        """As `put` with its defaults, but raise `UnknownRecipientError` if the queue can tell that there is none."""
        content = content_of(self.sender if sender is None else sender, type, payload, metadata)
        put = put_of(recipient, content, check=True)
        if QUEUE_ENQUEUE.listeners:
            return await self._put_told(put)
        return await self._put(put)

    async def send_and_receive(
        self,
        recipient: str,
        payload: object,
        *,
        sender: str | None = None,
        type: str = "",  # noqa: A002 -- as the field is named
        metadata: Mapping[str, Any] | None = None,
        timeout: float | None = None,
    ) -> Any:
        """Store a request, wait for the reply to it, and return the payload of that.

        Waits *timeout* seconds, and 30 for None or 0. Then, or when it is cancelled, the request stays, and a reply
        that still comes is put into the queue of the sender.

        Raises `NoAnswerError` when the time is over, `UnknownRecipientError`, and whatever `put` raises.
        """
        seconds = _answer_seconds(timeout)
        requester = self.sender if sender is None else sender
        if not requester:
            raise MessageRefusedError("a request needs a sender, who is sent the reply")
        content = content_of(requester, type, payload, metadata, new_message_id(), "request")
        put = put_of(recipient, content, check=True)
        if QUEUE_SEND_AND_RECEIVE.listeners:
            with QUEUE_SEND_AND_RECEIVE.begin(**told_of_request(put)) as span:
                return await self._receive(carrying(put, span.context), seconds)
        return await self._receive(put, seconds)

    async def reply(self, request: QueueMessage, payload: object, *, type: str = "") -> str:  # noqa: A002 -- as above
        """Answer *request*: give *payload* to who waits for it, or put it into the queue of who sent the request.

        Acknowledge the request as well; this does not.
        """
        if not isinstance(request, QueueMessage):
            raise MessageRefusedError(f"{request!r} is no QueueMessage; what is replied to is the message of a lease")
        if request.kind != "request":
            raise MessageRefusedError(f"message {request.id} is no request: its kind is {request.kind!r}")
        content = content_of(request.recipient, type, payload, None, request.correlation_id, "reply")
        put = put_of(request.sender, content)
        if QUEUE_ENQUEUE.listeners:
            return await self._put_told(put)
        return await self._put(put)

    # -- leasing

    async def lease(self, recipient: str, *, seconds: float | None = None) -> Lease:
        """Take the first message for *recipient*, and hide it from everybody else for *seconds* (the queue's 30).

        Waits until there is one. The highest priority comes first, and of one priority what was put first. The lease
        ends with `ack`, `nack` and `requeue`, with its time, and with the actor that took it. Cancelled while it
        waits, it leaves the queue as it was.
        """
        leases = await self._insist(ask.Take(recipient, 1, seconds))
        return leases[0]

    async def lease_many(
        self, recipient: str, most: int, *, seconds: float | None = None, wait: bool = False
    ) -> tuple[Lease, ...]:
        """Take up to *most* messages, those that there are; only with *wait* wait until there is one."""
        return await self._insist(ask.Take(recipient, most, seconds, wait))

    async def ack(self, *leases: Lease) -> None:
        """Be done with the messages of *leases*.

        Raises `LeaseLostError` if one is not in flight under its lease; then nothing was done. It is stored within
        moments: should the program be killed before, they will be leased again.
        """
        await self._ask(ask.Ack(leases))

    async def nack(
        self, lease: Lease, *, delay: float | None = None, error: str = "it was not handled"
    ) -> MessageStatus:
        """Give a message back, to be leased again after *delay*: 0.1 s by default, and twice as long each time.

        Returns `MessageStatus.PENDING`, or `FAILED` if it was leased as often as it may be: then it is a dead letter
        with *error*.
        """
        return await self._ask(ask.Nack(lease, delay, error))

    async def requeue(self, lease: Lease, *, delay: float = 0.0) -> None:
        """Give a message back at once, in its old place.

        Raises `RetriesExceededError` if it was leased as often as it may be: it is a dead letter then.
        """
        if await self._ask(ask.Nack(lease, delay, "it was returned")) is FAILED:
            message = lease.message
            raise RetriesExceededError(
                f"message {message.id} for {message.recipient} was leased {message.dequeue_count} times, "
                f"of at most {message.max_retries}, and is a dead letter now",
                message.id,
            )

    async def reject(self, lease: Lease, error: str) -> None:
        """Make a message a dead letter, since trying again cannot help."""
        await self._ask(ask.Nack(lease, None, error, final=True))

    async def extend(self, lease: Lease, seconds: float) -> Lease:
        """Hide the message for *seconds* from now on, and return the lease that says so."""
        return await self._ask(ask.Extend(lease, seconds))

    # -- looking

    async def depth(self, recipient: str) -> int:
        """Return how many messages can be leased now."""
        return await self._ask(ask.Depth(recipient))

    async def agents_with_pending(self) -> tuple[str, ...]:
        """Return the recipients for whom there is something to lease."""
        return await self._ask(ask.Recipients())

    async def pending_info(self, recipient: str, *, most: int = 100) -> tuple[PendingInfo, ...]:
        """Return what can be leased now, in that order, without leasing it."""
        return await self._ask(ask.ListPending(recipient, most))

    async def agent_exists(self, recipient: str) -> bool:
        """Tell whether there is such a recipient, as far as the queue can tell: if not, there is."""
        return await self._ask(ask.IsKnown(recipient))

    async def statistics(self) -> QueueStatistics:
        """Return what the queue has done and has."""
        return await self._ask(ask.GetStatistics())

    async def watch(self, recipient: str) -> None:
        """Have the current actor sent `MessagesWaiting` whenever something comes for a recipient who had nothing.

        It is sent at once if there is something, and not again before there was nothing. It ends with the queue's
        incarnation: monitor the queue, and watch again.
        """
        await self._ask(ask.Watch(recipient))

    async def unwatch(self, recipient: str) -> None:
        """Take back `watch`."""
        await self._ask(ask.Watch(recipient, stop=True))

    # -- dead letters

    async def dead_letters(self, *, after: DeadMessage | None = None, most: int = 100) -> tuple[DeadMessage, ...]:
        """Return up to *most* messages that failed or expired, the oldest first; give the last to see the next."""
        if not isinstance(after, DeadMessage | None):
            raise MessageRefusedError(f"after is {after!r}; allowed is a DeadMessage, or None")
        begin = (float("-inf"), 0) if after is None else (after.finished_at, after.seq)
        return await self._ask(ask.ListDead(begin, most))

    async def replay(self, message_id: str) -> None:
        """Make a dead letter a message as it was when it was put; raises `NoDeadLetterError`."""
        await self._ask(ask.Replay(message_id))

    async def discard(self, message_id: str) -> None:
        """Delete a dead letter; raises `NoDeadLetterError`."""
        await self._ask(ask.Discard(message_id))

    async def corrupt_rows(self, *, most: int = 100) -> tuple[Record, ...]:
        """Return the rows that could not be read back and were set apart."""
        return await self._ask(ask.ListCorrupt(most))

    async def close(self) -> None:
        """Close the queue: everything but looking is refused from now on, and who waits is sent away."""
        await self._ask(ask.Close())

    # -- asking, and asking again

    async def _receive(self, put: Put, seconds: float) -> Any:
        try:
            return await self._ask(ask.Ask(put), seconds)
        except (CallTimeoutError, OutcomeUnknownError) as error:
            raise NoAnswerError(
                f"no reply from {put.recipient} to {put.id} came within {seconds} s; the request may still be handled",
                put.id,
            ) from error

    async def _put_told(self, put: Put) -> str:
        with QUEUE_ENQUEUE.begin(**told_of_request(put), priority=put.priority) as span:
            return await self._put(carrying(put, span.context))

    async def _put(self, put: Put) -> str:
        plain = not (put.given or put.check or put.content.kind)
        try:
            if plain and (intake := intake_of(self._queue)) is not None:
                return await intake.join(put, self.patience)
            stored: str = await self._queue.call(put, timeout=self.patience)
        except (NoProcessError, ActorExitedError) as error:
            stored = await self._again(put, error, self.patience)
        except CallTimeoutError as error:
            raise _unknown(put, error) from error
        return stored

    async def _ask(self, request: Call[R], seconds: float | None = None) -> R:
        timeout = self.patience if seconds is None else seconds
        try:
            return await self._queue.call(request, timeout=timeout)
        except (NoProcessError, ActorExitedError) as error:
            answer: R = await self._again(request, error, timeout)
            return answer

    async def _insist(self, request: Call[R]) -> R:
        """Ask without a limit of time, as long as the queue is never away for longer than it may be."""
        while True:
            try:
                return await self._queue.call(request, timeout=None)
            except (NoProcessError, ActorExitedError) as error:
                await self._wait_for_queue(error)

    async def _wait_for_queue(self, error: Exception) -> None:
        deadline = trio.current_time() + self.patience
        retry = 1
        while not self._queue.alive:
            if trio.current_time() >= deadline:
                raise error
            await trio.sleep(BETWEEN.seconds(retry))
            retry += 1
        await trio.lowlevel.checkpoint()

    async def _again(self, request: Call[R] | Put, error: Exception, seconds: float) -> Any:
        """Ask until *seconds* are over since it was first asked."""
        deadline = deadline_after(error, seconds)
        sent = isinstance(error, ActorExitedError)
        request = _asked_again(request)
        retry = 1
        while (left := deadline - trio.current_time()) > 0:
            await trio.sleep(min(left, BETWEEN.seconds(retry)))
            retry += 1
            try:
                return await self._queue.call(request, timeout=max(0.0, deadline - trio.current_time()))
            except NoProcessError as latest:
                error = latest
            except ActorExitedError as latest:
                error, sent = latest, True
            except CallTimeoutError as latest:
                raise _unknown(request, latest) from latest
        raise _unknown(request, error) if sent else error


def _asked_again(request: Any) -> Any:
    match request:
        case ask.Put() as put:
            return put._replace(again=True)
        case ask.Ask(put):
            return ask.Ask(put._replace(again=True))
        case _:
            return request


def _unknown(request: Any, error: Exception) -> OutcomeUnknownError:
    message_id = request.id if isinstance(request, ask.Put) else None
    return OutcomeUnknownError(f"whether the queue has done {shown(request)} is not known: {error}", message_id)


def _answer_seconds(timeout: float | None) -> float:
    if timeout is None or timeout == 0:
        return ANSWER_SECONDS
    if not (is_number(timeout) and timeout > 0):
        raise MessageRefusedError(f"the timeout of a request is {timeout!r}; allowed is a number of seconds, 0 or more")
    return timeout

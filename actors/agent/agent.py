"""Agent: an actor that sends data, and receives it, wherever that is on its way."""

from __future__ import annotations

from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, TypeVar

import attrs
import trio

from actors.actor import Actor
from actors.agent.checks import check_parts, check_text, client_of, seconds_to_answer
from actors.agent.errors import (
    AckTimeoutError,
    MessageMissingError,
    NameMissingError,
    PayloadCorruptError,
    PayloadEmptyError,
    PayloadMissingError,
    PayloadNotResolvedError,
    PolicyMissingError,
    QueueMissingError,
    StoreMissingError,
)
from actors.agent.hold import DAY, KEEP_SECONDS, MessageHold, ttl_of
from actors.agent.json_text import data_of, json_of
from actors.agent.message import REFERENCE_TYPES, AgentMessage, Payload, message_of, new_id, new_message, new_payload
from actors.delivery import DeliveryOptions, InvalidMessageError, RouterRef
from actors.errors import ActorError, NoProcessError
from actors.options import check_timeout
from actors.queue import (
    CorruptMessageError,
    Lease,
    MessageRefusedError,
    QueueClient,
    StoreFailedError,
    UnknownRecipientError,
)
from actors.show import shown
from actors.store import ReferenceType, StoreClient

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from actors.delivery import Receipt, Routing
    from actors.name_ref import NameRef
    from actors.queue import QueueMessage
    from actors.ref import ActorRef
    from actors.store import PolicyManager, Reference

T = TypeVar("T")

QUEUED_SECONDS: Final = DAY
QUEUED_RETRIES: Final = 3
PLAIN: Final = DeliveryOptions()

NOT_TAKEN: Final = (MessageRefusedError, NoProcessError, StoreFailedError, UnknownRecipientError)
"""What a queue raises that has certainly not taken the message. A closed one may have it, and hand it on later."""


class Agent(Actor):
    """An actor that sends data as JSON, in the message or as a reference to a store, and receives either alike.

    It has a name, and is given by name, or as a client, what it is to work with. Without a *store* and *policies* it
    sends nothing, and without a *queue* it neither queues nor pulls. The value of a message that goes by reference
    is kept until its receivers are done with it; where that cannot be known, until *keep* seconds after the time of
    the message. What it takes to send is looked at when something is sent.
    """

    _store: StoreClient | ActorRef | NameRef | str | None = None
    _policies: PolicyManager | None = None
    _queue: QueueClient | ActorRef | NameRef | str | None = None
    _router: Routing | str = "router"
    _keep: float = KEEP_SECONDS

    def __init__(
        self,
        *,
        store: StoreClient | ActorRef | NameRef | str | None = None,
        policies: PolicyManager | None = None,
        queue: QueueClient | ActorRef | NameRef | str | None = None,
        router: Routing | str = "router",
        keep: float = KEEP_SECONDS,
    ) -> None:
        check_parts(store, policies, queue, router, keep)
        self._store = store
        self._policies = policies
        self._queue = queue
        self._router = router
        self._keep = keep

    # -- what it works with

    @property
    def store(self) -> StoreClient:
        """The store of what goes by reference; raises `StoreMissingError`."""
        if not isinstance(self._store, StoreClient):
            if self._store is None:
                raise StoreMissingError(f"{self.ref} has no store of references: it was started without store=...")
            self._store = client_of(StoreClient, self._store, self.system)
        return self._store

    @property
    def policies(self) -> PolicyManager:
        """What decides which data goes by reference; raises `PolicyMissingError`."""
        if self._policies is None:
            raise PolicyMissingError(f"{self.ref} has no policies: it was started without policies=PolicyManager()")
        return self._policies

    @property
    def queue(self) -> QueueClient:
        """The queue that it puts messages into and pulls them from; raises `QueueMissingError`."""
        if not isinstance(self._queue, QueueClient):
            if self._queue is None:
                raise QueueMissingError(f"{self.ref} has no queue: it was started without queue=...")
            self._queue = client_of(partial(QueueClient, sender=self.address), self._queue, self.system)
        return self._queue

    @property
    def routing(self) -> Routing:
        """The router that its messages go through."""
        if isinstance(self._router, str):
            self._router = RouterRef(self.system, self._router)
        return self._router

    @property
    def address(self) -> str:
        """Its name, which others send to; raises `NameMissingError`."""
        name = self.name
        if name is None:
            raise NameMissingError(f"{self.ref} has no name: an agent sends under the name that it was started under")
        return name

    # -- sending through the router

    async def send(
        self, to: str, message_type: str, data: object, options: DeliveryOptions | None = None, *, id: str | None = None
    ) -> AgentMessage:
        """Have *data* delivered to the `handle_cast` of *to*, and return the message once the router has it.

        The receiver gets the message, and the data from `receive`. It is promised what *options* say, as for every
        message (`RouterRef.send`); one that goes by reference and at most once is done when it was handled.

        Raises `StoreMissingError` and `PolicyMissingError`, in this order and also for what would need neither,
        `NotSerialisableError`, and what storing the value and sending raise. Then nothing was sent and nothing stays
        stored. Cancelled, it may have been sent; its value may stay until it expires.
        """
        lifetime = _lifetime(options)
        message = await self.compose(to, message_type, data, seconds=lifetime, id=id)
        await self._route(message, options, lifetime, id)
        return message

    async def send_with_ack(
        self,
        to: str,
        message_type: str,
        data: object,
        timeout: float | None = None,
        options: DeliveryOptions | None = None,
    ) -> AgentMessage:
        """As `send`, and wait until *to* has handled the message, until *timeout* seconds from now (30 for None or 0).

        Raises `AckTimeoutError` then, with the message still on its way, and ``DeliveryFailedError`` as soon as it is
        given up.
        """
        seconds = seconds_to_answer(timeout)
        deadline = trio.current_time() + seconds
        lifetime = _lifetime(options)
        message = await self.compose(to, message_type, data, seconds=lifetime)
        receipt = await self._route(message, attrs.evolve(options or PLAIN, require_ack=True), lifetime)
        with trio.CancelScope(deadline=deadline):
            await receipt.acknowledged()
            return message
        raise AckTimeoutError(f"{to} did not acknowledge {message} within {seconds} s", message.id)

    async def compose(
        self, to: str, message_type: str, data: object, *, seconds: float = DAY, id: str | None = None
    ) -> AgentMessage:
        """Return the message that `send` would send, and send nothing.

        Its value, if it goes by reference, is held for whoever transmits it, who lets go of it
        (``self.store.release``); otherwise it expires, some time after the *seconds* that the message may take.
        """
        store, policies, sender = self.store, self._policies or self.policies, self._process.name or self.address
        check_text("receiver", to)
        check_text("type", message_type)
        text = json_of(data)
        size = len(text)
        policy = policies.get_policy(message_type)
        if policy.by_reference(message_type, size):
            ttl = ttl_of(seconds, self._keep)
            kind = REFERENCE_TYPES.get(message_type, ReferenceType.LARGE_PAYLOAD)
            reference = await store.store(text, type=kind, content_type="application/json", ttl=ttl)
            payload = new_payload(None, reference, size, reference.id)
        else:
            payload = new_payload(text, None, size, sha256(text).hexdigest())
        return new_message(id or new_id(), sender, to, message_type, payload, policy)

    async def _route(
        self, message: AgentMessage, options: DeliveryOptions | None, lifetime: float, id: str | None = None
    ) -> Receipt:
        hold = self._hold(message)
        if hold is None:
            return await self.routing.send(message.to, message, options, id=id)
        # What is done when it was sent would be let go of before it is handled.
        options = attrs.evolve(options or PLAIN, require_ack=True)
        try:
            receipt = await self.routing.send(message.to, message, options, id=id)
        except Exception:
            hold.end_soon()
            raise
        hold.end_with(receipt, lifetime, self._keep)
        return receipt

    # -- sending through the queue

    async def send_async(self, to: str, message_type: str, data: object) -> str:
        """Put a message into the queue of *to*, and return its id once it is stored; who pulls it does so any time.

        It may wait for 24 hours, and be leased 3 times. Raises `QueueMissingError` before anything else, and what
        `send` and ``QueueClient.put`` raise.
        """
        queue = self.queue
        message = await self.compose(to, message_type, data)
        put = queue.put(
            to,
            message.as_dict(),
            sender=message.sender,
            type=message_type,
            priority=0,
            expires_after=QUEUED_SECONDS,
            max_retries=QUEUED_RETRIES,
            id=message.id,
        )
        return await self._queued(message, put)

    async def send_and_receive(self, to: str, message_type: str, data: object, timeout: float | None = None) -> Any:
        """Put a request into the queue of *to*, and return the data that it is answered with by `reply`.

        Waits *timeout* seconds, and 30 for None or 0; then it raises ``NoAnswerError``, and the request stays.
        """
        queue, seconds = self.queue, seconds_to_answer(timeout)
        message = await self.compose(to, message_type, data)
        request = queue.send_and_receive(
            to, message.as_dict(), sender=message.sender, type=message_type, timeout=seconds
        )
        answer = AgentMessage.from_dict(await self._queued(message, request))
        received = await self.receive(answer)
        self._let_go(answer)
        return received

    async def reply(self, request: Lease, message_type: str, data: object) -> str:
        """Answer *request* with *data*, which may go by reference too; return the id of the message that does.

        Acknowledge the request as well: this does not.
        """
        queue = self.queue
        if not isinstance(request, Lease):
            raise MessageMissingError(f"{shown(request)} is no Lease, which is what pulling a request returns")
        message = await self.compose(request.message.sender, message_type, data)
        return await self._queued(message, queue.reply(request.message, message.as_dict(), type=message_type))

    async def _queued(self, message: AgentMessage, asked: Awaitable[T]) -> T:
        """Wait for what the queue says; if it has not taken *message*, its value is not kept."""
        try:
            return await asked
        except NOT_TAKEN as error:
            hold = self._hold(message)
            if hold is not None and not isinstance(error, CorruptMessageError):
                hold.end_soon()
            raise

    # -- receiving

    async def receive(self, message: AgentMessage | Lease | QueueMessage) -> Any:
        """Return the data of *message*, or of what was leased from a queue, wherever the data is.

        Takes no policies, and a store only for what goes by reference. Raises `MessageMissingError`,
        `PayloadMissingError`, `PayloadEmptyError`, `StoreMissingError`, `PayloadNotResolvedError`,
        `PayloadCorruptError` and `PayloadNotDecodedError`.
        """
        if type(message) is not AgentMessage:
            message = message_of(message)
        payload = message.payload
        if type(payload) is not Payload:
            raise PayloadMissingError(f"{message!r} {message.id} has the payload {payload!r}; allowed is a Payload")
        text = payload.inline
        if text is not None:
            if sha256(text).hexdigest() != payload.checksum:
                said = f"{payload.size_bytes} bytes with the checksum {payload.checksum}"
                raise PayloadCorruptError(f"message {message.id} has {len(text)} bytes which are not its {said}")
        elif payload.reference is not None:
            text = await self._resolved(payload.reference, message)
        else:
            raise PayloadEmptyError(f"the payload of {message!r} {message.id} has neither bytes nor a reference")
        return data_of(text, message.id)

    async def _resolved(self, reference: Reference, message: AgentMessage) -> bytes:
        store = self.store
        try:
            return await store.resolve(reference)
        except ActorError as error:
            text = f"the payload of {message!r} {message.id} cannot be had from {store}: {error}"
            raise PayloadNotResolvedError(text, reference.id, retryable=error.retryable) from error

    async def receive_with_timeout(self, timeout: float | None, *, lease_seconds: float | None = None) -> Lease | None:
        """Take the next message from this agent's queue, waiting *timeout* seconds for one (None: no limit).

        Returns None when there is none in time; at 0 it looks and does not wait. Cancelled, it raises as everything
        does, and has taken nothing. The message is hidden for *lease_seconds* (the queue's 30), and comes again
        unless it is acknowledged by then (`ack`): this does not.
        """
        check_timeout(timeout)
        queue, name = self.queue, self.address
        if timeout == 0:
            there = await queue.lease_many(name, 1, seconds=lease_seconds)
            return there[0] if there else None
        with trio.move_on_after(float("inf") if timeout is None else timeout):
            return await queue.lease(name, seconds=lease_seconds)
        return None

    async def ack(self, lease: Lease) -> None:
        """Be done with a message from the queue, and have its value let go of once that is stored.

        Raises what ``QueueClient.ack`` does. One that is acknowledged there keeps its value until that expires.
        """
        await self.queue.ack(lease)
        try:
            message = message_of(lease)
        except ActorError:
            return  # somebody else's, with nothing to let go of
        self._let_go(message)

    def _let_go(self, message: AgentMessage) -> None:
        hold = self._hold(message)
        if hold is not None:
            # Dead letters are told when everything before is stored; until then the message might come again.
            hold.end_after(partial(self.queue.dead_letters, most=1))

    def _hold(self, message: AgentMessage) -> MessageHold | None:
        """Return what is held for *message*, if it goes by reference and there is a store."""
        reference = message.payload.reference if isinstance(message.payload, Payload) else None
        if reference is None or self._store is None:
            return None
        return MessageHold(self.system, self.store, reference)


def _lifetime(options: DeliveryOptions | None) -> float:
    """Return for how long a message with *options* is thought to live, before its router says so."""
    if options is None:
        return DAY
    if not isinstance(options, DeliveryOptions):
        raise InvalidMessageError(f"the options of a message are DeliveryOptions, or None; got {options!r}")
    return DAY if options.expires_after is None else options.expires_after

"""Intake: how messages come into a queue."""

from __future__ import annotations

from threading import get_ident
from typing import TYPE_CHECKING, Any

import trio
from trio.lowlevel import enable_ki_protection, wait_task_rescheduled

from actors.actor import Actor
from actors.asking import Asking, ask
from actors.current import current_process
from actors.name_ref import process_of
from actors.queue.answers import REPLY
from actors.queue.behaviour import Row
from actors.queue.commits import Posted
from actors.queue.errors import MessageRefusedError, UnknownRecipientError
from actors.result import NO_REPLY

if TYPE_CHECKING:
    from actors.exit import ExitReason
    from actors.name_ref import NameRef
    from actors.queue.answers import Answers
    from actors.queue.commits import Commits, Teller
    from actors.queue.ledger import Ledger
    from actors.queue.options import QueueOptions
    from actors.queue.requests import Put
    from actors.ref import ActorRef
    from actors.wall_clock import WallClock


class Intake:
    """Where puts become rows, and wait with others until these are stored.

    As long as a batch is being gathered, whoever puts something adds it and waits for the answer, as in a call, but
    without one: a message to the queue, and all that the runtime knows of it, costs more than the queue does about it.
    """

    def __init__(  # noqa: PLR0913 -- the parts of a queue that it brings together
        self,
        ref: ActorRef,
        commits: Commits,
        ledger: Ledger,
        answers: Answers,
        options: QueueOptions,
        now: WallClock,
        *,
        seq: int,
    ) -> None:
        self._ref = ref
        self._commits = commits
        self._ledger = ledger
        self._answers = answers
        self._options = options
        self._now = now
        self._seq = seq
        """The number of the last message."""
        self._closed = False
        process = process_of(ref)
        assert process is not None
        self._process = process

    def __repr__(self) -> str:
        return f"<Intake of {self._ref}: {'open' if self.open else 'closed'}>"

    def close(self) -> None:
        """Take in nothing more but what the queue is called with."""
        self._closed = True

    # -- what the queue is called with

    def put(self, put: Put, caller: Teller) -> Any:
        """Have a message stored, and *caller* told; return what the queue answers now."""
        content = put.content
        if content.kind == REPLY and self._answers.deliver(put.recipient, content.correlation_id, content.payload):
            return put.id
        if put.check:
            self._check_known(put.recipient)
        if (put.given or put.again) and (there := self.is_there(put, caller)) is not None:
            return there
        posted = self._posted(put, caller)
        if put.given:
            self._ledger.ids[put.id] = posted.row.seq
        self._commits.post(posted)
        return NO_REPLY

    def knows(self, recipient: str) -> bool:
        """Tell whether there is such a recipient; raises `MessageRefusedError` if that cannot be told."""
        known = self._options.known
        if known is None:
            return True
        try:
            return bool(known(recipient))
        except Exception as error:
            raise MessageRefusedError(f"whether there is a recipient {recipient!r} is not known: {error!r}") from error

    def is_there(self, put: Put, caller: Teller) -> Any:
        """Return what to answer if there is such a message already, stored or on its way; None if there is not."""
        posted = self._commits.posted(put.id)
        if posted is not None:
            posted.callers.append(caller)
            return NO_REPLY
        if put.id in self._ledger.ids or self._commits.was_stored(put.id):
            caller.reply(put.id)
            return NO_REPLY
        return None

    def _check_known(self, recipient: str) -> None:
        if not self.knows(recipient):
            known = tuple(self._ledger.boxes)
            raise UnknownRecipientError(
                f"the queue {self._ref} knows no recipient {recipient!r}; it has messages for "
                f"{', '.join(known) or 'nobody'}",
                recipient,
                known,
            )

    def _posted(self, put: Put, caller: Teller) -> Posted:
        options = self._options
        now = self._now()
        self._seq = seq = self._seq + 1
        posted = Posted()
        posted.callers = [caller]
        posted.row = Row(
            seq,
            put.id,
            put.given,
            put.recipient,
            put.priority,
            *put.content,
            now,
            now + put.delay,
            now + (options.expires_after if put.expires_after is None else put.expires_after),
            options.max_retries if put.max_retries is None else put.max_retries,
        )
        return posted

    # -- what comes without a call

    @property
    def open(self) -> bool:
        """Whether a batch is being gathered, and whoever asks may join it without a call."""
        process = self._process
        if self._closed or process.ending is not None or not self._commits.gathering:
            return False
        return get_ident() == process.system.open_to

    @enable_ki_protection
    async def join(self, put: Put, timeout: float) -> str:
        """Add a message of which the queue need not ask anything to the batch; as a call of the queue in all else."""
        sender = current_process()
        asking = ask(self._process, put, sender, timeout)
        self._commits.gather(self._posted(put, asking))
        asking.begin_to_wait()
        await wait_task_rescheduled(asking.abandon)
        if sender is not None and sender.ending is not None:
            await trio.lowlevel.checkpoint()
        asking.result()
        return put.id

    def fail(self, reason: ExitReason) -> None:
        """Tell those who wait that the queue has ended with *reason*."""
        self.close()
        for caller in self._commits.waiting():
            if type(caller) is Asking:
                caller.fail(reason)


class Usher(Actor):
    """Asks a queue to store what gathered, when all who are about to put something in this turn have done so.

    A queue that casts to itself has something in its mailbox, and whoever calls it then has to wait for its turn.
    When the queue ends, the usher tells those who put something without a call.
    """

    def __init__(self, queue: ActorRef, intake: Intake) -> None:
        self._queue = queue
        self._intake = intake

    def handle_cast(self, message: object) -> None:
        """Pass it on."""
        self._queue.cast(message)

    def terminate(self, reason: ExitReason) -> None:
        """Let nobody wait for a queue that has ended."""
        self._intake.fail(reason)


def intake_of(queue: ActorRef | NameRef) -> Intake | None:
    """Return where *queue* takes in messages without a call, if it does now."""
    # A process has no actor before it is made, and none when it is dead.
    intake = getattr(getattr(process_of(queue), "actor", None), "intake", None)
    return intake if type(intake) is Intake and intake.open else None

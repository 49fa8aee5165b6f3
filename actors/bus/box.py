# ruff: noqa: SLF001 -- whether an actor is behind is asked for every message
"""Box: where the messages of one subscription go. It belongs to the subscriber, and outlives the bus."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, TypeAlias

import trio
from trio.lowlevel import Abort, reschedule, wait_task_rescheduled

from actors.bus.requests import MessagesMissed
from actors.bus.wake_up import post
from actors.errors import MailboxFullError

if TYPE_CHECKING:
    from actors.bus.message import TopicMessage
    from actors.bus.requests import Subscribed
    from actors.bus.wake_up import WakeUp
    from actors.ref import ActorRef
    from actors.wall_clock import WallClock


class StreamBox:
    """A buffer of so many messages, which one task at a time takes from."""

    __slots__ = (
        "_drops_oldest",
        "_id",
        "alert",
        "dropped",
        "ended",
        "expired",
        "gone_since",
        "now",
        "patience",
        "queue",
        "size",
        "task",
        "wake_up",
    )

    def __init__(self, record: Subscribed, now: WallClock, patience: float) -> None:
        self._id = record.id
        self.patience = patience
        """How long whoever takes from it waits while there is no bus."""
        self.gone_since: float | None = None
        """When the bus ended, once nobody has come in its place for that long."""
        self.queue: deque[TopicMessage] = deque()
        self.size = record.buffer_size
        self._drops_oldest = record.overflow == "drop_oldest"
        self.now = now
        self.dropped = 0
        self.expired = 0
        self.ended = False
        self.task: trio.lowlevel.Task | None = None
        self.wake_up: WakeUp | None = None
        self.alert = False
        """Whether anybody is to be told that there is something."""

    @property
    def waiting(self) -> int:
        """How many messages can be taken."""
        return len(self.queue)

    def set_wake_up(self, wake_up: WakeUp | None) -> None:
        """Have *wake_up* told of what is delivered from now on, and at once if there is something already."""
        self.wake_up = wake_up
        self.alert = wake_up is not None or self.task is not None
        if self.queue or self.ended:
            post(wake_up, self._id)

    def offer(self, message: TopicMessage) -> tuple[int, int]:
        """Take *message* if there is room, or make some; return how many were delivered and dropped by that."""
        queue = self.queue
        dropped = 0
        if len(queue) >= self.size:
            self.dropped += 1
            if not self._drops_oldest:
                return 0, 1
            queue.popleft()
            dropped = 1
        queue.append(message)
        if self.alert:
            self.wake()
        return 1, dropped

    def wake(self) -> None:
        """Have the task go on that waits, if one does, and tell `wake_up`."""
        task, self.task = self.task, None
        self.alert = self.wake_up is not None
        post(self.wake_up, self._id)
        if task is not None:
            reschedule(task)

    def miss_bus(self, since: float) -> None:
        """Have nobody wait until there is a bus again."""
        self.gone_since = since
        self.wake()

    def end(self) -> None:
        """Let nothing in any more; what is there can still be taken."""
        if not self.ended:
            self.ended = True
            self.wake()

    def take(self) -> TopicMessage | None:
        """Return the oldest message whose time is not over; None if there is none now."""
        queue = self.queue
        while queue:
            message = queue.popleft()
            if not message.ttl or not message.expired(self.now()):
                return message
            self.expired += 1
        return None

    async def wait(self) -> None:
        """Wait until something changes."""
        if self.task is not None:
            raise trio.BusyResourceError("another task waits for this subscription; only one can")
        self.task = trio.lowlevel.current_task()
        self.alert = True
        await wait_task_rescheduled(self._abort)

    def _abort(self, _raise_cancel: object) -> Abort:
        self.task = None
        self.alert = self.wake_up is not None
        return Abort.SUCCEEDED


class ActorBox:
    """The mailbox of an actor, as long as fewer messages than so many wait in it."""

    __slots__ = ("_gap", "_id", "_process", "_ref", "dropped", "ended", "expired", "now", "size", "wake_up")

    def __init__(self, record: Subscribed, ref: ActorRef, now: WallClock) -> None:
        self._id = record.id
        self._ref = ref
        self._process: Any = ref._process
        self.size = record.buffer_size
        self.now = now
        self.dropped = 0
        self.expired = 0
        self.ended = False
        self._gap = 0
        self.wake_up: WakeUp | None = None

    @property
    def waiting(self) -> int:
        """How many messages can be taken: none, for they are the actor's when they are sent."""
        return 0

    def set_wake_up(self, wake_up: WakeUp | None) -> None:
        """Have *wake_up* told of what is sent from now on."""
        self.wake_up = wake_up

    def offer(self, message: TopicMessage) -> tuple[int, int]:
        """Send *message* unless the actor is too far behind; before the next it is told how many it has missed."""
        if self._process.reason is not None:
            return 0, 0
        if message.ttl and message.expired(self.now()):
            self.expired += 1
            return 0, 0
        if len(self._process.mailbox) >= self.size or not self._send(message):
            self.dropped += 1
            self._gap += 1
            return 0, 1
        post(self.wake_up, self._id)
        return 1, 0

    def end(self) -> None:
        """Send nothing any more."""
        if not self.ended:
            self.ended = True
            post(self.wake_up, self._id)

    def _send(self, message: TopicMessage) -> bool:
        try:
            if self._gap:
                self._ref.send(MessagesMissed(self._id, self._gap))
                self._gap = 0
            self._ref.send(message)
        except MailboxFullError:
            return False
        return True


Box: TypeAlias = StreamBox | ActorBox

"""The ledger does what a model of plain dictionaries does, also across restarts.

Whatever is put, leased, given back and waited for: the same messages are leased in the same order, each is in one
state only, and none is leased more often than it may be (L-QUE-3, 8 to 14, 19, 20, 39).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
import pytest
import trio
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from actors.queue.behaviour import Row
from actors.queue.ledger import Ledger
from actors.queue.memory import MemoryStore
from actors.queue.recovery import Recovery
from actors.queue.states import EXPIRED, FAILED, IN_FLIGHT, PENDING, MessageStatus

if TYPE_CHECKING:
    from actors.queue.lanes import Entry

RECIPIENTS = ("ann", "ann", "ann", "bob")
LEASE_SECONDS = 10.0


@attrs.define
class Known:
    """A message as the model knows it."""

    seq: int
    recipient: str
    priority: int
    available_at: float
    expires_at: float
    max_retries: int
    dequeue_count: int = 0
    status: MessageStatus = PENDING
    leased_until: float = 0.0


class Model(RuleBasedStateMachine):
    """Two ledgers of the same messages: ours, and a dictionary."""

    @initialize()
    def open(self) -> None:
        self.now = 1_000.0
        self.store = MemoryStore()
        self.messages: dict[int, Known] = {}
        self.finished: dict[int, MessageStatus] = {}
        self.seq = 0
        self.epoch = 0
        self.restart()

    @rule(
        recipient=st.sampled_from(RECIPIENTS),
        priority=st.sampled_from([0, 0, 0, 5, -10_000]),
        delay=st.sampled_from([0, 0, 0, 3, 8]),
        lifetime=st.sampled_from([1000, 1000, 12, 2]),
        max_retries=st.integers(1, 3),
        count=st.integers(1, 3),
    )
    def put(self, recipient: str, priority: int, delay: float, lifetime: float, max_retries: int, count: int) -> None:
        for _ in range(count):
            self.put_one(recipient, priority, delay, lifetime, max_retries)

    def put_one(self, recipient: str, priority: int, delay: float, lifetime: float, max_retries: int) -> None:
        self.seq += 1
        times = (self.now, self.now + delay, self.now + lifetime)
        row = Row(self.seq, str(self.seq), 1, recipient, priority, "", "", 0, None, None, b"\xc0", *times, max_retries)
        self.commit([row])
        self.ledger.admit(row, self.now)
        self.messages[self.seq] = Known(self.seq, recipient, priority, times[1], times[2], max_retries)

    @rule(recipient=st.sampled_from(RECIPIENTS), count=st.integers(1, 3))
    def lease(self, recipient: str, count: int) -> None:
        for _ in range(count):
            self.lease_one(recipient)

    def lease_one(self, recipient: str) -> None:
        box = self.ledger.boxes.get(recipient)
        entry = None if box is None else self.ledger.lease(box, self.now + LEASE_SECONDS, self.now)
        expected = self.first_for(recipient)

        assert (None if entry is None else entry.seq) == (None if expected is None else expected.seq)
        if expected is not None and entry is not None:
            expected.status, expected.leased_until = IN_FLIGHT, self.now + LEASE_SECONDS
            expected.dequeue_count += 1
            assert entry.dequeue_count == expected.dequeue_count <= expected.max_retries

    @precondition(lambda self: self.in_flight())
    @rule(data=st.data())
    def ack(self, data: Any) -> None:
        entry = self.draw_in_flight(data)

        self.ledger.ack(entry, self.now)

        del self.messages[entry.seq]

    @precondition(lambda self: self.in_flight())
    @rule(data=st.data(), delay=st.sampled_from([0.0, 0.0, 4.0]))
    def give_back(self, data: Any, delay: float) -> None:
        entry = self.draw_in_flight(data)

        status = self.ledger.give_back(entry, self.now, delay, "no")

        assert status == self.give_back_in_model(self.messages[entry.seq], delay)

    @rule(seconds=st.sampled_from([0.0, 0.5, 2.0, 7.0, 11.0]))
    def wait(self, seconds: float) -> None:
        self.now += seconds
        for _ in self.ledger.advance(self.now, 1000):
            pass
        # A lease that ran out is given back first, and may then have expired.
        for message in self.in_flight():
            if message.leased_until <= self.now:
                self.give_back_in_model(message, 0.0)
        for message in list(self.messages.values()):
            if message.status is PENDING and self.now > message.expires_at:
                self.finish(message, EXPIRED)

    @rule()
    def store_what_changed(self) -> None:
        self.ledger.unstored.ripen()
        self.commit([])

    @rule()
    def forget_empty_boxes(self) -> None:
        self.ledger.forget_empty_boxes()

    @rule()
    def restart(self) -> None:
        if self.epoch:
            self.store_what_changed()
        self.epoch += 1
        self.store._epoch = self.epoch
        self.ledger = Ledger()
        recovery = Recovery(self.store, self.ledger)
        trio.run(recovery.run, self.now)
        for message in self.in_flight():
            message.status = PENDING

    @invariant()
    def the_same_is_ready(self) -> None:
        for recipient in RECIPIENTS:
            box = self.ledger.boxes.get(recipient)
            waiting = [] if box is None else [entry.seq for entry in box.waiting(self.ledger.thaw)]
            assert waiting == [message.seq for message in self.ready_for(recipient)]
            assert (0 if box is None else box.ready) == len(waiting)

    @invariant()
    def every_message_is_in_one_state(self) -> None:
        stored = {seq: record.change.status for seq, record in self.store._records.items()}

        assert set(self.ledger.in_flight) == {message.seq for message in self.in_flight()}
        assert self.messages.keys().isdisjoint(self.finished)
        assert set(stored) >= set(self.messages)

    # -- the model

    def ready_for(self, recipient: str) -> list[Known]:
        ready = [
            message
            for message in self.messages.values()
            if message.recipient == recipient and message.status is PENDING and message.available_at <= self.now
        ]
        return sorted(ready, key=lambda message: (-message.priority, message.seq))

    def first_for(self, recipient: str) -> Known | None:
        for message in self.ready_for(recipient):
            if self.now > message.expires_at:
                self.finish(message, EXPIRED)
            elif message.dequeue_count >= message.max_retries:
                self.finish(message, FAILED)
            else:
                return message
        return None

    def give_back_in_model(self, message: Known, delay: float) -> MessageStatus:
        if message.dequeue_count >= message.max_retries:
            return self.finish(message, FAILED)
        if self.now > message.expires_at:
            return self.finish(message, EXPIRED)
        message.status = PENDING
        if delay:
            message.available_at = self.now + delay
        return PENDING

    def finish(self, message: Known, status: MessageStatus) -> MessageStatus:
        del self.messages[message.seq]
        self.finished[message.seq] = status
        return status

    def in_flight(self) -> list[Known]:
        return [message for message in self.messages.values() if message.status is IN_FLIGHT]

    def draw_in_flight(self, data: Any) -> Entry:
        message = data.draw(st.sampled_from(self.in_flight()))
        return self.ledger.in_flight[message.seq]

    def commit(self, rows: list[Row]) -> None:
        told: list[Exception | None] = []
        batch = self.ledger.unstored.take_batch(rows)
        self.store.commit(self.epoch, batch, told.append)
        assert told == [None]


@pytest.mark.slow
class TestLedger(Model.TestCase):  # type: ignore[misc,valid-type]  # hypothesis makes the class when it is asked for
    settings = settings(max_examples=80, stateful_step_count=50)

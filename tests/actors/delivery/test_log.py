"""Delivery records on their own: their states, what is to be tried again, and what becomes of them in any order."""

from __future__ import annotations

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from actors.delivery import DeliveryLog, DeliveryOptions, Guarantee, InvalidMessageError, RouterConfig, Status


def test_a_message_goes_through_its_states() -> None:
    log = DeliveryLog()
    record = log.record("till", "sell", id="a", now=0.0)
    seen = [record.status]

    for mark in (log.mark_in_transit, log.mark_delivered, log.mark_acknowledged):
        mark("a", now=1.0)
        seen.append(record.status)

    assert seen == [Status.PENDING, Status.IN_TRANSIT, Status.DELIVERED, Status.ACKNOWLEDGED]
    assert (record.attempts, record.last_attempt, record.delivered_at, record.acknowledged_at) == (1, 1.0, 1.0, 1.0)
    assert record.final


def test_what_is_sent_at_most_once_is_acknowledged_when_it_is_delivered() -> None:
    log = DeliveryLog(RouterConfig(guarantee=Guarantee.AT_MOST_ONCE))
    record = log.record("till", "sell", id="a", now=0.0)
    log.mark_in_transit("a", now=0.0)

    log.mark_delivered("a", now=0.0)

    assert record.status is Status.ACKNOWLEDGED


def test_what_failed_at_most_once_is_never_a_candidate() -> None:
    log = DeliveryLog(RouterConfig(guarantee=Guarantee.AT_MOST_ONCE))
    record = log.record("till", "sell", id="a", now=0.0)
    log.mark_in_transit("a", now=0.0)
    log.mark_failed("a", "no answer", now=0.0)

    assert log.candidates(now=1_000.0) == []
    assert record.final


def test_an_unknown_id_is_an_invalid_message() -> None:
    with pytest.raises(InvalidMessageError, match="no record of a message with the id 'a'") as caught:
        DeliveryLog().mark_failed("a", "no answer", now=0.0)

    assert (caught.value.kind, caught.value.retryable) == ("invalid_message", False)


def test_the_same_id_has_one_record() -> None:
    log = DeliveryLog()

    assert log.record("till", "sell", id="a", now=0.0) is log.record("till", "sell", id="a", now=1.0)
    assert len(log) == 1


def test_what_was_delivered_but_not_acknowledged_in_time_is_a_candidate() -> None:
    log = DeliveryLog(RouterConfig(timeout=30.0))
    log.record("till", "sell", id="a", now=0.0)
    log.mark_in_transit("a", now=0.0)
    log.mark_delivered("a", now=0.0)

    assert log.candidates(now=30.0) == []
    assert [record.attempts for record in log.candidates(now=30.2)] == [2]


def test_a_candidate_is_given_to_one_asker_only() -> None:
    log = DeliveryLog()
    log.record("till", "sell", id="a", now=0.0)
    log.mark_in_transit("a", now=0.0)
    log.mark_failed("a", "no answer", now=0.0)

    assert [record.id for record in log.candidates(now=0.1)] == ["a"]
    assert log.candidates(now=0.1) == []


def test_attempts_that_are_not_acknowledged_are_bounded_too() -> None:
    log = DeliveryLog(RouterConfig(timeout=1.0, expires_after=1_000.0))
    record = log.record("till", "sell", id="a", now=0.0)
    log.mark_in_transit("a", now=0.0)

    for now in range(10, 100, 10):
        log.candidates(now=now)

    assert (record.attempts, record.status, record.final) == (3, Status.FAILED, True)


@pytest.mark.parametrize(("age", "expired"), [(29.0, False), (30.0, False), (30.001, True)])
def test_a_message_expires_strictly_after_its_time(age: float, expired: bool) -> None:  # noqa: FBT001 -- a parameter
    record = DeliveryLog().record("till", "sell", DeliveryOptions(expires_after=30.0), now=0.0)

    assert record.expired(age) is expired


def test_a_candidate_is_alive_at_the_instant_it_expires_and_not_later() -> None:
    log = DeliveryLog()
    record = log.record("till", "sell", DeliveryOptions(expires_after=30.0), id="a", now=0.0)
    log.mark_in_transit("a", now=0.0)
    log.mark_failed("a", "no answer", now=0.0)

    assert log.candidates(now=30.0) == [record]
    assert log.candidates(now=30.001) == []
    assert record.status is Status.EXPIRED


def test_the_oldest_final_records_are_forgotten_above_the_bound() -> None:
    log = DeliveryLog(max_records=2)
    for id in ("a", "b", "c"):
        log.record("till", "sell", id=id, now=0.0)
        if id != "a":
            log.mark_in_transit(id, now=0.0)
            log.mark_acknowledged(id, now=0.0)

    log.clean_up()

    assert [id for id in ("a", "b", "c") if log.lookup(id)] == ["a", "c"]


def test_statistics_of_nothing_are_all_zero() -> None:
    found = DeliveryLog().statistics()

    assert (found.total, found.success_rate, found.failure_rate, found.average_attempts) == (0, 0.0, 0.0, 0.0)


def test_statistics_tell_how_it_went() -> None:
    log = DeliveryLog()
    for id in ("a", "b"):
        log.record("till", "sell", id=id, now=0.0)
        log.mark_in_transit(id, now=0.0)
    log.mark_acknowledged("a", now=0.0)
    log.mark_failed("b", "no answer", now=0.0)

    found = log.statistics()

    assert (found.total, found.acknowledged, found.failed, found.total_attempts) == (2, 1, 1, 2)
    assert (found.success_rate, found.failure_rate, found.average_attempts) == (0.5, 0.5, 1.0)


class AnyOrder(RuleBasedStateMachine):
    """Marks in any order, beside a model that remembers only how each message ended."""

    messages = Bundle("messages")

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.count = 0
        self.ended: dict[str, Status] = {}
        self.log = DeliveryLog(RouterConfig(timeout=5.0, expires_after=40.0))

    @rule(target=messages, guarantee=st.sampled_from(Guarantee), max_retries=st.integers(1, 4))
    def send(self, guarantee: Guarantee, max_retries: int) -> str:
        self.count += 1
        options = DeliveryOptions(guarantee=guarantee, max_retries=max_retries)
        return self.log.record("till", "sell", options, id=str(self.count), now=self.now).id

    @rule(id=messages, mark=st.sampled_from(["in_transit", "delivered", "acknowledged"]))
    def mark(self, id: str, mark: str) -> None:
        getattr(self.log, f"mark_{mark}")(id, now=self.now)

    @rule(id=messages)
    def fail(self, id: str) -> None:
        self.log.mark_failed(id, "no answer", now=self.now)

    @rule(seconds=st.floats(0.0, 12.0))
    def go_on(self, seconds: float) -> None:
        self.now += seconds
        for record in self.log.candidates(now=self.now):
            assert record.guarantee is not Guarantee.AT_MOST_ONCE
            assert not record.expired(self.now)

    @invariant()
    def attempts_are_bounded_and_an_end_is_an_end(self) -> None:
        for number in range(1, self.count + 1):
            record = self.log.lookup(str(number))
            assert record is not None
            assert record.attempts <= record.max_attempts
            if record.final:
                assert self.ended.setdefault(record.id, record.status) is record.status

    @invariant()
    def delivered_and_failed_are_disjoint(self) -> None:
        found = self.log.statistics()
        states = (found.pending, found.in_transit, found.delivered, found.acknowledged, found.failed, found.expired)
        assert sum(states) == found.total == self.count


TestAnyOrder = AnyOrder.TestCase

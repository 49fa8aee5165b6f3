"""Which handlers of durable actors are transactions, and what of them leaves when."""

from __future__ import annotations

import logging
from functools import singledispatchmethod
from typing import TYPE_CHECKING, Any

import pytest
import trio
import trio.testing

from actors import NO_REPLY, Actor, ActorExitedError
from actors.delivery import DeliveryOptions, DurableActor, RouterRef
from tests.actors.delivery.accounts import ONCE, Account, Credit

if TYPE_CHECKING:
    from actors import Caller
    from tests.actors.delivery.conftest import Run

DURABLE = DeliveryOptions(durable=True)


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)


class Counter(Actor):
    """It is not durable."""

    def __init__(self) -> None:
        self.count = 0

    def init(self) -> None:
        self.began_with = self.count

    def handle_cast(self, message: int) -> None:
        self.count += message

    def handle_call(self, message: object, caller: Caller) -> Any:
        return self.count, self.began_with


class Doubled(Counter):
    def handle_cast(self, message: int) -> None:
        super().handle_cast(2 * message)


class DurableCounter(Counter, DurableActor):
    pass


class DoubledDurableCounter(DurableCounter, Doubled):
    pass


@pytest.mark.parametrize(("counter", "count"), [(DurableCounter, 3), (DoubledDurableCounter, 6)])
async def test_handlers_of_a_class_that_is_not_durable_are_transactions_too(
    run: Run, counter: type[Actor], count: int
) -> None:
    async with run(counter=(counter,)) as (_, router):
        await (await router.send("counter", 3, ONCE)).acknowledged()

    async with run(counter=(counter,)) as (system, _):
        assert await system.named("counter").call("count") == (count, count)


async def test_a_handler_that_is_dispatched_by_the_class_of_the_message_is_a_transaction(run: Run) -> None:
    class Dispatching(Counter, DurableActor):
        @singledispatchmethod
        async def handle_cast(  # type: ignore[override]  # it is called as that is
            self, message: Any
        ) -> None:
            raise TypeError(message)

        @handle_cast.register
        async def _(self, message: int) -> None:
            self.count += message

    async with run(counter=(Dispatching,)) as (_, router):
        await (await router.send("counter", 3, ONCE)).acknowledged()

    async with run(counter=(Dispatching,)) as (system, _):
        assert await system.named("counter").call("count") == (3, 3)


class Waiter(DurableActor):
    """It answers in another handler than it was called in."""

    def __init__(self) -> None:
        self.count = 0
        self._caller: Caller | None = None

    def handle_call(self, message: str, caller: Caller) -> Any:
        if message == "count":
            return self.count
        self._caller = caller
        return NO_REPLY

    async def handle_cast(self, message: str) -> None:
        assert self._caller is not None
        self.count += 1
        self._caller.reply(self.count)
        await trio.sleep(1)
        if message == "crash":
            raise RuntimeError(message)


async def test_a_later_answer_waits_for_the_commit_of_the_handler_that_gives_it(run: Run) -> None:
    async with run(waiter=(Waiter,)) as (system, _), trio.open_nursery() as nursery:
        waiter = system.named("waiter")

        @nursery.start_soon
        async def call() -> None:
            assert await waiter.call("wait") == 1
            assert trio.current_time() >= 1.0

        await trio.testing.wait_all_tasks_blocked()
        waiter.cast("go on")


async def test_a_later_answer_of_a_handler_that_fails_is_not_given(run: Run) -> None:
    async with run(waiter=(Waiter,)) as (system, router), trio.open_nursery() as nursery:
        waiter = system.named("waiter")

        @nursery.start_soon
        async def call() -> None:
            with pytest.raises(ActorExitedError):
                await waiter.call("wait")
            assert await router.call("waiter", "count") == 0

        await trio.testing.wait_all_tasks_blocked()
        waiter.cast("crash")


class Payer(DurableActor):
    """It passes on what it is given."""

    async def handle_cast(self, message: Credit) -> None:
        await RouterRef(self.system).send("account", message, ONCE)


async def test_what_two_receivers_of_the_same_id_send_is_not_taken_for_one_message(run: Run) -> None:
    async with run(left=(Payer,), right=(Payer,), account=(Account,)) as (system, router):
        await router.send("left", Credit(10), ONCE, id="order 1")
        await router.send("right", Credit(10), ONCE, id="order 1")
        await router.drained()

        assert await system.named("account").call("balance") == 120


async def test_the_ids_of_a_timer_that_goes_on_and_on_grow_no_longer(run: Run) -> None:
    sent: list[str] = []

    class Clock(DurableActor):
        async def handle_cast(self, message: str) -> None:
            assert self.name is not None
            sent.append((await self.send_durably(self.name, message, delay=60.0)).id)

    async with run(clock=(Clock,)) as (_, router):
        await router.send("clock", "tick", DURABLE)
        await trio.sleep(1000)

    assert len(sent) > 15
    assert len(set(sent)) == len(sent)
    assert {len(id) for id in sent} == {36}


async def test_what_is_sent_before_a_message_is_set_aside_does_not_stand_for_what_is_sent_afterwards(run: Run) -> None:
    class Collector(DurableActor):
        def __init__(self) -> None:
            self.notes: list[str] = []

        def handle_cast(self, message: str) -> None:
            self.notes.append(message)

        def handle_call(self, message: object, caller: Caller) -> list[str]:
            return self.notes

    class Patient(DurableActor):
        def __init__(self) -> None:
            self.ready = False

        async def handle_cast(self, message: str) -> Any:
            if message == "go":
                self.ready = True
                self.unstash()
                return None
            text = "done" if self.ready else "asked"
            await RouterRef(self.system).send("collector", f"{text}: {message}", ONCE)
            return None if self.ready else self.stash()

    async with run(patient=(Patient,), collector=(Collector,)) as (_, router):
        await router.send("patient", "tea", ONCE)
        await trio.sleep(1)

    async with run(patient=(Patient,), collector=(Collector,)) as (system, router):
        await router.send("patient", "go", ONCE)
        await router.drained()

        notes = await system.named("collector").call("notes")

    assert sorted(notes) == ["asked: tea", "asked: tea", "done: tea"]

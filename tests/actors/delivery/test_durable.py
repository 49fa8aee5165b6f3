"""Durable messages and durable actors: what is there when a process has ended, and another one begins."""

from __future__ import annotations

import logging
import math
from typing import TYPE_CHECKING, Any

import pytest
import trio

from actors import ActorExitedError, ActorSystem
from actors.delivery import (
    DeliveryFailedError,
    DeliveryOptions,
    DurableActor,
    MessageExpiredError,
    NotDurableError,
    Receipt,
    RouterConfig,
    RouterRef,
    StateVersionError,
    Status,
    UnencodableError,
)
from actors.sqlite import find_database
from supervision import which_children
from tests.actors.delivery.accounts import ONCE, Account, Credit, Transfer
from tests.actors.delivery.receivers import Fragile, Receiver, Slow

if TYPE_CHECKING:
    from pathlib import Path

    from trio.testing import MockClock

    from actors import Caller
    from tests.actors.delivery.conftest import Run

DURABLE = DeliveryOptions(durable=True)


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)
    Account.crashed = False


async def settled(system: ActorSystem) -> None:
    """Wait until supervisors have done what there was to do."""
    await which_children(system.named("tree").whereis())  # type: ignore[arg-type]  # it lives


async def test_a_message_that_was_not_handled_is_there_for_the_next_program(run: Run) -> None:
    notes: list[object] = []
    async with run(receiver=(Slow, [], 1_000.0)) as (_, router):
        receipt = await router.send("receiver", Credit(5), DURABLE)
        assert receipt.status is Status.DELIVERED

    async with run(receiver=(Receiver, notes)) as (_, router):
        await trio.sleep(1)

    assert notes == [Credit(5)]


async def test_a_message_that_was_handled_is_not(run: Run) -> None:
    notes: list[object] = []
    async with run(receiver=(Receiver, notes)) as (_, router):
        await (await router.send("receiver", "tea", DURABLE)).acknowledged()

    async with run(receiver=(Receiver, notes)) as (_, router):
        await trio.sleep(1)

    assert notes == ["tea"]


async def test_messages_come_back_in_their_order(run: Run) -> None:
    notes: list[object] = []
    async with run() as (_, router):
        for number in range(20):
            await router.send("receiver", number, DURABLE)

    async with run(receiver=(Receiver, notes)) as (_, router):
        await router.send("receiver", 20, DURABLE)
        await trio.sleep(1)

    assert notes == list(range(21))


async def test_what_an_earlier_program_left_waits_for_its_receiver_to_be_started(run: Run) -> None:
    notes: list[object] = []
    async with run() as (_, router):
        await router.send("receiver", "tea", DURABLE)

    async with run() as (system, router):
        await trio.sleep(600)
        await system.start(Receiver, notes, name="receiver")
        await trio.sleep(1)

    assert notes == ["tea"]


async def test_a_message_that_cannot_be_stored_is_refused(run: Run) -> None:
    async with run() as (system, router):
        with pytest.raises(UnencodableError, match=r"the message\[0\] is <"):
            await router.send("receiver", [object()], DURABLE)
        with pytest.raises(UnencodableError, match="a durable message is for a name"):
            await router.send(await system.start(Receiver, []), "tea", DURABLE)

        assert router.statistics().pending == 0


@pytest.mark.parametrize("delay", [math.inf, math.nan, -1.0, True, "soon"])
async def test_a_message_is_not_delayed_for_ever(run: Run, delay: Any) -> None:
    async with run() as (_, router):
        with pytest.raises(ValueError, match="delay"):
            await router.send("receiver", "tea", DURABLE, delay=delay)

        assert router.statistics().routed == 0


async def test_without_a_database_nothing_is_durable(system: ActorSystem, router: RouterRef) -> None:
    with pytest.raises(NotDurableError, match="has no database"):
        await router.send("receiver", "tea", DURABLE)
    with pytest.raises(NotDurableError, match="await router"):
        router.send_nowait("receiver", "tea", DURABLE)


async def test_a_durable_dead_letter_is_there_for_the_next_program(run: Run) -> None:
    notes: list[object] = []
    async with run(receiver=(Fragile, [], 100)) as (_, router):
        with pytest.raises(DeliveryFailedError):
            await (await router.send("receiver", "tea", DURABLE, id="order 1")).acknowledged()

    async with run(receiver=(Receiver, notes)) as (_, router):
        await trio.sleep(1)
        assert notes == []
        (letter,) = router.dead_letters
        assert (letter.id, letter.attempts, [str(fault.reason) for fault in letter.faults][-1]) == (
            "order 1",
            3,
            "RuntimeError: tea",
        )
        await router.dead_letters.replay(letter).acknowledged()

    assert notes == ["tea"]
    async with run(receiver=(Receiver, notes)) as (_, router):
        await trio.sleep(1)
        assert (notes, len(router.dead_letters)) == (["tea"], 0)


async def test_an_id_that_was_handled_is_known_to_the_next_program(run: Run) -> None:
    notes: list[object] = []
    for _ in range(2):
        async with run(receiver=(Receiver, notes)) as (_, router):
            await (await router.send("receiver", "tea", ONCE, id="order 1")).acknowledged()

    assert notes == ["tea"]


async def test_of_the_ids_that_an_earlier_program_has_left_the_oldest_make_room(run: Run) -> None:
    notes: list[object] = []
    config = RouterConfig(dedupe_ids=2)

    async def send(router: RouterRef, *orders: str) -> None:
        for order in orders:
            await (await router.send("receiver", order, ONCE, id=order)).acknowledged()
            await trio.sleep(1)

    async with run(config, receiver=(Receiver, notes)) as (_, router):
        await send(router, "first", "second")
    async with run(config, receiver=(Receiver, notes)) as (_, router):
        await send(router, "third", "second", "first")

    assert notes == ["first", "second", "third", "first"]


async def test_the_file_holds_no_more_ids_than_are_remembered_and_a_few(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("actors.delivery.message_store.FORGET_EVERY", 3)
    async with run(RouterConfig(dedupe_ids=2), receiver=(Receiver, [])) as (system, router):
        for number in range(20):
            await (await router.send("receiver", number, ONCE, id=f"order {number}")).acknowledged()
            await trio.sleep(1)
        count = "SELECT count(*) FROM delivery_handled"
        (held,) = await find_database(system, tmp_path / "messages.db").read(lambda one: one.execute(count).fetchone())

    assert 2 <= held <= 2 + 3


async def test_attempts_are_counted_across_programs(run: Run) -> None:
    notes: list[object] = []
    options = DeliveryOptions(durable=True, retry_delay=10.0)
    async with run(receiver=(Fragile, notes, 100)) as (_, router):
        await router.send("receiver", "tea", options)
        await trio.sleep(15)
    assert notes == ["crash", "crash"]

    async with run(receiver=(Fragile, notes, 100)) as (_, router):
        await trio.sleep(100)
        assert len(router.dead_letters) == 1

    assert notes == ["crash"] * 3


async def test_a_delayed_message_comes_when_it_is_due_also_in_another_program(run: Run) -> None:
    notes: list[object] = []
    async with run(receiver=(Receiver, notes)) as (_, router):
        await router.send("receiver", "now", DURABLE, delay=5.0)
        await router.send("receiver", "later", DURABLE, delay=100.0)
        await trio.sleep(4.9)
        assert notes == []
        await trio.sleep(0.2)
        assert notes == ["now"]

    async with run(receiver=(Receiver, notes)) as (_, router):
        await trio.sleep(80)
        assert notes == ["now"]
        await trio.sleep(20)

    assert notes == ["now", "later"]


async def test_a_message_expires_while_no_program_runs(run: Run, autojump_clock: MockClock) -> None:
    notes: list[object] = []
    async with run() as (_, router):
        await router.send("receiver", "tea", DeliveryOptions(durable=True, expires_after=60.0))
    await trio.sleep(61)

    async with run(receiver=(Receiver, notes)) as (_, router):
        await trio.sleep(1)
        (letter,) = router.dead_letters

    assert notes == []
    assert isinstance(letter.error, MessageExpiredError)


# -- durable actors


async def test_an_account_goes_on_where_it_was(run: Run) -> None:
    async with run(left=(Account,), right=(Account,)) as (_, router):
        await (await router.send("left", Transfer(30, "right"), ONCE)).acknowledged()
        await trio.sleep(1)

    async with run(left=(Account,), right=(Account,)) as (system, router):
        assert await system.named("left").call("balance") == 70
        assert await system.named("right").call("balance") == 130


@pytest.mark.parametrize("place", ["before the debit", "after the debit", "after the send"])
async def test_a_crash_at_any_step_of_a_transfer_changes_nothing(place: str, run: Run) -> None:
    async with run(left=(Account,), right=(Account,)) as (system, router):
        await (await router.send("left", Transfer(30, "right", place), ONCE)).acknowledged()
        await trio.sleep(1)

        assert Account.crashed
        assert await system.named("left").call("balance") == 70
        assert await system.named("right").call("balance") == 130


@pytest.mark.parametrize("victim", ["left", "right", "router"])
@pytest.mark.parametrize("seconds", [0.0, 0.0005, 0.001, 0.0015])
async def test_a_kill_at_any_time_neither_loses_nor_doubles_a_transfer(victim: str, seconds: float, run: Run) -> None:
    async with run(left=(Account,), right=(Account,)) as (system, router):
        receipts = [await router.send("left", Transfer(1, "right"), ONCE) for _ in range(10)]
        await trio.sleep(seconds)
        system.named(victim).kill()
        for receipt in receipts:
            await receipt.acknowledged()
        await trio.sleep(10)

        assert await system.named("left").call("balance") == 90
        assert await system.named("right").call("balance") == 110


async def test_what_is_sent_has_an_id_that_derives_from_what_was_handled(run: Run) -> None:
    sent: list[Receipt] = []

    class Sender(DurableActor):
        async def handle_cast(self, message: str) -> None:
            sent.extend([await self.send_durably("receiver", message) for _ in range(2)])
            if len(sent) == 2:
                raise RuntimeError(message)

    async with run(sender=(Sender,), receiver=(Receiver, [])) as (_, router):
        await (await router.send("sender", "tea", DURABLE, id="order 1")).acknowledged()

    ids = [receipt.id for receipt in sent]
    assert ids[:2] == ids[2:]
    assert ids[0] != ids[1]


async def test_nothing_leaves_before_the_handler_has_returned(run: Run) -> None:
    notes: list[object] = []

    class Sender(DurableActor):
        async def handle_cast(self, message: str) -> None:
            await self.send_durably("receiver", message)
            await trio.sleep(5)
            notes.append("returned")

    async with run(sender=(Sender,), receiver=(Receiver, notes)) as (_, router):
        await router.send("sender", "tea", DURABLE)
        await trio.sleep(10)

    assert notes == ["returned", "tea"]


async def test_what_leaves_after_the_router_was_restarted_is_answered_for_by_the_next(run: Run) -> None:
    notes: list[object] = []

    class Sender(DurableActor):
        async def handle_cast(self, message: str) -> None:
            await self.send_durably("receiver", message)
            await trio.sleep(5)

    async with run(sender=(Sender,), receiver=(Slow, notes, 5.0)) as (system, router):
        system.named("sender").cast("tea")
        await trio.sleep(1)
        system.named("router").kill()
        await trio.sleep(5)
        assert router.statistics().pending == 1
        system.named("router").kill()
        await router.drained()

    assert notes == ["tea"]


async def test_what_a_handler_that_fails_has_sent_never_leaves(run: Run) -> None:
    notes: list[object] = []
    sent: list[Receipt] = []

    class Sender(DurableActor):
        async def handle_cast(self, message: str) -> None:
            sent.append(await self.send_durably("receiver", message))
            raise RuntimeError

    async with run(sender=(Sender,), receiver=(Receiver, notes)) as (system, _router):
        system.named("sender").cast("tea")
        await trio.sleep(10)
        with pytest.raises(DeliveryFailedError):
            await sent[0].acknowledged()

    assert notes == []


class Counter(DurableActor):
    """It answers before it has returned."""

    def __init__(self) -> None:
        self.count = 0
        self._secret = 0

    async def handle_call(self, message: object, caller: Caller) -> object:
        if message == "unstorable":
            self.count = object()  # type: ignore[assignment]  # that is the mistake
        elif message == "count":
            self.count += 1
            self._secret += 1
        caller.reply((self.count, self._secret))
        if message == "crash":
            raise RuntimeError
        return None


async def test_an_answer_waits_for_the_commit_and_private_attributes_are_not_stored(run: Run) -> None:
    async with run(counter=(Counter,)) as (system, _router):
        assert await system.named("counter").call("count") == (1, 1)
        with pytest.raises(ActorExitedError):
            await system.named("counter").call("crash")
        await settled(system)

        assert await system.named("counter").call("count") == (2, 1)


async def test_a_state_that_cannot_be_stored_is_named_and_changes_nothing(run: Run) -> None:
    async with run(counter=(Counter,)) as (system, _router):
        await system.named("counter").call("count")
        with pytest.raises(ActorExitedError, match=r"the state of <counter #\d+>\['count'\] is <object") as caught:
            await system.named("counter").call("unstorable")
        assert "UnencodableError" in str(caught.value)
        await settled(system)

        assert await system.named("counter").call("count") == (2, 1)


async def test_a_state_of_an_earlier_version_is_brought_up(run: Run) -> None:
    class Newer(Counter):
        state_version = 2

        def __init__(self) -> None:
            super().__init__()
            self.name_of_unit = "cups"

        def migrate(self, version: int, state: dict[str, int]) -> dict[str, int]:
            assert version == 1
            return {"count": state["count"] * 100}

    async with run(counter=(Counter,)) as (system, _):
        await system.named("counter").call("count")

    for count in (101, 102):
        async with run(counter=(Newer,)) as (system, _):
            assert await system.named("counter").call("count") == (count, 1)


async def test_a_state_of_another_version_is_not_guessed_at(run: Run) -> None:
    class Newer(Counter):
        state_version = 2

    async with run(counter=(Counter,)) as (system, _):
        await system.named("counter").call("count")

    async with run() as (system, _):
        with pytest.raises(StateVersionError, match="version 2 of its state and no migrate; version 1 is stored"):
            await system.start(Newer, name="counter")


async def test_what_migrate_makes_of_a_state_is_one(run: Run) -> None:
    class Forgetful(Counter):
        state_version = 2

        def migrate(self, version: int, state: object) -> None:
            """Forget to return anything."""

    async with run(counter=(Counter,)) as (system, _):
        await system.named("counter").call("count")

    async with run() as (system, _):
        with pytest.raises(StateVersionError, match="made None of version 1; allowed is a dict of attributes"):
            await system.start(Forgetful, name="counter")


async def test_a_durable_actor_without_a_name_does_not_start(run: Run) -> None:
    async with run() as (system, _):
        with pytest.raises(NotDurableError, match="has no name"):
            await system.start(Counter)


async def test_an_init_of_its_own_finds_the_state(run: Run) -> None:
    found: list[int] = []

    class Prepared(Counter):
        def init(self) -> None:
            found.append(self.count)

    for _ in range(2):
        async with run(counter=(Prepared,)) as (system, _):
            await system.named("counter").call("count")

    assert found == [0, 1]


async def test_a_zombie_cannot_commit_after_its_successor(run: Run, tmp_path: Path) -> None:
    class Stubborn(DurableActor):
        def __init__(self) -> None:
            self.count = 0

        async def handle_cast(self, message: str) -> None:
            self.count += 1
            if message == "shield":
                with trio.CancelScope(shield=True):
                    await trio.sleep(30)

        def handle_call(self, message: object, caller: Caller) -> int:
            return self.count

    async with run(stubborn=(Stubborn,)) as (system, router):
        receipt = await router.send("stubborn", "shield", ONCE)
        await trio.sleep(1)
        system.named("stubborn").kill()
        await receipt.acknowledged()
        await trio.sleep(60)

        assert await system.named("stubborn").call("count") == 1
        assert find_database(system, tmp_path / "messages.db").statistics().refused == 1
        assert not system.zombies

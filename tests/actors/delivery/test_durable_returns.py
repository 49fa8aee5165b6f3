"""What a handler of a durable actor that does not end well has changed: nothing, and one that stops has."""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
import trio
from attrs import frozen

from actors import IGNORE, ActorExitedError, Continue, Crash, NoProcessError, Shutdown, Stop
from actors.delivery import DeliveryFailedError, DeliveryOptions, DurableActor
from supervision import which_children
from tests.actors.delivery.receivers import Receiver

if TYPE_CHECKING:
    from actors import ActorSystem, Caller, ExitReason
    from tests.actors.delivery.conftest import Run

DURABLE = DeliveryOptions(durable=True, max_retries=2)


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)


RESULTS: dict[str, Any] = {
    "nothing": None,
    "a reply": "tea",
    "stop": Stop(Shutdown("enough")),
    "stop with a crash": Stop(Crash("enough")),
    "stop with a reply": Stop(reply="tea"),
    "continue": Continue(None),
    "continue with a reply": Continue(None, reply="tea"),
    "ignore": IGNORE,
}


@frozen
class Work:
    """Count one more, send the count to the receiver, wait, and return what is called so, or crash."""

    result: str


class Worker(DurableActor):
    """It notes with which state it ends."""

    def __init__(self, ends: list[tuple[int, ExitReason]]) -> None:
        self.count = 0
        self._ends = ends

    def get_state(self) -> int:
        return self.count

    def set_state(self, count: int) -> None:
        self.count = count

    async def work(self, work: Work) -> Any:
        self.count += 1
        await self.send_durably("receiver", self.count)
        await trio.sleep(1.0)
        if work.result == "crash":
            raise RuntimeError(work)
        return RESULTS[work.result]

    async def handle_cast(self, message: Work) -> Any:
        return await self.work(message)

    async def handle_call(self, message: Work | None, caller: Caller) -> Any:
        return self.count if message is None else await self.work(message)

    async def handle_info(self, message: Work) -> Any:
        return await self.work(message)

    async def handle_continue(self, argument: None) -> None:
        self.count += 10

    async def terminate(self, reason: ExitReason) -> None:
        self._ends.append((self.count, reason))


async def count(system: ActorSystem) -> Any:
    """Return the state of whoever is the worker, once there is one: the last may still be ending."""
    tree = system.whereis("tree")
    assert tree is not None
    while True:
        await which_children(tree)
        with suppress(ActorExitedError, NoProcessError):
            return await system.named("worker").call(None, timeout=None)


FAILURES = ["crash", "a reply", "stop with a reply", "continue with a reply", "ignore"]
"""What only `handle_call` may return, if anybody."""


@pytest.mark.parametrize("result", FAILURES)
async def test_a_message_whose_handler_fails_changes_nothing_and_is_tried_again(run: Run, result: str) -> None:
    ends: list[tuple[int, ExitReason]] = []
    notes: list[object] = []
    async with run(receiver=(Receiver, notes), worker=(Worker, ends)) as (system, router):
        await (await router.send("worker", Work("nothing"), DURABLE)).acknowledged()
        receipt = await router.send("worker", Work(result), DURABLE)
        with pytest.raises(DeliveryFailedError):
            await receipt.acknowledged()

        assert receipt.attempts == 2
        assert await count(system) == 1
        await router.drained()

    assert notes == [1]
    assert [state for state, _ in ends] == [1, 1, 1]


async def test_what_fails_before_anything_was_stored_ends_with_the_state_it_began_with(run: Run) -> None:
    ends: list[tuple[int, ExitReason]] = []
    async with run(receiver=(Receiver, []), worker=(Worker, ends)) as (system, router):
        with pytest.raises(DeliveryFailedError):
            await (await router.send("worker", Work("crash"), DURABLE)).acknowledged()
        assert await count(system) == 0

    assert [state for state, _ in ends] == [0, 0, 0]


@pytest.mark.parametrize("result", ["crash", "ignore"])
async def test_a_call_whose_handler_fails_changes_nothing(run: Run, result: str) -> None:
    notes: list[object] = []
    async with run(receiver=(Receiver, notes), worker=(Worker, [])) as (system, router):
        with pytest.raises(ActorExitedError):
            await system.named("worker").call(Work(result))

        assert await count(system) == 0
        await router.drained()

    assert notes == []


@pytest.mark.parametrize("result", FAILURES)
async def test_an_info_whose_handler_fails_changes_nothing(run: Run, result: str) -> None:
    notes: list[object] = []
    ends: list[tuple[int, ExitReason]] = []
    async with run(receiver=(Receiver, notes), worker=(Worker, ends)) as (system, _):
        system.named("worker").send(Work(result))
        await trio.sleep(2.0)

        assert await count(system) == 0

    assert notes == []
    assert [(state, type(reason)) for state, reason in ends] == [(0, Crash), (0, Shutdown)]


async def test_a_handler_that_is_interrupted_by_a_shutdown_changes_nothing(run: Run) -> None:
    notes: list[object] = []
    ends: list[tuple[int, ExitReason]] = []
    async with run(receiver=(Receiver, notes), worker=(Worker, ends)) as (_, router):
        await (await router.send("worker", Work("nothing"), DURABLE)).acknowledged()
        await router.send("worker", Work("nothing"), DURABLE)
        await trio.sleep(0.5)

    assert [(state, reason.interrupted) for state, reason in ends] == [(1, True)]
    assert notes == [1]


@pytest.mark.parametrize("result", ["stop", "stop with a crash"])
async def test_a_message_whose_handler_stops_was_handled_and_what_it_did_is_stored(run: Run, result: str) -> None:
    notes: list[object] = []
    ends: list[tuple[int, ExitReason]] = []
    async with run(receiver=(Receiver, notes), worker=(Worker, ends)) as (system, router):
        receipt = await router.send("worker", Work(result), DURABLE)
        await receipt.acknowledged()

        assert receipt.attempts == 1
        assert await count(system) == 1
        await router.drained()

    assert notes == [1]
    assert ends[0] == (1, RESULTS[result].reason)


async def test_a_call_whose_handler_stops_is_answered_when_what_it_did_is_stored(run: Run) -> None:
    notes: list[object] = []
    async with run(receiver=(Receiver, notes), worker=(Worker, [])) as (system, router):
        answer = await system.named("worker").call(Work("stop with a reply"))

        assert (answer, await count(system)) == ("tea", 1)
        await router.drained()

    assert notes == [1]


async def test_what_a_handler_leaves_to_be_continued_is_stored_after_what_it_did(run: Run) -> None:
    notes: list[object] = []
    async with run(receiver=(Receiver, notes), worker=(Worker, [])) as (system, router):
        await (await router.send("worker", Work("continue"), DURABLE)).acknowledged()
        assert await count(system) == 11

    async with run(worker=(Worker, [])) as (system, _):
        assert await count(system) == 11

    assert notes == [1]


class Beginner(DurableActor):
    """Its `init` makes what is not stored yet."""

    ends: list[dict[str, object]]

    def init(self) -> None:
        self.greeting = "hello"

    async def handle_cast(self, message: object) -> None:
        self.greeting = "good bye"
        raise RuntimeError(message)

    def terminate(self, reason: ExitReason) -> None:
        Beginner.ends.append(dict(vars(self)))


async def test_what_init_made_is_there_at_the_end(run: Run) -> None:
    Beginner.ends = []
    async with run(worker=(Beginner,)) as (_, router):
        with pytest.raises(DeliveryFailedError):
            await (await router.send("worker", "tea", DURABLE)).acknowledged()

    assert [end["greeting"] for end in Beginner.ends[:2]] == ["hello", "hello"]

"""Thousands of messages that fail at one instant: others have their turn meanwhile."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
import trio

from actors.delivery import DeliveryOptions
from actors.delivery.plan import AT_ONCE
from supervision import terminate_child
from tests.actors.delivery.receivers import Receiver, Slow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from actors import ActorSystem
    from actors.delivery import RouterRef
    from tests.actors.delivery.conftest import StartRouter, Supervise

MANY = 2_000
TURN = 2 * AT_ONCE
"""At most so many are given up in one turn: a slice of what expires, and one of attempts."""


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)


class Turns(trio.abc.Instrument):
    """It notes by how much the messages that a router has given up grew most in one turn of any task."""

    def __init__(self, router: RouterRef) -> None:
        self.letters = router.dead_letters
        self.most = self.before = 0

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        self.before = self.letters.count

    def after_task_step(self, task: trio.lowlevel.Task) -> None:
        self.most = max(self.most, self.letters.count - self.before)


@contextmanager
def turns_of(router: RouterRef) -> Iterator[Turns]:
    turns = Turns(router)
    trio.lowlevel.add_instrument(turns)
    yield turns
    trio.lowlevel.remove_instrument(turns)


async def test_many_that_expire_at_once_let_others_have_their_turn(
    system: ActorSystem, start_router: StartRouter
) -> None:
    router = await start_router()
    slow = await system.start(Slow, [], 100.0)
    for number in range(MANY):
        await router.send(slow, number, DeliveryOptions(expires_after=10.0))

    with turns_of(router) as turns:
        await router.drained()

    assert 0 < turns.most <= TURN
    assert router.statistics().expired == MANY
    assert trio.current_time() == pytest.approx(10.0, abs=1e-9)


async def test_many_whose_target_is_given_up_let_others_have_their_turn(
    supervise: Supervise, start_router: StartRouter
) -> None:
    router = await start_router(breaker=None)
    supervisor = await supervise(Slow, [], 100.0)
    for number in range(MANY):
        await router.send("receiver", number, DeliveryOptions(max_retries=1))

    with turns_of(router) as turns:
        await terminate_child(supervisor, "receiver")
        await router.drained()

    assert 0 < turns.most <= TURN
    assert router.statistics().failed == MANY


async def test_many_that_are_tried_again_at_once_let_others_have_their_turn(start_router: StartRouter) -> None:
    router = await start_router(breaker=None)
    for number in range(MANY):
        router.send_nowait("nobody", number, DeliveryOptions(max_retries=2, retry_delay=1.0))

    with turns_of(router) as turns:
        await router.drained()

    assert 0 < turns.most <= TURN
    assert (router.statistics().failed, trio.current_time()) == (MANY, 1.0)


class Sleeper(Receiver):
    """It is being started for a second."""

    async def init(self) -> None:
        await trio.sleep(1.0)


async def test_many_that_waited_for_their_target_come_in_their_order(
    supervise: Supervise, router: RouterRef, system: ActorSystem
) -> None:
    notes: list[object] = []
    await supervise(Sleeper, notes)
    system.named("receiver").kill()

    for number in range(MANY):
        router.send_nowait("receiver", number)
    await router.drained()

    assert notes == list(range(MANY))
    assert router.statistics().retries == 0

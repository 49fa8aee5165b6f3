"""Accounts and their router are killed at random while transfers go on: nothing is lost, and nothing is doubled."""

from __future__ import annotations

import logging
import random
from typing import TYPE_CHECKING

import pytest
import trio

from actors import ActorSystem, open_system
from actors.delivery import DeliveryOptions, Guarantee, Router, RouterConfig, RouterRef
from supervision import ChildSpec, Supervisor, SupervisorSpec
from tests.actors.delivery.accounts import Account, Transfer

if TYPE_CHECKING:
    from pathlib import Path

NAMES = [f"account {number}" for number in range(6)]
PATIENT = DeliveryOptions(
    guarantee=Guarantee.EXACTLY_ONCE, durable=True, max_retries=1_000, retry_delay=0.001, max_retry_delay=0.01
)


def tree(file: Path) -> SupervisorSpec:
    config = RouterConfig(database=str(file), breaker=None)
    children = [
        ChildSpec("router", Router, args=(config,), name="router"),
        *(ChildSpec(name, Account, name=name) for name in NAMES),
    ]
    return SupervisorSpec(children, intensity=1_000_000, period=1.0)


async def kill_at_random(system: ActorSystem, chance: random.Random, kills: list[str]) -> None:
    while True:
        await trio.sleep(chance.uniform(0.001, 0.008))
        name = chance.choice([*NAMES, "router"])
        if (victim := system.whereis(name)) is not None:
            victim.kill()
            kills.append(name)


@pytest.mark.slow
async def test_every_transfer_is_applied_once_whoever_is_killed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    chance = random.Random(3)  # noqa: S311 -- the same transfers in every run
    expected = dict.fromkeys(NAMES, 100)
    kills: list[str] = []
    async with open_system() as system:
        await system.start(Supervisor, tree(tmp_path / "bank.db"))
        router = RouterRef(system)

        async def transfer_often(producer: int) -> None:
            for number in range(50):
                left, right = chance.sample(NAMES, 2)
                amount = chance.randint(1, 50)
                expected[left] -= amount
                expected[right] += amount
                await router.send(left, Transfer(amount, right), PATIENT, id=f"{producer}.{number}")

        async with trio.open_nursery() as nursery:
            nursery.start_soon(kill_at_random, system, chance, kills)
            async with trio.open_nursery() as producers:
                for producer in range(8):
                    producers.start_soon(transfer_often, producer)
            await router.drained()
            nursery.cancel_scope.cancel()
        await router.drained()
        found = {name: await system.named(name).call("balance") for name in NAMES if await is_up(system, name)}
        failed = router.statistics().failed

    assert len(kills) > 10
    assert failed == 0
    assert {name: found[name] - expected[name] for name in NAMES} == dict.fromkeys(NAMES, 0)


async def is_up(system: ActorSystem, name: str) -> bool:
    """Wait until the supervisor has restarted whom the last kill struck."""
    while system.whereis(name) is None:
        await trio.testing.wait_all_tasks_blocked()
    return True

"""Storers of the chaos tests."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Final

import pytest
import trio

from actors.store import ReferenceNotFoundError, StoreClient
from tests.chaos.asking import insist

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from actors import ActorSystem
    from actors.store import Reference

LARGE: Final = bytes(range(256)) * 9_000
"""More than two pieces in a file."""

KEPT: Final = 5
"""So many of its own values a storer keeps; the oldest goes."""


class Storer:
    """It stores values of its own and values that all have, resolves them, holds them, and lets go of them."""

    def __init__(self, system: ActorSystem, number: int, chance: Random) -> None:
        self.client = StoreClient(system.named("store"))
        self.number = number
        self.chance = chance
        self.own: dict[Reference, bytes] = {}
        self.held: Counter[str] = Counter()
        self.values: dict[str, tuple[Reference, bytes]] = {}

    async def step(self, round_number: int) -> None:
        await self.store(f"{self.number} {round_number} ".encode() * 20)
        await trio.lowlevel.checkpoint()
        await self.store(f"everybody's {round_number % 7}".encode())
        if round_number % 25 == self.number:
            await self.store(LARGE + bytes([self.number]))
        await self.hold()
        if len(self.own) > KEPT:
            await self.let_go()

    async def store(self, value: bytes) -> None:
        reference = await insist(partial(self.client.store, value))
        self.held[reference.id] += 1
        self.values[reference.id] = (reference, value)
        if not value.startswith(b"everybody's"):
            self.own[reference] = value

    async def hold(self) -> None:
        reference, value = self.chance.choice(list(self.values.values()))
        await insist(partial(self.client.retain, reference))
        self.held[reference.id] += 1
        assert await insist(partial(self.client.resolve, reference)) == value
        await insist(partial(self.client.release, reference))
        self.held[reference.id] -= 1

    async def let_go(self) -> None:
        reference = next(iter(self.own))
        del self.own[reference]
        del self.values[reference.id]
        left = [await insist(partial(self.client.release, reference)) for _ in range(self.held.pop(reference.id))]
        assert left[-1] == 0
        assert left == sorted(left, reverse=True)
        with pytest.raises(ReferenceNotFoundError):
            await insist(partial(self.client.resolve, reference))


async def check_values(client: StoreClient, storers: Sequence[Storer]) -> None:
    """Each value is there as it was stored, and is held exactly as often as was acknowledged; nothing else is there."""
    held: Counter[str] = sum((storer.held for storer in storers), Counter())
    values = {key: found for storer in storers for key, found in storer.values.items()}
    assert {reference.id for reference in await client.list()} == set(held)
    for key, (reference, value) in values.items():
        assert await client.resolve(reference) == value
        assert [await client.release(reference) for _ in range(held[key])] == list(reversed(range(held[key])))
    statistics = await client.stats()
    assert (statistics.active_refs, statistics.current_bytes, statistics.quarantined) == (0, 0, 0)

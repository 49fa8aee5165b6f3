"""The clock on the wall is set while a queue runs, or between two of its incarnations, or the machine has slept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import pytest
import trio

from actors.queue import MemoryStore, MessageStatus, Queue, QueueClient
from actors.wall_clock import LOOK_SECONDS

if TYPE_CHECKING:
    from actors import ActorRef, ActorSystem

HOUR = 3600.0
DAY = 24 * HOUR


@attrs.define
class Wall:
    """A clock on the wall that a test sets, and that goes as trio's clock does in between."""

    ahead: float = 10 * DAY

    def __call__(self) -> float:
        return trio.current_time() + self.ahead


@attrs.define
class Bench:
    """A queue that goes by such a clock."""

    system: ActorSystem
    store: MemoryStore = attrs.field(factory=MemoryStore)
    wall: Wall = attrs.field(factory=Wall)

    async def start(self) -> ActorRef:
        return await self.system.start(Queue, self.store, clock=self.wall, name="queue")

    async def start_again(self) -> None:
        ref = self.system.whereis("queue")
        assert ref is not None
        ref.kill()
        await ref.wait()
        await self.start()

    async def leased_after(self) -> float:
        """Return how long it takes until something can be leased."""
        begin = trio.current_time()
        lease = await self.client.lease("ann")
        await self.client.ack(lease)
        return trio.current_time() - begin

    @property
    def client(self) -> QueueClient:
        return QueueClient(self.system.named("queue"))


@pytest.fixture
async def bench(system: ActorSystem) -> Bench:
    made = Bench(system)
    await made.start()
    return made


async def test_what_is_due_by_a_clock_that_was_set_ahead_is_due(bench: Bench) -> None:
    await bench.client.put("ann", "tea", delay=HOUR)

    bench.wall.ahead += HOUR

    assert await bench.leased_after() <= LOOK_SECONDS


async def test_what_has_expired_by_a_clock_that_was_set_ahead_is_not_leased(bench: Bench) -> None:
    await bench.client.put("ann", "tea", expires_after=HOUR)

    bench.wall.ahead += HOUR + 1

    assert await bench.client.lease_many("ann", 1) == ()
    assert [dead.message.status for dead in await bench.client.dead_letters()] == [MessageStatus.EXPIRED]


async def test_a_lease_that_is_over_when_the_machine_wakes_up_is_over(bench: Bench) -> None:
    await bench.client.put("ann", "tea")
    await bench.client.lease("ann", seconds=600)

    bench.wall.ahead += 8 * HOUR

    assert await bench.leased_after() <= LOOK_SECONDS


@pytest.mark.parametrize("hours", [1, 24 * 365])
async def test_nothing_waits_longer_because_the_clock_was_set_back(bench: Bench, hours: int) -> None:
    await bench.client.put("ann", "delayed", delay=60.0)
    bench.wall.ahead -= hours * HOUR
    waited = [await bench.leased_after()]

    await bench.client.put("ann", "leased")
    await bench.client.lease("ann", seconds=30.0)
    bench.wall.ahead -= hours * HOUR
    waited.append(await bench.leased_after())

    await bench.client.put("ann", "given back")
    lease = await bench.client.lease("ann")
    bench.wall.ahead -= hours * HOUR
    await bench.client.nack(lease, delay=10.0)
    waited.append(await bench.leased_after())

    assert waited == pytest.approx([60.0, 30.0, 10.0], abs=0.01)


async def test_nothing_lives_longer_because_the_clock_was_set_back(bench: Bench) -> None:
    await bench.client.put("ann", "tea", expires_after=100.0)

    bench.wall.ahead -= HOUR
    await trio.sleep(99.0)
    before = await bench.client.depth("ann")
    await trio.sleep(1.1)

    assert (before, await bench.client.depth("ann")) == (1, 0)


async def test_a_clock_that_is_set_back_and_right_again_skips_nothing(bench: Bench) -> None:
    await bench.client.put("ann", "tea", delay=HOUR)

    bench.wall.ahead -= 2 * HOUR
    await trio.sleep(HOUR / 2)
    bench.wall.ahead += 2 * HOUR

    assert await bench.leased_after() == pytest.approx(HOUR / 2, abs=0.01)


async def test_after_a_restart_what_was_put_later_than_now_waits_as_if_it_were_put_now(bench: Bench) -> None:
    await bench.client.put("ann", "tea", delay=60.0)
    await bench.client.put("ann", "coffee")

    bench.wall.ahead -= HOUR
    await bench.start_again()

    waited = [await bench.leased_after() for _ in range(2)]
    assert waited == pytest.approx([0.0, 60.0], abs=0.01)


async def test_after_a_restart_what_was_put_later_than_now_lives_as_if_it_were_put_now(bench: Bench) -> None:
    await bench.client.put("ann", "tea", expires_after=100.0)

    bench.wall.ahead -= HOUR
    await bench.start_again()
    await trio.sleep(99.0)
    before = await bench.client.depth("ann")
    await trio.sleep(1.1)

    assert (before, await bench.client.depth("ann")) == (1, 0)


async def test_after_a_restart_the_time_that_was_slept_has_passed(bench: Bench) -> None:
    await bench.client.put("ann", "tea", delay=HOUR)
    await bench.client.put("ann", "coffee", expires_after=HOUR)

    bench.wall.ahead += 2 * HOUR
    await bench.start_again()

    leases = await bench.client.lease_many("ann", 2)
    assert [lease.message.payload for lease in leases] == ["tea"]

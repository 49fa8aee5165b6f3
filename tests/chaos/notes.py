"""Compare-and-set writers of the chaos tests, and who watches them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import trio

from actors import OutcomeUnknownError
from actors.shared_memory import Namespace, SharedMemoryClient, VersionConflictError
from tests.chaos.asking import insist, within

if TYPE_CHECKING:
    from collections.abc import Sequence

    from actors import ActorSystem
    from actors.shared_memory import Entry, PutResult, Tombstone

GLOBAL = Namespace.GLOBAL
COUNTER = "counter"


class Writer:
    """It counts up a number that all share, and puts a note of its own."""

    def __init__(self, system: ActorSystem, number: int) -> None:
        self.client = SharedMemoryClient(system.named("shared_memory"), f"writer {number}")
        self.note = f"note.{number}"
        self.won: list[int] = []
        self.version = 0
        self.puts = 0

    async def step(self, round_number: int) -> None:
        await self.count_up()
        await trio.lowlevel.checkpoint()
        await self.put_note(b"%d" % round_number)
        if round_number % 10 == 9:
            gone = await insist(
                partial(
                    self.client.delete, GLOBAL, self.note, tombstone=True, idempotency_key=f"{self.note} {self.version}"
                )
            )
            assert gone == (True, self.version)

    async def count_up(self) -> None:
        while True:
            found = await insist(partial(self.client.get, GLOBAL, COUNTER))
            value, version = (0, 0) if found is None else (int(found.value), found.version)
            assert value == version
            try:
                done = await self.put(COUNTER, b"%d" % (value + 1), expected_version=version, create_only=not version)
            except VersionConflictError:
                await trio.lowlevel.checkpoint()
                continue
            self.won.append(done.version)
            return

    async def put_note(self, value: bytes) -> None:
        done = await self.put(self.note, value)
        assert done.version == self.version + 1
        self.version = done.version
        self.puts += 1

    async def put(self, key: str, value: bytes, **options: Any) -> PutResult:
        """Put once; what is not known to have been put is asked for again under the same key."""
        request = partial(self.client.put, GLOBAL, key, value, **options)
        while True:
            try:
                return await within(request)
            except OutcomeUnknownError as error:
                request = partial(request, idempotency_key=error.idempotency_key)


class Watcher:
    """It notes every change of a key."""

    def __init__(self, system: ActorSystem, pattern: str) -> None:
        self.client = SharedMemoryClient(system.named("shared_memory"), f"watcher of {pattern}")
        self.pattern = pattern
        self.told: list[Entry | Tombstone] = []

    async def watch(self, *, task_status: trio.TaskStatus[None]) -> None:
        async with self.client.watch(GLOBAL, self.pattern, tombstones=True) as watch:
            task_status.started()
            async for change in watch:
                self.told.append(change)


async def check_notes(client: SharedMemoryClient, writers: Sequence[Writer], watchers: Sequence[Watcher]) -> None:
    """No version was skipped or repeated, none was told twice or not at all, and each key has its last."""
    counter, *notes = watchers
    won = sorted(version for writer in writers for version in writer.won)
    assert won == list(range(1, len(won) + 1)) == [change.version for change in counter.told]
    found = await client.get(GLOBAL, COUNTER)
    assert found is not None
    assert (found.version, found.value) == (len(won), b"%d" % len(won))
    for writer, watcher in zip(writers, notes, strict=True):
        assert writer.version == writer.puts
        versions = [change.version for change in watcher.told]
        assert sorted(set(versions)) == list(range(1, writer.version + 1))
        assert versions == sorted(versions)
        assert len(versions) - len(set(versions)) == writer.version // 10

"""A program with a store of references and a shared memory in one file: ``python -m tests.crash.desk FILE ROUND``.

It stores and releases values, and writes one note from several hands, until it is killed, and tells what was done.
"""

from __future__ import annotations

import sys
from typing import Final

import trio

from actors import open_system
from actors.shared_memory import Namespace, SharedMemory, SharedMemoryClient, SqliteEntries, VersionConflictError
from actors.store import SqliteReferenceStore, Store, StoreClient
from supervision import ChildSpec, Supervisor, SupervisorSpec
from tests.crash.post import tell

HANDS: Final = 4
LARGE: Final = 2_500_000
"""A value of so many bytes comes in three pieces."""
NOTE: Final = "diary"


def tree(file: str) -> SupervisorSpec:
    return SupervisorSpec(
        [
            ChildSpec("store", Store, (SqliteReferenceStore(file),), name="store"),
            ChildSpec("shared_memory", SharedMemory, (SqliteEntries(file),), name="shared_memory"),
        ]
    )


async def store_values(client: StoreClient, who: str) -> None:
    """Store one value after the other, every fifth a large one, and release every third."""
    number = 0
    while True:
        line = b"%s-%d " % (who.encode(), number)
        reference = await client.store(line * ((LARGE if number % 5 == 4 else 1000) // len(line)))
        tell("stored", who, reference.id)
        if number % 3 == 2:
            tell("releasing", who, reference.id)
            await client.release(reference)
            tell("released", who, reference.id)
        number += 1


async def write_note(client: SharedMemoryClient, who: str) -> None:
    """Add one line after the other to the note that all write."""
    number = 0
    while True:
        note = await client.get(Namespace.GLOBAL, NOTE)
        before, version = (b"", 0) if note is None else (note.value, note.version)
        line = f"{who}-{number}"
        try:
            put = await client.put(
                Namespace.GLOBAL, NOTE, before + f"{line}\n".encode(), expected_version=version, create_only=not version
            )
        except VersionConflictError:
            continue
        tell("put", line, put.version)
        number += 1


async def main(file: str, round_: str) -> None:
    async with open_system() as system, trio.open_nursery() as nursery:
        await system.start(Supervisor, tree(file))
        tell("running", "desk", round_)
        for hand in range(HANDS):
            who = f"{round_}-{hand}"
            nursery.start_soon(store_values, StoreClient(system.named("store")), who)
            nursery.start_soon(write_note, SharedMemoryClient(system.named("shared_memory"), who), who)


if __name__ == "__main__":
    trio.run(main, sys.argv[1], sys.argv[2])

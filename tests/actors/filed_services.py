"""The services that keep what they have in a file and have no other guide to what may happen to that: how to use each.

Run as a program (``python -m tests.actors.filed_services NAME FILE``) one writes to its file until it is refused, on a
disk where no file may have more than 200 kB, and says what was stored.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
from typing import TYPE_CHECKING, Any, Final

import attrs
import trio

from actors import ActorSystem, open_system
from actors.shared_memory import Namespace, NotStoredError, SharedMemory, SharedMemoryClient, SqliteEntries
from actors.store import SqliteReferenceStore, Store, StoreClient, StoreFailedError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from actors import Actor

BIG: Final = 1000
"""So many bytes has what is written."""
LARGEST_FILE: Final = 200_000


@attrs.frozen
class Service:
    """One service."""

    actor: type[Actor]
    in_file: Callable[..., Any]
    """Makes what keeps its content in a file."""
    write: Callable[[ActorSystem, int], Awaitable[object]]
    """Have it store something that belongs to a number."""
    numbers: Callable[[ActorSystem], Awaitable[list[int]]]
    """Return the numbers of all that it has, once that was found to be whole."""
    refusal: type[Exception]
    """What it refuses with when the disk does not take something."""
    table: str
    part: str


def data_of(number: int) -> bytes:
    return (b"%d " % number) * (BIG // len(b"%d " % number))


async def store_value(system: ActorSystem, number: int) -> None:
    await StoreClient(system.named("store")).store(data_of(number))


async def numbers_in_store(system: ActorSystem) -> list[int]:
    client = StoreClient(system.named("store"))
    values = [await client.resolve(reference) for reference in await client.list()]
    return numbers_of(values)


def notes_of(system: ActorSystem) -> SharedMemoryClient:
    return SharedMemoryClient(system.named("shared_memory"), "ann")


async def put_note(system: ActorSystem, number: int) -> None:
    await notes_of(system).put(Namespace.GLOBAL, f"{number:06}", data_of(number))


async def numbers_in_notes(system: ActorSystem) -> list[int]:
    client = notes_of(system)
    notes = [await client.get(Namespace.GLOBAL, key) for key in (await client.list(Namespace.GLOBAL)).keys]
    return numbers_of([note.value for note in notes if note is not None])


def numbers_of(found: list[bytes]) -> list[int]:
    numbers = [int(data.split(maxsplit=1)[0]) for data in found]
    assert [data_of(number) for number in numbers] == found
    return numbers


SERVICES: Final = {
    "store": Service(
        Store, SqliteReferenceStore, store_value, numbers_in_store, StoreFailedError, "store_values", "store"
    ),
    "shared_memory": Service(
        SharedMemory, SqliteEntries, put_note, numbers_in_notes, NotStoredError, "shared_memory", "shared_memory"
    ),
}
"""By the names that they are started under."""


async def write_until_refused(system: ActorSystem, service: Service, stored: list[int]) -> None:
    while True:
        await service.write(system, len(stored))
        stored.append(len(stored))


async def main(name: str, file: str) -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    service, stored = SERVICES[name], list[int]()
    async with open_system() as system:
        await system.start(service.actor, service.in_file(file), name=name)
        _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (LARGEST_FILE, hard))
        told = ""
        try:
            await write_until_refused(system, service, stored)
        except service.refusal as error:
            told = f"{len(stored)} were stored; {type(error).__name__}: {error}\n"
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        await service.write(system, 999_999)
        os.write(1, told.encode())


if __name__ == "__main__":
    trio.run(main, sys.argv[1], sys.argv[2])

"""Two agents share a report by reference, and the store that keeps it is killed in between."""

import trio
from attrs import frozen

from actors import Actor, Call, Caller, open_system
from actors.store import Reference, ReferenceNotFoundError, SqliteReferenceStore, Store, StoreClient, StoreOptions
from supervision import ChildSpec, Supervisor, SupervisorSpec, which_children


@frozen
class Read(Call[int]):
    title: str
    content: Reference


class Reader(Actor):
    async def handle_call(self, message: Read, caller: Caller) -> int:
        store = StoreClient(self.system.named("store"))
        text = await store.resolve(message.content)
        print(f"{message.title}: {len(text)} bytes that end with {text[-12:]!r}")
        return await store.release(message.content)


OPTIONS = StoreOptions(compression="gzip", max_bytes=16 * 2**20)
TREE = SupervisorSpec(
    [
        ChildSpec("store", Store, (SqliteReferenceStore("values.db"), OPTIONS), name="store"),
        ChildSpec("reader", Reader, name="reader"),
    ]
)


async def main() -> None:
    async with open_system() as system:
        desk = await system.start(Supervisor, TREE)
        store = StoreClient(system.named("store"))
        content = await store.store(b"nothing to report\n" * 200_000, content_type="text/plain")
        print(content)

        system.named("store").kill()
        await which_children(desk)
        statistics = await store.stats()
        print(statistics.current_bytes, "bytes, kept in less:", statistics.stored_bytes < statistics.current_bytes)

        await store.retain(content)
        print("held by", await system.named("reader").call(Read("Monday", content)))
        print("held by", await system.named("reader").call(Read("again", content)))
        try:
            await store.resolve(content)
        except ReferenceNotFoundError:
            print("nobody holds it, so it is gone")


if __name__ == "__main__":
    trio.run(main)

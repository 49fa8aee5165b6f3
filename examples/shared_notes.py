"""Two researchers keep notes in a shared memory, which is killed meanwhile, and outlives the program in a file."""

import logging

import trio

from actors import open_system
from actors.shared_memory import Namespace, SharedMemory, SharedMemoryClient, SqliteEntries, VersionConflictError
from supervision import ChildSpec, Supervisor, SupervisorSpec, which_children

TREE = SupervisorSpec([ChildSpec("notes", SharedMemory, (SqliteEntries("notes.db"),), name="shared_memory")])
SESSION = Namespace.SESSION


async def count_up(notes: SharedMemoryClient, times: int) -> None:
    while times:
        found = await notes.get(SESSION, "sources", scope="tea")
        version, count = (found.version, int(found.value)) if found else (0, 0)
        try:
            await notes.put(
                SESSION,
                "sources",
                str(count + 1).encode(),
                scope="tea",
                expected_version=version,
                create_only=found is None,
            )
        except VersionConflictError:
            continue  # somebody else was faster
        times -= 1


async def first_run() -> None:
    async with open_system() as system:
        shop = await system.start(Supervisor, TREE)
        ann, bob = (SharedMemoryClient(system.named("shared_memory"), name) for name in ("ann", "bob"))
        await ann.put(SESSION, "findings.origin", b"Yunnan", scope="tea")
        await ann.put(Namespace.AGENT, "draft", b"nobody else sees this")

        async with bob.watch(SESSION, "findings.*", scope="tea", initial=True) as findings:
            system.named("shared_memory").kill()
            await which_children(shop)
            await ann.put(SESSION, "findings.age", b"1200 years", scope="tea")
            for _ in range(2):
                note = await anext(findings)
                print(f"{note.key}: version {note.version}")

        async with trio.open_nursery() as nursery:
            for researcher in (ann, bob):
                nursery.start_soon(count_up, researcher, 10)


async def second_run() -> None:
    async with open_system() as system:
        await system.start(Supervisor, TREE)
        bob = SharedMemoryClient(system.named("shared_memory"), "bob")
        print("after the program has ended:", ", ".join((await bob.list(SESSION, scope="tea")).keys))
        sources = await bob.get(SESSION, "sources", scope="tea")
        if sources is not None:
            print("sources:", sources.value.decode(), "in version", sources.version)
        print("the draft of ann, for bob:", await bob.get(Namespace.AGENT, "draft"))


if __name__ == "__main__":
    logging.disable()  # the kill would be told
    trio.run(first_run)
    trio.run(second_run)

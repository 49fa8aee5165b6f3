"""Agents send each other a corpus and a note alike, although the receiver crashes and the router is killed."""

import logging

import trio

from actors import Caller, open_system
from actors.agent import Agent, AgentMessage
from actors.queue import MemoryStore
from actors.store import MemoryReferenceStore, PolicyManager
from supervision import ChildSpec, Supervisor, SupervisorSpec, service_tree

CORPUS = "nothing to report\n" * 200_000


class Editor(Agent):
    async def handle_call(self, message: str, caller: Caller) -> int:
        await self.send_with_ack("reader", "tool_result", {"title": "corpus", "text": CORPUS})
        self.system.named("router").kill()
        await self.send_with_ack("reader", "control", {"title": "note", "text": "that was all"})
        await self.send_async("archive", "tool_result", {"title": "corpus", "text": CORPUS})
        answer = await self.send_and_receive("archive", "search", {"title": "corpus"}, timeout=10)
        characters: int = answer["characters"]
        return characters


class Reader(Agent):
    awake = False

    async def handle_cast(self, message: AgentMessage) -> None:
        if not Reader.awake:
            Reader.awake = True
            raise RuntimeError("the reader dozes off")
        article = await self.receive(message)
        how = "by value" if message.payload.reference is None else "by reference"
        print(f"{article['title']} of {len(article['text'])} characters, {how}")


class Archive(Agent):
    async def handle_cast(self, message: str) -> None:
        texts: dict[str, str] = {}
        while (lease := await self.receive_with_timeout(1)) is not None:
            data = await self.receive(lease)
            if lease.message.kind == "request":
                await self.reply(lease, "tool_result", {"characters": len(texts[data["title"]])})
            else:
                texts[data["title"]] = data["text"]
            await self.ack(lease)


PARTS = {"store": "store", "policies": PolicyManager(), "queue": "queue"}
DESK = SupervisorSpec(
    [
        service_tree(store=MemoryReferenceStore(), queue=MemoryStore()),
        *(
            ChildSpec(agent.__name__, agent, (), PARTS, name=agent.__name__.lower())
            for agent in (Editor, Reader, Archive)
        ),
    ]
)


async def main() -> None:
    logging.disable()  # the crash would be shown with its traceback
    async with open_system() as system:
        await system.start(Supervisor, DESK)
        system.named("archive").cast("open")
        print("the archive has", await system.named("editor").call("publish"), "characters")


if __name__ == "__main__":
    trio.run(main)

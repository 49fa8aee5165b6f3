"""The team of the research desk: whatever is killed while they work, the same is found.

* The *librarian* stores the corpus, volume by volume, and puts references to the volumes into a queue.
* Each *reader* leases a volume, studies it, notes in the shared memory what it explains, announces what nobody has
  noted yet, and sends the editor which words it uses, through the router. Then it acknowledges the volume.
* The *editor* waits until every volume is read, and writes the index from the notes.
* The *announcer* hears of findings as they are made. It may miss some, for announcements are made at most once.

A service that is killed takes nothing along that it has confirmed. What it has not confirmed is asked again (`insist`),
and may be done twice. So each step is one that may: a volume is put under an id, a note is the best of all that was
found, an account is filed under the number of its volume.
"""

import json
import math
import sys
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

import trio

from actors import NORMAL, Actor, ActorError, Continue, Crash, ExitReason, Stop, run_blocking
from actors.agent import Agent, AgentMessage
from actors.bus import BusClient, MessagesMissed, TopicMessage
from actors.queue import Lease, LeaseLostError
from actors.shared_memory import Namespace, SharedMemoryClient, VersionConflictError
from actors.store import PolicyManager, Reference, ReferenceNotFoundError
from research_report import Finding, Index, Watch, show
from research_texts import Explanation, Listing, Volume, best, study, volumes_of

PARTS = {"store": "store", "queue": "queue", "policies": PolicyManager()}
NOTES = {"namespace": Namespace.SESSION, "scope": "research"}
UNREAD = "unread volumes"
ANY_NUMBER = 1_000_000
"""How often a volume may be leased: again each time the queue is killed while somebody reads it."""

PATIENCE = 20.0
"""Seconds of failing after which it is not the kills: the disk may be full."""

R = TypeVar("R")


async def insist(ask: Callable[..., Awaitable[R]], *args: Any, **options: Any) -> R:
    """Ask until there is an answer, or an error that asking again does not help, or not for `PATIENCE`."""
    failing_since = math.inf
    while True:
        try:
            return await ask(*args, **options)
        except ActorError as error:
            failing_since = min(failing_since, trio.current_time())
            if not error.retryable or trio.current_time() > failing_since + PATIENCE:
                raise
            await trio.sleep(0.01)


class Member(Agent):
    """One of the team, who tells why, if it fails."""

    def terminate(self, reason: ExitReason) -> None:
        if isinstance(reason, Crash):
            print(f"the {self.name} failed: {reason}", file=sys.stderr)


class Librarian(Member):
    """Shares the corpus by reference."""

    def __init__(self, listing: Listing, **parts: Any) -> None:
        super().__init__(**parts)
        self.listing = listing

    def init(self) -> Continue:
        return Continue("hand out")

    async def handle_continue(self, argument: str) -> Stop:
        volumes, handed_out = volumes_of(self.listing), 0
        while (volume := await run_blocking(next, volumes, None)) is not None:
            await self.hand_out(volume)
            handed_out += 1
        await insist(self.send_with_ack, "editor", "control", {"volumes": handed_out})
        return Stop(NORMAL)

    async def hand_out(self, volume: Volume) -> None:
        """Store a volume once, under its content, and put a reference to it into the queue once, under an id."""
        content = await insist(self.store.store, json.dumps(volume).encode(), content_type="application/json")
        work = {"volume": volume.number, "content": content.as_dict()}
        await insist(self.queue.put, UNREAD, work, id=f"volume {volume.number}", max_retries=ANY_NUMBER)


class Reader(Member):
    """Reads one volume after the other.

    A queue that is killed takes the leases along, and what was leased comes again, before all else. Then a volume that
    was read is only acknowledged. Were it read anew, and the queue killed before the end each time, nobody would ever
    get to the volumes behind it.
    """

    def init(self) -> Continue:
        self.notes = SharedMemoryClient(self.system.named("shared_memory"), self.address)
        self.bus = BusClient(self.system.named("bus"), agent=self.address)
        self.accounted: set[int] = set()
        """The volumes of which the editor has an account from here."""
        return Continue("read")

    async def handle_continue(self, argument: str) -> None:
        while True:
            lease = await insist(self.queue.lease, UNREAD)
            with suppress(LeaseLostError):  # whoever leases the volume now finds the same
                await self.work_on(lease)

    async def work_on(self, lease: Lease) -> None:
        """Have a volume read, and be done with it."""
        volume, content = lease.message.payload["volume"], Reference.from_dict(lease.message.payload["content"])
        if volume not in self.accounted:
            await self.read(volume, await self.text_of(lease, content))
        await insist(self.queue.ack, lease)
        with suppress(ReferenceNotFoundError):  # an earlier attempt was done after all
            await insist(self.store.release, content)

    async def text_of(self, lease: Lease, content: Reference) -> bytes:
        try:
            return await insist(self.store.resolve, content)
        except ReferenceNotFoundError:
            # Somebody else may be done with the volume: then the lease was lost, and this says so.
            await insist(self.queue.extend, lease, 30.0)
            raise

    async def read(self, volume: int, text: bytes) -> None:
        """Note what a volume explains, announce what is new, and give the editor an account of it."""
        known = await run_blocking(study, text)
        for concept, found in known.explained.items():
            if await self.note(concept, found):
                topic = f"findings.{concept.replace(' ', '.')}"
                await insist(self.bus.publish, topic, Finding(concept, found[0].where))
        account = {"volume": volume, "files": known.files, "used": known.used, "skipped": known.skipped}
        await insist(self.send_with_ack, "editor", "tool_result", account)
        self.accounted.add(volume)

    async def note(self, concept: str, found: list[Explanation]) -> bool:
        """Add to what is noted of *concept*, and tell whether nothing was."""
        key = f"concepts.{concept}"
        while True:
            there = await insist(self.notes.get, key=key, **NOTES)
            known = explanations(there.value) if there else []
            better = best({*known, *found})
            if better == known:
                return False
            expected = {"expected_version": there.version} if there else {"create_only": True}
            try:
                await insist(self.notes.put, key=key, value=json.dumps(better).encode(), **NOTES, **expected)
            except VersionConflictError:
                continue  # somebody else was faster, or an earlier attempt was done after all
            return not known


def explanations(note: bytes) -> list[Explanation]:
    return [Explanation(*parts) for parts in json.loads(note)]


class Editor(Member):
    """Writes the index when every volume is read, and then the work is done."""

    def __init__(self, listing: Listing, watch: Watch, **parts: Any) -> None:
        super().__init__(**parts)
        self.listing = listing
        self.watch = watch
        self.read: set[int] = set()
        """The volumes of which there is an account, for there may be two."""
        self.volumes: int | None = None
        """How many there are, once the librarian has handed out the last."""
        self.files = 0
        self.used: Counter[str] = Counter()
        self.skipped: list[tuple[str, str]] = []

    def init(self) -> None:
        self.watch.start()

    async def handle_cast(self, message: AgentMessage) -> Stop | None:
        said = await insist(self.receive, message)
        if message.type == "control":
            self.volumes = said["volumes"]
        elif said["volume"] not in self.read:
            self.file(**said)
        if len(self.read) != self.volumes:
            return None
        self.watch.stop()
        show(await self.index(), self.watch)
        return Stop(NORMAL)

    def file(self, volume: int, files: int, used: dict[str, int], skipped: list[tuple[str, str]]) -> None:
        """Add an account to the books."""
        self.read.add(volume)
        self.files += files
        self.used.update(used)
        self.skipped += [(place, why) for place, why in skipped]
        self.watch.advance(files + len(skipped))

    async def index(self) -> Index:
        """Return what was noted of each concept, and in how many files each is used."""
        notes = SharedMemoryClient(self.system.named("shared_memory"), self.address)
        explained: dict[str, list[Explanation]] = {}
        for key in (await insist(notes.list, pattern="concepts.*", **NOTES)).keys:
            note = await insist(notes.get, key=key, **NOTES)
            if note is not None:
                explained[key.removeprefix("concepts.")] = explanations(note.value)
        used = {concept: self.used[concept] for concept in explained}
        return Index(self.listing, self.files, explained, used, sorted(self.skipped))

    def terminate(self, reason: ExitReason) -> None:
        self.watch.stop()
        super().terminate(reason)
        if reason != NORMAL:
            self.watch.interrupted(reason)


class Announcer(Actor):
    """Shows what is found while it is found."""

    def __init__(self, watch: Watch) -> None:
        self.watch = watch

    async def init(self) -> None:
        await insist(partial(BusClient(self.system.named("bus")).subscribe_actor, "findings.**"))

    def handle_info(self, message: TopicMessage | MessagesMissed) -> None:
        match message:
            case TopicMessage(payload=finding):
                self.watch.hear(finding)
            case MessagesMissed(count=count):
                self.watch.missed += count

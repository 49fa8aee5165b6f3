"""Killing children at random, as a test of what a tree survives."""

from __future__ import annotations

from contextlib import asynccontextmanager
from operator import attrgetter
from random import Random
from typing import TYPE_CHECKING, Final

from actors import Actor, ActorError, ActorRef, Stop
from actors.inspect import Children, check_ref
from actors.name_ref import process_of
from actors.options import is_number
from actors.show import shown
from actors.testing.given import check_system
from supervision.calls import which_children

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from actors import ActorSystem, NameRef

KILL: Final = "kill"


class ChildKiller(Actor):
    """Kills a random child of *supervisor* every *seconds*, as long as that lives; whom, is told by *seed*.

    *killed* is what it appends them to.
    """

    def __init__(self, supervisor: ActorRef | NameRef, seconds: float, seed: int, killed: list[ActorRef]) -> None:
        if not (is_number(seconds) and seconds > 0):
            raise ValueError(f"a child is killed every {seconds!r} seconds; allowed is a number above 0")
        self.supervisor = supervisor
        self.seconds = seconds
        self.killed = killed
        self._random = Random(seed)  # noqa: S311 -- a test wants the same in every run

    def init(self) -> None:
        """Begin to wait."""
        self.ref.send_after(self.seconds, KILL)

    async def handle_info(self, message: object) -> Stop | None:
        """Kill one, if one is alive; end with the supervisor, unless it is a name that somebody may have again."""
        try:
            children = await which_children(self.supervisor)
        except ActorError:
            if isinstance(self.supervisor, ActorRef):
                return Stop()
            children = []
        living = [child.ref for child in children if child.ref is not None and child.ref.alive]
        if living:
            victim = self._random.choice(sorted(living, key=attrgetter("id")))
            self.killed.append(victim)
            victim.kill()
        self.ref.send_after(self.seconds, KILL)
        return None


@asynccontextmanager
async def kill_children(
    system: ActorSystem, supervisor: ActorRef | NameRef, *, every: float, seed: int = 0
) -> AsyncIterator[list[ActorRef]]:
    """Kill a random child of *supervisor* every so many seconds while the block runs; the list is of those killed.

    In virtual time the same *seed* chooses the same children in every run. What the supervisor does about it is its
    own affair: it gives up where that is more often than its intensity allows. What the block raises has a note with
    the seed and with who was killed.
    """
    __tracebackhide__ = True
    check_system("kill_children", system)
    check_ref("kill_children", supervisor)
    process = process_of(supervisor)
    if process is not None and process.reason is None and not isinstance(process.actor, Children):
        raise TypeError(f"kill_children kills the children of a supervisor; {supervisor} is none")
    killed: list[ActorRef] = []
    killer = await system.start(ChildKiller, supervisor, every, seed, killed)
    try:
        yield killed
    except BaseException as error:
        error.add_note(f"kill_children(every={every!r}, seed={seed!r}) had killed {shown(killed)}")
        raise
    finally:
        killer.kill()

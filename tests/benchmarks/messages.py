"""The messages of the benchmark, the same for trio-actors and for bare trio where both need one."""

from attrs import frozen

from actors import ActorRef, Call


@frozen
class Increment(Call[int]):
    """Count one more, and answer how many that makes."""


@frozen
class Reach(Call[int]):
    """Answer when so many have been counted."""

    goal: int


@frozen
class Note:
    """Count one more."""

    number: int


@frozen
class Produce:
    """Cast so many notes to *target*."""

    target: ActorRef
    count: int
    fresh: bool


INCREMENT = Increment()
NOTE = Note(1)

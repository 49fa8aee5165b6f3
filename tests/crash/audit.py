"""What must hold of the parent's log and of what is on the disk, after every kill and at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.crash.post import HOPS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tests.crash.disk import Disk
    from tests.crash.log import Log


def check(log: Log, disk: Disk) -> None:
    """Assert that nothing is lost, nothing is doubled, and nothing is there that nobody has sent."""
    assert disk.sound
    assert disk.given_up == 0
    assert disk.twice == ()
    assert sorted(lost(log, disk)) == []
    assert sorted(unheard_of(log, disk)) == []


def check_end(log: Log, disk: Disk) -> None:
    """Assert that, besides, everything was handled."""
    check(log, disk)
    assert disk.waiting == frozenset()
    for producer in parcels(log.accepted):
        for hop in range(HOPS):
            seen = disk.seen[f"{producer}/{hop}"]
            assert log.accepted[producer] <= seen
            # What was intended and not accepted may have been, but as a whole.
            assert seen == disk.seen[f"{producer}/0"]


def lost(log: Log, disk: Disk) -> Iterator[str]:
    """Yield what was accepted and is nowhere: neither handled, nor waiting to be."""
    for producer in parcels(log.accepted):
        due = log.accepted[producer]
        for hop in range(HOPS):
            seen = disk.seen.get(f"{producer}/{hop}", set())
            gone = (number for number in due - seen if (producer, number, hop) not in disk.waiting)
            yield from (f"{producer}-{number} of hop {hop}" for number in gone)
            # Whoever has seen it has sent it on with the same commit.
            due = seen
        yield from (f"{number} of {producer}, handled" for number in acknowledged_in_vain(log, disk, producer))
    for producer in letters(log.accepted):
        for number in log.accepted[producer] - log.handled[producer]:
            if (producer, number) not in disk.letters:
                yield f"letter {number} of {producer}"
        for number in log.acknowledged[producer] - log.handled[producer]:
            yield f"letter {number} of {producer}, handled"


def acknowledged_in_vain(log: Log, disk: Disk, producer: str) -> set[int]:
    """Return what was acknowledged and has left no trace with its receiver."""
    return log.acknowledged[producer] - disk.seen.get(f"{producer}/0", set())


def unheard_of(log: Log, disk: Disk) -> Iterator[str]:
    """Yield what stations have seen and nobody has sent, or the parent was not told of before."""
    for key, seen in disk.seen.items():
        producer, _, _ = key.partition("/")
        yield from (f"{key}/{number}" for number in seen - log.intended[producer])
        yield from (f"{key}/{number}, untold" for number in seen - log.handled[key])


def parcels(producers: Iterable[str]) -> list[str]:
    return [name for name in producers if not name.startswith("letters")]


def letters(producers: Iterable[str]) -> list[str]:
    return [name for name in producers if name.startswith("letters")]

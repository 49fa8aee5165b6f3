"""Heirloom: records that outlive the incarnations of a service, owned by the system (OTP's heir of a table).

It is a mapping of keys to records that changes by whole records only, and that only one living process can
change. `Heirloom.append` chooses the key itself; so it is a log as well, and a queue once what is done is deleted.
"""

from __future__ import annotations

from collections.abc import ItemsView, Iterable, Iterator, Mapping, ValuesView
from threading import get_ident
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import attrs
from trio.lowlevel import disable_ki_protection, enable_ki_protection

from actors.errors import HeirloomLostError, RecordError, WrongThreadError
from actors.record import fault_in
from actors.show import shown

if TYPE_CHECKING:
    from actors.process import Process
    from actors.system import ActorSystem

K = TypeVar("K")
R = TypeVar("R")


@attrs.define(eq=False)
class Estate:
    """A heirloom as the system keeps it, whoever has it."""

    name: str
    records: dict[Any, Any] = attrs.field(factory=dict)
    next_number: int = 0
    """What `Heirloom.append` tries next as a key."""
    owner: Process | None = None
    """Who inherited it last, dead or alive."""
    epoch: int = 0
    """Which `inherit` was the last; none is over when it is discarded."""


class Heirloom(Mapping[K, R]):
    """The records that one incarnation inherited, and leaves to the next. Made by `Actor.inherit`.

    A record is a value that nobody can change, all the way down: None, numbers, strings, bytes, members of
    enumerations, tuples and frozensets, frozen attrs classes and dataclasses, references to actors. That is
    checked when it is given, for its key as well, and takes about 0.4 µs for a class of three fields; nothing
    is copied. Every change happens at once: a crash or a kill leaves all of it or nothing. Records stay in the
    order in which their keys were first given.

    All methods raise `HeirloomLostError` once the actor is dead, even if a handler of it still runs, or after
    another `inherit` or a `discard`, and `WrongThreadError` in another thread; they have done nothing then.
    """

    __slots__ = ("_estate", "_owner", "_system", "epoch")

    epoch: int
    """Greater than that of every `inherit` of the system before."""

    def __init__(self, system: ActorSystem, estate: Estate, owner: Process) -> None:
        self._system = system
        self._estate = estate
        self._owner = owner
        self.epoch = estate.epoch

    def __repr__(self) -> str:
        held = "lost" if self._is_lost() else f"{len(self._estate.records)} records"
        return f"<Heirloom {self.name}: {held}, epoch {self.epoch}>"

    @property
    def name(self) -> str:
        """What it is inherited by."""
        return self._estate.name

    # -- reading: what is there at that moment, so that it can be changed meanwhile

    def __len__(self) -> int:
        return len(self._content())

    def __iter__(self) -> Iterator[K]:
        return iter(tuple(self._content()))

    def __getitem__(self, key: K) -> R:
        record: R = self._content()[key]
        return record

    def __contains__(self, key: object) -> bool:
        return key in self._content()

    @property
    def records(self) -> tuple[R, ...]:
        """All records, in order."""
        return tuple(self._content().values())

    def values(self) -> ValuesView[R]:
        """Return all records, in order."""
        return self._content().copy().values()

    def items(self) -> ItemsView[K, R]:
        """Return all keys with their records, in order."""
        return self._content().copy().items()

    # -- changing

    @enable_ki_protection
    def append(self, record: R) -> int:
        """Add *record* under the next number that is no key yet, and return that.

        A number is not given again when its record was deleted.
        """
        content = self._content()
        self._refuse("record", fault_in(record))
        estate = self._estate
        while estate.next_number in content:
            estate.next_number += 1
        number = estate.next_number
        content[number] = record
        estate.next_number = number + 1
        return number

    @enable_ki_protection
    def __setitem__(self, key: K, record: R) -> None:
        """Put *record* in the place of what *key* has, or at the end."""
        content = self._content()
        self._refuse("key", fault_in(key))
        self._refuse("record", fault_in(record))
        content[key] = record

    @enable_ki_protection
    def __delitem__(self, key: K) -> None:
        """Remove *key* and its record; raises ``KeyError`` if there is none."""
        del self._content()[key]

    @enable_ki_protection
    def replace(self, records: Mapping[K, R] | Iterable[R]) -> None:
        """Put *records* in the place of all that is there, at once; if one is refused, nothing changes.

        A mapping gives them their keys; others are numbered from 0.
        """
        self._content()
        content = _gathered(records)
        for key, record in content.items():
            if (fault := fault_in(key)) is not None:
                self._refuse("key", fault)
            if (fault := fault_in(record)) is not None:
                self._refuse(f"record under {shown(key)}", fault)
        # The iterable was somebody else's code, so who may change what is asked once more.
        self._content()
        self._estate.records = content
        if not isinstance(records, Mapping):
            self._estate.next_number = len(content)

    @enable_ki_protection
    def discard(self) -> None:
        """End it: its records are gone, and whoever inherits its name finds nothing."""
        self._content()
        self._system.heirlooms.end(self._estate)

    # -- what all of these ask

    def _content(self) -> dict[Any, Any]:
        """Return what is there, if this handle is the one that may touch it, in its thread."""
        if get_ident() != self._system.thread:
            refuse_thread(f"heirloom {self.name!r}", self._system)
        if self._is_lost():
            self._refuse_lost()
        return self._estate.records

    def _is_lost(self) -> bool:
        return self._estate.epoch != self.epoch or self._owner.reason is not None

    def _refuse_lost(self) -> NoReturn:
        owner, now = self._owner, self._estate.epoch
        if owner.reason is not None:
            why = f"the actor is dead: {owner.reason}"
        elif now == 0:
            why = "the heirloom was discarded"
        else:
            why = f"epoch {now} is in its place"
        raise HeirloomLostError(f"{owner.ref} has lost epoch {self.epoch} of heirloom {self.name!r}; {why}")

    def _refuse(self, what: str, fault: str | None) -> None:
        if fault is not None:
            raise RecordError(f"heirloom {self.name!r} takes only what nobody can change, but the {what}{fault}")


@disable_ki_protection
def _gathered(records: Mapping[Any, Any] | Iterable[Any]) -> dict[Any, Any]:
    return dict(records) if isinstance(records, Mapping) else dict(enumerate(records))


def refuse_thread(what: str, system: ActorSystem) -> NoReturn:
    """Refuse what was asked in another thread than that of *system*."""
    raise WrongThreadError(f"{what} belongs to thread {system.thread}; this was asked in thread {get_ident()}")

"""Heirlooms: all heirlooms of a system, who has them, and what failed its check."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from itertools import count
from threading import get_ident
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import attrs
import trio
from trio.lowlevel import disable_ki_protection, enable_ki_protection

from actors import report
from actors.errors import HeirloomLostError, HeirloomTakenError
from actors.heirloom import Estate, Heirloom, refuse_thread
from actors.show import shown, told

if TYPE_CHECKING:
    from actors.process import Process
    from actors.ref import ActorRef
    from actors.system import ActorSystem

HeirloomCheck: TypeAlias = Callable[[Mapping[Any, Any]], bool | None]
"""What judges the content of a heirloom: it fails by False or an exception, and passes by True or None."""

KEPT: Final = 3
"""So many contents of one heirloom are kept in quarantine; all are counted."""


@attrs.frozen
class HeirloomStatus:
    """A heirloom as others see it."""

    name: str
    owner: ActorRef | None
    """The living actor that has it."""
    length: int
    """How many records it has."""
    epoch: int
    """Which `inherit` of the system was its last."""
    quarantined: int
    """How often it failed its check."""


@attrs.frozen(eq=False)
class Quarantined:
    """What failed its check: the whole content of a heirloom, as it was found."""

    heirloom: str
    records: Mapping[Any, Any]
    actor: ActorRef
    """Who was to inherit it."""
    reason: str
    error: BaseException | None
    """What the check raised; None if it returned False."""
    time: float
    """On trio's clock."""

    def __str__(self) -> str:
        return (
            f"heirloom {self.heirloom!r} failed its check when {self.actor} inherited it: {self.reason}; "
            f"its {len(self.records)} records are in quarantine, and it begins empty"
        )


class Heirlooms(Mapping[str, HeirloomStatus]):
    """The heirlooms of a system by their names, whether their owners live or not."""

    def __init__(self, system: ActorSystem) -> None:
        self._system = system
        self._estates: dict[str, Estate] = {}
        self._quarantine: dict[str, deque[Quarantined]] = {}
        self._failures: dict[str, int] = {}
        self._epochs = count(1)

    def __repr__(self) -> str:
        kept = sum(map(len, self._quarantine.values()))
        return f"<Heirlooms: {len(self._estates)}, and {kept} contents in quarantine>"

    def __len__(self) -> int:
        return len(self._estates)

    def __iter__(self) -> Iterator[str]:
        self._check_thread()
        return iter(tuple(self._estates))

    def __getitem__(self, name: str) -> HeirloomStatus:
        self._check_thread()
        estate = self._estates[name]
        owner = _living_owner(estate)
        ref = None if owner is None else owner.ref
        return HeirloomStatus(name, ref, len(estate.records), estate.epoch, self._failures.get(name, 0))

    @enable_ki_protection
    def discard(self, name: str) -> None:
        """End the heirloom of a service that will not come back.

        Raises ``KeyError`` if there is none, `HeirloomTakenError` if its owner lives.
        """
        self._check_thread()
        estate = self._estates[name]
        self._refuse_if_taken(estate, "it cannot be discarded by others")
        self.end(estate)

    @property
    def quarantined(self) -> tuple[Quarantined, ...]:
        """What failed its check, oldest first: of each heirloom the latest `KEPT` contents."""
        self._check_thread()
        kept = [entry for entries in self._quarantine.values() for entry in entries]
        return tuple(sorted(kept, key=lambda entry: entry.time))

    @enable_ki_protection
    def discard_quarantined(self, name: str) -> int:
        """Let go of what heirloom *name* has in quarantine, and return how many contents that were."""
        self._check_thread()
        return len(self._quarantine.pop(name, ()))

    # -- what the runtime needs

    @enable_ki_protection
    def inherit(self, process: Process, name: str, check: HeirloomCheck | None) -> Heirloom[Any, Any]:
        """Make *process* the owner of *name*; what it means is told by `Actor.inherit`."""
        self._check_thread()
        if process.reason is not None:
            raise HeirloomLostError(f"{process.ref} inherits nothing; it is dead: {process.reason}")
        _check_request(name, check)
        estate = self._estates.get(name)
        if estate is not None and estate.owner is not process:
            self._refuse_if_taken(estate, f"{process.ref} cannot inherit it")
        if estate is not None and estate.records and check is not None:
            self._judge(estate, process, check)
        estate = self._estates.setdefault(name, Estate(name))
        estate.owner = process
        estate.epoch = next(self._epochs)
        return Heirloom(self._system, estate, process)

    def end(self, estate: Estate) -> None:
        """Let go of *estate*; no handle of it is good any more."""
        estate.epoch = 0
        del self._estates[estate.name]

    def _judge(self, estate: Estate, process: Process, check: HeirloomCheck) -> None:
        """Have *check* look at the content, and put it aside if it fails."""
        records = MappingProxyType(estate.records)
        passed, error = _verdict(check, records)
        if passed is None or passed is True:
            return
        if passed is not False:
            said = f"the check of heirloom {estate.name!r} returned {shown(passed)}; allowed is a bool or None"
            raise TypeError(said)
        reason = "the check returned False" if error is None else told(error)
        entry = Quarantined(estate.name, records, process.ref, reason, error, trio.current_time())
        self._quarantine.setdefault(estate.name, deque(maxlen=KEPT)).append(entry)
        self._failures[estate.name] = self._failures.get(estate.name, 0) + 1
        estate.records = {}
        report.quarantined(entry)

    def _refuse_if_taken(self, estate: Estate, so: str) -> None:
        owner = _living_owner(estate)
        if owner is not None:
            raise HeirloomTakenError(f"heirloom {estate.name!r} belongs to {owner.ref}, which lives; {so}", owner.ref)

    def _check_thread(self) -> None:
        if get_ident() != self._system.thread:
            refuse_thread(f"{self!r}", self._system)


def _verdict(check: HeirloomCheck, records: Mapping[Any, Any]) -> tuple[object, BaseException | None]:
    """Return what *check* said, or False and what it raised."""
    try:
        return _ask(check, records), None
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 -- whatever the check raises condemns the content
        return False, error


@disable_ki_protection
def _ask(check: HeirloomCheck, records: Mapping[Any, Any]) -> object:
    return check(records)


def _check_request(name: object, check: object) -> None:
    if not isinstance(name, str) or not name:
        raise TypeError(f"the name of a heirloom is a str that is not empty; got {name!r}")
    if check is not None and not callable(check):
        raise TypeError(f"the check of heirloom {name!r} is a function or None; got {shown(check)}")


def _living_owner(estate: Estate) -> Process | None:
    return None if estate.owner is None or estate.owner.reason is not None else estate.owner

"""Undelivered: what a router gave up, kept to be looked at, sent again or thrown away."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final

import attrs
from trio.lowlevel import enable_ki_protection

from actors.delivery.errors import (
    CircuitOpenError,
    DeliveryFailedError,
    MessageExpiredError,
    RouterClosedError,
    TargetNotFoundError,
)
from actors.delivery.record import Status
from actors.show import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any

    from actors.delivery.options import DeliveryOptions
    from actors.delivery.record import DeliveryRecord, Fault

NOBODY: Final = "nobody has the name"
DEAD: Final = "it is dead and has no name by which it could come back"
CIRCUIT_OPEN: Final = "its circuit breaker is open"
CLOSED: Final = "the router was closed"

ERRORS: Final[dict[object, type[DeliveryFailedError]]] = {
    NOBODY: TargetNotFoundError,
    DEAD: TargetNotFoundError,
    CIRCUIT_OPEN: CircuitOpenError,
    CLOSED: RouterClosedError,
}


@attrs.frozen(eq=False)
class Undelivered:
    """A message that a router gave up."""

    id: str
    message: object
    to: Any
    sender: object
    """The actor that sent it; None if it came from outside every actor."""
    options: DeliveryOptions | None
    """What it was sent with."""
    status: Status
    """`Status.FAILED` or `Status.EXPIRED`."""
    attempts: int
    faults: tuple[Fault, ...]
    """Why its attempts failed, in their order."""
    created: float
    """When it was sent, on trio's clock, as all times here."""
    time: float
    """When it was given up."""
    number: int | None = None
    """The number it is stored under, if it is."""

    @classmethod
    def of(cls, record: DeliveryRecord, options: DeliveryOptions | None, now: float) -> Undelivered:
        """Return what is left of *record*."""
        return cls(
            record.id,
            record.message,
            record.to,
            record.sender,
            options,
            record.status,
            record.attempts,
            record.faults,
            record.created,
            now,
            getattr(record, "number", None) if getattr(record, "stored", False) else None,
        )

    def __repr__(self) -> str:
        return f"<Undelivered {self.id!r}: {self}>"

    def __str__(self) -> str:
        tries = f"{self.attempts} attempt{'' if self.attempts == 1 else 's'}"
        what = f"{shown(self.message)} to {shown(self.to)}"
        last = f": {self.faults[-1].reason}" if self.faults else ""
        if self.status is Status.EXPIRED:
            return f"{what} expired after {self.time - self.created:.6g} s and {tries}{last}"
        return f"{what} failed after {tries}{last}"

    @property
    def error(self) -> DeliveryFailedError:
        """What whoever waits for the acknowledgement is told."""
        if self.status is Status.EXPIRED:
            return MessageExpiredError(str(self), self)
        reason = self.faults[-1].reason if self.faults else None
        kind = ERRORS.get(reason, DeliveryFailedError) if isinstance(reason, str) else DeliveryFailedError
        return kind(str(self), self)


class UndeliveredLetters:
    """The latest messages that a router gave up, oldest first, and how many there were."""

    def __init__(self, max_letters: int, resend: Callable[[Undelivered, Any], object]) -> None:
        self.max_letters = max_letters
        self.count = 0
        """How many there have been, those that are no longer kept included."""
        self._letters: OrderedDict[Undelivered, None] = OrderedDict()
        self._resend = resend
        self.on_discard: Callable[[Undelivered], object] | None = None
        """Told of each letter that is kept no longer."""

    def __repr__(self) -> str:
        return f"<UndeliveredLetters: {self.count}, {len(self)} kept>"

    def __len__(self) -> int:
        return len(self._letters)

    def __iter__(self) -> Iterator[Undelivered]:
        return iter(tuple(self._letters))

    def __contains__(self, letter: object) -> bool:
        return isinstance(letter, Undelivered) and letter in self._letters

    def __getitem__(self, id: str) -> Undelivered:
        for letter in reversed(self._letters):
            if letter.id == id:
                return letter
        raise KeyError(id)

    def add(self, letter: Undelivered) -> None:
        """Keep *letter*; the oldest one makes room if need be."""
        self.count += 1
        self.restore(letter)

    def restore(self, letter: Undelivered) -> None:
        """Keep *letter*, which was counted before."""
        self._letters[letter] = None
        if len(self._letters) > self.max_letters:
            oldest, _ = self._letters.popitem(last=False)
            self.forget(oldest)

    def forget(self, letter: Undelivered) -> None:
        """Tell whoever has stored *letter* that it is kept no longer."""
        if self.on_discard is not None:
            self.on_discard(letter)

    @enable_ki_protection
    def replay(self, letter: Undelivered, to: Any = None) -> Any:
        """Send the message of *letter* again, with the same id and options, and keep the letter no longer.

        It goes to *to*, or else where it was to go. Returns the new receipt. Raises ``LookupError`` if the letter is
        not kept, and what sending raises; the letter is kept then.
        """
        self._check(letter)
        receipt = self._resend(letter, letter.to if to is None else to)
        del self._letters[letter]
        return receipt

    def replay_all(self, letters: Iterable[Undelivered] | None = None) -> list[Any]:
        """Send the messages of *letters* again, by default of all that are kept, and return the receipts."""
        return [self.replay(letter) for letter in tuple(self if letters is None else letters)]

    @enable_ki_protection
    def discard(self, letter: Undelivered) -> None:
        """Keep *letter* no longer. Raises ``LookupError`` if it is not kept."""
        self._check(letter)
        del self._letters[letter]
        self.forget(letter)

    @enable_ki_protection
    def discard_all(self) -> int:
        """Keep none of those there are; return how many that were."""
        letters = tuple(self)
        for letter in letters:
            self.discard(letter)
        return len(letters)

    def _check(self, letter: Undelivered) -> None:
        if letter not in self:
            raise LookupError(f"{letter} is not, or no longer, one of the {len(self)} dead letters that are kept")

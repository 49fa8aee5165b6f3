"""What is known of an actor's mailbox and handlers: exact counts and last times, sampled durations.

To time every message would cost more than to handle many a one, so one message in 64 is timed.
"""

from __future__ import annotations

import time
from array import array
from collections import deque
from math import log2
from typing import TYPE_CHECKING, Final

import attrs

from actors.envelope import Continuation, Startup
from actors.mailbox import VacantQueue

if TYPE_CHECKING:
    from actors.process import Process

UNCOUNTED: Final = frozenset({Continuation, Startup})
"""What runs a callback and is no message."""

UNBOUNDED: Final = frozenset({deque, VacantQueue})
"""The mailboxes that drop nothing."""

SAMPLE_EVERY: Final = 64
"""One message in so many is timed."""

STEPS_PER_OCTAVE: Final = 8
"""Durations that differ by less than an eighth of a factor of two, 9 %, are counted together: in one class."""

NARROWEST: Final = "H"
WIDER: Final = {"H": "I", "I": "Q"}
"""How the durations of one class are counted in an array: in two bytes, and in more when those are full."""


EXACT_BELOW: Final = 16
LOOKED_FOR_EVERY: Final = 8


def most_of(kind: int) -> float:
    """Return the seconds that the durations of a class take at most."""
    return float(2 ** ((kind + 1) / STEPS_PER_OCTAVE) / 1e9)


class Durations:
    """Durations, counted in classes of about 9 %; times go in as nanoseconds and come out as seconds."""

    __slots__ = ("_below_median", "_below_tail", "_counts", "_first", "count", "greatest", "median", "tail", "total")

    def __init__(self) -> None:
        self._first = 0
        # Of each class from the first to the last that has any.
        self._counts = array(NARROWEST)
        self.count = 0
        self.total = 0
        """Nanoseconds."""
        self.greatest = 0.0
        """Seconds; exact, among those that were timed."""
        self.median = self.tail = 0
        """The classes of the quantiles 0.5 and 0.99, known without counting, for whoever lists thousands of these.

        They are looked for after each of the first `EXACT_BELOW`, and after each `LOOKED_FOR_EVERY`th from then on.
        """
        self._below_median = self._below_tail = 0

    def __repr__(self) -> str:
        return f"<Durations: {self.count}, mean {self.mean:.6f} s, p99 {self.quantile(0.99):.6f} s>"

    def add(self, nanoseconds: int) -> None:
        """Count one."""
        self.count = count = self.count + 1
        self.total += nanoseconds
        if nanoseconds > self.greatest * 1e9:
            self.greatest = nanoseconds / 1e9
        kind = int(STEPS_PER_OCTAVE * log2(nanoseconds + 1))
        place = kind - self._first
        if not 0 <= place < len(self._counts):
            place = self._make_room(place)
        try:
            self._counts[place] += 1
        except OverflowError:
            self._counts = array(WIDER[self._counts.typecode], self._counts)
            self._counts[place] += 1
        if kind < self.median:
            self._below_median += 1
        if kind < self.tail:
            self._below_tail += 1
        if count < EXACT_BELOW or not count % LOOKED_FOR_EVERY:
            self.median, self._below_median = self._moved(self.median, self._below_median, 0.5 * count)
            self.tail, self._below_tail = self._moved(self.tail, self._below_tail, 0.99 * count)

    def _moved(self, kind: int, below: int, wanted: float) -> tuple[int, int]:
        """Return the class up to which there are *wanted*, and how many are below it, from where that was known."""
        counts, place = self._counts, max(0, kind - self._first)
        while below >= wanted:
            place -= 1
            below -= counts[place]
        while below + counts[place] < wanted:
            below += counts[place]
            place += 1
        return self._first + place, below

    def _make_room(self, place: int) -> int:
        """Have a count at *place*, which is relative to the first, and return where it is then."""
        counts = self._counts
        if not counts:
            self._first += place
            place = 0
        if place < 0:
            self._first += place
            counts[:0] = array(counts.typecode, bytes(-place * counts.itemsize))
            return 0
        counts.frombytes(bytes((place + 1 - len(counts)) * counts.itemsize))
        return place

    @property
    def mean(self) -> float:
        """The mean, in seconds; 0 if nothing was timed."""
        return self.total / self.count / 1e9 if self.count else 0.0

    def quantile(self, share: float) -> float:
        """Return how long *share* of them took at most, in seconds and to about 9 %; 0 if nothing was timed.

        >>> durations = Durations()
        >>> for milliseconds in range(1, 101):
        ...     durations.add(milliseconds * 1_000_000)
        >>> 0.045 < durations.quantile(0.5) < 0.055, durations.quantile(1.0) == durations.greatest == 0.1
        (True, True)
        """
        wanted, seen = share * self.count, 0
        for place, number in enumerate(self._counts):
            seen += number
            if number and seen >= wanted:
                return min(self.greatest, most_of(self._first + place))
        return self.greatest


class Samples:
    """The timed messages of one actor, and the marks of those that still wait."""

    __slots__ = ("_marks", "handling", "taken_at", "waiting")

    def __init__(self) -> None:
        self._marks: deque[tuple[int, float]] = deque()
        self.taken_at = 0.0
        """When a message was taken that only then was known to be timed."""
        self.waiting = Durations()
        self.handling = Durations()

    def mark(self, number: int, now: float) -> int:
        """Note when message *number* came, and return the number of the first that is marked."""
        self._marks.append((number, now))
        return self._marks[0][0]

    def first_after(self, taken: int) -> int:
        """Forget the marks of the messages that were taken; return the number of the first that is left, or 0."""
        while self._marks and self._marks[0][0] <= taken:
            self._marks.popleft()
        return self._marks[0][0] if self._marks else 0

    def take(self, began: float, ended: float) -> int:
        """Time the first message that is marked, handled from *began* to *ended*; return the next number, or 0."""
        if self._marks:
            self.add(self._marks.popleft()[1], began, ended)
        return self._marks[0][0] if self._marks else 0

    def add(self, arrived: float, began: float, ended: float) -> None:
        """Time one message, by the performance counter in seconds."""
        self.handling.add(round((ended - began) * 1e9))
        self.waiting.add(max(0, round((began - arrived) * 1e9)))


@attrs.frozen
class Statistics:
    """The mailbox and the handlers of one actor at one moment."""

    received: int
    handled: int
    length: int
    """How many messages wait, those that were set aside too."""
    greatest_length: int
    dropped: int
    """How many a bounded mailbox dropped; they were received, and are not handled."""
    last_received: float | None
    """When the last message came, in seconds since the epoch."""
    last_handled: float | None
    """When the last message had been handled, in seconds since the epoch."""
    waiting: Durations
    """How long messages waited, of one in 64."""
    handling: Durations
    """How long handlers took, of one message in 64; what an ``async def`` handler waits for included."""


def tallies(process: Process) -> tuple[int, int, int, int, int]:
    """Return how many messages were received, handled, wait, waited at most, and were dropped."""
    mailbox = process.mailbox
    if process.idle and not process.stash and type(mailbox) in UNBOUNDED:
        # Most are like this, and there may be ten thousand of them.
        return process.received, process.received, 0, process.greatest, 0
    length = len(mailbox)
    aside = len(process.stash) if process.stash else 0
    dropped = 0 if type(mailbox) in UNBOUNDED else getattr(mailbox, "dropped", 0)
    continues = length > 0 and type(next(iter(mailbox))) is Continuation
    unfinished = process.running and type(process.message) not in UNCOUNTED and not process.is_aside(process.message)
    waiting = length + aside - continues
    handled = process.received - dropped - length - aside + continues - unfinished
    return process.received, handled, waiting, max(process.greatest, waiting), dropped


def statistics_of(process: Process) -> Statistics:
    """Return the statistics of *process* as they are now."""
    samples = process.samples or Samples()
    received, handled, length, greatest_length, dropped = tallies(process)
    return Statistics(
        received=received,
        handled=handled,
        length=length,
        greatest_length=greatest_length,
        dropped=dropped,
        last_received=_since_epoch(process.last_received),
        last_handled=_since_epoch(process.last_handled),
        waiting=samples.waiting,
        handling=samples.handling,
    )


def _since_epoch(counter: float) -> float | None:
    return time.time() - (time.perf_counter() - counter) if counter else None

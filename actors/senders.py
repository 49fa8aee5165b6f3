"""Who sent the messages that wait, kept run by run.

Nearly always the next message comes from whoever sent the last one, so a mailbox remembers only where the sender
changes. Messages are numbered as they come, so that the first one that waits has the number of those taken before.
"""

from __future__ import annotations

from bisect import bisect_right
from operator import itemgetter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from actors.process import Process

Run = tuple[int, "Process | None"]

DROP_AT = 64
"""So many runs may be of messages that were taken, before they are forgotten."""


class Senders:
    """The senders of one mailbox."""

    __slots__ = ("_runs",)

    def __init__(self, sender: Process | None) -> None:
        self._runs: list[Run] = [(-1, sender)]

    @classmethod
    def of_each(cls, first: int, senders: list[Process | None]) -> Senders:
        """Make one for messages from number *first* on, each with its sender."""
        one = cls(None)
        one._runs += enumerate(senders, first)
        return one

    def change(self, number: int, sender: Process | None, taken: int) -> None:
        """Note that *sender* sent message *number* and those behind it; the first that waits is number *taken*."""
        runs = self._runs
        if len(runs) >= DROP_AT and runs[len(runs) // 2][0] < taken:
            del runs[: len(runs) // 2]
        runs.append((number, sender))

    def of(self, number: int) -> Process | None:
        """Return who sent message *number*."""
        return self._runs[max(0, bisect_right(self._runs, number, key=itemgetter(0)) - 1)][1]

    def put_ahead(self, number: int, senders: list[Process | None]) -> None:
        """Note who sent the messages that were put ahead of message *number*.

        The one before it, which is being handled, is from then on the one before them.
        """
        first = number - len(senders)
        behind = [(number, self.of(number)), *(run for run in self._runs if run[0] > number)]
        self._runs = [(first - 1, self.of(number - 1)), *enumerate(senders, first), *behind]

    def make_room(self, number: int) -> None:
        """Give message *number*, and each behind it, the next number."""
        before = [run for run in self._runs if run[0] < number]
        behind = [(one + 1, sender) for one, sender in self._runs if one > number]
        self._runs = [*before, (number + 1, self.of(number)), *behind]

    def shift(self, by: int) -> None:
        """Give every message a number that is *by* more."""
        self._runs = [(number + by, sender) for number, sender in self._runs]

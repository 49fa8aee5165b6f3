"""Dead letters: messages that nobody will handle.

A call is none, since its caller is told, nor a message that settles; nor is what the runtime itself sends.
"""

from __future__ import annotations

import math
from collections import deque
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import attrs
import trio
from trio.lowlevel import enable_ki_protection

from actors.asking import Asking
from actors.current import current_process
from actors.envelope import CARRIERS, ERRANDS, Carried, Info, Tick, is_news
from actors.errors import MailboxFullError, NoProcessError
from actors.exit import NOPROC, ExitReason
from actors.settlement import Delivery, Lost
from actors.show import shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from actors.mailbox import MailboxFull
    from actors.name_ref import NameRef
    from actors.process import Process
    from actors.ref import ActorRef
    from actors.unread import Unread

ENVELOPES: Final = CARRIERS | ERRANDS

Kind: TypeAlias = Literal["cast", "info"]
CAST: Final[Kind] = "cast"
INFO: Final[Kind] = "info"

KEPT: Final = 1000
"""So many are kept to be looked at; all are counted."""


@attrs.frozen
class DeadLetter:
    """A message that was sent and will not be handled."""

    message: object = attrs.field(repr=shown)
    kind: Kind
    """Whether `handle_cast` or `handle_info` would have been given it."""
    sender: ActorRef | None
    """The actor that sent it; None if it came from outside every actor, or from a timer."""
    target: ActorRef | NameRef
    reason: ExitReason | MailboxFull
    """How the target ended, noproc if there was none under its name, or that its mailbox was full."""
    time: float
    """When it was given up, on trio's clock; infinity if trio did not run any more."""
    number: int = attrs.field(default=0, eq=False, repr=False)
    """Which one it is of all that there were, from 1; letters that came together may leave numbers out."""


class DeadLetters:
    """The latest dead letters of a system, oldest first, and how many there were."""

    def __init__(self) -> None:
        self._kept: deque[DeadLetter] = deque(maxlen=KEPT)
        self.count = 0
        """How many there have been, those that are no longer kept and those that were replayed as well."""

    def __repr__(self) -> str:
        return f"<DeadLetters: {self.count}, {len(self._kept)} kept>"

    def __iter__(self) -> Iterator[DeadLetter]:
        return iter(tuple(self._kept))

    def __len__(self) -> int:
        return len(self._kept)

    @enable_ki_protection
    def replay(self, letter: DeadLetter, to: ActorRef | NameRef | None = None) -> None:
        """Send the message of *letter* again, as it was sent, and keep the letter no longer.

        It goes to *to*, or else to the name it was for, or to whoever now has the name that its target had. It comes
        from the actor that replays it.

        Raises `NoProcessError` if nobody is there to take it, ``LookupError`` if the letter is not kept, and
        `MailboxFullError`; the letter is kept then.
        """
        self._place_of(letter)
        receiver = letter.target.successor() if to is None else to
        if receiver is None or not receiver.alive:
            raise NoProcessError(f"{receiver or letter.target} is dead; say whom to send the message to")
        if letter.kind == "cast":
            receiver.cast(letter.message)
        else:
            receiver.send(letter.message)
        # A full mailbox may have made a letter of it at once, and room for that by forgetting this one.
        with suppress(LookupError):
            self.discard(letter)

    @enable_ki_protection
    def discard(self, letter: DeadLetter) -> None:
        """Keep *letter* no longer. Raises ``LookupError`` if it is not kept."""
        del self._kept[self._place_of(letter)]

    # -- what the runtime needs

    def bury(self, item: Any, process: Process) -> None:
        """Take what was sent to a dead process; a call fails at once."""
        reason = process.reason
        assert reason is not None
        if type(item) is Asking:
            item.refuse(NoProcessError(f"{process.ref} is dead: {reason}"))
        elif type(item) is Delivery:
            item.settle(Lost(reason))
        elif not is_news(item):
            self._keep(item, process.ref, current_process(), reason)

    def bury_all(self, unread: Unread, process: Process) -> None:
        """Take what a process left unread; its callers were told of its end."""
        reason = process.reason
        assert reason is not None
        beyond = 0
        # Nearly always all are plain casts, perhaps a million: looked through without a step of Python for each.
        if ENVELOPES.isdisjoint(map(type, unread.items)):
            beyond = max(0, len(unread) - KEPT)
            self.count += beyond
        for place, item in enumerate(islice(unread.items, beyond, None), beyond):
            if type(item) is Delivery:
                item.settle(Lost(reason))
            elif type(item) is not Asking and not is_news(item):
                self._keep(item, process.ref, unread.sender_of(place), reason)

    def bury_dropped(self, item: Any, sender: Process | None, refusal: MailboxFullError) -> None:
        """Take what a full mailbox dropped, or refused when nobody was there any more to be told."""
        self._keep(item, refusal.ref, sender, refusal.reason)

    def bury_unaddressed(self, item: Any, target: NameRef) -> None:
        """Take a message for a name that nobody has."""
        if type(item) is Delivery:
            item.settle(Lost(NOPROC))
        else:
            self._keep(item, target, current_process(), NOPROC)

    def _place_of(self, letter: DeadLetter) -> int:
        # By identity: whether two messages are equal, they alone can say.
        for place, kept in enumerate(self._kept):
            if kept is letter:
                return place
        raise LookupError(f"{shown(letter)} is not, or no longer, one of the {len(self)} dead letters that are kept")

    def _keep(
        self, item: Any, target: ActorRef | NameRef, sender: Process | None, reason: ExitReason | MailboxFull
    ) -> None:
        self.count += 1
        now = trio.current_time() if trio.lowlevel.in_trio_run() else math.inf
        is_info = type(item) is Info or type(item) is Tick
        kind = INFO if is_info else CAST
        message = item.message if is_info or type(item) is Carried else item
        self._kept.append(
            DeadLetter(message, kind, None if sender is None else sender.ref, target, reason, now, self.count)
        )

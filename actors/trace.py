"""Trace: the latest events of one actor (OTP's ``sys:log``).

It stands in the place of the callbacks of the process that it traces, so that nobody else pays for it.
"""

from __future__ import annotations

from collections import deque
from itertools import islice
from time import perf_counter_ns
from types import CoroutineType
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias
from weakref import finalize

import attrs
from trio.lowlevel import enable_ki_protection

from actors import report
from actors.caller import Caller
from actors.envelope import Alarm, Continuation, Info, Tick, content, is_news
from actors.exit import Crash
from actors.message import Down
from actors.result import NO_REPLY, Continue, Stop
from actors.show import shown
from actors.turn import invoke

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from actors.exit import ExitReason
    from actors.process import Process
    from actors.ref import ActorRef
    from actors.report import Status

EventKind: TypeAlias = Literal[
    "call", "cast", "info", "timeout", "continue", "reply", "refuse", "noreply", "stop", "raise"
]

INCOMING: Final = frozenset({"call", "cast", "info", "timeout", "continue"})

KINDS: Final[dict[type, EventKind]] = {Info: "info", Tick: "info", Alarm: "timeout", Continuation: "continue"}
"""Of what is neither called nor cast."""


@attrs.frozen
class TraceEvent:
    """Something an actor was given, or what came of it."""

    time: float
    """When, on trio's clock."""
    kind: EventKind
    """``call``, ``cast``, ``info``, ``timeout`` and ``continue`` begin a handler. It ends with ``reply``, ``noreply``,
    ``stop`` or ``raise``. A `Caller` that is used is a ``reply`` or a ``refuse`` of its own."""
    content: str
    """The message, the reply, or why it ended, as the actor's `format_status` shows it."""
    peer: ActorRef | None
    """Who sent the message, or is replied to; None outside every actor."""
    seconds: float | None
    """How long the handler took, what it waited for included, where the event is its end."""

    def __str__(self) -> str:
        incoming = self.kind in INCOMING
        peer = "" if self.peer is None else f" {'from' if incoming else 'to'} {self.peer}"
        seconds = "" if self.seconds is None else f" after {self.seconds:.6f} s"
        return f"{self.time:.3f} {'in ' if incoming else 'out'} {self.kind} {self.content}{peer}{seconds}"


@attrs.frozen
class Entry:
    """An event as it is kept, until somebody wants to see it."""

    time: float
    kind: EventKind
    message: object
    peer: ActorRef | None
    seconds: float | None = None
    reason: ExitReason | None = None


@attrs.frozen
class Turn:
    """A handler at work."""

    kind: EventKind
    message: object
    peer: ActorRef | None
    began: int

    @property
    def seconds(self) -> float:
        """How long it has been at work."""
        return (perf_counter_ns() - self.began) / 1e9


class TracedCaller(Caller):
    """A caller whose later answers are traced too."""

    __slots__ = ("_original", "_trace")

    def __init__(self, original: Caller, trace: Trace) -> None:
        self.stand_for(original.asking)
        # The call is forgotten when the original is.
        self._original = original
        self._trace = trace

    @enable_ki_protection
    def reply(self, value: object) -> None:
        """Answer with *value*."""
        late = self.answered
        super().reply(value)
        if not late:
            self._trace.note("reply", value, self.sender)

    @enable_ki_protection
    def refuse(self, error: Exception) -> None:
        """Make the caller's `call` raise *error*."""
        late = self.answered
        super().refuse(error)
        if not late:
            self._trace.note("refuse", self.message, self.sender, reason=Crash(error))


class Trace:
    """The latest events of one process, oldest first."""

    def __init__(self, process: Process, last: int) -> None:
        self._process = process
        # The process lets go of it at its end, and what it did last is still to be shown then.
        self._actor = process.actor
        self._entries: deque[Entry] = deque(maxlen=last)
        self.noted = 0
        """How many events there were, those that are forgotten too."""

    def __repr__(self) -> str:
        return f"<Trace of {self._process.ref}: {len(self._entries)} events, at most {self._entries.maxlen}>"

    def start(self) -> None:
        """Trace from the next message on."""
        process = self._process
        process.callbacks = attrs.evolve(process.callbacks, invoke=self._invoke, trace=self)
        process.handle_call, process.handle_cast = self._handle_call, self._handle_cast
        self._have_them_looked_up()

    def stop(self) -> None:
        """Give the process its callbacks back."""
        process = self._process
        process.callbacks = attrs.evolve(process.callbacks, invoke=invoke, trace=None)
        process.handle_call, process.handle_cast = process.actor.handle_call, process.actor.handle_cast
        self._have_them_looked_up()

    def _have_them_looked_up(self) -> None:
        # Who is at work on many messages keeps the callbacks at hand.
        if self._process.running:
            self._process.attention = True

    def events(self, seen: int = 0) -> list[TraceEvent]:
        """Return the events, as the actor shows them; without the first *seen* that there were."""
        show = report.viewer(self._actor)
        entries = list(islice(self._entries, max(0, len(self._entries) - self.noted + seen), None))
        texts = [_text_of(entry, show(entry.message, entry.reason)) for entry in entries]
        return [
            TraceEvent(entry.time, entry.kind, text, entry.peer, entry.seconds)
            for entry, text in zip(entries, texts, strict=True)
        ]

    def note(
        self,
        kind: EventKind,
        message: object,
        peer: ActorRef | None,
        seconds: float | None = None,
        reason: ExitReason | None = None,
    ) -> None:
        """Remember an event, and forget the oldest if there are too many."""
        self.noted += 1
        self._entries.append(Entry(self._process.system.timers.now(), kind, message, peer, seconds, reason))

    # -- in the place of the callbacks

    def _handle_call(self, message: object, caller: Caller) -> Any:
        turn = Turn("call", message, caller.sender, perf_counter_ns())
        return self._run(turn, self._process.actor.handle_call, message, TracedCaller(caller, self))

    def _handle_cast(self, message: object) -> Any:
        sender = self._process.current_sender
        turn = Turn("cast", message, None if sender is None else sender.ref, perf_counter_ns())
        return self._run(turn, self._process.actor.handle_cast, message)

    def _invoke(self, process: Process, item: Any) -> Any:
        kind = KINDS.get(type(item))
        if kind is None or is_void(process, item):
            return invoke(process, item)
        sender = process.current_sender if kind == "info" and not is_news(item) else None
        turn = Turn(kind, content(item), None if sender is None else sender.ref, perf_counter_ns())
        return self._run(turn, invoke, process, item)

    def _run(self, turn: Turn, callback: Callable[..., Any], *args: object) -> Any:
        self.note(turn.kind, turn.message, turn.peer)
        try:
            result = callback(*args)
        except BaseException as error:
            self._note_raised(turn, error)
            raise
        if isinstance(result, CoroutineType):
            following = self._follow(turn, result)
            # If that is never begun, nobody else would close the callback's own.
            finalize(following, result.close).atexit = False
            return following
        self._note_result(turn, result)
        return result

    async def _follow(self, turn: Turn, coroutine: Coroutine[Any, Any, Any]) -> Any:
        try:
            result = await coroutine
        except BaseException as error:
            self._note_raised(turn, error)
            raise
        self._note_result(turn, result)
        return result

    def _note_raised(self, turn: Turn, error: BaseException) -> None:
        self.note("raise", turn.message, None, turn.seconds, Crash(error))

    def _note_result(self, turn: Turn, result: object) -> None:
        seconds = turn.seconds
        reply = result if turn.kind == "call" else NO_REPLY
        if isinstance(result, Continue | Stop):
            reply = result.reply
        if reply is not NO_REPLY:
            self.note("reply", reply, turn.peer, seconds)
        if isinstance(result, Stop):
            self.note("stop", turn.message, None, seconds, result.reason)
        elif reply is NO_REPLY:
            self.note("noreply", turn.message, None, seconds)


def is_void(process: Process, item: Any) -> bool:
    """Tell whether *item* has lost its meaning on the way, so that no callback will see it."""
    if type(item) is Alarm:
        return process.idle_timer is not item.timer
    return type(item) is Info and type(item.message) is Down and item.message.monitor.flushed


def _text_of(entry: Entry, status: Status) -> str:
    if entry.reason is None:
        return shown(status.message)
    return "hidden" if status.reason is None else str(status.reason)

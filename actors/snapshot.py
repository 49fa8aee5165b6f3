"""What a shell shows of the actors of a system: rows of plain values, read at once and without disturbing anybody.

All that is known of a `Process` is read here, so what it keeps can change in one place. A row costs a few
microseconds: what has to be counted for it, such as quantiles, is known beforehand, or left to the reader.
"""

from __future__ import annotations

from inspect import getfile
from itertools import chain
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import trio

from actors.asking import Asking
from actors.envelope import CARRIERS, Alarm, Continuation, Info, Startup, Tick
from actors.inspect import Child, Children, Commands
from actors.statistics import Durations, Samples, tallies

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Mapping

    from actors.inspect import Command
    from actors.process import Process
    from actors.system import ActorSystem

FIELDS: Final = (
    "id",
    "name",
    "kind",
    "parent",
    "child",
    "restarts",
    "state",
    "handler",
    "message",
    "length",
    "greatest_length",
    "received",
    "handled",
    "dropped",
    "last_received",
    "last_handled",
    "waiting",
    "handling",
)
"""What a row tells, in this order; times are of `time.perf_counter`, 0 for never."""

Row: TypeAlias = tuple[Any, ...]
Timed: TypeAlias = tuple[int, int, float, int, int]
"""What is known of durations: how many, nanoseconds in all, seconds at most, and the classes of median and p99."""

Family: TypeAlias = "tuple[Process | None, int | None, Children | None]"
UNTIMED: Final = (None, None)

HANDLERS: Final = {
    Asking: "handle_call",
    Info: "handle_info",
    Tick: "handle_info",
    Alarm: "handle_info",
    Continuation: "handle_continue",
    Startup: "init",
}
"""Which callback an item of a mailbox is for; `handle_cast` for all others."""

FRAMES_SHOWN: Final = 30
SEARCHED_AT_ONCE: Final = 500
RUNTIME: Final = frozenset(str(PurePath(getfile(it)).parent) for it in (Durations, trio.lowlevel.checkpoint))
"""The folders of what runs actors and tasks, which is not where an actor waits."""


class Snapshot:
    """The actors of one system, each as it is when its row is read."""

    def __init__(self, system: ActorSystem) -> None:
        self._system = system
        self._tells: dict[type, bool] = {}
        self._offers: dict[type, bool] = {}
        self._family: Family = None, None, None
        """The parent of the last row, its number, and what tells of its children; mostly the next has the same."""

    def rows(self) -> Iterator[Row]:
        """Yield a row for each actor, the oldest first, zombies last; its children without a process follow it.

        Others may run between two rows: who has started meanwhile is left out, and so is who is dead by then.
        """
        for process in self.everybody():
            yield self.row(process)
            if self.children_of(process) is not None:
                yield from (_absent(child, process) for child in self.absent_children(process))

    def row(self, process: Process) -> Row:
        """Return what is known of *process* now, as `FIELDS` say."""
        parent, number, children = self._family
        if parent is not process.parent:
            parent = process.parent
            number, children = _id_of(parent), None if parent is None else self.children_of(parent)
            self._family = parent, number, children
        child = None if children is None else children.find_child(process.ref)
        state, handler, message = ("waiting", None, None) if process.idle else doing(process)
        received, handled, length, greatest_length, dropped = tallies(process)
        return (
            process.id,
            process.name,
            process.kind,
            number,
            None if child is None else printable(child.id),
            None if child is None else child.restarts,
            state,
            handler,
            message,
            length,
            greatest_length,
            received,
            handled,
            dropped,
            process.last_received,
            process.last_handled,
            *(UNTIMED if process.samples is None else timed(process.samples)),
        )

    def detail(self, process: Process) -> dict[str, Any]:
        """Return what else is known of *process*: its class, its ties, where it waits, its children."""
        zombie = process.reason is not None
        actor = None if zombie else process.actor
        children = self.children_of(process)
        return {
            "class": process.kind if actor is None else f"{type(actor).__module__}.{type(actor).__qualname__}",
            "trap_exit": None if actor is None else bool(actor.trap_exit),
            "shutdown": process.shutdown,
            "links": [linked.id for linked in process.links or ()],
            "monitored_by": len(process.monitors or ()),
            "monitors": len(process.monitoring or ()),
            "owes": len(process.owed or ()),
            "where": where(process),
            "children": None if children is None else [_listed(child) for child in children.list_children()],
        }

    def everybody(self) -> Iterator[Process]:
        """Yield the living and the zombies, without the system's root."""
        for process in chain(tuple(self._system.processes.values()), tuple(self._system.zombies)):
            if process.parent is not None and (process.reason is None or process in self._system.zombies):
                yield process

    def find(self, number: int) -> list[Process]:
        """Return the living actor or the zombie of this id."""
        known = self._system.processes.get(number)
        if known is not None and known.parent is not None and known.reason is None:
            return [known]
        return [process for process in self._system.zombies if process.id == number]

    def search(self, name: str) -> Generator[None, None, list[Process]]:
        """Return whoever has this name, zombies too; if nobody has, those whose supervisor calls them so.

        It stops at every so many actors, so that others may work meanwhile.
        """
        named, called = [], []
        for place, process in enumerate(self.everybody()):
            if process.name == name:
                named.append(process)
            elif not named and self._child_name(process) == name:
                called.append(process)
            if place % SEARCHED_AT_ONCE == SEARCHED_AT_ONCE - 1:
                yield
        return named or called

    def label(self, process: Process) -> str:
        """Return what *process* is called: by its name, its supervisor's word for it, or its class."""
        return printable(process.name or self._child_name(process) or process.kind)

    def commands_of(self, process: Process) -> Mapping[str, Command]:
        """Return the commands that the actor of *process* offers."""
        if process.reason is not None:
            return {}
        actor: Any = process.actor
        kind = type(actor)
        if kind not in self._offers:
            self._offers[kind] = isinstance(actor, Commands)
        return actor.shell_commands() if self._offers[kind] else {}

    def _child_name(self, process: Process) -> str | None:
        child = None if process.parent is None else self.child_of(process.parent, process)
        return None if child is None else child.id

    def child_of(self, parent: Process, process: Process) -> Child | None:
        """Return what *parent* knows of *process*, if it can tell about children."""
        children = self.children_of(parent)
        return None if children is None else children.find_child(process.ref)

    def absent_children(self, process: Process) -> list[Child]:
        """Return the children of *process* that have no process."""
        children = self.children_of(process)
        return [] if children is None else [child for child in children.list_children() if child.ref is None]

    def children_of(self, process: Process) -> Children | None:
        """Return the actor of *process* if it can tell about children."""
        if process.reason is not None:
            return None
        actor: Any = process.actor
        kind = type(actor)
        if kind not in self._tells:
            self._tells[kind] = isinstance(actor, Children)
        return actor if self._tells[kind] else None


def doing(process: Process) -> tuple[str, str | None, str | None]:
    """Return the state of *process*, and, while a callback of it runs, which, and the class of its message."""
    if process.reason is not None:
        return "zombie", None, None
    if process.ending is not None:
        return "stopping", None, None
    if process.suspended and not process.running:
        return "suspended", None, None
    if not process.running:
        return ("ready" if len(process.mailbox) else "waiting"), None, None
    handler, message = callback_of(process)
    return ("starting" if type(process.message) is Startup else "running"), handler, message


def callback_of(process: Process) -> tuple[str, str | None]:
    """Return the callback that *process* is in, and the class of the message that it handles."""
    item = process.message
    kind = type(item)
    handler = HANDLERS.get(kind, "handle_cast")
    if kind is Startup or kind is Continuation or kind is Alarm:
        return handler, None
    return handler, type(item.message if kind in CARRIERS else item).__name__


def where(process: Process) -> list[str]:
    """Return where the task of *process* waits, the innermost frame last, without the runtime's own frames."""
    if process.task is None:
        return []
    frames = [(frame.f_code, line) for frame, line in process.task.iter_await_frames()]
    shown = [(code, line) for code, line in frames if str(PurePath(code.co_filename).parent) not in RUNTIME]
    return [f"{printable(code.co_filename)}:{line} {code.co_name}" for code, line in shown[-FRAMES_SHOWN:]]


def timed(samples: Samples) -> tuple[Timed | None, Timed | None]:
    """Return what is known of how long messages waited, and of how long handlers took; None of what there is none."""
    # Both in one call, and without a function for each, which takes half as long again.
    it, that = samples.waiting, samples.handling
    return (
        (it.count, it.total, it.greatest, it.median, it.tail) if it.count else None,
        (that.count, that.total, that.greatest, that.median, that.tail) if that.count else None,
    )


def printable(text: str) -> str:
    """Return *text* as it can be sent: lone surrogates are escaped."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def as_mapping(row: Iterable[Any]) -> dict[str, Any]:
    """Return a row with the names of its fields."""
    return dict(zip(FIELDS, row, strict=True))


def _id_of(parent: Process | None) -> int | None:
    return None if parent is None or parent.parent is None else parent.id


def _absent(child: Child, parent: Process) -> Row:
    """Return the row of a child without a process."""
    told = {"parent": parent.id, "child": printable(child.id), "restarts": child.restarts, "state": child.state}
    numbers = dict.fromkeys(("length", "greatest_length", "received", "handled", "dropped"), 0)
    times = dict.fromkeys(("last_received", "last_handled"), 0)
    known = told | numbers | times | {"kind": ""}
    return tuple(known.get(field) for field in FIELDS)


def _listed(child: Child) -> tuple[str, int | None, str, int]:
    return printable(child.id), None if child.ref is None else child.ref.id, child.state, child.restarts

"""Who is at work: the actor whose callback the running code belongs to."""

from __future__ import annotations

from contextvars import ContextVar
from threading import get_ident
from typing import TYPE_CHECKING

from actors.errors import OutsideActorError, WrongThreadError, ZombieError

if TYPE_CHECKING:
    from contextvars import Context

    from actors.process import Process
    from actors.system import ActorSystem

_current: ContextVar[Process | None] = ContextVar("current_actor", default=None)

current_process = _current.get
"""Return the process whose callback runs, or None outside every actor."""

set_current_process = _current.set
"""Declare the context of a process to be its own; done once, when the process is made."""


def process_in(context: Context) -> Process | None:
    """Return the process whose callbacks run in *context*, or None if they are nobody's."""
    return context.get(_current)


def current_actor(purpose: str) -> Process:
    """Return the process whose callback runs; *purpose* says what only an actor can do."""
    process = _current.get()
    if process is None:
        msg = f"only an actor can {purpose} another; this was asked outside of every callback"
        raise OutsideActorError(msg)
    return process


def admit(system: ActorSystem, target: object) -> None:
    """Refuse who may not ask *target*, of *system*, for anything: another thread, and a zombie."""
    if get_ident() != system.thread:
        raise WrongThreadError(f"{target} belongs to thread {system.thread}; this was asked in thread {get_ident()}")
    admit_living(system, target)


def admit_living(system: ActorSystem, target: object) -> None:
    """Refuse a zombie that asks for something of *target*, whatever its thread."""
    asking = _current.get()
    if asking in system.zombies:
        raise ZombieError(f"{asking.ref} was killed and left behind; it asked for something of {target}")

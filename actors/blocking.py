"""Blocking functions: run in a thread, so that the node goes on, and abandoned when nobody waits any more."""

from __future__ import annotations

import inspect
import time
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, TypeVar, TypeVarTuple, Unpack

import attrs
import trio
from trio.lowlevel import enable_ki_protection

from actors import report
from actors.current import current_process
from actors.handover import handover_here

if TYPE_CHECKING:
    from collections.abc import Callable

    from actors.ref import ActorRef

R = TypeVar("R")
Ts = TypeVarTuple("Ts")


@attrs.frozen
class AbandonedThread:
    """A thread that still runs a blocking function, for nobody."""

    name: str
    """The thread's name: the function, and for whom it was run."""
    ref: ActorRef | None
    """The actor that asked for it; None if that was no actor."""
    since: float
    """When it was abandoned, in seconds since the epoch."""


@enable_ki_protection
async def run_blocking(
    function: Callable[[Unpack[Ts]], R], *args: *Ts, limiter: trio.CapacityLimiter | None = None
) -> R:
    """Run ``function(*args)`` in a thread, and return what it returns or raise what it raises.

    Cancelled, as by a kill, an exit signal or a timeout, this ends at once and abandons the thread: nothing can
    stop it, what it returns is dropped, and what it raises is logged. If it had not begun, it never does. An
    abandoned thread keeps its place in *limiter* (trio's own has 40) until the function ends;
    `abandoned_threads` shows who they are.
    """
    if inspect.iscoroutinefunction(function):
        msg = f"run_blocking runs a function that blocks, in a thread; {function!r} is async def: await it instead"
        raise TypeError(msg)
    process = current_process()
    job = _Job(function, None if process is None else process.ref)
    with handover_here():
        try:
            return await trio.to_thread.run_sync(
                job.run, function, args, thread_name=job.name, abandon_on_cancel=True, limiter=limiter
            )
        except BaseException as error:
            job.leave(error)
            raise


def abandoned_threads() -> tuple[AbandonedThread, ...]:
    """Return the threads of this program that run a blocking function for nobody, longest abandoned first."""
    with _lock:
        return tuple(_abandoned.values())


class _Job:
    """One run of a function; whether it is abandoned, both threads agree on under the lock."""

    def __init__(self, function: Callable[..., object], ref: ActorRef | None) -> None:
        name = getattr(function, "__qualname__", type(function).__qualname__)
        self.name = name if ref is None else f"{name} for {ref}"
        self._ref = ref
        self._begun = self._ended = self._abandoned = False
        self._error: BaseException | None = None

    def run(self, function: Callable[..., R], args: tuple[Any, ...]) -> R:
        """Run *function*, in its thread."""
        with _lock:
            if self._abandoned:
                raise RuntimeError(f"{self.name} was abandoned before it began")
            self._begun = True
        try:
            return function(*args)
        except BaseException as error:
            self._error = error
            raise
        finally:
            self._end()

    def _end(self) -> None:
        with _lock:
            self._ended = True
            abandoned = _abandoned.pop(self, None)
        if abandoned is not None:
            self._report()

    def leave(self, raised: BaseException) -> None:
        """Wait no longer, because of *raised*: what the function raised, or a cancellation."""
        with _lock:
            self._abandoned = True
            if self._begun and not self._ended:
                _abandoned[self] = AbandonedThread(self.name, self._ref, time.time())
                return
        if raised is self._error:
            self._error = None
        self._report()

    def _report(self) -> None:
        """Report what the function raised, if nobody else was told."""
        error, self._error = self._error, None
        if error is not None:
            report.raised_in_abandoned_thread(self.name, error)


_lock: Final = Lock()
_abandoned: Final[dict[_Job, AbandonedThread]] = {}

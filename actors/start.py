"""Starting a process: synchronously, and leaving nothing behind when it fails."""

from __future__ import annotations

import math
from threading import get_ident
from typing import TYPE_CHECKING, Any, Final

import trio
from trio.lowlevel import enable_ki_protection, wait_task_rescheduled

from actors.actor import Actor
from actors.current import admit, current_process
from actors.errors import ActorExitedError, InitTimeoutError, StoppingError
from actors.exit import Crash
from actors.mailbox import UNBOUNDED
from actors.process import Process
from actors.show import told
from actors.turn import is_interrupt, run_init

if TYPE_CHECKING:
    from collections.abc import Mapping

    from actors.options import StartOptions
    from actors.ref import ActorRef
    from actors.system import ActorSystem


MESSAGES_OF_A_START: Final = 8
"""A start takes about as long as so many messages."""


@enable_ki_protection
async def start_process(
    system: ActorSystem,
    parent: Process | None,
    actor: type[Actor],
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
    options: StartOptions,
) -> ActorRef:
    """Start *actor* and return its reference once its `init` has returned.

    Raises what its constructor or its `init` raised. A failed process is dead and its name free again before
    this raises; so it is when this is cancelled. Not always a checkpoint: whoever starts many comes to one for each
    millisecond of starts.
    """
    _check(system, actor)
    if system.dispatcher.spend(MESSAGES_OF_A_START):
        await trio.lowlevel.checkpoint()
        system.dispatcher.begin_slice()
    process = _prepare(system, parent, actor, options)
    try:
        process.construct(actor, args, kwargs)
    except BaseException as error:  # noqa: BLE001 -- the starter is told of it
        _discard(process)
        raise _told_to_starter(process, error) from error.__cause__
    system.admit(process)
    if options.kept is not None:
        options.kept.hand_on(process)
    run_init(process)
    if not process.started and process.reason is None:
        await _init_over(process, options.init_timeout)
    if (starter := current_process()) is not None and starter.ending is not None:
        await trio.lowlevel.checkpoint()  # it is to end, perhaps because of what it has started
    if process.started:
        return process.ref
    raise _start_error(process)


def _check(system: ActorSystem, actor: type[Actor]) -> None:
    if not (isinstance(actor, type) and issubclass(actor, Actor)):
        msg = f"only a subclass of Actor can be started; got {actor!r}"
        raise TypeError(msg)
    if get_ident() != system.open_to:
        admit(system, actor.__name__)


def _prepare(system: ActorSystem, parent: Process | None, actor: type[Actor], options: StartOptions) -> Process:
    if parent is not None and (parent.ending is not None or parent.reason is not None):
        msg = f"{parent.ref} is stopping and does not start {actor.__name__}"
        raise StoppingError(msg)
    process = Process(system, parent, options.name, options.via)
    process.shutdown = actor.shutdown if options.shutdown is None else options.shutdown
    rules = actor.mailbox if options.mailbox is None else options.mailbox
    if rules is not UNBOUNDED:
        process.keep_rules(rules)
    if options.name is not None:
        (options.via or system.names).register(options.name, process.ref)
    return process


def _discard(process: Process) -> None:
    if process.name is not None:
        (process.via or process.system.names).unregister(process.name, process.ref)


async def _init_over(process: Process, init_timeout: float) -> None:
    process.starter = trio.lowlevel.current_task()
    if init_timeout != math.inf:
        process.system.timers.add(trio.current_time() + init_timeout, _InitLimit(process, init_timeout))
    try:
        await wait_task_rescheduled(process.forget_starter)
    except BaseException:
        process.kill()
        with trio.CancelScope(shield=True):
            await process.wait()
        raise


def _start_error(process: Process) -> BaseException:
    reason = process.reason
    assert reason is not None
    if process.start_error is not None:
        return _told_to_starter(process, process.start_error)
    if isinstance(reason, Crash) and isinstance(reason.cause, Exception):
        return reason.cause
    return ActorExitedError(f"{process.ref} exited in its init: {reason}", reason)


def _told_to_starter(process: Process, error: BaseException) -> BaseException:
    """Return what the starter is told of *error*; what would end or cancel the starter itself comes wrapped."""
    if isinstance(error, Exception) or is_interrupt(error):
        return error
    wrapped = ActorExitedError(f"{process.ref} exited in its init: {told(error)}", Crash(error))
    wrapped.__cause__ = error
    return wrapped


class _InitLimit:
    """The time that an `init` has."""

    def __init__(self, process: Process, seconds: float) -> None:
        self._process = process
        self._seconds = seconds

    @property
    def live(self) -> bool:
        """Whether `init` still runs."""
        return self._process.starter is not None

    def expire(self) -> None:
        """Kill the process."""
        msg = f"init of {self._process.ref} took longer than {self._seconds} s"
        self._process.start_error = InitTimeoutError(msg)
        self._process.kill()

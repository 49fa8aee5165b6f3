"""Exit reasons: why a process ended, as values that can be compared and matched.

The classes of reasons are OTP's. `NORMAL` and both forms of `Shutdown` are clean: nobody reports them, and a
transient child that ends so is not restarted. Everything else is a failure.
"""

from __future__ import annotations

from typing import Final, TypeAlias

import attrs

from actors.show import told


@attrs.frozen(kw_only=True)
class Reason:
    """What all exit reasons have."""

    interrupted: bool = attrs.field(default=False, eq=False, repr=False)
    """Whether a running handler was cut off, so that `terminate` may find its changes half done."""


@attrs.frozen
class Normal(Reason):
    """The process had nothing more to do."""

    def __str__(self) -> str:
        return "normal"


@attrs.frozen
class Shutdown(Reason):
    """The process was told to stop, or stops in an orderly way; *detail* may say why."""

    detail: object = None

    def __str__(self) -> str:
        return "shutdown" if self.detail is None else f"shutdown ({told(self.detail)})"


@attrs.frozen
class Killed(Reason):
    """The process was killed: it could not refuse and did not clean up."""

    def __str__(self) -> str:
        return "killed"


@attrs.frozen
class Crash(Reason):
    """The process failed with *cause*: the exception that a handler raised, or any value."""

    cause: object

    def __str__(self) -> str:
        return told(self.cause)


@attrs.frozen
class NoProcess(Reason):
    """There was no such process when it was asked for."""

    def __str__(self) -> str:
        return "noproc"


ExitReason: TypeAlias = Normal | Shutdown | Killed | Crash | NoProcess

CLEAN: Final = (Normal, Shutdown)
"""The classes of orderly ends."""

NORMAL = Normal()
SHUTDOWN = Shutdown()
KILLED = Killed()
NOPROC = NoProcess()


def check_reason(reason: object) -> None:
    """Refuse what is no exit reason."""
    if not isinstance(reason, Reason):
        msg = f"an exit reason is Normal, Shutdown, Killed, Crash or NoProcess; got {reason!r}"
        raise TypeError(msg)


def is_clean(reason: ExitReason) -> bool:
    """Tell whether *reason* is an orderly end, which nobody needs to hear about.

    >>> is_clean(Shutdown("moved")), is_clean(KILLED)
    (True, False)
    """
    return isinstance(reason, CLEAN)

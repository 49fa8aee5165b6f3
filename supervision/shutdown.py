"""What an exit means: whether the child comes back, whether it is worth a report, whether the supervisor ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from actors import ExitReason, Killed, Shutdown, is_clean

if TYPE_CHECKING:
    from actors import Seconds

Restart: TypeAlias = Literal["permanent", "transient", "temporary"]
AutoShutdown: TypeAlias = Literal["never", "any_significant", "all_significant"]


def wants_restart(restart: Restart, reason: ExitReason) -> bool:
    """Tell whether a child of this restart type that ended with *reason* is started again.

    >>> from actors import NORMAL, KILLED
    >>> wants_restart("permanent", NORMAL), wants_restart("transient", NORMAL), wants_restart("temporary", KILLED)
    (True, False, False)
    """
    match restart:
        case "permanent":
            return True
        case "transient":
            return not is_clean(reason)
        case "temporary":
            return False


def is_reported(restart: Restart, reason: ExitReason) -> bool:
    """Tell whether it is an error that the child ended with *reason*: always so for a permanent one.

    >>> from actors import NORMAL, KILLED
    >>> is_reported("permanent", NORMAL), is_reported("temporary", NORMAL), is_reported("temporary", KILLED)
    (True, False, True)
    """
    return restart == "permanent" or not is_clean(reason)


def is_shutdown_error(restart: Restart, shutdown: Seconds, reason: ExitReason) -> bool:
    """Tell whether a child that its supervisor stopped should not have ended with *reason*.

    OTP's `supervisor:shutdown/1`: a permanent child must end exactly as it was told to, the others in any clean way.
    A child killed because its time was over is an error.

    >>> from actors import NORMAL, SHUTDOWN, KILLED
    >>> is_shutdown_error("permanent", 5.0, SHUTDOWN), is_shutdown_error("permanent", 5.0, NORMAL)
    (False, True)
    >>> is_shutdown_error("transient", 5.0, KILLED), is_shutdown_error("transient", "brutal_kill", KILLED)
    (True, False)
    """
    match reason:
        case Killed():
            return shutdown != "brutal_kill"
        case Shutdown(detail=None) if shutdown != "brutal_kill":
            return False
        case _:
            return restart == "permanent" or not is_clean(reason)


def ends_supervisor(auto_shutdown: AutoShutdown, *, significant: bool, others_active: bool) -> bool:
    """Tell whether the supervisor ends because a child ended by itself and is not restarted.

    *significant* is that child's flag; *others_active*, whether another significant child runs or is being restarted.

    >>> ends_supervisor("any_significant", significant=True, others_active=True)
    True
    >>> ends_supervisor("all_significant", significant=True, others_active=True)
    False
    """
    match auto_shutdown:
        case "never":
            return False
        case "any_significant":
            return significant
        case "all_significant":
            return significant and not others_active

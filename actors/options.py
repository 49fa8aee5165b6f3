"""How a process is started, apart from what its actor is given."""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, TypeGuard

import attrs

from actors.mailbox import Mailbox

if TYPE_CHECKING:
    from actors.kept import Kept
    from actors.registry import Names


Seconds: TypeAlias = float | Literal["brutal_kill"]
"""The time an actor is given to stop: seconds, infinity, or none at all."""


DEFAULT_TIMEOUT: Final = 5.0
"""Seconds that a call waits."""

LOCK_TIMEOUT: Final = 30.0
"""Seconds that opening a file waits for another node to close it: as long as an orderly stop may take."""


@attrs.frozen
class StartOptions:
    """How to start; what each means is told by `ActorSystem.start`."""

    name: str | None = None
    via: Names | None = None
    init_timeout: float = math.inf
    shutdown: Seconds | None = None
    mailbox: Mailbox | None = None
    kept: Kept | None = None

    def __attrs_post_init__(self) -> None:
        if self.name is not None:
            check_name(self.name)
        if self.via is not None:
            check_via(self.via)
            if self.name is None:
                msg = f"via says where a name is kept, and there is none; got via={self.via!r}"
                raise ValueError(msg)
        if not (is_number(self.init_timeout) and self.init_timeout > 0):
            msg = f"init_timeout is a number of seconds more than 0; got {self.init_timeout!r}"
            raise ValueError(msg)
        if self.shutdown is not None:
            check_shutdown(self.shutdown)
        if self.mailbox is not None:
            check_mailbox(self.mailbox)


def check_name(name: object) -> None:
    """Refuse what cannot be a name: anything but a string that can be printed and has no space around it."""
    if not isinstance(name, str):
        msg = f"the name of an actor is a str; got {name!r}"
        raise TypeError(msg)
    if not name or not name.isprintable() or name != name.strip():
        msg = f"the name of an actor is printable, not empty, and has no space around it; got {name!r}"
        raise ValueError(msg)


def check_via(via: object) -> None:
    """Refuse what cannot keep names."""
    methods = ("register", "unregister", "whereis")
    if isinstance(via, type) or not all(callable(getattr(via, method, None)) for method in methods):
        msg = f"via is an object with the methods register, unregister and whereis; got {via!r}"
        raise TypeError(msg)


def check_shutdown(shutdown: object) -> None:
    """Refuse what is no time to stop."""
    if shutdown != "brutal_kill" and not (is_number(shutdown) and shutdown >= 0):
        msg = f"shutdown is a number of seconds, 0 or more, or 'brutal_kill'; got {shutdown!r}"
        raise ValueError(msg)


def check_mailbox(mailbox: object) -> None:
    """Refuse what are no rules of a mailbox."""
    if not isinstance(mailbox, Mailbox):
        raise TypeError(f"mailbox is a Mailbox, such as Mailbox(max_messages=100); got {mailbox!r}")


def check_seconds(name: str, seconds: object) -> None:
    """Refuse what is no time to wait."""
    if not (is_number(seconds) and seconds >= 0):
        msg = f"{name} is a number of seconds, 0 or more; got {seconds!r}"
        raise ValueError(msg)


def check_cache_size(size: object) -> None:
    """Refuse what SQLite does not take as the size of a cache; None is for the size that there is."""
    if size is not None and (isinstance(size, bool) or not isinstance(size, int) or not -(2**31) < size < 2**31):
        msg = f"cache_size is {size!r}; allowed is an int, of pages or, below 0, of KiB, or None"
        raise ValueError(msg)


def check_timeout(timeout: object) -> None:
    """Refuse what is no timeout."""
    if timeout is not None and not (is_number(timeout) and timeout >= 0):
        msg = f"timeout is a number of seconds, 0 or more, or None for no limit; got {timeout!r}"
        raise ValueError(msg)


def seconds_of(timeout: float | None) -> float:
    """Return *timeout*, once it has been checked, with infinity for no limit."""
    check_timeout(timeout)
    return math.inf if timeout is None else timeout


def is_number(value: object) -> TypeGuard[float]:
    """Tell whether *value* is a number that a float can hold, which True and False are not meant to be."""
    if isinstance(value, bool):
        return False
    return isinstance(value, float) or (isinstance(value, int) and abs(value) <= sys.float_info.max)


DEFAULTS: Final = StartOptions()


def start_options(
    name: str | None, via: Names | None, init_timeout: float, shutdown: Seconds | None, mailbox: Mailbox | None
) -> StartOptions:
    """Return the options; nearly always they are the defaults, which are made and checked but once."""
    if name is None and via is None and shutdown is None and mailbox is None and init_timeout == math.inf:
        return DEFAULTS
    return StartOptions(name, via, init_timeout, shutdown, mailbox)

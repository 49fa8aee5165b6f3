"""Ids of messages: UUIDs of version 7, as 32 hexadecimal digits."""

from __future__ import annotations

import os
import time
from itertools import count
from typing import Final

_VERSION: Final = 7 << 76
_VARIANT: Final = 2 << 62

_numbers = count()
_process = int.from_bytes(os.urandom(5), "big")


def new_message_id() -> str:
    """Return an id that no other message has; of one process, later ones are greater.

    What is left to chance is one number of 40 bits for each process; the rest is a count.

    >>> first, second = new_message_id(), new_message_id()
    >>> len(first), first < second
    (32, True)
    """
    number = next(_numbers)
    stamp = time.time_ns() // 1_000_000 << 80
    counted = (number >> 22 & 0xFFF) << 64 | (number & 0x3FFFFF) << 40
    return f"{stamp | _VERSION | _VARIANT | counted | _process:032x}"


def _begin_anew() -> None:
    global _process  # noqa: PLW0603 -- a forked process is another process
    _process = int.from_bytes(os.urandom(5), "big")


os.register_at_fork(after_in_child=_begin_anew)

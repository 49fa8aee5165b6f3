"""Guarantee: how often a message that was sent is handled. Each surface that sends states its own."""

from __future__ import annotations

import enum


class Guarantee(enum.Enum):
    """What a surface promises of each message, as long as nobody changes it on the way."""

    AT_MOST_ONCE = "at_most_once"
    """One attempt. A message may be lost, and is never handled twice."""
    AT_LEAST_ONCE = "at_least_once"
    """Attempts until one was handled, or there are no more of them. A message may be handled twice."""
    EXACTLY_ONCE = "exactly_once"
    """As at least once, and what was handled is not handled again while its id is remembered."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}.{self.name}"

"""ConfigError: what is wrong with a configuration, fault by fault."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from actors.errors import ActorError

if TYPE_CHECKING:
    from collections.abc import Iterable

PASSWORD: Final = re.compile(r"(?<=://)[^/@\s]*@")


class ConfigError(ActorError, ValueError):
    """A configuration cannot be read, or says something that it may not say; nothing was started.

    Its text has a line for each fault. Passwords in addresses are left out.
    """

    kind = "invalid_message"
    speaks_for_itself = True

    def __init__(self, faults: Iterable[str]) -> None:
        self.faults = tuple(without_password(" ".join(fault.split("\n"))) for fault in faults)
        """Each names the file or the variable, the key, the value, and what is allowed."""
        super().__init__("\n".join(self.faults))

    def __reduce__(self) -> tuple[type[ConfigError], tuple[tuple[str, ...]]]:
        return type(self), (self.faults,)


def without_password(text: str) -> str:
    """Return *text* without what stands before the @ of addresses.

    >>> without_password("redis://me:secret@there:6379/0")
    'redis://***@there:6379/0'
    """
    return PASSWORD.sub("***@", text)

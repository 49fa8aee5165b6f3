"""Keys: a namespace, whose part of it, and a name; three things that stay apart, so that none can pass for another."""

from __future__ import annotations

import enum
from functools import lru_cache
from typing import Final, NamedTuple

from actors.pattern import MAX_LENGTH
from actors.shared_memory.errors import InvalidEntryError, UnknownNamespaceError
from actors.show import shown


class Namespace(enum.IntEnum):
    """Who an entry is for. The number 0 is nobody's, and is always refused."""

    GLOBAL = 1
    """Everybody."""
    WORKFLOW = 2
    SWARM = 3
    DEBATE = 4
    SESSION = 5
    AGENT = 6
    """One agent: nobody else finds what is there."""

    def __str__(self) -> str:
        return self.name.lower()


class Key(NamedTuple):
    """Where an entry is."""

    namespace: Namespace
    scope: str
    """Which workflow, swarm, debate or session; the agent's id in its own namespace. Empty if that is not said."""
    name: str

    def __str__(self) -> str:
        return f"{self.name!r} of {place(self.namespace, self.scope)}"


SCOPED: Final = frozenset({Namespace.WORKFLOW, Namespace.SWARM, Namespace.DEBATE, Namespace.SESSION})
"""The namespaces of which there may be many at the same time, told apart by an id."""


def namespace_of(value: object) -> Namespace:
    """Return the namespace of a number.

    >>> namespace_of(5)
    <Namespace.SESSION: 5>
    """
    if isinstance(value, int) and not isinstance(value, bool) and value in Namespace.__members__.values():
        return Namespace(value)
    allowed = ", ".join(f"{space.name} ({space.value})" for space in Namespace)
    raise UnknownNamespaceError(f"{shown(value)} is no namespace; allowed are {allowed}")


def scope_of(namespace: Namespace, scope: str, agent_id: str) -> str:
    """Return whose part of *namespace* is meant.

    >>> scope_of(Namespace.AGENT, "", "ann"), scope_of(Namespace.SESSION, "s1", "ann")
    ('ann', 's1')
    """
    if namespace is Namespace.AGENT:
        if not agent_id:
            raise InvalidEntryError("whose entries of the agent namespace are meant is not said: there is no agent_id")
        if scope not in ("", agent_id):
            raise InvalidEntryError(f"agent {agent_id!r} sees its own entries alone; it asked for those of {scope!r}")
        return agent_id
    if not isinstance(scope, str) or len(scope) > MAX_LENGTH:
        raise InvalidEntryError(f"a scope is a str of at most {MAX_LENGTH} characters; got {shown(scope)}")
    check_encodable("scope", scope)
    if scope and namespace not in SCOPED:
        raise InvalidEntryError(f"the {namespace} namespace has no scopes; got {scope!r}")
    return scope


def key_of(namespace: object, name: str, scope: str = "", agent_id: str = "") -> Key:
    """Return the key that is meant, or raise `InvalidEntryError`.

    >>> key_of(1, "motto")
    Key(namespace=<Namespace.GLOBAL: 1>, scope='', name='motto')
    """
    try:
        return _remembered(namespace, name, scope, agent_id)
    except TypeError:
        # What cannot be hashed is no part of a key; say which.
        return _key_of(namespace, name, scope, agent_id)


def _key_of(namespace: object, name: str, scope: str, agent_id: str) -> Key:
    space = namespace if type(namespace) is Namespace else namespace_of(namespace)
    if not isinstance(name, str) or not 0 < len(name) <= MAX_LENGTH:
        raise InvalidEntryError(_fault_of_name(name))
    name = str.__str__(name)  # of an enumeration, its value
    check_encodable("key", name)
    if space is Namespace.GLOBAL and scope == "":
        return Key(space, "", name)
    return Key(space, scope_of(space, scope, agent_id), name)


_remembered: Final = lru_cache(4096, typed=True)(_key_of)
"""A key is asked for again and again; to check it takes three times as long."""


def check_text(what: str, text: str) -> None:
    """Refuse a text that is longer than a key may be, or that no file takes."""
    if len(text) > MAX_LENGTH:
        raise InvalidEntryError(f"the {what} has at most {MAX_LENGTH} characters; {text[:40]!r}... has {len(text)}")
    check_encodable(what, text)


def check_encodable(what: str, text: str) -> None:
    """Refuse a text with half of a character: no file takes it, nor anything that is stored together with it."""
    try:
        text.isascii() or text.encode()
    except UnicodeEncodeError as error:
        raise InvalidEntryError(f"the {what} {text!r} is no text: {error}") from error


def place(namespace: Namespace, scope: str) -> str:
    """Say which part of which namespace.

    >>> place(Namespace.SESSION, "s1"), place(Namespace.GLOBAL, "")
    ("session 's1'", 'global')
    """
    return f"{namespace} {scope!r}" if scope else str(namespace)


def _fault_of_name(name: object) -> str:
    if not isinstance(name, str):
        return f"a key is a str; got {shown(name)}"
    if not name:
        return "a key has one character at least; got ''"
    return f"a key has at most {MAX_LENGTH} characters; {name[:40]!r}... has {len(name)}"

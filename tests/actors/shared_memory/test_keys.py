"""Keys keep what they are made of apart; namespaces, scopes and names that are none are refused."""

from __future__ import annotations

import enum
import re
from typing import TYPE_CHECKING, Any

import pytest

from actors.shared_memory import InvalidEntryError, Namespace, SharedMemoryClient, UnknownNamespaceError
from actors.shared_memory.key import key_of

if TYPE_CHECKING:
    from actors import ActorSystem


def test_an_agent_whose_id_has_a_colon_reaches_nobody_else() -> None:
    """L-SHM-18."""
    assert key_of(Namespace.AGENT, "c", agent_id="a:b") != key_of(Namespace.AGENT, "b:c", agent_id="a")


def test_a_namespace_may_be_given_by_its_number() -> None:
    assert key_of(5, "motto", "s1") == (Namespace.SESSION, "s1", "motto")


def test_a_key_may_be_a_member_of_an_enumeration() -> None:
    class Notes(enum.StrEnum):
        MOTTO = "motto"

    name = key_of(Namespace.GLOBAL, Notes.MOTTO).name

    assert (type(name), name) == (str, "motto")


@pytest.mark.parametrize("namespace", [0, 7, -1, True, "global", None, 1.0])
def test_an_unknown_namespace_is_refused(namespace: Any) -> None:
    """L-SHM-1: 0 is unspecified, and other numbers are no crash."""
    with pytest.raises(
        UnknownNamespaceError, match=re.escape(f"{namespace!r} is no namespace; allowed are GLOBAL (1)")
    ):
        key_of(namespace, "motto")


@pytest.mark.parametrize(
    ("namespace", "name", "scope", "agent_id", "fault"),
    [
        (Namespace.GLOBAL, "", "", "", "one character at least"),
        (Namespace.GLOBAL, 7, "", "", "a key is a str; got 7"),
        (Namespace.GLOBAL, [], "", "", r"a key is a str; got \[\]"),
        (Namespace.GLOBAL, "a" * 10_000, "", "", "at most 1024 characters; .* has 10000"),
        (Namespace.GLOBAL, "a", "s1", "", "the global namespace has no scopes; got 's1'"),
        (Namespace.SESSION, "a", 7, "", "a scope is a str of at most 1024 characters; got 7"),
        (Namespace.GLOBAL, "\ud800", "", "", r"the key '\\ud800' is no text: 'utf-8' codec can't encode"),
        (Namespace.SESSION, "a", "\ud800", "", r"the scope '\\ud800' is no text"),
        (Namespace.AGENT, "a", "", "", "there is no agent_id"),
        (Namespace.AGENT, "a", "bob", "ann", "agent 'ann' sees its own entries alone; it asked for those of 'bob'"),
    ],
)
def test_a_key_that_is_none_is_refused(namespace: Namespace, name: Any, scope: Any, agent_id: str, fault: str) -> None:
    with pytest.raises(InvalidEntryError, match=fault):
        key_of(namespace, name, scope, agent_id)


async def test_texts_that_are_too_long_are_refused(ann: SharedMemoryClient, system: ActorSystem) -> None:
    longest, too_long = "x" * 1024, "x" * 1025

    await ann.put(Namespace.GLOBAL, "a", b"", idempotency_key=longest)
    assert SharedMemoryClient(system.named("shared_memory"), longest).agent_id == longest
    with pytest.raises(InvalidEntryError, match=r"the agent_id has at most 1024 characters; 'x{40}'\.\.\. has 1025"):
        SharedMemoryClient(system.named("shared_memory"), too_long)
    with pytest.raises(InvalidEntryError, match=r"the idempotency key has at most 1024 characters; .* has 1025"):
        await ann.put(Namespace.GLOBAL, "a", b"", idempotency_key=too_long)

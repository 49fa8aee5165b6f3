"""TopicFilter: which messages of its topics a subscription is for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import attrs

from actors.bus.errors import BusRequestError
from actors.bus.message import size_of

if TYPE_CHECKING:
    from actors.bus.message import TopicMessage


def _as_agents(agents: object) -> Any:
    if isinstance(agents, Iterable) and not isinstance(agents, str | bytes):
        return frozenset(agents)
    return agents


def _as_pairs(metadata: object) -> Any:
    return tuple(sorted(metadata.items(), key=repr)) if isinstance(metadata, Mapping) else metadata


def _are_agents(_filter: object, _field: attrs.Attribute[Any], agents: object) -> None:
    if not isinstance(agents, frozenset) or not all(isinstance(agent, str) and agent for agent in agents):
        raise BusRequestError(f"TopicFilter: from_agents is {agents!r}; allowed are names of agents")


def _are_pairs(_filter: object, _field: attrs.Attribute[Any], pairs: object) -> None:
    if not isinstance(pairs, tuple) or not all(_is_pair(pair) for pair in pairs):
        raise BusRequestError(f"TopicFilter: metadata is {pairs!r}; allowed is a mapping of str to str")


def _is_pair(pair: object) -> bool:
    return isinstance(pair, tuple) and len(pair) == 2 and all(isinstance(part, str) for part in pair)  # noqa: PLR2004 -- a pair


def _is_size(_filter: TopicFilter, field: attrs.Attribute[Any], size: object) -> None:
    if size is not None and (not isinstance(size, int) or isinstance(size, bool) or size < 0):
        raise BusRequestError(f"TopicFilter: {field.name} is {size!r}; allowed is an int of 0 or more, or None")
    if field.name == "max_size" and size is not None and _filter.min_size is not None and size < _filter.min_size:
        raise BusRequestError(f"TopicFilter: max_size is {size}, which is less than min_size, {_filter.min_size}")


@attrs.frozen(kw_only=True)
class TopicFilter:
    """What a message must be like, in all that is said here."""

    from_agents: frozenset[str] = attrs.field(default=frozenset(), converter=_as_agents, validator=_are_agents)
    """Who may have published it; anybody, if empty."""
    metadata: tuple[tuple[str, str], ...] = attrs.field(default=(), converter=_as_pairs, validator=_are_pairs)
    """What its metadata must have. Given as a mapping."""
    min_size: int | None = attrs.field(default=None, validator=_is_size)
    """How many bytes its payload must have at least; see `size_of`. What has no size does not pass."""
    max_size: int | None = attrs.field(default=None, validator=_is_size)
    """How many it may have at most."""

    def passes(self, message: TopicMessage) -> bool:
        """Tell whether *message* is what a subscription with this is for.

        >>> from actors.bus.message import TopicMessage
        >>> message = TopicMessage("t", b"1234", "till", {"shop": "left"}, 0.0, 0.0, "1")
        >>> TopicFilter(metadata={"shop": "left"}, min_size=4).passes(message)
        True
        >>> TopicFilter(from_agents=["mill"]).passes(message)
        False
        """
        if self.from_agents and message.from_agent not in self.from_agents:
            return False
        if any(message.metadata.get(key) != value for key, value in self.metadata):
            return False
        return self._fits(message)

    def _fits(self, message: TopicMessage) -> bool:
        if self.min_size is None and self.max_size is None:
            return True
        size = size_of(message.payload)
        if size is None or (self.min_size is not None and size < self.min_size):
            return False
        return self.max_size is None or size <= self.max_size

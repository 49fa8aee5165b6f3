"""PolicyManager: whether a message goes by reference or by value, by its type and by the size of its payload.

There are three tiers: always by reference, promoted above a threshold, always by value. Large state that many need is
worth a reference whatever it weighs; a control message must not depend on a store; for the rest size decides.
"""

from __future__ import annotations

import enum
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import attrs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

logger: Final = logging.getLogger("actors")

PROMOTE_ABOVE: Final = 10_240
"""The size in bytes above which a payload goes by reference, unless it is said otherwise."""

ALWAYS_REFERENCE: Final = ("session_state", "workflow_context", "collaboration_state")
"""The types that go by reference in every manager, unless they are given another policy."""
ALWAYS_VALUE: Final = ("control", "pattern_ref")
"""The types that go by value in every manager, unless they are given another policy."""


def _must_be(kind: type, name: str) -> Callable[[object, attrs.Attribute[Any], object], None]:
    """Return a validator that refuses what is no *kind*: it would be taken for what goes by size."""

    def check(owner: object, attribute: attrs.Attribute[Any], value: object) -> None:
        if not isinstance(value, kind):
            raise TypeError(f"{type(owner).__name__}: {attribute.name} is {value!r}; allowed is {name}")

    return check


class Tier(enum.Enum):
    """How a type of messages is treated."""

    UNSPECIFIED = 0
    """As `AUTO_PROMOTE`."""
    ALWAYS_REFERENCE = 1
    AUTO_PROMOTE = 2
    ALWAYS_VALUE = 3


class OverrideKind(enum.Enum):
    """What an override says."""

    UNSPECIFIED = 0
    """Nothing: it is as if there were none."""
    FORCE_REFERENCE = 1
    FORCE_VALUE = 2


@attrs.frozen
class Override:
    """An exception from a tier, and why it is made."""

    kind: OverrideKind = attrs.field(validator=_must_be(OverrideKind, "an OverrideKind"))
    reason: str = ""


@attrs.frozen
class AutoPromote:
    """When the second tier goes by reference."""

    enabled: bool = attrs.field(default=True, validator=_must_be(bool, "a bool"))
    """If not, it goes by value at any size."""
    threshold: int = attrs.field(default=PROMOTE_ABOVE)
    """Greater payloads go by reference; one of exactly so many bytes does not."""

    @threshold.validator
    def _check_threshold(self, _: object, value: object) -> None:
        if type(value) is not int or value < 0:
            raise ValueError(f"AutoPromote: threshold is {value!r}; allowed is an int of 0 or more")


@attrs.frozen
class Policy:
    """How messages of one type go."""

    tier: Tier = attrs.field(validator=_must_be(Tier, "a Tier, such as Tier.ALWAYS_REFERENCE"))
    message_type: str = "default"
    auto_promote: AutoPromote = attrs.field(factory=AutoPromote, validator=_must_be(AutoPromote, "an AutoPromote"))
    overrides: Mapping[str, Override] = attrs.field(factory=dict)
    """By the types of messages; only that of the type in question counts."""

    @overrides.validator
    def _check_overrides(self, _: object, overrides: object) -> None:
        if not isinstance(overrides, Mapping) or not all(isinstance(one, Override) for one in overrides.values()):
            raise TypeError(f"Policy: overrides is {overrides!r}; allowed is a dict of an Override for each type")

    def by_reference(self, message_type: str, size: int) -> bool:
        """Tell whether a payload of *size* bytes, as it is serialised, goes by reference.

        >>> auto_promote(100).by_reference("note", 100), auto_promote(100).by_reference("note", 101)
        (False, True)
        """
        override = self.overrides.get(message_type) if self.overrides else None
        if override is not None and override.kind is not OverrideKind.UNSPECIFIED:
            return override.kind is OverrideKind.FORCE_REFERENCE
        if self.tier is Tier.ALWAYS_REFERENCE:
            return True
        if self.tier is Tier.ALWAYS_VALUE:
            return False
        return self.auto_promote.enabled and size > self.auto_promote.threshold


def always_reference(message_type: str = "default") -> Policy:
    """Return the policy of the first tier."""
    return Policy(Tier.ALWAYS_REFERENCE, message_type)


def always_value(message_type: str = "default") -> Policy:
    """Return the policy of the third tier."""
    return Policy(Tier.ALWAYS_VALUE, message_type)


def auto_promote(threshold: int = PROMOTE_ABOVE, message_type: str = "default") -> Policy:
    """Return the policy of the second tier."""
    return Policy(Tier.AUTO_PROMOTE, message_type, AutoPromote(threshold=threshold))


def session_state() -> Policy:
    """Return the policy of the state of a session: by reference."""
    return always_reference("session_state")


def workflow_context() -> Policy:
    """Return the policy of the state of a workflow: by reference."""
    return always_reference("workflow_context")


def control() -> Policy:
    """Return the policy of control messages: by value."""
    return always_value("control")


def tool_result(threshold: int = 0) -> Policy:
    """Return the policy of what tools return: by size; 0 stands for the threshold of all.

    >>> tool_result().auto_promote.threshold
    10240
    """
    return auto_promote(threshold or PROMOTE_ABOVE, "tool_result")


def default() -> Policy:
    """Return the policy of types that have none of their own: by size."""
    return auto_promote()


class PolicyManager:
    """The policies by type of message, and one for all others.

    A policy is replaced whole, so that whoever asks meanwhile, also in another thread, gets the one or the other.

    >>> manager = PolicyManager()
    >>> manager.by_reference("session_state", 1), manager.by_reference("control", 2**20), manager.by_reference("x", 9)
    (True, False, False)
    """

    def __init__(self, default_policy: Policy | None = None) -> None:
        if not isinstance(default_policy, Policy | None):
            raise TypeError(f"the default policy of a PolicyManager is {default_policy!r}; allowed is a Policy")
        self._default = default_policy or default()
        self._policies = {kind: always_reference(kind) for kind in ALWAYS_REFERENCE}
        self._policies |= {kind: always_value(kind) for kind in ALWAYS_VALUE}

    def __repr__(self) -> str:
        return f"<PolicyManager: {len(self._policies)} types, others by {self._default.tier.name.lower()}>"

    @classmethod
    def from_config(
        cls,
        auto: AutoPromote | None = None,
        *,
        always_reference_types: Iterable[str] = ALWAYS_REFERENCE,
        always_value_types: Iterable[str] = ALWAYS_VALUE,
    ) -> PolicyManager:
        """Return a manager as a configuration says; a type in both lists goes by value, and is logged.

        With a threshold of 0 every payload but an empty one goes by reference.
        """
        manager = cls(Policy(Tier.AUTO_PROMOTE, auto_promote=AutoPromote() if auto is None else auto))
        references, by_value = _types_of(always_reference_types), _types_of(always_value_types)
        for kind in sorted(set(references) & set(by_value)):
            logger.warning(
                "message type %r is listed as always by reference and always by value: it goes by value", kind
            )
        manager._policies = {kind: always_reference(kind) for kind in references}
        manager._policies |= {kind: always_value(kind) for kind in by_value}
        return manager

    def by_reference(self, message_type: str, size: int) -> bool:
        """Tell whether a payload of *size* bytes, as it is serialised, goes by reference."""
        return (self._policies.get(message_type) or self._default).by_reference(message_type, size)

    def get_policy(self, message_type: str) -> Policy:
        """Return the policy of a type, or that of all others."""
        return self._policies.get(message_type, self._default)

    def set_policy(self, message_type: str, policy: Policy) -> None:
        """Give a type a policy, in the place of the one it has."""
        if not isinstance(policy, Policy):
            raise TypeError(f"the policy of {message_type!r} is {policy!r}; allowed is a Policy")
        self._policies[message_type] = policy

    register_policy = set_policy


def _types_of(given: Iterable[str]) -> tuple[str, ...]:
    if isinstance(given, str):
        raise TypeError(f"types of messages are {given!r}; allowed is a list of them")
    return tuple(given)

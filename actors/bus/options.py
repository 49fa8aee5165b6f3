"""BusOptions: what a bus is told when it is made by a tree of services, which knows whether there is a store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from actors.store import PolicyManager

if TYPE_CHECKING:
    from typing import Any

MAX_TOPICS: Final = 100_000


def check_max_topics(of: str, count: object) -> None:
    """Refuse what is no number of topics."""
    if not isinstance(count, int) or isinstance(count, bool) or count < 1:
        raise ValueError(f"{of}: max_topics is {count!r}; allowed is an int of 1 or more")


@attrs.frozen(kw_only=True)
class BusOptions:
    """How many topics a bus counts for, and which payloads go by reference."""

    max_topics: int = attrs.field(default=MAX_TOPICS)
    """It forgets the oldest beyond."""
    policies: PolicyManager | None = attrs.field(default=None)
    """What says which payloads go by reference, where there is a store; if nothing does, those above 10,240 bytes."""

    @max_topics.validator
    def _check_max_topics(self, _: attrs.Attribute[Any], value: object) -> None:
        check_max_topics("BusOptions", value)

    @policies.validator
    def _check_policies(self, _: attrs.Attribute[Any], value: object) -> None:
        if not isinstance(value, PolicyManager | None):
            raise ValueError(f"BusOptions: policies is {value!r}; allowed is a PolicyManager, or None")  # noqa: TRY004 -- as all options say it

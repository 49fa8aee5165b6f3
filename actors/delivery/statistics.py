"""What a router has done: counts by guarantee, and what they come to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from actors.delivery.breaker import BreakerState
    from actors.guarantee import Guarantee


class Tally:
    """The counts of one guarantee, while they change."""

    __slots__ = ("acknowledged", "delivered", "direct", "expired", "failed", "retries", "routed")

    def __init__(self) -> None:
        self.routed = self.delivered = self.acknowledged = self.failed = self.expired = self.retries = 0
        self.direct = 0
        """How many went to their receivers at once and need nothing more; they count as all the others too."""


@attrs.frozen
class GuaranteeStatistics:
    """What became of the messages of one guarantee."""

    routed: int
    """How many the router accepted."""
    delivered: int
    """How many attempts reached a mailbox."""
    acknowledged: int
    failed: int
    """How many failed for good."""
    expired: int
    retries: int
    """How many attempts there were besides the first of each message."""

    @property
    def success_rate(self) -> float:
        """The share of all that are done with that were acknowledged; 0 of nothing."""
        done = self.acknowledged + self.failed + self.expired
        return self.acknowledged / done if done else 0.0

    @classmethod
    def of(cls, tally: Tally) -> GuaranteeStatistics:
        """Return the counts as they are now."""
        direct = tally.direct
        return cls(
            tally.routed + direct,
            tally.delivered + direct,
            tally.acknowledged + direct,
            tally.failed,
            tally.expired,
            tally.retries,
        )


@attrs.frozen
class RouterStatistics:
    """What a router has done since its name was first used, whatever became of its incarnations."""

    routed: int
    delivered: int
    acknowledged: int
    failed: int
    expired: int
    retries: int
    pending: int
    """How many it has that are not done with."""
    in_flight: int
    """How many attempts wait for their acknowledgement."""
    late: int
    """How many were handled after they had been given up."""
    repeated: int
    """How many sends exactly once were not delivered, because their id was known."""
    forgotten: int
    """How many ids the dedupe window forgot before their time: its bound is too small."""
    dead_letters: int
    """How many messages were given up, those that are no longer kept included."""
    active_routes: int
    """How many names have instances registered."""
    breakers: Mapping[str, BreakerState]
    """The breakers that are not closed, by their targets."""
    by_guarantee: Mapping[Guarantee, GuaranteeStatistics]

    @property
    def success_rate(self) -> float:
        """The share of all that are done with that were acknowledged; 0 of nothing."""
        done = self.acknowledged + self.failed + self.expired
        return self.acknowledged / done if done else 0.0

"""DeliveryLog: the records of many messages, for whoever delivers them without a router.

It sends nothing and has no clock: it says what is to be tried again, and what became of what.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from actors.delivery.errors import InvalidMessageError
from actors.delivery.options import RouterConfig, Terms, terms_of
from actors.delivery.record import OPEN, DeliveryRecord, Status
from actors.guarantee import Guarantee

if TYPE_CHECKING:
    from actors.delivery.options import DeliveryOptions


@attrs.frozen
class LogStatistics:
    """How many records of a log are in each state, and how it went."""

    total: int
    pending: int
    in_transit: int
    delivered: int
    acknowledged: int
    failed: int
    expired: int
    total_attempts: int

    @property
    def success_rate(self) -> float:
        """The share that was acknowledged; 0 of nothing."""
        return self.acknowledged / self.total if self.total else 0.0

    @property
    def failure_rate(self) -> float:
        """The share whose last attempt failed, or that expired; 0 of nothing."""
        return (self.failed + self.expired) / self.total if self.total else 0.0

    @property
    def average_attempts(self) -> float:
        """Attempts for each message; 0 of nothing."""
        return self.total_attempts / self.total if self.total else 0.0


class DeliveryLog:
    """Records by their ids. Above *max_records* the oldest final ones are forgotten, and no others.

    >>> log = DeliveryLog()
    >>> record = log.record("till", "sell", id="a", now=0.0)
    >>> log.mark_in_transit("a", now=0.0), log.mark_failed("a", "no answer", now=1.0)
    (True, True)
    >>> [record.id for record in log.candidates(now=1.0)], log.candidates(now=2.0), log.candidates(now=2.0)
    ([], [<DeliveryRecord of 'sell' to till: in_transit, attempt 2 of 3>], [])
    """

    def __init__(self, config: RouterConfig | None = None, *, max_records: int = 10_000) -> None:
        self._config = config or RouterConfig()
        self._max_records = max_records
        self._records: dict[str, DeliveryRecord] = {}
        self._terms: dict[str, Terms] = {}

    def __repr__(self) -> str:
        return f"<DeliveryLog: {len(self)} records>"

    def __len__(self) -> int:
        return len(self._records)

    def record(
        self, to: object, message: object, options: DeliveryOptions | None = None, *, id: str | None = None, now: float
    ) -> DeliveryRecord:
        """Take in a message that is to be sent, and return its record; for an id that is known, the one there is."""
        if id is not None and id in self._records:
            return self._records[id]
        terms = terms_of(self._config, options)
        record = DeliveryRecord()
        record.to, record.message, record.created = to, message, now
        record.guarantee, record.max_attempts = terms.guarantee, terms.max_attempts
        record._id = id  # noqa: SLF001 -- given, so that none need be made
        record.expires_at = now + terms.lifetime
        self._records[record.id], self._terms[record.id] = record, terms
        if len(self._records) > self._max_records:
            self.clean_up()
        return record

    def lookup(self, id: str) -> DeliveryRecord | None:
        """Return the record of *id*; None if there is none, or none any more."""
        return self._records.get(id)

    def mark_in_transit(self, id: str, *, now: float) -> bool:
        """Note that an attempt begins. This and the other marks raise `InvalidMessageError` for an unknown id."""
        return self._get(id).begin(now)

    def mark_delivered(self, id: str, *, now: float) -> bool:
        """Note that the receiver has it; that is all that is asked of a message that is sent at most once."""
        record = self._get(id)
        done = record.deliver(now)
        return record.acknowledge(now) if done and not self._terms[id].tracked else done

    def mark_acknowledged(self, id: str, *, now: float) -> bool:
        """Note that it was handled."""
        return self._get(id).acknowledge(now)

    def mark_failed(self, id: str, reason: object, *, now: float) -> bool:
        """Note that the attempt has failed."""
        return self._get(id).fail(reason, now)

    def candidates(self, *, now: float) -> list[DeliveryRecord]:
        """Return what is to be sent again now, the oldest first, each marked as in transit: nobody else gets it.

        These are messages whose attempt failed, once their delay is over, and those whose attempt was not acknowledged
        in its time, while there are attempts left; never one that is sent at most once. What has expired is marked so.
        """
        return [record for record in self._records.values() if self._is_due(record, now) and record.begin(now)]

    def clean_up(self) -> int:
        """Forget the oldest final records above the bound; return how many."""
        excess = len(self._records) - self._max_records
        final = [id for id, record in self._records.items() if record.final][: max(0, excess)]
        for id in final:
            del self._records[id], self._terms[id]
        return len(final)

    def statistics(self) -> LogStatistics:
        """Return how many records there are of each state."""
        counts = dict.fromkeys(Status, 0)
        for record in self._records.values():
            counts[record.status] += 1
        by_name = {status.value: count for status, count in counts.items()}
        attempts = sum(record.attempts for record in self._records.values())
        return LogStatistics(total=len(self), total_attempts=attempts, **by_name)

    def _is_due(self, record: DeliveryRecord, now: float) -> bool:
        if record.final:
            return False
        terms = self._terms[record.id]
        if record.expired(now):
            record.lapse()
            return False
        if record.status is Status.PENDING:
            return False
        assert record.last_attempt is not None
        if record.status in OPEN:
            if now - record.last_attempt <= terms.timeout:
                return False
            record.fail(f"not acknowledged within {terms.timeout} s", now)
        if record.final or record.guarantee is Guarantee.AT_MOST_ONCE:
            return False
        return now >= record.faults[-1].time + terms.backoff.seconds(record.attempts) or _overdue(record, terms, now)

    def _get(self, id: str) -> DeliveryRecord:
        record = self._records.get(id)
        if record is None:
            raise InvalidMessageError(f"{self!r} has no record of a message with the id {id!r}")
        return record


def _overdue(record: DeliveryRecord, terms: Terms, now: float) -> bool:
    """Tell whether the attempt was not acknowledged so long ago that its delay is over as well."""
    assert record.last_attempt is not None
    return now - record.last_attempt > terms.timeout + terms.backoff.seconds(record.attempts)

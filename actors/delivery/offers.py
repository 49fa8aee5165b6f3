"""What a router offers to whoever looks at its node (`actors.inspect.Commands`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import attrs

from actors.foremost import most_of
from actors.show import shown, told

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from actors.delivery.dead_letters import Undelivered
    from actors.delivery.ledger import Ledger
    from actors.inspect import Command

Row = dict[str, Any]

OWN_ROWS: Final = ("breakers", "by_guarantee")
"""What of the statistics has rows of its own."""


class RouterOffers:
    """The commands of one router."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def commands(self) -> dict[str, Command]:
        """Return the commands by their names."""
        return {
            "router.breakers": self.breakers,
            "router.dead_letters": self.dead_letters,
            "router.discard": self.discard,
            "router.guarantees": self.guarantees,
            "router.replay": self.replay,
            "router.statistics": self.statistics,
        }

    def statistics(self, arguments: Mapping[str, Any]) -> Iterator[Row]:
        """Show what the router has done and has to do, in one row."""
        found = self._ledger.statistics()
        row = attrs.asdict(found, recurse=False)
        for name in OWN_ROWS:
            del row[name]
        open_ones = len(found.breakers)
        yield {**row, "success_rate": found.success_rate, "breakers_open": open_ones, "closed": self._ledger.closed}

    def guarantees(self, arguments: Mapping[str, Any]) -> Iterator[Row]:
        """Show what became of the messages of each guarantee."""
        for guarantee, found in self._ledger.statistics().by_guarantee.items():
            yield {"guarantee": guarantee.value, **attrs.asdict(found), "success_rate": found.success_rate}

    def breakers(self, arguments: Mapping[str, Any]) -> Iterator[Row | None]:
        """Show the circuit breakers that have seen failures since the last success."""
        breakers, now = self._ledger.breakers, self._ledger.now()
        if breakers.options is None:
            raise ValueError("the router has no circuit breakers; they are an option of its RouterConfig")
        for key, breaker in tuple(breakers.troubled.items()):
            is_open = breaker.state.value == "open"
            yield {
                "target": str(self._ledger.routes.target_of(key)),
                "state": breaker.state.value,
                "failures": breaker.failures,
                "threshold": breaker.options.failure_threshold,
                "open_seconds": max(0.0, now - breaker.opened_at) if is_open else None,
                "probe_in": max(0.0, breaker.retry_at - now) if is_open else None,
                "probing": breaker.probing,
                "passed": breaker.passed,
                "probes": breaker.options.probes,
            }

    # -- dead letters

    def dead_letters(self, arguments: Mapping[str, Any]) -> Iterator[Row | None]:
        """Show what the router gave up, the latest first; with its message, for the one of an id."""
        now = self._ledger.now()
        if arguments.get("id") is not None:
            letter = self._letter(arguments["id"])
            faults = [{"seconds_ago": max(0.0, now - it.time), "reason": told(str(it.reason))} for it in letter.faults]
            yield _row(letter, now) | {"text": shown(letter.message), "faults": faults}
            return
        for letter in tuple(self._ledger.letters)[: -most_of(arguments) - 1 : -1]:
            yield _row(letter, now)

    def replay(self, arguments: Mapping[str, Any]) -> Iterator[Row | None]:
        """Send the message of an id again, or all that are kept, to where they were to go or to another name."""
        to = arguments.get("to")
        if not isinstance(to, str | None):
            raise ValueError(f"a message is sent to a name; got {shown(to)}")  # noqa: TRY004 -- it is what a client sent
        for letter in self._chosen(arguments):
            if letter not in self._ledger.letters:
                continue  # others had their turn meanwhile
            self._ledger.letters.replay(letter, to)
            yield {"id": letter.id, "did": f"was sent to {letter.to if to is None else to}"}

    def discard(self, arguments: Mapping[str, Any]) -> Iterator[Row | None]:
        """Throw away the message of an id, or all that are kept."""
        for letter in self._chosen(arguments):
            if letter in self._ledger.letters:
                self._ledger.letters.discard(letter)
                yield {"id": letter.id, "did": "was discarded"}

    def _chosen(self, arguments: Mapping[str, Any]) -> list[Undelivered]:
        if arguments.get("id") is not None:
            return [self._letter(arguments["id"])]
        if arguments.get("all") is not True:
            raise ValueError("say which dead letter is meant, by its id, or that all are")
        return list(self._ledger.letters)

    def _letter(self, wanted: object) -> Undelivered:
        letters = self._ledger.letters
        try:
            return letters[str(wanted)]
        except KeyError:
            kept = f"{len(letters)} of {letters.count} are kept"
            raise ValueError(f"no dead letter of the router has the id {wanted!r}; {kept}") from None


def _row(letter: Undelivered, now: float) -> Row:
    return {
        "id": letter.id,
        "to": str(letter.to),
        "sender": None if letter.sender is None else str(letter.sender),
        "message": type(letter.message).__name__,
        "status": letter.status.value,
        "attempts": letter.attempts,
        "reason": told(str(letter.faults[-1].reason)) if letter.faults else None,
        "seconds_ago": max(0.0, now - letter.time),
    }

"""MessageStore: the durable messages of a router in its database, and what was made of them."""

from __future__ import annotations

import logging
import math
from collections import deque
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Final

import attrs

from actors.delivery.codec import decode, encode
from actors.delivery.dead_letters import Undelivered
from actors.delivery.errors import UnencodableError
from actors.delivery.options import DeliveryOptions
from actors.delivery.record import Fault, Status
from actors.options import is_number
from actors.sqlite import DatabaseClosedError, Part, find_database, open_database
from actors.telemetry import SpanContext
from actors.wall_clock import WallClock, wall_clock

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from actors.delivery.options import RouterConfig
    from actors.delivery.receipt import Receipt
    from actors.sqlite import Database, Statement
    from actors.system import ActorSystem

logger: Final = logging.getLogger("actors")

PART: Final = Part(
    "delivery",
    (
        """
        CREATE TABLE delivery_messages (
            router TEXT NOT NULL, number INTEGER NOT NULL, receiver TEXT NOT NULL, id TEXT NOT NULL,
            body BLOB NOT NULL, options BLOB NOT NULL, created REAL NOT NULL, due REAL NOT NULL,
            attempts INTEGER NOT NULL DEFAULT 0, failed REAL, faults BLOB,
            PRIMARY KEY (router, number)) WITHOUT ROWID;
        CREATE INDEX delivery_ids ON delivery_messages (router, id);
        CREATE TABLE delivery_handled (
            receiver TEXT NOT NULL, id TEXT NOT NULL, time REAL NOT NULL,
            PRIMARY KEY (receiver, id)) WITHOUT ROWID;
        CREATE INDEX delivery_times ON delivery_handled (time);
        CREATE TABLE delivery_states (
            name TEXT PRIMARY KEY, version INTEGER NOT NULL, state BLOB NOT NULL) WITHOUT ROWID;
        """,
        "ALTER TABLE delivery_messages ADD COLUMN expired INTEGER NOT NULL DEFAULT 0",
        # Which router had the ids that are here is not known: they count for each.
        """
        CREATE TEMP TABLE handled AS SELECT * FROM delivery_handled;
        DROP TABLE delivery_handled;
        CREATE TABLE delivery_handled (
            router TEXT NOT NULL, receiver TEXT NOT NULL, id TEXT NOT NULL, time REAL NOT NULL,
            PRIMARY KEY (router, receiver, id)) WITHOUT ROWID;
        CREATE INDEX delivery_times ON delivery_handled (router, time);
        INSERT INTO delivery_handled SELECT '', receiver, id, time FROM handled;
        DROP TABLE handled;
        """,
    ),
)

INSERT: Final = """INSERT INTO delivery_messages (router, number, receiver, id, body, options, created, due)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)"""
DELETE: Final = "DELETE FROM delivery_messages WHERE router = ? AND number = ?"
ATTEMPTED: Final = "UPDATE delivery_messages SET attempts = ? WHERE router = ? AND number = ?"
FAILED: Final = """UPDATE delivery_messages SET failed = ?, faults = ?, attempts = ?, expired = ?
    WHERE router = ? AND number = ?"""
HANDLED: Final = "REPLACE INTO delivery_handled VALUES (?, ?, ?, ?)"
FORGET: Final = """DELETE FROM delivery_handled WHERE router IN (?1, '') AND time < max(?2, coalesce(
    (SELECT time FROM delivery_handled WHERE router = ?1 ORDER BY time DESC LIMIT 1 OFFSET ?3), 0))"""
TRACEPARENT: Final = "traceparent"
"""What the span that a message was sent in is stored as, beside its options."""
FORGET_EVERY: Final = 1_000
"""Ids that are too old, or too many, are forgotten once in so many that are added."""
READ: Final = """SELECT number, receiver, id, body, options, created, due, attempts, failed, faults, expired
    FROM delivery_messages WHERE router = ? ORDER BY number"""
READ_AT_ONCE: Final = 64
"""So many messages are decoded before others have their turn."""
NEXT: Final = """SELECT coalesce(CAST(max(number) AS INTEGER), -1) + 1 FROM delivery_messages
    WHERE router = ? AND number < 1 << 62"""
"""A greater number no router has given, and none could follow it for long: its message is as good as others."""
READ_HANDLED: Final = """SELECT receiver, id FROM delivery_handled WHERE router IN (?, '')
    ORDER BY time DESC LIMIT ?"""


@attrs.frozen
class StoredMessage:
    """One row, decoded. Times are in seconds since 1970."""

    number: int
    receiver: str
    id: str
    message: Any
    options: DeliveryOptions
    created: float
    due: float
    attempts: int
    failed: float | None
    faults: tuple[tuple[int, str], ...]
    expired: bool
    span: SpanContext | None = None
    """What it was sent in, in that process."""

    def __attrs_post_init__(self) -> None:
        """Raise ``ValueError`` if it is not what was written."""
        for name in ("receiver", "id"):
            if not isinstance(text := getattr(self, name), str) or not text:
                raise ValueError(f"its {name} is {text!r}")
        if type(self.number) is not int:
            raise ValueError(f"its number is {self.number!r}")
        for name in ("created", "due", "attempts", "failed"):
            number = getattr(self, name)
            if not (is_number(number) and math.isfinite(number)) and (name, number) != ("failed", None):
                raise ValueError(f"its {name} is {number!r}")

    def letter(self, now: float, wall: float) -> Undelivered:
        """Return what is left of one that was given up, on trio's clock, where it is *now*."""
        assert self.failed is not None
        faults = tuple(Fault(attempt, reason, now - (wall - self.failed)) for attempt, reason in self.faults)
        return Undelivered(
            self.id,
            self.message,
            self.receiver,
            None,
            self.options,
            Status.EXPIRED if self.expired else Status.FAILED,
            self.attempts,
            faults,
            now - (wall - self.created),
            now - (wall - self.failed),
            self.number,
        )


@attrs.frozen
class Stored:
    """What an earlier process has left."""

    messages: deque[StoredMessage]
    """In the order they were accepted."""
    handled: deque[tuple[str, str]]
    """Receivers and ids that were handled exactly once, the oldest first."""
    next_number: int


class MessageStore:
    """The rows of one router."""

    def __init__(self, database: Database, router: str, clock: WallClock) -> None:
        self.database = database
        self.router = router
        self.clock = clock
        self.window = math.inf
        """Seconds that the ids of what was handled are kept."""
        self.max_ids = 0
        self._noted = 0

    def __repr__(self) -> str:
        return f"<MessageStore of router {self.router} in {self.database.path}>"

    @classmethod
    async def open(cls, system: ActorSystem, router: str, config: RouterConfig) -> MessageStore:
        """Open the database of *config*, unless it is open already, and make the tables."""
        assert config.database is not None
        try:
            found = find_database(system, config.database)
        except DatabaseClosedError:
            found = await open_database(
                system, config.database, lock_timeout=config.lock_timeout, cache_size=config.cache_size
            )
        await found.prepare(PART)
        return cls(found, router, config.clock or wall_clock())

    async def read(self, seconds: float, max_ids: int) -> Stored:
        """Return what there is.

        Ids of more than *seconds* ago are forgotten. A message that cannot be decoded stays where it is, and is logged.
        """
        self.window, self.max_ids = seconds, max_ids
        self.database.append(*self._forgetting())
        found: deque[StoredMessage] = deque()
        async with aclosing(self.database.slices(READ, (self.router,), rows=READ_AT_ONCE)) as slices:
            async for rows in slices:
                found.extend(self._decoded(rows))
        handled: deque[tuple[str, str]] = deque()
        async with aclosing(self.database.slices(READ_HANDLED, (self.router, max_ids))) as slices:
            async for keys in slices:
                handled.extendleft(keys)
        number = await self.database.read(lambda connection: connection.execute(NEXT, (self.router,)).fetchone()[0])
        return Stored(found, handled, number)

    def _decoded(self, rows: list[Any]) -> Iterator[StoredMessage]:
        for number, receiver, id, body, options, *times, failed, faults, expired in rows:
            try:
                content = decode(body)
                fields = decode(options)
                span = SpanContext.from_traceparent(fields.pop(TRACEPARENT, None))
                asked = DeliveryOptions(**fields)
                causes = tuple((attempt, reason) for attempt, reason in decode(faults)) if faults else ()
                created, due, attempts = times
                found = StoredMessage(
                    number, receiver, id, content, asked, created, due, attempts, failed, causes, bool(expired), span
                )
            except Exception:
                logger.exception("%s cannot read message %s to %s; it stays in the file", self, id, receiver)
                continue
            yield found

    # -- statements, for whoever commits them together with others

    def inserting(self, receipt: Receipt, delay: float = 0.0) -> Statement:
        """Return what stores *receipt*. Raises `UnencodableError`."""
        now = self.clock()
        body = encode(receipt.message, "the message")
        asked = {} if receipt.options is None else attrs.asdict(receipt.options, recurse=False)
        # What the router says of these may have changed when the next process reads it.
        asked |= {"durable": True, "guarantee": receipt.terms.guarantee}
        asked[TRACEPARENT] = None if receipt.span is None else receipt.span.traceparent
        options = encode({name: value for name, value in asked.items() if value is not None}, "the options")
        key = self.router, receipt.number
        return INSERT, (*key, receiver_of(receipt), receipt.id, body, options, now, now + delay)

    def deleting(self, receipt: Receipt) -> list[Statement]:
        """Return what forgets *receipt*, which was handled, and remembers its id if it must not be handled again."""
        statements: list[Statement] = [(DELETE, (self.router, receipt.number))] if receipt.stored else []
        if receipt.terms.exactly_once:
            statements.append((HANDLED, (self.router, receiver_of(receipt), receipt.id, self.clock())))
            self._noted += 1
            if self._noted % FORGET_EVERY == 0:
                statements.append(self._forgetting())
        return statements

    def discarding(self, letter: Undelivered | None) -> list[Statement]:
        """Return what forgets *letter*, if it is stored."""
        stored = letter is not None and letter.number is not None
        return [(DELETE, (self.router, letter.number))] if letter is not None and stored else []

    def _forgetting(self) -> Statement:
        return FORGET, (self.router, self.clock() - self.window, self.max_ids)

    # -- what can wait for the next commit

    def handled(self, receipt: Receipt) -> None:
        """Note that *receipt* was handled."""
        if not self.database.closed:
            self.database.append_all(self.deleting(receipt), _log_failure, lazy=True)

    def forget(self, receipt: Receipt) -> None:
        """Note that *receipt* is not to be delivered."""
        self._append(DELETE, (self.router, receipt.number))

    def attempted(self, receipt: Receipt) -> None:
        """Note how many attempts of *receipt* have failed."""
        self._append(ATTEMPTED, (receipt.attempts, self.router, receipt.number))

    def failed(self, receipt: Receipt) -> None:
        """Note that *receipt* was given up."""
        faults = encode([[fault.attempt, _text(fault.reason)] for fault in receipt.faults], "the faults")
        expired = receipt.status is Status.EXPIRED
        self._append(FAILED, (self.clock(), faults, receipt.attempts, expired, self.router, receipt.number))

    def handled_late(self, receipt: Receipt) -> None:
        """Note that *receipt* was handled after it had been given up, and must not be handled again."""
        self._append(HANDLED, (self.router, receiver_of(receipt), receipt.id, self.clock()))

    def discard(self, letter: Undelivered) -> None:
        """Forget what was given up."""
        for statement in self.discarding(letter):
            self._append(*statement)

    def _append(self, sql: str, parameters: Sequence[object]) -> None:
        if not self.database.closed:
            self.database.append(sql, parameters, _log_failure, lazy=True)


def receiver_of(receipt: Receipt) -> str:
    """Return the name that a durable message is stored for. Raises `UnencodableError` if it is for somebody without."""
    name = receipt.to if isinstance(receipt.to, str) else receipt.to.name
    if name is None:
        raise UnencodableError(f"a durable message is for a name, and {receipt.to} has none")
    return name


def _text(reason: object) -> str:
    """Return what went wrong as a text that can be stored: the name of a file may be none."""
    return str(reason).encode(errors="backslashreplace").decode()


def _log_failure(error: Exception | None) -> None:
    if error is not None:
        logger.error("what became of a durable message was not stored; it will be delivered again", exc_info=error)

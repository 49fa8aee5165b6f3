"""FiledStore: what the stores of all services do alike with the rows that they have in a file."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from actors.options import LOCK_TIMEOUT, check_cache_size, check_seconds
from actors.sqlite.errors import StaleEpochError
from actors.sqlite.opening import open_database
from actors.sqlite.tenant import move_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from actors.errors import ActorError
    from actors.sqlite.batch import Parameters, Statement
    from actors.sqlite.database import Database
    from actors.sqlite.epoch import Epoch
    from actors.sqlite.part import Part
    from actors.system import ActorSystem

T = TypeVar("T")


class FiledStore:
    """The rows of one service, in a database file that may hold other things as well, but no second one of its kind.

    A service that is restarted takes over the file from the incarnation before; another one is refused.
    """

    part: ClassVar[Part]
    """Its tables."""
    tenant: ClassVar[str]
    """What has them, in words."""
    taken: ClassVar[type[ActorError]]
    """Raised by `open` if another tenant that is alive has them."""
    stale: ClassVar[type[ActorError]]
    """What a batch is done with whose epoch is over."""
    failed: ClassVar[type[ActorError]]
    """What a batch is done with that could not be stored."""

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        inline: bool = False,
        lock_timeout: float = LOCK_TIMEOUT,
        cache_size: int | None = None,
    ) -> None:
        if not isinstance(path, str | os.PathLike) or not os.fspath(path):
            raise TypeError(f"the path of a {type(self).__name__} is a str or a path, and not empty; got {path!r}")
        check_seconds("lock_timeout", lock_timeout)
        check_cache_size(cache_size)
        self.path = os.fspath(path)
        self._inline = inline
        self._lock_timeout = lock_timeout
        self._cache_size = cache_size
        self._opened: Database | None = None
        self._epochs: dict[int, Epoch] = {}

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.path}>"

    async def open(self, system: ActorSystem) -> int:
        """Open the file, unless the system has it open already, and claim the service's part of it.

        Raises `taken` if another tenant that is alive has it, and what `actors.sqlite.open_database` raises.
        """
        database = await open_database(
            system,
            self.path,
            inline=self._inline,
            lock_timeout=self._lock_timeout,
            cache_size=self._cache_size,
        )
        move_in(database, self.tenant, self.taken)
        await database.prepare(self.part)
        self._opened = database
        epoch = await database.claim(self.part.name)
        self._epochs[epoch.number] = epoch
        return epoch.number

    def close(self) -> None:
        """Do nothing: the file belongs to the system, which closes it."""

    @property
    def _database(self) -> Database:
        assert self._opened is not None
        return self._opened

    def _append(self, epoch: int, statements: Sequence[Statement], done: Callable[[Exception | None], object]) -> None:
        """Have *statements* stored with what others store at the same time."""
        self._database.append_all(statements, partial(self._tell, done), self._epochs[epoch])

    def _tell(self, done: Callable[[Exception | None], object], error: Exception | None) -> None:
        if error is None:
            done(None)
            return
        told = (self.stale if isinstance(error, StaleEpochError) else self.failed)(str(error))
        told.__cause__ = error
        done(told)

    def _read(self, sql: str, parameters: Parameters) -> list[Any]:
        return self._database.read_now(lambda connection: connection.execute(sql, parameters).fetchall())


def in_groups(items: Sequence[T], sizes: Sequence[int]) -> Iterator[Sequence[T]]:
    """Give all *items* in groups of these *sizes*, the last of which is 1, the largest first.

    A statement with many rows runs without the GIL, and so many statements there are to be prepared.

    >>> list(in_groups("abcdefg", (4, 2, 1)))
    ['abcd', 'ef', 'g']
    """
    start = 0
    for size in sizes:
        while len(items) - start >= size:
            yield items[start : start + size]
            start += size

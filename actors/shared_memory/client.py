"""SharedMemoryClient: how everybody else reads, writes and watches entries, also across restarts."""

from __future__ import annotations

import os
from contextlib import asynccontextmanager
from itertools import count
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeVar

import trio

from actors.backoff import Backoff
from actors.current import current_actor
from actors.errors import ActorExitedError, CallTimeoutError, NoProcessError, NoReplyError
from actors.name_ref import NameRef
from actors.options import DEFAULT_TIMEOUT, check_seconds
from actors.pattern import parse_pattern
from actors.ref import ActorRef
from actors.shared_memory import requests as ask
from actors.shared_memory.actor_watch import ActorWatch
from actors.shared_memory.compressing import content_in_steps
from actors.shared_memory.entry import COMPRESS_FROM, NO_METADATA, metadata_of
from actors.shared_memory.errors import InvalidEntryError, OutcomeUnknownError
from actors.shared_memory.interest import BUFFER
from actors.shared_memory.key import Namespace, check_text, key_of, namespace_of, scope_of
from actors.shared_memory.watch import Watch
from actors.sorting import sorted_in_slices
from actors.telemetry import (
    SHARED_MEMORY_DELETE,
    SHARED_MEMORY_GET,
    SHARED_MEMORY_LIST,
    SHARED_MEMORY_PUT,
    SHARED_MEMORY_WATCH,
)
from actors.unanswered import deadline_after, why_unanswered

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from actors.message import Call
    from actors.pattern import Pattern
    from actors.shared_memory.entry import Entry
    from actors.shared_memory.interest import Interest
    from actors.shared_memory.key import Key

R = TypeVar("R")

BETWEEN: Final = Backoff(0.005, max_seconds=0.25)
"""How long to wait before looking again for a shared memory that is being restarted."""

new: Final = tuple.__new__
"""Makes a named tuple in half the time that its own constructor takes."""

UNANSWERED: Final = (NoProcessError, ActorExitedError, NoReplyError, CallTimeoutError)


class SharedMemoryClient:
    """A shared memory as one agent sees it.

    *memory* is best a name (``system.named("shared_memory")``): what is asked while it is being restarted is then asked
    again of its next incarnation, for *patience* seconds, and a write that was asked twice is done once. *agent_id* is
    who writes and watches; it need not be said for reading what is not in the agent namespace.

    Every method raises `SharedMemoryClosedError` for a shared memory that was closed, ``NoProcessError`` if there is
    none, and ``InvalidEntryError`` for what is not as it must be; those that write raise ``OutcomeUnknownError`` where
    it is not known whether that was done, and those that read ``CallTimeoutError`` after *patience* seconds.
    """

    def __init__(self, memory: ActorRef | NameRef, agent_id: str = "", *, patience: float = DEFAULT_TIMEOUT) -> None:
        if not isinstance(memory, ActorRef | NameRef):
            raise TypeError(f"a SharedMemoryClient is of an ActorRef or a NameRef (system.named(...)); got {memory!r}")
        if not isinstance(agent_id, str):
            raise TypeError(f"the agent_id of a SharedMemoryClient is a str; got {agent_id!r}")
        check_text("agent_id", agent_id)
        check_seconds("patience", patience)
        self._memory = memory
        self._find: Callable[[], ActorRef | None] = memory.whereis if isinstance(memory, NameRef) else lambda: memory
        """What finds who has the name now: to call that is faster than to call the name."""
        self.agent_id = agent_id
        self.patience = patience
        self._ids = map(f"{os.urandom(8).hex()}-%d".__mod__, count())

    def __repr__(self) -> str:
        return f"<SharedMemoryClient of {self._memory}{f', {self.agent_id}' if self.agent_id else ''}>"

    # -- reading

    async def get(self, namespace: Namespace | int, key: str, *, scope: str = "") -> Entry | None:
        """Return the entry, or None if there is none.

        Raises `CorruptEntryError` if what is stored cannot be read back.
        """
        request = ask.Get(key_of(namespace, key, scope, self.agent_id))
        if SHARED_MEMORY_GET.listeners:
            return await self._get_told(request)
        try:
            found: Entry | None = await (self._find() or self._memory).call(request, timeout=self.patience)
        except UNANSWERED as error:
            found = await self._again(request, error)
        return found if found is None else found.opened()

    async def list(self, namespace: Namespace | int, pattern: str = "", *, scope: str = "") -> ask.KeyList:
        """Return the keys that *pattern* means, sorted; all if it is empty. Raises ``PatternError``."""
        space = namespace_of(namespace)
        place = scope_of(space, scope, self.agent_id)
        parsed = _parsed(pattern)
        if SHARED_MEMORY_LIST.listeners:
            told = {"agent": self.agent_id, "namespace": space, "scope": place, "pattern": pattern}
            with SHARED_MEMORY_LIST.begin(**told) as span:
                found = await self._listed(ask.ListKeys(space, place), parsed)
                span.measure(count=found.total_count)
                return found
        return await self._listed(ask.ListKeys(space, place), parsed)

    async def _listed(self, request: ask.ListKeys, pattern: Pattern | None) -> ask.KeyList:
        names = await sorted_in_slices(await self._read(request), pattern)
        return ask.KeyList(tuple(names), len(names))

    async def statistics(self) -> Mapping[Namespace, ask.NamespaceStatistics]:
        """Return what each namespace holds, and what was done with it since its store was made."""
        return await self._read(ask.GetStatistics())

    # -- writing

    async def put(  # noqa: PLR0913 -- an entry has so many fields, each with a default
        self,
        namespace: Namespace | int,
        key: str,
        value: bytes,
        *,
        scope: str = "",
        expected_version: int = 0,
        create_only: bool = False,
        metadata: Mapping[str, str] | None = None,
        compress: bool = False,
        idempotency_key: str | None = None,
    ) -> ask.PutResult:
        """Store *value* under a key, and return its version: 1 for a key that is new, and one more each time.

        With *expected_version* only if the key has that version now, with *create_only* only if it is not there; else
        `VersionConflictError` is raised, and nothing is changed. Returns when it is stored, on the disk if there is a
        file. A put that was done with the same *idempotency_key* is not done again, and has the same result. Cancelled,
        it may be stored all the same. Raises `NotStoredError`.
        """
        agent_id = self.agent_id
        where = key_of(namespace, key, scope, agent_id)
        plain = type(value) is bytes and len(value) < COMPRESS_FROM and not compress
        value, compressed = (value, False) if plain else await content_in_steps(value, compress=compress)
        if expected_version != 0 or type(expected_version) is not int or not agent_id:
            self._check_put(expected_version, create_only=create_only)
        again = idempotency_key is not None
        id = _checked(idempotency_key) if again else next(self._ids)
        data = metadata_of(metadata) if metadata else NO_METADATA
        request = new(ask.Put, (id, again, where, agent_id, value, compressed, data, expected_version, create_only))
        if SHARED_MEMORY_PUT.listeners:
            return await self._put_told(request)
        try:
            result: ask.PutResult = await (self._find() or self._memory).call(request, timeout=self.patience)
        except UNANSWERED as error:
            result = await self._again(request._replace(again=True), error)
        return result

    async def delete(
        self,
        namespace: Namespace | int,
        key: str,
        *,
        scope: str = "",
        expected_version: int = 0,
        tombstone: bool = False,
        idempotency_key: str | None = None,
    ) -> ask.DeleteResult:
        """Delete an entry; tell whether there was one, and its version.

        A put after that begins with version 1 again, so that whoever expects a version may be wrong about what it is
        of; with *tombstone* the versions of the key go on. *expected_version* and *idempotency_key* are as for `put`.
        """
        where = key_of(namespace, key, scope, self.agent_id)
        _check_expected(expected_version, create_only=False)
        again = idempotency_key is not None
        id = _checked(idempotency_key) if again else next(self._ids)
        request = ask.Delete(id, again, where, self.agent_id, expected_version, tombstone)
        if SHARED_MEMORY_DELETE.listeners:
            with SHARED_MEMORY_DELETE.begin(**self._told(where)) as span:
                result: ask.DeleteResult = await self._write(request)
                span.note(version=result.deleted_version)
        else:
            result = await self._write(request)
        return result

    # -- watching

    @asynccontextmanager
    async def watch(
        self,
        namespace: Namespace | int,
        pattern: str = "",
        *,
        scope: str = "",
        initial: bool = False,
        tombstones: bool = False,
        buffer: int = BUFFER,
    ) -> AsyncIterator[Watch]:
        """Watch the keys that *pattern* means, all if it is empty, until the block is left.

        ``async for`` over the `Watch` gives an `Entry` for each put, and with *tombstones* a `Tombstone` for each
        delete; with *initial* those entries first that are there at the beginning. No change is between the two, and
        none is in both. If *buffer* changes wait, the next are dropped and counted.
        """
        keys = self._watched(namespace, pattern, scope, buffer)
        watch = Watch(*keys, initial=initial, tombstones=tombstones, buffer=buffer)
        watch.look = self._looker()
        try:
            if SHARED_MEMORY_WATCH.listeners:
                await self._start_watch_told(watch, pattern)
            else:
                await self._start_watch(watch)
            yield watch
        finally:
            watch.close()

    async def watch_actor(
        self,
        namespace: Namespace | int,
        pattern: str = "",
        *,
        scope: str = "",
        initial: bool = False,
        tombstones: bool = False,
        buffer: int = BUFFER,
    ) -> ActorWatch:
        """Have the current actor sent each change, to `handle_info`, until it ends or closes what is returned.

        What is sent is what a `watch` gives. While *buffer* messages of whatever kind wait in its mailbox, it is sent
        none; before the next it is sent `ChangesMissed`. Initial values need no room.
        """
        keys = self._watched(namespace, pattern, scope, buffer)
        owner = current_actor("watch and be sent changes as").ref
        watch = ActorWatch(owner, *keys, initial=initial, tombstones=tombstones, buffer=buffer)
        try:
            await self._start_watch(watch)
        except BaseException:
            watch.close()
            raise
        return watch

    async def _start_watch(self, watch: Interest) -> None:
        await self._read(ask.StartWatch(watch))
        await watch.gather()

    def _watched(
        self, namespace: Namespace | int, pattern: str, scope: str, buffer: int
    ) -> tuple[Namespace, str, Pattern | None]:
        space = namespace_of(namespace)
        if not self.agent_id:
            self._refuse_nobody()
        if not isinstance(buffer, int) or isinstance(buffer, bool) or buffer < 1:
            raise InvalidEntryError(f"the buffer of a watch is {buffer!r}; allowed is an int of 1 or more")
        return space, scope_of(space, scope, self.agent_id), _parsed(pattern)

    async def close(self) -> None:
        """End all watches, and have everything refused from now on, also after a restart. To close it twice is fine."""
        await self._read(ask.Close())

    # -- asking, and asking again

    def _check_put(self, expected_version: int, *, create_only: bool) -> None:
        _check_expected(expected_version, create_only=create_only)
        if not self.agent_id:
            self._refuse_nobody()

    def _refuse_nobody(self) -> NoReturn:
        raise InvalidEntryError(f"{self!r} has no agent_id; who puts and who watches has to be said")

    async def _read(self, request: Call[R]) -> R:
        try:
            return await self._memory.call(request, timeout=self.patience)
        except UNANSWERED as error:
            found: R = await self._again(request, error)
            return found

    async def _write(self, request: ask.Write) -> Any:
        try:
            return await self._memory.call(request, timeout=self.patience)
        except UNANSWERED as error:
            return await self._again(request._replace(again=True), error)

    async def _again(self, request: Any, error: Exception) -> Any:
        """Ask until `patience` is over since it was first asked."""
        deadline = deadline_after(error, self.patience)
        sent = not isinstance(error, NoProcessError)
        retry = 1
        while not isinstance(error, CallTimeoutError) and (left := deadline - trio.current_time()) > 0:
            await trio.sleep(min(left, BETWEEN.seconds(retry)))
            retry += 1
            try:
                return await self._memory.call(request, timeout=max(0.0, deadline - trio.current_time()))
            except UNANSWERED as latest:
                error = latest
                sent = sent or not isinstance(latest, NoProcessError)
        if sent and isinstance(request, ask.Put | ask.Delete):
            raise _unknown(request, why_unanswered(error, self.patience)) from error
        raise error

    def _looker(self) -> Any:
        """Return what tells a watch how long to wait, and raises when the shared memory is gone for too long."""
        gone_since: float | None = None

        def look() -> float:
            nonlocal gone_since
            if self._memory.alive:
                gone_since = None
                return self.patience
            now = trio.current_time()
            gone_since = now if gone_since is None else gone_since
            if now >= gone_since + self.patience:
                raise NoProcessError(f"{self._memory} has been gone for {now - gone_since:g} s; nobody tells the watch")
            return gone_since + self.patience - now

        return look

    # -- where somebody listens

    async def _get_told(self, request: ask.Get) -> Entry | None:
        with SHARED_MEMORY_GET.begin(**self._told(request.where)) as span:
            try:
                found: Entry | None = await self._memory.call(request, timeout=self.patience)
            except UNANSWERED as error:
                found = await self._again(request, error)
            span.note(version=0 if found is None else found.version)
        return found if found is None else found.opened()

    async def _put_told(self, request: ask.Put) -> ask.PutResult:
        with SHARED_MEMORY_PUT.begin(**self._told(request.where)) as span:
            result: ask.PutResult = await self._write(request)
            span.measure(size=result.size_bytes)
            span.note(version=result.version, created=result.created, compressed=result.compressed)
        return result

    async def _start_watch_told(self, watch: Watch, pattern: str) -> None:
        told = {"agent": self.agent_id, "namespace": watch.namespace, "scope": watch.scope}
        with SHARED_MEMORY_WATCH.begin(**told, pattern=pattern, buffer_size=watch.buffer):
            await self._start_watch(watch)

    def _told(self, where: Key) -> dict[str, Any]:
        return {"agent": self.agent_id, "namespace": where.namespace, "scope": where.scope, "key": where.name}


def _parsed(pattern: str) -> Pattern | None:
    return None if pattern in ("", "**") else parse_pattern(pattern)


def _checked(idempotency_key: object) -> str:
    if not isinstance(idempotency_key, str) or not idempotency_key:
        raise InvalidEntryError(f"an idempotency key is a str that is not empty; got {idempotency_key!r}")
    check_text("idempotency key", idempotency_key)
    return idempotency_key


def _check_expected(expected_version: int, *, create_only: bool) -> None:
    if type(expected_version) is not int or expected_version < 0:
        raise InvalidEntryError(f"expected_version is {expected_version!r}; allowed is an int, 0 for any version")
    if expected_version and create_only:
        raise InvalidEntryError(f"create_only expects no entry, and expected_version one of version {expected_version}")


def _unknown(request: ask.Write, why: str) -> OutcomeUnknownError:
    what = "put" if type(request) is ask.Put else "deleted"
    return OutcomeUnknownError(f"whether {request.where} was {what} is not known: {why}", request.id)

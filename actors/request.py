"""Requests whose answers are collected later, one by one or as they come."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Final

import trio
from trio.lowlevel import enable_ki_protection

from actors.errors import CallTimeoutError
from actors.options import seconds_of
from actors.show import shown

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    from actors.asking import Asking


_NOT_COLLECTED: Final = object()


class Request:
    """A request that was sent with `ActorRef.send_request`.

    Its answer is kept until it is collected; collecting again returns it again.
    """

    def __init__(self, asking: Asking) -> None:
        self._asking = asking
        self._answered = trio.Event()
        self._abandoned = False
        self.label: object = _NOT_COLLECTED
        """What it is known by in a `RequestCollection`."""
        asking.on_answer = self._on_answer

    def __repr__(self) -> str:
        state = "abandoned" if self._abandoned else "answered" if self.answered else "waiting"
        return f"<Request to {self._asking.process.ref}: {state}>"

    @property
    def answered(self) -> bool:
        """Whether `check` has something to return or to raise."""
        return self._answered.is_set()

    @enable_ki_protection
    def check(self) -> Any:
        """Return the answer without waiting, or raise what `ActorRef.call` would.

        Raises ``trio.WouldBlock`` while there is none.
        """
        if not self.answered:
            raise trio.WouldBlock
        return self._asking.result()

    @enable_ki_protection
    async def wait(self, timeout: float | None = 5.0) -> Any:
        """Wait for the answer; after *timeout* seconds raise `CallTimeoutError` and keep the request.

        Cancelled, it keeps the request too (OTP's wait_response).
        """
        with trio.move_on_after(seconds_of(timeout)) as patience:  # noqa: F841 -- read by who looks where a task waits
            await self._answered.wait()
        if not self.answered:
            raise self._timed_out(timeout)
        return self._asking.result()

    @enable_ki_protection
    async def receive(self, timeout: float | None = 5.0) -> Any:
        """Wait for the answer; after *timeout* seconds raise `CallTimeoutError` and abandon the request.

        The answer to an abandoned request is dropped (OTP's receive_response).
        """
        try:
            return await self.wait(timeout)
        finally:
            if not self.answered:
                self.abandon()

    @enable_ki_protection
    def abandon(self) -> None:
        """Wait no longer: the answer, if it still comes, is dropped."""
        if not self.answered:
            self._abandoned = True
            self._asking.give_up(self._timed_out(None))

    def _timed_out(self, timeout: float | None) -> CallTimeoutError:
        asking = self._asking
        when = "was abandoned" if timeout is None else f"was not answered within {timeout} s"
        return CallTimeoutError(f"the request {shown(asking.message)} to {asking.process.ref} {when}")

    def _on_answer(self, _asking: Asking) -> None:
        self._answered.set()


class RequestCollection:
    """Many requests with a label each, collected in the order in which they are answered."""

    def __init__(self) -> None:
        self._waiting: dict[Request, Hashable] = {}
        self._answered: deque[Request] = deque()
        self._changed = trio.Event()

    def __repr__(self) -> str:
        return f"<RequestCollection: {len(self)} requests, {len(self._answered)} answered>"

    def __len__(self) -> int:
        return len(self._waiting)

    def __iter__(self) -> Iterator[tuple[Request, Hashable]]:
        return iter(tuple(self._waiting.items()))

    @enable_ki_protection
    def add(self, request: Request, label: Hashable) -> None:
        """Take *request* in; what it is answered will come with *label*.

        Raises ``ValueError`` if it is in a collection already.
        """
        if request.label is not _NOT_COLLECTED:
            msg = f"{request!r} is in a collection already, with the label {request.label!r}"
            raise ValueError(msg)
        request.label = label
        self._waiting[request] = label
        if request.answered:
            self._note(request)
        else:
            request._asking.on_answer = lambda _asking: self._note(request)  # noqa: SLF001

    @enable_ki_protection
    def check(self) -> tuple[Request, Hashable]:
        """Remove the next answered request and return it with its label, without waiting.

        Raises ``trio.WouldBlock`` if none is answered.
        """
        if not self._answered:
            raise trio.WouldBlock
        request = self._answered.popleft()
        return request, self._waiting.pop(request)

    @enable_ki_protection
    async def wait(self, timeout: float | None = 5.0) -> tuple[Request, Hashable]:
        """Wait for the next answer, remove its request and return it with its label.

        After *timeout* seconds `CallTimeoutError` is raised, and every request is kept. Raises ``LookupError``
        if no request is left.
        """
        if not self._waiting:
            msg = f"{self!r} is empty"
            raise LookupError(msg)
        with trio.move_on_after(seconds_of(timeout)):
            while not self._answered:
                self._changed = trio.Event()
                await self._changed.wait()
        if not self._answered:
            msg = f"none of {len(self)} requests was answered within {timeout} s"
            raise CallTimeoutError(msg)
        return self.check()

    @enable_ki_protection
    async def receive(self, timeout: float | None = 5.0) -> tuple[Request, Hashable]:
        """As `wait`, but after *timeout* seconds abandon every request."""
        try:
            return await self.wait(timeout)
        except CallTimeoutError:
            for request in self._waiting:
                request.abandon()
            self._waiting.clear()
            self._answered.clear()
            raise

    def _note(self, request: Request) -> None:
        request._answered.set()  # noqa: SLF001
        if request in self._waiting:
            self._answered.append(request)
            self._changed.set()

"""Probe: an actor that stands where another would, and the hand that a test holds it by.

It takes whatever it is sent, in order; the test says what that must be (Akka's TestKit, ExUnit's ``assert_receive``).
"""

from __future__ import annotations

import math
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, TypeVar, overload

import trio

from actors.actor import Actor
from actors.current import process_in
from actors.errors import NoProcessError
from actors.exit import NOPROC
from actors.inspect import check_ref
from actors.message import Down
from actors.name_ref import process_of
from actors.options import check_seconds
from actors.result import NO_REPLY
from actors.show import shown
from actors.testing.expectation import ExpectationError, described, ends_as, matches, objection
from actors.testing.given import check_system
from actors.testing.received import Received, Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from actors.caller import Caller
    from actors.exit import ExitReason
    from actors.monitor import Monitor
    from actors.name_ref import NameRef
    from actors.ref import ActorRef
    from actors.system import ActorSystem

T = TypeVar("T")

TIMEOUT: Final = 3.0
"""Seconds that an expectation waits, unless the probe or the expectation was told otherwise."""

SILENCE: Final = 0.1
"""Seconds that `Probe.expect_none` waits; in virtual time they cost nothing, and may be many more."""


CHECKPOINTS: Final = 100
"""In so many turns of trio a probe receives what was sent to it, before it is told that something did not come."""


class ProbeActor(Actor):
    """The actor of a probe."""

    def __init__(self, record: Record, answer: Callable[[Any], Any] | None, *, trap_exit: bool) -> None:
        self._record = record
        self._answer = answer
        self.trap_exit = trap_exit

    def handle_call(self, message: object, caller: Caller) -> Any:
        """Leave the caller to the test, or give it the answer."""
        self._record.add(Received("call", message, caller.sender, trio.current_time(), caller))
        if self._answer is None:
            return NO_REPLY
        try:
            return self._answer(message)
        except Exception as error:  # noqa: BLE001 -- it is the answer
            caller.refuse(error)
            return NO_REPLY

    def handle_cast(self, message: object) -> None:
        """Note it."""
        self._record.add(Received("cast", message, self._sender(), trio.current_time()))

    def handle_info(self, message: object) -> None:
        """Note it."""
        sender = None if type(message) is Down else self._sender()
        self._record.add(Received("info", message, sender, trio.current_time()))

    def _sender(self) -> ActorRef | None:
        sender = self._process.current_sender
        return None if sender is None else sender.ref


class Probe:
    """A probe, from a test's side. Made by `start_probe`.

    What was received waits until an expectation takes it. One that fails raises `ExpectationError`, an
    ``AssertionError`` that tells what came instead, in order and when, and takes nothing. Each waits as long as the
    block of `within` it is in allows, or else *timeout* seconds, or else the probe's own.
    """

    def __init__(self, ref: ActorRef, record: Record, timeout: float) -> None:
        self.ref = ref
        """The actor, for others to send to."""
        self.last: Received | None = None
        """What was taken last, with its sender, its time and its caller."""
        self._record = record
        self._timeout = timeout
        self._deadline = math.inf
        self._monitors: dict[ActorRef | NameRef, Monitor] = {}

    def __repr__(self) -> str:
        return f"<Probe {self.ref}: {len(self._record.all)} received, {len(self._record.waiting)} not expected yet>"

    @property
    def received(self) -> tuple[Received, ...]:
        """All that it has received, also what was taken, the oldest first."""
        return tuple(self._record.all)

    # -- expectations

    @overload
    async def expect(self, *, timeout: float | None = None) -> Any: ...
    @overload
    async def expect(self, pattern: type[T], *, timeout: float | None = None) -> T: ...
    @overload
    async def expect(self, pattern: Callable[[Any], bool], *, timeout: float | None = None) -> Any: ...
    @overload
    async def expect(self, pattern: T, *, timeout: float | None = None) -> T: ...

    async def expect(self, pattern: Any = object, *, timeout: float | None = None) -> Any:
        """Take the next message, which must match *pattern*, and return it.

        A pattern is a class, a function that is to be true of the message, or a value that is to be equal to it.
        """
        __tracebackhide__ = True
        began, limit = trio.current_time(), self._limit(timeout)
        if not await self._until(lambda: bool(self._record.waiting), limit):
            raise await self._failure(f"expected {described(pattern)} within {limit:g} s, and nothing came", began)
        received = self._record.waiting[0]
        if not matches(pattern, received.message):
            got = shown(received.message) + objection(pattern, received.message)
            raise await self._failure(f"expected {described(pattern)} next, and got {got}", began)
        return self._take(received)

    @overload
    async def pick(self, pattern: type[T], *, timeout: float | None = None) -> T: ...
    @overload
    async def pick(self, pattern: Callable[[Any], bool], *, timeout: float | None = None) -> Any: ...
    @overload
    async def pick(self, pattern: T, *, timeout: float | None = None) -> T: ...

    async def pick(self, pattern: Any, *, timeout: float | None = None) -> Any:
        """Take the first message that matches *pattern*, wherever it is, and return it; the others stay, in order.

        This is how ``receive`` and ``assert_receive`` choose.
        """
        __tracebackhide__ = True
        began, limit = trio.current_time(), self._limit(timeout)
        if not await self._until(lambda: self._find(pattern) is not None, limit):
            raise await self._failure(f"expected {described(pattern)} within {limit:g} s, and it did not come", began)
        received = self._find(pattern)
        assert received is not None
        return self._take(received)

    async def expect_none(self, seconds: float = SILENCE) -> None:
        """Let *seconds* pass, in which nothing may come; nor may anything wait already."""
        __tracebackhide__ = True
        check_seconds("seconds", seconds)
        began = trio.current_time()
        if not await self._until(lambda: bool(self._record.waiting), seconds):
            await self._catch_up()
        if self._record.waiting:
            raise await self._failure(f"expected nothing for {seconds:g} s", began)

    def monitor(self, ref: ActorRef | NameRef) -> Monitor:
        """Have the probe sent a `Down` when *ref* exits; `expect_down` takes it.

        Raises `NoProcessError` if nobody has the name.
        """
        __tracebackhide__ = True
        check_ref("a probe's monitor", ref)
        self._monitors[ref] = monitor = self.run(ref.monitor)
        return monitor

    async def expect_down(
        self, ref: ActorRef | NameRef, reason: Any = object, *, timeout: float | None = None
    ) -> ExitReason:
        """Wait until *ref* is dead, for a *reason* that matches, and return the reason; other messages stay.

        *reason* is a pattern as for `expect`, or the class of an exception, for a crash by one. The probe monitors
        *ref* from now on unless it did before; who may be restarted meanwhile has to be monitored before.
        """
        __tracebackhide__ = True
        check_ref("expect_down", ref)
        began, limit = trio.current_time(), self._limit(timeout)
        monitor = self._monitors.get(ref) or self.monitor(ref)

        def is_its_end(message: object) -> bool:
            return isinstance(message, Down) and message.monitor is monitor

        if not await self._until(lambda: self._find(is_its_end) is not None, limit):
            raise await self._failure(f"expected {monitor.ref} to exit within {limit:g} s, and it lives", began)
        received = self._find(is_its_end)
        assert received is not None
        ended = monitor.ref.reason or NOPROC
        if not ends_as(reason, ended):
            raise await self._failure(
                f"expected {monitor.ref} to exit with {described(reason)}; it did with {ended}", began
            )
        self._take(received)
        del self._monitors[ref]
        return ended

    @contextmanager
    def within(self, seconds: float, *, at_least: float = 0.0) -> Iterator[None]:
        """Have all expectations of the block end within *seconds* together, and the block not before *at_least*."""
        __tracebackhide__ = True
        check_seconds("seconds", seconds)
        check_seconds("at_least", at_least)
        began, outer = trio.current_time(), self._deadline
        self._deadline = min(outer, began + seconds)
        try:
            yield
        finally:
            self._deadline = outer
        took = trio.current_time() - began
        if took > seconds:
            raise self._told(f"expected all this within {seconds:g} s; it took {took:g} s", began)
        if took < at_least:
            raise self._told(f"expected all this to take {at_least:g} s; it took {took:g} s", began)

    # -- what it does itself

    def reply(self, value: object) -> None:
        """Answer the call that was taken last. Raises ``LookupError`` if what was taken last is no call."""
        __tracebackhide__ = True
        if self.last is None or self.last.caller is None:
            what = "nothing" if self.last is None else f"a message of the kind {self.last.kind!r}"
            raise LookupError(f"{self.ref} can answer only a call; what was expected last was {what}")
        self.last.caller.reply(value)

    def run(self, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Call *function* as the probe: what that sends comes from it, what it links or monitors it does for it.

        Raises `NoProcessError` if the probe is dead.
        """
        process = process_of(self.ref)
        if process is None or process.reason is not None:
            raise NoProcessError(f"{self.ref} is dead and does nothing any more: {self.ref.reason}")
        assert process_in(process.context) is process
        return process.context.run(function, *args, **kwargs)

    # -- how

    def _limit(self, timeout: float | None) -> float:
        """Return for how many seconds an expectation that was given *timeout* waits."""
        __tracebackhide__ = True
        if timeout is not None:
            check_seconds("timeout", timeout)
        left = max(0.0, self._deadline - trio.current_time())
        if timeout is None and self._deadline < math.inf:
            return left
        return min(self._timeout if timeout is None else timeout, left)

    async def _until(self, holds: Callable[[], bool], seconds: float) -> bool:
        """Wait until something *holds*, for so long; tell whether it does."""
        with trio.move_on_after(seconds):
            await trio.lowlevel.checkpoint()
            while not holds():
                await self._record.grown()
        return holds()

    def _find(self, pattern: Any) -> Received | None:
        return next((one for one in self._record.waiting if matches(pattern, one.message)), None)

    def _take(self, received: Received) -> Any:
        self._record.waiting = type(self._record.waiting)(one for one in self._record.waiting if one is not received)
        self.last = received
        return received.message

    async def _failure(self, what: str, began: float) -> ExpectationError:
        await self._catch_up()
        return self._told(what, began)

    async def _catch_up(self) -> None:
        """Have what was sent already be received, unless more and more is sent."""
        process = process_of(self.ref)
        with trio.CancelScope(shield=True):
            for _ in range(CHECKPOINTS):
                if process is None or process.idle or process.reason is not None:
                    break
                await trio.lowlevel.checkpoint()

    def _told(self, what: str, began: float) -> ExpectationError:
        dead = "" if self.ref.alive else f"\nit is dead itself: {self.ref.reason}"
        return ExpectationError(f"{self.ref} {what}; {self._record.told(began)}{dead}")


async def start_probe(
    system: ActorSystem,
    *,
    name: str | None = None,
    timeout: float = TIMEOUT,
    answer: Callable[[Any], Any] | None = None,
    trap_exit: bool = False,
) -> Probe:
    """Start a probe, called *name* if that is given, whose expectations wait *timeout* seconds.

    It answers a call when the test does, with `Probe.reply`, or at once with what *answer* returns or raises for the
    message. With *trap_exit* the end of whom it is linked to is a message.
    """
    __tracebackhide__ = True
    check_system("start_probe", system)
    check_seconds("timeout", timeout)
    if answer is not None and not callable(answer):
        raise TypeError(f"answer is a function of the message, or None to have the test reply; got {answer!r}")
    record = Record()
    ref = await system.start(ProbeActor, record, answer, trap_exit=trap_exit, name=name)
    return Probe(ref, record, timeout)

"""Asynchronous fixtures and tests, each test in a run of trio of its own.

A fixture opens in the task of its test: a nursery may stay open across its ``yield``, and sees the test's exception.
"""

from __future__ import annotations

import inspect
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial, wraps
from typing import TYPE_CHECKING, Any, NoReturn

import attrs
import pytest
import trio
from trio.abc import Clock
from trio.testing import MockClock

from actors.testing.alarm import orderly_alarm
from actors.testing.hanging import HangWatch

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
    from contextlib import AbstractAsyncContextManager

    from _pytest.fixtures import SubRequest


@attrs.frozen(eq=False)
class PendingFixture:
    """An asynchronous fixture, to be opened when its test's `trio.run` has begun."""

    open: Callable[..., AbstractAsyncContextManager[object]]
    arguments: Mapping[str, object]


def put_off(fixturedef: pytest.FixtureDef[Any], request: SubRequest) -> PendingFixture | None:
    """Return what stands for a fixture that is asynchronous; None for one that is not, nor asks for one that is."""
    arguments = {name: request.getfixturevalue(name) for name in fixturedef.argnames}
    open_fixture = as_context_manager(fixturedef.func)
    if open_fixture is None:
        if any(isinstance(value, PendingFixture) for value in arguments.values()):
            refuse(fixturedef, request, f"fixture {fixturedef.argname!r} asks for an async fixture; make it async")
        return None
    if fixturedef.scope != "function":
        why = f"async fixture {fixturedef.argname!r} must have function scope: each test is a run of its own"
        refuse(fixturedef, request, why)
    pending = PendingFixture(open_fixture, arguments)
    fixturedef.cached_result = (pending, fixturedef.cache_key(request), None)
    return pending


def refuse(fixturedef: pytest.FixtureDef[Any], request: SubRequest, why: str) -> NoReturn:
    """Fail the setup of a fixture, in a way that leaves it fit for the next test."""
    failure = pytest.fail.Exception(why, pytrace=False)
    # Without a result pytest does not finish a fixture, and then fails everybody who asks for it later.
    fixturedef.cached_result = (None, fixturedef.cache_key(request), (failure, None))
    raise failure


def as_context_manager(function: Callable[..., Any]) -> Callable[..., AbstractAsyncContextManager[object]] | None:
    """Return *function* as an asynchronous context manager, or None if it is synchronous."""
    if inspect.isasyncgenfunction(function):
        return asynccontextmanager(function)
    if not inspect.iscoroutinefunction(function):
        return None

    @asynccontextmanager
    async def opened(**arguments: object) -> AsyncIterator[object]:
        yield await function(**arguments)

    return opened


async def open_fixtures(available: Mapping[str, object], stack: AsyncExitStack) -> dict[str, object]:
    """Open the pending fixtures in the order pytest set them up, each once."""
    opened: dict[object, object] = {}

    async def resolve(value: object) -> object:
        if not isinstance(value, PendingFixture):
            return value
        if value not in opened:
            arguments = {name: await resolve(item) for name, item in value.arguments.items()}
            opened[value] = await stack.enter_async_context(value.open(**arguments))
        return opened[value]

    return {name: await resolve(value) for name, value in available.items()}


def clock_among(available: Mapping[str, object]) -> Clock | None:
    """Return the clock that a test has asked for as a fixture, if it has."""
    return next((value for value in available.values() if isinstance(value, Clock)), None)


def run_test(test: Callable[..., Awaitable[None]], available: Mapping[str, object]) -> None:
    """Run *test*, with the fixtures it names, on the clock that is among them; in virtual time it cannot hang."""
    __tracebackhide__ = True
    names = inspect.signature(test).parameters.keys() & available.keys()
    clock = clock_among(available)
    watches: list[HangWatch] = []

    async def main() -> None:
        __tracebackhide__ = True
        with trio.CancelScope() as scope:
            watches.append(HangWatch(trio.lowlevel.current_task(), scope))
            if isinstance(clock, MockClock):
                trio.lowlevel.add_instrument(watches[0])
            async with AsyncExitStack() as stack:
                stack.enter_context(orderly_alarm(watches[0].end))
                opened = await open_fixtures(available, stack)
                try:
                    await test(**{name: opened[name] for name in names})
                except BaseException as error:
                    watches[0].fail(error)
                    raise

    try:
        trio.run(main, clock=clock)
    except KeyboardInterrupt:
        raise
    except BaseException:
        for watch in watches:
            watch.fail()
        raise
    watches[0].fail()


def run_property(test: Any, available: Mapping[str, object]) -> None:
    """Run *test*, a property test of Hypothesis: each example in a run of its own, with fixtures of its own."""
    __tracebackhide__ = True
    coroutine_function = test.hypothesis.inner_test

    @wraps(coroutine_function)
    def run_example(*args: Any, **given: object) -> None:
        __tracebackhide__ = True
        clock = clock_among(available)
        if isinstance(clock, MockClock):
            MockClock.__init__(clock, clock.rate, clock.autojump_threshold)  # it begins at zero again
        run_test(partial(coroutine_function, *args), {**available, **given})

    test.hypothesis.inner_test = run_example
    try:
        test(**{name: available[name] for name in inspect.signature(test).parameters.keys() & available.keys()})
    finally:
        test.hypothesis.inner_test = coroutine_function

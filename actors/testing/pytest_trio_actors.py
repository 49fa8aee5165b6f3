"""The pytest plugin: the fixtures `actor_system` and `virtual_time`, and what runs the async tests that ask for them.

Whoever has trio-actors installed has this module loaded by every run of pytest, so it imports nothing but pytest: not
the package either, which is why it is installed beside it, under its own name. A test that is marked for another
plugin (``trio``, ``anyio``, ``asyncio``) is left to that one, and may ask for the same fixtures.
``-p no:trio-actors`` turns it off.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from _pytest.fixtures import SubRequest
    from trio.testing import MockClock

    from actors import ActorSystem

FIXTURES = frozenset({"actor_system", "virtual_time"})
OTHERS = ("trio", "anyio", "asyncio")
"""The marks of tests that other plugins run."""


@pytest.fixture
def virtual_time() -> MockClock:
    """Return the clock of the test: it begins at zero, and jumps whenever every task waits."""
    from trio.testing import MockClock  # noqa: PLC0415 -- for those who ask for it

    return MockClock(autojump_threshold=0)


@pytest.fixture
async def actor_system() -> AsyncIterator[ActorSystem]:
    """Open a system, whose actors are stopped after the test."""
    from trio.lowlevel import in_trio_run  # noqa: PLC0415 -- as above

    from actors import open_system  # noqa: PLC0415 -- as above

    if not in_trio_run():
        pytest.fail("actor_system runs on trio, and asyncio runs this test; leave pytest-asyncio in its strict mode")

    async with open_system() as system:
        yield system


def pytest_fixture_setup(fixturedef: pytest.FixtureDef[Any], request: SubRequest) -> object | None:
    """Put off the setup of an asynchronous fixture until its test runs."""
    test = request._pyfuncitem  # noqa: SLF001 -- `request.node` is no test where the scope is wider than one
    if not isinstance(test, pytest.Function) or is_left_to_others(test) or not FIXTURES & set(test.fixturenames):
        return None
    from actors.testing.async_fixtures import put_off, refuse  # noqa: PLC0415 -- as above

    is_to_wait = coroutine_function_of(test.obj) is not None
    if fixturedef.argname in FIXTURES and is_async(fixturedef.func) and not is_to_wait:
        refuse(fixturedef, request, f"{test.name} asks for {fixturedef.argname!r}; make it async")
    return put_off(fixturedef, request) if is_to_wait else None


def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run an asynchronous test that has one of the fixtures, and leave the others alone."""
    __tracebackhide__ = True
    asked, test = FIXTURES & set(pyfuncitem.fixturenames), pyfuncitem.obj
    coroutine_function = coroutine_function_of(test)
    if not asked or coroutine_function is None or is_left_to_others(pyfuncitem):
        return None
    from actors.testing.async_fixtures import run_property, run_test  # noqa: PLC0415 -- as above

    if coroutine_function is test:
        run_test(test, pyfuncitem.funcargs)
    else:
        run_property(test, pyfuncitem.funcargs)
    return True


def coroutine_function_of(test: Any) -> Callable[..., Awaitable[None]] | None:
    """Return what is to be awaited of *test*, which may be a property test of Hypothesis; None if nothing is."""
    inner = getattr(getattr(test, "hypothesis", None), "inner_test", test)
    return inner if inspect.iscoroutinefunction(inner) else None


def is_async(function: object) -> bool:
    """Tell whether the fixture *function* has to be awaited."""
    return inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function)


def is_left_to_others(test: pytest.Function) -> bool:
    """Tell whether another plugin runs *test*."""
    return "anyio_backend" in test.fixturenames or any(test.get_closest_marker(mark) for mark in OTHERS)

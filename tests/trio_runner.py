"""What runs the asynchronous tests, each in a `trio.run` of its own.

A test that asks for `autojump_clock` runs on that clock. Each example of a property test runs on a
fresh one, asked for or not. Asynchronous fixtures open in the test's own task: a nursery may stay
open across their ``yield``, and sees the test's exception.

The scheduler's shuffling is seeded per test, so a failing order can be repeated; `--schedule-seed`
chooses another. A test that hangs in real time is cancelled and fails with a picture of all tasks.
"""

import inspect
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
    contextmanager,
)
from functools import wraps
from itertools import islice
from typing import Any, TypeAlias

import attrs
import pytest
import trio
from _pytest.fixtures import SubRequest
from trio._core import _run as trio_scheduler
from trio.abc import Clock
from trio.testing import MockClock

Test: TypeAlias = Callable[..., Awaitable[None]]

HANG_SECONDS = 30.0
"""How long a test may take in real time, unless it is marked ``@pytest.mark.hang_seconds(n)``."""

PICTURE_LINES = 200
"""How much of the task tree a failure shows."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the choice of another schedule."""
    parser.addoption("--schedule-seed", default="0", help="seed of the order trio runs tasks in")


@pytest.fixture
def autojump_clock() -> MockClock:
    """Return a clock that starts at zero and jumps whenever every task waits."""
    return MockClock(autojump_threshold=0)


@attrs.frozen(eq=False)
class PendingFixture:
    """An asynchronous fixture, to be opened when its test's `trio.run` has begun."""

    open: Callable[..., AbstractAsyncContextManager[object]]
    arguments: Mapping[str, object]


@pytest.hookimpl(tryfirst=True)
def pytest_fixture_setup(fixturedef: pytest.FixtureDef[object], request: SubRequest) -> PendingFixture | None:
    """Put off the setup of asynchronous fixtures."""
    arguments = {name: request.getfixturevalue(name) for name in fixturedef.argnames}
    open_fixture = as_context_manager(fixturedef.func)
    if open_fixture is None:
        if any(isinstance(value, PendingFixture) for value in arguments.values()):
            message = f"fixture {fixturedef.argname!r} asks for an async fixture; make it async"
            pytest.fail(message, pytrace=False)
        return None
    if fixturedef.scope != "function":
        message = f"async fixture {fixturedef.argname!r} must have function scope"
        pytest.fail(message, pytrace=False)
    pending = PendingFixture(open_fixture, arguments)
    fixturedef.cached_result = (pending, fixturedef.cache_key(request), None)
    return pending


def as_context_manager(
    function: Callable[..., Any],
) -> Callable[..., AbstractAsyncContextManager[object]] | None:
    """Return *function* as an asynchronous context manager, or `None` if it is synchronous."""
    if inspect.isasyncgenfunction(function):
        return asynccontextmanager(function)
    if not inspect.iscoroutinefunction(function):
        return None

    @asynccontextmanager
    async def opened(**arguments: object) -> AsyncGenerator[object]:
        yield await function(**arguments)

    return opened


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run asynchronous tests, and leave the others to pytest."""
    test = pyfuncitem.obj
    watchdog = Watchdog(pyfuncitem)
    property_test = getattr(test, "hypothesis", None)
    if property_test and inspect.iscoroutinefunction(property_test.inner_test):
        property_test.inner_test = synchronous(property_test.inner_test, watchdog)
        return None
    if not inspect.iscoroutinefunction(test):
        return None
    seed = pyfuncitem.config.getoption("--schedule-seed")
    trio_scheduler._r.seed(f"{pyfuncitem.nodeid} {seed}")
    run(test, pyfuncitem.funcargs, watchdog)
    return True


def synchronous(test: Test, watchdog: "Watchdog") -> Callable[..., None]:
    """Return what hypothesis calls for each example; it seeds trio's scheduler itself."""

    @wraps(test)
    def run_example(**drawn: object) -> None:
        clock = MockClock(autojump_threshold=0)
        run(test, {"autojump_clock": clock} | drawn, watchdog)

    return run_example


def run(test: Test, available: Mapping[str, object], watchdog: "Watchdog") -> None:
    """Run *test* with the arguments it names, on the clock that is available."""
    clock = next((value for value in available.values() if isinstance(value, Clock)), None)
    names = inspect.signature(test).parameters.keys() & available.keys()

    async def main() -> None:
        with watchdog.watching():
            async with AsyncExitStack() as stack:
                opened = await open_fixtures(available, stack)
                await test(**{name: opened[name] for name in names})

    try:
        trio.run(main, clock=clock)
    except BaseException as error:
        if watchdog.barked:
            raise watchdog.failure() from error
        raise
    if watchdog.barked:
        raise watchdog.failure()


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


class Watchdog:
    """A limit in real time, whatever clock the test runs on."""

    def __init__(self, test: pytest.Function) -> None:
        marker = test.get_closest_marker("hang_seconds")
        self.seconds: float = marker.args[0] if marker else HANG_SECONDS
        self.barked = False
        self._test = test

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Cancel the block when it takes too long."""
        self.barked = False
        token = trio.lowlevel.current_trio_token()
        with trio.CancelScope() as scope:
            timer = threading.Timer(self.seconds, token.run_sync_soon, [self._bark, scope])
            timer.daemon = True
            timer.start()
            try:
                yield
            finally:
                timer.cancel()
                timer.join()

    def _bark(self, scope: trio.CancelScope) -> None:
        """Cancel *scope*, and show the tasks now: what hangs may not heed the cancellation."""
        self.barked = True
        scope.cancel()
        root = trio.lowlevel.current_root_task()
        assert root is not None
        config = self._test.config
        with config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
            terminal = config.get_terminal_writer()
            terminal.line(f"\n{self._test.nodeid} hangs; its tasks:")
            for line in islice(task_lines(root), PICTURE_LINES):
                terminal.line(line)
            terminal.flush()

    def failure(self) -> BaseException:
        """Return what fails the test."""
        message = f"still running after {self.seconds:g} s of real time; its tasks are shown above"
        return pytest.fail.Exception(message, pytrace=False)


def task_lines(task: trio.lowlevel.Task, depth: int = 0) -> Iterator[str]:
    """Yield a line for *task*, one for each place it waits in, and the same for its children."""
    indent = "  " * depth
    yield f"{indent}{task.name}"
    for frame, line in task.iter_await_frames():
        yield f"{indent}  | {frame.f_code.co_filename}:{line} {frame.f_code.co_qualname}"
    for nursery in task.child_nurseries:
        for child in nursery.child_tasks:
            yield from task_lines(child, depth + 1)

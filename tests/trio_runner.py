"""What runs the asynchronous tests, each in a `trio.run` of its own.

A test that asks for `autojump_clock` runs on that clock. Each example of a property test runs on a
fresh one, asked for or not. Asynchronous fixtures open in the test's own task: a nursery may stay
open across their ``yield``, and sees the test's exception.

The scheduler's shuffling is seeded per test, so a failing order can be repeated; `--schedule-seed`
chooses another. A test that hangs in real time is cancelled and fails with a picture of all tasks.
"""

import inspect
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager
from functools import wraps
from itertools import islice
from typing import TypeAlias

import pytest
import trio
from _pytest.fixtures import SubRequest
from trio._core import _run as trio_scheduler
from trio.testing import MockClock

from actors.testing.async_fixtures import clock_among, open_fixtures, put_off

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


@pytest.hookimpl(tryfirst=True)
def pytest_fixture_setup(fixturedef: pytest.FixtureDef[object], request: SubRequest) -> object | None:
    """Put off the setup of asynchronous fixtures."""
    return put_off(fixturedef, request)


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
    names = inspect.signature(test).parameters.keys() & available.keys()

    async def main() -> None:
        with watchdog.watching():
            async with AsyncExitStack() as stack:
                opened = await open_fixtures(available, stack)
                await test(**{name: opened[name] for name in names})

    try:
        trio.run(main, clock=clock_among(available))
    except BaseException as error:
        if watchdog.barked:
            raise watchdog.failure() from error
        raise
    if watchdog.barked:
        raise watchdog.failure()


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

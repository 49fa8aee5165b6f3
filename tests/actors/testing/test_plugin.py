"""The pytest plugin, in runs of pytest of its own, as those have it who install the package."""

import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path
from textwrap import dedent

import attrs
import pytest

import actors.testing

pytestmark = pytest.mark.slow

PACKAGE = Path(actors.testing.__path__[0])


@attrs.frozen
class Run:
    """Runs pytest on one file, in an empty folder and with every warning an error."""

    folder: Path

    def __call__(self, tests: str, *options: str) -> tuple[dict[str, int], str]:
        """Return how often each outcome was, and what was printed."""
        (self.folder / "test_it.py").write_text(dedent(tests), encoding="utf-8")
        finished = subprocess.run(
            [sys.executable, "-P", "-m", "pytest", "-W", "error", "-p", "no:cacheprovider", *options],
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        *_, summary = finished.stdout.splitlines()
        counts = summary.strip("= ").rpartition(" in ")[0].split(", ")
        outcomes = {word.rstrip("s"): int(number) for number, word in (count.split() for count in counts)}
        return outcomes, finished.stdout + finished.stderr


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path)


def test_is_installed_as_it_is_here_and_found_under_its_name() -> None:
    [plugin] = entry_points(group="pytest11", name="trio-actors")

    installed = Path(plugin.load().__file__)

    assert installed.name == "pytest_trio_actors.py"
    assert installed.read_text(encoding="utf-8") == (PACKAGE / "pytest_trio_actors.py").read_text(encoding="utf-8")


def test_who_does_not_use_it_imports_neither_package_nor_trio(run: Run) -> None:
    outcomes, printed = run("""
        import sys

        def test_nothing_is_loaded():
            loaded = {name.partition(".")[0] for name in sys.modules}
            assert "pytest_trio_actors" in loaded
            assert loaded.isdisjoint({"actors", "supervision", "trio", "attrs"})
    """)

    assert outcomes == {"passed": 1}, printed


def test_it_is_turned_off_by_its_name(run: Run) -> None:
    outcomes, printed = run("def test(virtual_time): pass", "-p", "no:trio-actors")

    assert outcomes == {"error": 1}
    assert "fixture 'virtual_time' not found" in printed


def test_runs_asynchronous_tests_in_virtual_time_or_in_real_time(run: Run) -> None:
    outcomes, printed = run("""
        import time

        import pytest
        import trio

        async def test_in_virtual_time(virtual_time):
            await trio.sleep(86_400)
            assert trio.current_time() == virtual_time.current_time() == 86_400

        async def test_in_real_time(actor_system):
            began = time.perf_counter()
            await trio.sleep(0.01)
            assert time.perf_counter() - began >= 0.01

        @pytest.mark.usefixtures("virtual_time")
        @pytest.mark.parametrize("seconds", [1, 2])
        async def test_with_a_mark(seconds):
            await trio.sleep(seconds)
            assert trio.current_time() == seconds

        class TestInAClass:
            async def test_with_a_system(self, virtual_time, actor_system):
                assert actor_system.root.alive

        def test_that_is_synchronous(virtual_time):
            assert virtual_time.current_time() == 0

        async def test_that_is_skipped(actor_system):
            pytest.skip("for once")
    """)

    assert outcomes == {"passed": 6, "skipped": 1}, printed


def test_opens_the_asynchronous_fixtures_of_such_a_test_too_each_once(run: Run) -> None:
    outcomes, printed = run("""
        import pytest
        import trio

        from actors import Actor

        log = []

        @pytest.fixture
        async def worker(actor_system):
            ref = await actor_system.start(Actor)
            async with trio.open_nursery():
                yield ref
            log.append("closed")

        @pytest.fixture
        async def name(worker):
            return str(worker)

        async def test_has_them(worker, name, actor_system):
            assert worker.alive
            assert name == str(worker)
            assert actor_system is worker._process.system

        def test_they_are_closed():
            assert log == ["closed"]
    """)

    assert outcomes == {"passed": 2}, printed


def test_what_cannot_be_is_refused_and_spoils_no_other_test(run: Run) -> None:
    outcomes, printed = run("""
        import pytest

        def test_synchronous(actor_system): pass

        @pytest.fixture
        def wrapped(actor_system): return actor_system

        async def test_with_a_synchronous_fixture(wrapped): pass

        async def test_that_is_right(actor_system): pass
    """)

    assert outcomes == {"passed": 1, "error": 2}
    assert "test_synchronous asks for 'actor_system'; make it async" in printed
    assert "fixture 'wrapped' asks for an async fixture; make it async" in printed


def test_a_failure_is_shown_as_that_of_any_test(run: Run) -> None:
    outcomes, printed = run("""
        from actors.testing import start_probe

        async def test_that_fails(virtual_time, actor_system):
            probe = await start_probe(actor_system, name="bank")
            probe.ref.cast("tea")
            await probe.expect("milk")
    """)

    assert outcomes == {"failed": 1}
    assert "ExpectationError: <bank #2> expected 'milk' next, and got 'tea'" in printed
    assert "ExceptionGroup" not in printed


def test_tests_of_other_plugins_are_left_to_them(run: Run) -> None:
    (run.folder / "conftest.py").write_text(
        dedent("""
            import inspect

            import pytest

            def pytest_configure(config):
                for mark in ("trio", "anyio", "asyncio"):
                    config.addinivalue_line("markers", mark)

            @pytest.hookimpl(tryfirst=True)
            def pytest_fixture_setup(fixturedef, request):
                if inspect.isasyncgenfunction(fixturedef.func):
                    fixturedef.cached_result = ("opened elsewhere", fixturedef.cache_key(request), None)
                    return fixturedef.cached_result[0]

            @pytest.hookimpl(wrapper=True)
            def pytest_pyfunc_call(pyfuncitem):
                assert pyfuncitem.funcargs["actor_system"] == "opened elsewhere"
                with pytest.raises(pytest.fail.Exception, match="not natively supported"):
                    yield  # nobody has run it
                return True
        """),
        encoding="utf-8",
    )

    outcomes, printed = run("""
        import pytest

        @pytest.mark.trio
        async def test_of_pytest_trio(actor_system, virtual_time): ...

        @pytest.mark.anyio
        async def test_of_anyio(actor_system, virtual_time): ...

        @pytest.mark.asyncio
        async def test_of_pytest_asyncio(actor_system, virtual_time): ...
    """)

    assert outcomes == {"passed": 3}, printed


def test_each_example_of_a_property_has_fixtures_and_a_clock_of_its_own(run: Run) -> None:
    outcomes, printed = run("""
        import pytest
        import trio
        from hypothesis import HealthCheck, given, settings, strategies

        opened = []

        @pytest.fixture
        async def worker(actor_system, virtual_time):
            opened.append(virtual_time.current_time())
            return actor_system

        anew = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20, derandomize=True)

        class TestProperty:
            @pytest.mark.parametrize("factor", [1, 2])
            @anew
            @given(seconds=strategies.integers(1, 5))
            async def test_holds(self, worker, virtual_time, factor, seconds):
                assert len(worker.processes) == 1
                await trio.sleep(factor * seconds)
                assert trio.current_time() == virtual_time.current_time() == factor * seconds

        def test_they_were_opened_for_each():
            assert len(opened) > 2
            assert set(opened) == {0.0}

        @anew
        @given(seconds=strategies.integers(1, 5))
        async def test_does_not_hold(actor_system, seconds):
            assert seconds < 3
    """)

    assert outcomes == {"passed": 3, "failed": 1}, printed
    assert "seconds=3" in printed


def test_an_asynchronous_fixture_for_more_than_one_test_is_refused(run: Run) -> None:
    outcomes, printed = run("""
        import pytest

        @pytest.fixture(scope="session")
        async def database():
            yield 1

        async def test_with_it(actor_system, database): pass

        async def test_without_it(actor_system): pass
    """)

    assert outcomes == {"passed": 1, "error": 1}
    assert "async fixture 'database' must have function scope: each test is a run of its own" in printed


def test_a_fixture_that_fails_fails_its_test_and_no_other(run: Run) -> None:
    outcomes, printed = run("""
        import pytest

        @pytest.fixture
        async def broken(actor_system):
            raise RuntimeError("out of order")

        @pytest.fixture
        async def broken_at_the_end(actor_system):
            yield
            raise RuntimeError("out of order at the end")

        async def test_broken(broken): pass

        async def test_broken_at_the_end(broken_at_the_end): pass

        async def test_that_is_right(actor_system):
            assert len(actor_system.processes) == 1
    """)

    assert outcomes == {"passed": 1, "failed": 2}
    assert "RuntimeError: out of order\n" in printed
    assert "RuntimeError: out of order at the end" in printed
    assert "ExceptionGroup" not in printed


def test_ctrl_c_ends_the_run_as_it_always_does(run: Run) -> None:
    (run.folder / "test_it.py").write_text(
        dedent("""
            import signal

            import trio

            from actors import Actor

            class Worker(Actor):
                def handle_cast(self, message):
                    signal.raise_signal(signal.SIGINT)

            async def test_interrupted(virtual_time, actor_system):
                (await actor_system.start(Worker)).cast("now")
                await trio.sleep_forever()

            async def test_that_is_not_run(actor_system): pass
        """),
        encoding="utf-8",
    )

    finished = subprocess.run(
        [sys.executable, "-P", "-m", "pytest", "-p", "no:cacheprovider"],
        cwd=run.folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert finished.returncode == pytest.ExitCode.INTERRUPTED
    assert "KeyboardInterrupt" in finished.stdout
    assert "no tests ran" in finished.stdout
    assert "ExceptionGroup" not in finished.stdout + finished.stderr


def test_a_test_that_hangs_in_virtual_time_fails_and_the_next_one_runs(run: Run) -> None:
    outcomes, printed = run("""
        import trio

        async def test_that_hangs(virtual_time, actor_system):
            await trio.sleep_forever()

        async def test_that_is_right(virtual_time, actor_system):
            await trio.sleep(5)
            assert len(actor_system.processes) == 1
    """)

    assert outcomes == {"passed": 1, "failed": 1}, printed
    assert ">       await trio.sleep_forever()" in printed
    assert "HangError: everybody waits for ever" in printed


def test_a_system_in_a_test_that_asyncio_runs_is_refused(run: Run) -> None:
    (run.folder / "conftest.py").write_text(
        dedent("""
            import asyncio

            import pytest

            @pytest.hookimpl(tryfirst=True)
            def pytest_fixture_setup(fixturedef, request):
                if fixturedef.argname == "actor_system":
                    asyncio.run(anext(fixturedef.func()))
        """),
        encoding="utf-8",
    )

    outcomes, printed = run("async def test(actor_system): pass")

    assert outcomes == {"error": 1}
    assert "leave pytest-asyncio in its strict mode" in printed

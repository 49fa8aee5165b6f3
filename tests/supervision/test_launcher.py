"""`launch`, with real programs, real signals and real exit statuses."""

import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from textwrap import dedent
from typing import TypeAlias

import pytest

from actors import Actor, open_system
from supervision import SupervisorSpec, launch
from supervision.launcher import still_running

PROGRAM = """
from actors import IGNORE, NORMAL, Actor, Crash, Stop
from supervision import ChildSpec, Supervisor, SupervisorSpec, TreeGaveUpError, launch
import trio


class Worker(Actor):
    trap_exit = True

    def __init__(self, id_, seconds=0.0):
        self.id = id_
        self.seconds = seconds

    def init(self):
        print("started", self.id, flush=True)

    def handle_info(self, message):
        return message

    async def terminate(self, reason):
        print("stopping", self.id, reason, flush=True)
        await trio.sleep(self.seconds)


class Slow(Worker):
    async def init(self):
        print("starting", self.id, flush=True)
        await trio.sleep(0.2)
        super().init()


class Doomed(Worker):
    def init(self):
        super().init()
        self.ref.send(Stop(Crash("doomed")))


class Done(Worker):
    def init(self):
        super().init()
        self.ref.send(Stop(NORMAL))


class Hiding(Worker):
    async def handle_cast(self, message):
        print("hides", flush=True)
        with trio.CancelScope(shield=True):
            await trio.sleep(message)


class Unfit(Worker):
    def init(self):
        raise RuntimeError("unfit")


def hide(seconds):
    # A tree with an actor that hides so long from its end, and one that orders it to.
    class Orderer(Worker):
        def init(self):
            self.system.whereis("hiding").cast(seconds)
            super().init()

    return tree(child("hiding", Hiding, name="hiding", shutdown=0.1), child("orderer", Orderer))


def child(id_, actor=Worker, seconds=0.0, **options):
    return ChildSpec(id_, actor, (id_, seconds), **options)


def tree(*children, **options):
    return SupervisorSpec(children, **options)


"""


class Program:
    """A program that launches a tree, in a process of its own."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def reads(self, *lines: str) -> None:
        """Wait for the program to print just *lines* next."""
        assert self.process.stdout is not None
        for line in lines:
            assert self.process.stdout.readline() == f"{line}\n"

    def says(self, text: str) -> None:
        """Wait for a line of standard error with *text* in it."""
        assert text in self.line_of_errors()

    def line_of_errors(self) -> str:
        """Wait for the next line of standard error."""
        assert self.process.stderr is not None
        return self.process.stderr.readline()

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def ends(self) -> tuple[int, str, str]:
        """Wait for its end, and return its exit status and the rest of what it prints."""
        out, err = self.process.communicate(timeout=20)
        return self.process.returncode, out, err


Run: TypeAlias = Callable[[str], Program]


@pytest.fixture
def run(runtime_directory: Path) -> Iterator[Run]:
    """Return a function that starts a program."""
    processes: list[subprocess.Popen[str]] = []

    def start(body: str) -> Program:
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM + dedent(body)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        return Program(process)

    yield start
    for process in processes:
        process.kill()
        process.communicate()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_the_tree_in_order_and_the_program_ends_well(run: Run, number: signal.Signals) -> None:
    program = run("""
        launch(tree(child("a"), child("b"), child("c")), name="shop")
        print("after")
    """)
    program.reads("started a", "started b", "started c")

    program.send(number)

    status, out, err = program.ends()
    assert status == 0
    assert out.splitlines() == [
        "stopping c shutdown",
        "stopping b shutdown",
        "stopping a shutdown",
        "after",
    ]
    assert err == f"{number.name}: stopping; once more, and what still runs is killed\n"


@pytest.mark.slow
def test_a_tree_may_be_made_by_a_callable(run: Run) -> None:
    program = run("""
        launch(lambda: tree(child("a")))
    """)
    program.reads("started a")

    program.send(signal.SIGTERM)

    assert program.ends()[0] == 0


@pytest.mark.slow
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_second_signal_stops_waiting_and_says_so(run: Run, number: signal.Signals, status: int) -> None:
    program = run("""
        launch(tree(child("a"), child("b", seconds=60.0, shutdown=60.0)))
    """)
    program.reads("started a", "started b")
    program.send(signal.SIGINT)
    program.reads("stopping b shutdown")
    program.says("SIGINT: stopping")

    program.send(number)

    program.says(f"{number.name} again: no longer waiting, killing 3 actors")
    ended, out, _ = program.ends()
    assert ended == status
    assert out == ""


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["def", "async def"])
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signals_that_find_the_node_blocked_interrupt_who_blocks_it(
    run: Run, kind: str, number: signal.Signals, status: int
) -> None:
    program = run(f"""
        class Spinning(Worker):
            def init(self):
                super().init()
                self.ref.cast("spin")

            {kind} handle_cast(self, message):
                print("spins", flush=True)
                while True:
                    pass

        launch(tree(child("a"), child("b", Spinning, restart="temporary")))
    """)
    program.reads("started a", "started b", "spins")

    # The second that has to pass from the first to the last of them is the one of real time. What Python does after
    # `launch` would be ended by one more, so there is time for that as well.
    while program.process.poll() is None:
        program.send(number)
        with suppress(subprocess.TimeoutExpired):
            program.process.wait(1.5)

    ended, out, err = program.ends()
    assert ended == status
    assert out.startswith("stopping b shutdown\n")
    assert f"{number.name}: the node is blocked; interrupting it\n" in err


@pytest.mark.slow
def test_a_child_that_fails_while_others_stop_is_restarted_and_stopped_in_its_turn(run: Run) -> None:
    program = run("""
        class Last(Worker):
            async def terminate(self, reason):
                self.system.whereis("a").kill()
                await trio.sleep(0.1)
                await super().terminate(reason)

        inner = tree(child("a", name="a"), child("b"))
        launch(tree(ChildSpec("branch", Supervisor, (inner,)), child("last", Last)))
    """)
    program.reads("started a", "started b", "started last")

    program.send(signal.SIGTERM)

    program.reads("started a", "stopping last shutdown", "stopping b shutdown", "stopping a shutdown")
    assert program.ends()[0] == 0


@pytest.mark.slow
def test_a_signal_while_the_tree_starts_waits_until_it_is_up(run: Run) -> None:
    program = run("""
        launch(tree(child("a"), child("b", Slow), child("c")))
    """)
    program.reads("started a", "starting b")

    program.send(signal.SIGINT)

    program.reads("started b", "started c", "stopping c shutdown")
    assert program.ends()[0] == 0


@pytest.mark.slow
def test_a_second_signal_ends_a_start_that_hangs(run: Run) -> None:
    program = run("""
        class Hanging(Worker):
            async def init(self):
                print("hangs", flush=True)
                await trio.sleep_forever()

        launch(tree(child("a"), child("b", Hanging)))
    """)
    program.reads("started a", "hangs")
    program.send(signal.SIGINT)
    program.says("SIGINT: stopping")

    program.send(signal.SIGINT)

    assert program.ends()[0] == 130


@pytest.mark.slow
def test_a_tree_that_gives_up_makes_the_program_fail(run: Run) -> None:
    program = run("""
        launch(tree(child("a"), child("b", Doomed), intensity=2), name="shop")
    """)

    status, out, err = program.ends()

    assert status == 1
    assert out.count("started b") == 3
    assert out.endswith("stopping a shutdown\n")
    at = "at 3 restarts in 5.0 s, allowed are 2; the last to fail was child 'b'"
    assert f"TreeGaveUpError: the tree <shop #2> gave up: shutdown, {at}" in err.splitlines()[-1]


@pytest.mark.slow
def test_a_tree_that_cannot_start_makes_the_program_fail(run: Run) -> None:
    program = run("""
        launch(tree(child("a"), child("b", Unfit)), name="shop")
    """)

    status, out, err = program.ends()

    assert status == 1
    assert out == "started a\nstopping a shutdown\n"
    expected = "ChildStartError: <shop #2>: child 'b' did not start: RuntimeError: unfit"
    assert expected in err.splitlines()[-1]


@pytest.mark.slow
def test_a_tree_that_ends_by_auto_shutdown_ends_the_program_well(run: Run) -> None:
    done = "restart='transient', significant=True"
    program = run(f"""
        launch(tree(child("a"), child("b", Done, {done}), auto_shutdown="any_significant"))
    """)

    status, out, _ = program.ends()

    assert status == 0
    assert out.endswith("stopping b normal\nstopping a shutdown\n")


@pytest.mark.slow
def test_a_tree_that_is_killed_from_inside_makes_the_program_fail(run: Run) -> None:
    program = run("""
        class Killer(Worker):
            def init(self):
                super().init()
                self.ref.send("go")

            def handle_info(self, message):
                if message == "go":
                    self.system.whereis("shop").kill()

        launch(tree(child("a", Killer)), name="shop")
    """)

    status, _, err = program.ends()

    assert status == 1
    assert "TreeGaveUpError: the tree <shop #2> gave up: killed" in err.splitlines()[-1]


@pytest.mark.slow
def test_a_zombie_is_named_and_then_left_behind_with_exit_status_70(run: Run) -> None:
    program = run("""
        launch(hide(60.0), name="shop", zombie_seconds=0.2)
        print("after")
    """)
    program.reads("started hiding", "started orderer", "hides")

    program.send(signal.SIGTERM)

    status, out, err = program.ends()
    assert status == 70
    assert "after" not in out
    assert "everything else has stopped; waiting 0.2 s for what was killed and still runs\n" in err
    assert re.search(r"<hiding #\d+> of class Hiding is a zombie: it was killed and is still running, at\n", err)
    assert re.search(r"^  <string>:\d+ handle_cast$", err, re.MULTILINE)


@pytest.mark.slow
def test_what_was_logged_and_printed_before_a_zombie_is_left_behind_is_flushed(run: Run) -> None:
    program = run("""
        import logging, sys
        from logging.handlers import MemoryHandler

        logging.basicConfig(handlers=[MemoryHandler(1000, logging.CRITICAL, logging.StreamHandler(sys.stderr))])
        print("not yet flushed", end="")
        launch(hide(60.0), zombie_seconds=0.0)
    """)
    program.reads("not yet flushedstarted hiding", "started orderer", "hides")
    program.send(signal.SIGTERM)

    status, _, err = program.ends()

    assert status == 70
    assert len(re.findall(r"<hiding #\d+> of class Hiding is a zombie", err)) == 2


@pytest.mark.slow
def test_a_zombie_that_ends_in_time_leaves_the_exit_status_as_it_is(run: Run) -> None:
    program = run("""
        launch(hide(1.7), zombie_seconds=30.0)
        print("after")
    """)
    program.reads("started hiding", "started orderer", "hides")

    program.send(signal.SIGTERM)

    status, out, err = program.ends()
    assert status == 0
    assert out.endswith("after\n")
    assert "is a zombie" in err


@pytest.mark.slow
def test_a_signal_ends_the_wait_for_a_zombie_at_once(run: Run) -> None:
    program = run("""
        launch(hide(60.0), zombie_seconds=60.0)
    """)
    program.reads("started hiding", "started orderer", "hides")
    program.send(signal.SIGTERM)
    program.says("SIGTERM: stopping")
    while "everything else has stopped" not in program.line_of_errors():
        """Read on."""

    program.send(signal.SIGINT)

    status, _, err = program.ends()
    assert status == 70
    assert err.endswith("SIGINT: no longer waiting for zombies\n")


@pytest.mark.slow
def test_after_a_second_signal_a_zombie_still_makes_the_exit_status_70(run: Run) -> None:
    program = run("""
        launch(hide(60.0), zombie_seconds=0.1)
    """)
    program.reads("started hiding", "started orderer", "hides")
    program.send(signal.SIGTERM)
    program.says("SIGTERM: stopping")

    program.send(signal.SIGTERM)

    assert program.ends()[0] == 70


@pytest.mark.slow
@pytest.mark.parametrize(("option", "sockets"), [("", 1), (", listen=False", 0)])
def test_a_launched_tree_has_a_socket_while_it_runs_unless_it_does_without(
    run: Run, runtime_directory: Path, option: str, sockets: int
) -> None:
    program = run(f"""
        launch(tree(child("a")), name="shop"{option})
    """)
    program.reads("started a")

    found = list(runtime_directory.rglob("*.sock"))
    program.send(signal.SIGTERM)
    status, _, _ = program.ends()

    assert len(found) == sockets
    assert status == 0
    assert list(runtime_directory.rglob("*.sock")) == []


@pytest.mark.slow
def test_a_program_that_ends_with_a_zombie_removes_its_socket(run: Run, runtime_directory: Path) -> None:
    program = run("""
        launch(hide(60.0), zombie_seconds=0.0)
    """)
    program.reads("started hiding", "started orderer", "hides")
    program.send(signal.SIGTERM)

    status = program.ends()[0]

    assert (status, list(runtime_directory.rglob("*.sock"))) == (70, [])


@pytest.mark.slow
def test_a_tree_without_a_socket_runs_all_the_same(run: Run, runtime_directory: Path) -> None:
    (runtime_directory / "trio-actors").write_text("in the way")
    program = run("""
        launch(tree(child("a")), name="shop")
    """)
    program.reads("started a")
    program.send(signal.SIGTERM)

    status, _, err = program.ends()

    assert status == 0
    assert err.startswith("nobody can look at shop with the shell, since it has no socket: ")


def test_zombie_seconds_is_a_time() -> None:
    with pytest.raises(ValueError, match="zombie_seconds is a number of seconds, 0 or more; got -1"):
        launch(SupervisorSpec(), zombie_seconds=-1)


async def test_in_a_system_that_has_ended_nobody_is_left_to_kill() -> None:
    async with open_system() as system:
        await system.start(Actor)
        while_it_runs = still_running(system)

    assert (while_it_runs, still_running(system)) == (1, 0)

"""The command line, as a person uses it: real programs, looked at through real sockets."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from importlib.metadata import entry_points, version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from actors.shell.client.view import ActorView
from supervision import command

if TYPE_CHECKING:
    from collections.abc import Iterator

ACTORS = [sys.executable, "-W", "error", "-m", "supervision.command"]

SHOP = """
import sys
import trio
from actors import Actor
from supervision import ChildSpec, DynamicSupervisor, SupervisorSpec

class Till(Actor):
    def init(self):
        for _ in range(200):
            self.ref.cast("a coin")

    def handle_cast(self, message):
        if message == "a bad coin":
            raise ValueError(message)

class Slow(Actor):
    def init(self):
        self.ref.cast(7)

    async def handle_cast(self, message):
        await trio.sleep_forever()

class Opener(Actor):
    def init(self):
        self.ref.cast("open")

    async def handle_cast(self, message):
        till = self.system.named("till")
        for _ in range(2):
            before = till.whereis()
            till.cast("a bad coin")
            await before.wait()
            while till.whereis() is None:
                await trio.sleep(0.01)
        print("open", *sys.argv[1:], flush=True)

class Frail(Actor):
    def handle_cast(self, message):
        raise ValueError(message)

    def init(self):
        self.ref.cast("broken")

tree = SupervisorSpec(
    [
        ChildSpec("till", Till, name="till"),
        ChildSpec("slow one", Slow),
        ChildSpec("pool", DynamicSupervisor),
        ChildSpec("opener", Opener),
    ],
    intensity=5,
)
frail = SupervisorSpec([ChildSpec("frail", Frail)])
unfit = SupervisorSpec([ChildSpec("unfit", Till, args=("too many",))])

def made():
    return tree

def failing():
    raise ValueError("no tree today")

async def later():
    return tree

def leaving():
    sys.exit(5)

number = 7
"""


@attrs.frozen
class Finished:
    """What a command did."""

    status: int
    out: str
    err: str


@attrs.frozen
class Machine:
    """A user's machine: where nodes are, and what a shop is."""

    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        return os.environ | {"TRIO_ACTORS_SOCKETS": f"{self.folder}/trio-actors"}

    @property
    def shop(self) -> Path:
        return self.folder / "shop.py"

    def actors(self, *arguments: str | Path) -> Finished:
        """Run a command to its end."""
        finished = subprocess.run(
            [*ACTORS, *arguments],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
        return Finished(finished.returncode, finished.stdout, finished.stderr)

    def listed(self, *arguments: str) -> list[dict[str, Any]]:
        """Return the actors that `ps --json` lists."""
        finished = self.actors("ps", "--json", *arguments)
        assert finished.status == 0, finished.err
        actors: list[dict[str, Any]] = json.loads(finished.out)["actors"]
        return actors

    @contextmanager
    def running(self, tree: str = "tree", *arguments: str) -> Iterator[subprocess.Popen[str]]:
        """Run a tree of the shop, which has opened."""
        program = subprocess.Popen(
            [*ACTORS, "run", f"{self.shop}:{tree}", *arguments],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            assert program.stdout is not None
            assert program.stdout.readline().startswith("open")
            yield program
        finally:
            program.kill()
            program.communicate()


@contextmanager
def new_machine() -> Iterator[Machine]:
    with TemporaryDirectory(prefix="r", dir="/tmp") as folder:
        machine = Machine(Path(folder))
        machine.shop.write_text(SHOP)
        yield machine


@pytest.fixture
def machine() -> Iterator[Machine]:
    """Return a machine on which nothing runs."""
    with new_machine() as machine:
        yield machine


@pytest.fixture(scope="module")
def busy() -> Iterator[Machine]:
    """Return a machine on which one shop runs, which tests only look at."""
    with new_machine() as machine, machine.running():
        yield machine


@pytest.mark.slow
def test_ps_shows_every_actor_and_what_it_does(busy: Machine) -> None:
    actors = {it["name"] or it["child"] or it["kind"]: it for it in busy.listed()}

    assert set(actors) == {"Tree", "till", "slow one", "pool", "opener"}
    till, slow = actors["till"], actors["slow one"]
    assert (till["received"], till["handled"], till["length"], till["restarts"]) == (200, 200, 0, 2)
    assert (till["state"], till["waiting"]["count"], till["greatest_length"]) == ("waiting", 3, 200)
    assert 0 < till["handling"]["p50"] <= till["handling"]["p99"] <= till["handling"]["max"] < 1
    assert (slow["state"], slow["running"]["handler"], slow["running"]["message"]) == ("running", "handle_cast", "int")
    assert slow["running"]["exact"] is True
    assert actors["pool"]["parent"] == slow["parent"] == actors["Tree"]["id"]
    assert actors["Tree"]["parent"] is None
    assert set(till) == {field.name for field in attrs.fields(ActorView)}


@pytest.mark.slow
def test_ps_shows_a_table_to_people(busy: Machine) -> None:
    finished = busy.actors("ps")

    assert finished.status == 0, finished.err
    first, titles, *rows, last = finished.out.splitlines()
    assert re.fullmatch(r"node shop\.\d+: 5 actors, up \d.*, \d+ dead letters of its own", first)
    assert titles.split()[:5] == ["id", "actor", "class", "parent", "state"]
    assert [row.split()[1] for row in rows] == ["Tree", "slow", "pool", "opener", "till"]
    assert "running handle_cast(int) for " in rows[1]
    assert last == "times are of one message in 64"
    assert "\x1b" not in finished.out


@pytest.mark.slow
def test_ps_shows_the_first_of_an_order(busy: Machine) -> None:
    finished = busy.actors("ps", "--sort", "handled", "--limit", "1")

    _, _, row, last = finished.out.splitlines()
    assert row.split()[1] == "till"
    assert last == "1 of 5 shown; times are of one message in 64"


@pytest.mark.slow
def test_ps_shows_less_on_a_narrow_terminal_and_in_colours(busy: Machine) -> None:
    terminal, end = pty.openpty()
    environment = busy.environment | {"TERM": "xterm", "COLUMNS": "80"}
    subprocess.run([*ACTORS, "ps"], env=environment, stdout=end, timeout=20, check=True)
    os.close(end)
    shown = read_all(terminal)

    lines = re.sub(r"\x1b\[\d*m", "", shown).split("\r\n")
    assert "\x1b[1m" in shown
    assert lines[1].split()[:4] == ["id", "actor", "state", "mailbox"]
    assert max(len(line) for line in lines) <= 80


def read_all(terminal: int) -> str:
    """Return what was written to the other end of *terminal*, which is closed."""
    shown = b""
    with os.fdopen(terminal, "rb", buffering=0) as stream:
        while True:
            try:
                shown += stream.read(4096)
            except OSError:
                return shown.decode()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["till", "slow one"])
def test_stats_shows_one_actor_by_its_name_or_what_its_supervisor_calls_it(name: str, busy: Machine) -> None:
    finished = busy.actors("stats", name)

    assert finished.status == 0, finished.err
    lines = finished.out.splitlines()
    assert lines[0].startswith(f"{name} #")
    assert any(line.startswith("child") and f"{name} of #2, restarted " in line for line in lines)
    assert ("where it waits:" in lines) == (name == "slow one")


@pytest.mark.slow
def test_stats_shows_one_actor_by_its_number(busy: Machine) -> None:
    [till] = [it for it in busy.listed() if it["name"] == "till"]

    finished = busy.actors("stats", f"#{till['id']}", "--json")

    [told] = json.loads(finished.out)["actors"]
    assert (told["name"], told["received"], told["class"]) == ("till", 200, "shop.Till")
    assert told["trap_exit"] is False


@pytest.mark.slow
def test_stats_of_a_supervisor_shows_its_children(busy: Machine) -> None:
    finished = busy.actors("stats", "#2", "--json")

    [told] = json.loads(finished.out)["actors"]
    assert [(it[0], it[2], it[3]) for it in told["children"]] == [
        ("till", "running", 2),
        ("slow one", "running", 0),
        ("pool", "running", 0),
        ("opener", "running", 0),
    ]
    assert told["shutdown"] == "infinity"


@pytest.mark.slow
def test_a_wrong_name_suggests_the_nearest(busy: Machine) -> None:
    finished = busy.actors("stats", "tlil")

    assert (finished.status, finished.out) == (1, "")
    assert re.fullmatch(r"actors: node shop\.\d+ has no actor 'tlil'; did you mean till\?\n", finished.err)


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [["ps"], ["ps", "--json"], ["stats", "till"]], ids=" ".join)
def test_without_a_node_there_is_one_clear_line(arguments: list[str], machine: Machine) -> None:
    finished = machine.actors(*arguments)

    assert (finished.status, finished.out) == (1, "")
    assert finished.err == f"actors: no node runs, as far as {machine.folder}/trio-actors tells\n"


@pytest.mark.slow
def test_of_several_nodes_one_has_to_be_named(machine: Machine) -> None:
    with machine.running() as first, machine.running("made", "--name", "other") as second:
        which = machine.actors("ps")
        by_name = machine.actors("ps", "--node", "other", "--json")
        by_number = machine.actors("ps", "--node", str(first.pid), "--json")
        wrong = machine.actors("ps", "--node", "othr")

    assert which.status == 2
    assert which.err.splitlines() == [
        "actors: 2 nodes run; say which with --node:",
        f"  other.{second.pid}",
        f"  shop.{first.pid}",
    ]
    assert json.loads(by_name.out)["node"]["pid"] == second.pid
    assert json.loads(by_number.out)["node"]["pid"] == first.pid
    assert (wrong.status, wrong.err.startswith("actors: no node is called 'othr'; did you mean other?")) == (1, True)


@pytest.mark.slow
def test_a_node_that_was_killed_is_not_listed_any_more(machine: Machine) -> None:
    with machine.running() as program:
        program.send_signal(signal.SIGKILL)
        program.wait()
    left = list(machine.folder.rglob("*.sock"))

    finished = machine.actors("ps")

    assert len(left) == 1
    assert (finished.status, finished.err.count("\n")) == (1, 1)
    assert list(machine.folder.rglob("*.sock")) == []


@pytest.mark.slow
def test_a_node_that_does_not_answer_is_one_clear_line(machine: Machine) -> None:
    folder = machine.folder / "trio-actors"
    folder.mkdir(mode=0o700)
    with socket.socket(socket.AF_UNIX) as deaf:
        deaf.bind(str(folder / "shop.1.sock"))
        deaf.listen()

        finished = machine.actors("ps", "--seconds", "0.1")

    assert finished.status == 1
    assert finished.err == "actors: node shop.1 did not answer within 0.1 s; a handler may be blocking it\n"


@pytest.mark.slow
def test_run_gives_the_program_its_arguments_and_its_folder(machine: Machine) -> None:
    (machine.folder / "open.py").write_text("from shop import tree\nimport sys\nassert sys.argv[0] == __file__\n")

    program = subprocess.Popen(
        [*ACTORS, "run", machine.folder / "open.py:tree", "--no-listen", "--", "--till", "4"],
        env=machine.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert program.stdout is not None
    said = program.stdout.readline()
    sockets = list(machine.folder.rglob("*.sock"))
    program.send_signal(signal.SIGTERM)
    program.communicate(timeout=20)

    assert said == "open --till 4\n"
    assert sockets == []
    assert program.returncode == 0


@pytest.mark.slow
def test_run_takes_a_module_by_its_name(machine: Machine) -> None:
    finished = machine.actors("run", "shop:frail")

    assert finished.status == 1
    assert "CRITICAL supervision: the tree <Tree #2> gave up: shutdown" in finished.err


@pytest.mark.slow
def test_run_ends_with_0_when_it_is_asked_to_stop(machine: Machine) -> None:
    with machine.running() as program:
        program.send_signal(signal.SIGINT)
        program.wait(timeout=20)

    assert program.returncode == 0


@pytest.mark.slow
def test_run_logs_to_a_file_from_a_level_on(machine: Machine) -> None:
    log = machine.folder / "log"

    finished = machine.actors("run", f"{machine.shop}:frail", "--log-file", log, "--log-level", "error")

    assert finished.status == 1
    assert finished.err == ""
    lines = log.read_text().splitlines()
    assert re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} ERROR   actors: <Frail #\d+> crashed: ValueError", lines[0])


@pytest.mark.slow
def test_a_tree_that_does_not_start_ends_with_1_and_says_why(machine: Machine) -> None:
    finished = machine.actors("run", f"{machine.shop}:unfit")

    assert finished.status == 1
    last = finished.err.splitlines()[-1]
    assert last.endswith(
        "shop.py:unfit did not start: <Tree #2>: child 'unfit' did not start: TypeError: Till() takes no arguments"
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("named", "message"),
    [
        ("shop.py", "'shop.py' names no tree: FILE:TREE is a Python file or module, a colon, and the name"),
        ("nowhere.py:tree", "nowhere.py: no such file"),
        ("nowhere:tree", "nowhere: no such module, and no file, whose name would end in .py"),
        ("shop.py:trea", "shop.py has no 'trea'; did you mean tree?"),
        (
            "shop.py:number",
            "shop.py:number is of class int; a tree is a SupervisorSpec, or a callable that returns",
        ),
        (
            "shop.py:later",
            "shop.py:later returned an object of class coroutine; a tree is a SupervisorSpec, or a",
        ),
        ("shop.py:failing", "shop.py:failing failed: ValueError: no tree today"),
        ("broken.py:tree", "broken.py cannot be imported: ZeroDivisionError: division by zero"),
    ],
)
def test_what_names_no_tree_is_refused_with_2(named: str, message: str, machine: Machine) -> None:
    (machine.folder / "broken.py").write_text("def tree():\n    return 1 / 0\ntree()\n")

    finished = machine.actors("run", named)

    assert (finished.status, finished.out) == (2, "")
    assert finished.err.splitlines()[-1].startswith(f"actors: {message}")
    assert "supervision/" not in finished.err
    assert ('broken.py", line 2' in finished.err) == (named == "broken.py:tree")


@pytest.mark.slow
def test_a_program_that_leaves_decides_its_exit_status(machine: Machine) -> None:
    assert machine.actors("run", "shop.py:leaving") == Finished(5, "", "")


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments", [[], ["run"], ["ps"], ["stats"], ["config"]], ids=lambda it: it[0] if it else "actors"
)
def test_every_command_has_help_with_examples(arguments: list[str], machine: Machine) -> None:
    finished = machine.actors(*arguments, "--help")

    assert finished.status == 0
    assert re.search(r"^  Examples:\n    actors ", finished.out, re.MULTILINE)


@pytest.mark.slow
def test_says_its_version(machine: Machine) -> None:
    assert machine.actors("--version").out == f"actors {version('trio-actors')}\n"


def test_the_console_script_is_installed() -> None:
    [script] = entry_points(group="console_scripts", name="actors")

    assert script.load() is command.main


def test_without_the_extra_there_is_one_line_with_the_cure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "find_spec", lambda name: None)

    with pytest.raises(SystemExit) as exit_:
        command.main()

    assert exit_.value.code == 2
    cure = "python -m pip install 'trio-actors[shell]'"
    assert capsys.readouterr().err == f"actors: click and wcwidth are not installed; the commands need them: {cure}\n"


@pytest.mark.slow
def test_launch_and_the_socket_work_without_the_extra() -> None:
    program = """
import sys
sys.modules["click"] = sys.modules["wcwidth"] = None
from supervision import launch, SupervisorSpec
from actors.shell import serve_node
print("imported")
"""

    finished = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert finished.stdout == "imported\n"

"""What commands print and end with where something is odd: names, the output, the input, the terminal, a signal."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import pytest

from actors.shell.terminal.command_line import json_line, print_rows, say_error, show_misuse
from tests.actors.shell.machine import ACTORS, Machine, new_machine
from tests.actors.shell.pseudo_terminal import terminal

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.hang_seconds(90)

ODD = r"""
import trio
from actors import Actor
from supervision import ChildSpec, SupervisorSpec

RED = "\x1b[31mred\x07"


class Odd(Actor):
    def __init__(self):
        self.text = RED
        self.number = float("nan")
        self.sold = 3

    def handle_call(self, message, caller):
        if message == "fail":
            raise ValueError(RED)
        return RED

    async def handle_cast(self, message):
        await trio.sleep_forever()

    def shell_commands(self):
        return {"rows" + RED: self.rows, "rows": self.rows}

    def rows(self, arguments):
        yield {RED: RED, "[bold]": "[red]"}


class Last(Actor):
    def init(self):
        print("open", flush=True)


names = ["two words", "it's \"q\"", "#6", "-x", "--help", "[bold]b", "x" * 10_000]
children = [ChildSpec(f"c{place}", Odd, name=name) for place, name in enumerate(names)]
kind = type("K" + RED, (Odd,), {})
tree = SupervisorSpec([*children, ChildSpec("red", kind, name="red"), ChildSpec("last", Last)], intensity=1000)
"""

CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")


@pytest.fixture(scope="module")
def odd() -> Iterator[Machine]:
    """Run a node in which all is odd."""
    with new_machine() as machine, machine.running(ODD, "--name", "odd", name="odd_program"):
        yield machine


def run(machine: Machine, *line: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run a command as `Machine.actors` does, with other streams."""
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
    return subprocess.run(
        [*ACTORS, *line, "--node", str(machine.pid)],
        env=machine.environment,
        text=True,
        timeout=25,
        check=False,
        **streams,
    )


@contextmanager
def unread() -> Iterator[int]:
    """Open a pipe that nobody reads."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        yield writer
    finally:
        os.close(writer)


# -- names, errors and rows that a terminal would obey


@pytest.mark.slow
@pytest.mark.parametrize(
    "line",
    [
        ("ps",),
        ("tree",),
        ("stats", "red"),
        ("state", "red"),
        ("offers",),
        ("ask", "rows", "--actor", "red"),
        ("call", "red", "7"),
        ("call", "red", '"fail"'),
        ("stats", "\x1b[31mrde"),
        ("log",),
    ],
    ids=" ".join,
)
def test_a_terminal_obeys_nothing_that_comes_from_a_node(odd: Machine, line: tuple[str, ...]) -> None:
    with terminal(odd, *line, "--node", str(odd.pid), columns=150, lines=60) as shown:
        shown.end()
        received = shown.received.decode()

    styles = re.compile(r"\x1b\[[012;]*m")  # bold and dim, which are the command's own
    assert CONTROL.findall(styles.sub("", received).replace("\r\n", "\n")) == []
    assert received != ""


@pytest.mark.slow
def test_without_colours_nothing_is_coloured(odd: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    with terminal(odd, "tree", "--node", str(odd.pid)) as shown:
        shown.end()

    assert not re.search(rb"\x1b\[(?:3|4|9|10)\d", shown.received)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["two words", 'it\'s "q"', "[bold]b", "#6"])
def test_an_odd_name_is_found(odd: Machine, name: str) -> None:
    [actor] = odd.told("stats", name)["actors"]

    # That name is a number of somebody else.
    assert actor["name"] == (name if name != "#6" else "--help") or actor["id"] == 6


@pytest.mark.slow
def test_a_name_that_begins_with_a_dash_comes_last(odd: Machine) -> None:
    wrong = run(odd, "stats", "-x")
    right = subprocess.run(
        [*ACTORS, "stats", "--node", str(odd.pid), "--json", "--", "-x"],
        env=odd.environment,
        capture_output=True,
        check=False,
        timeout=25,
    )

    assert wrong.returncode == 2
    assert wrong.stderr.endswith("What begins with - and is no option comes after --, as the last words.\n")
    assert json.loads(right.stdout)["actors"][0]["name"] == "-x"


@pytest.mark.slow
def test_a_name_that_is_no_text_is_refused_in_one_line(odd: Machine) -> None:
    refused = run(odd, "stats", "\udcff")

    assert (refused.returncode, refused.stderr) == (
        1,
        "actors: '\\udcff' is no text in UTF-8, as all names and messages are\n",
    )


def test_an_error_is_one_line_and_its_choices_one_each(capsys: pytest.CaptureFixture[str]) -> None:
    say_error("bad\n\x1b[31m", ["one\r", "two"])

    assert capsys.readouterr().err == "actors: bad\\n\\x1b[31m\n  one\\r\n  two\n"


def test_titles_are_no_markup(capsys: pytest.CaptureFixture[str]) -> None:
    print_rows([{"[red]a": "[b]", "\x07": 1}])

    assert capsys.readouterr().out.split() == ["[red]a", "\\x07", "[b]", "1"]


def test_json_has_words_for_what_is_no_number_of_it() -> None:
    values = [float("nan"), float("inf"), -float("inf"), 1.5, {"a": (float("nan"),)}]

    assert json_line(values) == '["nan", "infinity", "-infinity", 1.5, {"a": ["nan"]}]'


@pytest.mark.slow
def test_a_state_that_json_has_no_numbers_for_is_told(odd: Machine) -> None:
    assert odd.told("state", "red")["state"]["number"] == "nan"


@pytest.mark.slow
@pytest.mark.parametrize("wrong", ["sold=", "sold", "sold=Nothing()", "sold=open", "sodl=7", "7=7"])
def test_a_state_that_cannot_be_set_stays_as_it_is(odd: Machine, wrong: str) -> None:
    refused = odd.actors("state", "two words", "--set", "text=7", "--set", wrong)

    assert refused.status in {1, 2}
    assert odd.told("state", "two words")["state"]["sold"] == 3
    assert odd.told("state", "two words")["state"]["text"] != 7


# -- the output


@pytest.mark.slow
@pytest.mark.parametrize("line", [("ps",), ("ps", "--json"), ("tree",), ("log", "--json"), ("offers",)], ids=" ".join)
def test_nobody_who_stops_reading_is_shown_a_traceback(odd: Machine, line: tuple[str, ...]) -> None:
    with unread() as pipe:
        finished = run(odd, *line, stdout=pipe)

    assert (finished.returncode, finished.stderr) == (141, "")


@pytest.mark.slow
@pytest.mark.parametrize("line", [("ps",), ("ps", "--json"), ("stats", "red")], ids=" ".join)
def test_a_full_disk_is_told_in_one_line(odd: Machine, line: tuple[str, ...]) -> None:
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        finished = run(odd, *line, stdout=full)

    assert finished.returncode == 1
    assert finished.stderr == "actors: what it prints cannot be written: No space left on device\n"


@pytest.mark.slow
@pytest.mark.parametrize("columns", [1, 20])
@pytest.mark.parametrize("line", [("ps",), ("tree",), ("stats", "red")], ids=" ".join)
def test_a_narrow_terminal_is_no_fault(odd: Machine, line: tuple[str, ...], columns: int) -> None:
    with terminal(odd, *line, "--node", str(odd.pid), columns=columns) as shown:
        assert shown.end() == 0


# -- the input, and signals


@pytest.mark.slow
def test_lines_that_are_no_text_end_nothing(odd: Machine) -> None:
    finished = subprocess.run(
        [*ACTORS, "shell", "--node", str(odd.pid)],
        input=b"stats \xff\nstats\x00 red\nstats red\n",
        env=odd.environment,
        capture_output=True,
        check=False,
        timeout=25,
    )

    assert finished.returncode == 0
    assert finished.stderr.splitlines() == [
        b"actors: '\\udcff' is no text in UTF-8, as all names and messages are",
        b"actors: there is no command 'stats\\x00'; did you mean stats or state or restart?",
    ]
    assert finished.stdout.startswith(b"red #")


@pytest.mark.slow
def test_a_shell_that_nobody_reads_ends(odd: Machine) -> None:
    with unread() as pipe:
        finished = run(odd, "shell", input="ps\n" * 100, stdout=pipe)

    assert (finished.returncode, finished.stderr) == (141, "")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("shell", "actors: shell needs an input; the one it was given is closed\n"),
        ("top", "actors: top needs a terminal; `actors ps` prints the same once\n"),
    ],
)
def test_a_closed_input_is_told(odd: Machine, command: str, said: str) -> None:
    finished = subprocess.run(
        ["/bin/sh", "-c", 'exec "$@" <&-', "sh", *ACTORS, command],
        env=odd.environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=25,
    )

    assert (finished.returncode, finished.stderr) == (2, said)


@pytest.mark.slow
def test_ctrl_c_ends_a_call_that_waits(odd: Machine) -> None:
    odd.actors("cast", 'it\'s "q"', "7")
    with terminal(odd, "call", 'it\'s "q"', "7", "--timeout", "60", "--node", str(odd.pid)) as shown:
        while not odd.told("stats", 'it\'s "q"')["actors"][0]["length"]:
            assert shown.process.poll() is None
        shown.process.send_signal(signal.SIGINT)

        assert shown.end() == 130
    assert "Traceback" not in shown.text


@pytest.mark.slow
def test_top_begins_with_the_order_that_is_asked_for(odd: Machine) -> None:
    with terminal(odd, "top", "--sort", "mailbox", "--node", str(odd.pid)) as top:
        top.see("by mailbox")
        top.type("q")

        assert (top.end(), top.restored) == (0, True)


def test_what_is_no_option_of_a_command_without_arguments_is_told_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    with click.Context(click.Command("waits")) as context:
        status = show_misuse(click.NoSuchOption("-x", ctx=context))

    assert status == 2
    assert "comes after --" not in capsys.readouterr().err


@pytest.mark.slow
def test_a_trace_of_a_node_that_is_blocked_is_given_up_at_once() -> None:
    with new_machine() as machine, machine.running(ODD) as node:
        traced = subprocess.Popen(
            [*ACTORS, "trace", "red", "--for", "600", "--seconds", "0.5", "--node", str(node.pid)],
            env=machine.environment,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert traced.stderr is not None
        assert traced.stderr.readline() == "tracing red for 600 s\n"
        node.send_signal(signal.SIGSTOP)
        _, said = traced.communicate(timeout=25)

    assert traced.returncode == 1
    assert said.endswith("did not answer within 0.5 s; a handler may be blocking it\n")

"""The command line of the code audit: what it prints, what it refuses, how it is stopped."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import code_audit
from tests.examples.trees import BAD, GOOD, write

PROGRAM = Path(code_audit.__file__)
ACTORS = [sys.executable, "-W", "error", "-m", "supervision.command"]

pytestmark = pytest.mark.usefixtures("runtime_directory")


def run(*arguments: str | Path, encoding: str = "utf-8") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", PROGRAM, *arguments],
        env=os.environ | {"PYTHONIOENCODING": encoding},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


@pytest.mark.slow
def test_prints_totals_that_add_up_and_keeps_quiet_about_crashes(tmp_path: Path) -> None:
    write(tmp_path, {f"p{n % 7}/good{n}.py": GOOD for n in range(200)})
    write(tmp_path, {f"p{n}/bad{n}.py": BAD for n in range(7)})

    finished = run("--path", tmp_path)

    assert finished.returncode == 0, finished.stderr
    assert finished.stdout.endswith("""
207 files found = 200 measured + 7 given up
21 restarts of crashed workers by their supervisor
800 lines, 200 functions, 200 unused imports, 200 undocumented public names
""")
    assert "Workers' mailboxes, times of one message in 64" in finished.stdout
    assert finished.stderr.splitlines()[-1] == "audited 207 of 207 files"
    assert len(finished.stderr.splitlines()) == 10


@pytest.mark.slow
def test_shows_the_worst_and_what_crashed(tmp_path: Path) -> None:
    complex_one = "def tangled(a):\n    return a or a or a\n"
    write(tmp_path, {"tree/a.py": GOOD, "tree/b.py": complex_one, "tree/c.py": BAD})

    finished = run("--path", tmp_path / "tree")

    rows = [line.split() for line in finished.stdout.splitlines()]
    assert ["3", "tangled", "tree/b.py:1"] in rows
    assert ["2", "total", "tree/a.py:3"] in rows
    assert ["1", "tree/a.py", "os"] in rows
    assert ["3", "tree/c.py", "SyntaxError:", "invalid", "syntax", "(c.py,", "line", "1)"] in rows


@pytest.mark.slow
def test_adds_the_crash_reports_to_the_log_file(tmp_path: Path) -> None:
    write(tmp_path, {"tree/a.py": BAD})
    log = tmp_path / "log"
    log.write_text("what was there\n")

    finished = run("--path", tmp_path / "tree", "--log", log)

    assert finished.returncode == 0, finished.stderr
    assert log.read_text().startswith("what was there\n<worker ")
    assert len(re.findall(r"^<worker \d #\d+> crashed: SyntaxError", log.read_text(), re.MULTILINE)) == 3


@pytest.mark.slow
def test_prints_any_name_a_file_may_have(tmp_path: Path) -> None:
    names = [b"caf\xe9.py", b"new\nline.py", b"\x1b[31m.py", b"[red].py"]
    for name in names:
        Path(os.fsdecode(bytes(tmp_path) + b"/" + name)).write_text(BAD)

    finished = run("--path", tmp_path)

    assert finished.returncode == 0, finished.stderr
    for shown in [r"caf\udce9.py", r"new\nline.py", r"\x1b[31m.py", "[red].py"]:
        assert f"/{shown} " in finished.stdout


@pytest.mark.slow
def test_prints_what_the_terminal_can_show(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_bytes("price = 1€\n".encode())

    finished = run("--path", tmp_path, encoding="ascii")

    assert finished.returncode == 0, finished.stderr
    assert r"invalid character '\u20ac'" in finished.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--path", "/nowhere"], "argument --path: /nowhere: No such file or directory"),
        (["--path", "/dev/null"], "argument --path: /dev/null: Not a directory"),
        (["--workers", "0"], "argument --workers: '0' is no number of workers, 1 or more"),
        (["--workers", "four"], "argument --workers: 'four' is no number of workers, 1 or more"),
        (["--log", "/nowhere/log"], "argument --log: /nowhere/log: No such file or directory"),
    ],
)
def test_refuses_a_wrong_option_with_exit_code_2(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as exit_:
        code_audit.main(arguments)

    assert exit_.value.code == 2
    assert capsys.readouterr().err.endswith(f"error: {message}\n")


@pytest.mark.slow
def test_fails_where_there_is_no_python_file(tmp_path: Path) -> None:
    finished = run("--path", tmp_path)

    assert finished.returncode == 1
    assert finished.stderr.endswith(f"NothingToAuditError: no Python file in {tmp_path}\n")


@pytest.fixture
def ctrl_c_works() -> Iterator[None]:
    """Let programs started here be interrupted, even where the tests run in the background of a shell."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.slow
@pytest.mark.usefixtures("ctrl_c_works")
def test_ctrl_c_stops_the_audit_and_says_how_far_it_came() -> None:
    with subprocess.Popen([sys.executable, PROGRAM], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as program:
        assert program.stderr is not None
        first = program.stderr.readline()
        program.send_signal(signal.SIGINT)
        rest = program.communicate(timeout=30)[1]

    assert first.startswith(b"audited ")
    assert program.returncode == 0
    stopped = rb"SIGINT: stopping.*\n(audited .*\n)*stopped with [\d,]+ of [\d,]+ files audited: shutdown\n"
    assert re.fullmatch(rb"(audited .*\n)*" + stopped, rest)


@pytest.mark.slow
def test_shows_a_bar_on_a_terminal(tmp_path: Path) -> None:
    write(tmp_path, {f"{n}.py": GOOD for n in range(20)})
    terminal, end = pty.openpty()

    finished = subprocess.run(
        [sys.executable, PROGRAM, "--path", tmp_path],
        env=os.environ | {"TERM": "xterm"},
        stdout=subprocess.DEVNULL,
        stderr=end,
        timeout=60,
        check=False,
    )
    os.close(end)
    shown = b"".join(read_all(terminal))

    assert finished.returncode == 0
    assert b"20/20" in shown
    assert b"audited" not in shown


def read_all(terminal: int) -> Iterator[bytes]:
    """Yield what was written to the other end of *terminal*, which is closed."""
    with os.fdopen(terminal, "rb", buffering=0) as stream:
        while True:
            try:
                yield stream.read(4096)
            except OSError:
                return


@pytest.mark.slow
def test_actors_run_does_the_same_and_actors_ps_shows_who_does_what(tmp_path: Path) -> None:
    write(tmp_path, {f"p{n % 7}/good{n}.py": GOOD * 40 for n in range(1500)} | {"bad.py": BAD})
    command = [*ACTORS, "run", f"{PROGRAM}:tree", "--", "--path", str(tmp_path)]

    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as program:
        assert program.stderr is not None
        first = program.stderr.readline()
        listed = subprocess.run([*ACTORS, "ps", "--json"], capture_output=True, text=True, timeout=30, check=True)
        printed = program.communicate(timeout=60)[0]

    actors = json.loads(listed.stdout)["actors"]
    names = {it["name"] or it["child"] for it in actors if it["child"]}
    assert first == "audited 151 of 1,501 files\n"
    assert names >= {"lister", "floor", "auditor", "office", "collector", "router", "foreman", "pool", "worker 4"}
    assert sum(it["handled"] for it in actors if it["kind"] == "Worker") > 100
    assert program.returncode == 0
    assert "1,501 files found = 1,500 measured + 1 given up\n" in printed

"""The code audit: real files crash real workers, and every file is accounted for."""

import errno
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
from actors import ActorExitedError, Crash, open_system
from code_audit import BROKEN, FindFiles, Lister, NothingToAuditError, audit
from code_report import Report, Watch

PROGRAM = Path(code_audit.__file__)

GOOD = "import os\n\ndef total(a):\n    return a or 0\n"
BAD = "def total(:\n"


def write(folder: Path, files: dict[str, str]) -> None:
    for name, source in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)


async def audited(*roots: Path, workers: int = 3) -> Report:
    return await audit(roots, frozenset(), workers, Watch())


def crashes(report: Report) -> dict[str, tuple[type, int]]:
    """Return what crashed the workers and how often, by the name of the file."""
    found: dict[str, tuple[type, int]] = {}
    for it in report.given_up:
        assert isinstance(it.reason, Crash)
        found[it.path.name] = (type(it.reason.cause), it.attempts)
    return found


def accounted(report: Report) -> list[Path]:
    return sorted([it.path for it in report.measured] + [it.path for it in report.given_up])


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


async def test_every_broken_file_crashes_three_workers_and_is_then_given_up() -> None:
    report = await audited(BROKEN)

    assert crashes(report) == {
        "bad_encoding.py": (SyntaxError, 3),
        "bad_syntax.py": (SyntaxError, 3),
        "exhausts_parser.py": (MemoryError, 3),
        "null_byte.py": (ValueError if sys.version_info < (3, 11, 4) else SyntaxError, 3),
        "python_two.py": (SyntaxError, 3),
        "unknown_codec.py": (SyntaxError, 3),
    }
    assert report.restarts == 18
    assert report.measured == []


def test_every_broken_file_says_why_it_is_there() -> None:
    first_lines = [path.read_bytes().splitlines()[0] for path in BROKEN.iterdir() if path.suffix == ".py"]

    assert len(first_lines) == 6
    assert all(line.startswith(b"# Here because ") for line in first_lines)


async def test_accounts_for_every_file_exactly_once(tmp_path: Path) -> None:
    good = [f"p{n % 7}/good{n}.py" for n in range(200)]
    bad = [f"p{n}/bad{n}.py" for n in range(7)]
    write(tmp_path, dict.fromkeys(good, GOOD) | dict.fromkeys(bad, BAD))

    report = await audited(tmp_path)

    assert accounted(report) == sorted(tmp_path / name for name in good + bad)
    assert (len(report.listing.files), len(report.measured), len(report.given_up)) == (207, 200, 7)
    assert report.restarts == 21


@pytest.mark.parametrize("workers", [1, 2, 20])
async def test_a_crash_costs_no_other_file(workers: int, tmp_path: Path) -> None:
    write(tmp_path, {"a.py": GOOD, "b.py": BAD, "c.py": GOOD, "d.py": BAD, "e.py": GOOD})

    report = await audited(tmp_path, workers=workers)

    assert sorted(it.path.name for it in report.measured) == ["a.py", "c.py", "e.py"]
    assert crashes(report) == {"b.py": (SyntaxError, 3), "d.py": (SyntaxError, 3)}
    assert report.restarts == 6


async def test_all_files_may_be_broken(tmp_path: Path) -> None:
    write(tmp_path, {f"{n}.py": BAD for n in range(50)})

    report = await audited(tmp_path)

    assert len(report.given_up) == 50
    assert report.restarts == 150


async def test_a_file_that_is_mended_between_two_attempts_is_measured(tmp_path: Path) -> None:
    write(tmp_path, {"a.py": BAD, "b.py": GOOD})

    class Mending(Watch):
        def advance(self) -> None:
            write(tmp_path, {"a.py": GOOD})
            super().advance()

    report = await audit([tmp_path], frozenset(), 1, Mending())

    assert [it.path.name for it in report.measured] == ["b.py", "a.py"]
    assert report.restarts == 1


async def test_a_file_that_vanishes_is_given_up(tmp_path: Path) -> None:
    write(tmp_path, {"a.py": GOOD, "b.py": GOOD})

    class Deleting(Watch):
        def begin(self, total: int) -> None:
            (tmp_path / "b.py").unlink()
            super().begin(total)

    report = await audit([tmp_path], frozenset(), 2, Deleting())

    assert crashes(report) == {"b.py": (FileNotFoundError, 3)}
    assert len(report.measured) == 1


async def test_links_that_lead_nowhere_are_given_up(tmp_path: Path) -> None:
    write(tmp_path, {"a.py": GOOD})
    (tmp_path / "dangling.py").symlink_to("nothing.py")
    (tmp_path / "loop.py").symlink_to("loop.py")
    (tmp_path / "folder").symlink_to(tmp_path)

    report = await audited(tmp_path)

    assert crashes(report) == {"dangling.py": (FileNotFoundError, 3), "loop.py": (OSError, 3)}
    assert [it.path.name for it in report.measured] == ["a.py"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
async def test_what_may_not_be_read_is_reported(tmp_path: Path) -> None:
    write(tmp_path, {"a.py": GOOD, "secret.py": GOOD, "secrets/b.py": GOOD})
    (tmp_path / "secret.py").chmod(0)
    (tmp_path / "secrets").chmod(0)

    report = await audited(tmp_path)

    assert crashes(report) == {"secret.py": (PermissionError, 3)}
    assert [error.filename for error in report.listing.unlisted] == [str(tmp_path / "secrets")]


async def test_a_folder_that_cannot_be_listed_is_reported(tmp_path: Path) -> None:
    write(tmp_path, {"a.py": GOOD})

    report = await audited(tmp_path, tmp_path / "gone")

    assert [error.errno for error in report.listing.unlisted] == [errno.ENOENT]
    assert len(report.measured) == 1


async def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    write(tmp_path, {"a.py": GOOD})
    os.mkfifo(tmp_path / "pipe.py")

    report = await audited(tmp_path)

    assert accounted(report) == [tmp_path / "a.py"]


async def test_finds_python_files_but_not_in_folders_to_leave_out(tmp_path: Path) -> None:
    names = ["b.py", "a/c.py", "a/site-packages/d.py", "readme.txt", "a.py/e.py"]
    write(tmp_path, dict.fromkeys(names, GOOD))

    async with open_system() as system:
        lister = await system.start(Lister)
        listing = await lister.call(FindFiles([tmp_path], frozenset({"site-packages"})))

    assert listing.files == [tmp_path / name for name in ("b.py", "a/c.py", "a.py/e.py")]


async def test_a_tree_without_a_python_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(NothingToAuditError, match=re.escape(f"no Python file in {tmp_path}")):
        await audited(tmp_path)


async def test_a_worker_that_is_killed_is_replaced_and_its_file_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, {f"{n}.py": GOOD for n in range(10)})
    killed: list[Path] = []

    class Mortal(code_audit.Worker):
        async def handle_cast(self, message: code_audit.Audit) -> None:
            if len(killed) < 2:
                killed.append(message.path)
                self.ref.kill()
            await super().handle_cast(message)

    monkeypatch.setattr(code_audit, "Worker", Mortal)
    report = await audited(tmp_path)

    assert len(killed) == 2
    assert len(report.measured) == 10
    assert report.restarts == 2


async def test_the_audit_fails_when_its_books_are_lost(tmp_path: Path) -> None:
    write(tmp_path, {f"{n}.py": GOOD for n in range(10)})

    class Losing(Watch):
        def advance(self) -> None:
            raise RuntimeError("the books are lost")

    with pytest.raises(ActorExitedError, match="the books are lost"):
        await audit([tmp_path], frozenset(), 2, Losing())


async def test_the_pool_gives_up_when_workers_crash_more_than_their_files_explain(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, {"a.py": BAD})
    starts: list[int] = []

    class Frail(code_audit.Worker):
        def init(self) -> None:
            starts.append(len(starts))
            if len(starts) > 1:
                raise RuntimeError("not again")
            super().init()

    monkeypatch.setattr(code_audit, "Worker", Frail)
    with pytest.raises(ActorExitedError):
        await audited(tmp_path, workers=1)

    assert len(starts) == 1 + 3


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
    assert log.read_text().startswith("what was there\n<Worker")
    assert len(re.findall(r"^<Worker #\d+> crashed: SyntaxError", log.read_text(), re.MULTILINE)) == 3


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
def test_refuses_a_tree_without_a_python_file_with_exit_code_2(tmp_path: Path) -> None:
    finished = run("--path", tmp_path)

    assert finished.returncode == 2
    assert finished.stderr.endswith(f"error: no Python file in {tmp_path}\n")


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
    assert program.returncode == 130
    assert re.fullmatch(rb"(audited .*\n)*stopped with [\d,]+ of [\d,]+ files audited\n", rest)


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

"""The command line of the research desk: what it prints, what it refuses, how it is stopped."""

import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import research_desk
from tests.examples.trees import BAD, write

PROGRAM = Path(research_desk.__file__)

pytestmark = pytest.mark.usefixtures("runtime_directory")


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", PROGRAM, *arguments],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


def digest(printed: str) -> str:
    return printed.splitlines()[-1].removeprefix("digest of the whole index: ")


def check_the_same(killing: subprocess.CompletedProcess[str], calm: subprocess.CompletedProcess[str]) -> None:
    assert (killing.returncode, calm.returncode) == (0, 0), killing.stderr
    assert re.fullmatch("[0-9a-f]{16}", digest(calm.stdout))
    assert digest(killing.stdout) == digest(calm.stdout)
    assert re.search(r"^killed meanwhile: store \d+x", killing.stdout, re.MULTILINE)
    assert "killed the store\n" in killing.stderr
    assert "killed meanwhile: nothing\n" in calm.stdout


@pytest.mark.slow
def test_prints_the_same_index_whether_services_are_killed_or_not() -> None:
    killing, calm = run(), run("--calm")

    check_the_same(killing, calm)


@pytest.mark.slow
def test_prints_the_same_index_when_services_are_killed_as_often_as_is_allowed(tmp_path: Path) -> None:
    for package in ("asyncio", "email", "multiprocessing", "unittest", "xml"):
        shutil.copytree(research_desk.STANDARD_LIBRARY / package, tmp_path / package)

    killing, calm = run(tmp_path, "--kill-every", str(research_desk.SHORTEST)), run(tmp_path, "--calm")

    check_the_same(killing, calm)
    assert "killed the shared_memory\n" in killing.stderr


@pytest.mark.slow
def test_shows_what_is_explained_and_names_what_it_skipped(tmp_path: Path) -> None:
    write(tmp_path, {"a.md": "# Lock\n\nA lock [has] one owner.\n", "b.txt": "No lock here.", "c.py": BAD})

    finished = run(tmp_path, "--calm")

    assert finished.returncode == 0, finished.stderr
    rows = [line.split() for line in finished.stdout.splitlines()]
    assert ["lock", "2", "a.md:1", "A", "lock", "[has]", "one", "owner."] in rows
    assert "3 files found = 2 read + 1 skipped; concepts explained: 1\n" in finished.stdout
    assert "skipped: c.py: SyntaxError: line 1: invalid syntax\n" in finished.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["/nowhere"], "argument DIR: /nowhere: No such file or directory"),
        (["/dev/null"], "argument DIR: /dev/null: Not a directory"),
        (["--kill-every", "0.1"], "argument --kill-every: '0.1' is no number of seconds, 0.2 or more"),
        (["--kill-every", "nan"], "argument --kill-every: 'nan' is no number of seconds, 0.2 or more"),
        (["--kill-every", "often"], "argument --kill-every: 'often' is no number of seconds, 0.2 or more"),
        (["--readers", "0"], "argument --readers: '0' is no number of readers, 1 or more"),
        (["--log", "/nowhere/log"], "argument --log: /nowhere/log: No such file or directory"),
    ],
)
def test_refuses_a_wrong_option_with_exit_code_2(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as exit_:
        research_desk.main(arguments)

    assert exit_.value.code == 2
    assert capsys.readouterr().err.endswith(f"error: {message}\n")


def test_refuses_a_folder_without_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        research_desk.main([str(tmp_path)])

    assert exit_.value.code == 2
    assert capsys.readouterr().err.endswith(f"error: {tmp_path}: no file in it to read\n")


@pytest.fixture
def ctrl_c_works() -> Iterator[None]:
    """Let programs started here be interrupted, even where the tests run in the background of a shell."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.slow
@pytest.mark.usefixtures("ctrl_c_works")
def test_ctrl_c_stops_the_desk_and_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with subprocess.Popen([sys.executable, PROGRAM], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as program:
        assert program.stderr is not None
        first = program.stderr.readline()
        program.send_signal(signal.SIGINT)
        rest = program.communicate(timeout=30)[1]

    assert first.startswith((b"read ", b"killed "))
    assert program.returncode == 0
    assert re.search(rb"stopped with [\d,]+ of [\d,]+ files read: shutdown\n\Z", rest)
    assert list(tmp_path.iterdir()) == []

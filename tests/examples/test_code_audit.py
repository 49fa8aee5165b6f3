"""The code audit: real files crash real workers, and every file is accounted for."""

import errno
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

import code_audit
from actors import ActorExitedError, ActorRef, Crash, open_system
from code_audit import BROKEN, Assignment, FindFiles, Lister, NothingToAuditError, audit, building
from code_report import Report, Watch
from code_team import Audit, Worker
from supervision import Supervisor
from tests.examples.trees import BAD, GOOD, write


async def audited(*roots: Path, workers: int = 3, watch: Watch | None = None) -> Report:
    async with open_system() as system:
        await system.start(Supervisor, building())
        return await audit(system, Assignment(roots, workers=workers), watch or Watch())


def crashes(report: Report) -> dict[str, tuple[type, int]]:
    """Return what crashed the workers and how often, by the name of the file."""
    found: dict[str, tuple[type, int]] = {}
    for it in report.given_up:
        assert isinstance(it.reason, Crash)
        found[it.path.name] = (type(it.reason.cause), it.attempts)
    return found


def accounted(report: Report) -> list[Path]:
    return sorted([it.path for it in report.measured] + [it.path for it in report.given_up])


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

    report = await audited(tmp_path, workers=1, watch=Mending())

    assert [it.path.name for it in report.measured] == ["b.py", "a.py"]
    assert report.restarts == 1


async def test_a_file_that_vanishes_is_given_up(tmp_path: Path) -> None:
    write(tmp_path, {"a.py": GOOD, "b.py": GOOD})

    class Deleting(Watch):
        def begin(self, total: int) -> None:
            (tmp_path / "b.py").unlink()
            super().begin(total)

    report = await audited(tmp_path, workers=2, watch=Deleting())

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


NOBODY = 65534
"""The user who owns nothing."""


@pytest.fixture
def open_to_all() -> Iterator[Path]:
    """Return a folder that any user may look into."""
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@contextmanager
def without_privileges() -> Iterator[None]:
    """Be nobody for a while, if this is root, who may read everything."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


async def test_what_may_not_be_read_is_reported(open_to_all: Path) -> None:
    write(open_to_all, {"a.py": GOOD, "secret.py": GOOD, "secrets/b.py": GOOD})
    (open_to_all / "secret.py").chmod(0)
    (open_to_all / "secrets").chmod(0)

    with without_privileges():
        report = await audited(open_to_all)

    assert crashes(report) == {"secret.py": (PermissionError, 3)}
    assert [error.filename for error in report.listing.unlisted] == [str(open_to_all / "secrets")]


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

    class Mortal(Worker):
        async def handle_cast(self, message: Audit) -> None:
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
        await audited(tmp_path, workers=2, watch=Losing())


async def test_the_pool_gives_up_when_workers_crash_more_than_their_files_explain(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, {"a.py": BAD})
    starts: list[int] = []

    class Frail(Worker):
        def init(self) -> None:
            starts.append(len(starts))
            if len(starts) > 1:
                raise RuntimeError("not again")
            super().init()

    monkeypatch.setattr(code_audit, "Worker", Frail)
    with pytest.raises(ActorExitedError):
        await audited(tmp_path, workers=1)

    assert len(starts) == 1 + 3


async def test_the_report_has_the_mailbox_of_every_worker_crashed_or_not(tmp_path: Path) -> None:
    write(tmp_path, {f"{n}.py": GOOD for n in range(300)} | {"a.py": BAD, "b.py": BAD})

    report = await audited(tmp_path)

    crashed = [it for it in report.careers if it.crash is not None]
    assert (len(crashed), len(report.careers)) == (6, 9)
    assert {type(it.crash.cause) for it in crashed if isinstance(it.crash, Crash)} == {SyntaxError}
    assert sum(it.statistics.received for it in report.careers) == 300 + 6
    assert sum(it.statistics.handled for it in report.careers) == 300
    assert max(it.statistics.greatest_length for it in report.careers) == 1
    timed = [it.statistics for it in report.careers if it.statistics.received >= 64]
    assert timed
    assert all(it.waiting.count == it.handling.count == it.received // 64 for it in timed)


async def test_a_worker_that_was_killed_leaves_no_career(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, {f"{n}.py": GOOD for n in range(10)})

    class Mortal(Worker):
        async def handle_cast(self, message: Audit) -> None:
            if message.path.name == "3.py" and not mourned:
                mourned.append(self.ref)
                self.ref.kill()
            await super().handle_cast(message)

    mourned: list[ActorRef] = []
    monkeypatch.setattr(code_audit, "Worker", Mortal)
    report = await audited(tmp_path)

    assert len(report.careers) == 3
    assert mourned[0] not in {it.worker for it in report.careers}

"""A team of agents audits a tree of Python files, and expects some of them to crash an agent.

An *auditor* has a *lister* find the files, and opens an office for them (`code_team`). There a *foreman* sends all of
them through a *router*, which gives each *worker* of a pool one at a time, to be read, parsed and measured. A
*collector* keeps the books.

Nobody catches what a file does to a worker. A syntax error, an unknown codec, a parser without memory, a file that
vanished: each crashes the worker that has the file.

* The pool's supervisor puts a new worker in its place, and the router waits for it.
* The router has not been told that the file was handled, so it gives it out again, a moment later and to whoever is
  free; after three attempts it gives the file up, and tells the foreman why.
* A worker may have told the collector of a file just before it was killed, and another one tells it again. The books go
  by the path, so each file is in them exactly once, measured or given up.

All this runs in one thread. A worker that waits for the disk lets the others go on, but parsing is computation, and
nothing else happens in its milliseconds. So the pool does not make parsing faster; it makes a crash cost one attempt at
one file, and nothing else.

``actors run examples/code_audit.py:tree`` does the same as ``python examples/code_audit.py``. While it runs,
``actors ps`` shows who does what.
"""

import argparse
import logging
import os
import stat
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path

import trio
from attrs import frozen

from actors import NORMAL, Actor, ActorSystem, Call, Caller, Continue, ExitReason, Stop
from actors.delivery import RouterRef
from code_report import Listing, Report, Watch, show
from code_team import GiveOut, ReadReport, Worker, office
from supervision import (
    ChildSpec,
    DynamicSupervisor,
    Supervisor,
    SupervisorSpec,
    TreeGaveUpError,
    launch,
    start_child,
)

BROKEN = Path(__file__).parent / "broken"
STANDARD_LIBRARY = Path(sysconfig.get_path("stdlib"))
INSTALLED_LATER = frozenset({"site-packages", "dist-packages"})


@frozen
class FindFiles(Call[Listing]):
    """To the lister: find the Python files in *roots*, but not in folders named as in *without*."""

    roots: Sequence[Path]
    without: frozenset[str]


class Lister(Actor):
    """Finds files."""

    async def handle_call(self, message: FindFiles, caller: Caller) -> Listing:
        files: list[Path] = []
        unlisted: list[OSError] = []
        for root in message.roots:
            for place, folders, names in os.walk(root, onerror=unlisted.append):
                folders[:] = sorted(set(folders) - message.without)
                paths = [Path(place, name) for name in sorted(names) if name.endswith(".py")]
                files += [path for path in paths if not is_device(path)]
                await trio.lowlevel.checkpoint()
        return Listing(message.roots, files, unlisted)


def is_device(path: Path) -> bool:
    """Say whether *path* is a pipe or the like, which one could read from for ever."""
    try:
        return not stat.S_ISREG(path.stat().st_mode)
    except OSError:
        return False  # a worker will find out what is wrong with it


class NothingToAuditError(Exception):
    """There is no Python file."""


@frozen
class Assignment:
    """What is to be audited: the files in *roots*, but not in folders named as in *without*."""

    roots: Sequence[Path]
    without: frozenset[str] = frozenset()
    workers: int = 4


class Auditor(Actor):
    """Conducts an audit, and shows its report."""

    def __init__(self, assignment: Assignment) -> None:
        self.assignment = assignment
        self.watch = Watch()

    def init(self) -> Continue:
        self.watch.bar.start()
        return Continue("begin")

    async def handle_continue(self, argument: str) -> Stop:
        report = await audit(self.system, self.assignment, self.watch)
        self.watch.bar.stop()
        show(report)
        return Stop(NORMAL)

    def terminate(self, reason: ExitReason) -> None:
        self.watch.bar.stop()
        if reason != NORMAL:
            self.watch.interrupted(reason)


async def audit(system: ActorSystem, assignment: Assignment, watch: Watch) -> Report:
    """Conduct an audit in a `building`."""
    find = FindFiles(assignment.roots, assignment.without)
    listing = await system.named("lister").call(find, timeout=None)
    if not listing.files:
        raise NothingToAuditError(f"no Python file in {', '.join(map(str, assignment.roots))}")
    watch.begin(len(listing.files))
    spec = office(listing, assignment.workers, watch)
    await start_child(system.named("floor"), ChildSpec("office", Supervisor, (spec,), restart="temporary"))
    for number in range(1, assignment.workers + 1):
        name = f"worker {number}"
        await start_child(system.named("pool"), ChildSpec(name, Worker, name=name))
        RouterRef(system).register("workers", system.named(name))
    system.named("foreman").cast(GiveOut())
    return await system.named("collector").call(ReadReport(), timeout=None)


def building(*others: ChildSpec) -> SupervisorSpec:
    """Return where audits are conducted, which ends when one of *others* has done its work."""
    return SupervisorSpec(
        [
            ChildSpec("lister", Lister, name="lister"),
            ChildSpec("floor", DynamicSupervisor, name="floor"),
            *others,
        ],
        intensity=0,
        auto_shutdown="any_significant",
    )


def tree(arguments: Sequence[str] | None = None) -> SupervisorSpec:
    """Return what does what the command line says."""
    options = command_line().parse_args(arguments)
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    assignment = Assignment([options.path], workers=options.workers)
    if not options.path:
        assignment = Assignment([STANDARD_LIBRARY, BROKEN], INSTALLED_LATER, options.workers)
        print(f"Auditing {STANDARD_LIBRARY} and {BROKEN}, as an installation may have no broken file.")
    keep_crash_reports(options.log)
    return building(ChildSpec("auditor", Auditor, (assignment,), restart="transient", significant=True))


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says, and return the exit code."""
    try:
        launch(tree(arguments))
    except TreeGaveUpError:
        return 1
    return 0


def command_line() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Audit the standard library with a team.")
    parser.add_argument("--path", type=folder, metavar="DIR", help="audit the files in DIR instead")
    parser.add_argument("--workers", type=count, default=4, metavar="N", help="4 if not given")
    parser.add_argument("--log", type=log_file, metavar="FILE", help="add the crash reports to FILE")
    return parser


def folder(text: str) -> Path:
    try:
        os.scandir(text).close()
    except OSError as error:
        raise argparse.ArgumentTypeError(f"{text}: {error.strerror}") from error
    return Path(text)


def count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of workers, 1 or more")
    return int(text)


def log_file(text: str) -> logging.Handler:
    try:
        return logging.FileHandler(text, encoding="utf-8")
    except OSError as error:
        raise argparse.ArgumentTypeError(f"{text}: {error.strerror}") from error


def keep_crash_reports(log: logging.Handler | None) -> None:
    """Send the runtime's reports to *log*, or nowhere: crashes are expected, and in the report."""
    logger = logging.getLogger("actors")
    logger.propagate = False
    logger.addHandler(log or logging.NullHandler())


if __name__ == "__main__":
    sys.exit(main())

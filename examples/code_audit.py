"""A team of agents audits a tree of Python files, and expects some of them to crash an agent.

A *lister* finds the files. A *foreman* gives each *worker* of a pool one file at a time, which it reads, parses and
measures. A *collector* keeps the books.

Nobody catches what a file does to a worker. A syntax error, an unknown codec, a parser without memory, a file that
vanished: each crashes the worker that has the file.

* The pool's supervisor puts a new worker in its place, which announces itself to the foreman.
* The foreman monitors the workers. When one is down, it knows which file that one had, and gives it out again, after
  all the others; after three attempts it gives the file up.
* Only the foreman settles files, so each is in the books exactly once, measured or given up.

All this runs in one thread. A worker that waits for the disk lets the others go on, but parsing is computation, and
nothing else happens in its milliseconds. So the pool does not make parsing faster; it makes a crash cost one attempt at
one file, and nothing else.
"""

import argparse
import logging
import os
import stat
import sys
import sysconfig
from collections import Counter, deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import trio
from attrs import frozen

from actors import NO_REPLY, Actor, ActorRef, Call, Caller, Down, open_system
from code_measures import measure
from code_report import GivenUp, Listing, Measured, Report, Watch, show
from supervision import ChildSpec, DynamicSupervisor, Supervisor, SupervisorSpec, start_child

ATTEMPTS = 3
"""How often a file is tried."""

BROKEN = Path(__file__).parent / "broken"
STANDARD_LIBRARY = Path(sysconfig.get_path("stdlib"))
INSTALLED_LATER = frozenset({"site-packages", "dist-packages"})


@frozen
class FindFiles(Call[Listing]):
    """To the lister: find the Python files in *roots*, but not in folders named as in *without*."""

    roots: Sequence[Path]
    without: frozenset[str]


@frozen
class Ready:
    """To the foreman: a worker has started."""

    worker: ActorRef


@frozen
class Audit:
    """To a worker: audit this file."""

    path: Path


@frozen
class Done:
    """To the foreman: a worker has audited its file."""

    worker: ActorRef
    measured: Measured


@frozen
class Finished:
    """To the collector: every file is settled."""

    restarts: int


@frozen
class ReadReport(Call[Report]):
    """To the collector: the report, once it is finished."""


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


class Foreman(Actor):
    """Knows which worker has which file, and so what a crash interrupted."""

    def __init__(self, files: Sequence[Path], workers: int) -> None:
        self.waiting = deque(files)
        self.attempts: Counter[Path] = Counter()
        self.workers = workers
        self.started = 0
        self.idle: list[ActorRef] = []
        self.busy: dict[ActorRef, Path] = {}

    def init(self) -> None:
        self.collector = self.system.named("collector")

    def handle_cast(self, message: Ready | Done) -> None:
        match message:
            case Ready(worker):
                self.started += 1
                worker.monitor()
                self.idle.append(worker)
            case Done(worker, measured):
                del self.busy[worker]
                self.idle.append(worker)
                self.collector.cast(measured)
        self.give_out()

    def handle_info(self, message: Down) -> None:
        path = self.busy.pop(message.ref, None)
        if path is None:
            self.idle.remove(message.ref)
        elif self.attempts[path] < ATTEMPTS:
            self.waiting.append(path)
        else:
            self.collector.cast(GivenUp(path, message.reason, ATTEMPTS))
        self.give_out()

    def give_out(self) -> None:
        while self.waiting and self.idle:
            path, worker = self.waiting.popleft(), self.idle.pop()
            self.busy[worker] = path
            self.attempts[path] += 1
            worker.cast(Audit(path))
        # The last worker to crash may still be without a successor; then its `Ready` comes.
        if len(self.idle) == self.workers and not self.busy:
            self.collector.cast(Finished(self.started - self.workers))


class Worker(Actor):
    """Audits one file after the other, until one of them crashes it."""

    def init(self) -> None:
        self.foreman = self.system.named("foreman")
        self.foreman.cast(Ready(self.ref))

    async def handle_cast(self, message: Audit) -> None:
        source = await trio.Path(message.path).read_bytes()
        measured = Measured(message.path, measure(source, str(message.path)))
        self.foreman.cast(Done(self.ref, measured))


class Collector(Actor):
    """Keeps the books."""

    def __init__(self, listing: Listing, watch: Watch) -> None:
        self.listing = listing
        self.watch = watch
        self.measured: list[Measured] = []
        self.given_up: list[GivenUp] = []
        self.report: Report | None = None
        self.readers: list[Caller] = []

    def handle_cast(self, message: Measured | GivenUp | Finished) -> None:
        match message:
            case Measured():
                self.measured.append(message)
                self.watch.advance()
            case GivenUp():
                self.given_up.append(message)
                self.watch.advance()
            case Finished(restarts):
                self.report = Report(self.listing, self.measured, self.given_up, restarts)
                for reader in self.readers:
                    reader.reply(self.report)

    def handle_call(self, message: ReadReport, caller: Caller) -> Any:
        if self.report is not None:
            return self.report
        self.readers.append(caller)
        return NO_REPLY


class NothingToAuditError(Exception):
    """There is no Python file."""


async def audit(roots: Sequence[Path], without: frozenset[str], workers: int, watch: Watch) -> Report:
    """Audit the Python files in *roots*, but not in folders named as in *without*."""
    async with open_system() as system:
        lister = await system.start(Lister, name="lister")
        listing = await lister.call(FindFiles(roots, without), timeout=None)
        if not listing.files:
            raise NothingToAuditError(f"no Python file in {', '.join(map(str, roots))}")
        watch.begin(len(listing.files))
        await system.start(Supervisor, office(listing, workers, watch), name="office")
        for number in range(1, workers + 1):
            await start_child(system.named("pool"), ChildSpec(f"worker {number}", Worker))
        return await system.named("collector").call(ReadReport(), timeout=None)


def office(listing: Listing, workers: int, watch: Watch) -> SupervisorSpec:
    """Return the supervised team.

    The workers may crash once for each attempt at each file, all in one week: that is the pool's intensity. One crash
    more is not a file's doing, and the pool gives up. The office then gives up as well, as it does when the foreman or
    the collector fails: the books would be worth nothing.
    """
    crashes = {"intensity": ATTEMPTS * len(listing.files), "period": 7 * 24 * 3600.0}
    return SupervisorSpec(
        [
            ChildSpec("collector", Collector, args=(listing, watch), name="collector"),
            ChildSpec("foreman", Foreman, args=(listing.files, workers), name="foreman"),
            ChildSpec("pool", DynamicSupervisor, kwargs=crashes, name="pool"),
        ],
        intensity=0,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says, and return the exit code."""
    parser = command_line()
    options = parser.parse_args(arguments)
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    if options.path:
        roots, without = [options.path], frozenset[str]()
    else:
        roots, without = [STANDARD_LIBRARY, BROKEN], INSTALLED_LATER
        print(f"Auditing {STANDARD_LIBRARY} and {BROKEN}, as an installation may have no broken file.")
    keep_crash_reports(options.log)
    watch = Watch()
    try:
        with watch.bar:
            report = trio.run(audit, roots, without, options.workers, watch)
        show(report)
    except NothingToAuditError as error:
        parser.error(str(error))
    except KeyboardInterrupt:
        print(f"stopped with {watch.settled:,} of {watch.total:,} files audited", file=sys.stderr)
        return 130
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

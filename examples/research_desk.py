"""A team of agents writes an index of concepts, while the services it relies on are killed, one every second.

It reads the docstrings of the standard library, or a folder of yours, and finds which concepts are explained there,
where, and how widely each is used. The team (`research_team`) works with all five services of the standard tree: the
corpus is in the *store* and is passed on by reference, the *queue* gives the readers their work, their notes are in the
*shared memory*, they announce findings on topics of the *bus*, and the *router* brings the editor what they counted.

A *saboteur* kills one service after the other while they work. The supervisor of the services starts it again, with
all that it had confirmed, and the index is the same to the last letter: compare the digest with that of ``--calm``.

``actors run examples/research_desk.py:tree`` does the same as ``python examples/research_desk.py``. While it runs,
``actors ps`` shows who does what.
"""

import argparse
import atexit
import logging
import math
import os
import shutil
import sys
import sysconfig
from collections.abc import Sequence
from itertools import cycle
from pathlib import Path
from tempfile import mkdtemp

import trio

from actors import Actor, Backoff, Continue, NoProcessError
from actors.queue import SqliteStore
from actors.shared_memory import SqliteEntries
from actors.store import SqliteReferenceStore
from research_report import Watch
from research_team import ANY_NUMBER, PARTS, Announcer, Editor, Librarian, Reader
from research_texts import Listing, files_of
from supervision import ChildSpec, Supervisor, SupervisorSpec, TreeGaveUpError, launch, service_tree

SERVICES = ("store", "shared_memory", "bus", "queue", "router")
STANDARD_LIBRARY = Path(sysconfig.get_path("stdlib"))
NOT_FOR_READERS = frozenset({"test", "tests", "idle_test", "idlelib", "lib2to3", "turtledemo"})
INTERRUPTED = 130
SHORTEST = 0.2
"""Seconds between two kills. With fewer each service would be down most of the time, and little be done."""


class Saboteur(Actor):
    """Kills one service after the other."""

    def __init__(self, seconds: float, watch: Watch) -> None:
        self.seconds = seconds
        self.watch = watch

    def init(self) -> Continue:
        return Continue("kill")

    async def handle_continue(self, argument: str) -> None:
        for name in cycle(SERVICES):
            await trio.sleep(self.seconds)
            try:
                self.system.named(name).kill()
            except NoProcessError:
                continue  # it is still down since the last time
            self.watch.killed(name)


def desk(listing: Listing, database: str, watch: Watch, *, readers: int = 3, kill_every: float = 0) -> SupervisorSpec:
    """Return the services and the team, which end when the editor has done the work.

    A reader may fail now and then: the queue gives its volume to another. Without the librarian or the editor there is
    no index, so the desk gives up when one of them fails.
    """
    names = [f"reader {number}" for number in range(1, readers + 1)]
    reading = [ChildSpec(name, Reader, kwargs=PARTS, name=name) for name in names]
    children = [
        service_tree(
            store=SqliteReferenceStore(database),
            shared_memory=SqliteEntries(database),
            bus=True,
            queue=SqliteStore(database),
            # Who is killed all the time shall neither be waited for longer and longer, nor given up.
            backoff=Backoff(0.1, max_seconds=0.5),
            intensity=ANY_NUMBER,
        ),
        ChildSpec("announcer", Announcer, (watch,), name="announcer"),
        ChildSpec("editor", Editor, (listing, watch), PARTS, name="editor", restart="transient", significant=True),
        ChildSpec("readers", Supervisor, (SupervisorSpec(reading, intensity=20, period=60.0),), name="readers"),
        ChildSpec("librarian", Librarian, (listing,), PARTS, name="librarian", restart="transient"),
    ]
    if kill_every:
        children.append(ChildSpec("saboteur", Saboteur, (kill_every, watch)))
    return SupervisorSpec(children, intensity=0, auto_shutdown="any_significant")


def tree(arguments: Sequence[str] | None = None) -> SupervisorSpec:
    """Return what does what the command line says."""
    parser = command_line()
    options = parser.parse_args(arguments)
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    if options.folder is None:
        print(f"Reading the docstrings of {STANDARD_LIBRARY}")
        listing = files_of(STANDARD_LIBRARY, NOT_FOR_READERS, ".py")
    else:
        listing = files_of(options.folder)
    if not listing.files:
        parser.error(f"{listing.root}: no file in it to read")
    keep_crash_reports(options.log)
    try:
        place = mkdtemp(prefix="research-desk-")
    except OSError as error:
        parser.error(f"there is no place for what the services keep: {error}")
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    kill_every = 0 if options.calm else options.kill_every
    watch = Watch(len(listing.files))
    return desk(listing, f"{place}/desk.db", watch, readers=options.readers, kill_every=kill_every)


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says, and return the exit code."""
    try:
        launch(tree(arguments))
    except TreeGaveUpError as error:
        print(f"research_desk: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:  # before the desk has opened
        return INTERRUPTED
    return 0


def command_line() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="research_desk",
        description="Write an index of the concepts that the standard library explains, with a team of agents, "
        "while the services they rely on are killed, one after the other.",
        epilog="Run it twice, the second time with --calm: the digest of the index is the same.",
    )
    parser.add_argument("folder", type=folder, nargs="?", metavar="DIR", help="read the texts in DIR instead")
    parser.add_argument("--kill-every", type=seconds, default=1.0, metavar="S", help="kill one every S seconds; 1")
    parser.add_argument("--calm", action="store_true", help="kill nothing")
    parser.add_argument("--readers", type=count, default=3, metavar="N", help="3 if not given")
    parser.add_argument("--log", type=log_file, metavar="FILE", help="add the crash reports to FILE")
    return parser


def folder(text: str) -> Path:
    try:
        os.scandir(text).close()
    except OSError as error:
        raise argparse.ArgumentTypeError(f"{text}: {error.strerror}") from error
    return Path(text)


def seconds(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not SHORTEST <= number < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds, {SHORTEST} or more")
    return number


def count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of readers, 1 or more")
    return int(text)


def log_file(text: str) -> logging.Handler:
    try:
        return logging.FileHandler(text, encoding="utf-8")
    except OSError as error:
        raise argparse.ArgumentTypeError(f"{text}: {error.strerror}") from error


def keep_crash_reports(log: logging.Handler | None) -> None:
    """Send the runtime's reports to *log*, or nowhere: services are killed all the time."""
    for name in ("actors", "supervision"):
        logger = logging.getLogger(name)
        logger.propagate = False
        logger.addHandler(log or logging.NullHandler())


if __name__ == "__main__":
    sys.exit(main())

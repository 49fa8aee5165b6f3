"""The office of a code audit: who settles each file exactly once, whatever a file does to whoever audits it."""

from collections import Counter, deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import trio
from attrs import frozen

from actors import NO_REPLY, Actor, ActorRef, Call, Caller, Down, ExitReason, get_statistics
from code_measures import measure
from code_report import Career, GivenUp, Listing, Measured, Report, Watch
from supervision import ChildSpec, DynamicSupervisor, SupervisorSpec

ATTEMPTS = 3
"""How often a file is tried."""


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
    careers: Sequence[Career]
    """Those of the workers who did not crash."""


@frozen
class ReadReport(Call[Report]):
    """To the collector: the report, once it is finished."""


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
            careers = [Career(worker, get_statistics(worker)) for worker in self.idle]
            self.collector.cast(Finished(self.started - self.workers, careers))


class Worker(Actor):
    """Audits one file after the other, until one of them crashes it."""

    def init(self) -> None:
        self.foreman = self.system.named("foreman")
        self.foreman.cast(Ready(self.ref))

    async def handle_cast(self, message: Audit) -> None:
        source = await trio.Path(message.path).read_bytes()
        measured = Measured(message.path, measure(source, str(message.path)))
        self.foreman.cast(Done(self.ref, measured))

    def terminate(self, reason: ExitReason) -> None:
        self.system.named("collector").cast(Career(self.ref, get_statistics(self.ref), reason))


class Collector(Actor):
    """Keeps the books."""

    def __init__(self, listing: Listing, watch: Watch) -> None:
        self.listing = listing
        self.watch = watch
        self.measured: list[Measured] = []
        self.given_up: list[GivenUp] = []
        self.careers: list[Career] = []
        self.report: Report | None = None
        self.readers: list[Caller] = []

    def handle_cast(self, message: Measured | GivenUp | Career | Finished) -> None:
        match message:
            case Measured():
                self.measured.append(message)
                self.watch.advance()
            case GivenUp():
                self.given_up.append(message)
                self.watch.advance()
            case Career():
                self.careers.append(message)
            case Finished(restarts, careers):
                careers = [*self.careers, *careers]
                self.report = Report(self.listing, self.measured, self.given_up, restarts, careers)
                for reader in self.readers:
                    reader.reply(self.report)

    def handle_call(self, message: ReadReport, caller: Caller) -> Any:
        if self.report is not None:
            return self.report
        self.readers.append(caller)
        return NO_REPLY


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

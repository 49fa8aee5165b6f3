"""The office of a code audit: the router tries each file, and whatever a file does to a worker, it is settled once."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import trio
from attrs import frozen

from actors import NO_REPLY, Actor, ActorRef, Call, Caller, ExitReason, get_statistics
from actors.delivery import DeliveryFailedError, DeliveryOptions, Receipt, Router, RouterConfig, RouterRef
from code_measures import measure
from code_report import Career, GivenUp, Listing, Measured, Report, Watch
from supervision import ChildSpec, DynamicSupervisor, SupervisorSpec, which_children

ATTEMPTS = 3
"""How often a file is tried."""

PATIENTLY = DeliveryOptions(max_retries=ATTEMPTS, retry_delay=0.05, timeout=math.inf, expires_after=math.inf)
"""A file is tried again when it has crashed its worker, and for no other reason: big ones take their time."""


@frozen
class GiveOut:
    """To the foreman: the workers are there; have every file audited."""


@frozen
class Audit:
    """To a worker: audit this file."""

    path: Path


@frozen
class Started:
    """To the collector: there is a new worker."""


@frozen
class Finished:
    """To the collector: every file is settled."""

    careers: Sequence[Career]
    """Those of the workers who did not crash."""


@frozen
class ReadReport(Call[Report]):
    """To the collector: the report, once it is finished."""


class Foreman(Actor):
    """Has the router give every file to a worker, and learns which ones it had to give up."""

    def __init__(self, files: Sequence[Path]) -> None:
        self.files = files

    def init(self) -> None:
        self.collector = self.system.named("collector")

    async def handle_cast(self, message: GiveOut) -> None:
        router = RouterRef(self.system)
        receipts = [await router.send("workers", Audit(path), PATIENTLY) for path in self.files]
        for receipt in receipts:
            await self.settle(receipt)
        # The last crash is known to the pool already, so that worker has its successor when the pool answers.
        workers = [child.ref for child in await which_children(self.system.named("pool"))]
        careers = [Career(ref, get_statistics(ref)) for ref in workers if isinstance(ref, ActorRef)]
        self.collector.cast(Finished(careers))

    async def settle(self, receipt: Receipt) -> None:
        try:
            await receipt.acknowledged()
        except DeliveryFailedError:
            self.collector.cast(GivenUp(receipt.message.path, receipt.faults[-1].reason, receipt.attempts))


class Worker(Actor):
    """Audits one file after the other, until one of them crashes it."""

    def init(self) -> None:
        self.collector = self.system.named("collector")
        self.collector.cast(Started())

    async def handle_cast(self, message: Audit) -> None:
        source = await trio.Path(message.path).read_bytes()
        self.collector.cast(Measured(message.path, measure(source, str(message.path))))

    def terminate(self, reason: ExitReason) -> None:
        self.collector.cast(Career(self.ref, get_statistics(self.ref), reason))


class Collector(Actor):
    """Keeps the books, in which only the first that is said of a file counts."""

    def __init__(self, listing: Listing, watch: Watch) -> None:
        self.listing = listing
        self.watch = watch
        self.settled: dict[Path, Measured | GivenUp] = {}
        self.started = 0
        self.careers: list[Career] = []
        self.report: Report | None = None
        self.readers: list[Caller] = []

    def handle_cast(self, message: Started | Measured | GivenUp | Career | Finished) -> None:
        match message:
            case Started():
                self.started += 1
            case Measured(path) | GivenUp(path) if path not in self.settled:
                self.settled[path] = message
                self.watch.advance()
            case Career():
                self.careers.append(message)
            case Finished(careers):
                self.report = self.report_with(careers)
                for reader in self.readers:
                    reader.reply(self.report)

    def report_with(self, careers: Sequence[Career]) -> Report:
        measured = [it for it in self.settled.values() if isinstance(it, Measured)]
        given_up = [it for it in self.settled.values() if isinstance(it, GivenUp)]
        restarts = self.started - len(careers)
        return Report(self.listing, measured, given_up, restarts, [*self.careers, *careers])

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

    The router has no circuit breaker: a worker that crashes five times in a row was unlucky with its files.
    """
    one_each = RouterConfig(max_concurrent_per_target=1, max_concurrent_deliveries=workers, breaker=None)
    crashes = {"intensity": ATTEMPTS * len(listing.files), "period": 7 * 24 * 3600.0}
    return SupervisorSpec(
        [
            ChildSpec("collector", Collector, args=(listing, watch), name="collector"),
            ChildSpec("router", Router, args=(one_each,), name="router"),
            ChildSpec("foreman", Foreman, args=(listing.files,), name="foreman"),
            ChildSpec("pool", DynamicSupervisor, kwargs=crashes, name="pool"),
        ],
        intensity=0,
    )

"""Children that do as they are told, and what the tests of supervisors ask and tell them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Literal, TypeAlias

import attrs
import trio

from actors import (
    IGNORE,
    NORMAL,
    SHUTDOWN,
    Actor,
    ActorRef,
    ActorSystem,
    Call,
    Crash,
    ExitReason,
    Killed,
    Shutdown,
    Stop,
    open_system,
)
from supervision import (
    ChildSpec,
    Supervisor,
    SupervisorSpec,
    count_children,
    which_child,
    which_children,
)

Outcome: TypeAlias = Literal["start", "ignore", "fail", "stop"]
"""Of a start: it succeeds, returns IGNORE, raises, or returns Stop."""

ABNORMAL = Crash(RuntimeError("died"))
CLEAN: list[ExitReason] = [NORMAL, SHUTDOWN, Shutdown("some info")]


@attrs.define
class Plan:
    """What the starts of one child come to, in order; when it is empty, they succeed."""

    outcomes: list[Outcome] = attrs.field(factory=list)
    starts: int = 0

    def next_outcome(self) -> Outcome:
        self.starts += 1
        return self.outcomes.pop(0) if self.outcomes else "start"


@attrs.frozen
class Sleep:
    """Told to a worker: be busy with this message for so long."""

    seconds: float


class Worker(Actor):
    """A child that starts as its plan says and logs its starts and stops."""

    trap_exit = True

    def __init__(self, label: str = "", plan: Plan | None = None, log: list[str] | None = None) -> None:
        self.label = label
        self.plan = plan or Plan()
        self.log = [] if log is None else log

    def init(self) -> Any:
        match self.plan.next_outcome():
            case "start":
                self.log.append(f"start {self.label}")
                return None
            case "ignore":
                return IGNORE
            case "stop":
                return Stop(Crash("told to"))
            case "fail":
                raise RuntimeError("told to")

    def terminate(self, reason: ExitReason) -> Any:
        self.log.append(f"stop {self.label}: {reason}")

    def obey(self, message: object) -> Stop | None:
        match message:
            case Stop():
                return message
            case Exception():
                raise message
            case _:
                return None


class SyncWorker(Worker):
    """A worker whose handlers are ``def``."""

    def handle_call(self, message: object, caller: object) -> Any:
        return message

    def handle_cast(self, message: object) -> Any:
        return self.obey(message)


class AsyncWorker(Worker):
    """A worker whose handlers are ``async def``."""

    async def handle_call(self, message: object, caller: object) -> Any:
        return message

    async def handle_cast(self, message: object) -> Any:
        if isinstance(message, Sleep):
            await trio.sleep(message.seconds)
        return self.obey(message)


def slow(worker: type[Worker], seconds: float) -> type[Worker]:
    """Return *worker*, but its `terminate` takes so long."""

    class SlowWorker(worker):  # type: ignore[valid-type, misc]
        async def terminate(self, reason: ExitReason) -> None:
            await trio.sleep(seconds)

    return SlowWorker


def child(
    child_id: str,
    worker: type[Worker],
    *outcomes: Outcome,
    log: list[str] | None = None,
    **options: Any,
) -> ChildSpec:
    """Return the specification of a worker whose first starts come to *outcomes*."""
    return ChildSpec(child_id, worker, (child_id, Plan(list(outcomes)), log), **options)


@asynccontextmanager
async def supervising(
    *children: ChildSpec, intensity: int = 2, period: float = 3600.0, **options: Any
) -> AsyncIterator[ActorRef]:
    """Open a system with one supervisor, called ``sup``."""
    spec = SupervisorSpec(children, intensity=intensity, period=period, **options)
    async with open_system() as system:
        yield await system.start(Supervisor, spec, name="sup")


async def end(ref: ActorRef, reason: ExitReason) -> None:
    """Have a worker end with *reason*, and wait until it has."""
    match reason:
        case Killed():
            ref.kill()
        case Crash(cause=Exception() as error):
            ref.cast(error)
        case _:
            ref.cast(Stop(reason))
    assert await ref.wait() == reason


async def ref_of(supervisor: ActorRef, child_id: str) -> ActorRef:
    """Return the process of a child that runs."""
    ref = (await which_child(supervisor, child_id)).ref
    assert ref is not None
    return ref


async def states(supervisor: ActorRef) -> dict[str, str]:
    """Return the children and their states, the newest first."""
    return {info.id: info.state for info in await which_children(supervisor)}


async def counts(supervisor: ActorRef) -> list[int]:
    """Return the counts of specs, active children, supervisors and workers."""
    return list(attrs.astuple(await count_children(supervisor)))


@attrs.frozen
class StartLink(Call[object]):
    """Asked of a `Starter`: start this, and answer with its process or with what the start raised."""

    actor: type[Actor]
    args: tuple[object, ...]


class Starter(Actor):
    """An actor that starts others, linked to itself, and collects every message that comes of it."""

    trap_exit = True

    def __init__(self) -> None:
        self.messages: list[object] = []

    async def handle_call(self, message: object, caller: object) -> object:
        if not isinstance(message, StartLink):
            return self.messages
        try:
            return await self.start_link(message.actor, *message.args)
        except Exception as error:  # noqa: BLE001 -- it is the answer
            return error

    async def handle_info(self, message: object) -> None:
        self.messages.append(message)


async def start_linked(system: ActorSystem, actor: type[Actor], *args: object) -> tuple[object, list[object]]:
    """Start *actor* from within an actor; return what came of it, and what messages that left behind."""
    starter = await system.start(Starter)
    result = await starter.call(StartLink(actor, args), timeout=None)
    return result, await starter.call("messages", timeout=None)

"""The workloads on otpylib, which runs on asyncio.

``python -m tests.benchmarks.peers.with_otpylib WORKLOAD SHARE`` runs one, with that share of its usual count.
"""

from __future__ import annotations

import asyncio
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from tests.benchmarks.measure import Figures, Scales, Stopwatch, publish

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

gen_server: Any = import_module("otpylib.gen_server")
module: Any = import_module("otpylib.module")
process: Any = import_module("otpylib.process")
supervisor: Any = import_module("otpylib.supervisor")
backend: Any = import_module("otpylib.runtime.backends.asyncio_backend.backend")

RING: Final = 1_000
CLIENTS: Final = 100
PRODUCERS: Final = 100


class State:
    """What the servers of one workload share with the driver."""

    goal = -1
    reached = asyncio.Event()
    starts: asyncio.Queue[None] = asyncio.Queue()


async def init(self: Any, argument: Any) -> Any:
    return argument


async def handle_call(self: Any, message: Any, caller: Any, state: Any) -> Any:
    state[0] += 1
    return gen_server.Reply(payload=state[0]), state


async def handle_cast(self: Any, message: Any, state: Any) -> Any:
    state[0] += 1
    if state[0] == State.goal:
        State.reached.set()
    return gen_server.NoReply(), state


async def handle_info(self: Any, message: Any, state: Any) -> Any:
    return gen_server.NoReply(), state


async def terminate(self: Any, reason: Any, state: Any) -> None:
    pass


async def produce(self: Any, message: int, state: Any) -> Any:
    for _ in range(message):
        await gen_server.cast("counter", None)
    return gen_server.NoReply(), state


async def hand_on(self: Any, message: int, following: str) -> Any:
    if message == 0:
        State.reached.set()
    else:
        await gen_server.cast(following, message - 1)
    return gen_server.NoReply(), following


async def announce(self: Any, argument: Any) -> None:
    State.starts.put_nowait(None)


async def crash(self: Any, message: Any, state: Any) -> Any:
    raise RuntimeError


async def supervise(self: Any, argument: Any) -> Any:
    child = supervisor.child_spec(id="fragile", module=Fragile, name="fragile")
    return [child], supervisor.options(max_restarts=1_000_000_000, max_seconds=1)


def _server(name: str, **callbacks: Any) -> Any:
    usual = {
        "init": init,
        "handle_call": handle_call,
        "handle_cast": handle_cast,
        "handle_info": handle_info,
        "terminate": terminate,
        "__module__": __name__,
    }
    return module.OTPModule(name, (), usual | callbacks, behavior=module.GEN_SERVER, version="1.0.0")


Counter = _server("Counter")
Producer = _server("Producer", handle_cast=produce)
Node = _server("Node", handle_cast=hand_on)
Fragile = _server("Fragile", init=announce, handle_cast=crash)
Tree = module.OTPModule(
    "Tree",
    (),
    {"init": supervise, "terminate": terminate, "__module__": __name__},
    behavior=module.SUPERVISOR,
    version="1.0.0",
)


async def call(count: int) -> Figures:
    await gen_server.start(Counter, [0], "counter")
    await _calls(200)
    with Stopwatch() as watch:
        await _calls(count)
    return watch.rate(count)


async def _calls(count: int) -> None:
    for _ in range(count):
        await gen_server.call("counter", None)


async def concurrent_call(count: int) -> Figures:
    each = count // CLIENTS
    await gen_server.start(Counter, [0], "counter")
    finished = asyncio.Semaphore(0)

    async def client() -> None:
        await _calls(each)
        finished.release()

    with Stopwatch() as watch:
        for _ in range(CLIENTS):
            await process.spawn(client)
        for _ in range(CLIENTS):
            await finished.acquire()
    return watch.rate(CLIENTS * each)


async def cast(count: int) -> Figures:
    State.goal = count
    await gen_server.start(Counter, [0], "counter")
    with Stopwatch() as watch:
        for _ in range(count):
            await gen_server.cast("counter", None)
        await State.reached.wait()
    return watch.rate(count)


async def fan_in(count: int) -> Figures:
    each = count // PRODUCERS
    State.goal = PRODUCERS * each
    await gen_server.start(Counter, [0], "counter")
    for i in range(PRODUCERS):
        await gen_server.start(Producer, None, f"producer {i}")
    with Stopwatch() as watch:
        for i in range(PRODUCERS):
            await gen_server.cast(f"producer {i}", each)
        await State.reached.wait()
    return watch.rate(PRODUCERS * each)


async def ring(count: int) -> Figures:
    for i in range(RING):
        await gen_server.start(Node, f"node {(i + 1) % RING}", f"node {i}")
    with Stopwatch() as watch:
        await gen_server.cast("node 0", count)
        await State.reached.wait()
    return watch.rate(count)


async def spawn(count: int) -> Figures:
    with Stopwatch() as watch:
        for _ in range(count):
            await gen_server.start(Counter, [0])
    return watch.rate(count)


async def restart(count: int) -> Figures:
    await supervisor.start_link(Tree)
    await State.starts.get()
    with Stopwatch() as watch:
        for _ in range(count):
            await gen_server.cast("fragile", None)
            # A child that crashes before its supervisor has taken note of it is never started again.
            await asyncio.wait_for(State.starts.get(), 5)
    return watch.rate(count)


async def bytes_per_actor(count: int) -> Figures:
    with Scales() as scales:
        for i in range(count):
            await gen_server.start(Counter, [0], f"counter {i}")
            await gen_server.cast(f"counter {i}", None)
            await gen_server.call(f"counter {i}", None)
    return scales.each(count)


WORKLOADS: Final[dict[str, tuple[Callable[[int], Awaitable[Figures]], int]]] = {
    "call": (call, 10_000),
    "concurrent_call": (concurrent_call, 20_000),
    "cast": (cast, 50_000),
    "fan_in": (fan_in, 100_000),
    "ring": (ring, 30_000),
    "spawn": (spawn, 5_000),
    "restart": (restart, 2_000),
    "bytes_per_actor": (bytes_per_actor, 5_000),
}


async def main() -> None:
    """Run the workload in a process of otpylib's."""
    workload, count = WORKLOADS[sys.argv[1]]
    runtime = backend.AsyncIOBackend()
    await runtime.initialize()
    process.use_runtime(runtime)
    finished: asyncio.Future[Figures] = asyncio.get_running_loop().create_future()

    async def root() -> None:
        try:
            finished.set_result(await workload(round(count * float(sys.argv[2]))))
        except Exception as error:  # noqa: BLE001 -- it is raised where it is waited for
            finished.set_exception(error)

    await process.spawn(root)
    publish(await finished)


if __name__ == "__main__":
    asyncio.run(main())

"""Random supervision scripts that real Erlang/OTP ran: ours give the same result, trace and tree at every step.

``supervision_traces.md`` describes the file; the environment variable ``OTP_TRACES`` names another one to run.
"""

import json
import math
import os
from collections import Counter
from pathlib import Path
from typing import Any

import attrs
import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

import supervision
from actors import (
    NORMAL,
    SHUTDOWN,
    Actor,
    ActorRef,
    ActorSystem,
    Crash,
    ExitReason,
    Shutdown,
    Stop,
    open_system,
)
from supervision import ChildSpec, ChildStartError, Supervisor, SupervisorSpec, which_children

FILE = Path(os.environ.get("OTP_TRACES") or Path(__file__).with_name("supervision_traces.jsonl"))
SCRIPTS = [json.loads(line) for line in FILE.read_text(encoding="utf-8").splitlines() if line]

RESULTS: dict[type[Exception], str] = {
    supervision.BadSpecError: "bad_combination",
    supervision.ChildNotFoundError: "not_found",
    supervision.ChildRunningError: "running",
    supervision.AlreadyStartedError: "already_started",
    supervision.AlreadyPresentError: "already_present",
}
ENDS: dict[str, ExitReason] = {"normal": NORMAL, "shutdown": SHUTDOWN, "boom": Crash("boom")}


@attrs.define
class Run:
    """One script being run: its starts counted by path, and what happened since the last step."""

    attempts: Counter[str] = attrs.field(factory=Counter)
    trace: list[list[object]] = attrs.field(factory=list)

    def child(self, above: str, child: dict[str, Any]) -> ChildSpec:
        """Return the specification of *child*; a supervisor's own is made, and checked, when it starts."""
        path = f"{above}/{child['id']}"
        options = {"restart": child["restart"], "significant": child["significant"]}
        if "supervisor" in child:
            return ChildSpec(
                child["id"],
                Supervisor,
                (lambda: self.supervisor(path, child["supervisor"]),),
                **options,
            )
        time = child["shutdown"]
        shutdown = math.inf if time == "infinity" else time / 1000 if isinstance(time, int) else time
        return ChildSpec(child["id"], Worker, (self, path, child["fail_starts"]), shutdown=shutdown, **options)

    def supervisor(self, path: str, node: dict[str, Any]) -> SupervisorSpec:
        return SupervisorSpec(
            [self.child(path, child) for child in node["children"]],
            strategy=node["strategy"],
            intensity=node["intensity"],
            period=3600.0,
            auto_shutdown=node["auto_shutdown"],
        )


class Worker(Actor):
    """A worker that records its starts and stops, and exits when it is told to."""

    trap_exit = True

    def __init__(self, run: Run, path: str, fail_starts: list[int]) -> None:
        self.run = run
        self.path = path
        self.fail_starts = fail_starts

    def init(self) -> Stop | None:
        self.run.attempts[self.path] += 1
        attempt = self.run.attempts[self.path]
        fails = attempt in self.fail_starts
        self.run.trace.append(["start_failed" if fails else "start", self.path, attempt])
        return Stop(Crash("boom")) if fails else None

    def handle_cast(self, message: Stop) -> Stop:
        return message

    def terminate(self, reason: ExitReason) -> None:
        detail = reason.detail if isinstance(reason, Shutdown) else None
        text = str(reason) if detail is None else f"{{shutdown,{detail}}}"
        self.run.trace.append(["stop", self.path, text])


def result_of(error: Exception) -> str:
    """Return what the file calls *error*."""
    match error:
        case ChildStartError(__cause__=ChildStartError() as inner):
            return f"failed_to_start_child:{inner.child}"
        case ChildStartError():
            return "start_error"
        case _:
            return RESULTS[type(error)]


async def tree_of(supervisor: ActorRef) -> dict[str, object]:
    return {
        child.id: await tree_of(child.ref) if child.ref is not None and child.kind == "supervisor" else child.state
        for child in await which_children(supervisor)
    }


async def find(root: ActorRef, path: str) -> ActorRef | None:
    """Return the living process of *path*."""
    ref: ActorRef | None = root
    for child_id in path.split("/")[1:]:
        if ref is None:
            return None
        ref = next((child.ref for child in await which_children(ref) if child.id == child_id), None)
    return ref


def crash(worker: ActorRef, reason: str | list[str]) -> None:
    match reason:
        case "kill":
            worker.kill()
        case ["shutdown", detail]:
            worker.cast(Stop(Shutdown(detail)))
        case str():
            worker.cast(Stop(ENDS[reason]))


async def apply(run: Run, root: ActorRef, event: list[Any]) -> str:
    kind, path, argument = event
    target = await find(root, path)
    if target is None:
        return "noproc"
    if kind == "crash":
        crash(target, argument)
        return "ok"
    try:
        if kind == "start_child":
            argument = run.child(path, argument)
        await getattr(supervision, kind)(target, argument)
    except supervision.SupervisionError as error:
        return result_of(error)
    return "ok"


async def step(run: Run, root: ActorRef, result: str) -> dict[str, object]:
    """Return the record of a step, once everything has settled."""
    await wait_all_tasks_blocked()
    tree = await tree_of(root) if root.alive else None
    trace, run.trace = run.trace, []
    return {"result": result, "trace": trace, "tree": tree}


async def play(system: ActorSystem, script: dict[str, Any]) -> list[dict[str, object]]:
    """Run *script* and return the records of its steps, the boot being the first."""
    run = Run()
    try:
        root = await system.start(Supervisor, lambda: run.supervisor("root", script["root"]))
    except supervision.BadSpecError:
        return [{"result": "bad_combination", "trace": run.trace, "tree": None}]
    except ChildStartError as error:
        return [{"result": f"failed_to_start_child:{error.child}", "trace": run.trace, "tree": None}]
    steps = [await step(run, root, "ok")]
    steps += [await step(run, root, await apply(run, root, event)) for event in script["events"]]
    if root.alive:
        await root.stop(SHUTDOWN)
        steps.append({"result": "ok", "trace": run.trace, "tree": {}})
    return steps


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: str(script["id"]))
async def test_does_what_otp_did(script: dict[str, Any], autojump_clock: MockClock) -> None:
    async with open_system() as system:
        steps = await play(system, script)

    assert steps == [script["boot"], *script["steps"]]
    assert trio.current_time() == 0

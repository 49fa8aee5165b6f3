"""Each way a child can die: what its supervisor sees, does and reports, and that nobody waits for it."""

import logging
import sys
from typing import Any

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from actors import (
    KILLED,
    NORMAL,
    SHUTDOWN,
    Actor,
    ActorExitedError,
    BadReturnError,
    Crash,
    ExitReason,
    Stop,
)
from supervision import ChildSpec, Supervisor, SupervisorReport, SupervisorSpec, terminate_child, which_child
from tests.supervision.workers import ABNORMAL, counts, ref_of, states, supervising


class Mortal(Actor):
    """Dies of the call that it is told to die of."""

    def die(self, how: str) -> Any:
        match how:
            case "raise":
                raise ABNORMAL.cause  # type: ignore[misc]
            case "exit the program":
                sys.exit(3)
            case "stop":
                return Stop(NORMAL)
            case "kill":
                self.ref.kill()
            case "bad return":
                return Stop(NORMAL, reply=None)
        return None


class SyncMortal(Mortal):
    def handle_call(self, message: str, caller: object) -> Any:
        return self.die(message)

    def handle_info(self, message: str) -> Any:
        return self.die(message)


class AsyncMortal(Mortal):
    async def handle_call(self, message: str, caller: object) -> Any:
        match message:
            case "group":
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self.handle_call, "raise", caller)
            case "cancel":
                with trio.CancelScope() as scope:
                    scope.cancel()
                    await trio.sleep_forever()
                return self.die("raise")
            case "kill":
                self.ref.kill()
                await trio.sleep_forever()
        return self.die(message)

    async def handle_info(self, message: str) -> Any:
        return self.die(message)


def expected(how: str, reason: ExitReason) -> bool:
    """Tell whether *reason* is what dying *how* comes to."""
    match how, reason:
        case (("raise" | "cancel"), Crash(cause=RuntimeError())):
            return True
        case "group", Crash(cause=ExceptionGroup()):
            return True
        case "exit the program", Crash(cause=SystemExit()):
            return True
        case "bad return", Crash(cause=BadReturnError()):
            return True
        case _:
            return reason == {"stop": NORMAL, "kill": KILLED}.get(how)


SYNC_DEATHS = ["raise", "exit the program", "stop", "kill"]
CASES: list[tuple[type[Mortal], str]] = [
    # One that kills itself without yielding has answered by the time it dies.
    *((SyncMortal, how) for how in SYNC_DEATHS if how != "kill"),
    *((AsyncMortal, how) for how in [*SYNC_DEATHS, "group", "cancel"]),
]


@pytest.mark.parametrize(("mortal", "how"), CASES)
async def test_a_child_that_dies_of_a_call_is_restarted_and_its_caller_told(
    mortal: type[Mortal], how: str, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    async with supervising(ChildSpec("child1", mortal)) as sup:
        ref = await ref_of(sup, "child1")
        with pytest.raises(ActorExitedError) as caught:
            await ref.call(how, timeout=None)

        assert ref.reason is not None
        assert caught.value.reason == ref.reason
        assert expected(how, ref.reason)
        again = await ref_of(sup, "child1")
        assert again is not ref
        assert again.alive
    assert reported(caplog) == [("child_terminated", ref.reason)]
    assert trio.current_time() == 0


async def test_giving_up_is_reported_once_with_the_last_to_fail(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    async with supervising(ChildSpec("child1", SyncMortal), intensity=0) as sup:
        (await ref_of(sup, "child1")).kill()
        assert await sup.wait() == SHUTDOWN
    assert reported(caplog) == [
        ("child_terminated", KILLED),
        ("shutdown", "1 restart in 3600.0 s, allowed are 0"),
    ]
    assert trio.current_time() == 0


@pytest.mark.parametrize("mortal", [SyncMortal, AsyncMortal])
@pytest.mark.parametrize("how", [*SYNC_DEATHS, "bad return"])
async def test_a_child_that_dies_of_a_message_is_restarted(
    mortal: type[Mortal], how: str, autojump_clock: MockClock
) -> None:
    async with supervising(ChildSpec("child1", mortal)) as sup:
        ref = await ref_of(sup, "child1")
        ref.send(how)

        assert expected(how, await ref.wait())
        assert await ref_of(sup, "child1") is not ref
    assert trio.current_time() == 0


@pytest.mark.parametrize("asynchronous", [False, True])
async def test_a_crash_in_terminate_is_the_reason_that_counts(
    *, asynchronous: bool, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    """A transient child that wanted to end well, but could not, is restarted."""
    error = RuntimeError("cannot clean up")

    class Failing(Actor):
        def handle_cast(self, message: Stop) -> Stop:
            return message

        def terminate(self, reason: ExitReason) -> None:
            raise error

    class AsyncFailing(Failing):
        async def terminate(self, reason: ExitReason) -> None:  # type: ignore[override]
            await trio.lowlevel.checkpoint()
            raise error

    spec = ChildSpec("child1", AsyncFailing if asynchronous else Failing, restart="transient")
    async with supervising(spec) as sup:
        ref = await ref_of(sup, "child1")
        ref.cast(Stop(NORMAL))
        assert await ref.wait() == Crash(error)
        assert await states(sup) == {"child1": "running"}

        await terminate_child(sup, "child1")
    assert reported(caplog) == [("child_terminated", Crash(error)), ("shutdown_error", Crash(error))]
    assert trio.current_time() == 0


async def test_a_child_that_blocks_for_a_while_is_waited_for(autojump_clock: MockClock) -> None:
    class Busy(Actor):
        async def handle_cast(self, message: float) -> None:
            with trio.CancelScope(shield=True):
                await trio.sleep(message)

    async with supervising(ChildSpec("child1", Busy, shutdown=5.0)) as sup:
        ref = await ref_of(sup, "child1")
        ref.cast(2.0)
        await wait_all_tasks_blocked()
        await terminate_child(sup, "child1")

        assert ref.reason == SHUTDOWN
        assert trio.current_time() == 2.0


async def test_a_child_that_shields_itself_from_the_kill_is_left_behind_after_the_grace_period(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    class Shielded(Actor):
        async def handle_cast(self, message: float) -> None:
            with trio.CancelScope(shield=True):
                await trio.sleep(message)

    async with supervising(ChildSpec("child1", Shielded, shutdown=0.5)) as sup:
        ref = await ref_of(sup, "child1")
        ref.cast(60.0)
        await wait_all_tasks_blocked()
        await terminate_child(sup, "child1")

        assert ref.reason == KILLED
        assert trio.current_time() == 1.5
        assert await counts(sup) == [1, 0, 0, 1]
    assert reported(caplog) == [("shutdown_error", KILLED)]


async def test_a_killed_supervisor_takes_its_children_along_and_is_restarted(
    autojump_clock: MockClock,
) -> None:
    leaf = ChildSpec("leaf", SyncMortal)
    inner = ChildSpec("inner", Supervisor, (SupervisorSpec([leaf]),))
    branch = ChildSpec("branch", Supervisor, (SupervisorSpec([inner]),))

    async with supervising(branch) as top:
        old = await ref_of(top, "branch")
        old_inner = await ref_of(old, "inner")
        old_leaf = await ref_of(old_inner, "leaf")
        old.kill()
        new = await ref_of(top, "branch")

        assert new is not old
        assert await ref_of(await ref_of(new, "inner"), "leaf") is not old_leaf
        await wait_all_tasks_blocked()
        assert (old_inner.reason, old_leaf.reason) == (KILLED, SHUTDOWN)
    assert trio.current_time() == 0


async def test_a_child_that_exits_while_a_request_for_it_waits(autojump_clock: MockClock) -> None:
    """The exit came first, so the request finds the new process."""
    async with supervising(ChildSpec("child1", SyncMortal)) as sup:
        ref = await ref_of(sup, "child1")
        ref.kill()

        assert (await which_child(sup, "child1")).ref is not ref
    assert trio.current_time() == 0


def reported(caplog: pytest.LogCaptureFixture) -> list[tuple[str, object]]:
    """Return the context and the reason of each supervisor report."""
    reports = [getattr(record, "report", None) for record in caplog.records if record.levelno == logging.ERROR]
    return [(report.context, report.reason) for report in reports if isinstance(report, SupervisorReport)]

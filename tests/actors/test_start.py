"""Starting: what start returns and raises, and what a failed start leaves behind, which is nothing."""

from __future__ import annotations

import math
from itertools import count, pairwise
from typing import TYPE_CHECKING, Any

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from actors import (
    IGNORE,
    KILLED,
    NORMAL,
    SHUTDOWN,
    Actor,
    ActorExitedError,
    ActorRef,
    ActorSystem,
    BadReturnError,
    Caller,
    Crash,
    Down,
    Exit,
    ExitReason,
    IgnoredError,
    InitTimeoutError,
    NameTakenError,
    NoProcessError,
    Shutdown,
    Stop,
    StoppingError,
    Timeout,
    get_state,
    open_system,
)
from tests.actors.probe import Probe, received

if TYPE_CHECKING:
    from tests.actors.kinds import Kind


class Till(Actor):
    def __init__(self, total: int = 0, *, currency: str = "EUR") -> None:
        self.total = total
        self.currency = currency

    def handle_call(self, message: object, caller: Caller) -> Any:
        return Stop(Crash("stopped"), reply="ok") if message == "stop" else self.total


class Starting(Actor):
    """Does in its init what it is told."""

    def __init__(self, result: object = None, error: BaseException | None = None) -> None:
        self.result = result
        self.error = error

    def init(self) -> object:
        if self.error is not None:
            raise self.error
        return self.result


class Broken(Actor):
    """Has a constructor that fails."""

    def __init__(self) -> None:
        raise ValueError("no money")


class Sleeper(Actor):
    """Takes its time in its init, and tells how it was left."""

    def __init__(self, seconds: float, ends: list[str] | None = None) -> None:
        self.seconds = seconds
        self.ends = [] if ends is None else ends

    async def init(self) -> None:
        try:
            await trio.sleep(self.seconds)
        except trio.Cancelled:
            self.ends.append("cancelled")
            raise

    def terminate(self, reason: ExitReason) -> None:
        self.ends.append(f"terminate: {reason}")


async def test_start_returns_a_living_actor_that_answers(system: ActorSystem, kind: Kind) -> None:
    till = await system.start(kind(Till), 3)

    assert till.alive
    assert till.reason is None
    assert till.name is None
    assert await till.call("total", timeout=None) == 3


async def test_start_hands_its_arguments_to_the_constructor(system: ActorSystem, kind: Kind) -> None:
    till = await system.start(kind(Till), 3, currency="CHF")

    assert await get_state(till) == {"total": 3, "currency": "CHF"}


async def test_start_with_a_name_is_found_by_it(system: ActorSystem, kind: Kind) -> None:
    till = await system.start(kind(Till), 3, name="till")

    assert till.name == "till"
    assert system.whereis("till") is till
    assert await system.named("till").call("total") == 3


async def test_start_gives_every_incarnation_another_id(system: ActorSystem, kind: Kind) -> None:
    one = await system.start(kind(Till), name="till")
    await one.stop()

    two = await system.start(kind(Till), name="till")

    assert one.id != two.id
    assert one is not two
    assert not one.alive


async def test_start_returns_when_init_has_returned(system: ActorSystem) -> None:
    sleeper = await system.start(Sleeper, 2.0)

    assert trio.current_time() == 2.0
    assert sleeper.alive


async def test_start_within_its_init_timeout_lives_on_after_it(system: ActorSystem) -> None:
    sleeper = await system.start(Sleeper, 0.5, init_timeout=1.0)

    await trio.sleep(10)

    assert sleeper.alive


async def test_start_gives_the_name_before_init_runs(system: ActorSystem, kind: Kind) -> None:
    class Namesake(Actor):
        def init(self) -> None:
            self.found = self.system.whereis("namesake")

    namesake = await system.start(kind(Namesake), name="namesake")

    assert (await get_state(namesake))["found"] is namesake


async def test_start_has_messages_that_came_during_init_handled_after_it(system: ActorSystem) -> None:
    class Early(Actor):
        def __init__(self) -> None:
            self.seen: list[str] = []

        async def init(self) -> None:
            await trio.sleep(1)
            self.seen.append("init")

        def handle_cast(self, message: str) -> None:
            self.seen.append(message)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(lambda: system.start(Early, name="early"))
        await trio.sleep(0.5)
        system.named("early").cast("cast")

    assert (await get_state(system.named("early")))["seen"] == ["init", "cast"]


async def test_undef_init_starts_as_the_constructor_left_it(system: ActorSystem, kind: Kind) -> None:
    class Uninitialised(Actor):
        def __init__(self) -> None:
            self.total = 3

    started = await system.start(kind(Uninitialised))

    assert await get_state(started) == {"total": 3}


async def test_undef_init_is_not_what_hides_wrong_arguments(system: ActorSystem, kind: Kind) -> None:
    class Uninitialised(Actor): ...

    with pytest.raises(TypeError, match="argument"):
        await system.start(kind(Uninitialised), 3, name="till")

    assert system.whereis("till") is None
    assert str(system) == "<ActorSystem: 0 actors>"


async def test_start_raises_what_the_constructor_raised(system: ActorSystem) -> None:
    with pytest.raises(ValueError, match="no money"):
        await system.start(Broken, name="broken")

    assert system.whereis("broken") is None
    assert str(system) == "<ActorSystem: 0 actors>"


async def test_start_raises_what_init_raised(system: ActorSystem, kind: Kind) -> None:
    error = ValueError("no money")

    with pytest.raises(ValueError, match="no money") as caught:
        await system.start(kind(Starting), error=error, name="starting")

    assert caught.value is error
    assert system.whereis("starting") is None
    assert str(system) == "<ActorSystem: 0 actors>"


async def test_start_ignore_raises_ignored(system: ActorSystem, kind: Kind) -> None:
    with pytest.raises(IgnoredError, match="chose not to start"):
        await system.start(kind(Starting), IGNORE, name="starting")

    assert system.whereis("starting") is None
    assert str(system) == "<ActorSystem: 0 actors>"


@pytest.mark.parametrize("reason", [NORMAL, SHUTDOWN, Shutdown("later"), KILLED, Crash("stopped")], ids=str)
async def test_start_stopped_in_init_raises_the_reason(system: ActorSystem, kind: Kind, reason: ExitReason) -> None:
    with pytest.raises(ActorExitedError) as caught:
        await system.start(kind(Starting), Stop(reason), name="starting")

    assert caught.value.reason == reason
    assert system.whereis("starting") is None
    assert str(system) == "<ActorSystem: 0 actors>"


async def test_start_stopped_in_init_with_an_exception_raises_it(system: ActorSystem, kind: Kind) -> None:
    with pytest.raises(ValueError, match="no money"):
        await system.start(kind(Starting), Stop(Crash(ValueError("no money"))))


@pytest.mark.parametrize("result", [4711, False, "", NORMAL, Stop(reply=1), Timeout()], ids=repr)
async def test_start_bad_return_of_init_names_it_and_what_is_allowed(
    system: ActorSystem, kind: Kind, result: object
) -> None:
    with pytest.raises(BadReturnError) as caught:
        await system.start(kind(Starting), result, name="starting")

    assert repr(result) in str(caught.value)
    assert "init of <starting #" in str(caught.value)
    assert "allowed are None, Continue, IGNORE and Stop" in str(caught.value)
    assert system.whereis("starting") is None


async def test_start_init_timeout_kills_the_process(system: ActorSystem) -> None:
    ends: list[str] = []

    with pytest.raises(InitTimeoutError, match=r"init of <sleeper #\d+> took longer than 0.1 s"):
        await system.start(Sleeper, 1.0, ends, name="sleeper", init_timeout=0.1)

    assert trio.current_time() == 0.1
    assert ends == ["cancelled"]
    assert system.whereis("sleeper") is None
    assert str(system) == "<ActorSystem: 0 actors>"


async def test_start_already_started_names_the_holder(system: ActorSystem, kind: Kind) -> None:
    first = await system.start(kind(Till), 3, name="till")

    with pytest.raises(NameTakenError, match=r"'till' is taken by <till #\d+>") as caught:
        await system.start(kind(Till), 4, name="till")

    assert caught.value.ref is first
    assert await first.call("total") == 3
    assert str(system) == "<ActorSystem: 1 actors>"


async def test_start_already_started_counts_one_that_is_still_starting(system: ActorSystem) -> None:
    taken: list[NameTakenError] = []

    async def start() -> None:
        try:
            await system.start(Sleeper, 1.0, name="sleeper")
        except NameTakenError as error:
            taken.append(error)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(start)
        nursery.start_soon(start)

    assert [error.ref for error in taken] == [system.whereis("sleeper")]


async def test_start_already_started_does_not_run_the_constructor(system: ActorSystem) -> None:
    await system.start(Till, name="till")

    with pytest.raises(NameTakenError):
        await system.start(Broken, name="till")


async def test_start_stop_then_a_call_finds_no_process(system: ActorSystem, kind: Kind) -> None:
    till = await system.start(kind(Till), name="till")
    assert await till.call("stop", timeout=None) == "ok"
    assert await till.wait() == Crash("stopped")

    with pytest.raises(NoProcessError, match=r"<till #\d+> is dead"):
        await till.call("total", timeout=None)
    with pytest.raises(NoProcessError, match="nobody has the name 'till'"):
        await system.named("till").call("total", timeout=None)

    assert trio.current_time() == 0


@pytest.mark.parametrize("name", [None, "till"])
async def test_start_linked_sends_the_exit_to_its_parent(system: ActorSystem, kind: Kind, name: str | None) -> None:
    probe = await system.start(Probe, trap_exit=True)
    till: ActorRef = await probe.call(lambda me: me.start_link(kind(Till), name=name))

    assert await till.call("stop", timeout=None) == "ok"
    await till.wait()

    assert await probe.call(received) == [Exit(till, Crash("stopped"))]
    assert trio.current_time() == 0


async def test_start_linked_takes_a_parent_that_does_not_trap_exits_along(system: ActorSystem, kind: Kind) -> None:
    probe = await system.start(Probe)
    till: ActorRef = await probe.call(lambda me: me.start_link(kind(Till)))

    await till.call("stop", timeout=None)

    assert await probe.wait() == Crash("stopped")
    assert trio.current_time() == 0


async def test_start_by_the_system_links_to_nobody_but_the_system(system: ActorSystem, kind: Kind) -> None:
    probe = await system.start(Probe)
    till: ActorRef = await probe.call(lambda me: me.system.start(kind(Till)))

    await till.call("stop", timeout=None)
    await till.wait()

    assert await probe.call(received) == []


@pytest.mark.parametrize("name", [None, "till"])
async def test_start_monitored_sends_one_down(system: ActorSystem, kind: Kind, name: str | None) -> None:
    probe = await system.start(Probe)
    till = await system.start(kind(Till), name=name)
    monitor = await probe.call(lambda me: till.monitor())

    assert await till.call("stop", timeout=None) == "ok"
    await till.wait()

    assert await probe.call(received) == [Down(till, Crash("stopped"), monitor)]
    assert trio.current_time() == 0


FAILURES: dict[str, tuple[type[Actor], tuple[object, ...], float, type[Exception]]] = {
    "stop": (Starting, (Stop(Crash("failed")),), math.inf, ActorExitedError),
    "stop_normal": (Starting, (Stop(NORMAL),), math.inf, ActorExitedError),
    "ignore": (Starting, (IGNORE,), math.inf, IgnoredError),
    "bad_return": (Starting, (4711,), math.inf, BadReturnError),
    "error": (Starting, (None, ValueError("bail out")), math.inf, ValueError),
    "exit": (Starting, (None, SystemExit("bail out")), math.inf, ActorExitedError),
    "constructor": (Broken, (), math.inf, ValueError),
    "timeout": (Sleeper, (1.0,), 0.2, InitTimeoutError),
}
"""What is started, with what, its init_timeout, and what start raises."""


@pytest.mark.parametrize("failure", FAILURES)
async def test_loop_start_fail_leaves_the_name_free_five_times_in_a_row(
    system: ActorSystem, kind: Kind, failure: str
) -> None:
    actor, args, init_timeout, error = FAILURES[failure]

    for _ in range(5):
        with pytest.raises(error):
            await system.start(kind(actor), *args, name="starting", init_timeout=init_timeout)
        assert system.whereis("starting") is None
        assert str(system) == "<ActorSystem: 0 actors>"


@pytest.mark.parametrize("failure", FAILURES)
async def test_loop_start_fail_of_a_child_leaves_no_message_for_a_trapping_parent(
    system: ActorSystem, kind: Kind, failure: str
) -> None:
    actor, args, init_timeout, error = FAILURES[failure]
    probe = await system.start(Probe, trap_exit=True)

    async def start_five_times(me: Probe) -> list[ActorRef | None]:
        found = []
        for _ in range(5):
            with pytest.raises(error):
                await me.start_link(kind(actor), *args, name="starting", init_timeout=init_timeout)
            found.append(me.system.whereis("starting"))
        return found

    found = await probe.call(start_five_times, timeout=None)

    assert found == [None] * 5
    assert await probe.call(received) == []
    assert str(system) == "<ActorSystem: 1 actors>"


@pytest.mark.parametrize("failure", ["stop", "bad_return", "error", "timeout"])
async def test_loop_start_fail_ends_a_parent_that_does_not_trap_exits(
    system: ActorSystem, kind: Kind, failure: str
) -> None:
    actor, args, init_timeout, error = FAILURES[failure]
    probe = await system.start(Probe)

    async def start(me: Probe) -> None:
        with pytest.raises(error):
            await me.start_link(kind(actor), *args, init_timeout=init_timeout)
        await trio.sleep_forever()

    with pytest.raises(ActorExitedError) as caught:
        await probe.call(start, timeout=None)

    assert isinstance(caught.value.reason, KILLED.__class__ if failure == "timeout" else Crash)
    assert await probe.wait() == caught.value.reason


@pytest.mark.parametrize("result", [IGNORE, Stop(NORMAL)], ids=["ignore", "stop_normal"])
async def test_loop_start_fail_with_a_normal_end_leaves_the_parent_alone(
    system: ActorSystem, kind: Kind, result: object
) -> None:
    probe = await system.start(Probe)

    async def start(me: Probe) -> str:
        with pytest.raises((IgnoredError, ActorExitedError)):
            await me.start_link(kind(Starting), result)
        return "lives"

    assert await probe.call(start, timeout=None) == "lives"
    assert probe.alive


@pytest.mark.parametrize("failure", FAILURES)
async def test_loop_start_fail_is_not_seen_by_a_child_that_started_before(
    system: ActorSystem, kind: Kind, failure: str
) -> None:
    actor, args, init_timeout, error = FAILURES[failure]
    till = await system.start(kind(Till), 3)

    with pytest.raises(error):
        await system.start(kind(actor), *args, init_timeout=init_timeout)

    assert await till.call("total", timeout=None) == 3


@pytest.mark.parametrize("result", [IGNORE, Stop(Crash("stopped"))], ids=["ignore", "stop"])
async def test_otp_7669_the_name_is_never_registered_when_start_has_returned(
    system: ActorSystem, kind: Kind, result: object
) -> None:
    starting = kind(Starting)

    for _ in range(100):
        with pytest.raises((IgnoredError, ActorExitedError)):
            await system.start(starting, result, name="starting")
        assert system.whereis("starting") is None


async def test_a_failed_start_runs_no_terminate(system: ActorSystem, kind: Kind) -> None:
    terminated: list[ExitReason] = []

    class Failing(Starting):
        def terminate(self, reason: ExitReason) -> None:
            terminated.append(reason)

    for arguments in ((IGNORE,), (Stop(Crash("stopped")),), (4711,), (None, ValueError("bail out"))):
        with pytest.raises((IgnoredError, ActorExitedError, BadReturnError, ValueError)):
            await system.start(kind(Failing), *arguments)

    assert terminated == []


async def test_a_cancelled_start_leaves_nothing_behind(system: ActorSystem) -> None:
    ends: list[str] = []

    with trio.move_on_after(1):
        await system.start(Sleeper, 10.0, ends, name="sleeper")

    assert trio.current_time() == 1
    assert ends == ["cancelled"]
    assert system.whereis("sleeper") is None
    assert str(system) == "<ActorSystem: 0 actors>"


async def test_a_cancelled_start_waits_until_init_has_cleaned_up(system: ActorSystem) -> None:
    class Careful(Actor):
        async def init(self) -> None:
            try:
                await trio.sleep(10)
            finally:
                with trio.CancelScope(shield=True):
                    await trio.sleep(0.5)

    with trio.move_on_after(1):
        await system.start(Careful, name="careful")

    assert trio.current_time() == 1.5
    assert system.whereis("careful") is None
    assert str(system) == "<ActorSystem: 0 actors>"


async def test_a_process_killed_in_its_init_makes_start_raise(system: ActorSystem) -> None:
    ends: list[str] = []

    async with trio.open_nursery() as nursery:

        async def start() -> None:
            with pytest.raises(ActorExitedError) as caught:
                await system.start(Sleeper, 10.0, ends, name="sleeper")
            assert caught.value.reason == KILLED

        nursery.start_soon(start)
        await wait_all_tasks_blocked()
        sleeper = system.whereis("sleeper")
        assert sleeper is not None
        sleeper.kill()

    assert trio.current_time() == 0
    assert ends == ["cancelled"]


async def test_a_process_told_to_exit_in_its_init_makes_start_raise(system: ActorSystem) -> None:
    ends: list[str] = []

    async with trio.open_nursery() as nursery:

        async def start() -> None:
            with pytest.raises(ActorExitedError) as caught:
                await system.start(Sleeper, 10.0, ends, name="sleeper")
            assert caught.value.reason == SHUTDOWN

        nursery.start_soon(start)
        await wait_all_tasks_blocked()
        sleeper = system.whereis("sleeper")
        assert sleeper is not None
        sleeper.exit(SHUTDOWN)

    assert trio.current_time() == 0
    assert ends == ["cancelled"]
    assert str(system) == "<ActorSystem: 0 actors>"


async def test_a_parent_that_dies_while_it_starts_a_child_takes_it_along(system: ActorSystem) -> None:
    ends: list[str] = []
    probe = await system.start(Probe)
    request = probe.send_request(lambda me: me.start_link(Sleeper, 10.0, ends, name="sleeper"))
    await wait_all_tasks_blocked()

    probe.exit(Crash("broke"))

    assert await probe.wait() == Crash("broke")
    with pytest.raises(ActorExitedError):
        await request.wait(timeout=None)
    assert ends == ["cancelled"]
    assert trio.current_time() == 0
    assert str(system) == "<ActorSystem: 0 actors>"


async def test_a_stopping_actor_starts_nothing(system: ActorSystem) -> None:
    refused: list[Exception] = []

    class Late(Actor):
        async def terminate(self, reason: ExitReason) -> None:
            try:
                await self.start_link(Till)
            except StoppingError as error:
                refused.append(error)

    late = await system.start(Late, name="late")

    await late.stop()

    assert [str(error) for error in refused] == ["<late #2> is stopping and does not start Till"]


async def test_a_stopping_system_starts_nothing(autojump_clock: MockClock) -> None:
    refused: list[Exception] = []

    class Late(Actor):
        async def terminate(self, reason: ExitReason) -> None:
            try:
                await self.system.start(Till, name="till")
            except StoppingError as error:
                refused.append(error)

    async with open_system() as system:
        await system.start(Late)

    assert len(refused) == 1
    assert system.whereis("till") is None


async def test_a_stopped_system_starts_nothing(autojump_clock: MockClock) -> None:
    async with open_system() as system:
        pass

    with pytest.raises(StoppingError):
        await system.start(Till)


@pytest.mark.parametrize("actor", [Till(), object, int, None, "Till", Till.init], ids=repr)
async def test_what_is_no_actor_class_cannot_be_started(system: ActorSystem, actor: Any) -> None:
    with pytest.raises(TypeError, match="only a subclass of Actor can be started; got") as caught:
        await system.start(actor, name="till")

    assert repr(actor) in str(caught.value)
    assert system.whereis("till") is None


@pytest.mark.parametrize("name", ["", " ", " till", "till ", "till\n", "a\x00b"])
async def test_a_bad_name_is_refused(system: ActorSystem, name: str) -> None:
    with pytest.raises(ValueError, match="the name of an actor is printable") as caught:
        await system.start(Till, name=name)

    assert repr(name) in str(caught.value)
    assert str(system) == "<ActorSystem: 0 actors>"


@pytest.mark.parametrize("name", [7, b"till", ("a", 1), Till])
async def test_a_name_that_is_no_string_is_refused(system: ActorSystem, name: Any) -> None:
    with pytest.raises(TypeError, match="the name of an actor is a str") as caught:
        await system.start(Till, name=name)

    assert repr(name) in str(caught.value)


@pytest.mark.parametrize("init_timeout", [0, -1, math.nan, "1", None, True], ids=repr)
async def test_a_bad_init_timeout_is_refused(system: ActorSystem, init_timeout: Any) -> None:
    with pytest.raises(ValueError, match="init_timeout is a number of seconds more than 0; got") as caught:
        await system.start(Till, name="till", init_timeout=init_timeout)

    assert repr(init_timeout) in str(caught.value)
    assert system.whereis("till") is None


@pytest.mark.parametrize("shutdown", [-1, math.nan, "5", "brutal", True, ()], ids=repr)
async def test_a_bad_shutdown_is_refused(system: ActorSystem, shutdown: Any) -> None:
    with pytest.raises(ValueError, match="shutdown is a number of seconds, 0 or more, or 'brutal_kill'") as caught:
        await system.start(Till, name="till", shutdown=shutdown)

    assert repr(shutdown) in str(caught.value)
    assert system.whereis("till") is None


async def test_who_starts_many_lets_others_work(system: ActorSystem, monkeypatch: pytest.MonkeyPatch) -> None:
    milliseconds = count()
    monkeypatch.setattr("actors.dispatcher.perf_counter", lambda: next(milliseconds) / 1000)
    turns: list[int] = []
    started: list[ActorRef] = []

    async def look() -> None:
        while True:
            turns.append(len(started))
            await trio.lowlevel.checkpoint()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(look)
        for _ in range(100):
            started.append(await system.start(Probe))  # noqa: PERF401 -- seen from outside meanwhile
        nursery.cancel_scope.cancel()

    assert max(later - sooner for sooner, later in pairwise(turns)) <= 40
    assert len(turns) >= 3

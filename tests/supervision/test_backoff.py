"""Supervisors that delay the restarts of a child that keeps failing."""

import logging
import math
from collections.abc import Awaitable, Callable
from typing import Any, get_args

import attrs
import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from actors import NORMAL, SHUTDOWN, Actor, ActorRef, Backoff, open_system
from supervision import (
    AlreadyPresentError,
    BadSpecError,
    ChildRestartingError,
    ChildSpec,
    DelayReport,
    DynamicSupervisor,
    Supervisor,
    SupervisorSpec,
    delete_child,
    reconfigure,
    restart_child,
    start_child,
    terminate_child,
    which_child,
    which_children,
)
from supervision.intensity import Preset
from supervision.strategy import Strategy
from tests.supervision.workers import (
    ABNORMAL,
    Plan,
    SyncWorker,
    Worker,
    child,
    counts,
    end,
    ref_of,
    slow,
    states,
    supervising,
)

SECOND = Backoff(1.0)
"""1 s, 2 s, 4 s and so on."""
RESET_AFTER_10 = Backoff(1.0, reset_after=10.0)
OFTEN = 1_000
"""An intensity that no test of something else reaches."""


class Diary(list[str]):
    """What workers did, each with the time."""

    def append(self, entry: str) -> None:
        super().append(f"{trio.current_time():g} {entry}")

    def starts(self, label: str = "a") -> list[float]:
        return [float(entry.split()[0]) for entry in self if entry.endswith(f" start {label}")]


def dying(worker: type[Worker], times: int) -> type[Worker]:
    """Return *worker*, but its first incarnations die as soon as they are up."""

    class Dying(worker):  # type: ignore[valid-type, misc]
        def init(self) -> Any:
            result = super().init()
            if self.plan.starts <= times:
                self.ref.cast(RuntimeError("died"))
            return result

    return Dying


def slow_to_start(worker: type[Worker]) -> type[Worker]:
    """Return *worker*, but it takes two seconds to start or to fail to."""

    class SlowToStart(worker):  # type: ignore[valid-type, misc]
        async def init(self) -> Any:
            await trio.sleep(2.0)
            return super().init()

    return SlowToStart


class Listener(Actor):
    """Notes what it is told, and dies of errors."""

    def __init__(self, heard: list[object]) -> None:
        self.heard = heard

    def handle_cast(self, message: object) -> None:
        if isinstance(message, Exception):
            raise message
        self.heard.append(message)


async def fail(supervisor: ActorRef, *ids: str) -> None:
    """Have running children crash, one after the other, each time until the supervisor has acted on it."""
    for child_id in ids:
        await end(await ref_of(supervisor, child_id), ABNORMAL)
        await which_children(supervisor)


async def running(supervisor: ActorRef) -> set[str]:
    """Return the ids of the children that run."""
    return {child_id for child_id, state in (await states(supervisor)).items() if state == "running"}


async def wait_for(awaitable: Awaitable[object]) -> None:
    """Wait for *awaitable*, in a task of its own."""
    await awaitable


async def test_every_restart_but_the_first_is_delayed(worker: type[Worker], autojump_clock: MockClock) -> None:
    diary = Diary()

    async with supervising(child("a", dying(worker, 5), log=diary), backoff=SECOND, intensity=OFTEN):
        await trio.sleep(100)

    assert diary.starts() == [0, 0, 1, 3, 7, 15]


async def test_without_a_backoff_no_restart_is_delayed(worker: type[Worker], autojump_clock: MockClock) -> None:
    diary = Diary()

    async with supervising(child("a", dying(worker, 5), log=diary), intensity=OFTEN):
        await trio.sleep(100)

    assert diary.starts() == [0] * 6


async def test_a_test_may_say_what_chance_comes_to(worker: type[Worker], autojump_clock: MockClock) -> None:
    diary = Diary()
    chances = iter([0.0, 1.0, 0.5])
    backoff = Backoff(1.0, jitter=0.5, randomness=lambda: next(chances))

    async with supervising(child("a", dying(worker, 4), log=diary), backoff=backoff, intensity=OFTEN):
        await trio.sleep(100)

    assert diary.starts() == [0, 0, 1, 2, 5]


async def test_a_child_may_have_a_backoff_of_its_own(worker: type[Worker], autojump_clock: MockClock) -> None:
    diary = Diary()
    children = [
        child("a", dying(worker, 3), log=diary),
        child("b", dying(worker, 3), log=diary, backoff=Backoff(10.0)),
    ]

    async with supervising(*children, backoff=SECOND, intensity=OFTEN):
        await trio.sleep(100)

    assert (diary.starts("a"), diary.starts("b")) == ([0, 0, 1, 3], [0, 0, 10, 30])


async def test_each_child_has_a_count_of_its_own(worker: type[Worker], autojump_clock: MockClock) -> None:
    diary = Diary()
    children = [child("a", worker, log=diary), child("b", worker, log=diary)]

    async with supervising(*children, backoff=SECOND, intensity=OFTEN) as sup:
        await fail(sup, "a", "a")
        assert await states(sup) == {"b": "running", "a": "restarting"}

        await fail(sup, "b")
        assert await states(sup) == {"b": "running", "a": "restarting"}

        await fail(sup, "b")
        assert await states(sup) == {"b": "restarting", "a": "restarting"}
        await trio.sleep(100)

    assert (diary.starts("a"), diary.starts("b")) == ([0, 0, 1], [0, 0, 1])


@pytest.mark.parametrize(("up", "delay"), [(9.5, 2.0), (10.5, 0.0)])
async def test_the_delays_begin_anew_after_the_child_stayed_up(
    up: float, delay: float, worker: type[Worker], autojump_clock: MockClock
) -> None:
    diary = Diary()

    async with supervising(child("a", worker, log=diary), backoff=RESET_AFTER_10, intensity=OFTEN) as sup:
        await fail(sup, "a", "a")
        await trio.sleep(1.0 + up)
        await fail(sup, "a")
        await trio.sleep(100)

    assert diary.starts() == [0, 0, 1, 1 + up + delay]


async def test_a_child_that_was_stopped_with_others_after_it_stayed_up_begins_anew(
    worker: type[Worker], autojump_clock: MockClock
) -> None:
    diary = Diary()
    children = [child("a", worker, log=diary), child("b", worker)]

    async with supervising(*children, strategy="one_for_all", backoff=RESET_AFTER_10, intensity=OFTEN) as sup:
        await fail(sup, "a", "a")
        await trio.sleep(20)
        await fail(sup, "b", "a")
        await trio.sleep(100)

    assert diary.starts() == [0, 0, 1, 20, 20]


async def test_a_failed_attempt_is_followed_by_the_next_delay(worker: type[Worker], autojump_clock: MockClock) -> None:
    plan = Plan(["start", "fail", "fail", "stop"])
    spec = ChildSpec("a", worker, ("a", plan, diary := Diary()))

    async with supervising(spec, backoff=SECOND, intensity=OFTEN) as sup:
        await fail(sup, "a")
        for up_to, starts in [(0.5, 2), (1.5, 3), (3.5, 4), (7.5, 5)]:
            await trio.sleep_until(up_to)
            assert plan.starts == starts
        assert await states(sup) == {"a": "running"}

    assert diary.starts() == [0, 7]


async def test_a_child_that_ignores_its_delayed_start_stays_down(
    worker: type[Worker], autojump_clock: MockClock
) -> None:
    spec = child("a", worker, "start", "start", "ignore")

    async with supervising(spec, backoff=SECOND, intensity=OFTEN) as sup:
        await fail(sup, "a", "a")
        await trio.sleep(1.5)

        assert await states(sup) == {"a": "undefined"}


@pytest.mark.parametrize(("strategy", "stay_up"), [("one_for_all", set[str]()), ("rest_for_one", {"a"})])
async def test_siblings_that_were_stopped_stay_down_meanwhile(
    strategy: Strategy, stay_up: set[str], worker: type[Worker], autojump_clock: MockClock
) -> None:
    diary = Diary()
    children = [child(name, worker, log=diary) for name in "abc"]

    async with supervising(*children, strategy=strategy, backoff=SECOND, intensity=OFTEN) as sup:
        await fail(sup, "b", "b")
        begun = len(diary)
        await trio.sleep(0.5)
        assert await running(sup) == stay_up
        assert (await which_child(sup, "b")).state == "restarting"

        await trio.sleep(0.75)

        assert await running(sup) == set("abc")
        assert diary[begun:] == [f"1 start {name}" for name in "abc" if name not in stay_up]


async def test_temporary_siblings_do_not_come_back(worker: type[Worker], autojump_clock: MockClock) -> None:
    children = [child("a", worker), child("b", worker, restart="temporary")]

    async with supervising(*children, strategy="one_for_all", backoff=SECOND, intensity=OFTEN) as sup:
        await start_child(sup, child("c", worker, restart="temporary"))
        await fail(sup, "a", "a")
        assert await states(sup) == {"a": "restarting"}
        await trio.sleep(1.5)

        assert await states(sup) == {"a": "running"}


async def test_a_delay_begins_when_the_siblings_have_stopped(worker: type[Worker], autojump_clock: MockClock) -> None:
    diary = Diary()
    children = [child("a", worker, log=diary), child("b", slow(worker, 3.0))]

    async with supervising(*children, strategy="one_for_all", backoff=SECOND, intensity=OFTEN) as sup:
        await fail(sup, "a", "a")
        await trio.sleep(100)

    assert diary.starts() == [0, 3, 7]


async def test_a_sibling_that_fails_to_start_with_others_takes_them_down_until_its_delay_is_over(
    worker: type[Worker], autojump_clock: MockClock
) -> None:
    diary = Diary()
    children = [child("a", worker, log=diary), child("b", worker, "start", "fail", log=diary)]

    async with supervising(*children, strategy="one_for_all", backoff=SECOND, intensity=OFTEN) as sup:
        await fail(sup, "a")

        assert await states(sup) == {"b": "restarting", "a": "undefined"}
        await trio.sleep(1.5)
        assert diary[-2:] == ["1 start a", "1 start b"]
        assert diary.starts("a") == [0, 0, 1]


async def test_the_supervisor_answers_while_a_child_waits(worker: type[Worker], autojump_clock: MockClock) -> None:
    spec = child("a", worker)

    async with supervising(spec, backoff=SECOND, intensity=OFTEN) as sup:
        await fail(sup, "a", "a")
        with pytest.raises(AlreadyPresentError, match="child 'a' is restarting"):
            await start_child(sup, spec)
        with pytest.raises(ChildRestartingError, match="child 'a' is being restarted; terminate it first"):
            await restart_child(sup, "a")
        with pytest.raises(ChildRestartingError):
            await delete_child(sup, "a")
        assert await start_child(sup, child("b", worker)) is not None
        assert await states(sup) == {"b": "running", "a": "restarting"}
        assert await counts(sup) == [2, 1, 0, 2]
        assert trio.current_time() == 0


async def test_a_restart_that_waits_ends_with_terminate_child(worker: type[Worker], autojump_clock: MockClock) -> None:
    diary = Diary()
    children = [child("a", worker, log=diary), child("b", worker, log=diary)]

    async with supervising(*children, strategy="one_for_all", backoff=SECOND, intensity=OFTEN) as sup:
        await fail(sup, "a", "a")
        await terminate_child(sup, "a")
        assert await states(sup) == {"b": "undefined", "a": "undefined"}
        await trio.sleep(100)

        assert await states(sup) == {"b": "undefined", "a": "undefined"}
        await delete_child(sup, "a")
        assert await states(sup) == {"b": "undefined"}


async def test_a_child_restarted_on_request_begins_anew(worker: type[Worker], autojump_clock: MockClock) -> None:
    diary = Diary()

    async with supervising(child("a", worker, log=diary), backoff=SECOND, intensity=OFTEN) as sup:
        await fail(sup, "a", "a")
        await trio.sleep(0.75)
        await terminate_child(sup, "a")
        await restart_child(sup, "a")
        await fail(sup, "a", "a")
        await trio.sleep(100)

    assert diary.starts() == [0, 0, 0.75, 0.75, 1.75]


async def test_a_delay_that_was_cut_off_does_not_end_a_later_one(
    worker: type[Worker], autojump_clock: MockClock
) -> None:
    """The end of the first delay comes into the mailbox of a busy supervisor, behind what cuts it off."""
    diary = Diary()
    children = [child("a", worker, "start", "start", "fail", log=diary), child("b", worker)]

    async with supervising(*children, strategy="one_for_all", backoff=SECOND, intensity=OFTEN) as sup:
        await fail(sup, "a", "a")
        b = await restart_child(sup, "b")
        assert b is not None
        async with trio.open_nursery() as nursery:
            for request in (start_child(sup, child("c", slow_to_start(worker))), terminate_child(sup, "a")):
                nursery.start_soon(wait_for, request)
                await wait_all_tasks_blocked()
            await end(b, ABNORMAL)
        await which_children(sup)
        assert await states(sup) == {"c": "undefined", "b": "undefined", "a": "restarting"}
        assert trio.current_time() == 2
        await trio.sleep(100)

    assert diary.starts() == [0, 0, 3]


async def test_an_attempt_that_was_due_at_once_does_not_end_a_later_delay(
    worker: type[Worker], autojump_clock: MockClock
) -> None:
    """A failed attempt without a delay goes to the end of the mailbox; a backoff and a crash come before it."""
    diary = Diary()
    children = [child("a", worker), child("b", slow_to_start(worker), "start", "fail", "fail", log=diary)]
    spec = SupervisorSpec(children, strategy="rest_for_one", intensity=OFTEN, backoff=SECOND)

    async with supervising(*children, strategy="rest_for_one", intensity=OFTEN) as sup:
        a = await ref_of(sup, "a")
        await end(await ref_of(sup, "b"), ABNORMAL)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(wait_for, reconfigure(sup, spec))
            await wait_all_tasks_blocked()
            await end(a, ABNORMAL)
        await trio.sleep(100)

    assert diary.starts("b") == [2, 2 + 2 + 2 + 1 + 2]


async def test_a_child_that_ended_well_meanwhile_begins_anew(worker: type[Worker], autojump_clock: MockClock) -> None:
    diary = Diary()
    children = [child("a", worker, restart="transient", log=diary), child("b", worker)]

    async with supervising(*children, strategy="one_for_all", backoff=SECOND, intensity=OFTEN) as sup:
        await fail(sup, "a", "a")
        await trio.sleep(1.5)
        await end(await ref_of(sup, "a"), NORMAL)
        await fail(sup, "b", "a")

    assert diary.starts() == [0, 0, 1, 1.5, 1.5]


async def test_a_mailbox_that_is_kept_outlives_a_delay(autojump_clock: MockClock) -> None:
    heard = list[object]()
    spec = ChildSpec("a", Listener, (heard,), name="listener", mailbox="keep")

    async with supervising(spec, backoff=SECOND, intensity=OFTEN) as sup:
        await fail(sup, "a")
        listener = await ref_of(sup, "a")
        for message in (RuntimeError("died"), "unread"):
            listener.cast(message)
        await listener.wait()
        assert await states(sup) == {"a": "restarting"}
        listener.cast("sent meanwhile")
        await trio.sleep(1.5)

    assert heard == ["unread", "sent meanwhile"]


async def test_a_supervisor_that_is_stopped_does_not_wait(worker: type[Worker], autojump_clock: MockClock) -> None:
    diary = Diary()

    async with supervising(child("a", worker, log=diary), backoff=SECOND, intensity=OFTEN) as sup:
        await fail(sup, "a", "a")
        await sup.stop(SHUTDOWN)
        assert trio.current_time() == 0
        await trio.sleep(100)

    assert diary.starts() == [0, 0]


async def test_it_gives_up_when_the_child_ends_and_not_after_a_delay(
    worker: type[Worker], autojump_clock: MockClock
) -> None:
    diary = Diary()

    async with supervising(child("a", dying(worker, 5), log=diary), backoff=SECOND, intensity=4) as sup:
        assert await sup.wait() == SHUTDOWN
        assert trio.current_time() == 7

    assert diary.starts() == [0, 0, 1, 3, 7]


async def test_a_failed_attempt_counts_at_once(worker: type[Worker], autojump_clock: MockClock) -> None:
    plan = Plan(["start", "fail", "fail"])

    async with supervising(ChildSpec("a", worker, ("a", plan)), backoff=SECOND, intensity=2) as sup:
        await fail(sup, "a")

        assert await sup.wait() == SHUTDOWN
        assert (trio.current_time(), plan.starts) == (1.0, 3)


async def test_delays_that_outgrow_the_period_never_let_it_give_up(
    worker: type[Worker], autojump_clock: MockClock
) -> None:
    diary = Diary()
    backoff = Backoff(1.0, max_seconds=30.0)
    spec = child("a", dying(worker, 50), log=diary)

    async with supervising(spec, backoff=backoff, intensity=5, period=10.0) as sup:
        await trio.sleep(3_600)
        assert sup.alive

    assert len(diary.starts()) == 51


@pytest.mark.parametrize(("period", "alive"), [(7.0, False), (6.9, True)])
async def test_it_gives_up_if_the_delays_that_intensity_allows_fit_into_the_period(
    period: float, *, alive: bool, worker: type[Worker], autojump_clock: MockClock
) -> None:
    async with supervising(child("a", dying(worker, 100)), backoff=SECOND, intensity=4, period=period) as sup:
        await trio.sleep(1_000)

        assert sup.alive is alive


@pytest.mark.parametrize(
    ("preset", "backoff", "seconds"),
    [
        ("strict", Backoff(), 0.3),
        ("strict", Backoff(1.0), 3.0),
        ("strict", Backoff(5.0), 15.0),
        ("moderate", Backoff(), 1.5),
        ("moderate", Backoff(1.0), 15.0),
        ("moderate", Backoff(5.0), math.inf),
        ("lenient", Backoff(), 51.1),
        ("lenient", Backoff(1.0), math.inf),
        ("lenient", Backoff(5.0), math.inf),
    ],
)
async def test_a_preset_and_a_backoff_give_up_when_the_guide_says(
    preset: Preset, backoff: Backoff, seconds: float, autojump_clock: MockClock
) -> None:
    spec = SupervisorSpec([child("a", dying(SyncWorker, 40))], intensity=preset, backoff=backoff)

    async with open_system() as system:
        sup = await system.start(Supervisor, spec)
        with trio.move_on_after(900):
            await sup.wait()
            assert trio.current_time() == pytest.approx(seconds)

        assert sup.alive is (seconds == math.inf)


async def test_when_a_sibling_crashes_while_one_waits_all_stay_down(
    worker: type[Worker], autojump_clock: MockClock
) -> None:
    diary = Diary()
    children = [child("a", worker, log=diary), child("b", worker, log=diary)]

    async with supervising(*children, strategy="one_for_all", backoff=SECOND, intensity=OFTEN) as sup:
        await fail(sup, "b", "a", "a")
        begun = len(diary)
        await restart_child(sup, "b")
        await fail(sup, "b")

        assert await states(sup) == {"b": "undefined", "a": "restarting"}
        await trio.sleep(100)
        assert diary[begun:] == ["0 start b", f"0 stop b: {ABNORMAL}", "1 start a", "1 start b"]


async def test_one_started_before_the_child_that_waits_is_restarted_on_its_own_terms(
    worker: type[Worker], autojump_clock: MockClock
) -> None:
    diary = Diary()
    children = [child(name, worker, log=diary) for name in "abc"]

    async with supervising(*children, strategy="rest_for_one", backoff=SECOND, intensity=OFTEN) as sup:
        await fail(sup, "b", "b", "a")

        assert await states(sup) == {"c": "undefined", "b": "restarting", "a": "running"}
        await trio.sleep(100)
        assert diary[-2:] == ["1 start b", "1 start c"]
        assert diary.starts("a") == [0, 0]


async def test_one_whose_delay_is_over_comes_up_with_the_one_before_it_that_still_waits(
    worker: type[Worker], autojump_clock: MockClock
) -> None:
    diary = Diary()
    children = [child(name, worker, log=diary) for name in "ab"]

    async with supervising(*children, strategy="rest_for_one", backoff=SECOND, intensity=OFTEN) as sup:
        await fail(sup, "a", "b", "b")
        await trio.sleep(0.5)
        await fail(sup, "a")
        assert await states(sup) == {"b": "restarting", "a": "restarting"}
        await trio.sleep(100)
        assert diary[-2:] == ["1.5 start a", "1.5 start b"]


async def test_what_was_started_on_request_meanwhile_is_restarted_with_the_child_that_waited(
    worker: type[Worker], autojump_clock: MockClock
) -> None:
    diary = Diary()
    children = [child("a", worker, log=diary), child("b", worker, log=diary)]

    async with supervising(*children, strategy="one_for_all", backoff=SECOND, intensity=OFTEN) as sup:
        await fail(sup, "a", "a")
        begun = len(diary)
        await restart_child(sup, "b")
        await trio.sleep(100)

    assert diary[begun : begun + 4] == ["0 start b", "1 stop b: shutdown", "1 start a", "1 start b"]


async def test_a_significant_child_that_waits_counts_as_alive(worker: type[Worker], autojump_clock: MockClock) -> None:
    options: dict[str, Any] = {"restart": "transient", "significant": True}
    children = [child("a", worker, **options), child("b", worker, **options)]

    async with supervising(*children, auto_shutdown="all_significant", backoff=SECOND, intensity=OFTEN) as sup:
        await fail(sup, "a", "a")
        await end(await ref_of(sup, "b"), NORMAL)
        assert await states(sup) == {"b": "undefined", "a": "restarting"}
        await trio.sleep(1.5)
        await end(await ref_of(sup, "a"), NORMAL)

        assert await sup.wait() == SHUTDOWN


async def test_another_backoff_holds_from_the_next_delay_on(worker: type[Worker], autojump_clock: MockClock) -> None:
    diary = Diary()
    spec = SupervisorSpec([child("a", dying(worker, 4), log=diary)], intensity=OFTEN)

    async with supervising(*spec.children, backoff=SECOND, intensity=OFTEN) as sup:
        await trio.sleep(0.5)
        await reconfigure(sup, attrs.evolve(spec, backoff=Backoff(10.0)))
        await trio.sleep(100)

    assert diary.starts() == [0, 0, 1, 21, 51]


@pytest.mark.parametrize("strategy", get_args(Strategy))
async def test_a_child_that_waits_and_becomes_temporary_is_gone_when_its_delay_is_over(
    worker: type[Worker], autojump_clock: MockClock, strategy: Strategy
) -> None:
    children = [child("a", worker), child("b", worker)]
    options: dict[str, Any] = {"strategy": strategy, "backoff": SECOND, "intensity": OFTEN}

    async with supervising(*children, **options) as sup:
        await fail(sup, "a", "a")
        temporary = attrs.evolve(children[0], restart="temporary")
        await reconfigure(sup, SupervisorSpec([temporary, children[1]], **options))
        await trio.sleep(1.5)

        assert await states(sup) == {"b": "running"}


async def test_a_delay_is_logged(
    worker: type[Worker], autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "actors.supervisor")
    spec = child("a", worker)

    async with supervising(spec, backoff=SECOND, intensity=OFTEN) as sup:
        await fail(sup, "a", "a")

        (record,) = [record for record in caplog.records if "in 1 s" in record.message]
        assert record.report == DelayReport(sup, spec, 1.0)  # type: ignore[attr-defined]
        assert record.message == "<sup #2>: child 'a' is restarted in 1 s"
        assert record.levelno == logging.INFO


@pytest.mark.parametrize("backoff", [1.0, True, "1 s", Backoff])
def test_what_is_no_backoff_is_refused(backoff: Any, worker: type[Worker]) -> None:
    makers: list[Callable[[], object]] = [
        lambda: ChildSpec("a", worker, backoff=backoff),
        lambda: SupervisorSpec(backoff=backoff),
        lambda: DynamicSupervisor(backoff=backoff),
    ]

    for make in makers:
        with pytest.raises(BadSpecError, match=r"backoff is .*; allowed is a Backoff or None"):
            make()

from collections.abc import Callable
from typing import Any

import pytest
import trio

from actors import Actor, ActorExitedError, ActorSystem, Caller, Crash, Down, Handled, Lost, Mailbox, Outcome, Stop
from actors.testing import (
    Fault,
    InjectedError,
    capture_crash_reports,
    crash,
    delay,
    drop,
    duplicate,
    faulty,
    settled,
    start_probe,
)
from tests.actors.kinds import Kind


class Clerk(Actor):
    """Notes what it is given, and tells how much it has."""

    def __init__(self) -> None:
        self.noted: list[object] = []
        self.postponed = False

    def handle_cast(self, message: object) -> Any:
        if message == "stop":
            return Stop()
        if message == "open":
            self.postponed = False
            self.unstash()
        elif self.postponed:
            return self.stash()
        else:
            self.noted.append(message)
        return None

    def handle_info(self, message: object) -> None:
        self.noted.append(message)

    def handle_call(self, message: object, caller: Caller) -> list[object]:
        self.noted.append(message)
        return list(self.noted)


class Postponing(Clerk):
    """Sets aside what comes before it is opened."""

    def init(self) -> None:
        self.postponed = True


async def test_crashes_on_the_nth_message(system: ActorSystem, kind: Kind) -> None:
    fault = crash(on=3)
    clerk = await system.start(faulty(kind(Clerk), fault), name="clerk")
    clerk.cast(1)
    clerk.send(2)

    with capture_crash_reports(), pytest.raises(ActorExitedError, match="<clerk #2> was to crash with 3"):
        await clerk.call(3)

    assert isinstance(clerk.reason, Crash)
    assert isinstance(clerk.reason.cause, InjectedError)
    assert (fault.seen, fault.struck) == (3, 1)


async def test_crashes_with_the_error_it_is_given(system: ActorSystem, kind: Kind) -> None:
    error = OSError("disk full")
    clerk = await system.start(faulty(kind(Clerk), crash(error)))

    with capture_crash_reports():
        clerk.cast(1)
        assert await clerk.wait() == Crash(error)


async def test_counts_over_all_incarnations(system: ActorSystem) -> None:
    shaky = faulty(Clerk, crash(on=2))
    first, second = await system.start(shaky), await system.start(shaky)

    with capture_crash_reports():
        first.cast(1)
        first.cast(2)
        await first.wait()
    second.cast(3)

    assert await second.call(4) == [3, 4]


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: drop(on=2), [1, 3, 4, 5, 6]),
        (lambda: drop(every=2), [1, 3, 5]),
        (lambda: drop(when=lambda message: message > 4), [1, 2, 3, 4]),
        (lambda: drop(on=2, when=lambda message: message > 2), [1, 2, 3, 5, 6]),
        (lambda: drop(every=2, when=lambda message: message > 2), [1, 2, 3, 5]),
        (lambda: duplicate(on=2), [1, 2, 2, 3, 4, 5, 6]),
    ],
)
async def test_strikes_the_messages_it_is_told_to(
    system: ActorSystem, kind: Kind, make: Callable[[], Fault], expected: list[int]
) -> None:
    clerk = await system.start(faulty(kind(Clerk), make()))

    for number in range(1, 7):
        clerk.cast(number)

    await settled(system)
    assert (await clerk.call(0))[:-1] == expected


async def test_of_several_faults_the_first_strikes_and_all_count(system: ActorSystem) -> None:
    first, second = drop(on=2), duplicate(every=2)
    clerk = await system.start(faulty(Clerk, first, second))

    for number in range(1, 5):
        clerk.cast(number)

    assert (await clerk.call(5)) == [1, 3, 4, 4, 5]
    assert (first.seen, second.seen, second.struck) == (5, 5, 2)


async def test_a_dropped_call_ends_by_its_timeout_or_with_the_actor(system: ActorSystem, kind: Kind) -> None:
    clerk = await system.start(faulty(kind(Clerk), drop()))

    with pytest.raises(TimeoutError):
        await clerk.call(1)
    assert trio.current_time() == 5.0

    request = clerk.send_request(2)
    await settled(system)
    clerk.kill()
    with pytest.raises(ActorExitedError):
        await request.wait()


async def test_a_dropped_delivery_settles_when_the_actor_ends(system: ActorSystem, kind: Kind) -> None:
    outcomes: list[Outcome] = []
    clerk = await system.start(faulty(kind(Clerk), drop(on=1)))
    clerk.deliver(1, outcomes.append)
    clerk.deliver(2, outcomes.append)
    await settled(system)
    assert outcomes == [Handled()]

    clerk.kill()

    assert [type(outcome) for outcome in outcomes] == [Handled, Lost]


async def test_what_is_dropped_does_not_come_back_when_the_actor_unstashes(system: ActorSystem, kind: Kind) -> None:
    clerk = await system.start(faulty(kind(Postponing), drop(on=2)))
    for message in (1, 2, 3, "open"):
        clerk.cast(message)

    await settled(system)

    assert await clerk.call(4) == [1, 3, 4]


async def test_delays_a_message_and_lets_others_overtake_it(system: ActorSystem, kind: Kind) -> None:
    fault = delay(10.0, on=1)
    clerk = await system.start(faulty(kind(Clerk), fault))
    clerk.cast("late")
    clerk.cast("early")
    await trio.sleep(9.0)
    assert await clerk.call("before") == ["early", "before"]

    await trio.sleep(2.0)

    assert await clerk.call("after") == ["early", "before", "late", "after"]
    assert (fault.seen, fault.struck) == (4, 1)


async def test_a_delayed_call_is_answered_late(system: ActorSystem, kind: Kind) -> None:
    clerk = await system.start(faulty(kind(Clerk), delay(3.0)))

    assert await clerk.call(1) == [1]
    assert trio.current_time() == 3.0


async def test_a_delayed_delivery_settles_when_it_is_handled(system: ActorSystem, kind: Kind) -> None:
    outcomes: list[tuple[float, Outcome]] = []
    clerk = await system.start(faulty(kind(Clerk), delay(3.0)))

    clerk.deliver(1, lambda outcome: outcomes.append((trio.current_time(), outcome)))
    await trio.sleep(5.0)

    assert outcomes == [(3.0, Handled())]


async def test_a_message_that_is_late_for_the_living_is_unread(system: ActorSystem) -> None:
    clerk = await system.start(faulty(Clerk, delay(3.0)))
    clerk.cast(1)
    await settled(system)

    clerk.kill()
    await trio.sleep(5.0)

    assert [letter.message for letter in system.dead_letters] == [1]


async def test_every_message_of_a_bounded_mailbox_may_be_late(system: ActorSystem, kind: Kind) -> None:
    clerk = await system.start(faulty(kind(Clerk), delay(3.0)), mailbox=Mailbox(max_messages=2))
    for number in (1, 2):
        clerk.cast(number)
    await trio.sleep(4.0)
    for number in (3, 4):
        clerk.cast(number)
    await trio.sleep(4.0)

    assert sorted((await clerk.call(0))[:-1]) == [1, 2, 3, 4]


async def test_a_duplicate_of_the_last_message_is_none(system: ActorSystem, kind: Kind) -> None:
    clerk = await system.start(faulty(kind(Clerk), duplicate()))

    clerk.cast("stop")

    assert str(await clerk.wait()) == "normal"


async def test_a_duplicated_call_is_answered_once(system: ActorSystem, kind: Kind) -> None:
    clerk = await system.start(faulty(kind(Clerk), duplicate()))

    assert await clerk.call(1) == [1]
    assert await clerk.call(2) == [1, 1, 2]


async def test_leaves_alone_what_the_runtime_sends(system: ActorSystem) -> None:
    fault = drop()
    probe = await start_probe(system)

    class Watching(Clerk):
        def init(self) -> None:
            probe.ref.monitor()
            self.timeout_after(1.0)

        def handle_info(self, message: object) -> None:
            seen.append(type(message).__name__)

    seen: list[str] = []
    await system.start(faulty(Watching, fault))
    await trio.sleep(2.0)
    await probe.ref.stop()
    await settled(system)

    assert seen == ["Timeout", Down.__name__]
    assert fault.seen == 0


def test_a_faulty_class_passes_for_the_class() -> None:
    shaky = faulty(Clerk, drop())

    assert issubclass(shaky, Clerk)
    assert (shaky.__name__, shaky.__module__, shaky.__qualname__) == ("Clerk", Clerk.__module__, "Clerk")


@pytest.mark.parametrize(
    "make",
    [
        lambda: drop(on=0),
        lambda: drop(every=True),
        lambda: crash(on="3"),  # type: ignore[arg-type]
        lambda: duplicate(on=1, every=2),
        lambda: delay(-1.0),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(make: Callable[[], Fault]) -> None:
    with pytest.raises(ValueError, match=r"allowed is|give one of them|is a number of seconds"):
        make()


def test_only_an_actors_class_with_faults_is_made_faulty() -> None:
    with pytest.raises(TypeError, match="only a subclass of Actor"):
        faulty(int, drop())  # type: ignore[type-var]
    with pytest.raises(TypeError, match="faulty takes faults"):
        faulty(Clerk)
    with pytest.raises(TypeError, match="faulty takes faults"):
        faulty(Clerk, 3)  # type: ignore[arg-type]

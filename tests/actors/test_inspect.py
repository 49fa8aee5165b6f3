"""Inspection: the state of a living actor, and holding it still."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from actors import (
    KILLED,
    NORMAL,
    SHUTDOWN,
    Actor,
    ActorRef,
    ActorSystem,
    Caller,
    CallingSelfError,
    CallTimeoutError,
    Crash,
    NoProcessError,
    Stop,
    get_state,
    get_status,
    replace_state,
    resume,
    suspend,
)
from tests.actors.probe import Probe, busy

if TYPE_CHECKING:
    from tests.actors.kinds import Kind


class Till(Actor):
    """Has a state of one number, and something private."""

    def __init__(self, total: int = 0) -> None:
        self.total = total
        self._key = "secret"

    def handle_call(self, message: object, caller: Caller) -> object:
        return self.total

    def handle_cast(self, message: Any) -> Any:
        if isinstance(message, Stop):
            return message
        self.total += message
        return None

    def handle_info(self, message: int) -> None:
        self.total += message


class Slow(Actor):
    """Changes its state in two steps, a second apart."""

    def __init__(self) -> None:
        self.left = 0
        self.right = 0

    async def handle_cast(self, message: int) -> None:
        self.left += message
        await trio.sleep(1)
        self.right += message


class Shelf(Actor):
    """Says itself what its state is."""

    def __init__(self) -> None:
        self._items = ["a"]

    def get_state(self) -> list[str]:
        return list(self._items)

    def set_state(self, items: list[str]) -> None:
        if not isinstance(items, list):
            raise TypeError(items)
        self._items = items


async def test_get_state_returns_the_public_attributes(system: ActorSystem, kind: Kind) -> None:
    till = await system.start(kind(Till), 3)

    assert await get_state(till) == {"total": 3}
    assert await get_state(till, timeout=5) == {"total": 3}


async def test_get_state_by_name(system: ActorSystem, kind: Kind) -> None:
    await system.start(kind(Till), 3, name="till")

    assert await get_state(system.named("till")) == {"total": 3}


async def test_get_state_of_a_suspended_actor(system: ActorSystem, kind: Kind) -> None:
    till = await system.start(kind(Till), 3)
    await suspend(till)

    assert await get_state(till) == {"total": 3}
    await resume(till)


async def test_get_state_includes_slots(system: ActorSystem, kind: Kind) -> None:
    class Slotted(Actor):
        __slots__ = ("_hidden", "total", "unset")

        def __init__(self) -> None:
            self.total = 3
            self._hidden = 4

    slotted = await system.start(kind(Slotted))

    assert await get_state(slotted) == {"total": 3}


async def test_get_state_returns_what_the_actor_says_it_is(system: ActorSystem, kind: Kind) -> None:
    shelf = await system.start(kind(Shelf))

    assert await get_state(shelf) == ["a"]


async def test_get_state_overtakes_the_messages_that_wait(system: ActorSystem, kind: Kind) -> None:
    till = await system.start(kind(Till))
    for _ in range(10):
        till.cast(1)

    assert await get_state(till) == {"total": 0}
    assert await till.call("total") == 10


async def test_get_state_never_sees_changes_half_done(system: ActorSystem) -> None:
    slow = await system.start(Slow)
    slow.cast(1)
    slow.cast(1)
    await wait_all_tasks_blocked()

    assert await get_state(slow) == {"left": 1, "right": 1}
    assert trio.current_time() == 1


async def test_get_state_gives_up_after_its_timeout(system: ActorSystem) -> None:
    probe = await system.start(Probe)
    probe.send_request(busy)
    await wait_all_tasks_blocked()

    with pytest.raises(CallTimeoutError, match=r"<Probe #2> was busy with one message for more than 2 s"):
        await get_state(probe, timeout=2)

    assert trio.current_time() == 2


class Cleaner(Actor):
    async def terminate(self, reason: object) -> None:
        await trio.sleep(3)


async def test_who_is_stopping_is_not_said_to_be_busy(system: ActorSystem) -> None:
    cleaner = await system.start(Cleaner)
    cleaner.exit(SHUTDOWN)
    await wait_all_tasks_blocked()

    with pytest.raises(CallTimeoutError, match=r"<Cleaner #2> was stopping for more than 2 s"):
        await get_state(cleaner, timeout=2)


async def test_get_state_of_a_dead_actor_finds_no_process(system: ActorSystem, kind: Kind) -> None:
    till = await system.start(kind(Till))
    await till.stop()

    for inspect in (get_state, get_status, suspend, resume):
        with pytest.raises(NoProcessError, match=r"<Till #2> is dead and cannot be inspected"):
            await inspect(till)


async def test_get_state_of_a_name_that_nobody_has_finds_no_process(system: ActorSystem) -> None:
    with pytest.raises(NoProcessError, match="nobody"):
        await get_state(system.named("nobody"))


async def test_get_state_of_an_actor_that_dies_meanwhile_finds_no_process(system: ActorSystem) -> None:
    probe = await system.start(Probe)
    probe.send_request(busy)
    await wait_all_tasks_blocked()

    async with trio.open_nursery() as nursery:

        @nursery.start_soon
        async def inspect() -> None:
            with pytest.raises(NoProcessError, match=r"<Probe #2> exited before it could be inspected: killed"):
                await get_state(probe, timeout=None)

        await wait_all_tasks_blocked()
        probe.kill()

    assert await probe.wait() == KILLED
    assert trio.current_time() == 0


async def test_get_state_that_raises_is_the_error_of_who_asked(system: ActorSystem, kind: Kind) -> None:
    class Shy(Actor):
        def get_state(self) -> None:
            raise PermissionError("private")

    shy = await system.start(kind(Shy))

    with pytest.raises(PermissionError, match="private"):
        await get_state(shy)

    assert shy.alive


async def test_an_actor_cannot_inspect_itself_from_its_handler(system: ActorSystem) -> None:
    probe = await system.start(Probe)

    async def inspect(me: Probe) -> str:
        with pytest.raises(CallingSelfError) as caught:
            await get_state(me.ref, timeout=None)
        return str(caught.value)

    error = await probe.call(inspect, timeout=None)

    assert error == "<Probe #2> cannot inspect itself from within its own callback"
    assert trio.current_time() == 0


async def test_an_actor_may_inspect_another(system: ActorSystem, kind: Kind) -> None:
    till, probe = await system.start(kind(Till), 3), await system.start(Probe)

    assert await probe.call(lambda me: get_state(till)) == {"total": 3}


async def test_replace_state_returns_the_new_state(system: ActorSystem, kind: Kind) -> None:
    till = await system.start(kind(Till), 3, name="till")

    replaced = await replace_state(system.named("till"), lambda state: {"total": state["total"] * 2})

    assert replaced == {"total": 6}
    assert await get_state(till) == {"total": 6}
    assert await till.call("total") == 6


async def test_replace_state_again(system: ActorSystem, kind: Kind) -> None:
    till = await system.start(kind(Till), 3)

    for _ in range(3):
        await replace_state(till, lambda state: {"total": state["total"] + 1}, timeout=5)

    assert await get_state(till, timeout=5) == {"total": 6}


async def test_replace_state_may_add_and_remove_attributes_but_keeps_the_private(
    system: ActorSystem, kind: Kind
) -> None:
    class Open(Till):
        def handle_call(self, message: object, caller: Caller) -> str:
            return self._key

    till = await system.start(kind(Open), 3)

    await replace_state(till, lambda state: {"currency": "EUR"})

    assert await get_state(till) == {"currency": "EUR"}
    assert await till.call("key") == "secret"


async def test_replace_state_leaves_it_unchanged_if_the_function_raises(system: ActorSystem, kind: Kind) -> None:
    till = await system.start(kind(Till), 3)

    def fail(state: dict[str, int]) -> None:
        state["total"] = 7
        raise ValueError("fail")

    with pytest.raises(ValueError, match="fail"):
        await replace_state(till, fail)

    assert await get_state(till) == {"total": 3}
    assert till.alive


async def test_replace_state_while_suspended(system: ActorSystem, kind: Kind) -> None:
    till = await system.start(kind(Till), 3)
    await suspend(till)

    await replace_state(till, lambda state: {"total": 10})
    await resume(till)

    assert await till.call("total") == 10


async def test_replace_state_goes_by_what_the_actor_defines(system: ActorSystem, kind: Kind) -> None:
    shelf = await system.start(kind(Shelf))

    assert await replace_state(shelf, lambda items: [*items, "b"]) == ["a", "b"]
    with pytest.raises(TypeError):
        await replace_state(shelf, lambda items: "c")

    assert await get_state(shelf) == ["a", "b"]


async def test_replace_state_waits_for_the_handler_that_runs(system: ActorSystem) -> None:
    slow = await system.start(Slow)
    slow.cast(1)
    await wait_all_tasks_blocked()

    await replace_state(slow, lambda state: {name: value * 10 for name, value in state.items()})

    assert await get_state(slow) == {"left": 10, "right": 10}
    assert trio.current_time() == 1


async def test_replace_state_that_timed_out_is_left_out(system: ActorSystem) -> None:
    slow = await system.start(Slow)
    slow.cast(1)
    await wait_all_tasks_blocked()

    with pytest.raises(CallTimeoutError):
        await replace_state(slow, lambda _: {"left": 7, "right": 7}, timeout=0.5)

    assert await get_state(slow) == {"left": 1, "right": 1}
    assert trio.current_time() == 1


async def test_a_suspended_actor_handles_nothing_until_it_is_resumed(system: ActorSystem, kind: Kind) -> None:
    till = await system.start(kind(Till))
    await suspend(till)
    till.cast(1)
    till.send(2)
    with pytest.raises(CallTimeoutError):
        await till.call("total", timeout=10)
    before = await get_state(till)

    await resume(till)

    assert before == {"total": 0}
    assert await till.call("total", timeout=None) == 3
    assert trio.current_time() == 10


async def test_a_suspended_actor_answers_when_it_is_resumed(system: ActorSystem, kind: Kind) -> None:
    till = await system.start(kind(Till), 3)
    await suspend(till)
    request = till.send_request("total")
    await trio.sleep(60)

    await resume(till)

    assert await request.wait(timeout=None) == 3
    assert trio.current_time() == 60


async def test_a_suspended_actor_keeps_the_order_of_its_messages(system: ActorSystem, kind: Kind) -> None:
    class Log(Actor):
        def __init__(self) -> None:
            self.seen: list[int] = []

        def handle_cast(self, message: int) -> None:
            self.seen.append(message)

    log = await system.start(kind(Log))
    log.cast(0)
    await suspend(log)
    for number in range(1, 10):
        log.cast(number)

    await resume(log)
    log.cast(10)
    await wait_all_tasks_blocked()

    assert await get_state(log) == {"seen": list(range(11))}


async def test_suspend_waits_for_the_handler_that_runs(system: ActorSystem) -> None:
    slow = await system.start(Slow)
    slow.cast(1)
    slow.cast(1)
    await wait_all_tasks_blocked()

    await suspend(slow)
    await trio.sleep(10)

    assert await get_state(slow) == {"left": 1, "right": 1}
    await resume(slow)
    await trio.sleep(10)
    assert await get_state(slow) == {"left": 2, "right": 2}


async def test_suspending_twice_is_suspending_once(system: ActorSystem, kind: Kind) -> None:
    till = await system.start(kind(Till), 3)
    await suspend(till)
    await suspend(till)

    await resume(till)

    assert await till.call("total", timeout=None) == 3


async def test_resuming_what_is_not_suspended_does_nothing(system: ActorSystem, kind: Kind) -> None:
    till = await system.start(kind(Till), 3)

    await resume(till)

    assert await till.call("total", timeout=None) == 3


@pytest.mark.parametrize("drain", [True, False])
async def test_a_suspended_actor_can_be_stopped(system: ActorSystem, kind: Kind, *, drain: bool) -> None:
    till = await system.start(kind(Till))
    await suspend(till)

    await till.stop(drain=drain)

    assert till.reason == NORMAL
    assert trio.current_time() == 0


@pytest.mark.parametrize("reason", [SHUTDOWN, Crash("broke")], ids=str)
async def test_an_exit_signal_reaches_a_suspended_actor(system: ActorSystem, kind: Kind, reason: Any) -> None:
    till = await system.start(kind(Till))
    await suspend(till)

    till.exit(reason)

    assert await till.wait() == reason
    assert trio.current_time() == 0


async def test_a_suspended_actor_can_be_killed(system: ActorSystem, kind: Kind) -> None:
    till = await system.start(kind(Till))
    await suspend(till)

    till.kill()

    assert await till.wait() == KILLED
    assert trio.current_time() == 0


async def test_a_suspended_child_that_traps_exits_obeys_its_parent(system: ActorSystem, kind: Kind) -> None:
    class Trapping(Till):
        trap_exit = True

    probe = await system.start(Probe)
    child: ActorRef = await probe.call(lambda me: me.start_link(kind(Trapping)))
    await suspend(child)

    probe.kill()

    assert await child.wait() == KILLED
    assert trio.current_time() == 0


async def test_a_system_with_a_suspended_actor_can_be_left(system: ActorSystem, kind: Kind) -> None:
    till = await system.start(kind(Till))

    await suspend(till)

    assert till.alive


async def test_get_status_shows_the_last_message_and_the_state(system: ActorSystem, kind: Kind) -> None:
    till = await system.start(kind(Till), 3)
    await till.call("total", timeout=None)

    status = await get_status(till)

    assert (status.message, status.state, status.reason) == ("total", {"total": 3}, None)


async def test_get_status_before_any_message_shows_none(system: ActorSystem, kind: Kind) -> None:
    class Starting(Till):
        def init(self) -> None: ...

    till = await system.start(kind(Starting), 3)

    assert (await get_status(till)).message is None


@pytest.mark.parametrize("state", [None, [], (), "total", 7, {7: 8}], ids=repr)
async def test_replace_state_by_what_is_no_state_leaves_it_unchanged(
    system: ActorSystem, kind: Kind, state: object
) -> None:
    till = await system.start(kind(Till), 3)

    with pytest.raises(TypeError):
        await replace_state(till, lambda _: state)

    assert await get_state(till) == {"total": 3}
    assert till.alive


async def test_replace_state_that_cannot_be_set_leaves_it_unchanged(system: ActorSystem, kind: Kind) -> None:
    class Fixed(Till):
        @property
        def double(self) -> int:
            return 2 * self.total

    till = await system.start(kind(Fixed), 3)

    with pytest.raises(AttributeError):
        await replace_state(till, lambda state: {"extra": 1, "double": 8})

    assert await get_state(till) == {"total": 3}


@pytest.mark.parametrize("timeout", [-1, math.nan, "5", []], ids=repr)
async def test_a_bad_timeout_of_an_inspection_is_refused(system: ActorSystem, kind: Kind, timeout: Any) -> None:
    till = await system.start(kind(Till), 3)

    with pytest.raises((TypeError, ValueError), match="timeout"):
        await replace_state(till, lambda state: {"total": 4}, timeout=timeout)

    assert await get_state(till) == {"total": 3}


async def test_suspend_that_was_cancelled_is_left_out(system: ActorSystem) -> None:
    slow = await system.start(Slow)
    slow.cast(1)
    await wait_all_tasks_blocked()

    with trio.move_on_after(0.5):
        await suspend(slow, timeout=None)
    slow.cast(1)
    await slow.stop()

    assert trio.current_time() == 2


async def test_replace_state_that_was_cancelled_is_left_out(system: ActorSystem) -> None:
    slow = await system.start(Slow)
    slow.cast(1)
    await wait_all_tasks_blocked()

    with trio.move_on_after(0.5):
        await replace_state(slow, lambda _: {"left": 7, "right": 7}, timeout=None)

    assert await get_state(slow) == {"left": 1, "right": 1}
    assert trio.current_time() == 1


@pytest.mark.parametrize("inspection", [suspend, resume, get_state, get_status])
async def test_what_is_no_reference_cannot_be_inspected(inspection: Any) -> None:
    till = Till()

    with pytest.raises(TypeError, match=r"takes a reference to an actor, or to a name; got <.*Till object at"):
        await inspection(till)
    with pytest.raises(TypeError, match="takes a reference to an actor, or to a name; got 5"):
        await inspection(5)

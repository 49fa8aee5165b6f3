import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from actors import SHUTDOWN, Actor, ActorRef, ActorSystem, Caller, resume, suspend
from actors.testing import ExpectationError, settled
from tests.actors.testing.desk import Desk, SlowDesk


class Player(Actor):
    """Throws a ball back, for ever or as often as the ball says."""

    def __init__(self) -> None:
        self.other: ActorRef | None = None

    def handle_call(self, other: ActorRef, caller: Caller) -> None:
        self.other = other

    def handle_cast(self, left: int) -> None:
        if left and self.other is not None:
            self.other.cast(left - 1)


async def start_two_players(system: ActorSystem) -> ActorRef:
    one, other = await system.start(Player), await system.start(Player)
    await one.call(other)
    await other.call(one)
    return one


async def test_waits_until_every_message_is_handled(system: ActorSystem) -> None:
    player = await start_two_players(system)
    player.cast(10_000)

    await settled(system)

    assert all(process.idle for process in system.processes.values())
    assert trio.current_time() == 0.0


async def test_waits_for_handlers_that_wait(system: ActorSystem) -> None:
    desks = [await system.start(SlowDesk) for _ in range(3)]
    for desk in desks:
        desk.cast(1)
        desk.cast(2)

    await settled(system)

    assert trio.current_time() == 2.0


async def test_waits_for_tasks_that_send_more(system: ActorSystem) -> None:
    desk = await system.start(Desk)
    answers: list[int] = []

    async def ask() -> None:
        desk.cast(5)
        answers.append(await desk.call("sum"))
        desk.cast(6)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(ask)
        await settled(system)
        assert answers == [5]

    assert await desk.call("sum") == 11


async def test_waits_for_who_is_ending_or_starting(system: ActorSystem) -> None:
    class Closing(Actor):
        async def init(self) -> None:
            await trio.sleep(1)

        async def terminate(self, reason: object) -> None:
            await trio.sleep(2)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(system.start, Closing)
        await wait_all_tasks_blocked()
        await settled(system)
        assert trio.current_time() == 1.0
        [*_, process] = system.processes.values()
        process.ref.exit(SHUTDOWN)
        await settled(system)

    assert trio.current_time() == 3.0
    assert not process.ref.alive


async def test_does_not_wait_for_who_is_suspended(system: ActorSystem) -> None:
    desk = await system.start(Desk)
    await suspend(desk)
    desk.cast(5)

    await settled(system)
    await resume(desk)
    await settled(system)

    assert await desk.call("sum") == 5


async def test_does_not_wait_for_the_actor_that_asks(system: ActorSystem) -> None:
    class Asking(Actor):
        async def handle_call(self, message: object, caller: Caller) -> float:
            await settled(self.system)
            return trio.current_time()

    slow = await system.start(SlowDesk)
    asking = await system.start(Asking)
    slow.cast(1)

    assert await asking.call("now") == 1.0


async def test_names_who_does_not_come_to_rest(system: ActorSystem) -> None:
    slow = await system.start(SlowDesk, name="slow")
    for amount in (10, 20, 30):
        slow.cast(amount)

    with pytest.raises(ExpectationError) as caught:
        await settled(system, timeout=0.5)

    assert str(caught.value) == (
        "<ActorSystem: 1 actors> has not settled within 0.5 s; 1 is at work:\n"
        "  <slow #2> handles 10, and 2 messages wait"
    )
    assert trio.current_time() == 0.5


async def test_gives_up_on_actors_that_never_let_time_go_on(system: ActorSystem) -> None:
    player = await start_two_players(system)
    player.cast(-1)

    with pytest.raises(ExpectationError, match=r"within 0\.05 s; 1 is at work:\n  <Player #\d>: 1 message waits"):
        await settled(system, timeout=0.05)

    player.kill()


async def test_tells_how_many_more_there_are(system: ActorSystem) -> None:
    for _ in range(12):
        (await system.start(SlowDesk)).cast(1)

    with pytest.raises(ExpectationError, match=r"12 are at work:(\n  <SlowDesk .*){10}\n  ... 2 more$"):
        await settled(system, timeout=0.5)


async def test_leaves_nothing_behind_when_it_is_cancelled(system: ActorSystem) -> None:
    slow = await system.start(SlowDesk)
    slow.cast(5)

    with trio.move_on_after(0.5):
        await settled(system)

    assert await slow.call("sum") == 5

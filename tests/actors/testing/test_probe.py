import pytest
import trio

from actors import KILLED, NORMAL, SHUTDOWN, ActorSystem, Down, Exit, NoProcessError
from actors.testing import ExpectationError, Probe, settled, start_probe
from tests.actors.testing.desk import Desk


@pytest.fixture
async def probe(system: ActorSystem) -> Probe:
    return await start_probe(system, name="probe")


async def test_expects_messages_in_the_order_they_came(probe: Probe) -> None:
    probe.ref.cast("tea")
    probe.ref.send(5)

    assert await probe.expect(str) == "tea"
    assert await probe.expect(lambda number: number > 4) == 5


async def test_waits_for_what_is_to_come(system: ActorSystem, probe: Probe) -> None:
    probe.ref.send_after(2.5, "late")

    await probe.expect("late")

    assert trio.current_time() == 2.5


async def test_any_message_will_do_if_nothing_is_said(probe: Probe) -> None:
    probe.ref.cast(None)

    assert await probe.expect() is None
    assert probe.last is not None
    assert (probe.last.kind, probe.last.time) == ("cast", 0.0)


async def test_knows_who_sent_what(system: ActorSystem, probe: Probe) -> None:
    desk = await system.start(Desk, probe.ref)

    desk.cast(5)
    await probe.expect(5)

    assert probe.last is not None
    assert probe.last.sender == desk


async def test_a_failure_tells_what_came_instead_in_order_with_times(system: ActorSystem, probe: Probe) -> None:
    desk = await system.start(Desk, probe.ref, name="desk")
    desk.cast(5)
    await probe.expect(5)
    await trio.sleep(1.5)
    desk.cast(6)
    await settled(system)
    probe.ref.send("by the way")

    with pytest.raises(ExpectationError) as caught:
        await probe.expect(7)

    assert str(caught.value) == (
        "<probe #2> expected 7 next, and got 11; it has received, by the seconds since it began to expect"
        " this:\n"
        "     -1.500 s  cast 5 from <desk #3>  (taken)\n"
        "     +0.000 s  cast 11 from <desk #3>\n"
        "     +0.000 s  info 'by the way'"
    )


async def test_a_function_that_fails_when_it_is_asked_does_not_match(probe: Probe) -> None:
    for message in ("tea", 5, 6):
        probe.ref.cast(message)

    with pytest.raises(ExpectationError, match=r"and got 'tea' \(asked about it, that raised TypeError: "):
        await probe.expect(lambda number: number > 5)

    assert await probe.pick(lambda number: number > 5) == 6


async def test_a_failure_takes_nothing(probe: Probe) -> None:
    probe.ref.cast(5)

    with pytest.raises(ExpectationError):
        await probe.expect(7)

    await probe.expect(5)


async def test_a_failure_after_the_time_is_over_says_that_nothing_came(probe: Probe) -> None:
    with pytest.raises(ExpectationError, match="expected int within 2 s, and nothing came; it has received nothing"):
        await probe.expect(int, timeout=2)

    assert trio.current_time() == 2.0


async def test_a_failure_shows_the_latest_twenty_of_many(probe: Probe) -> None:
    for number in range(25):
        probe.ref.cast(number)

    with pytest.raises(ExpectationError) as caught:
        await probe.expect("tea")

    lines = str(caught.value).splitlines()
    assert lines[1] == "  ... 5 before"
    assert [line.split()[-1] for line in lines[2:]] == [str(number) for number in range(5, 25)]


async def test_an_expectation_waits_as_long_as_its_probe_was_told(system: ActorSystem) -> None:
    probe = await start_probe(system, timeout=60.0)

    with pytest.raises(ExpectationError, match="within 60 s"):
        await probe.expect()

    assert trio.current_time() == 60.0


async def test_picks_what_matches_and_leaves_the_others_in_their_order(probe: Probe) -> None:
    for message in ("tea", 5, "milk", 6):
        probe.ref.cast(message)

    assert await probe.pick(6) == 6
    assert await probe.pick(int) == 5
    assert await probe.expect() == "tea"
    assert await probe.expect() == "milk"


async def test_a_pick_fails_when_nothing_matches_in_time(probe: Probe) -> None:
    probe.ref.cast("tea")

    with pytest.raises(ExpectationError, match=r"expected int within 3 s, and it did not come; (?s:.)*cast 'tea'$"):
        await probe.pick(int)


async def test_expects_nothing_for_a_while(probe: Probe) -> None:
    probe.ref.send_after(11.0, "late")

    await probe.expect_none(10.0)

    assert trio.current_time() == 10.0


async def test_what_was_sent_already_is_something_also_in_no_time(system: ActorSystem, probe: Probe) -> None:
    busy = await start_probe(system)
    for number in range(1_000):
        busy.ref.cast(number)
    probe.ref.cast("tea")

    with pytest.raises(ExpectationError, match="expected nothing for 0 s"):
        await probe.expect_none(0)


@pytest.mark.parametrize("seconds", [0.0, 4.0])
async def test_what_comes_where_nothing_is_expected_fails_at_once(probe: Probe, seconds: float) -> None:
    probe.ref.send_after(seconds, "late")

    with pytest.raises(ExpectationError, match=r"expected nothing for 10 s; (?s:.)*info 'late'$"):
        await probe.expect_none(10.0)

    assert trio.current_time() == seconds


async def test_expects_an_end_and_tells_the_reason(system: ActorSystem, probe: Probe) -> None:
    desk = await system.start(Desk)
    probe.monitor(desk)
    probe.ref.cast("tea")

    desk.send_request(ValueError("odd"))

    reason = await probe.expect_down(desk, ValueError)
    assert str(reason) == "ValueError: odd"
    await probe.expect("tea")
    await probe.expect_none()


async def test_expects_an_end_that_it_did_not_monitor_before(system: ActorSystem, probe: Probe) -> None:
    living, dead = await system.start(Desk), await system.start(Desk)
    dead.kill()
    await living.stop()

    assert await probe.expect_down(dead) == KILLED
    assert await probe.expect_down(living, NORMAL) == NORMAL


async def test_another_end_than_expected_fails_with_the_reason(system: ActorSystem, probe: Probe) -> None:
    desk = await system.start(Desk, name="desk")
    probe.monitor(desk)
    await desk.stop(SHUTDOWN)

    with pytest.raises(ExpectationError, match="expected <desk #3> to exit with ValueError; it did with shutdown"):
        await probe.expect_down(desk, ValueError)

    assert (await probe.expect(Down)).ref == desk


async def test_an_end_that_does_not_come_fails(system: ActorSystem, probe: Probe) -> None:
    desk = await system.start(Desk, name="desk")

    with pytest.raises(ExpectationError, match="expected <desk #3> to exit within 3 s, and it lives"):
        await probe.expect_down(desk)


async def test_follows_a_name_that_it_monitors_to_the_incarnation_of_then(system: ActorSystem, probe: Probe) -> None:
    desk = system.named("desk")
    first = await system.start(Desk, name="desk")
    probe.monitor(desk)

    first.kill()
    await system.start(Desk, name="desk")

    assert await probe.expect_down(desk) == KILLED


async def test_all_expectations_of_a_block_share_its_time(probe: Probe) -> None:
    probe.ref.send_after(4.0, "late")

    with probe.within(10.0):
        await probe.expect("late")
        with pytest.raises(ExpectationError, match="within 6 s, and nothing came"):
            await probe.expect()

    assert trio.current_time() == 10.0


async def test_a_block_that_takes_too_long_or_not_long_enough_fails(probe: Probe) -> None:
    with pytest.raises(ExpectationError, match="expected all this within 1 s; it took 2 s"), probe.within(1.0):
        await trio.sleep(2.0)
    with (
        pytest.raises(ExpectationError, match="expected all this to take 1 s; it took 0 s"),
        probe.within(2.0, at_least=1.0),
    ):
        await trio.lowlevel.checkpoint()


async def test_what_a_block_raises_comes_out_of_it_as_it_is(probe: Probe) -> None:
    with pytest.raises(ValueError, match="odd"), probe.within(1.0):
        raise ValueError("odd")


async def test_the_test_answers_a_call(probe: Probe) -> None:
    request = probe.ref.send_request("how many?")

    await probe.expect("how many?")
    probe.reply(5)

    assert await request.wait() == 5


async def test_a_call_that_the_test_does_not_answer_is_not_forgotten(probe: Probe) -> None:
    with pytest.raises(TimeoutError):
        await probe.ref.call("how many?", timeout=7.0)

    assert trio.current_time() == 7.0


async def test_only_a_call_can_be_answered(probe: Probe) -> None:
    with pytest.raises(LookupError, match="what was expected last was nothing"):
        probe.reply(5)

    probe.ref.cast("tea")
    await probe.expect("tea")

    with pytest.raises(LookupError, match="a message of the kind 'cast'"):
        probe.reply(5)


async def test_a_probe_can_answer_calls_itself(system: ActorSystem) -> None:
    probe = await start_probe(system, answer={"tea": 5}.__getitem__)

    assert await probe.ref.call("tea") == 5
    with pytest.raises(KeyError):
        await probe.ref.call("milk")

    assert [one.message for one in probe.received] == ["tea", "milk"]
    assert probe.ref.alive


async def test_does_what_only_an_actor_can(system: ActorSystem) -> None:
    probe = await start_probe(system, trap_exit=True)
    desk = await system.start(Desk)
    probe.run(desk.link)

    desk.kill()

    assert await probe.expect(Exit) == Exit(desk, KILLED)


async def test_a_dead_probe_does_nothing_any_more(system: ActorSystem, probe: Probe) -> None:
    await probe.ref.stop()

    with pytest.raises(NoProcessError, match="<probe #2> is dead"):
        probe.run(probe.ref.cast, "tea")
    with pytest.raises(ExpectationError, match="it is dead itself: normal"):
        await probe.expect()


async def test_an_expectation_that_is_cancelled_takes_nothing(probe: Probe) -> None:
    with trio.move_on_after(1.0):
        await probe.expect(timeout=5.0)
    probe.ref.cast("tea")

    assert await probe.expect("tea") == "tea"


@pytest.mark.parametrize("seconds", [-1.0, "5", True])
async def test_what_is_no_time_is_refused(probe: Probe, seconds: float) -> None:
    with pytest.raises(ValueError, match="timeout is a number of seconds"):
        await probe.expect(timeout=seconds)
    with pytest.raises(ValueError, match="seconds is a number of seconds"):
        await probe.expect_none(seconds)


async def test_shows_how_much_it_has_received(system: ActorSystem, probe: Probe) -> None:
    probe.ref.cast("tea")
    probe.ref.cast("milk")
    await settled(system)
    await probe.expect("tea")

    assert repr(probe) == "<Probe <probe #2>: 2 received, 1 not expected yet>"

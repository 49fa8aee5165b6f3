"""What a test gives by mistake is named, and so is who took it; its traceback ends in the test."""

from collections.abc import Awaitable, Callable
from functools import partial

import pytest

from actors import ActorSystem
from actors.testing import ExpectationError, Fault, crash, drop, settled, start_probe, step
from supervision.testing import kill_children, start_supervised, stop_supervised
from tests.actors.testing.desk import Desk


async def test_a_step_takes_a_reference(system: ActorSystem) -> None:
    with pytest.raises(TypeError, match="step takes a reference to an actor, or to a name; got 5"):
        await step(5)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"got <Probe <ProbeActor #2>.*>; its \.ref is one"):
        await step(await start_probe(system))  # type: ignore[arg-type]


async def test_a_probe_watches_a_reference(system: ActorSystem) -> None:
    probe = await start_probe(system)

    with pytest.raises(TypeError, match="expect_down takes a reference to an actor, or to a name; got 'till'"):
        await probe.expect_down("till")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="a probe's monitor takes a reference"):
        probe.monitor("till")  # type: ignore[arg-type]


async def test_a_probe_answers_by_a_function(system: ActorSystem) -> None:
    with pytest.raises(TypeError, match="answer is a function of the message, or None to have the test reply; got 5"):
        await start_probe(system, answer=5)  # type: ignore[arg-type]


@pytest.mark.parametrize("take", [settled, start_probe])
async def test_what_takes_a_system_says_so(take: Callable[..., Awaitable[object]]) -> None:
    with pytest.raises(TypeError, match="takes an actor system first; got 5"):
        await take(5)


async def test_what_takes_a_system_for_a_tree_says_so(system: ActorSystem) -> None:
    with pytest.raises(TypeError, match="start_supervised takes an actor system first; got <class"):
        await start_supervised(Desk, Desk)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="stop_supervised takes an actor system first; got 'Desk'"):
        await stop_supervised("Desk", "Desk")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="kill_children takes an actor system first; got 5"):
        async with kill_children(5, system.named("shop"), every=1.0):  # type: ignore[arg-type]
            raise AssertionError("the block must not begin")


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (partial(crash, 5), "crash raises an exception; got 5"),  # type: ignore[arg-type]
        (partial(crash, "boom", on=1), "crash raises an exception; got 'boom'"),  # type: ignore[arg-type]
        (partial(drop, when=5), "drop: when is a function of the message; got 5"),  # type: ignore[arg-type]
    ],
)
def test_a_fault_takes_an_exception_and_a_function(make: Callable[[], Fault], said: str) -> None:
    with pytest.raises(TypeError, match=said):
        make()


async def test_the_traceback_of_a_failed_expectation_ends_in_the_test(system: ActorSystem) -> None:
    probe = await start_probe(system)

    with pytest.raises(ExpectationError) as expected:
        await probe.expect("tea")
    probe.ref.cast("tea")
    with pytest.raises(ExpectationError) as silent:
        await probe.expect_none(1.0)
    with pytest.raises(TypeError) as refused:
        await step(5)  # type: ignore[arg-type]

    for caught in (expected, silent, refused):
        [shown] = caught.traceback.filter(caught)
        assert str(shown.path) == __file__

"""What the clients of store and shared memory do when nobody answers: how long they wait, and what they raise then."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

import pytest
import trio

from actors import NO_REPLY, Actor, ActorError, CallTimeoutError, OutcomeUnknownError
from actors.shared_memory import Namespace, SharedMemoryClient
from actors.store import StoreClient
from actors.store.requests import GetTerms, Terms

if TYPE_CHECKING:
    from collections.abc import Callable

    from trio.testing import MockClock

    from actors import ActorSystem
    from actors.caller import Caller

    Ask = Callable[[ActorSystem], Any]

GLOBAL = Namespace.GLOBAL
ID: Final = "f00"
TERMS: Final = Terms("memory", 1024, 2**20, 0.0, "none", 2**20)


class Silent(Actor):
    """A service that answers nothing but how values are stored."""

    def init(self) -> None:
        self.callers: list[Caller] = []

    def handle_call(self, message: object, caller: Caller) -> Any:
        if isinstance(message, GetTerms):
            return TERMS
        self.callers.append(caller)
        return NO_REPLY


def store(system: ActorSystem) -> StoreClient:
    return StoreClient(system.named("service"))


def notes(system: ActorSystem) -> SharedMemoryClient:
    return SharedMemoryClient(system.named("service"), "ann")


CHANGES: Final[dict[str, Ask]] = {
    f"value {sha256(b'tea').hexdigest()} of 3 bytes was stored": (lambda system: store(system).store(b"tea")),
    "value f00 was retained": lambda system: store(system).retain(ID),
    "value f00 was released": lambda system: store(system).release(ID),
    "value f00 was deleted": lambda system: store(system).delete(ID),
    "garbage was collected": lambda system: store(system).collect(),
    "the store was closed": lambda system: store(system).close(),
    "'motto' of global was put": lambda system: notes(system).put(GLOBAL, "motto", b"tea"),
    "'motto' of global was deleted": lambda system: notes(system).delete(GLOBAL, "motto"),
}
READS: Final[dict[str, Ask]] = {
    "store.list": lambda system: store(system).list(),
    "store.values": lambda system: store(system).values(),
    "store.value": lambda system: store(system).value(ID),
    "store.quarantined": lambda system: store(system).quarantined(),
    "store.stats": lambda system: store(system).stats(),
    "notes.get": lambda system: notes(system).get(GLOBAL, "motto"),
    "notes.list": lambda system: notes(system).list(GLOBAL),
    "notes.statistics": lambda system: notes(system).statistics(),
}


async def kill_after(system: ActorSystem, seconds: float) -> None:
    await trio.sleep(seconds)
    system.named("service").kill()


@pytest.mark.parametrize(("done", "ask"), CHANGES.items(), ids=list(CHANGES))
async def test_a_change_that_nobody_answers_is_told_by_its_name_alone(
    system: ActorSystem, autojump_clock: MockClock, done: str, ask: Ask
) -> None:
    await system.start(Silent, name="service")

    with pytest.raises(OutcomeUnknownError) as unknown:
        await ask(system)

    assert str(unknown.value) == f"whether {done} is not known: no answer came within 5 s"


@pytest.mark.parametrize("ask", READS.values(), ids=list(READS))
async def test_what_only_reads_has_no_unknown_outcome(system: ActorSystem, autojump_clock: MockClock, ask: Ask) -> None:
    await system.start(Silent, name="service")

    with pytest.raises(CallTimeoutError, match=r"did not answer .* within 5\.0 s"):
        await ask(system)


@pytest.mark.parametrize("ask", CHANGES.values(), ids=list(CHANGES))
async def test_patience_is_not_begun_again_for_a_change_when_the_service_ends_late(
    system: ActorSystem, autojump_clock: MockClock, ask: Ask
) -> None:
    await system.start(Silent, name="service")
    began = trio.current_time()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(kill_after, system, 4.9)
        with pytest.raises(OutcomeUnknownError, match="is not known: "):
            await ask(system)
        assert trio.current_time() - began == pytest.approx(5.0)


@pytest.mark.parametrize("ask", READS.values(), ids=list(READS))
async def test_patience_is_not_begun_again_for_a_read_when_the_service_ends_late(
    system: ActorSystem, autojump_clock: MockClock, ask: Ask
) -> None:
    await system.start(Silent, name="service")
    began = trio.current_time()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(kill_after, system, 4.9)
        with pytest.raises(ActorError) as failed:
            await ask(system)

    assert not isinstance(failed.value, OutcomeUnknownError)
    assert trio.current_time() - began == pytest.approx(5.0)

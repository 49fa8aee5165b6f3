"""Names: unique, free when their holder is dead, kept by the system or elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from actors import (
    KILLED,
    NOPROC,
    SHUTDOWN,
    Actor,
    ActorRef,
    ActorSystem,
    Caller,
    Crash,
    Exit,
    ExitReason,
    NameRef,
    NameTakenError,
    NoProcessError,
    Stop,
    get_state,
)
from tests.actors.probe import Probe, received

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.actors.kinds import Kind


class Directory:
    """Names that are kept outside of the system (OTP's dummy_via)."""

    def __init__(self) -> None:
        self.refs: dict[str, ActorRef] = {}

    def register(self, name: str, ref: ActorRef) -> None:
        holder = self.refs.setdefault(name, ref)
        if holder is not ref:
            raise NameTakenError(f"{name} is {holder}", holder)

    def unregister(self, name: str, ref: ActorRef) -> None:
        if self.refs.get(name) is ref:
            del self.refs[name]

    def whereis(self, name: str) -> ActorRef | None:
        return self.refs.get(name)


class Till(Actor):
    def __init__(self, total: int = 0) -> None:
        self.total = total
        self.seen: list[object] = []

    def handle_call(self, message: object, caller: Caller) -> Any:
        return Stop(Crash("stopped"), reply="ok") if message == "stop" else self.total

    def handle_cast(self, message: object) -> None:
        self.seen.append(message)

    def handle_info(self, message: object) -> None:
        self.seen.append(message)


class Guarded(Till):
    """Traps exits, and keeps how it ended."""

    trap_exit = True

    def __init__(self, ends: list[ExitReason]) -> None:
        super().__init__()
        self.ends = ends

    def terminate(self, reason: ExitReason) -> None:
        self.ends.append(reason)


class Heir(Actor):
    """Is given its name by hand, in its own init (OTP's enter_loop)."""

    def __init__(self, directory: Directory, name: str) -> None:
        self.directory = directory
        self.given = name

    def init(self) -> None:
        self.directory.register(self.given, self.ref)

    def handle_call(self, message: object, caller: Caller) -> Any:
        return Stop(Crash("stopped"), reply="ok") if message == "stop" else "ok"

    def terminate(self, reason: ExitReason) -> None:
        self.directory.unregister(self.given, self.ref)


async def test_spec_init_registers_by_hand_in_init(system: ActorSystem, kind: Kind) -> None:
    directory = Directory()
    probe = await system.start(Probe, trap_exit=True)
    heir: ActorRef = await probe.call(lambda me: me.start_link(kind(Heir), directory, "my_server"))
    name = system.named("my_server", via=directory)

    assert await name.call("started", timeout=None) == "ok"
    assert await name.call("stop", timeout=None) == "ok"

    assert await heir.wait() == Crash("stopped")
    assert await probe.call(received) == [Exit(heir, Crash("stopped"))]
    assert directory.refs == {}
    assert trio.current_time() == 0


async def test_spec_init_via_registers_where_it_is_told(system: ActorSystem, kind: Kind) -> None:
    directory = Directory()
    probe = await system.start(Probe, trap_exit=True)
    till: ActorRef = await probe.call(lambda me: me.start_link(kind(Till), 3, name="my_server", via=directory))
    name = system.named("my_server", via=directory)

    assert await name.call("total", timeout=None) == 3
    assert await name.call("stop", timeout=None) == "ok"

    assert await till.wait() == Crash("stopped")
    assert await probe.call(received) == [Exit(till, Crash("stopped"))]
    assert directory.refs == {}
    assert system.whereis("my_server") is None
    assert trio.current_time() == 0


async def test_spec_init_anonymous_has_no_name(system: ActorSystem, kind: Kind) -> None:
    till = await system.start(kind(Till), 3)

    assert till.name is None
    assert await till.call("total", timeout=None) == 3


async def test_spec_init_local_registered_parent_is_known_to_its_child(system: ActorSystem, kind: Kind) -> None:
    ends: list[ExitReason] = []
    parent = await system.start(Probe, name="foobar")
    child: ActorRef = await parent.call(lambda me: me.start_link(kind(Guarded), ends, name="my_server"))

    parent.exit(SHUTDOWN)

    assert await child.wait() == SHUTDOWN
    assert ends == [SHUTDOWN]
    assert trio.current_time() == 0


async def test_spec_init_global_registered_parent_is_known_to_its_child(system: ActorSystem, kind: Kind) -> None:
    ends: list[ExitReason] = []
    directory = Directory()
    parent = await system.start(Probe, name="foobar", via=directory)
    child: ActorRef = await parent.call(lambda me: me.start_link(kind(Guarded), ends, name="my_server", via=directory))

    parent.exit(SHUTDOWN)

    assert await child.wait() == SHUTDOWN
    assert ends == [SHUTDOWN]
    assert directory.refs == {}
    assert trio.current_time() == 0


@pytest.mark.parametrize("directory", [None, Directory()], ids=["local", "via"])
async def test_otp_5854_a_name_that_somebody_else_has_is_not_accepted(
    system: ActorSystem, kind: Kind, directory: Directory | None
) -> None:
    holder = await system.start(kind(Till), 1, name="armitage", via=directory)
    probe = await system.start(Probe, trap_exit=True)

    async def start(me: Probe) -> ActorRef:
        with pytest.raises(NameTakenError) as caught:
            await me.start_link(kind(Till), 2, name="armitage", via=directory)
        return caught.value.ref

    assert await probe.call(start, timeout=None) is holder
    assert await probe.call(received) == []
    assert await holder.call("total") == 1
    assert str(system) == "<ActorSystem: 2 actors>"


async def test_otp_5854_a_hand_written_init_with_a_taken_name_fails(system: ActorSystem, kind: Kind) -> None:
    directory = Directory()
    holder = await system.start(kind(Till), name="armitage", via=directory)

    with pytest.raises(NameTakenError) as caught:
        await system.start(kind(Heir), directory, "armitage")

    assert caught.value.ref is holder
    assert directory.refs == {"armitage": holder}
    assert str(system) == "<ActorSystem: 1 actors>"


async def test_the_same_name_may_be_kept_in_two_places(system: ActorSystem, kind: Kind) -> None:
    one = await system.start(kind(Till), 1, name="till")
    two = await system.start(kind(Till), 2, name="till", via=Directory())

    assert (await one.call("total"), await two.call("total")) == (1, 2)
    assert system.whereis("till") is one


async def test_a_place_for_names_that_fails_makes_start_fail(system: ActorSystem, kind: Kind) -> None:
    class Broken(Directory):
        def register(self, name: str, ref: ActorRef) -> None:
            raise OSError("directory unreachable")

    with pytest.raises(OSError, match="directory unreachable"):
        await system.start(kind(Till), name="till", via=Broken())

    assert str(system) == "<ActorSystem: 0 actors>"


@pytest.mark.parametrize("end", ["stop", "kill", "exit", "crash"])
async def test_a_name_is_free_when_its_holder_is_dead(system: ActorSystem, kind: Kind, end: str) -> None:
    till = await system.start(kind(Till), name="till")
    match end:
        case "stop":
            await till.stop()
        case "kill":
            till.kill()
        case "exit":
            till.exit(Crash("broke"))
        case "crash":
            await till.call("stop", timeout=None)
    await till.wait()

    assert system.whereis("till") is None
    assert await (await system.start(kind(Till), 7, name="till")).call("total") == 7
    assert trio.current_time() == 0


async def test_a_name_follows_whoever_has_it_after_a_restart(system: ActorSystem, kind: Kind) -> None:
    name = system.named("till")
    one = await system.start(kind(Till), 1, name="till")
    first = await name.call("total")
    one.kill()
    await one.wait()
    two = await system.start(kind(Till), 2, name="till")

    assert (first, await name.call("total")) == (1, 2)
    assert name.whereis() is two
    with pytest.raises(NoProcessError):
        await one.call("total", timeout=None)


async def test_a_name_sends_and_casts_to_whoever_has_it(system: ActorSystem, kind: Kind) -> None:
    till = await system.start(kind(Till), name="till")
    name = system.named("till")

    name.cast("cast")
    name.send("info")
    name.send_after(1, "later")
    await trio.sleep(2)

    assert (await get_state(till))["seen"] == ["cast", "info", "later"]


async def test_a_name_monitors_links_and_kills_whoever_has_it(system: ActorSystem, kind: Kind) -> None:
    till = await system.start(kind(Till), name="till")
    probe = await system.start(Probe, trap_exit=True)
    name = system.named("till")
    monitor = await probe.call(lambda me: name.monitor())
    await probe.call(lambda me: name.link())

    name.kill()

    assert await till.wait() == KILLED
    assert monitor.ref is till
    assert Exit(till, KILLED) in await probe.call(received)
    assert len(await probe.call(received)) == 2
    assert trio.current_time() == 0


async def test_a_name_waits_for_whoever_has_it_now(system: ActorSystem, kind: Kind) -> None:
    name = system.named("till")
    till = await system.start(kind(Till), name="till")
    reasons: list[ExitReason] = []

    async def wait() -> None:
        reasons.append(await name.wait())

    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait)
        await wait_all_tasks_blocked()
        till.exit(Crash("broke"))
    await wait()

    assert reasons == [Crash("broke"), NOPROC]
    assert trio.current_time() == 0


USES: dict[str, Callable[[NameRef], object]] = {
    "kill": lambda name: name.kill(),
    "exit": lambda name: name.exit(SHUTDOWN),
    "send_request": lambda name: name.send_request("x"),
    "send_after": lambda name: name.send_after(1, "x"),
    "monitor": lambda name: name.monitor(),
    "link": lambda name: name.link(),
    "unlink": lambda name: name.unlink(),
}


@pytest.mark.parametrize("use", USES)
async def test_a_name_that_nobody_has_says_so(system: ActorSystem, use: str) -> None:
    name = system.named("nobody")

    with pytest.raises(NoProcessError, match="nobody has the name 'nobody'"):
        USES[use](name)

    assert not name.alive
    assert name.whereis() is None


async def test_two_references_to_one_name_are_equal(system: ActorSystem) -> None:
    assert system.named("till") == system.named("till")
    assert len({system.named("till"), system.named("till"), system.named("safe")}) == 2
    assert system.named("till") != system.named("till", via=Directory())
    assert repr(system.named("till")) == "<name till>"


@pytest.mark.parametrize("name", ["", " till", "a\n", 7, None])
async def test_a_bad_name_cannot_be_asked_for(system: ActorSystem, name: Any) -> None:
    with pytest.raises((ValueError, TypeError), match="the name of an actor is") as caught:
        system.named(name)

    assert repr(name) in str(caught.value)


@pytest.mark.parametrize("via", [7, object(), "directory"], ids=lambda via: type(via).__name__)
async def test_a_place_for_names_that_is_none_is_refused(system: ActorSystem, kind: Kind, via: Any) -> None:
    with pytest.raises((TypeError, ValueError), match="via") as started:
        await system.start(kind(Till), name="till", via=via)
    with pytest.raises((TypeError, ValueError), match="via") as named:
        system.named("till", via=via)

    assert repr(via) in str(started.value)
    assert repr(via) in str(named.value)
    assert str(system) == "<ActorSystem: 0 actors>"


async def test_a_place_for_names_without_a_name_is_refused(system: ActorSystem, kind: Kind) -> None:
    with pytest.raises((TypeError, ValueError), match="via"):
        await system.start(kind(Till), via=Directory())

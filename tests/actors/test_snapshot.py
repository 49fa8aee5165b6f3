"""What a shell is shown of each actor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import trio

from actors import Actor, ActorRef, ActorSystem, Backoff, Continue, get_statistics, suspend
from actors.name_ref import process_of
from actors.snapshot import Snapshot, as_mapping, printable
from actors.statistics import most_of
from supervision import ChildSpec, DynamicSupervisor, Supervisor, SupervisorSpec, start_child

if TYPE_CHECKING:
    from tests.actors.kinds import Kind


class Till(Actor):
    def handle_cast(self, message: object) -> None:
        """Take anything."""


class Waiter(Actor):
    """Waits in whatever callback it is told to, until it is cancelled."""

    def __init__(self, callback: str = "handle_cast") -> None:
        self._callback = callback

    async def init(self) -> Continue | None:
        await self._in("init")
        return Continue(None) if self._callback == "handle_continue" else None

    async def handle_cast(self, message: object) -> None:
        await self._in("handle_cast")

    async def handle_info(self, message: object) -> None:
        await self._in("handle_info")

    async def handle_call(self, message: object, caller: object) -> None:
        await self._in("handle_call")

    async def handle_continue(self, argument: object) -> None:
        await self._in("handle_continue")

    async def terminate(self, reason: object) -> None:
        await self._in("terminate")

    async def _in(self, callback: str) -> None:
        if callback == self._callback:
            await trio.sleep_forever()


class Hiding(Actor):
    async def handle_cast(self, message: trio.Event) -> None:
        with trio.CancelScope(shield=True):
            await message.wait()


def shown(system: ActorSystem) -> list[dict[str, Any]]:
    return [as_mapping(row) for row in Snapshot(system).rows()]


def about(ref: ActorRef) -> dict[str, Any]:
    """Return what is shown of one actor."""
    process = process_of(ref)
    assert process is not None
    return as_mapping(Snapshot(process.system).row(process))


def doing(ref: ActorRef) -> tuple[Any, ...]:
    told = about(ref)
    return told["state"], told["handler"], told["message"]


async def test_actors_are_shown_the_oldest_first(system: ActorSystem, kind: Kind) -> None:
    refs = [await system.start(kind(Till), name=name) for name in ("a", "b", "c")]
    refs[1].kill()

    assert [(row["id"], row["name"], row["kind"]) for row in shown(system)] == [
        (refs[0].id, "a", "Till"),
        (refs[2].id, "c", "Till"),
    ]


async def test_the_numbers_are_those_of_its_statistics(system: ActorSystem, kind: Kind) -> None:
    till = await system.start(kind(Till))
    for _ in range(200):
        till.cast("x")
    await trio.testing.wait_all_tasks_blocked()
    for _ in range(3):
        till.cast("y")

    told, known = about(till), get_statistics(till)

    for field in ("received", "handled", "length", "greatest_length", "dropped"):
        assert told[field] == getattr(known, field)
    for field, durations in (("waiting", known.waiting), ("handling", known.handling)):
        count, total, greatest, median, tail = told[field]
        assert (count, total / count / 1e9, greatest) == (durations.count, durations.mean, durations.greatest)
        assert min(greatest, most_of(median)) == durations.quantile(0.5)
        assert min(greatest, most_of(tail)) == durations.quantile(0.99)


async def test_an_actor_without_messages_waits(system: ActorSystem, kind: Kind) -> None:
    till = await system.start(kind(Till))

    assert doing(till) == ("waiting", None, None)
    assert (about(till)["last_received"], about(till)["waiting"]) == (0, None)


async def test_an_actor_whose_messages_wait_for_its_turn_is_ready(system: ActorSystem, kind: Kind) -> None:
    till = await system.start(kind(Till))

    till.cast("x")

    assert doing(till)[0] in {"ready", "running"}
    assert about(till)["length"] == 1


async def test_an_actor_that_is_suspended_says_so(system: ActorSystem, kind: Kind) -> None:
    till = await system.start(kind(Till))
    await suspend(till)
    till.cast("x")

    assert doing(till) == ("suspended", None, None)


@pytest.mark.parametrize(
    ("callback", "message"), [("handle_cast", "str"), ("handle_info", "str"), ("handle_continue", None)]
)
async def test_a_callback_that_runs_is_shown_with_the_class_of_its_message(
    callback: str, message: str | None, system: ActorSystem
) -> None:
    waiter = await system.start(Waiter, callback)
    (waiter.send if callback == "handle_info" else waiter.cast)("x")
    await trio.testing.wait_all_tasks_blocked()

    assert doing(waiter) == ("running", callback, message)


async def test_a_call_is_shown_by_what_was_asked(system: ActorSystem) -> None:
    waiter = await system.start(Waiter, "handle_call")
    waiter.send_request(7)
    await trio.testing.wait_all_tasks_blocked()

    assert doing(waiter) == ("running", "handle_call", "int")


async def test_an_actor_in_its_init_is_starting(system: ActorSystem) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(system.start, Waiter, "init")
        await trio.testing.wait_all_tasks_blocked()

        [row] = shown(system)

        assert (row["state"], row["handler"]) == ("starting", "init")
        nursery.cancel_scope.cancel()


async def test_an_actor_in_its_terminate_is_stopping(system: ActorSystem) -> None:
    waiter = await system.start(Waiter, "terminate")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(waiter.stop)
        await trio.testing.wait_all_tasks_blocked()

        assert doing(waiter) == ("stopping", None, None)


async def test_a_zombie_is_shown_until_it_ends(system: ActorSystem) -> None:
    hiding = await system.start(Hiding, name="hiding")
    released = trio.Event()
    hiding.cast(released)
    await trio.testing.wait_all_tasks_blocked()
    hiding.kill()
    await hiding.wait()

    [row] = shown(system)
    process = process_of(hiding)
    assert process is not None
    detail = Snapshot(system).detail(process)
    assert (row["id"], row["name"], row["state"]) == (hiding.id, "hiding", "zombie")
    assert detail["where"][0].endswith(" handle_cast")

    released.set()
    await trio.testing.wait_all_tasks_blocked()
    assert shown(system) == []


async def test_children_are_shown_with_their_restarts(system: ActorSystem, kind: Kind) -> None:
    spec = SupervisorSpec([ChildSpec("a", kind(Till), name="a"), ChildSpec("b", kind(Till))], intensity=5)
    top = await system.start(Supervisor, spec)
    for _ in range(2):
        till = system.whereis("a")
        assert till is not None
        till.kill()
        await trio.testing.wait_all_tasks_blocked()

    rows = {row["child"]: row for row in shown(system)}

    assert (rows["a"]["parent"], rows["a"]["restarts"]) == (top.id, 2)
    assert (rows["b"]["parent"], rows["b"]["restarts"]) == (top.id, 0)
    assert (rows[None]["id"], rows[None]["parent"], rows[None]["restarts"]) == (top.id, None, None)


async def test_the_children_of_a_dynamic_supervisor_are_shown_with_their_restarts(system: ActorSystem) -> None:
    pool = await system.start(DynamicSupervisor)
    worker = await start_child(pool, ChildSpec("worker", Till))
    assert worker is not None
    worker.kill()
    await trio.testing.wait_all_tasks_blocked()

    [_, row] = shown(system)

    assert (row["child"], row["restarts"], row["parent"]) == ("worker", 1, pool.id)
    assert row["id"] != worker.id


async def test_a_child_without_a_process_is_shown_after_its_supervisor(system: ActorSystem) -> None:
    spec = SupervisorSpec([ChildSpec("once", Till, name="once", restart="transient"), ChildSpec("b", Till)])
    top = await system.start(Supervisor, spec)
    once = system.whereis("once")
    assert once is not None
    await once.stop()
    await trio.testing.wait_all_tasks_blocked()

    rows = [(row["id"], row["child"], row["state"]) for row in shown(system)]

    assert rows == [(top.id, None, "waiting"), (None, "once", "undefined"), (once.id + 1, "b", "waiting")]


async def test_all_that_is_known_of_one_actor(system: ActorSystem, kind: Kind) -> None:
    spec = SupervisorSpec([ChildSpec("a", kind(Till), shutdown=2.0)])
    top = await system.start(Supervisor, spec)
    process = process_of(top)
    assert process is not None

    detail = Snapshot(system).detail(process)

    assert detail["class"] == "supervision.supervisor.Supervisor"
    assert detail["trap_exit"] is True
    assert detail["children"] == [("a", top.id + 1, "running", 0)]
    assert detail["links"] == [top.id + 1]
    assert detail["where"] == []


async def test_the_task_of_a_callback_is_shown_where_it_waits(system: ActorSystem) -> None:
    waiter = await system.start(Waiter)
    waiter.cast("x")
    await trio.testing.wait_all_tasks_blocked()
    process = process_of(waiter)
    assert process is not None

    places = Snapshot(system).detail(process)["where"]

    assert [line.rpartition(" ")[2] for line in places] == ["handle_cast", "_in", "sleep_forever"]
    assert f"{__file__}:" in places[0]


async def test_who_starts_between_two_rows_is_left_out_and_so_is_who_dies(system: ActorSystem) -> None:
    refs = [await system.start(Till) for _ in range(3)]
    rows = Snapshot(system).rows()
    next(rows)

    refs[2].kill()
    await system.start(Till)

    assert [as_mapping(row)["id"] for row in rows] == [refs[1].id]


def test_what_cannot_be_sent_is_escaped() -> None:
    assert printable("café \udce9") == "café \\udce9"


async def test_a_child_whose_restart_is_delayed_is_restarting(system: ActorSystem) -> None:
    spec = SupervisorSpec([ChildSpec("a", Till, name="a", backoff=Backoff(20.0))], intensity=5)
    await system.start(Supervisor, spec)
    for _ in range(2):
        till = system.whereis("a")
        assert till is not None
        till.kill()
        await trio.testing.wait_all_tasks_blocked()

    [_, row] = shown(system)

    assert (row["id"], row["child"], row["state"]) == (None, "a", "restarting")

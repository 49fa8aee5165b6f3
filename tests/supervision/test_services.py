"""The standard tree of services, in the tree of an application."""

from __future__ import annotations

import logging
import subprocess
import sys
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import pytest
import trio

from actors import ActorError, ActorSystem, Backoff, open_system
from actors.bus import BusClient, BusOptions
from actors.delivery import DeliveryOptions, Guarantee, RouterConfig, RouterRef
from actors.queue import LeaseLostError, MemoryStore, QueueClient, QueueOptions, SqliteStore
from actors.shared_memory import MemoryEntries, Namespace, SharedMemoryClient, SqliteEntries
from actors.sqlite import Database, open_database
from actors.store import (
    MemoryReferenceStore,
    PolicyManager,
    Reference,
    SqliteReferenceStore,
    StoreClient,
    StoreOptions,
    ValueTooLargeError,
)
from actors.store.policy import always_reference
from supervision import (
    BadSpecError,
    ChildSpec,
    ChildStartError,
    Supervisor,
    SupervisorSpec,
    service_tree,
    which_children,
)
from tests.actors.delivery.receivers import Receiver

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from trio.testing import MockClock

    from actors import ActorRef

BAD: Final = b"no database" * 1_000


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "shop.db"


@pytest.fixture
def bad_file(file: Path) -> Path:
    file.write_bytes(BAD)
    return file


@pytest.fixture
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)


async def start_both(system: ActorSystem, file: Path) -> tuple[ActorRef, Database]:
    """Start the services of an application, which share a file."""
    database = await open_database(system, file, inline=True)
    services = service_tree(RouterConfig(database=str(file)), queue=SqliteStore(file, inline=True))
    return await system.start(Supervisor, SupervisorSpec([services])), database


async def start_all(system: ActorSystem, file: Path) -> ActorRef:
    """Start all services of an application, in one file."""
    await open_database(system, file, inline=True)
    tree = service_tree(
        RouterConfig(database=str(file)),
        store=SqliteReferenceStore(file, inline=True),
        shared_memory=SqliteEntries(file, inline=True),
        bus=True,
        queue=SqliteStore(file, inline=True),
    )
    return await system.start(Supervisor, SupervisorSpec([tree]))


async def test_the_router_is_there_for_an_application(autojump_clock: MockClock) -> None:
    notes: list[object] = []
    async with open_system() as system:
        await system.start(Supervisor, SupervisorSpec([service_tree(RouterConfig(max_retries=7))]))
        receiver = await system.start(Receiver, notes)

        receipt = await RouterRef(system).send(receiver, "tea")
        await receipt.acknowledged()

    assert notes == ["tea"]
    assert receipt.max_attempts == 7


async def test_a_router_that_crashes_is_there_again(autojump_clock: MockClock) -> None:
    notes: list[object] = []
    async with open_system() as system:
        await system.start(Supervisor, SupervisorSpec([service_tree()]))
        receiver = await system.start(Receiver, notes)

        system.named("router").kill()
        await (await RouterRef(system).send(receiver, "tea")).acknowledged()

    assert notes == ["tea"]


async def test_there_is_no_queue_unless_it_has_a_store(autojump_clock: MockClock) -> None:
    async with open_system() as system:
        await system.start(Supervisor, SupervisorSpec([service_tree()]))

        assert (system.whereis("queue"), system.whereis("router") is None) == (None, False)


async def test_the_queue_is_there_with_its_options(autojump_clock: MockClock) -> None:
    tree = service_tree(queue=MemoryStore(), queue_options=QueueOptions(max_retries=7))
    async with open_system() as system:
        await system.start(Supervisor, SupervisorSpec([tree]))
        queue = QueueClient(system.named("queue"))

        await queue.put("mill", "beans")

        assert (await queue.lease("mill")).message.max_retries == 7


@pytest.mark.parametrize(("service", "options"), [("queue", QueueOptions()), ("store", StoreOptions())])
def test_options_of_no_service_are_refused(service: str, options: Any) -> None:
    said = rf"service_tree: {service}_options is .*; allowed is None without a {service}"
    with pytest.raises(BadSpecError, match=said):
        service_tree(**{f"{service}_options": options})


def test_the_delays_before_restarts_are_those_that_were_asked_for() -> None:
    soon = Backoff(0.1, max_seconds=0.5)

    assert delays_of(service_tree()) == Backoff(0.1, max_seconds=30.0)
    assert delays_of(service_tree(backoff=soon)) == soon
    assert delays_of(service_tree(backoff=soon, intensity="strict")) == soon


def delays_of(services: ChildSpec) -> Backoff | None:
    (spec,) = services.args
    assert isinstance(spec, SupervisorSpec)
    return spec.backoff


def test_delays_that_are_none_are_refused() -> None:
    with pytest.raises(BadSpecError, match=r"backoff is 0\.5"):
        service_tree(backoff=0.5)  # type: ignore[arg-type]


def test_a_bus_is_wanted_or_not() -> None:
    unclear: Any = "yes"
    with pytest.raises(BadSpecError, match=r"service_tree: bus is 'yes'; allowed is True or False, or BusOptions"):
        service_tree(bus=unclear)


@pytest.mark.parametrize(
    ("field", "allowed"),
    [
        ("router", "RouterConfig, or None"),
        ("store", "a ReferenceStore, such as SqliteReferenceStore('shop.db'), or None for no such service"),
        ("shared_memory", "an EntryStore, such as SqliteEntries('shop.db'), or None for no such service"),
        ("queue", "a QueueStore, such as SqliteStore('shop.db'), or None for no such service"),
        ("store_options", "StoreOptions, or None"),
        ("queue_options", "QueueOptions, or None"),
    ],
)
@pytest.mark.parametrize("given", ["q.db", 3, MemoryEntries, object()])
def test_what_a_service_cannot_be_made_from_is_refused_where_it_is_written(
    field: str, allowed: str, given: object
) -> None:
    fields: dict[str, Any] = {"store": MemoryReferenceStore(), "queue": MemoryStore(), field: given}

    with pytest.raises(BadSpecError) as refused:
        service_tree(**fields)

    assert str(refused.value) == f"service_tree: {field} is {given!r}; allowed is {allowed}"


def test_a_store_of_another_service_is_refused() -> None:
    with pytest.raises(BadSpecError, match=r"queue is <MemoryEntries: .*>; allowed is a QueueStore"):
        service_tree(queue=MemoryEntries())  # type: ignore[arg-type]


async def test_all_services_are_found_by_their_names_and_share_a_file(file: Path, autojump_clock: MockClock) -> None:
    async with open_system() as system:
        await start_all(system, file)
        store, notes = StoreClient(system.named("store")), SharedMemoryClient(system.named("shared_memory"), "till")
        orders = await BusClient(system.named("bus"), agent="till").subscribe("orders.*")

        reference = await store.store(b"tea")
        await notes.put(Namespace.GLOBAL, "stock", reference.id.encode())
        published = await BusClient(system.named("bus"), agent="till").publish("orders.new", reference)
        received = orders.receive_nowait().payload

    async with open_system() as system:
        await start_all(system, file)
        found = await SharedMemoryClient(system.named("shared_memory")).get(Namespace.GLOBAL, "stock")
        value = await StoreClient(system.named("store")).resolve(reference)

    assert (published, received) == ((1, 0), reference)
    assert (found and found.value, value) == (reference.id.encode(), b"tea")


async def test_what_was_not_asked_for_is_not_there(autojump_clock: MockClock) -> None:
    async with open_system() as system:
        await system.start(Supervisor, SupervisorSpec([service_tree(bus=True)]))
        there = [name for name in ("store", "shared_memory", "bus", "queue", "router") if system.whereis(name)]

    assert there == ["bus", "router"]


async def test_the_store_is_there_with_its_options(autojump_clock: MockClock) -> None:
    tree = service_tree(store=MemoryReferenceStore(), store_options=StoreOptions(max_bytes=3))
    async with open_system() as system:
        await system.start(Supervisor, SupervisorSpec([tree]))
        with pytest.raises(ValueTooLargeError, match="takes 3"):
            await StoreClient(system.named("store")).store(b"cups")


@pytest.mark.parametrize(
    ("policies", "by_reference"), [(None, (False, True)), (PolicyManager(always_reference()), (True, True))]
)
async def test_a_bus_beside_a_store_has_large_payloads_go_by_reference(
    policies: PolicyManager | None, by_reference: tuple[bool, bool], autojump_clock: MockClock
) -> None:
    tree = service_tree(store=MemoryReferenceStore(), bus=BusOptions(policies=policies))
    async with open_system() as system:
        await system.start(Supervisor, SupervisorSpec([tree]))
        bus = BusClient(system.named("bus"), agent="till")
        orders = await bus.subscribe("orders")
        values = [b"tea", b"tea " * 10_000]
        for value in values:
            await bus.publish("orders", value)
        received = [orders.receive_nowait() for _ in values]
        resolved = [await bus.resolve(message) for message in received]

    assert tuple(isinstance(message.payload, Reference) for message in received) == by_reference
    assert resolved == values


async def test_a_bus_without_a_store_has_all_go_by_value_and_counts_for_as_many_topics_as_it_is_told(
    autojump_clock: MockClock,
) -> None:
    async with open_system() as system:
        await system.start(Supervisor, SupervisorSpec([service_tree(bus=BusOptions(max_topics=1))]))
        bus = BusClient(system.named("bus"), agent="till")
        orders = await bus.subscribe("orders.*")
        for number in range(2):
            await bus.publish(f"orders.{number}", b"tea " * 10_000)
        topics = [topic.name for topic in await bus.topics()]

    assert orders.receive_nowait().payload == b"tea " * 10_000
    assert topics == ["orders.*", "orders.1"]


def test_policies_without_a_store_are_refused() -> None:
    with pytest.raises(BadSpecError, match=r"bus is .*; allowed is BusOptions without policies, as there is no store"):
        service_tree(bus=BusOptions(policies=PolicyManager()))


@pytest.mark.parametrize("fault", [{"max_topics": 0}, {"max_topics": True}, {"policies": "all"}])
def test_options_that_no_bus_can_have_are_refused(fault: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"BusOptions: \w+ is .*; allowed is"):
        BusOptions(**fault)


async def test_services_start_in_the_order_of_their_table(file: Path, autojump_clock: MockClock) -> None:
    async with open_system() as system:
        top = await start_all(system, file)
        (services,) = await which_children(top)
        assert services.ref is not None
        children = await which_children(services.ref)

    assert [child.id for child in reversed(children)] == ["store", "shared_memory", "bus", "queue", "router"]


async def test_router_and_queue_may_share_a_file(file: Path, autojump_clock: MockClock) -> None:
    notes: list[object] = []
    durable = DeliveryOptions(durable=True)
    async with open_system() as system:
        await start_both(system, file)
        await QueueClient(system.named("queue")).put("mill", "beans")
        await RouterRef(system).send("mill", "stone", durable)

    async with open_system() as system:
        await start_both(system, file)
        await system.start(Receiver, notes, name="mill")
        lease = await QueueClient(system.named("queue")).lease("mill")
        await RouterRef(system).drained()

    assert (lease.message.payload, notes) == ("beans", ["stone"])


class Load:
    """Producers that use both services and kill one of them now and then, and a consumer."""

    def __init__(self, system: ActorSystem, victim: str) -> None:
        self.system = system
        self.victim = victim
        self.router = RouterRef(system)
        self.queue = QueueClient(system.named("queue"))
        self.texts = {name: [f"{name} {number}" for number in range(50)] for name in "abcd"}
        self.acknowledged: set[str] = set()
        self.leased: set[str] = set()
        self.kills = 0

    async def run(self) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.consume)
            for name in self.texts:
                nursery.start_soon(self.produce, name)

    async def produce(self, name: str) -> None:
        once = DeliveryOptions(guarantee=Guarantee.EXACTLY_ONCE, durable=name in "ab")
        for text in self.texts[name]:
            await (await self.router.send("receiver", text, once)).acknowledged()
            await insist(partial(self.queue.put, "mill", text, id=text))
            self.acknowledged.add(text)
            if len(self.acknowledged) % 20 == 0 and (service := self.system.whereis(self.victim)) is not None:
                self.kills += 1
                service.kill()

    async def consume(self) -> None:
        while len(self.leased) < 200:
            lease = await insist(partial(self.queue.lease, "mill"))
            self.leased.add(lease.message.payload)
            with suppress(LeaseLostError):
                await insist(partial(self.queue.ack, lease))


async def insist(request: Callable[[], Awaitable[Any]]) -> Any:
    """Ask until there is an answer, or an error that says that asking again is in vain."""
    while True:
        try:
            return await request()
        except ActorError as error:
            if not error.retryable:
                raise


@pytest.mark.slow
@pytest.mark.usefixtures("quiet")
@pytest.mark.parametrize("victim", ["router", "queue"])
async def test_killing_a_service_under_load_loses_nothing_that_was_acknowledged(
    victim: str, file: Path, autojump_clock: MockClock
) -> None:
    notes: list[object] = []
    async with open_system() as system:
        top, _ = await start_both(system, file)
        await system.start(Receiver, notes, name="receiver")
        load = Load(system, victim)
        await load.run()
        children = await which_children(top)

    assert load.kills > 5
    assert len(load.acknowledged) == 200
    assert load.leased == load.acknowledged
    assert sorted(map(str, notes)) == sorted(load.acknowledged)
    assert [child.state for child in children] == ["running"]


@pytest.mark.slow
def test_a_file_that_is_bad_at_the_start_is_named_by_one_line_for_each_level_and_no_traceback(bad_file: Path) -> None:
    program = f"""
import logging
from actors.delivery import RouterConfig
from actors.queue import LeaseLostError, MemoryStore
from supervision import ChildStartError, SupervisorSpec, launch, service_tree
logging.basicConfig(format="%(message)s")
try:
    launch(SupervisorSpec([service_tree(RouterConfig(database={str(bad_file)!r}), queue=MemoryStore())]), listen=False)
except ChildStartError as error:
    print(error)
"""

    finished = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    fault = f"DatabaseCorruptError: {bad_file} is damaged, or no database: file is not a database (SQLITE_NOTADB)"
    inner = f"<Supervisor #3>: child 'router' did not start: {fault}"
    outer = f"<Tree #2>: child 'services' did not start: ChildStartError: {inner}"
    assert finished.stderr.splitlines() == [inner, outer]
    assert finished.stdout.splitlines() == [outer]
    assert bad_file.read_bytes() == BAD


@pytest.mark.usefixtures("quiet")
async def test_the_queue_whose_file_is_bad_at_the_start_fails_the_start_of_the_tree(
    bad_file: Path, autojump_clock: MockClock
) -> None:
    async with open_system() as system:
        with pytest.raises(ChildStartError, match=f"'queue' did not start: DatabaseCorruptError: {bad_file} is"):
            await system.start(Supervisor, SupervisorSpec([service_tree(queue=SqliteStore(bad_file, inline=True))]))

    assert trio.current_time() == 0


async def test_a_service_whose_file_goes_bad_is_tried_again_and_takes_nobody_along(
    file: Path, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    notes: list[object] = []
    async with open_system() as system:
        top, database = await start_both(system, file)
        receiver = await system.start(Receiver, notes)
        queue = QueueClient(system.named("queue"))
        await queue.put("mill", "beans")
        await database.commit(("UPDATE actors_parts SET version = version + 90 WHERE name = 'queue'", ()))
        system.named("queue").kill()
        await trio.sleep(3600)
        attempts = [record.getMessage() for record in caplog.records if "'queue' did not start" in record.getMessage()]
        await (await RouterRef(system).send(receiver, "tea")).acknowledged()
        running = [child.state for child in await which_children(top)]
        await database.commit(("UPDATE actors_parts SET version = version - 90 WHERE name = 'queue'", ()))
        await trio.sleep(30)
        lease = await queue.lease("mill")

    assert 100 < len(attempts) < 140
    assert all(f"NewerSchemaError: {file} has version 9" in attempt for attempt in attempts)
    assert not any(record.exc_info for record in caplog.records)
    assert (notes, running, lease.message.payload) == (["tea"], ["running"], "beans")


@pytest.mark.usefixtures("quiet")
async def test_all_services_may_be_killed_again_and_again(file: Path, autojump_clock: MockClock) -> None:
    async with open_system() as system:
        top, _ = await start_both(system, file)
        (before,) = await which_children(top)

        for _ in range(30):
            for name in ("router", "queue"):
                system.named(name).kill()
            await trio.sleep(31)
            assert system.whereis("router") is not None
            assert system.whereis("queue") is not None
        (after,) = await which_children(top)

    assert after.ref == before.ref

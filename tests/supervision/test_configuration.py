"""From a configuration to the services it describes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import pytest
import trio

from actors import IGNORE, Actor, Priority, open_system
from actors.bus import BusClient
from actors.config import ConfigError
from actors.delivery import BreakerOptions, Guarantee, RouterConfig, RouterRef
from actors.queue import MemoryStore, QueueClient, QueueOptions, SqliteStore
from actors.shared_memory import MemoryEntries, Namespace, SharedMemoryClient, SqliteEntries
from actors.sqlite import find_database
from actors.store import MemoryReferenceStore, SqliteReferenceStore, StoreClient, StoreOptions
from supervision import (
    ChildSpec,
    ChildStartError,
    Configuration,
    Supervisor,
    SupervisorSpec,
    configured_services,
    launch,
    load_configuration,
)
from supervision.configuration.keys import BACKOFF_FIELDS, keys_of
from supervision.spec import with_first

if TYPE_CHECKING:
    from trio.testing import MockClock

BY_REFERENCE = ("session_state", "workflow_context", "collaboration_state")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def load(text: str = "", name: str = "shop.toml", **variables: str) -> Configuration:
    Path(name).write_text(text, encoding="utf-8")
    return load_configuration(name, environ=variables)


def faults_of(text: str = "", name: str = "shop.toml", **variables: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(text, name, **variables)
    return list(caught.value.faults)


def children_of(configuration: Configuration) -> dict[str, ChildSpec]:
    (spec,) = configuration.services().args
    assert isinstance(spec, SupervisorSpec)
    return {child.id: child for child in spec.children}


# -- the two forms, each with its defaults


def test_the_defaults_are_those_of_the_factory() -> None:
    configuration = load_configuration(environ={})

    factory = configuration.factory
    assert configuration.form == "factory"
    assert (factory.store.backend, factory.store.path) == ("sqlite", "./loom.db")
    assert (factory.gc.enabled, factory.gc.strategy, factory.gc.interval) == (True, "ref_counting", 300)
    assert (factory.auto_promote.enabled, factory.auto_promote.threshold) == (True, 10_240)
    assert factory.policies.always_reference == BY_REFERENCE
    assert factory.policies.always_value == ("control", "pattern_ref")


def test_the_defaults_of_a_server_are_its_own() -> None:
    configuration = load("communication: {}\n", "shop.yaml")

    factory = configuration.factory
    assert configuration.form == "server"
    assert (factory.store.backend, factory.store.path, factory.gc.interval) == (
        "sqlite",
        "./data/references.db",
        3600,
    )
    assert (factory.gc.enabled, factory.gc.strategy, factory.auto_promote.threshold) == (True, "ref_counting", 10_240)


def test_the_documented_form_of_a_factory_is_read() -> None:
    configuration = load("""
        [store]
        backend = "memory"
        redis_url = ""
        [gc]
        enabled = false
        strategy = "ttl"
        interval = 5
        [auto_promote]
        enabled = false
        threshold = 7
        [policies]
        always_reference = ["plan"]
        always_value = ["note", "control"]
    """)

    factory, options = configuration.factory, configuration.store_options
    assert factory.store.backend == "memory"
    assert (factory.gc.enabled, factory.gc.strategy, factory.gc.interval) == (False, "ttl", 5)
    assert (factory.auto_promote.enabled, factory.auto_promote.threshold) == (False, 7)
    assert factory.policies.always_reference == ("plan",)
    assert factory.policies.always_value == ("note", "control")
    assert (options.gc_enabled, options.gc_strategy, options.gc_interval) == (False, "ttl", 5)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("shop.yaml", "communication:\n  backend: sqlite\n  sqlite:\n    path: a.db\n    gc_interval: 60\n"),
        ("shop.toml", "[communication]\nbackend = 'sqlite'\n[communication.sqlite]\npath = 'a.db'\ngc_interval = 60\n"),
    ],
)
def test_the_documented_form_of_a_server_is_translated(name: str, text: str) -> None:
    configuration = load(text, name)

    factory, options = configuration.factory, configuration.store_options
    assert (factory.store.backend, factory.store.path, factory.gc.interval) == ("sqlite", "a.db", 60)
    assert (options.gc_strategy, options.gc_interval) == ("ref_counting", 60)


def test_a_variable_alone_can_make_it_the_form_of_a_server() -> None:
    configuration = load_configuration(environ={"ACTORS_COMMUNICATION__SQLITE__PATH": "a.db"})

    assert (configuration.factory.store.path, configuration.factory.gc.interval) == ("a.db", 3600)


def test_what_a_server_does_not_tell_is_told_beside_it() -> None:
    configuration = load("""
        communication.sqlite.path = "a.db"
        store.compression = "gzip"
        gc.strategy = "ttl"
        auto_promote.threshold = 7
    """)

    assert configuration.factory.auto_promote.threshold == 7
    assert configuration.store_options == StoreOptions(compression="gzip", gc_strategy="ttl", gc_interval=3600)


def test_0_seconds_and_an_empty_path_stand_for_the_defaults_of_their_form() -> None:
    factory = load("store.path = ''\ngc.interval = 0").factory
    server = load("communication.sqlite.path = ''\ncommunication.sqlite.gc_interval = 0").factory

    assert (factory.store.path, factory.gc.interval) == ("./loom.db", 300)
    assert (server.store.path, server.gc.interval) == ("./data/references.db", 3600)


# -- what the services are made from


def test_all_services_are_described_and_share_a_file() -> None:
    children = children_of(load("store.path = 'a.db'"))

    store, shared_memory, queue = (children[name].args[0] for name in ("store", "shared_memory", "queue"))
    router = children["router"].args[0]
    assert set(children) == {"store", "shared_memory", "bus", "queue", "router"}
    assert isinstance(store, SqliteReferenceStore)
    assert isinstance(shared_memory, MemoryEntries)
    assert isinstance(queue, SqliteStore)
    assert isinstance(router, RouterConfig)
    assert store.path == queue.path == router.database == "a.db"


def test_what_is_kept_in_memory_needs_no_file() -> None:
    children = children_of(load("store.backend = 'memory'"))

    assert isinstance(children["store"].args[0], MemoryReferenceStore)
    assert isinstance(children["queue"].args[0], MemoryStore)
    assert children["router"].args[0] == RouterConfig(lock_timeout=30.0, cache_size=-2000)


def test_services_may_have_files_of_their_own_or_not_be_there() -> None:
    children = children_of(
        load("""
            bus.enabled = false
            shared_memory = { backend = "sqlite", path = "notes.db" }
            queue.path = "queue.db"
            router.database = ""
        """)
    )
    shared_memory, queue = children["shared_memory"].args[0], children["queue"].args[0]

    assert isinstance(shared_memory, SqliteEntries)
    assert isinstance(queue, SqliteStore)
    assert (shared_memory.path, queue.path) == ("notes.db", "queue.db")
    assert children["router"].args[0] == RouterConfig(lock_timeout=30.0, cache_size=-2000)
    assert set(children) == {"store", "shared_memory", "queue", "router"}


@pytest.mark.parametrize("name", ["shared_memory", "queue"])
def test_a_service_may_be_left_out(name: str) -> None:
    assert name not in children_of(load(f"{name}.enabled = false"))


def test_the_options_of_router_and_queue_are_taken() -> None:
    configuration = load("""
        [router]
        guarantee = "exactly_once"
        priority = "high"
        max_retries = 5
        expires_after = inf
        breaker = { failure_threshold = 2, while_open = "fail" }
        [queue]
        lease_seconds = 5
        backoff = { first = 1, max_seconds = 8 }
    """)

    router, queue = configuration.router, configuration.queue_options
    assert (router.guarantee, router.priority, router.max_retries) == (Guarantee.EXACTLY_ONCE, Priority.HIGH, 5)
    assert router.breaker == BreakerOptions(failure_threshold=2, while_open="fail")
    assert router.expires_after == float("inf")
    assert queue.lease_seconds == 5
    assert (queue.backoff.first, queue.backoff.max_seconds) == (1, 8)


def test_there_need_be_no_breaker() -> None:
    assert load("router.breaker.enabled = false").router.breaker is None


def test_without_a_word_the_services_have_the_defaults_of_their_options() -> None:
    configuration = load()

    router = attrs.evolve(configuration.router, database=None, cache_size=None)
    assert (router, configuration.queue_options) == (RouterConfig(), QueueOptions())
    assert configuration.store_options == StoreOptions(gc_strategy="ref_counting")


@pytest.mark.parametrize(
    ("part", "section", "elsewhere"),
    [
        (RouterConfig, "router", {"breaker", "lock_timeout", "cache_size", "clock"}),
        (QueueOptions, "queue", {"backoff", "known"}),
        (BreakerOptions, "router.breaker", set()),
        (StoreOptions, "store", {"gc_enabled", "gc_strategy", "gc_interval"}),
    ],
)
def test_every_option_has_a_key(part: type[Any], section: str, elsewhere: set[str]) -> None:
    names = {key.name for key in keys_of("factory")}

    options = {field.name for field in attrs.fields(part)} - elsewhere
    assert {f"{section}.{name}" for name in options} <= names


def test_the_backoff_of_the_queue_has_keys_for_what_it_uses() -> None:
    assert set(BACKOFF_FIELDS) == {"first", "multiplier", "max_seconds", "jitter"}


def test_how_often_services_may_be_restarted_is_said() -> None:
    (spec,) = load("services = { intensity = 3, period = 9 }").services().args

    assert isinstance(spec, SupervisorSpec)
    assert (spec.intensity, spec.period) == (3, 9)


def test_the_policies_are_those_that_are_listed() -> None:
    policies = load("policies.always_reference = ['plan']\nauto_promote.threshold = 5").policies()

    assert [policies.by_reference(kind, 3) for kind in ("plan", "session_state")] == [True, False]
    assert [policies.by_reference("note", size) for size in (5, 6)] == [False, True]


# -- what is refused


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("store.backend = 'redis'", "which is not implemented yet; allowed is 'sqlite' or 'memory'"),
        ("store.backend = 'mongo'", "an unknown store backend; allowed is 'sqlite' or 'memory'"),
        ("store.backend = ''", "an unknown store backend; allowed is 'sqlite' or 'memory'"),
    ],
)
def test_a_backend_that_is_not_there_is_refused_in_both_forms(text: str, fault: str) -> None:
    value = text.partition(" = ")[2]

    assert faults_of(text) == [f"shop.toml:1: store.backend is {value}, {fault}"]
    server = text.replace("store.", "communication.")
    assert faults_of(server) == [f"shop.toml:1: communication.backend is {value}, {fault}"]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("gc.interval = -1", "gc.interval is -1; allowed is a finite number above 0, or 0 for 300"),
        ("gc.strategy = 'x'", "gc.strategy is 'x'; allowed is any, ref_counting, ttl, manual"),
        ("communication.sqlite.gc_interval = -1", "communication.sqlite.gc_interval is -1; allowed is a finite number"),
        ("auto_promote.threshold = -1", "auto_promote.threshold is -1; allowed is an int of 0 or more"),
        ("store.compression = 'lz4'", "store.compression is 'lz4'; allowed is none, gzip, zstd"),
        ("policies.always_value = ['']", "policies.always_value is ('',); allowed are types of messages"),
        ("router.timeout = 0", "router.timeout is 0; allowed is a number of seconds above 0"),
        ("router.breaker.probes = 0", "router.breaker.probes is 0; allowed is an int of 1 or more"),
        ("router.guarantee = 'twice'", "router.guarantee is 'twice'; allowed is 'at_most_once', 'at_least_once' or"),
        ("queue.max_retries = 0", "queue.max_retries is 0; allowed is an int of 1 or more"),
        ("queue.backend = 'redis'", "queue.backend is 'redis'; allowed is 'sqlite' or 'memory'"),
        ("queue.backoff.first = 99", "queue.backoff.max_seconds is 30.0, less than first, which is 99"),
        ("sqlite.cache_size = 2147483648", "sqlite.cache_size is 2147483648; allowed is an int, of pages or"),
        ("sqlite.lock_timeout = -1", "sqlite.lock_timeout is -1; allowed is a number of seconds, 0 or more"),
        ("services.intensity = -1", "services.intensity is -1; allowed is a whole number of 0 or more"),
        ("services.period = 0", "services.period is 0; allowed is a finite number of seconds above 0"),
    ],
)
def test_what_a_part_does_not_allow_is_told_with_file_line_key_and_value(text: str, fault: str) -> None:
    (said,) = faults_of(f"\n{text}")

    assert said.startswith(f"shop.toml:2: {fault}")


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        (
            "store = { backend = 'memory', path = 'a.db' }",
            ["store.path is 'a.db'; allowed is nothing where store.back"],
        ),
        (
            "shared_memory.path = 'a.db'",
            ["shared_memory.path is 'a.db'; allowed is nothing where shared_memory.backen"],
        ),
        (
            "queue = { backend = 'memory', path = 'a.db' }",
            ["queue.path is 'a.db'; allowed is nothing where queue.back"],
        ),
        ("store.redis_url = 'redis://me:secret@it'", ["store.redis_url is 'redis://***@it'; allowed is nothing where"]),
        ("router = { durable = true, database = '' }", ["router.durable is True; allowed is false where router.data"]),
    ],
)
def test_what_does_not_go_together_is_refused(text: str, faults: list[str]) -> None:
    said = faults_of(text)

    assert len(said) == len(faults)
    assert all(one.startswith(f"shop.toml:1: {fault}") for one, fault in zip(said, faults, strict=True))


def test_a_configuration_has_one_form() -> None:
    text = "[communication]\nbackend = 'sqlite'\n[store]\npath = 'a.db'\n[gc]\ninterval = 5\n"

    said = "allowed is nothing beside the section communication, which is set by shop.toml:1"
    assert faults_of(text, ACTORS_STORE__BACKEND="memory") == [
        f"shop.toml:4: store.path is 'a.db'; {said}",
        f"shop.toml:6: gc.interval is 5; {said}",
        f"ACTORS_STORE__BACKEND: store.backend is 'memory'; {said}",
    ]


def test_a_variable_may_turn_off_what_a_file_describes() -> None:
    text = "store = { path = 'a.db' }\nqueue = { path = 'b.db' }"

    children = children_of(load(text, ACTORS_STORE__BACKEND="memory", ACTORS_QUEUE__BACKEND="memory"))

    assert isinstance(children["store"].args[0], MemoryReferenceStore)
    assert isinstance(children["queue"].args[0], MemoryStore)


def test_all_that_is_wrong_is_told_at_once() -> None:
    said = faults_of("stoer = 1\nrouter.timeout = 0\nqueue.max_retries = 'x'", ACTORS_GC__INTERVAL="-1")

    assert sorted(fault.partition(": ")[0] for fault in said) == [
        "ACTORS_GC__INTERVAL",
        "shop.toml:1",
        "shop.toml:2",
        "shop.toml:3",
    ]


# -- the tree


async def test_the_services_run_and_are_found_by_their_names(autojump_clock: MockClock) -> None:
    configuration = load("store.backend = 'memory'")
    async with open_system() as system:
        await system.start(Supervisor, SupervisorSpec([configured_services(configuration)]))
        reference = await StoreClient(system.named("store")).store(b"beans")
        await SharedMemoryClient(system.named("shared_memory"), "till").put(Namespace.GLOBAL, "open", b"yes")
        await QueueClient(system.named("queue")).put("mill", "stone")
        published = await BusClient(system.named("bus"), agent="till").publish("stock", reference)

        lease = await QueueClient(system.named("queue")).lease("mill")
        running = RouterRef(system).name, lease.message.payload, published

    assert running == ("router", "stone", (0, 0))


async def test_the_bus_is_made_as_the_configuration_says_and_keeps_large_payloads_in_the_store(
    autojump_clock: MockClock,
) -> None:
    text = "store.backend = 'memory'\nbus.max_topics = 1\npolicies.always_reference = ['plan']"
    async with open_system() as system:
        await system.start(Supervisor, SupervisorSpec([configured_services(load(text))]))
        bus = BusClient(system.named("bus"), agent="till")
        plans = await bus.subscribe("*")
        for topic in ("note", "plan"):
            await bus.publish(topic, b"tea")
        payloads = [plans.receive_nowait().payload for _ in range(2)]
        topics = [topic.name for topic in await bus.topics()]

    assert (payloads[0], type(payloads[1]).__name__, topics) == (b"tea", "Reference", ["*", "plan"])


def test_a_bus_that_is_to_count_for_no_topic_is_refused() -> None:
    assert faults_of("bus.max_topics = 0") == ["shop.toml:1: bus.max_topics is 0; allowed is an int of 1 or more"]


async def test_the_files_are_opened_with_the_size_of_the_cache(folder: Path) -> None:
    load("store.path = 'a.db'\nsqlite.cache_size = -64000\nshared_memory.backend = 'sqlite'")
    async with open_system() as system:
        await system.start(Supervisor, SupervisorSpec([configured_services("shop.toml")]))
        database = find_database(system, folder / "a.db")

        assert database.cache_size == -64_000


class Till(Actor):
    """Waits for customers."""


def test_a_child_is_put_before_those_of_a_tree() -> None:
    first = ChildSpec("first", Till)
    spec = SupervisorSpec([ChildSpec("till", Till)], intensity="lenient")

    made = with_first(first, spec)

    assert isinstance(made, SupervisorSpec)
    assert [child.id for child in made.children] == ["first", "till"]
    assert made.limit == spec.limit


def test_a_child_is_put_before_those_of_a_tree_that_is_made_later() -> None:
    first = ChildSpec("first", Till)

    later = with_first(first, SupervisorSpec)
    ignored = with_first(first, lambda: IGNORE)

    assert callable(later)
    assert callable(ignored)
    assert later() == SupervisorSpec([first])
    assert ignored() is IGNORE


def test_a_tree_with_services_of_its_own_is_refused() -> None:
    tree = SupervisorSpec([ChildSpec("services", Till)])

    with pytest.raises(ConfigError, match="the tree has a child 'services' of its own; leave it out, or run it"):
        launch(tree, config=load())


def test_nothing_is_launched_with_a_configuration_that_is_wrong() -> None:
    def tree() -> SupervisorSpec:
        raise AssertionError("it is not to be asked for")

    with pytest.raises(ConfigError, match=r"nowhere.toml cannot be read: No such file or directory"):
        launch(tree, config="nowhere.toml")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (
            "store.path = 'data/a.db'",
            r"'store' did not start: DatabaseAccessError: .*data/a.db cannot be made: there is",
        ),
        (
            "communication = {}",
            r"DatabaseAccessError: .*/data/references.db cannot be made: there is no folder .*/data",
        ),
    ],
)
async def test_a_folder_that_is_not_there_fails_the_start(
    text: str, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_system() as system:
        with pytest.raises(ChildStartError, match=fault):
            await system.start(Supervisor, SupervisorSpec([load(text).services()]))

    assert [record.exc_info for record in caplog.records] == [None, None]


async def test_a_configuration_can_be_used_again(autojump_clock: MockClock) -> None:
    configuration = load("store.backend = 'memory'")
    for _ in range(2):
        async with open_system() as system:
            await system.start(Supervisor, SupervisorSpec([configuration.services()]))
            assert (await StoreClient(system.named("store")).stats()).active_refs == 0
            await StoreClient(system.named("store")).store(b"beans")

    assert trio.current_time() == 0


def test_a_configuration_shows_its_file_and_how_much_it_says() -> None:
    assert repr(load("store.path = 'a.db'")).startswith("<Configuration of shop.toml: 1 of ")


@pytest.mark.parametrize(
    ("text", "key", "value"),
    [
        ("[store]\npath = 'a\\u0000b'", "store.path", "'a\\x00b'"),
        ("[shared_memory]\nbackend = 'sqlite'\npath = 'a\\u0000b'", "shared_memory.path", "'a\\x00b'"),
        ("[queue]\npath = 'a\\u0000b'", "queue.path", "'a\\x00b'"),
        ("[router]\ndatabase = 'a\\u0000b'", "router.database", "'a\\x00b'"),
        ("[communication.sqlite]\npath = 'a\\u0000b'", "communication.sqlite.path", "'a\\x00b'"),
    ],
)
def test_a_path_that_no_file_can_have_is_refused_where_it_is_set(text: str, key: str, value: str) -> None:
    line = text.count("\n") + 1

    faults = faults_of(text.replace("'a\\u0000b'", '"a\\u0000b"'))

    said = f"shop.toml:{line}: {key} is {value}; it has a NUL character, at 1; allowed is the path of a file"
    assert faults == [said]


def test_a_path_with_half_of_a_character_is_refused() -> None:
    (fault,) = faults_of('store:\n  path: "a\\ud800"\n', "shop.yaml")

    assert fault.endswith("store.path is 'a\\ud800'; it has half of a character, at 1; allowed is the path of a file")

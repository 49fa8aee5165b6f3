"""Both documented forms of what says how references are kept, each with its own defaults."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest
import trio

from actors import open_system
from actors.store import (
    AutoPromote,
    CommunicationConfig,
    FactoryConfig,
    GcConfig,
    MemoryReferenceStore,
    PoliciesConfig,
    ServerSqliteConfig,
    SqliteReferenceStore,
    Store,
    StoreClient,
    StoreConfig,
)

if TYPE_CHECKING:
    from trio.testing import MockClock


def test_the_defaults_of_a_factory() -> None:
    config = FactoryConfig()

    assert (config.store.backend, config.store.path, config.store.redis_url) == ("sqlite", "./loom.db", "")
    assert (config.gc.enabled, config.gc.strategy, config.gc.interval) == (True, "ref_counting", 300)
    assert (config.auto_promote.enabled, config.auto_promote.threshold) == (True, 10_240)
    assert config.policies.always_reference == ("session_state", "workflow_context", "collaboration_state")
    assert config.policies.always_value == ("control", "pattern_ref")


def test_the_defaults_of_a_server() -> None:
    config = CommunicationConfig()

    assert (config.backend, config.sqlite.path, config.sqlite.gc_interval) == (
        "sqlite",
        "./data/references.db",
        3600,
    )


def test_a_servers_form_keeps_its_defaults_when_it_is_translated() -> None:
    config = CommunicationConfig().factory_config()

    assert (config.store.backend, config.store.path, config.gc.interval) == ("sqlite", "./data/references.db", 3600)
    assert (config.gc.enabled, config.gc.strategy, config.auto_promote) == (True, "ref_counting", AutoPromote())


def test_a_servers_form_is_translated_with_what_it_says_and_what_it_cannot_say() -> None:
    server = CommunicationConfig(backend="memory", sqlite=ServerSqliteConfig(path="a.db", gc_interval=60))

    config = server.factory_config(gc=GcConfig(enabled=False, interval=5), auto_promote=AutoPromote(threshold=1))

    assert (config.store.backend, config.store.path) == ("memory", "a.db")
    assert (config.gc.enabled, config.gc.interval, config.auto_promote.threshold) == (False, 60, 1)


def test_0_seconds_and_an_empty_path_stand_for_the_defaults() -> None:
    factory = FactoryConfig(store=StoreConfig(path=""), gc=GcConfig(interval=0))
    server = CommunicationConfig(sqlite=ServerSqliteConfig(path="", gc_interval=0))

    assert (factory.store.path, factory.gc.interval) == ("./loom.db", 300)
    assert (server.sqlite.path, server.sqlite.gc_interval) == ("./data/references.db", 3600)


@pytest.mark.parametrize("config", [StoreConfig, CommunicationConfig])
@pytest.mark.parametrize(
    ("backend", "message"),
    [
        ("redis", "backend is 'redis', which is not implemented yet; allowed is 'sqlite' or 'memory'"),
        ("mongo", "backend is 'mongo', an unknown store backend; allowed is 'sqlite' or 'memory'"),
        ("", "backend is '', an unknown store backend; allowed is 'sqlite' or 'memory'"),
        (None, "backend is None, an unknown store backend; allowed is 'sqlite' or 'memory'"),
    ],
)
def test_a_backend_that_is_not_there_is_refused_and_those_that_are_are_named(
    config: Any, backend: object, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        config(backend=backend)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: FactoryConfig(gc=GcConfig(interval=-1)), "gc_interval is -1; allowed"),
        (lambda: FactoryConfig(gc=GcConfig(strategy="often")), "gc_strategy is 'often'; allowed is any, ref_counting"),  # type: ignore[arg-type]
        (lambda: FactoryConfig(gc=GcConfig(enabled="no")), "gc_enabled is 'no'; allowed is a bool"),  # type: ignore[arg-type]
        (lambda: CommunicationConfig(sqlite=ServerSqliteConfig(gc_interval=-1)), "gc_interval is -1; allowed"),
        (lambda: StoreConfig(path=7), "path is 7; allowed is a str"),  # type: ignore[arg-type]
        (lambda: StoreConfig(redis_url="redis://here"), "redis_url is 'redis://here'; allowed is nothing where"),
        (lambda: PoliciesConfig(always_value=("",)), r"always_value is \(''\,\); allowed are types of messages"),
    ],
)
def test_what_is_not_allowed_is_refused_when_it_is_said(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_the_address_of_a_server_does_not_show() -> None:
    assert "redis_url" not in repr(StoreConfig())


def test_a_factory_makes_what_references_are_kept_in() -> None:
    kept_in = FactoryConfig(store=StoreConfig(path="a.db")).reference_store()

    assert isinstance(kept_in, SqliteReferenceStore)
    assert kept_in.path == "a.db"
    assert isinstance(FactoryConfig(store=StoreConfig(backend="memory")).reference_store(), MemoryReferenceStore)


def test_a_factory_makes_the_policies_it_lists(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR)
    config = FactoryConfig(
        auto_promote=AutoPromote(threshold=5),
        policies=PoliciesConfig(always_reference=("plan", "note"), always_value=("note",)),
    )

    policies = config.policy_manager()

    by_reference = {kind: policies.by_reference(kind, 3) for kind in ("plan", "note", "session_state", "other")}
    assert by_reference == {"plan": True, "note": False, "session_state": False, "other": False}
    assert policies.by_reference("other", 6)


@pytest.mark.parametrize(
    ("gc", "runs", "active"),
    [
        (GcConfig(strategy="ttl"), 2, 0),
        (GcConfig(strategy="ref_counting"), 2, 1),
        (GcConfig(strategy="manual"), 0, 1),
        (GcConfig(strategy="ttl", enabled=False), 0, 1),
    ],
    ids=["ttl", "ref_counting", "manual", "off"],
)
async def test_what_has_expired_is_collected_as_the_strategy_says(
    gc: GcConfig, runs: int, active: int, autojump_clock: MockClock
) -> None:
    options = FactoryConfig(gc=gc).store_options()
    async with open_system() as system:
        store = StoreClient(await system.start(Store, MemoryReferenceStore(), options))
        await store.store(b"a value", ttl=10)
        await trio.sleep(700)

        statistics = await store.stats()

    assert (statistics.gc_runs, statistics.active_refs) == (runs, active)


@pytest.mark.parametrize(
    ("kind", "field", "allowed"),
    [
        (FactoryConfig, "store", "a StoreConfig"),
        (FactoryConfig, "gc", "a GcConfig"),
        (FactoryConfig, "auto_promote", "an AutoPromote"),
        (FactoryConfig, "policies", "a PoliciesConfig"),
        (CommunicationConfig, "sqlite", "a ServerSqliteConfig"),
    ],
)
@pytest.mark.parametrize("given", [3, "x", None])
def test_a_group_that_is_none_is_refused(kind: Any, field: str, allowed: str, given: object) -> None:
    with pytest.raises(TypeError, match=rf"{kind.__name__}: {field} is {given!r}; allowed is {allowed}"):
        kind(**{field: given})

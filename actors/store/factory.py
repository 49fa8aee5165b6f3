"""FactoryConfig: everything that says how references are kept, in the groups of a configuration file.

There are two documented forms with defaults of their own: this one, and the `CommunicationConfig` of a server, which
is translated into it.
"""

from __future__ import annotations

from typing import Any, Final, Literal, TypeAlias, cast, get_args

import attrs

from actors.options import LOCK_TIMEOUT, is_number
from actors.store.memory import MemoryReferenceStore
from actors.store.options import GC_SECONDS, GcStrategy, StoreOptions
from actors.store.policy import ALWAYS_REFERENCE, ALWAYS_VALUE, AutoPromote, PolicyManager
from actors.store.sqlite import SqliteReferenceStore

Backend: TypeAlias = Literal["sqlite", "memory"]
"""What references can be kept in."""

FACTORY_PATH: Final = "./loom.db"
SERVER_PATH: Final = "./data/references.db"
SERVER_GC_SECONDS: Final = 3600.0

PLANNED: Final = ("redis",)


def _check_backend(owner: object, attribute: attrs.Attribute[Any], value: object) -> None:
    """Refuse what references cannot be kept in."""
    if value in get_args(Backend):
        return
    why = "which is not implemented yet" if value in PLANNED else "an unknown store backend"
    allowed = " or ".join(map(repr, get_args(Backend)))
    raise ValueError(f"{type(owner).__name__}: {attribute.name} is {value!r}, {why}; allowed is {allowed}")


def _check_group(owner: object, attribute: attrs.Attribute[Any], value: object) -> None:
    """Refuse what is no group of options, of the class of the field's default."""
    kind: type[Any] = cast("Any", attribute.default).factory
    if not isinstance(value, kind):
        allowed = f"{'an' if kind.__name__[0] in 'AEIOU' else 'a'} {kind.__name__}"
        raise TypeError(f"{type(owner).__name__}: {attribute.name} is {value!r}; allowed is {allowed}")


def _check_text(owner: object, attribute: attrs.Attribute[Any], value: object) -> None:
    if not isinstance(value, str):
        raise ValueError(f"{type(owner).__name__}: {attribute.name} is {value!r}; allowed is a str")  # noqa: TRY004


def _check_words(owner: object, attribute: attrs.Attribute[Any], value: object) -> None:
    if not isinstance(value, tuple) or not all(isinstance(word, str) and word for word in value):
        allowed = "types of messages, each a str that is not empty"
        raise ValueError(f"{type(owner).__name__}: {attribute.name} is {value!r}; allowed are {allowed}")


def _listed(words: Any) -> Any:
    return tuple(words) if isinstance(words, list | set | frozenset) else words


def _factory_path(path: str) -> str:
    return FACTORY_PATH if path == "" else path


def _server_path(path: str) -> str:
    return SERVER_PATH if path == "" else path


def _factory_seconds(seconds: float) -> float:
    return GC_SECONDS if is_number(seconds) and seconds == 0 else seconds


def _server_seconds(seconds: float) -> float:
    return SERVER_GC_SECONDS if is_number(seconds) and seconds == 0 else seconds


def _no_redis(config: StoreConfig, attribute: attrs.Attribute[str], value: object) -> None:
    _check_text(config, attribute, value)
    if value:
        raise ValueError(
            f"StoreConfig: {attribute.name} is {value!r}; allowed is nothing where the backend is {config.backend!r}"
        )


@attrs.frozen(kw_only=True)
class StoreConfig:
    """What references are kept in."""

    backend: Backend = attrs.field(default="sqlite", validator=_check_backend)
    path: str = attrs.field(default=FACTORY_PATH, converter=_factory_path, validator=_check_text)
    """The file of the backend ``sqlite``; an empty one is the default."""
    redis_url: str = attrs.field(default="", repr=False, validator=_no_redis)
    """The server of the backend ``redis``."""


@attrs.frozen(kw_only=True)
class GcConfig:
    """What becomes of values that nobody holds or whose time is over."""

    enabled: bool = True
    """Whether garbage is collected by itself; otherwise nothing is, as by the strategy ``manual``."""
    strategy: GcStrategy = "ref_counting"
    """``ref_counting`` collects only what nobody holds, ``ttl`` only what has expired."""
    interval: float = attrs.field(default=GC_SECONDS, converter=_factory_seconds)
    """Seconds; 0 for the default."""


@attrs.frozen(kw_only=True)
class PoliciesConfig:
    """Which types of messages go by reference, or by value, whatever their size."""

    always_reference: tuple[str, ...] = attrs.field(default=ALWAYS_REFERENCE, converter=_listed, validator=_check_words)
    always_value: tuple[str, ...] = attrs.field(default=ALWAYS_VALUE, converter=_listed, validator=_check_words)


def _check_gc(_config: FactoryConfig, _attribute: object, gc: GcConfig) -> None:
    StoreOptions(gc_enabled=gc.enabled, gc_strategy=gc.strategy, gc_interval=gc.interval)


@attrs.frozen(kw_only=True)
class FactoryConfig:
    """What a store of references and its tiers are made from."""

    store: StoreConfig = attrs.field(factory=StoreConfig, validator=_check_group)
    gc: GcConfig = attrs.field(factory=GcConfig, validator=[_check_group, _check_gc])
    auto_promote: AutoPromote = attrs.field(factory=AutoPromote, validator=_check_group)
    policies: PoliciesConfig = attrs.field(factory=PoliciesConfig, validator=_check_group)

    def reference_store(
        self, *, lock_timeout: float = LOCK_TIMEOUT, cache_size: int | None = None
    ) -> SqliteReferenceStore | MemoryReferenceStore:
        """Make what keeps the values; a file is opened by the `Store` that is given it."""
        if self.store.backend == "memory":
            return MemoryReferenceStore()
        return SqliteReferenceStore(self.store.path, lock_timeout=lock_timeout, cache_size=cache_size)

    def store_options(self, **others: Any) -> StoreOptions:
        """Return the options of the `Store`, with *others* than those of garbage collection."""
        gc = self.gc
        return StoreOptions(gc_enabled=gc.enabled, gc_strategy=gc.strategy, gc_interval=gc.interval, **others)

    def policy_manager(self) -> PolicyManager:
        """Make what decides which messages go by reference."""
        return PolicyManager.from_config(
            self.auto_promote,
            always_reference_types=self.policies.always_reference,
            always_value_types=self.policies.always_value,
        )


@attrs.frozen(kw_only=True)
class ServerSqliteConfig:
    """The file of a server, and how often garbage is collected from it."""

    path: str = attrs.field(default=SERVER_PATH, converter=_server_path, validator=_check_text)
    """An empty one is the default."""
    gc_interval: float = attrs.field(default=SERVER_GC_SECONDS, converter=_server_seconds)
    """Seconds; 0 for the default, which is 3600."""


def _check_interval(_config: object, _attribute: object, sqlite: ServerSqliteConfig) -> None:
    StoreOptions(gc_interval=sqlite.gc_interval)


@attrs.frozen(kw_only=True)
class CommunicationConfig:
    """How references are kept, in the form of a server's configuration."""

    backend: Backend = attrs.field(default="sqlite", validator=_check_backend)
    sqlite: ServerSqliteConfig = attrs.field(factory=ServerSqliteConfig, validator=[_check_group, _check_interval])

    def factory_config(self, **groups: Any) -> FactoryConfig:
        """Return the same as a `FactoryConfig`; of its *groups*, what a server's form does not tell may be given.

        >>> CommunicationConfig().factory_config().store.path, CommunicationConfig().factory_config().gc.interval
        ('./data/references.db', 3600.0)
        """
        gc = attrs.evolve(cast("GcConfig", groups.pop("gc", GcConfig())), interval=self.sqlite.gc_interval)
        return FactoryConfig(store=StoreConfig(backend=self.backend, path=self.sqlite.path), gc=gc, **groups)

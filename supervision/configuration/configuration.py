"""Configuration: what was read and found to be good, and what is made from it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import attrs

from actors import Backoff, Priority
from actors.bus import BusOptions
from actors.config import Layer, Options, gather, read_document
from actors.delivery import BreakerOptions, Guarantee, RouterConfig
from actors.queue import MemoryStore, QueueOptions, SqliteStore
from actors.shared_memory import MemoryEntries, SqliteEntries
from actors.sqlite.file import fault_of_path
from actors.store import (
    AutoPromote,
    CommunicationConfig,
    FactoryConfig,
    GcConfig,
    PoliciesConfig,
    ServerSqliteConfig,
    StoreConfig,
    StoreOptions,
)
from actors.telemetry.extra import missing
from supervision.configuration import keys
from supervision.errors import BadSpecError
from supervision.services import service_tree
from supervision.spec import limit_of
from supervision.telemetry import LogOptions, PrometheusOptions, TelemetryOptions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from actors.config import Setting, Settings
    from actors.queue import QueueStore
    from actors.shared_memory import EntryStore
    from actors.store import PolicyManager
    from actors.telemetry.extra import Part
    from supervision.configuration.keys import Form
    from supervision.spec import ChildSpec


def load_configuration(
    file: str | os.PathLike[str] | None = None, *, environ: Mapping[str, str] | None = None
) -> Configuration:
    """Read a configuration: the defaults, a *file* if there is one, and the environment, where a later one wins.

    Raises `actors.config.ConfigError`, which tells all that is wrong.
    """
    variables = os.environ if environ is None else environ
    document = None if file is None else read_document(file)
    form, why = keys.form_of(document, variables)
    settings = gather(keys.keys_of(form), document, variables, keys.refused_by(form, why))
    return _checked(form, settings)


def configured_services(source: Configuration | str | os.PathLike[str]) -> ChildSpec:
    """Return the specification of the services that a configuration, or a file, describes; see `service_tree`."""
    configuration = source if isinstance(source, Configuration) else load_configuration(source)
    return configuration.services()


@attrs.frozen
class Configuration:
    """A configuration that was read and checked; made by `load_configuration`."""

    form: Form
    settings: Settings
    """What is in force, by the names of the keys, and where each comes from."""
    factory: FactoryConfig
    store_options: StoreOptions
    queue_options: QueueOptions
    router: RouterConfig
    bus_options: BusOptions
    telemetry: TelemetryOptions

    def __repr__(self) -> str:
        file = "no file" if self.settings.document is None else self.settings.document.name
        said = sum(setting.origin.layer > Layer.DEFAULT for setting in self.settings.values())
        return f"<Configuration of {file}: {said} of {len(self.settings)} keys are set>"

    def policies(self) -> PolicyManager:
        """Make what decides which messages go by reference, for the agents."""
        return self.factory.policy_manager()

    def services(self) -> ChildSpec:
        """Return the specification of the services; what is kept in memory is another one's each time."""
        files = {name: self._value(f"sqlite.{name}") for name in ("lock_timeout", "cache_size")}
        queue = self._queue(files)
        return service_tree(
            self.router,
            store=self.factory.reference_store(**files),
            store_options=self.store_options,
            shared_memory=self._shared_memory(files),
            bus=self._value("bus.enabled") and attrs.evolve(self.bus_options, policies=self.policies()),
            queue=queue,
            queue_options=None if queue is None else self.queue_options,
            telemetry=self.telemetry,
            intensity=self._value("services.intensity"),
            period=self._value("services.period"),
        )

    def _value(self, name: str) -> Any:
        return self.settings[name].value

    def _shared_memory(self, files: Mapping[str, Any]) -> EntryStore | None:
        if not self._value("shared_memory.enabled"):
            return None
        if self._value("shared_memory.backend") == "memory":
            return MemoryEntries()
        return SqliteEntries(self._value("shared_memory.path"), **files)

    def _queue(self, files: Mapping[str, Any]) -> QueueStore | None:
        if not self._value("queue.enabled"):
            return None
        if self._value("queue.backend") == "memory":
            return MemoryStore()
        return SqliteStore(self._value("queue.path"), **files)


def _checked(form: Form, settings: Settings) -> Configuration:
    """Return what *settings* describe, once every part has agreed. Raises `ConfigError`."""
    options = Options(list(settings.faults))
    store_options = options.make(
        StoreOptions,
        {field: settings[f"store.{field}"] for field in keys.STORE_FIELDS}
        | {"gc_enabled": settings["gc.enabled"], "gc_strategy": settings["gc.strategy"]}
        | {"gc_interval": settings[keys.INTERVAL[form]]},
    )
    options.make(StoreConfig, {"backend": settings[keys.BACKEND[form]], "path": settings[keys.PATH[form]]})
    promote = options.make(AutoPromote, _fields(settings, "auto_promote", ("enabled", "threshold")))
    policies = options.make(PoliciesConfig, _fields(settings, "policies", ("always_reference", "always_value")))
    queue_options = _queue_options(settings, options)
    router = _router_config(settings, options)
    bus_options = options.make(BusOptions, _fields(settings, "bus", ("max_topics",)))
    telemetry = _telemetry(settings, options)
    _check_rest(form, settings, options)
    options.check()
    assert store_options is not None
    assert promote is not None
    assert policies is not None
    assert queue_options is not None
    assert router is not None
    assert bus_options is not None
    factory = _factory(form, settings, promote, policies)
    return Configuration(form, settings, factory, store_options, queue_options, router, bus_options, telemetry)


def _fields(settings: Settings, section: str, fields: tuple[str, ...]) -> dict[str, Any]:
    return {field: settings[f"{section}.{field}"] for field in fields}


def _factory(form: Form, settings: Settings, promote: AutoPromote, policies: PoliciesConfig) -> FactoryConfig:
    backend, path, interval = (settings[names[form]].value for names in (keys.BACKEND, keys.PATH, keys.INTERVAL))
    gc = GcConfig(enabled=settings["gc.enabled"].value, strategy=settings["gc.strategy"].value)
    if form == "server":
        server = CommunicationConfig(backend=backend, sqlite=ServerSqliteConfig(path=path, gc_interval=interval))
        return server.factory_config(gc=gc, auto_promote=promote, policies=policies)
    store = StoreConfig(backend=backend, path=path)
    gc = attrs.evolve(gc, interval=interval)
    return FactoryConfig(store=store, gc=gc, auto_promote=promote, policies=policies)


def _queue_options(settings: Settings, options: Options) -> QueueOptions | None:
    backoff = options.make(Backoff, _fields(settings, "queue.backoff", keys.BACKOFF_FIELDS)) or Backoff()
    return options.make(QueueOptions, {**_fields(settings, "queue", keys.QUEUE_FIELDS), "backoff": backoff})


def _router_config(settings: Settings, options: Options) -> RouterConfig | None:
    breaker = options.make(BreakerOptions, _fields(settings, "router.breaker", keys.BREAKER_FIELDS))
    fields = _fields(settings, "router", ("database", *keys.ROUTER_FIELDS))
    files = _fields(settings, "sqlite", ("lock_timeout", "cache_size"))
    return options.make(
        _router, {**fields, **files, "breaker": breaker if settings["router.breaker.enabled"].value else None}
    )


def _telemetry(settings: Settings, options: Options) -> TelemetryOptions:
    """Return which handlers there are; those that are off are checked all the same."""
    log = options.make(LogOptions, _fields(settings, "telemetry.log", ("level", "events")))
    prometheus = options.make(PrometheusOptions, _fields(settings, "telemetry.prometheus", keys.PROMETHEUS_FIELDS))
    parts: tuple[Part, ...] = ("opentelemetry", "prometheus")
    for part in parts:
        enabled = settings[f"telemetry.{part}.enabled"]
        if enabled.value and (why := missing(part)):
            options.refuse(enabled, why)
    return TelemetryOptions(
        log=log if settings["telemetry.log.enabled"].value else None,
        prometheus=prometheus if settings["telemetry.prometheus.enabled"].value else None,
        opentelemetry=settings["telemetry.opentelemetry.enabled"].value,
    )


def _router(**fields: Any) -> RouterConfig:
    """Make the options of a router; two of them are texts in a configuration."""
    named = {"guarantee": Guarantee, "priority": Priority}
    chosen: dict[str, Any] = {
        field: kind[fields.pop(field).upper()] for field, kind in named.items() if field in fields
    }
    return RouterConfig(database=fields.pop("database", "") or None, **chosen, **fields)


def _check_rest(form: Form, settings: Settings, options: Options) -> None:
    """Note what no part alone can object to."""
    limit = settings["services.intensity"]
    period = settings["services.period"]
    try:
        limit_of("services", 0 if limit.value is None else limit.value, period.value)
    except BadSpecError as error:
        allowed = str(error).partition("; ")[2]
        if error.field == "intensity":
            allowed = "allowed is a whole number of 0 or more"
        options.refuse(settings[f"services.{error.field}"], allowed)
    for name in ("store", "shared_memory", "queue"):
        if not (name == "store" and form == "server"):
            _check_place(settings, name, options)
    for name in (keys.PATH[form], "shared_memory.path", "queue.path", "router.database"):
        _check_path(settings[name], options)
    if form == "factory":
        backend, url = settings["store.backend"], settings["store.redis_url"]
        if url.value and backend.value != "redis" and url.origin.layer >= backend.origin.layer:
            options.refuse(url, f"allowed is nothing where store.backend is {backend.value!r}")
    durable = settings["router.durable"]
    if durable.value and not settings["router.database"].value:
        options.refuse(durable, "allowed is false where router.database is empty")


def _check_path(path: Setting, options: Options) -> None:
    """Note a path that no file can have, where it is set; a default that follows it is told of there."""
    fault = fault_of_path(path.value) if isinstance(path.value, str) else None
    if fault is not None and path.origin.layer > Layer.DEFAULT:
        options.refuse(path, f"{fault}; allowed is the path of a file")


def _check_place(settings: Settings, section: str, options: Options) -> None:
    """Note a path where nothing is kept in a file; one that a variable has made useless is only not used."""
    backend, path = settings[f"{section}.backend"], settings[f"{section}.path"]
    if backend.value == "memory" and Layer.DEFAULT < path.origin.layer >= backend.origin.layer:
        options.refuse(path, f"allowed is nothing where {section}.backend is 'memory'")

"""The keys of a configuration, in the two forms that say where references are kept.

What a key may be, and is by default, is what the part has to say that it is meant for.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import attrs

from actors import Backoff
from actors.bus import BusOptions
from actors.config import Derived, Key, variable_of
from actors.delivery import BreakerOptions, RouterConfig
from actors.options import LOCK_TIMEOUT
from actors.queue import QueueOptions
from actors.store import AutoPromote, CommunicationConfig, GcConfig, PoliciesConfig, ServerSqliteConfig, StoreOptions
from actors.store import StoreConfig as Place
from actors.telemetry.log import LEVELS
from supervision.telemetry import LogOptions, PrometheusOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from actors.config import Document, Setting
    from actors.config.key import Kind

Form: TypeAlias = Literal["factory", "server"]
"""How it is said where references are kept: in groups for each purpose, or as the server's section communication."""

BACKEND: Final[Mapping[Form, str]] = {"factory": "store.backend", "server": "communication.backend"}
PATH: Final[Mapping[Form, str]] = {"factory": "store.path", "server": "communication.sqlite.path"}
INTERVAL: Final[Mapping[Form, str]] = {"factory": "gc.interval", "server": "communication.sqlite.gc_interval"}

BACKENDS: Final = ("sqlite", "memory")

ROUTER_FIELDS: Final = tuple(
    field.name
    for field in attrs.fields(RouterConfig)
    if field.name not in {"breaker", "database", "lock_timeout", "cache_size", "clock"}
)
QUEUE_FIELDS: Final = tuple(
    field.name for field in attrs.fields(QueueOptions) if field.name not in {"backoff", "known"}
)
BACKOFF_FIELDS: Final = ("first", "multiplier", "max_seconds", "jitter")
BREAKER_FIELDS: Final = tuple(field.name for field in attrs.fields(BreakerOptions))
PROMETHEUS_FIELDS: Final = tuple(field.name for field in attrs.fields(PrometheusOptions))
STORE_FIELDS: Final = ("max_bytes", "ttl", "compression", "compress_above")

KINDS: Final[Mapping[type, Kind]] = {
    bool: "flag",
    int: "whole",
    float: "number",
    str: "text",
    tuple: "words",
    type(None): "number",
}
"""The kinds of keys by the classes of their defaults; what is None by default is a number."""


def form_of(document: Document | None, environ: Mapping[str, str]) -> tuple[Form, str]:
    """Return which form a configuration has, and what shows that."""
    if document is not None and "communication" in document.values:
        line = document.lines.get(("communication",))
        return "server", document.name if line is None else f"{document.name}:{line}"
    variable = next((name for name in environ if name.startswith(variable_of("communication.").rstrip("_"))), None)
    return ("factory", "") if variable is None else ("server", variable)


def keys_of(form: Form) -> list[Key]:
    """Return all keys of a form; what a default depends on comes first."""
    return [
        *_of_place(form),
        *_of_store(),
        *_of_memory_and_bus(form),
        *_of_queue(form),
        *_of_router(form),
        *_of_telemetry(),
        *_of_rest(),
    ]


def refused_by(form: Form, why: str) -> dict[str, str]:
    """Return the keys of the other form, and why they may not be there."""
    if form == "factory":
        return {}
    said = f"allowed is nothing beside the section communication, which is set by {why}"
    return dict.fromkeys((BACKEND["factory"], PATH["factory"], INTERVAL["factory"], "store.redis_url"), said)


def _of_place(form: Form) -> list[Key]:
    if form == "factory":
        return [
            *_options("store", Place, "backend"),
            Key("store.path", "text", default=_default(Place, "path"), stands_for_default=""),
            *_options("store", Place, "redis_url"),
            *_options("gc", GcConfig, "enabled", "strategy"),
            Key("gc.interval", "number", default=_default(GcConfig, "interval"), stands_for_default=0),
        ]
    return [
        *_options("communication", CommunicationConfig, "backend"),
        Key(PATH[form], "text", default=_default(ServerSqliteConfig, "path"), stands_for_default=""),
        Key(INTERVAL[form], "number", default=_default(ServerSqliteConfig, "gc_interval"), stands_for_default=0),
        *_options("gc", GcConfig, "enabled", "strategy"),
    ]


def _of_store() -> list[Key]:
    return [
        *_options("store", StoreOptions, *STORE_FIELDS),
        *_options("auto_promote", AutoPromote, "enabled", "threshold"),
        *_options("policies", PoliciesConfig, "always_reference", "always_value"),
    ]


def _of_memory_and_bus(form: Form) -> list[Key]:
    return [
        Key("shared_memory.enabled", "flag", default=True),
        Key("shared_memory.backend", "text", default="memory", choices=BACKENDS),
        Key("shared_memory.path", "text", derive=_as(PATH[form]), stands_for_default=""),
        Key("bus.enabled", "flag", default=True),
        *_options("bus", BusOptions, "max_topics"),
    ]


def _of_queue(form: Form) -> list[Key]:
    return [
        Key("queue.enabled", "flag", default=True),
        Key("queue.backend", "text", derive=_as(BACKEND[form]), choices=BACKENDS),
        Key("queue.path", "text", derive=_as(PATH[form]), stands_for_default=""),
        *_options("queue", QueueOptions, *QUEUE_FIELDS),
        *_options("queue.backoff", Backoff, *BACKOFF_FIELDS),
    ]


def _of_router(form: Form) -> list[Key]:
    def database(settings: Mapping[str, Setting]) -> Derived:
        if settings[BACKEND[form]].value == "memory":
            return Derived("", f"none, as {BACKEND[form]} is 'memory'")
        return _as(PATH[form])(settings)

    return [
        Key("router.database", "text", derive=database),
        *_options("router", RouterConfig, *ROUTER_FIELDS),
        Key("router.breaker.enabled", "flag", default=True),
        *_options("router.breaker", BreakerOptions, *BREAKER_FIELDS),
    ]


def _of_telemetry() -> list[Key]:
    return [
        Key("telemetry.log.enabled", "flag", default=False),
        Key("telemetry.log.level", "text", default=LogOptions().level, choices=LEVELS),
        Key("telemetry.log.events", "words", default=LogOptions().events),
        Key("telemetry.opentelemetry.enabled", "flag", default=False),
        Key("telemetry.prometheus.enabled", "flag", default=False),
        *_options("telemetry.prometheus", PrometheusOptions, *PROMETHEUS_FIELDS),
    ]


def _of_rest() -> list[Key]:
    return [
        Key("sqlite.cache_size", "whole", default=-2000),
        Key("sqlite.lock_timeout", "number", default=LOCK_TIMEOUT),
        Key("services.intensity", "whole"),
        Key("services.period", "number", default=60.0),
    ]


def _as(name: str) -> Callable[[Mapping[str, Setting]], Derived]:
    """Return what has a key be, by default, as that of *name* is."""
    return lambda settings: Derived(settings[name].value, f"as {name}")


def _options(section: str, part: type[Any], *fields: str) -> list[Key]:
    """Return the keys for *fields* of the options of a part."""
    return [_option(f"{section}.{field}", _default(part, field)) for field in fields]


def _option(name: str, default: object) -> Key:
    if isinstance(default, enum.Enum):
        choices = tuple(member.name.lower() for member in type(default))
        return Key(name, "text", default=default.name.lower(), choices=choices)
    return Key(name, KINDS[type(default)], default=default)


def _default(part: type[Any], field: str) -> object:
    return attrs.fields_dict(part)[field].default

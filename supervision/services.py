"""Services: the standard tree of what an application's agents rely on. It is the first child of the application's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from actors import Backoff
from actors.bus import BusOptions, TopicBus
from actors.delivery import Router, RouterConfig
from actors.queue import Queue, QueueOptions
from actors.shared_memory import SharedMemory
from actors.store import Store, StoreOptions
from supervision.spec import ChildSpec, SupervisorSpec, refuse
from supervision.supervisor import Supervisor
from supervision.telemetry import Telemetry

if TYPE_CHECKING:
    from actors.queue import QueueStore
    from actors.shared_memory import EntryStore
    from actors.store import ReferenceStore
    from supervision.intensity import Preset
    from supervision.telemetry import TelemetryOptions

STORE: Final = "store"
SHARED_MEMORY: Final = "shared_memory"
BUS: Final = "bus"
QUEUE: Final = "queue"
ROUTER: Final = "router"
TELEMETRY: Final = "telemetry"

BACKOFF: Final = Backoff(0.1, max_seconds=30.0)
"""Delays before the restarts of a service, except the first."""

PERIOD: Final = 60.0
RESTARTS_OF_ONE: Final = 20
"""More than the delays allow one service in a period: however long its file is bad, the tree does not give up."""


def service_tree(  # noqa: PLR0913 -- one for each service, what some are told, and how they may fail
    router: RouterConfig | None = None,
    *,
    store: ReferenceStore | None = None,
    store_options: StoreOptions | None = None,
    shared_memory: EntryStore | None = None,
    bus: bool | BusOptions = False,
    queue: QueueStore | None = None,
    queue_options: QueueOptions | None = None,
    telemetry: TelemetryOptions | None = None,
    intensity: int | Preset | None = None,
    period: float | None = None,
    backoff: Backoff | None = None,
) -> ChildSpec:
    """Return the specification of a supervisor of the services, for the tree of an application.

    There is a router, called ``router``; a store of references, called ``store``, a shared memory, called
    ``shared_memory``, and a durable queue, called ``queue``, each if it is given what it keeps its content in; and a
    topic bus, called ``bus``, if that is wanted; with a store, large payloads on it go by reference. With *telemetry*,
    what that says is told of them from their start on. Their clients find them by these names: `RouterRef(system)`,
    `QueueClient(system.named("queue"))`. All keep what they have accepted across their restarts, so one that fails
    takes no other along.

    A service that fails is started again, at once and from the second time on after delays of up to 30 s, as often as
    it takes: the supervisor may restart 20 times in 60 s for each service, which is more than the delays allow. A
    *backoff* of your own sets other delays; with shorter ones say how often they may be restarted as well. With
    a smaller *intensity*, in a *period* of 60 s, it gives up, and whoever supervises it decides. A service that does
    not start with the tree, such as for a bad file, fails the start of the tree.

    >>> shop = SupervisorSpec([service_tree(bus=True)])
    >>> shop.children[0].id
    'services'
    """
    if not isinstance(bus, bool | BusOptions):
        raise refuse("service_tree", "bus", bus, "True or False, or BusOptions")
    _check_given(router, store, store_options, shared_memory, queue, queue_options)
    children = [ChildSpec(ROUTER, Router, args=(router,), name=ROUTER)]
    if queue is not None:
        children.append(ChildSpec(QUEUE, Queue, args=(queue, queue_options), name=QUEUE))
    if bus:
        children.append(_bus(BusOptions() if bus is True else bus, with_store=store is not None))
    if shared_memory is not None:
        children.append(ChildSpec(SHARED_MEMORY, SharedMemory, args=(shared_memory,), name=SHARED_MEMORY))
    if store is not None:
        children.append(ChildSpec(STORE, Store, args=(store, store_options), name=STORE))
    if telemetry:
        children.append(ChildSpec(TELEMETRY, Telemetry, args=(telemetry,), name=TELEMETRY))
    children.reverse()
    return ChildSpec("services", Supervisor, args=(_supervised(children, intensity, period, backoff or BACKOFF),))


def _check_given(
    router: object, store: Any, store_options: object, shared_memory: Any, queue: Any, queue_options: object
) -> None:
    """Refuse, where the tree is written down, what the services would refuse when they start."""
    for field, given, kind in (
        ("router", router, RouterConfig),
        ("store_options", store_options, StoreOptions),
        ("queue_options", queue_options, QueueOptions),
    ):
        if not isinstance(given, kind | None):
            raise refuse("service_tree", field, given, f"{kind.__name__}, or None")
    if queue is None and queue_options is not None:
        raise refuse("service_tree", "queue_options", queue_options, "None without a queue, which is given a store")
    if store is None and store_options is not None:
        raise refuse("service_tree", "store_options", store_options, "None without a store")
    for field, keeper, actor, allowed in (
        ("store", store, Store, "a ReferenceStore, such as SqliteReferenceStore('shop.db')"),
        ("shared_memory", shared_memory, SharedMemory, "an EntryStore, such as SqliteEntries('shop.db')"),
        ("queue", queue, Queue, "a QueueStore, such as SqliteStore('shop.db')"),
    ):
        try:
            _ = keeper is None or actor(keeper)
        except TypeError as error:
            raise refuse("service_tree", field, keeper, f"{allowed}, or None for no such service") from error


def _bus(options: BusOptions, *, with_store: bool) -> ChildSpec:
    """Return the specification of a bus, which keeps large payloads in the store if there is one."""
    if options.policies is not None and not with_store:
        raise refuse("service_tree", "bus", options, "BusOptions without policies, as there is no store")
    kept = {"store": STORE, "policies": options.policies} if with_store else {}
    return ChildSpec(BUS, TopicBus, kwargs={"max_topics": options.max_topics, **kept}, name=BUS)


def _supervised(
    children: list[ChildSpec], intensity: int | Preset | None, period: float | None, backoff: Backoff
) -> SupervisorSpec:
    """Return what says how *children*, in the order of their start, are kept running."""
    if isinstance(intensity, str) and period is None:
        return SupervisorSpec(children, intensity=intensity, backoff=backoff)
    limit = RESTARTS_OF_ONE * len(children) if intensity is None else intensity
    return SupervisorSpec(children, intensity=limit, period=PERIOD if period is None else period, backoff=backoff)

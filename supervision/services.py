"""Services: the standard tree of what an application's agents rely on. It is the first child of the application's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from actors import Backoff
from actors.delivery import Router
from actors.queue import Queue
from supervision.spec import ChildSpec, SupervisorSpec, refuse
from supervision.supervisor import Supervisor

if TYPE_CHECKING:
    from actors.delivery import RouterConfig
    from actors.queue import QueueOptions, QueueStore

QUEUE: Final = "queue"
ROUTER: Final = "router"

BACKOFF: Final = Backoff(0.1, max_seconds=30.0)
"""Delays before the restarts of a service, except the first."""

PERIOD: Final = 60.0
RESTARTS_OF_ONE: Final = 20
"""More than the delays allow one service in a period: however long its file is bad, the tree does not give up."""


def service_tree(
    router: RouterConfig | None = None, *, queue: QueueStore | None = None, queue_options: QueueOptions | None = None
) -> ChildSpec:
    """Return the specification of a supervisor of the services, for the tree of an application.

    There is a router, called ``router``, and a durable queue, called ``queue``, if it is given a store. Their clients
    find them by these names: `RouterRef(system)` and `QueueClient(system.named("queue"))`. Both keep what they have
    accepted across their restarts, so one that fails takes no other along.

    A service that fails is started again, at once and from the second time on after delays of up to 30 s, as often as
    it takes. One that does not start with the tree, such as for a bad file, fails the start of the tree.

    >>> shop = SupervisorSpec([service_tree()])
    >>> shop.children[0].id
    'services'
    """
    if queue is None and queue_options is not None:
        raise refuse("service_tree", "queue_options", queue_options, "None without a queue, which is given a store")
    children = [ChildSpec(ROUTER, Router, args=(router,), name=ROUTER)]
    if queue is not None:
        children.insert(0, ChildSpec(QUEUE, Queue, args=(queue, queue_options), name=QUEUE))
    limit = RESTARTS_OF_ONE * len(children)
    spec = SupervisorSpec(children, intensity=limit, period=PERIOD, backoff=BACKOFF)
    return ChildSpec("services", Supervisor, args=(spec,))

"""Services: the standard tree of what an application's agents rely on. It is the first child of the application's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from actors.delivery import Router
from supervision.spec import ChildSpec, SupervisorSpec
from supervision.supervisor import Supervisor

if TYPE_CHECKING:
    from actors.delivery import RouterConfig

ROUTER: Final = "router"


def service_tree(router: RouterConfig | None = None) -> ChildSpec:
    """Return the specification of a supervisor of the services, for the tree of an application.

    Each service has the name by which its clients find it: `actors.delivery.RouterRef` that of the router. They keep
    what they have accepted across their restarts, so one that fails takes no other along.

    >>> shop = SupervisorSpec([service_tree()])
    >>> shop.children[0].id
    'services'
    """
    children = [ChildSpec(ROUTER, Router, args=(router,), name=ROUTER)]
    return ChildSpec("services", Supervisor, args=(SupervisorSpec(children, intensity="moderate"),))

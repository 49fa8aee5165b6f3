"""A till that answers a command of its own: `actors run examples/shell_commands.py:tree`, then `actors ask orders`."""

from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from actors import Actor
from actors.inspect import Command
from supervision import ChildSpec, SupervisorSpec


@attrs.frozen
class Order:
    customer: str
    loaves: int


class Till(Actor):
    def __init__(self) -> None:
        self.orders = [Order("Ann", 1), Order("Bob", 2), Order("Cy", 3)]

    def handle_cast(self, order: Order) -> None:
        self.orders.append(order)

    def shell_commands(self) -> Mapping[str, Command]:
        return {"orders": self._show_orders}

    def _show_orders(self, arguments: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """The orders that are open, of at least so many loaves."""
        for number, order in enumerate(self.orders):
            if order.loaves >= arguments.get("least", 0):
                yield {"number": number, "customer": order.customer, "loaves": order.loaves}


tree = SupervisorSpec([ChildSpec("till", Till, name="till")])

"""Delivery: messages that reach their receivers at most once, at least once or exactly once, through a router."""

from actors.delivery.balance import Balance
from actors.delivery.behaviour import Routing
from actors.delivery.breaker import BreakerChanged, BreakerOptions, BreakerState, CircuitBreaker
from actors.delivery.dead_letters import Undelivered, UndeliveredLetters
from actors.delivery.deletion import delete_state
from actors.delivery.durable_actor import DurableActor
from actors.delivery.errors import (
    CircuitOpenError,
    DeliveryError,
    DeliveryFailedError,
    InvalidMessageError,
    MessageExpiredError,
    NoRouterError,
    NotDurableError,
    RouteNotFoundError,
    RouterClosedError,
    RouteTakenError,
    StateInUseError,
    StateVersionError,
    TargetNotFoundError,
    UnencodableError,
    UnreadableStateError,
)
from actors.delivery.log import DeliveryLog, LogStatistics
from actors.delivery.options import DeliveryOptions, RouterConfig
from actors.delivery.receipt import Receipt
from actors.delivery.record import DeliveryRecord, Fault, Status
from actors.delivery.router import GetRouterStatistics, Router, RouterRef
from actors.delivery.statistics import GuaranteeStatistics, RouterStatistics
from actors.guarantee import Guarantee

__all__ = [
    "Balance",
    "BreakerChanged",
    "BreakerOptions",
    "BreakerState",
    "CircuitBreaker",
    "CircuitOpenError",
    "DeliveryError",
    "DeliveryFailedError",
    "DeliveryLog",
    "DeliveryOptions",
    "DeliveryRecord",
    "DurableActor",
    "Fault",
    "GetRouterStatistics",
    "Guarantee",
    "GuaranteeStatistics",
    "InvalidMessageError",
    "LogStatistics",
    "MessageExpiredError",
    "NoRouterError",
    "NotDurableError",
    "Receipt",
    "RouteNotFoundError",
    "RouteTakenError",
    "Router",
    "RouterClosedError",
    "RouterConfig",
    "RouterRef",
    "RouterStatistics",
    "Routing",
    "StateInUseError",
    "StateVersionError",
    "Status",
    "TargetNotFoundError",
    "Undelivered",
    "UndeliveredLetters",
    "UnencodableError",
    "UnreadableStateError",
    "delete_state",
]

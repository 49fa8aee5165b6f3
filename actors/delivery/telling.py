"""Telling: what listeners are told of the messages of a router."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from actors.telemetry import ROUTER_ACKNOWLEDGE, ROUTER_BREAKER, ROUTER_DELIVER, ROUTER_GIVE_UP

if TYPE_CHECKING:
    from actors.delivery.breaker import BreakerChanged
    from actors.delivery.receipt import Receipt


def tell_delivery(receipt: Receipt) -> None:
    """Tell that an attempt has reached a mailbox."""
    ROUTER_DELIVER.emit({"attempts": receipt.attempts}, _told(receipt))


def tell_acknowledgement(receipt: Receipt) -> None:
    """Tell that a message was handled."""
    assert receipt.acknowledged_at is not None
    seconds = receipt.acknowledged_at - receipt.created
    ROUTER_ACKNOWLEDGE.emit({"attempts": receipt.attempts, "delivery_seconds": seconds}, _told(receipt))


def tell_failure(receipt: Receipt, now: float) -> None:
    """Tell that a message is a dead letter."""
    assert receipt.letter is not None
    measured = {"attempts": receipt.attempts, "delivery_seconds": now - receipt.created}
    ROUTER_GIVE_UP.emit(measured, {**_told(receipt), "error": receipt.letter.error})


def tell_breaker(change: BreakerChanged) -> None:
    """Tell that a breaker is in another state."""
    told = {"router": change.router, "target": change.target, "before": change.before, "after": change.after}
    ROUTER_BREAKER.emit({"failures": change.failures}, told)


def _told(receipt: Receipt) -> dict[str, Any]:
    return {
        "router": receipt.plan.ledger.name,
        "target": receipt.to,
        "message_id": receipt.id,
        "guarantee": receipt.guarantee,
    }

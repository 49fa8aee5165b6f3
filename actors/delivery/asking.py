"""Calls through a router: to the instance whose turn it is, once it is there and its breaker lets the call through."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import trio
from trio.lowlevel import enable_ki_protection

from actors.delivery.errors import CircuitOpenError, RouterClosedError, TargetNotFoundError
from actors.errors import ActorExitedError, CallTimeoutError, MailboxFullError
from actors.options import seconds_of
from actors.show import shown

if TYPE_CHECKING:
    from actors.delivery.lane import Lane, Target
    from actors.delivery.ledger import Ledger
    from actors.message import Priority
    from actors.ref import ActorRef

LOOK_SECONDS: Final = 0.02
"""Between two looks for a target that is being restarted, or whose breaker is open."""


@enable_ki_protection
async def ask(ledger: Ledger, to: Target, message: object, timeout: float | None, priority: Priority) -> Any:
    """Make a call as `RouterRef.call` describes it."""
    deadline = ledger.now() + seconds_of(timeout)
    while True:
        if ledger.closed:
            raise RouterClosedError(f"router {ledger.name!r} was closed; {shown(message)} was not sent to {to}")
        exchange = ledger.exchange
        if exchange is not None and exchange.active:
            lane = exchange.lane_of(to)
            member = lane.choose()
            barred = _is_barred(ledger, member, message)
            ref = None if barred else member.find()
            if ref is not None:
                left = deadline - ledger.now()
                return await _call(ledger, member, ref, message, None if left == math.inf else max(0.0, left), priority)
            if not barred and not exchange.is_awaited(lane):
                raise TargetNotFoundError(f"nobody is there for {to}; {shown(message)} was not sent")
        left = deadline - ledger.now()
        if left <= 0:
            raise CallTimeoutError(f"{to} was not there for {shown(message)} within {timeout} s")
        await trio.sleep(min(left, LOOK_SECONDS))


def _is_barred(ledger: Ledger, lane: Lane, message: object) -> bool:
    """Tell whether the breaker of *lane* keeps the call waiting; raise `CircuitOpenError` if it is not to wait."""
    breaker = lane.breaker
    if breaker is None or breaker.calm:
        return False
    before = breaker.state
    allowed = breaker.allows(ledger.now())
    ledger.breakers.tell_change(lane, before)
    if not allowed and breaker.options.while_open == "fail":
        raise CircuitOpenError(f"the circuit breaker of {lane.target} is open; {shown(message)} was not sent")
    return not allowed


async def _call(
    ledger: Ledger, lane: Lane, ref: ActorRef, message: object, timeout: float | None, priority: Priority
) -> Any:
    probe = lane.breaker is not None and lane.breaker.began()
    lane.asked += 1
    try:
        answer = await ref.call(message, timeout=timeout, priority=priority)
    except (ActorExitedError, CallTimeoutError, MailboxFullError):
        ledger.breakers.count_failure(lane, probe=probe)
        raise
    except BaseException:
        ledger.breakers.count_nothing(lane, probe=probe)
        raise
    else:
        ledger.breakers.count_success(lane, probe=probe)
        return answer
    finally:
        lane.asked -= 1

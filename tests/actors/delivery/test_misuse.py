"""What makes no sense is refused where it is said, by an error that names it, and harms nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from actors.delivery import DeliveryOptions, Guarantee, InvalidMessageError, RouterConfig, RouterRef
from tests.actors.delivery.receivers import Receiver

if TYPE_CHECKING:
    from actors import ActorSystem
    from tests.actors.delivery.conftest import Run

EACH_KIND = (
    None,
    DeliveryOptions(guarantee=Guarantee.AT_MOST_ONCE),
    DeliveryOptions(guarantee=Guarantee.EXACTLY_ONCE),
    DeliveryOptions(durable=True),
)


@pytest.mark.parametrize("options", EACH_KIND, ids=["default", "at most once", "exactly once", "durable"])
@pytest.mark.parametrize(
    ("id", "told"),
    [
        (5, "the id of a message is a str that is not empty; got 5"),
        ("", "the id of a message is a str that is not empty; got ''"),
        ([1], r"the id of a message is a str that is not empty; got \[1\]"),
        ("caf\udce9", r"the id of a message is 'caf\\udce9', which is no text"),
    ],
)
async def test_an_id_is_a_text(run: Run, options: DeliveryOptions | None, id: Any, told: str) -> None:
    notes: list[object] = []
    async with run(receiver=(Receiver, notes)) as (_, router):
        with pytest.raises(InvalidMessageError, match=told):
            await router.send("receiver", "tea", options, id=id)

        assert router.statistics().routed == 0

    assert notes == []


@pytest.mark.parametrize(
    "options", [{}, {"durable": True}, "durable", Guarantee.EXACTLY_ONCE, RouterConfig()], ids=repr
)
async def test_options_are_those_of_a_message(system: ActorSystem, router: RouterRef, options: Any) -> None:
    receiver = await system.start(Receiver, [])

    with pytest.raises(InvalidMessageError, match="options of a message are DeliveryOptions, or None; got"):
        await router.send(receiver, "tea", options)
    with pytest.raises(InvalidMessageError, match="options of a message are DeliveryOptions, or None; got"):
        router.send_nowait(receiver, "tea", options)


@pytest.mark.parametrize("target", [None, 7, Receiver], ids=repr)
async def test_a_durable_message_has_a_target(run: Run, target: Any) -> None:
    async with run() as (_, router):
        with pytest.raises(TypeError, match="a message is for a name, an ActorRef or a NameRef; got"):
            await router.send(target, "tea", DeliveryOptions(durable=True))

"""What makes no sense is refused where it is said, by an error that names it, and harms nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from actors.delivery import DeliveryOptions, Guarantee, InvalidMessageError, Router, RouterConfig, RouterRef
from tests.actors.delivery.receivers import Receiver

if TYPE_CHECKING:
    from pathlib import Path

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


@pytest.mark.parametrize("target", [None, 7, "", Receiver], ids=repr)
async def test_a_message_has_a_target(router: RouterRef, target: Any) -> None:
    with pytest.raises(TypeError, match="a message is for a name, an ActorRef or a NameRef; got"):
        await router.send(target, "tea")


@pytest.mark.parametrize("name", [None, [], ""], ids=repr)
async def test_an_instance_is_registered_under_a_name(system: ActorSystem, router: RouterRef, name: Any) -> None:
    with pytest.raises(TypeError, match=r"registered under a name, which is a str; got"):
        router.register(name, system.named("receiver"))


async def test_a_router_is_made_of_what_it_needs(system: ActorSystem) -> None:
    with pytest.raises(TypeError, match=r"a RouterRef is of an ActorSystem; got None"):
        RouterRef(None)  # type: ignore[arg-type]  # that is the mistake
    with pytest.raises(TypeError, match=r"the name of an actor is a str; got 5"):
        RouterRef(system, 5)  # type: ignore[arg-type]  # as above
    with pytest.raises(TypeError, match=r"a Router is given a RouterConfig; got 'messages.db'"):
        Router("messages.db")  # type: ignore[arg-type]  # as above


async def test_a_listener_can_be_called_and_ends_once(router: RouterRef) -> None:
    with pytest.raises(TypeError, match="a listener is called with a BreakerChanged; got None"):
        router.listen(None)  # type: ignore[arg-type]  # that is the mistake
    end, other = router.listen(print), router.listen(repr)

    end()
    end()

    other()


def test_a_database_may_be_given_as_a_path(tmp_path: Path) -> None:
    assert RouterConfig(database=tmp_path / "messages.db").database == str(tmp_path / "messages.db")
    with pytest.raises(ValueError, match="RouterConfig: database is ''; allowed is a path or None"):
        RouterConfig(database="")

"""A heirloom that fails its check is put into quarantine."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import attrs
import pytest
import trio

from actors import (
    ActorRef,
    ActorSystem,
    HeirloomCheck,
    HeirloomStatus,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.actors.kinds import Kind

from tests.actors.shops import BOOM, Shop, appended, content, stop


async def spoiled(system: ActorSystem, kind: Kind, check: HeirloomCheck) -> ActorRef:
    """Return the heir of tea and milk, who found them with *check*."""
    shop = await system.start(kind(Shop))
    await appended(shop, "tea", "milk")
    await stop(shop)
    await trio.sleep(5.0)
    return await system.start(kind(Shop), check, name="heir")


@pytest.mark.parametrize("verdict", [True, None])
async def test_a_check_sees_all_records_by_their_keys_and_may_pass_them(
    system: ActorSystem, kind: Kind, verdict: Any
) -> None:
    seen: list[dict[Any, Any]] = []

    def check(records: Mapping[Any, Any]) -> Any:
        seen.append(dict(records))
        return verdict

    heir = await spoiled(system, kind, check)

    assert await content(heir) == {0: "tea", 1: "milk", 2: "last"}
    assert seen == [{0: "tea", 1: "milk", 2: "last"}]
    assert system.heirlooms.quarantined == ()


async def test_what_fails_its_check_is_kept_aside_whole_and_the_heirloom_begins_empty(
    system: ActorSystem, kind: Kind, caplog: pytest.LogCaptureFixture
) -> None:
    heir = await spoiled(system, kind, lambda records: False)

    (entry,) = system.heirlooms.quarantined
    assert attrs.asdict(entry, recurse=False) == {
        "heirloom": "orders",
        "records": {0: "tea", 1: "milk", 2: "last"},
        "actor": heir,
        "reason": "the check returned False",
        "error": None,
        "time": 5.0,
    }
    assert await content(heir) == {}
    assert system.heirlooms["orders"] == HeirloomStatus("orders", heir, 0, 2, quarantined=1)
    errors = [record.message for record in caplog.records if record.levelno == logging.ERROR]
    said = "heirloom 'orders' failed its check when <heir #3> inherited it: the check returned False"
    assert errors == [f"{said}; its 3 records are in quarantine, and it begins empty"]


@pytest.mark.parametrize("error", [BOOM, SystemExit("boom")])
async def test_a_check_that_raises_fails(
    system: ActorSystem, kind: Kind, caplog: pytest.LogCaptureFixture, error: BaseException
) -> None:
    def check(records: Mapping[Any, Any]) -> None:
        raise error

    heir = await spoiled(system, kind, check)

    (entry,) = system.heirlooms.quarantined
    assert (entry.error, entry.reason) == (error, f"{type(error).__name__}: boom")
    assert await content(heir) == {}
    assert caplog.records[-1].exc_info is not None
    assert caplog.records[-1].exc_info[1] is error


async def test_what_is_in_quarantine_can_be_taken_back_and_let_go(system: ActorSystem, kind: Kind) -> None:
    heir = await spoiled(system, kind, lambda records: False)
    (entry,) = system.heirlooms.quarantined

    await heir.call(lambda shop: shop.orders.replace(entry.records))

    assert await content(heir) == {0: "tea", 1: "milk", 2: "last"}
    assert system.heirlooms.discard_quarantined("orders") == 1
    assert system.heirlooms.quarantined == ()
    assert system.heirlooms.discard_quarantined("orders") == 0
    assert system.heirlooms["orders"].quarantined == 1


async def test_the_latest_three_contents_of_each_heirloom_stay_in_quarantine(system: ActorSystem) -> None:
    for number in range(6):
        shop = await system.start(Shop, lambda records: False)
        other = await system.start(Shop, lambda records: False, "other")
        await appended(shop, number)
        if number == 0:
            await appended(other, "old")
        shop.kill()
        other.kill()
        await trio.sleep(1.0)
    await system.start(Shop, lambda records: False)

    kept = [(entry.heirloom, tuple(entry.records.values())) for entry in system.heirlooms.quarantined]
    assert kept == [("other", ("old",)), ("orders", (3,)), ("orders", (4,)), ("orders", (5,))]
    assert system.heirlooms["orders"].quarantined == 6


async def test_where_there_is_nothing_the_check_is_not_asked(system: ActorSystem) -> None:
    first = await system.start(Shop, lambda records: False)
    first.kill()

    await system.start(Shop, lambda records: False)

    assert system.heirlooms.quarantined == ()


@pytest.mark.parametrize("verdict", [0, "fine", 1])
async def test_a_check_that_says_neither_yes_nor_no_is_an_error_and_changes_nothing(
    system: ActorSystem, kind: Kind, verdict: Any
) -> None:
    with pytest.raises(TypeError, match=f"the check of heirloom 'orders' returned {verdict!r}; allowed is a bool or"):
        await spoiled(system, kind, lambda records: verdict)

    assert system.heirlooms["orders"] == HeirloomStatus("orders", None, 3, 1, 0)


async def test_a_check_that_cannot_be_called_is_refused_and_changes_nothing(system: ActorSystem, kind: Kind) -> None:
    check: Any = "all good"

    with pytest.raises(TypeError, match="the check of heirloom 'orders' is a function or None; got 'all good'"):
        await spoiled(system, kind, check)

    assert system.heirlooms["orders"] == HeirloomStatus("orders", None, 3, 1, 0)


async def test_a_check_cannot_change_what_it_is_given(system: ActorSystem, kind: Kind) -> None:
    def check(records: Any) -> None:
        records.clear()

    await spoiled(system, kind, check)

    (entry,) = system.heirlooms.quarantined
    assert isinstance(entry.error, AttributeError)
    assert len(entry.records) == 3

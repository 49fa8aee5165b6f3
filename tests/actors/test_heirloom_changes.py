"""What changes a heirloom changes it whole, and only to records."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import attrs
import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from actors import (
    KILLED,
    ActorExitedError,
    ActorRef,
    ActorSystem,
    Heirloom,
    HeirloomLostError,
    RecordError,
    open_system,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.actors.kinds import Kind

from tests.actors.shops import BOOM, Shop, WaitingShop, appended, content, orders_of


async def test_append_gives_no_number_of_a_deleted_record_again(system: ActorSystem, kind: Kind) -> None:
    def hand_on(shop: Shop) -> int:
        number = shop.orders.append("tea")
        del shop.orders[number]
        return number

    first = await system.start(kind(Shop))
    numbers = [await first.call(hand_on), await first.call(hand_on)]
    first.kill()
    await first.wait()
    second = await system.start(kind(Shop))
    numbers.append(await second.call(hand_on))

    assert numbers == [0, 1, 2]


async def test_append_leaves_out_numbers_that_are_keys_already(system: ActorSystem) -> None:
    orders = await orders_of(await system.start(Shop))
    orders[1] = "tea"

    numbers = [orders.append("milk"), orders.append("sugar")]

    assert numbers == [0, 2]


async def test_a_key_keeps_its_place_when_its_record_changes(system: ActorSystem) -> None:
    orders = await orders_of(await system.start(Shop))
    orders["b"], orders["a"], orders["c"] = 1, 2, 3

    orders["a"] = 4
    del orders["b"]

    assert list(orders.items()) == [("a", 4), ("c", 3)]
    assert list(orders) == ["a", "c"]
    assert list(orders.values()) == [4, 3]


async def test_replace_numbers_records_from_0_and_keeps_the_keys_of_a_mapping(system: ActorSystem) -> None:
    orders = await orders_of(await system.start(Shop))
    for record in "abc":
        orders.append(record)

    orders.replace(record.upper() for record in orders.records[1:])
    numbered = dict(orders)
    orders.replace({"x": 1, 2: 2})

    assert numbered == {0: "B", 1: "C"}
    assert dict(orders) == {"x": 1, 2: 2}
    assert orders.append("next") == 3


async def test_what_is_read_stays_as_it_was_read(system: ActorSystem) -> None:
    orders = await orders_of(await system.start(Shop))
    orders.replace([1, 2, 3])
    views = (iter(orders), orders.records, orders.values(), orders.items())

    for key in orders:
        del orders[key]

    assert [list(view) for view in views] == [[0, 1, 2], [1, 2, 3], [1, 2, 3], [(0, 1), (1, 2), (2, 3)]]
    assert len(orders) == 0


LIVE: dict[str, tuple[Callable[[Heirloom[Any, Any]], object], str]] = {
    "append": (lambda orders: orders.append([]), "the record is a list"),
    "set": (lambda orders: orders.__setitem__(0, (1, {})), "the record[1] is a dict"),
    "set key": (lambda orders: orders.__setitem__((0, []), 1), "the key[1] is a list"),
    "replace": (lambda orders: orders.replace([1, (set(),)]), "the record under 1[0] is a set"),
    "replace key": (lambda orders: orders.replace({"a": 1, object: 2}), "the key is a type"),
}


@pytest.mark.parametrize("way", LIVE)
async def test_what_can_be_changed_is_refused_and_changes_nothing(system: ActorSystem, way: str) -> None:
    orders = await orders_of(await system.start(Shop))
    orders.replace(["tea", "milk"])
    give, fault = LIVE[way]

    with pytest.raises(RecordError, match=re.escape(f"'orders' takes only what nobody can change, but {fault}")):
        give(orders)

    assert list(orders.items()) == [(0, "tea"), (1, "milk")]
    assert orders.append("sugar") == 2


async def test_bytes_are_not_copied(system: ActorSystem) -> None:
    orders = await orders_of(await system.start(Shop))
    page = bytes(1000)

    orders["page"] = page

    assert orders["page"] is page


async def test_a_key_that_is_not_there_is_a_key_error(system: ActorSystem) -> None:
    orders = await orders_of(await system.start(Shop))

    with pytest.raises(KeyError, match="tea"):
        del orders["tea"]
    with pytest.raises(KeyError, match="tea"):
        orders["tea"]


async def test_a_crash_in_the_middle_of_making_records_leaves_the_last_complete_ones(
    system: ActorSystem, kind: Kind
) -> None:
    def records_until_the_crash() -> Any:
        yield from ("half", "of")
        raise BOOM

    shop = await system.start(kind(Shop))
    await appended(shop, "tea", "milk")
    with pytest.raises(ActorExitedError):
        await shop.call(lambda shop: shop.orders.replace(records_until_the_crash()))

    heir = await system.start(kind(Shop))

    assert await content(heir) == {0: "tea", 1: "milk"}


async def test_a_kill_in_the_middle_of_a_handler_leaves_what_was_complete(system: ActorSystem) -> None:
    async def write_slowly(shop: Shop) -> None:
        for number in range(10):
            shop.orders.append(("begun", number))
            await trio.sleep(1.0)
            shop.orders.append(("done", number))

    shop = await system.start(WaitingShop)
    shop.send_request(write_slowly)
    await trio.sleep(2.5)
    shop.kill()
    await shop.wait()

    heir = await system.start(Shop)

    steps = [("begun", 0), ("done", 0), ("begun", 1), ("done", 1), ("begun", 2)]
    assert (await orders_of(heir)).records == tuple(steps)


async def test_who_replaces_from_what_ends_the_heirloom_is_refused(system: ActorSystem) -> None:
    orders = await orders_of(await system.start(Shop))

    def discarding() -> Any:
        yield "tea"
        orders.discard()

    with pytest.raises(HeirloomLostError, match="the heirloom was discarded"):
        orders.replace(discarding())

    assert list(system.heirlooms) == []


KEYS = st.sampled_from(["a", "b", 0, 1, 2])
VALUES = st.sampled_from(["tea", "milk", ("sugar", 2)])
STEPS = st.one_of(
    st.tuples(st.just("append"), VALUES),
    st.tuples(st.just("set"), KEYS, VALUES),
    st.tuples(st.just("delete"), KEYS),
    st.tuples(st.just("replace"), st.lists(VALUES, max_size=3)),
    st.tuples(st.just("replace"), st.dictionaries(KEYS, VALUES, max_size=3)),
    st.tuples(st.just("refused"), st.sampled_from(["append", "set", "replace"])),
    st.tuples(st.just("discard")),
    st.tuples(st.just("spoil")),
    st.tuples(st.sampled_from(["crash", "kill", "stop", "inherit"])),
)


@attrs.define
class Model:
    """What a heirloom has to hold."""

    records: dict[Any, Any] = attrs.field(factory=dict)
    number: int = 0

    def take(self, step: tuple[Any, ...]) -> None:
        match step:
            case "append", record:
                self.number = next(number for number in range(self.number, 1000) if number not in self.records)
                self.records[self.number] = record
                self.number += 1
            case "set", key, record:
                self.records[key] = record
            case "delete", key:
                self.records.pop(key, None)
            case "replace", dict(records):
                self.records = dict(records)
            case "replace", records:
                self.records = dict(enumerate(records))
                self.number = len(records)
            case ("discard",):
                self.records, self.number = {}, 0
            case ("spoil",):
                self.records = {}


@given(script=st.lists(STEPS, max_size=20))
async def test_any_script_leaves_what_the_model_says(script: list[tuple[Any, ...]]) -> None:
    model = Model()
    async with open_system() as system:
        ref = await system.start(Shop)
        for step in script:
            model.take(step)
            ref = await take(system, ref, step)
            held = await orders_of(ref)
            assert list(held.items()) == list(model.records.items())
            assert held.records == tuple(model.records.values())
            assert system.heirlooms["orders"].length == len(model.records)


async def take(system: ActorSystem, ref: ActorRef, step: tuple[Any, ...]) -> ActorRef:
    """Do one step, and return who has the heirloom then."""
    orders = await orders_of(ref)
    match step:
        case "append", record:
            orders.append(record)
        case "set", key, record:
            orders[key] = record
        case "delete", key:
            if key in orders:
                del orders[key]
        case "replace", records:
            orders.replace(records)
        case "refused", way:
            with pytest.raises(RecordError):
                LIVE[way][0](orders)
        case ("inherit",):
            await ref.call(inherit_again)
        case _:
            return await end_and_start(system, ref, step[0])
    return ref


def inherit_again(shop: Shop) -> None:
    shop.orders = shop.inherit("orders")


async def end_and_start(system: ActorSystem, ref: ActorRef, way: str) -> ActorRef:
    if way == "crash":
        with pytest.raises(ActorExitedError):
            await ref.call(lambda shop: shop.orders.replace(1 // 0 for _ in "x"))
    elif way == "discard":
        (await orders_of(ref)).discard()
    if way != "stop":
        ref.kill()
        assert await ref.wait() == (ref.reason if way == "crash" else KILLED)
    else:
        await ref.stop()
    return await system.start(Shop, (lambda records: False) if way == "spoil" else None)

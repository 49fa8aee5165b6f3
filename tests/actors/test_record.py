"""What is a record, and where the fault lies in what is none."""

from __future__ import annotations

import enum
from collections import deque
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any, ClassVar, Generic, NamedTuple, TypeVar

import attrs
import pytest

from actors import Actor
from actors.record import fault_in

if TYPE_CHECKING:
    from actors import ActorSystem

T = TypeVar("T")


class Colour(enum.Enum):
    RED = enum.auto()


class Level(enum.IntEnum):
    LOW = 1


class Place(NamedTuple):
    row: int
    seat: object


@attrs.frozen
class Order:
    item: object
    count: int = 1


@attrs.frozen(slots=False)
class Note:
    text: object


@dataclass(frozen=True)
class Price:
    cents: object
    currency: str = "EUR"
    known: ClassVar[list[str]] = ["EUR"]


@attrs.frozen
class Box(Generic[T]):
    content: T


@attrs.frozen
class Urgent(Order):
    until: float = 0.0


RECORDS = [
    None,
    True,
    7,
    7.5,
    7j,
    Decimal("7.50"),
    Fraction(1, 7),
    "seven",
    b"seven",
    Colour.RED,
    Level.LOW,
    (),
    (1, ("two", b"three")),
    frozenset({1, ("two", 3)}),
    Place(1, "B"),
    Order("tea"),
    Note("a"),
    Price(7),
    Box(Box((1, 2))),
    Urgent(Price(7), 2, 60.0),
]


@pytest.mark.parametrize("value", RECORDS, ids=repr)
def test_what_nobody_can_change_is_a_record(value: object) -> None:
    assert fault_in(value) is None


@attrs.define
class Open:
    item: int


@dataclass
class OpenPrice:
    cents: int


class Late(Order):
    """A subclass that is not declared to be frozen itself."""


class Text(str):  # noqa: SLOT000 -- that it has none is the point
    """A string that may carry attributes."""


class LoosePlace(Place):
    """A named tuple that may carry attributes."""


class Row(tuple[int, ...]):  # noqa: SLOT001 -- that it has none is the point
    """A tuple that looks like a named one."""

    _fields = ()


@attrs.frozen(order=False)
class Shelf(list[int]):
    row: int


@attrs.frozen
class RefusalError(Exception):
    code: int


FAULTS: list[tuple[object, str]] = [
    ([], " is a list"),
    ({}, " is a dict"),
    (set(), " is a set"),
    (bytearray(), " is a bytearray"),
    (memoryview(b""), " is a memoryview"),
    (deque([1]), " is a deque"),
    (len, " is a builtin_function_or_method"),
    (int, " is a type"),
    (object(), " is an object"),
    (Open(1), " is an Open"),
    (OpenPrice(1), " is an OpenPrice"),
    (Late("tea"), " is a Late"),
    (Text("tea"), " is a Text"),
    (LoosePlace(1, 2), " is a LoosePlace"),
    (Row((1, 2)), " is a Row"),
    (Shelf(1), " is a Shelf"),
    (RefusalError(1), " is a RefusalError"),
    ((1, [2]), "[1] is a list"),
    (Place(1, {}), ".seat is a dict"),
    (Order((1, 2, 3, [])), ".item[3] is a list"),
    (Box(Price(Note([]))), ".content.cents.text is a list"),
    (frozenset({Order(Place(1, Open))}), "{}.item.seat is a type"),
]


@pytest.mark.parametrize(("value", "fault"), FAULTS, ids=[fault for _, fault in FAULTS])
def test_what_can_be_changed_is_found_where_it_is(value: object, fault: str) -> None:
    assert fault_in(value) == fault


def test_what_was_found_out_about_a_class_goes_with_the_class() -> None:
    def make() -> Any:
        return attrs.make_class("Passing", ["item"], frozen=True)

    items: list[object] = [1, [], 2, {}]
    faults = [fault_in(make()(item)) for item in items]

    assert faults == [None, ".item is a list", None, ".item is a dict"]


async def test_references_to_actors_are_records(system: ActorSystem) -> None:
    ref = await system.start(Actor, name="till")

    assert fault_in((ref, system.named("till"))) is None

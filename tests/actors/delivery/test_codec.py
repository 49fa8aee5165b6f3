"""What can be stored, and where it says that something cannot be."""

from __future__ import annotations

import dataclasses
import enum
import threading
from typing import Any

import attrs
import msgpack
import pytest
from attrs import field, frozen
from hypothesis import given
from hypothesis import strategies as st

from actors import Priority
from actors.delivery import UnencodableError
from actors.delivery.codec import INSTANCE, decode, encode


@frozen
class Order:
    item: str
    counts: tuple[int, ...] = ()
    _note: str = ""
    made: bool = field(default=True, init=False)


@dataclasses.dataclass(frozen=True)
class Address:
    street: str


@attrs.define
class Tally:
    """It counts on after it was made."""

    name: str
    total: int = field(default=0, init=False)
    parts: list[Order] = field(factory=list, init=False)
    unset: str = field(init=False)
    _lock: object = field(factory=threading.Lock, init=False, eq=False)


@dataclasses.dataclass(frozen=True)
class Parcel:
    length: int
    volume: int = dataclasses.field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "volume", self.length**3)


@dataclasses.dataclass
class Seeded:
    seed: dataclasses.InitVar[int]
    number: int = dataclasses.field(init=False)

    def __post_init__(self, seed: int) -> None:
        self.number = seed + 1


class Colour(enum.Enum):
    RED = "red"


class Access(enum.Flag):
    READ = 1
    WRITE = 2


PLAIN = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary()
KEYS = st.text() | st.binary() | st.integers(-(2**63), 2**63)


@given(
    st.recursive(
        PLAIN,
        lambda parts: (
            st.lists(parts)
            | st.tuples(parts, parts)
            | st.dictionaries(KEYS, parts)
            | st.frozensets(st.text())
            | st.sets(st.integers())
            | st.builds(Order, st.text(), st.tuples(st.integers()))
        ),
    )
)
def test_what_is_stored_comes_back(value: Any) -> None:
    assert decode(encode(value, "the value")) == value


@pytest.mark.parametrize(
    "value",
    [
        Order("tea", (1, 2), note="x"),
        Address("Main"),
        Parcel(3),
        Colour.RED,
        Access.READ | Access.WRITE,
        Access(0),
        Priority.HIGH,
        (1, [2, {3}]),
        2**200,
    ],
    ids=str,
)
def test_it_comes_back_as_what_it_was(value: Any) -> None:
    found = decode(encode(value, "the value"))

    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("value", "place"),
    [
        ({"orders": [Order("tea"), threading.Lock()]}, r"the state\['orders'\]\[1\]"),
        (Order(threading.Lock()), r"the state\.item"),  # type: ignore[arg-type]  # that is the mistake
        ({(1, 2): 3}, r"the state has the key \(1, 2\)"),
        ({2**70: 3}, r"the state has the key 1180591620717411303424; allowed are .* numbers of 64 bits"),
        ({"file": "caf\udce9"}, r"the state\['file'\] is 'caf\\udce9', which is no text"),
        ([{"caf\udce9": 1}], r"a key of the state\[0\] is 'caf\\udce9', which is no text"),
        ([10**5000], r"the state holds what cannot be stored: Exceeds the limit"),
    ],
    ids=["in a list", "in an instance", "as a key", "a long key", "no text", "a key that is no text", "too long"],
)
def test_what_cannot_be_stored_is_named(value: Any, place: str) -> None:
    with pytest.raises(UnencodableError, match=place) as caught:
        encode(value, "the state")

    assert (caught.value.kind, caught.value.retryable) == ("serialization", False)


def test_fields_that_the_constructor_does_not_take_come_back_as_they_were() -> None:
    tally = Tally("tea")
    tally.total, tally.parts = 7, [Order("tea")]

    found = decode(encode(tally, "the state"))

    assert (found.total, found.parts, hasattr(found, "unset")) == (7, [Order("tea")], False)


def test_private_fields_that_the_constructor_does_not_take_are_made_anew() -> None:
    tally = Tally("tea")

    found = decode(encode(tally, "the state"))

    assert found._lock is not tally._lock
    assert isinstance(found._lock, type(threading.Lock()))


def test_a_field_that_the_constructor_does_not_take_and_that_cannot_be_stored_is_named() -> None:
    tally = Tally("tea")
    tally.parts = [threading.Lock()]  # type: ignore[list-item]  # that is the mistake

    with pytest.raises(UnencodableError, match=r"the state\.parts\[0\] is"):
        encode(tally, "the state")


def test_what_was_stored_before_such_fields_were_is_read() -> None:
    old = msgpack.packb(msgpack.ExtType(INSTANCE, msgpack.packb([f"{__name__}:Tally", {"name": "tea"}])))

    assert (decode(old).name, decode(old).total) == ("tea", 0)


def test_a_class_that_cannot_be_made_from_its_fields_again_is_refused() -> None:
    with pytest.raises(UnencodableError, match=r"of the class Seeded, which cannot be made .*: missing a .*'seed'"):
        encode(Seeded(1), "the message")


def test_a_class_that_cannot_be_found_again_is_refused() -> None:
    @frozen
    class Local:
        pass

    with pytest.raises(UnencodableError, match="Local, which cannot be found by that name"):
        encode(Local(), "the message")


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = (value,)
    return value


def test_what_is_nested_too_deep_to_be_read_back_is_refused() -> None:
    """A thousand levels would end the process that reads them."""
    loop: list[Any] = []
    loop.append(loop)

    for value in (nested(65), nested(1000), loop):
        with pytest.raises(UnencodableError, match=r"the state\[0\].* is 65 levels deep; allowed are 64"):
            encode(value, "the state")

    assert decode(encode(nested(64), "the state")) == nested(64)

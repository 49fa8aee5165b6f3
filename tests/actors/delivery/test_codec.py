"""What can be stored, and where it says that something cannot be."""

from __future__ import annotations

import dataclasses
import enum
import threading
from typing import Any

import pytest
from attrs import field, frozen
from hypothesis import given
from hypothesis import strategies as st

from actors import Priority
from actors.delivery import UnencodableError
from actors.delivery.codec import decode, encode


@frozen
class Order:
    item: str
    counts: tuple[int, ...] = ()
    _note: str = ""
    made: bool = field(default=True, init=False)


@dataclasses.dataclass(frozen=True)
class Address:
    street: str


class Colour(enum.Enum):
    RED = "red"


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
    [Order("tea", (1, 2), note="x"), Address("Main"), Colour.RED, Priority.HIGH, (1, [2, {3}]), 2**200],
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
    ],
    ids=["in a list", "in an instance", "as a key"],
)
def test_what_cannot_be_stored_is_named(value: Any, place: str) -> None:
    with pytest.raises(UnencodableError, match=place) as caught:
        encode(value, "the state")

    assert (caught.value.kind, caught.value.retryable) == ("serialization", False)


def test_a_class_that_cannot_be_found_again_is_refused() -> None:
    @frozen
    class Local:
        pass

    with pytest.raises(UnencodableError, match="Local, which cannot be found by that name"):
        encode(Local(), "the message")

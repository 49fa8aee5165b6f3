"""Which messages a filter lets pass."""

from __future__ import annotations

from typing import Any

import pytest

from actors.bus import BusRequestError, TopicFilter, TopicMessage
from actors.store import Reference, ReferenceType


def message(payload: object = b"", from_agent: str = "", **metadata: str) -> TopicMessage:
    return TopicMessage("orders", payload, from_agent, metadata, 0.0, 0.0, "1")


def test_a_filter_that_says_nothing_lets_everything_pass() -> None:
    assert TopicFilter().passes(message(object()))


def test_a_filter_of_agents_lets_pass_what_any_of_them_publishes() -> None:
    mine = TopicFilter(from_agents=["till", "mill"])

    assert [mine.passes(message(from_agent=agent)) for agent in ("till", "mill", "bill", "")] == [
        True,
        True,
        False,
        False,
    ]


def test_a_filter_of_metadata_wants_every_pair() -> None:
    mine = TopicFilter(metadata={"shop": "left", "kind": "tea"})

    assert mine.passes(message(shop="left", kind="tea", more="x"))
    assert not mine.passes(message(shop="left", kind="milk"))
    assert not mine.passes(message(shop="left"))


def test_a_filter_of_sizes_includes_its_bounds() -> None:
    mine = TopicFilter(min_size=4, max_size=6)

    assert [size for size in range(9) if mine.passes(message(b"x" * size))] == [4, 5, 6]


class Torn(dict[str, int]):
    """What fails when it is looked at."""

    def items(self) -> Any:
        raise RuntimeError("torn")


def test_what_fails_when_it_is_measured_has_no_size_and_harms_no_bus() -> None:
    closed = memoryview(b"tea")
    closed.release()

    assert not TopicFilter(min_size=0).passes(message(Torn(tea=1)))
    assert not TopicFilter(min_size=0).passes(message(closed))


def test_the_size_of_a_text_is_that_of_its_bytes() -> None:
    assert TopicFilter(min_size=5, max_size=5).passes(message("caf\u00e9"))


def test_the_size_of_anything_else_is_that_of_its_messagepack() -> None:
    assert TopicFilter(max_size=4).passes(message({"a": 1}))
    assert not TopicFilter(max_size=3).passes(message({"a": 1}))


def test_the_size_of_a_reference_is_that_of_what_it_stands_for() -> None:
    reference = Reference("0" * 64, ReferenceType.TOOL_RESULT, "memory", 0.0, 0.0, size=5_000)

    assert TopicFilter(min_size=5_000, max_size=5_000).passes(message(reference))


def test_what_has_no_size_passes_no_bound() -> None:
    assert not TopicFilter(min_size=0).passes(message(object()))
    assert not TopicFilter(max_size=1_000).passes(message(2**70))


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"from_agents": "till"}, "from_agents is 'till'"),
        ({"from_agents": [""]}, "names of agents"),
        ({"metadata": {"shop": 7}}, "mapping of str to str"),
        ({"metadata": "shop"}, "metadata is 'shop'"),
        ({"min_size": -1}, "min_size is -1"),
        ({"max_size": True}, "max_size is True"),
        ({"min_size": 5, "max_size": 4}, "max_size is 4, which is less than min_size, 5"),
    ],
)
def test_a_filter_that_makes_no_sense_is_refused(given: dict[str, Any], why: str) -> None:
    with pytest.raises(BusRequestError, match=why):
        TopicFilter(**given)

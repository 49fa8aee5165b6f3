"""Patterns that would take long to match: there is a bound to what they are, and to what they cost."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors import PatternError
from actors.bus.long_patterns import is_long
from actors.bus.topics import pattern_of_topics
from actors.bus.trie import Node, Trie
from actors.pattern import parse_pattern

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from actors.bus import BusClient

LONG = "*" + "a" * 40


@pytest.mark.parametrize("pattern", [".".join(["**", "a"] * 16), "a*" * 16, "x." + "*a" * 16 + "." + "*b" * 16])
def test_as_many_wildcards_as_are_allowed_are_a_pattern(pattern: str) -> None:
    assert pattern_of_topics(pattern).text == pattern


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        (".".join(["**", "a"] * 17), "it has 17 '**'; at most 16 are allowed"),
        ("a*" * 17, "it has 17 '*' in segment 1; at most 16 are allowed"),
        ("x." + "*a" * 500, "it has 500 '*' in segment 2; at most 16 are allowed"),
    ],
)
async def test_more_wildcards_are_refused(bus: BusClient, pattern: str, why: str) -> None:
    asks: list[Callable[[str], Awaitable[object]]] = [bus.subscribe, bus.topics]
    for ask in asks:
        with pytest.raises(PatternError, match=re.escape(why)) as refused:
            await ask(pattern)

        assert len(str(refused.value)) < 160


@pytest.mark.parametrize("pattern", [LONG, "**" + ".a" * 40, "**." + "a*" * 15 + "." + "b*" * 15, "*" + "[ab]" * 9])
def test_a_pattern_that_may_be_matched_in_many_places_is_long(pattern: str) -> None:
    assert is_long(parse_pattern(pattern))


@pytest.mark.parametrize("pattern", ["a" * 500 + "*", "*" + "a" * 31, "a." * 100 + "**", "?" * 500, "**.b*a.c"])
def test_a_pattern_whose_beginning_says_where_it_matches_is_not_long(pattern: str) -> None:
    assert not is_long(parse_pattern(pattern))


async def test_a_long_pattern_is_subscribed_to_as_any_other(bus: BusClient) -> None:
    first, second = await bus.subscribe(LONG), await bus.subscribe(LONG)
    await bus.subscribe("a*")

    assert second.subscribers == 2
    assert await bus.publish("a" * 50, "tea") == (3, 0)
    assert await bus.publish("a" * 39, "tea") == (1, 0)
    assert (await bus.topic_statistics(LONG)).active_subscriptions == 2
    assert (await bus.topics(include_inactive=False))[0].name == LONG

    await first.aclose()
    assert await bus.publish("a" * 50, "tea") == (2, 0)
    await second.aclose()
    assert await bus.publish("a" * 50, "tea") == (1, 0)
    assert (await bus.statistics()).subscriptions == 1


async def test_subscriptions_to_long_patterns_end_with_their_bus(bus: BusClient) -> None:
    subscription = await bus.subscribe(LONG)
    await bus.close()

    assert subscription.ended
    assert await bus.subscriptions() == ()


async def test_a_long_pattern_is_not_looked_at_place_by_place(bus: BusClient, monkeypatch: pytest.MonkeyPatch) -> None:
    followed = 0
    follow = Node.follow

    def counting(node: Node[object], item: str, found: dict[Node[object], None]) -> None:
        nonlocal followed
        followed += 1
        follow(node, item, found)

    monkeypatch.setattr(Node, "follow", counting)
    for pattern in ("*" + "a" * 500, "**." + ".".join("a" * 500), "*" + "a" * 30):
        await bus.subscribe(pattern)

    assert await bus.publish("a" * 1000, "tea") == (2, 0)
    assert followed < 34_000, "500 places for each of 1,000 characters were looked at"


@given(
    st.lists(st.sampled_from(["*", "**", "a*", "*a" * 9, "?a*a", "a" * 40 + "*b", "*" + "ab" * 20, "a"]), min_size=1),
    st.lists(st.sampled_from(["a", "ab", "a" * 20, "ab" * 20, "b", "a" * 41 + "b"]), min_size=1),
)
def test_long_patterns_match_as_a_trie_would(pattern: list[str], topic: list[str]) -> None:
    parsed = parse_pattern(".".join(pattern)[:1024].rstrip("."))
    trie: Trie[bool] = Trie()
    trie.add(parsed.steps, 1, value=True)

    assert bool(trie.find(topic)) == parsed.matches(".".join(topic))

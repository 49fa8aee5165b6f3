"""Which topics a pattern stands for, and which texts are none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors import PatternError
from actors.bus import BadTopicError
from actors.bus.topics import is_pattern, pattern_of_topics, segments_of
from actors.bus.trie import Trie
from actors.pattern import MAX_LENGTH, parse_pattern


def matches(pattern: str, topic: str) -> bool:
    trie: Trie[str] = Trie()
    trie.add(parse_pattern(pattern).steps, "only", pattern)
    return trie.find(segments_of(topic)) == [pattern]


@pytest.mark.parametrize(
    ("pattern", "topic"),
    [
        ("orders", "orders"),
        ("orders.*", "orders.new"),
        ("*", "orders"),
        ("*.*", "orders.new"),
        ("**", "orders.new.7"),
        ("orders.**", "orders.new"),
        ("orders.**", "orders.new.7"),
        ("**.failed", "failed"),
        ("**.failed", "orders.new.failed"),
        ("orders.**.failed", "orders.failed"),
        ("orders.**.failed", "orders.new.7.failed"),
        ("orders.**.**", "orders.new"),
        ("till-?", "till-7"),
        ("till-[0-9]", "till-7"),
        ("till-[!0-9]", "till-x"),
        ("till-[^ab]", "till-c"),
        ("till-[a-]", "till--"),
        ("till*", "till"),
        ("*-error", "disk-error"),
        ("a*b*c", "axxbyyc"),
        ("a/*", "a/b/c"),
        ("caf\u00e9.*", "caf\u00e9.neu"),
    ],
)
def test_matches(pattern: str, topic: str) -> None:
    assert matches(pattern, topic)


@pytest.mark.parametrize(
    ("pattern", "topic"),
    [
        ("orders", "Orders"),
        ("orders", "orders.new"),
        ("orders.*", "orders"),
        ("orders.*", "orders.new.7"),
        ("*", "orders.new"),
        ("orders.**", "orders"),
        ("orders.**", "order.new"),
        ("orders.**.failed", "orders.failed.late"),
        ("orders.**.**", "orders"),
        ("till-?", "till-"),
        ("till-?", "till-10"),
        ("till?7", "till.7"),
        ("till-[0-9]", "till-x"),
        ("till-[!0-9]", "till-7"),
        ("till*", "till.7"),
        ("a*b*c", "axxbyy"),
    ],
)
def test_does_not_match(pattern: str, topic: str) -> None:
    assert not matches(pattern, topic)


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("", "not empty"),
        (7, "got 7"),
        ("a..b", "segment 2 is empty"),
        (".a", "segment 1 is empty"),
        ("a.", "segment 2 is empty"),
        ("a.b**", "segment of its own"),
        ("***", "segment of its own"),
        ("a.[", "not closed"),
        ("[.]", "not closed"),
        ("[]", "no characters"),
        ("[!]", "no characters"),
        ("[z-a]", "ends before it begins"),
        ("[a*]", "no topic has"),
        ("a]", "has ']', which no topic has"),
        ("a\\*", "no topic has"),
        ("a b", "it has ' ', which no topic has"),
        ("a\nb", r"it has '\\n', which no topic has"),
        ("a" * (MAX_LENGTH + 1), f"has {MAX_LENGTH + 1} characters"),
    ],
)
def test_a_malformed_pattern_is_refused(pattern: str, why: str) -> None:
    with pytest.raises(PatternError, match=why):
        pattern_of_topics(pattern)


@pytest.mark.parametrize(
    ("topic", "why"),
    [
        ("", "not empty"),
        (None, "got None"),
        ("a..b", "'a..b' is no topic: segment 2 is empty"),
        ("orders.*", r"it has '\*', which no topic has"),
        ("a[b]", r"it has '\[', which no topic has"),
        ("a\tb", "no topic has"),
        ("t" * 10_000, "has 10000 characters; at most 1024"),
    ],
)
def test_a_topic_that_is_none_is_refused(topic: str, why: str) -> None:
    with pytest.raises(BadTopicError, match=why):
        segments_of(topic)


def test_a_long_text_is_not_repeated_in_its_error() -> None:
    with pytest.raises(BadTopicError) as refused:
        segments_of("t" * 10_000)

    assert len(str(refused.value)) < 200


def test_a_text_of_the_greatest_length_is_a_topic() -> None:
    assert segments_of("t" * MAX_LENGTH) == ["t" * MAX_LENGTH]


def test_a_pattern_is_told_by_its_characters() -> None:
    assert [is_pattern(text) for text in ("a.b", "a.*", "a?", "[ab]")] == [False, True, True, True]


# -- the one that shared memory goes by, and many at once


topics = st.lists(st.text("ab", min_size=1, max_size=3), min_size=1, max_size=5).map(".".join)
globs = st.lists(st.sampled_from(["a", "b", "*", "[ab]", "[!a]"]), min_size=1, max_size=3).map("".join)
segments = st.one_of(st.text("ab", min_size=1, max_size=3), st.just("*"), st.just("**"), globs)
patterns = st.lists(segments.filter(lambda text: "**" not in text or text == "**"), min_size=1, max_size=5).map(
    ".".join
)


@pytest.mark.slow
@given(st.lists(patterns, max_size=12, unique=True), topics)
def test_a_trie_finds_what_matches_by_itself(kept: list[str], topic: str) -> None:
    trie: Trie[str] = Trie()
    for pattern in kept:
        trie.add(parse_pattern(pattern).steps, pattern, pattern)

    found = trie.find(segments_of(topic))

    assert sorted(found) == sorted(pattern for pattern in kept if parse_pattern(pattern).matches(topic))


@pytest.mark.slow
@given(st.lists(patterns, min_size=1, max_size=12, unique=True), st.data())
def test_a_trie_forgets_what_was_removed_and_nothing_else(kept: list[str], data: st.DataObject) -> None:
    trie: Trie[str] = Trie()
    for pattern in kept:
        trie.add(parse_pattern(pattern).steps, pattern, pattern)
    removed = data.draw(st.lists(st.sampled_from(kept), unique=True))
    topic = data.draw(topics)
    before = trie.find(segments_of(topic))

    for pattern in removed:
        trie.remove(parse_pattern(pattern).steps, pattern)

    assert trie.find(segments_of(topic)) == [pattern for pattern in before if pattern not in removed]
    assert len(trie) == len(kept) - len(removed)
    assert trie.bare is (len(trie) == 0)


def test_values_of_one_pattern_are_told_apart_by_their_keys() -> None:
    trie: Trie[str] = Trie()
    trie.add(parse_pattern("a.*").steps, 1, "first")
    trie.add(parse_pattern("a.*").steps, 2, "second")
    trie.add(parse_pattern("a.*").steps, 1, "first again")

    assert trie.find(["a", "b"]) == ["first again", "second"]
    assert trie.remove(parse_pattern("a.*").steps, 1) == "first again"
    assert trie.find(["a", "b"]) == ["second"]


@pytest.mark.parametrize("pattern", ["b", "a.*", "a"])
def test_what_a_trie_does_not_have_cannot_be_removed(pattern: str) -> None:
    trie: Trie[str] = Trie()
    trie.add(parse_pattern("a.b").steps, 1, "value")

    with pytest.raises(KeyError):
        trie.remove(parse_pattern(pattern).steps, 1)

    assert trie.find(["a", "b"]) == ["value"]


def test_many_stars_are_not_tried_in_all_their_ways() -> None:
    trie: Trie[str] = Trie()
    trie.add(parse_pattern(".".join(["**", "a"] * 40)).steps, 1, "never")

    assert trie.find(["a"] * 39 + ["b"] * 400) == []

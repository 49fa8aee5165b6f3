"""Patterns are read segment by segment; what is malformed is refused."""

from __future__ import annotations

import re
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.pattern import PatternError, parse_pattern


@pytest.mark.parametrize(
    ("pattern", "meant", "not_meant"),
    [
        ("a.b", ["a.b"], ["a", "a.b.c", "a_b"]),
        ("*", ["a", "tea pot"], ["a.b", ""]),
        ("a.*", ["a.b"], ["a", "a.b.c", "a."]),
        ("k*", ["k", "key", "k:1"], ["k.1", "ak"]),
        ("*-done", ["-done", "tea-done"], ["a.b-done", "done"]),
        ("a*b*c", ["abc", "a--b--c", "abbcc"], ["acb", "ab.c"]),
        ("**", ["a", "a.b", "a..b"], [""]),
        ("a.**", ["a.b", "a.b.c"], ["a", "b.a"]),
        ("**.z", ["z", "a.z", "a.b.z"], ["az", "z.a"]),
        ("a.**.m.**.z", ["a.m.z", "a.b.m.c.d.z", "a.m.m.z"], ["a.z", "a.m", "a.b.z"]),
        ("a.**.**", ["a.b", "a.b.c"], ["a"]),
        ("?", ["a"], ["", "ab", "."]),
        ("v[0-9]", ["v1"], ["v", "va", "v12"]),
        ("v[!0-9]", ["va"], ["v1", "v."]),
        ("v[^0-9]", ["va"], ["v1"]),
        ("[*]", ["*"], ["a"]),
        (r"[\^&]", ["\\", "^", "&"], ["a"]),
        ("a+(b)", ["a+(b)"], ["aab"]),
        ("a\nb*", ["a\nb", "a\nb\n"], ["a b"]),
    ],
)
def test_a_pattern_means_what_it_says(pattern: str, meant: list[str], not_meant: list[str]) -> None:
    parsed = parse_pattern(pattern)

    assert [name for name in meant if not parsed.matches(name)] == []
    assert [name for name in not_meant if parsed.matches(name)] == []


@pytest.mark.parametrize("pattern", ["", ".", "a..b", ".a", "a.", "a**", "**a.b", "a.[bc", "[]", "[!]", "[z-a]", "[.]"])
def test_a_malformed_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(PatternError, match=re.escape(repr(pattern))):
        parse_pattern(pattern)


def test_a_pattern_that_is_too_long_is_refused() -> None:
    with pytest.raises(PatternError, match="has 10000 characters; at most 1024 are allowed"):
        parse_pattern("a" * 10_000)


def test_what_is_no_text_is_refused() -> None:
    with pytest.raises(PatternError, match="got 7"):
        parse_pattern(7)  # type: ignore[arg-type]


def test_many_wildcards_take_no_exponential_time() -> None:
    name = ".".join(["a" * 10] * 90)

    assert not parse_pattern("**.a*a*a*a*a*a*." * 20 + "b").matches(name)
    assert not parse_pattern("a*" * 200 + "b").matches("a" * 1000)


def expected(pattern: list[str], name: list[str]) -> bool:
    """Say what a pattern of whole segments means, slowly."""
    if not pattern:
        return not name
    if pattern[0] == "**":
        least = 1 if len(pattern) == 1 else 0
        return any(expected(pattern[1:], name[skipped:]) for skipped in range(least, len(name) + 1))
    return bool(name) and pattern[0] in ("*", name[0]) and expected(pattern[1:], name[1:])


NAMES = [list(name) for length in range(1, 5) for name in product("ab", repeat=length)]


@given(st.lists(st.sampled_from(["a", "b", "*", "**"]), min_size=1, max_size=5))
def test_patterns_of_whole_segments_mean_what_the_rules_say(pattern: list[str]) -> None:
    parsed = parse_pattern(".".join(pattern))

    assert [name for name in NAMES if parsed.matches(".".join(name)) != expected(pattern, name)] == []

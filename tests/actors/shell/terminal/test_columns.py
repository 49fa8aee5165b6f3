"""How tables are laid out: what is folded where there is little room, and what never is."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.shell.terminal.columns import Column, folded, table

WORDS = st.text(st.characters(categories=["L", "N", "P", "Zs"]), max_size=30)
COLUMNS = st.integers(1, 4).flatmap(
    lambda count: st.lists(st.tuples(*[WORDS] * count), min_size=1, max_size=5).map(
        lambda rows: list(zip(*rows, strict=True))
    )
)


def lines(columns: list[Column], most: int) -> list[str]:
    titles, rows = table(columns, most)
    return titles + rows


def test_columns_are_as_wide_as_what_is_in_them() -> None:
    columns = [Column("id", ["#7", "#12"], number=True), Column("actor", ["till", "the baker"])]

    assert lines(columns, 80) == [" id  actor", " #7  till", "#12  the baker"]


def test_what_has_no_room_is_folded_between_words() -> None:
    columns = [Column("actor", ["mill"]), Column("state", ["running handle_cast(Loaf) for long"]), Column("n", ["1"])]

    assert lines(columns, 32) == [
        "actor  state                   n",
        "mill   running                 1",
        "       handle_cast(Loaf) for",
        "       long",
    ]


@pytest.mark.parametrize("took", ["5.7 s", "12 µs", "450 ms", "10.0 min", "2.0 h", "2.3 d"])
def test_a_duration_is_in_one_line_however_narrow_it_is(took: str) -> None:
    state = Column("state", [f"running handle_cast(Loaf) for at most {took}"])
    columns = [Column("ago", [took]), state, Column("for", [took])]

    shown = ["\n".join(table(columns, most)[1]) for most in range(1, 60)]

    assert [text for text in shown if text.count(took) != 3] == []


def test_a_time_is_in_one_line_where_words_are_broken() -> None:
    words = [Column(f"c{place}", ["handle_cast(Loaf)"]) for place in range(3)]

    _, rows = table([Column("when", ["11-21 17:29:07.578"]), *words], 42)

    assert rows == [
        "11-21         handle_c  handle_c  handle_c",
        "17:29:07.578  ast(Loaf  ast(Loaf  ast(Loaf",
        "              )         )         )",
    ]


def test_a_table_that_cannot_be_so_narrow_breaks_long_words_only() -> None:
    columns = [Column("actor", ["till", "x" * 30]), Column("handled", ["7", "8"], number=True)]

    assert lines(columns, 5) == [
        "actor             handled",
        "till                    7",
        "x" * 16 + "        8",
        "x" * 14,
    ]


def test_a_word_that_is_wider_than_its_column_is_broken() -> None:
    columns = [Column("actor", ["x" * 50]), Column("handled", ["7"], number=True)]

    assert lines(columns, 29) == ["actor                 handled", "x" * 20 + "        7", "x" * 20, "x" * 10]


def test_wide_characters_take_two_cells() -> None:
    columns = [Column("actor", ["面包师", "till"]), Column("n", ["1", "2"], number=True)]

    assert lines(columns, 80) == ["actor   n", "面包师  1", "till    2"]
    assert folded("面包师", 4) == ["面包", "师"]


def test_folding_loses_no_spaces_within_a_line() -> None:
    assert folded("two  spaces here", 12) == ["two  spaces", "here"]


@given(COLUMNS, st.integers(1, 120))
def test_nothing_is_lost_whatever_the_width(cells: list[tuple[str, ...]], most: int) -> None:
    columns = [Column(f"c{place}", texts) for place, texts in enumerate(cells)]

    shown = "".join(lines(columns, most))

    wanted = "".join("".join(texts) for texts in cells)
    assert sorted(re.sub(r"\s|c\d", "", shown)) == sorted(re.sub(r"\s|c\d", "", wanted))

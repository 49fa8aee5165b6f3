"""What is shown of rows of any shape."""

from __future__ import annotations

from typing import Any

import pytest

from actors.shell.terminal.answers import show_answer


@pytest.fixture
def shown(capsys: pytest.CaptureFixture[str]) -> Any:
    """Return what shows rows, and gives back the lines."""

    def show(*rows: Any) -> list[str]:
        show_answer(rows)
        return [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]

    return show


def test_rows_of_different_keys_are_one_table(shown: Any) -> None:
    assert shown({"a": 1}, {"b": 2, "a": True}) == ["a b", "1", "true 2"]


def test_what_holds_other_values_is_shown_as_json(shown: Any) -> None:
    assert shown({"open": {"till": [1, None]}, "raw": b"\xff"}) == ["open raw", "{\"till\": [1, null]} b'\\xff'"]


def test_rows_of_many_keys_are_shown_key_by_key(shown: Any) -> None:
    row = {f"key{number}": number for number in range(9)}

    assert shown(row, row)[:2] == ["key0 0", "key1 1"]
    assert shown(row, row)[9] == ""


def test_rows_without_keys_are_a_line_each(shown: Any) -> None:
    assert shown("one\ntwo", [1, {"x": None}], 7) == ["one\\ntwo", '[1, {"x": null}]', "7"]


def test_an_answer_of_no_rows_is_told(shown: Any) -> None:
    assert shown() == ["nothing"]


def test_a_terminal_obeys_neither_keys_nor_values(shown: Any) -> None:
    lines = shown({"\x1b[31mred": "\x07", "[bold]": "[red]x"})

    assert lines == ["\\x1b[31mred [bold]", "\\x07 [red]x"]
